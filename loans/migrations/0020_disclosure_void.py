"""A disclosure that was never used may be voided; a repricing item tells all that its borrower pays until the regular.

A voided disclosure keeps who, when and why, belongs to no loan, and stays voided.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


# A cost disclosure says for ever what it said; it is tied to its loan once, or voided once.
SAID = """
CREATE OR REPLACE FUNCTION refuse_changed_disclosure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.loan_id IS NULL AND NEW.loan_id IS NOT NULL
       AND to_jsonb(OLD) - 'loan_id' = to_jsonb(NEW) - 'loan_id' THEN
        RETURN NEW;
    END IF;{or_voided}
    RAISE EXCEPTION '% of loans_costdisclosure is refused: a disclosure is tied to a loan once, never changed', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'disclosure_is_kept';
END $$;
"""
OR_VOIDED = """
    IF TG_OP = 'UPDATE' AND OLD.loan_id IS NULL AND OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL
       AND to_jsonb(OLD) - ARRAY['voided_at', 'voided_by_id', 'void_reason']
           = to_jsonb(NEW) - ARRAY['voided_at', 'voided_by_id', 'void_reason'] THEN
        RETURN NEW;
    END IF;"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("loans", "0019_term_limit"),
    ]

    operations = [
        migrations.AddField("repricingitem", "period_from", models.DateField(null=True)),
        migrations.AddField("repricingitem", "until_regular", models.JSONField(null=True)),
        migrations.AddField("costdisclosure", "voided_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "costdisclosure",
            "voided_by",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            "costdisclosure", "void_reason", models.CharField(blank=True, db_default="", default="", max_length=200)
        ),
        migrations.AddConstraint(
            "costdisclosure",
            models.CheckConstraint(
                condition=Q(loan__isnull=True) | Q(voided_at__isnull=True), name="voided_disclosure_has_no_loan"
            ),
        ),
        migrations.AddConstraint(
            "costdisclosure",
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_by__isnull=True, void_reason="")
                | Q(voided_at__isnull=False, voided_by__isnull=False) & ~Q(void_reason=""),
                name="voided_disclosure_says_why",
            ),
        ),
        migrations.RunSQL(SAID.format(or_voided=OR_VOIDED), SAID.format(or_voided="")),
    ]
