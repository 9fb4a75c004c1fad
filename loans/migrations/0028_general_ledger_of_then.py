"""The general ledger of then: accrued interest taken over, where a loan stood before it moved, a rate that runs on."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from journal.history import history_is_kept

PRODUCTS = [("COMMERCIAL", "商业性个人住房贷款"), ("HOUSING_FUND", "公积金个人住房贷款")]
ACCOUNTS = [("ACCRUED_INTEREST", "应计利息"), ("INTEREST_INCOME", "利息收入"), ("TAKEOVER", "期初过渡")]

# A loan that moves while the bank is open leaves word of where it stood.
MOVED = """
CREATE OR REPLACE FUNCTION branch_of_loan_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loans_position SET branch_id = NEW.branch_id WHERE loan_id = NEW.id;
    INSERT INTO loans_formerbranch (loan_id, branch_id, product, left_on)
    SELECT OLD.id, OLD.branch_id, OLD.product, day FROM loans_businessdate WHERE is_open;
    RETURN NULL;
END $$;
"""
MOVED_BACK = """
CREATE OR REPLACE FUNCTION branch_of_loan_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loans_position SET branch_id = NEW.branch_id WHERE loan_id = NEW.id;
    RETURN NULL;
END $$;
"""
_BEFORE = (
    "principal_balance", "unbilled_principal", "suspense", "annual_rate_percent", "installment_amount",
    "off_balance_interest", "fees_due", "accrued_before",
)  # fmt: skip


def _position(columns):
    return (
        "ALTER TABLE loans_position DROP CONSTRAINT loans_position_are_numbers, ADD CONSTRAINT "
        f"loans_position_are_numbers CHECK (('NaN'::numeric IN ({', '.join(columns)})) IS NOT TRUE)"
    )


class Migration(migrations.Migration):
    dependencies = [("loans", "0028_apart"), ("people", "0001_initial")]

    operations = [
        migrations.AddField(
            "position", "accrual_rate_percent", models.DecimalField(decimal_places=4, max_digits=7, null=True)
        ),
        migrations.AddConstraint(
            "position",
            models.CheckConstraint(
                condition=Q(accrual_rate_percent__isnull=True)
                | Q(accrual_rate_percent__gte=0, accrual_rate_percent__lte=100, accrues_from__isnull=False),
                name="accrual_rate_of_a_running_period",
            ),
        ),
        migrations.RunSQL(_position((*_BEFORE, "accrual_rate_percent")), _position(_BEFORE)),
        migrations.AlterField("generalline", "account", models.CharField(choices=ACCOUNTS, max_length=30)),
        migrations.AddField(
            "generalline",
            "batch",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="loans.importbatch",
            ),
        ),
        migrations.RemoveConstraint("generalline", "general_line_once_a_close"),
        migrations.AddConstraint(
            "generalline",
            models.UniqueConstraint(
                fields=["business_date", "branch", "product", "account"],
                condition=Q(batch__isnull=True),
                name="general_line_once_a_close",
            ),
        ),
        migrations.AddConstraint(
            "generalline",
            models.CheckConstraint(
                condition=Q(account="ACCRUED_INTEREST")
                | Q(account="INTEREST_INCOME", batch__isnull=True)
                | Q(account="TAKEOVER", batch__isnull=False),
                name="general_line_of_close_or_takeover",
            ),
        ),
        migrations.CreateModel(
            name="FormerBranch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("product", models.CharField(choices=PRODUCTS, max_length=20)),
                ("left_on", models.DateField(db_index=True)),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.branch",
                    ),
                ),
                (
                    "loan",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="loans.loan",
                    ),
                ),
            ],
        ),
        history_is_kept("loans_formerbranch"),
        migrations.RunSQL(MOVED, MOVED_BACK),
    ]
