"""更正: an approved report may give way to a later version that names it; nothing else of it ever changes."""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


# As in 0171; and an approved report becomes a corrected one when it names its successor, once.
REPORT_IS_KEPT = """
CREATE OR REPLACE FUNCTION refuse_report_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'SUBMITTED'
            AND (NEW.decided_by_id, NEW.decided_at, NEW.decision_note, NEW.return_code, NEW.decision)
            IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.decision_note, OLD.return_code, OLD.decision)
       OR (NEW.state, NEW.corrected_by_id) IS DISTINCT FROM (OLD.state, OLD.corrected_by_id)
            AND NOT (OLD.state = 'SUBMITTED' AND NEW.state IN ('RETURNED', 'APPROVED') AND NEW.corrected_by_id IS NULL)
            AND NOT (OLD.state = 'APPROVED' AND NEW.state = 'CORRECTED' AND NEW.corrected_by_id IS NOT NULL)
       OR (OLD.content, OLD.content_sha256, OLD.visit_id, OLD.version, OLD.submitted_by_id, OLD.conclusion,
           OLD.accompanied_by_id, OLD.is_clean, OLD.needs_risk_head, OLD.corrects_id)
            IS DISTINCT FROM (NEW.content, NEW.content_sha256, NEW.visit_id, NEW.version, NEW.submitted_by_id,
            NEW.conclusion, NEW.accompanied_by_id, NEW.is_clean, NEW.needs_risk_head, NEW.corrects_id)
       OR OLD.endorsed_by_id IS NOT NULL AND (NEW.endorsed_by_id, NEW.endorsed_at, NEW.endorsement)
            IS DISTINCT FROM (OLD.endorsed_by_id, OLD.endorsed_at, OLD.endorsement)
       OR OLD.pdf_id IS NOT NULL AND (NEW.pdf_id, NEW.template_id) IS DISTINCT FROM (OLD.pdf_id, OLD.template_id) THEN
        RAISE EXCEPTION 'report % is submitted and stands; a change is a new version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
AS_BEFORE = """
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
       OR OLD.pdf_id IS NOT NULL AND (NEW.pdf_id, NEW.template_id) IS DISTINCT FROM (OLD.pdf_id, OLD.template_id) THEN
        RAISE EXCEPTION 'report % is submitted and stands; a change is a new version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
