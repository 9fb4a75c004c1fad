"""What is posted stands on the open business date: a closed date's ledger never changes, a coming one has none yet."""

from django.db import migrations

# A posting is one statement, so its date is looked at once a statement. Holding the date keeps it from closing before
# the posting is committed; whoever waited for a close finds no open row and is refused. A book that is taken over
# before the first close stands on its own day.
OPEN_DATE = """
CREATE FUNCTION refuse_date_not_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first date;
    last date;
    open_day date;
BEGIN
    SELECT min(business_date), max(business_date) INTO first, last FROM new_rows;
    IF first IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT day INTO open_day FROM loans_businessdate WHERE is_open FOR SHARE;
    IF first = open_day AND last = open_day THEN
        RETURN NULL;
    END IF;
    IF last > open_day OR EXISTS (SELECT FROM loans_businessdate WHERE NOT is_open) THEN
        RAISE EXCEPTION 'posted on % to %, but the open business date is %', first, last, open_day
            USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_on_the_open_date';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER posting_on_the_open_date AFTER INSERT ON loans_posting
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_date_not_open();
CREATE TRIGGER posting_on_the_open_date AFTER INSERT ON loans_ledger_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_date_not_open();
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0014_returns")]

    operations = [migrations.RunSQL(OPEN_DATE, "DROP FUNCTION refuse_date_not_open() CASCADE")]
