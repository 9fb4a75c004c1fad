"""The figures of a close are numbers, as every amount of the loans is (0009)."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("loans", "0020_disclosure_void"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE loans_figure ADD CONSTRAINT loans_figure_are_numbers "
            "CHECK (('NaN'::numeric IN (principal)) IS NOT TRUE)",
            "ALTER TABLE loans_figure DROP CONSTRAINT loans_figure_are_numbers",
        )
    ]