# Why, by whom and from what a correction was opened stands; it goes forward, and what has ended stays as it ended.
CORRECTION_IS_KEPT = """
CREATE FUNCTION refuse_correction_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('APPROVED', 'WITHDRAWN')
       OR (OLD.state, NEW.state) NOT IN (('OPEN', 'OPEN'), ('OPEN', 'SUBMITTED'), ('OPEN', 'WITHDRAWN'),
            ('SUBMITTED', 'SUBMITTED'), ('SUBMITTED', 'OPEN'), ('SUBMITTED', 'APPROVED'), ('SUBMITTED', 'WITHDRAWN'))
       OR OLD.state = 'SUBMITTED' AND NEW.draft IS DISTINCT FROM OLD.draft
       OR (OLD.visit_id, OLD.branch_id, OLD.corrects_id, OLD.code, OLD.words, OLD.opened_by_id, OLD.opened_at,
           OLD.opened_on, OLD.officer_id, OLD.before, OLD.after_version)
            IS DISTINCT FROM (NEW.visit_id, NEW.branch_id, NEW.corrects_id, NEW.code, NEW.words, NEW.opened_by_id,
            NEW.opened_at, NEW.opened_on, NEW.officer_id, NEW.before,
            NEW.after_version) THEN
        RAISE EXCEPTION 'correction % stands as it was opened and as it ended', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER correction_is_kept BEFORE UPDATE OR DELETE ON followups_reportcorrection
    FOR EACH ROW EXECUTE FUNCTION refuse_correction_change();
"""
CORRECTION_IS_KEPT_NO_MORE = """
DROP TRIGGER correction_is_kept ON followups_reportcorrection;
DROP FUNCTION refuse_correction_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0171_report_templates"),
        ("journal", "0003_night"),
        ("people", "0090_relations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReportCorrection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("after_version", models.PositiveSmallIntegerField()),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("WRONG_ENTRY", "录入有误"),
                            ("OMITTED", "遗漏事项"),
                            ("NEW_EVIDENCE", "取得新的佐证"),
                            ("OBJECTION", "客户提出异议"),
                            ("INSPECTION", "检查或审计发现"),
                            ("OTHER", "其他"),
                        ],
                        max_length=12,
                    ),
                ),
                ("words", models.CharField(max_length=300)),
                ("opened_at", models.DateTimeField()),
                ("opened_on", models.DateField()),
                ("due_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("OPEN", "修改中"),
                            ("SUBMITTED", "待审核"),
                            ("APPROVED", "已更正"),
                            ("WITHDRAWN", "已撤回"),
                        ],
                        default="OPEN",
                        max_length=10,
                    ),
                ),
                ("before", models.JSONField()),
                ("draft", models.JSONField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_words", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="visitreport",
            name="one_live_report_a_visit",
        ),
        migrations.RemoveConstraint(
            model_name="visitreport",
            name="red_report_has_two_reviewers",
        ),
        migrations.AddField(
            model_name="visitreport",
            name="corrected_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.visitreport",
            ),
        ),
        migrations.AddField(
            model_name="visitreport",
            name="corrects",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.visitreport",
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
                    ("REASSIGN_ASKED", "申请改派"),
                    ("REASSIGN_REFUSED", "不同意改派"),
                    ("ENDORSED", "主管审核，待风险审核"),
                    ("TO_TELL", "结果待告知客户"),
                    ("TOLD", "已告知客户"),
                    ("TOLD_UNDONE", "更正：尚未告知"),
                    ("JOINED", "并入一次回访"),
                    ("SPLIT", "拆开办理"),
                    ("CORRECTION_OPENED", "发起更正"),
                    ("CORRECTION_SUBMITTED", "提交更正"),
                    ("CORRECTION_RETURNED", "退回更正"),
                    ("CORRECTION_WITHDRAWN", "撤回更正"),
                    ("CORRECTED", "更正生效"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="visitreport",
            name="state",
            field=models.CharField(
                choices=[
                    ("SUBMITTED", "待审核"),
                    ("RETURNED", "退回修改"),
                    ("APPROVED", "审核通过"),
                    ("CORRECTED", "已更正"),
                ],
                default="SUBMITTED",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "SUBMITTED")), fields=("visit",), name="one_report_in_review_a_visit"
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "APPROVED")), fields=("visit",), name="one_report_in_force_a_visit"
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("needs_risk_head", True), ("state__in", ["APPROVED", "CORRECTED"]), _negated=True),
                    ("endorsed_by__isnull", False),
                    _connector="OR",
                ),
                name="red_report_has_two_reviewers",
            ),
        ),
        migrations.AddConstraint(
            model_name="visitreport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("corrected_by__isnull", False), ("state", "CORRECTED")),
                    models.Q(models.Q(("state", "CORRECTED"), _negated=True), ("corrected_by__isnull", True)),
                    _connector="OR",
                ),
                name="corrected_report_names_its_successor",
            ),
        ),
        migrations.AddField(
            model_name="reportcorrection",
            name="branch",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.branch"),
        ),
        migrations.AddField(
            model_name="reportcorrection",
            name="corrects",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.visitreport",
            ),
        ),
        migrations.AddField(
            model_name="reportcorrection",
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
            model_name="reportcorrection",
            name="officer",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reportcorrection",
            name="opened_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reportcorrection",
            name="report",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.visitreport",
            ),
        ),
        migrations.AddField(
            model_name="reportcorrection",
            name="visit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="corrections", to="followups.visit"
            ),
        ),
        migrations.AddIndex(
            model_name="reportcorrection",
            index=models.Index(
                condition=models.Q(("state", "OPEN")), fields=["officer", "due_on", "id"], name="correction_to_do"
            ),
        ),
        migrations.AddConstraint(
            model_name="reportcorrection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["OPEN", "SUBMITTED"])),
                fields=("visit",),
                name="one_live_correction_a_visit",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportcorrection",
            constraint=models.CheckConstraint(
                condition=models.Q(("opened_by", models.F("officer")), _negated=True),
                name="correction_is_opened_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportcorrection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("code__in", ["WRONG_ENTRY", "OMITTED", "NEW_EVIDENCE", "OBJECTION", "INSPECTION", "OTHER"])
                ),
                name="correction_has_a_known_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportcorrection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.GreaterThanOrEqual(
                        django.db.models.functions.text.Length(django.db.models.functions.text.Trim("words")),
                        models.Value(5),
                    )
                ),
                name="correction_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="reportcorrection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("ended_by__isnull", True),
                        ("report__isnull", True),
                        ("state__in", ["OPEN", "SUBMITTED"]),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("ended_by__isnull", False),
                        ("report__isnull", False),
                        ("state", "APPROVED"),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("ended_by__isnull", False),
                        ("report__isnull", True),
                        ("state", "WITHDRAWN"),
                        models.Q(("ended_words", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="ended_correction_says_how",
            ),
        ),
        migrations.RunSQL(REPORT_IS_KEPT, AS_BEFORE),
        migrations.RunSQL(CORRECTION_IS_KEPT, CORRECTION_IS_KEPT_NO_MORE),
    ]
