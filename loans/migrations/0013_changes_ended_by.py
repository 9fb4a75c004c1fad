"""Who ended a change, and a disclosed fee of which a part was waived: what was paid of it has been charged."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A reversal and a withdrawal stand in the journal since there are changes.
ENDED_BY = """
UPDATE loans_contractchange c SET ended_by_id = s.id
FROM journal_entry e JOIN people_staff s ON s.staff_no = e.actor
WHERE e.subject_type = 'contract_change' AND e.subject_id = c.id
      AND (c.state, e.kind) IN (('REVERSED', 'loans.change_reversed'), ('WITHDRAWN', 'loans.change_withdrawn'));
SET CONSTRAINTS ALL IMMEDIATE;
"""
# As before, but only the waived part of a fee may be charged again, and an UPDATE cannot go round it.
CHARGED = """
CREATE OR REPLACE FUNCTION refuse_undisclosed_fee() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE signed date; taken date; most numeric; is_named boolean; charged numeric;
BEGIN
    SELECT coalesce(l.signed_on, l.disbursed_on), l.baseline_on INTO signed, taken
    FROM loans_loan l WHERE l.id = NEW.loan_id;
    IF taken IS NOT NULL OR NOT EXISTS (
        SELECT FROM loans_parameter WHERE code = 'cost_disclosure_required' AND in_force @> signed AND value = 'true'
    ) THEN
        RETURN NEW;
    END IF;
    SELECT sum(i.amount), true INTO most, is_named
    FROM loans_costitem i JOIN loans_costdisclosure d ON d.id = i.disclosure_id
    WHERE d.loan_id = NEW.loan_id AND i.code = NEW.code AND i.kind IN ('FEE', 'CONTINGENT') GROUP BY i.code;
    SELECT coalesce(sum({other}), 0) INTO charged FROM loans_fee
    WHERE loan_id = NEW.loan_id AND code = NEW.code{which} AND id <> NEW.id;
    IF is_named IS NOT TRUE THEN
        RAISE EXCEPTION 'fee % of loan % is not on its cost disclosure', NEW.code, NEW.loan_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fee_is_disclosed';
    ELSIF charged + {own} > most THEN
        RAISE EXCEPTION 'fee % of loan % exceeds its cost disclosure', NEW.code, NEW.loan_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fee_is_disclosed';
    END IF;
    RETURN NEW;
END $$;
"""
NOW = CHARGED.format(other="amount - waived", which="", own="NEW.amount - NEW.waived")
BEFORE = CHARGED.format(other="amount", which=" AND waived_on IS NULL", own="NEW.amount")
ON_UPDATE = """
CREATE TRIGGER fee_stays_disclosed BEFORE UPDATE OF loan_id, code, amount, waived ON loans_fee FOR EACH ROW
WHEN (NEW.amount - NEW.waived > OLD.amount - OLD.waived OR NEW.code <> OLD.code OR NEW.loan_id <> OLD.loan_id)
EXECUTE FUNCTION refuse_undisclosed_fee();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("loans", "0012_receipt_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="contractchange",
            name="ended_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RunSQL(ENDED_BY, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="contractchange",
            constraint=models.CheckConstraint(
                condition=~models.Q(state="REVERSED")
                | (models.Q(ended_by__isnull=False) & ~models.Q(ended_by=models.F("proposed_by"))),
                name="reversed_change_has_another_person",
            ),
        ),
        migrations.RunSQL(NOW, BEFORE),
        migrations.RunSQL(ON_UPDATE, "DROP TRIGGER fee_stays_disclosed ON loans_fee"),
    ]
