"""Lets the application refresh the planner's statistics after a bulk load.

Only an owner may ANALYZE, and the application owns nothing. Without fresh statistics the first
queries over a book just taken in are planned as if it were empty: seconds become minutes.
"""

from django.db import migrations

REFRESH_STATISTICS = """
CREATE FUNCTION refresh_statistics(tables regclass[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE each regclass;
BEGIN
    FOREACH each IN ARRAY tables LOOP
        EXECUTE format('ANALYZE %s', each);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial")]

    operations = [
        migrations.RunSQL(REFRESH_STATISTICS, "DROP FUNCTION refresh_statistics(regclass[])"),
    ]
