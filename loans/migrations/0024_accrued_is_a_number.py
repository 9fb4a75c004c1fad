"""Interest accrued and its general-ledger lines are numbers, as every amount of the loans is (0009)."""

from django.db import migrations

_BEFORE = (
    "principal_balance", "unbilled_principal", "suspense", "annual_rate_percent", "installment_amount",
    "off_balance_interest", "fees_due",
)  # fmt: skip


def _position(columns):
    return (
        "ALTER TABLE loans_position DROP CONSTRAINT loans_position_are_numbers, ADD CONSTRAINT "
        f"loans_position_are_numbers CHECK (('NaN'::numeric IN ({', '.join(columns)})) IS NOT TRUE)"
    )


class Migration(migrations.Migration):

    dependencies = [
        ("loans", "0023_chunks_read_their_part"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE loans_general_line ADD CONSTRAINT loans_general_line_are_numbers "
            "CHECK (('NaN'::numeric IN (amount)) IS NOT TRUE)",
            "ALTER TABLE loans_general_line DROP CONSTRAINT loans_general_line_are_numbers",
        ),
        migrations.RunSQL(_position((*_BEFORE, "accrued_before")), _position(_BEFORE)),
    ]
