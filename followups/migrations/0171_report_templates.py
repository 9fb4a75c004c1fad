"""The template of an approved report is kept once under its hash, so that the report can be set again as it was."""

import django.db.models.deletion
from django.db import migrations, models

from journal.history import history_is_kept

NAMED_BY_HASH = """
ALTER TABLE followups_reporttemplate ADD CONSTRAINT template_is_named_by_its_hash
CHECK (sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
"""

# As in 0080, and the template by which it was set stands too.
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
       OR OLD.pdf_id IS NOT NULL AND (NEW.pdf_id, NEW.template_id) IS DISTINCT FROM (OLD.pdf_id, OLD.template_id) THEN
        RAISE EXCEPTION 'report % is submitted and stands; a change is a new version', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
AS_BEFORE = REPORT_IS_KEPT.replace(
    "(NEW.pdf_id, NEW.template_id) IS DISTINCT FROM (OLD.pdf_id, OLD.template_id)",
    "NEW.pdf_id IS DISTINCT FROM OLD.pdf_id",
)


class Migration(migrations.Migration):
    dependencies = [("followups", "0170_decisions_read")]

    operations = [
        migrations.CreateModel(
            name="ReportTemplate",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("text", models.TextField()),
                ("kept_at", models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            NAMED_BY_HASH, "ALTER TABLE followups_reporttemplate DROP CONSTRAINT template_is_named_by_its_hash"
        ),
        history_is_kept("followups_reporttemplate"),
        migrations.AddField(
            model_name="visitreport",
            name="template",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="followups.reporttemplate",
            ),
        ),
        migrations.RunSQL(REPORT_IS_KEPT, AS_BEFORE),
    ]
