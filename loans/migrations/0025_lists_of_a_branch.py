"""One branch's loans by balance and by days overdue."""

from django.db import migrations

_INDEXES = {
    "position_branch_balance": "(branch_id, principal_balance DESC, loan_id)",
    "position_branch_overdue": "(branch_id, overdue_since, loan_id) WHERE overdue_since IS NOT NULL",
}


class Migration(migrations.Migration):
    dependencies = [
        ("loans", "0024_accrued_is_a_number"),
    ]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} ON loans_position {columns}", f"DROP INDEX {name}")
        for name, columns in _INDEXES.items()
    ]
