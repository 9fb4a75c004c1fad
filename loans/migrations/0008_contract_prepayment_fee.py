from django.db import migrations

# A fee for prepaying is no row of `loans_fee`: it is taken inside the prepayment's posting. It too must stand on the
# cost disclosure of the loan (金规〔2026〕2号), under the code PREPAYMENT_FEE and within its highest amount.
DISCLOSED = """
CREATE FUNCTION refuse_undisclosed_prepayment_fee() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE signed date; taken date; most numeric; is_named boolean;
BEGIN
    IF NOT EXISTS (SELECT FROM loans_posting p WHERE p.id = NEW.posting_id AND p.kind = 'PREPAYMENT') THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(l.signed_on, l.disbursed_on), l.baseline_on INTO signed, taken
    FROM loans_loan l WHERE l.id = NEW.loan_id;
    IF taken IS NOT NULL OR NOT EXISTS (
        SELECT FROM loans_parameter WHERE code = 'cost_disclosure_required' AND in_force @> signed AND value = 'true'
    ) THEN
        RETURN NULL;
    END IF;
    SELECT sum(i.amount), true INTO most, is_named
    FROM loans_costitem i JOIN loans_costdisclosure d ON d.id = i.disclosure_id
    WHERE d.loan_id = NEW.loan_id AND i.code = 'PREPAYMENT_FEE' AND i.kind IN ('FEE', 'CONTINGENT') GROUP BY i.code;
    IF is_named IS NOT TRUE OR -NEW.amount > most THEN
        RAISE EXCEPTION 'the prepayment fee of loan % is not on its cost disclosure, or beyond it', NEW.loan_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'fee_is_disclosed';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER prepayment_fee_is_disclosed AFTER INSERT ON loans_ledger_line FOR EACH ROW
WHEN (NEW.account = 'FEE_INCOME' AND NEW.amount < 0) EXECUTE FUNCTION refuse_undisclosed_prepayment_fee();
"""


class Migration(migrations.Migration):

    dependencies = [("loans", "0007_files")]

    operations = [migrations.RunSQL(DISCLOSED, "DROP FUNCTION refuse_undisclosed_prepayment_fee() CASCADE")]
