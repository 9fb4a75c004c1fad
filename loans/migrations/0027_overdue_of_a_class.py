"""The overdue loans of a class, the longest overdue first."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("loans", "0026_lists_of_a_class"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX position_class_overdue ON loans_position (five_class, overdue_since, loan_id) "
            "WHERE overdue_since IS NOT NULL",
            "DROP INDEX position_class_overdue",
        )
    ]
