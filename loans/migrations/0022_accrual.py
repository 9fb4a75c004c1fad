"""Interest that runs: from which day on a position, by product, and what it moves in the general ledger at a close."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

from journal.history import history_is_kept

PRODUCTS = [("COMMERCIAL", "商业性个人住房贷款"), ("HOUSING_FUND", "公积金个人住房贷款")]

# The database keeps branch and product: given when a position is made, changed with the loan's.
PRODUCT = """
ALTER TABLE loans_position ADD COLUMN product varchar(20) NOT NULL DEFAULT 'COMMERCIAL';
DROP TRIGGER branch_of_position ON loans_position;
DROP TRIGGER branch_of_loan_moved ON loans_loan;
CREATE OR REPLACE FUNCTION branch_of_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT branch_id, product INTO NEW.branch_id, NEW.product FROM loans_loan WHERE id = NEW.loan_id;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_of_position BEFORE INSERT OR UPDATE OF branch_id, product ON loans_position
    FOR EACH ROW EXECUTE FUNCTION branch_of_position();
CREATE OR REPLACE FUNCTION branch_of_loan_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loans_position SET branch_id = NEW.branch_id WHERE loan_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER branch_of_loan_moved AFTER UPDATE OF branch_id, product ON loans_loan FOR EACH ROW
    WHEN (OLD.branch_id <> NEW.branch_id OR OLD.product <> NEW.product) EXECUTE FUNCTION branch_of_loan_moved();
"""
PRODUCT_BACK = """
DROP TRIGGER branch_of_position ON loans_position;
DROP TRIGGER branch_of_loan_moved ON loans_loan;
CREATE OR REPLACE FUNCTION branch_of_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT branch_id INTO NEW.branch_id FROM loans_loan WHERE id = NEW.loan_id;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_of_position BEFORE INSERT OR UPDATE OF branch_id ON loans_position
    FOR EACH ROW EXECUTE FUNCTION branch_of_position();
CREATE TRIGGER branch_of_loan_moved AFTER UPDATE OF branch_id ON loans_loan FOR EACH ROW
    WHEN (OLD.branch_id <> NEW.branch_id) EXECUTE FUNCTION branch_of_loan_moved();
ALTER TABLE loans_position DROP COLUMN product;
"""

# Where something happened inside the running period, the terms tell until it is billed (accrues_from stays null).
# Else it began with the terms, or on the due day a month before.
FILL = """
UPDATE loans_position p SET product = l.product, accrues_from = CASE
    WHEN p.next_number IS NULL THEN NULL
    WHEN t.request ?| ARRAY['pauses', 'waiting_rate_ppm']
         OR t.request ? 'rate_changes' AND p.next_number < t.plain_from THEN NULL
    WHEN t.request IS NOT NULL AND p.next_number = t.first_number THEN (t.request ->> 'disbursed_on')::date
    ELSE before.first + least(
        l.due_day, extract(day FROM before.first + interval '1 month' - interval '1 day')::int) - 1 END
FROM loans_loan l
JOIN LATERAL (SELECT s.request, s.first_number, s.plain_from FROM loans_terms s
              WHERE s.loan_id = l.id ORDER BY s.version DESC LIMIT 1) t ON true
JOIN loans_position q ON q.loan_id = l.id
CROSS JOIN LATERAL (
    SELECT (date_trunc('month', q.next_due_on::timestamp) - interval '1 month')::date AS first) before
WHERE l.id = p.loan_id AND (p.next_number IS NOT NULL OR l.product <> p.product)
"""

# A statement is the lines of a close, and they sum to zero; they stand on the open date.
BALANCED = """
CREATE FUNCTION refuse_unbalanced_general_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows GROUP BY business_date, branch_id, product HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'general lines do not sum to zero'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'general_lines_sum_to_zero';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER general_lines_sum_to_zero AFTER INSERT ON loans_general_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_general_lines();
CREATE TRIGGER posting_on_the_open_date AFTER INSERT ON loans_general_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_date_not_open();
"""


def _numbers(table, columns):
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{columns}_is_a_number "
        f"CHECK (('NaN'::numeric IN ({columns})) IS NOT TRUE)",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_{columns}_is_a_number",
    )


class Migration(migrations.Migration):
    dependencies = [("loans", "0021_figures_are_numbers"), ("people", "0001_initial")]

    operations = [
        migrations.AddField("position", "accrues_from", models.DateField(null=True)),
        migrations.AddField(
            "position",
            "accrued_before",
            models.DecimalField(max_digits=15, decimal_places=2, default=0, db_default=0),
        ),
        migrations.RunSQL(PRODUCT, PRODUCT_BACK),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "position",
            models.CheckConstraint(
                condition=Q(accrued_before=0) | Q(accrued_before__gt=0, accrues_from__isnull=False),
                name="accrued_before_a_day",
            ),
        ),
        _numbers("loans_position", "accrued_before"),
        migrations.AddIndex(
            "position",
            models.Index(
                fields=["loan"],
                name="position_accrues_by_terms",
                condition=Q(accrues_from__isnull=True, next_number__isnull=False),
            ),
        ),
        migrations.AddField(
            "figure",
            "product",
            models.CharField(max_length=20, choices=PRODUCTS, default="COMMERCIAL", db_default="COMMERCIAL"),
        ),
        migrations.RemoveConstraint("figure", "figure_once_a_close"),
        migrations.AddConstraint(
            "figure",
            models.UniqueConstraint(
                fields=["business_date", "branch", "product", "five_class", "days_band"], name="figure_once_a_close"
            ),
        ),
        migrations.CreateModel(
            name="GeneralLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("business_date", models.DateField()),
                ("product", models.CharField(choices=PRODUCTS, max_length=20)),
                (
                    "account",
                    models.CharField(
                        choices=[("ACCRUED_INTEREST", "应计利息"), ("INTEREST_INCOME", "利息收入")], max_length=30
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=15)),
                (
                    "branch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.branch",
                    ),
                ),
            ],
            options={
                "db_table": "loans_general_line",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("business_date", "branch", "product", "account"), name="general_line_once_a_close"
                    ),
                    models.CheckConstraint(condition=~Q(amount=0), name="general_line_moves_something"),
                ],
            },
        ),
        history_is_kept("loans_general_line"),
        migrations.RunSQL(BALANCED, "DROP FUNCTION refuse_unbalanced_general_lines() CASCADE"),
        _numbers("loans_general_line", "amount"),
    ]
