"""The term of a contract counts by the calendar, not by its rows; its first due date lies within the bank's limit."""

from django.db import migrations

# As in 0004, and: calendar months from the disbursement to the maturity, and days to the first due date. Only when money
# goes out: a rate that rises makes a fixed installment last longer, and a book taken over is what it is.
LIMITS = """
CREATE OR REPLACE FUNCTION refuse_contract_beyond_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    signed date; drawn date; ends date; first_due date; months numeric;
    most_term numeric; most_rate numeric; most_days numeric;
BEGIN
    SELECT coalesce(l.signed_on, l.disbursed_on), l.disbursed_on, l.matures_on, p.next_due_on
    INTO signed, drawn, ends, first_due
    FROM loans_loan l LEFT JOIN loans_position p ON p.loan_id = l.id WHERE l.id = NEW.loan_id;
    SELECT (value #>> '{}')::numeric INTO most_term FROM loans_parameter
    WHERE code = 'max_term_months' AND in_force @> signed;
    SELECT (value #>> '{}')::numeric INTO most_rate FROM loans_parameter
    WHERE code = 'max_rate_percent' AND in_force @> signed;
    SELECT (value #>> '{}')::numeric INTO most_days FROM loans_parameter
    WHERE code = 'max_first_period_days' AND in_force @> signed;
    months := (extract(year FROM ends) - extract(year FROM drawn)) * 12 + extract(month FROM ends)
              - extract(month FROM drawn);
    IF NEW.installments < 1 OR greatest(NEW.installments, months) > least(most_term, 480) THEN
        RAISE EXCEPTION 'loan % has % installments and % months', NEW.loan_id, NEW.installments, months
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_term_within_limit';
    ELSIF NEW.annual_rate_percent > least(most_rate, 36) THEN
        RAISE EXCEPTION 'loan % bears % percent', NEW.loan_id, NEW.annual_rate_percent
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_rate_within_limit';
    ELSIF first_due IS NULL OR first_due <= drawn THEN
        RAISE EXCEPTION 'loan % falls due on % and was disbursed on %', NEW.loan_id, first_due, drawn
            USING ERRCODE = 'check_violation', CONSTRAINT = 'first_due_after_disbursement';
    ELSIF first_due - drawn > coalesce(most_days, 92) THEN
        RAISE EXCEPTION 'loan % falls due first on %, % days on', NEW.loan_id, first_due, first_due - drawn
            USING ERRCODE = 'check_violation', CONSTRAINT = 'first_due_within_limit';
    END IF;
    RETURN NEW;
END $$;
"""
BACK = """
CREATE OR REPLACE FUNCTION refuse_contract_beyond_limits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE signed date; drawn date; first_due date; most_term numeric; most_rate numeric;
BEGIN
    SELECT coalesce(l.signed_on, l.disbursed_on), l.disbursed_on, p.next_due_on INTO signed, drawn, first_due
    FROM loans_loan l LEFT JOIN loans_position p ON p.loan_id = l.id WHERE l.id = NEW.loan_id;
    SELECT (value #>> '{}')::numeric INTO most_term FROM loans_parameter
    WHERE code = 'max_term_months' AND in_force @> signed;
    SELECT (value #>> '{}')::numeric INTO most_rate FROM loans_parameter
    WHERE code = 'max_rate_percent' AND in_force @> signed;
    IF NEW.installments < 1 OR NEW.installments > least(most_term, 480) THEN
        RAISE EXCEPTION 'loan % has % installments', NEW.loan_id, NEW.installments
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_term_within_limit';
    ELSIF NEW.annual_rate_percent > least(most_rate, 36) THEN
        RAISE EXCEPTION 'loan % bears % percent', NEW.loan_id, NEW.annual_rate_percent
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_rate_within_limit';
    ELSIF first_due IS NULL OR first_due <= drawn THEN
        RAISE EXCEPTION 'loan % falls due on % and was disbursed on %', NEW.loan_id, first_due, drawn
            USING ERRCODE = 'check_violation', CONSTRAINT = 'first_due_after_disbursement';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0018_branch_of_position")]

    operations = [migrations.RunSQL(LIMITS, BACK)]
