"""Attempts to reach a borrower, append-only; a visit in progress may end because nobody can be reached."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept

# The same table as followups.rules.states.LEGAL and WITH_OUTCOME; tests hold them together.
LEGAL_STATES = """
CREATE OR REPLACE FUNCTION refuse_illegal_task_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('PLANNED', 'IN_PROGRESS'), ('PLANNED', 'CLOSED'), ('PLANNED', 'CANCELLED'),
        ('IN_PROGRESS', 'SUBMITTED'), ('SUBMITTED', 'RETURNED'), ('SUBMITTED', 'CLOSED'),
        ('RETURNED', 'SUBMITTED')
    ) AND NOT (OLD.state = 'IN_PROGRESS' AND NEW.state = 'CLOSED' AND NEW.outcome = 'SUSPECTED_LOST') THEN
        RAISE EXCEPTION 'task % may not go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
AS_BEFORE = LEGAL_STATES.replace(
    " AND NOT (OLD.state = 'IN_PROGRESS' AND NEW.state = 'CLOSED' AND NEW.outcome = 'SUSPECTED_LOST')", ""
)


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0004_evening"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="taskevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("PLANNED", "生成任务"),
                    ("BROUGHT_FORWARD", "提前"),
                    ("RESCHEDULED", "改约"),
                    ("ASSIGNED", "分派"),
                    ("STARTED", "开始回访"),
                    ("SUBMITTED", "提交报告"),
                    ("RETURNED", "退回修改"),
                    ("APPROVED", "审核通过"),
                    ("CLOSED", "办结"),
                    ("CANCELLED", "撤销"),
                    ("HANDED_TO_PERSON", "转人工"),
                    ("ATTEMPTED", "联系客户"),
                    ("METHOD_CHANGED", "改变方式"),
                    ("SECOND_SIGNED", "协办人签署意见"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="visittask",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("APPROVED", "审核通过"),
                    ("CLEAN", "非现场无异常，自动办结"),
                    ("PAID", "已还清逾期，自动办结"),
                    ("MERGED", "并入更高级别任务"),
                    ("REPLANNED", "策略调整"),
                    ("SETTLED", "贷款已结清"),
                    ("SUSPECTED_LOST", "疑似失联"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="VisitAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("OFF_SITE", "非现场检查"),
                            ("PHONE", "电话回访"),
                            ("FIELD", "实地走访"),
                            ("VIDEO", "视频回访"),
                            ("COUNTER", "网点面谈"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("REACHED", "接通本人"),
                            ("NO_ANSWER", "无人接"),
                            ("SWITCHED_OFF", "关机"),
                            ("NOT_IN_SERVICE", "空号"),
                            ("WRONG_PERSON", "非本人"),
                            ("REFUSED", "拒绝"),
                            ("APPOINTED", "约时间"),
                        ],
                        max_length=16,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("recording", models.CharField(blank=True, max_length=40, verbose_name="录音编号")),
                ("next_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="followups.visittask"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["task", "id"], name="attempt_by_task")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "outcome__in",
                                [
                                    "REACHED",
                                    "NO_ANSWER",
                                    "SWITCHED_OFF",
                                    "NOT_IN_SERVICE",
                                    "WRONG_PERSON",
                                    "REFUSED",
                                    "APPOINTED",
                                ],
                            )
                        ),
                        name="attempt_ends_in_a_known_way",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "REFUSED"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="refusal_has_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome", "APPOINTED"), _negated=True),
                            ("next_at__isnull", False),
                            _connector="OR",
                        ),
                        name="appointment_has_an_hour",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("next_at__isnull", True), ("next_at__gt", models.F("at")), _connector="OR"),
                        name="next_attempt_is_later",
                    ),
                ],
            },
        ),
        history_is_kept("followups_visitattempt"),
        migrations.RunSQL(LEGAL_STATES, AS_BEFORE),
    ]
