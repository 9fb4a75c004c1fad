"""Positions say their loan's branch, so that a close adds up the book in one pass; indexes that answer by themselves."""

from django.db import migrations, models
from django.db.models import Q

# The database keeps it: given when a position is made, changed with the loan's. Nobody else writes it.
BRANCH = """
ALTER TABLE loans_position ADD COLUMN branch_id bigint;
UPDATE loans_position p SET branch_id = l.branch_id FROM loans_loan l WHERE l.id = p.loan_id;
ALTER TABLE loans_position ALTER COLUMN branch_id SET NOT NULL;
CREATE FUNCTION branch_of_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT branch_id INTO NEW.branch_id FROM loans_loan WHERE id = NEW.loan_id;
    RETURN NEW;
END $$;
CREATE TRIGGER branch_of_position BEFORE INSERT OR UPDATE OF branch_id ON loans_position
    FOR EACH ROW EXECUTE FUNCTION branch_of_position();
CREATE FUNCTION branch_of_loan_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE loans_position SET branch_id = NEW.branch_id WHERE loan_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER branch_of_loan_moved AFTER UPDATE OF branch_id ON loans_loan FOR EACH ROW
    WHEN (OLD.branch_id <> NEW.branch_id) EXECUTE FUNCTION branch_of_loan_moved();
"""
BACK = """
DROP TRIGGER branch_of_loan_moved ON loans_loan;
DROP FUNCTION branch_of_loan_moved();
DROP TRIGGER branch_of_position ON loans_position;
DROP FUNCTION branch_of_position();
ALTER TABLE loans_position DROP COLUMN branch_id;
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0017_figures")]

    operations = [
        migrations.RunSQL(BRANCH, BACK),
        migrations.RemoveIndex(model_name="installment", name="installment_unpaid"),
        migrations.AddIndex(
            model_name="installment",
            index=models.Index(
                fields=["loan", "number"],
                include=["due_on", "overdue_from", "interest", "interest_paid"],
                condition=Q(settled_on__isnull=True),
                name="installment_unpaid",
            ),
        ),
        migrations.RemoveIndex(model_name="position", name="position_not_pass"),
        migrations.AddIndex(
            model_name="position",
            index=models.Index(
                fields=["five_class", "overdue_since"],
                condition=Q(overdue_since__isnull=False) | ~Q(five_class="PASS"),
                name="position_class_since",
            ),
        ),
    ]
