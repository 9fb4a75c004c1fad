"""What a receipt says never changes, it does not come before its loan, and a reversal is not reversed."""

from django.db import migrations

RECEIPT = """
CREATE FUNCTION refuse_impossible_receipt() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE since date;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.channel, NEW.serial, NEW.loan_ref, NEW.amount, NEW.value_on)
               IS DISTINCT FROM (OLD.channel, OLD.serial, OLD.loan_ref, OLD.amount, OLD.value_on)
           OR OLD.loan_id IS NOT NULL AND NEW.loan_id IS DISTINCT FROM OLD.loan_id THEN
            RAISE EXCEPTION 'what receipt % says does not change', OLD.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_is_what_was_told';
        END IF;
        IF NEW.loan_id IS NOT DISTINCT FROM OLD.loan_id THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NEW.loan_id IS NOT NULL THEN
        SELECT coalesce(baseline_on, disbursed_on) INTO since FROM loans_loan WHERE id = NEW.loan_id;
        IF NEW.value_on < since THEN
            RAISE EXCEPTION 'receipt of % lies before loan %', NEW.value_on, NEW.loan_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'receipt_not_before_its_loan';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER receipt_is_possible BEFORE INSERT OR UPDATE ON loans_receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_impossible_receipt();
"""
REVERSAL = """
CREATE FUNCTION refuse_reversed_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM loans_posting WHERE id = NEW.reverses_id AND kind = 'REVERSAL') THEN
        RAISE EXCEPTION 'posting % is a reversal and is not reversed', NEW.reverses_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_is_final';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversal_is_final BEFORE INSERT ON loans_posting
    FOR EACH ROW WHEN (NEW.kind = 'REVERSAL') EXECUTE FUNCTION refuse_reversed_reversal();
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0011_lists")]

    operations = [
        migrations.RunSQL(RECEIPT, "DROP FUNCTION refuse_impossible_receipt() CASCADE"),
        migrations.RunSQL(REVERSAL, "DROP FUNCTION refuse_reversed_reversal() CASCADE"),
    ]
