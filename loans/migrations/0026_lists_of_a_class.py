"""The loans of a worse class by balance."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ("loans", "0025_lists_of_a_branch"),
    ]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX position_class_balance ON loans_position (five_class, principal_balance DESC, loan_id) "
            "WHERE five_class <> 'PASS'",
            "DROP INDEX position_class_balance",
        )
    ]
