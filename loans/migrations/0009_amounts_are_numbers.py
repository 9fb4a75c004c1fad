from django.db import migrations


# NaN is above every number, so no limit from below refuses it.
NUMBERS = {
    "loans_contractchange": ("principal", "interest", "charges", "fee"),
    "loans_costdisclosure": ("annualised_percent",),
    "loans_costitem": ("amount",),
    "loans_debitinstruction": ("amount", "paid"),
    "loans_fee": ("amount", "paid", "waived"),
    "loans_installment": (
        "principal", "interest", "principal_paid", "interest_paid", "penalty_paid", "compound_paid", "penalty_left",
        "compound_left", "late_principal_units", "late_interest_units",
    ),
    "loans_loan": ("principal_original",),
    "loans_lprrate": ("rate_percent",),
    "loans_position": (
        "principal_balance", "unbilled_principal", "suspense", "annual_rate_percent", "installment_amount",
        "off_balance_interest", "fees_due",
    ),
    "loans_pricing": ("spread_bp",),
    "loans_receipt": ("amount",),
    "loans_refund": ("amount",),
    "loans_repricingitem": (
        "lpr_percent", "spread_bp", "old_rate_percent", "new_rate_percent", "old_installment", "new_installment",
        "first_amount",
    ),
    "loans_subsidy": ("annual_rate_percent", "principal_cap"),
    "loans_terms": ("principal", "annual_rate_percent", "installment_amount"),
}


def _refused(table, columns):
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_are_numbers "
        f"CHECK (('NaN'::numeric IN ({', '.join(columns)})) IS NOT TRUE)"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0008_contract_prepayment_fee'),
    ]

    operations = [
        migrations.RunSQL(_refused(table, columns), f"ALTER TABLE {table} DROP CONSTRAINT {table}_are_numbers")
        for table, columns in NUMBERS.items()
    ]
