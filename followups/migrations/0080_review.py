"""Review: two reviewers for red reports, hints, openings, measures; a report that was endorsed stands as endorsed."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from journal.history import history_is_kept

# What was submitted, endorsed and decided stands; a decision is made once; the PDF may be added once.
REPORT_IS_KEPT = """
CREATE OR REPLACE FUNCTION refuse_report_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'SUBMITTED'
            AND (NEW.state, NEW.decided_by_id, NEW.decision_note, NEW.return_code, NEW.decision)
            IS DISTINCT FROM (OLD.state, OLD.decided_by_id, OLD.decision_note, OLD.return_code, OLD.decision)
       OR (OLD.content, OLD.content_sha256, OLD.visit_id, OLD.version, OLD.submitted_by_id, OLD.conclusion,
           OLD.accompanied_by_id, OLD.is_clean, OLD.needs_risk_head)
            IS DISTINCT FROM (NEW.content, NEW.content_sha256, NEW.visit_id, NEW.version, NEW.submitted_by_id,
            NEW.conclusion, NEW.accompanied_by_id, NEW.is_clean, NEW.needs_risk_head)
       OR OLD.endorsed_by_id IS NOT NULL AND (NEW.endorsed_by_id, NEW.endorsed_at, NEW.endorsement)
            IS DISTINCT FROM (OLD.endorsed_by_id, OLD.endorsed_at, OLD.endorsement)
       OR OLD.pdf_id IS NOT NULL AND NEW.pdf_id IS DISTINCT FROM OLD.pdf_id THEN
        RAISE EXCEPTION 'report % is submitted and stands; a change is a new version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
AS_BEFORE = """
CREATE OR REPLACE FUNCTION refuse_report_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'SUBMITTED' AND (NEW.state, NEW.decided_by_id, NEW.decision_note)
            IS DISTINCT FROM (OLD.state, OLD.decided_by_id, OLD.decision_note)
       OR (OLD.content, OLD.content_sha256, OLD.visit_id, OLD.version, OLD.submitted_by_id, OLD.conclusion)
            IS DISTINCT FROM
            (NEW.content, NEW.content_sha256, NEW.visit_id, NEW.version, NEW.submitted_by_id, NEW.conclusion)
       OR OLD.pdf_id IS NOT NULL AND NEW.pdf_id IS DISTINCT FROM OLD.pdf_id THEN
        RAISE EXCEPTION 'report % is submitted and stands; a change is a new version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
# What waits goes on under the new rules; what was decided was decided under the old ones.
WAITING = """
SET CONSTRAINTS ALL IMMEDIATE;
UPDATE followups_visitreport r
   SET accompanied_by_id = v.second_visitor_id,
       needs_risk_head = r.state = 'SUBMITTED' AND r.level = 1,
       is_clean = r.state = 'SUBMITTED' AND v.method = 'PHONE' AND r.level > 2 AND r.version = 1
                  AND r.conclusion = 'NO_CONCERN' AND r.difference_count = 0
                  AND jsonb_array_length(coalesce(r.content -> 'requests', '[]')) = 0
                  AND r.suggested_class = r.content #>> '{conclusion,class_now,code}'
  FROM followups_visit v
 WHERE v.id = r.visit_id AND (v.second_visitor_id IS NOT NULL OR r.state = 'SUBMITTED');
SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0062_look_on"),
        ("journal", "0003_night"),
        ("loans", "0023_chunks_read_their_part"),
        ("people", "0011_certificates_entered"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Measure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.CharField(blank=True, max_length=300)),
                ("due_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[("OPEN", "办理中"), ("DONE", "已落实"), ("DROPPED", "不再需要")],
                        default="OPEN",
                        max_length=8,
                    ),
                ),
                ("opened_at", models.DateTimeField()),
                ("opened_on", models.DateField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_on", models.DateField(null=True)),
                ("ended_words", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="ReportHint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("QUICK", "作答过快"),
                            ("LATE_HOUR", "深夜录入"),
                            ("MONTH_END", "月末集中"),
                            ("NO_RECORDING", "无录音"),
                            ("LOOK_ALIKE", "文字雷同"),
                            ("PHOTO_REUSED", "照片重复"),
                        ],
                        max_length=12,
                    ),
                ),
                ("data", models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name="ReportOpening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ReportText",
            fields=[
                (
                    "report",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="words",
                        serialize=False,
                        to="followups.visitreport",
                    ),
                ),
                ("bands", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        ),
        migrations.CreateModel(
            name="ResponseMeasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name_zh", models.CharField(max_length=40)),
                ("name_en", models.CharField(max_length=80)),
                ("conclusions", models.JSONField(default=list)),
                ("workdays", models.PositiveSmallIntegerField()),
                ("ordinal", models.PositiveSmallIntegerField()),
                ("is_active", models.BooleanField(default=True)),
            ],
        ),
        migrations.AddField(
            model_name="visitreport",
            name="accompanied_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="decision",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="endorsed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="endorsed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="endorsement",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="is_clean",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="needs_risk_head",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="return_code",
            field=models.CharField(
                blank=True,
                choices=[
                    ("NO_EVIDENCE", "佐证缺失"),
                    ("NOT_VERIFIED", "核实不足"),
                    ("INCONSISTENT", "前后不一致"),
                    ("CONCLUSION", "结论依据不足"),
                    ("MEASURES", "措施不当或缺失"),
                    ("FORMALISM", "雷同或走过场"),
                    ("OTHER", "其他"),
                ],
                db_default="",
                max_length=12,
            ),
        ),
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
                    ("FILE_ADDED", "添加附件"),
                    ("FILE_REMOVED", "移除附件"),
                    ("PAUSED", "计时暂停"),
                    ("RESUMED", "恢复计时"),
                    ("SECOND_PROPOSED", "建议协办人"),
                    ("LEVELLED", "均衡提前"),
                    ("ALARMED", "首次回访告警"),
                    ("SKIP_ASKED", "申请免访"),
                    ("SKIP_REFUSED", "不同意免访"),
                    ("ENDORSED", "主管审核，待风险审核"),
                ],
                max_length=20,
            ),
        ),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accompanied_by__isnull", True),
                    ("decided_by__isnull", True),
                    models.Q(("decided_by", models.F("accompanied_by")), _negated=True),
                    _connector="OR",
                ),
                name="reviewer_did_not_go_along",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("endorsed_by__isnull", True),
                    models.Q(
                        models.Q(("endorsed_by", models.F("submitted_by")), _negated=True),
                        models.Q(
                            ("accompanied_by__isnull", True),
                            models.Q(("endorsed_by", models.F("accompanied_by")), _negated=True),
                            _connector="OR",
                        ),
                        models.Q(
                            ("decided_by__isnull", True),
                            models.Q(("endorsed_by", models.F("decided_by")), _negated=True),
                            _connector="OR",
                        ),
                    ),
                    _connector="OR",
                ),
                name="endorser_is_somebody_else",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("endorsed_at__isnull", True), ("endorsed_by__isnull", True)),
                    models.Q(
                        ("endorsed_at__isnull", False),
                        ("endorsed_by__isnull", False),
                        ("needs_risk_head", True),
                        models.Q(("endorsement", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="endorsement_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("needs_risk_head", True), ("state", "APPROVED"), _negated=True),
                    ("endorsed_by__isnull", False),
                    _connector="OR",
                ),
                name="red_report_has_two_reviewers",
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="branch",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="people.branch"),
        ),
        migrations.AddField(
            model_name="measure",
            name="ended_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="loan",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="measures",
                to="loans.loan",
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="opened_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="owner",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="measures",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="measure",
            name="report",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="measures", to="followups.visitreport"
            ),
        ),
        migrations.AddField(
            model_name="reporthint",
            name="other",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.visitreport",
            ),
        ),
        migrations.AddField(
            model_name="reporthint",
            name="report",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="hints",
                to="followups.visitreport",
            ),
        ),
        migrations.AddField(
            model_name="reportopening",
            name="by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reportopening",
            name="report",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="openings",
                to="followups.visitreport",
            ),
        ),
        migrations.AddIndex(
            model_name="reporttext",
            index=django.contrib.postgres.indexes.GinIndex(fields=["bands"], name="report_text_bands"),
        ),
        migrations.AddField(
            model_name="measure",
            name="kind",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="followups.responsemeasure"),
        ),
        migrations.AddIndex(
            model_name="reporthint",
            index=models.Index(fields=["report", "id"], name="hint_by_report"),
        ),
        migrations.AddConstraint(
            model_name="reporthint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("code__in", ["QUICK", "LATE_HOUR", "MONTH_END", "NO_RECORDING", "LOOK_ALIKE", "PHOTO_REUSED"])
                ),
                name="hint_is_a_known_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="reporthint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code", "LOOK_ALIKE"), ("other__isnull", False)),
                    models.Q(models.Q(("code", "LOOK_ALIKE"), _negated=True), ("other__isnull", True)),
                    _connector="OR",
                ),
                name="look_alike_names_its_other",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportopening",
            constraint=models.UniqueConstraint(fields=("report", "by"), name="report_opened_once_a_person"),
        ),
        migrations.AddIndex(
            model_name="measure",
            index=models.Index(fields=["loan", "-id"], name="measure_by_loan"),
        ),
        migrations.AddIndex(
            model_name="measure",
            index=models.Index(
                condition=models.Q(("state", "OPEN")), fields=["owner", "due_on", "id"], name="measure_to_do"
            ),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.UniqueConstraint(fields=("report", "kind"), name="measure_once_a_report_and_kind"),
        ),
        migrations.AddConstraint(
            model_name="measure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("ended_by__isnull", True),
                        ("ended_on__isnull", True),
                        ("state", "OPEN"),
                    ),
                    models.Q(
                        models.Q(("state", "OPEN"), _negated=True),
                        models.Q(("ended_words", ""), _negated=True),
                        ("ended_at__isnull", False),
                        ("ended_by__isnull", False),
                        ("ended_on__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="ended_measure_says_by_whom",
            ),
        ),
        migrations.RunSQL(REPORT_IS_KEPT, AS_BEFORE),
        history_is_kept("followups_reporthint"),
        history_is_kept("followups_reportopening"),
        history_is_kept("followups_reporttext"),
    ]
