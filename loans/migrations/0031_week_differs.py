"""Days that are not as their weekday says stand in an index of their own: pages ask for all of them."""

from django.db import migrations

# The seven thousand days of the calendar hold a few hundred of them.
_DIFFERS = """
CREATE INDEX workday_differs ON loans_workday (day) INCLUDE (is_workday)
    WHERE is_workday <> (extract(isodow FROM day) < 6)
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0030_day_product")]

    operations = [migrations.RunSQL(_DIFFERS, "DROP INDEX workday_differs")]
