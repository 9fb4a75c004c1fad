"""Loans apart from the ordinary stand in an index with all that an evening asks of them."""

from django.db import migrations, models
from django.db.models import Q


_APART = """
CREATE INDEX position_apart ON loans_position (loan_id)
    INCLUDE (branch_id, product, five_class, overdue_since, settled_on, principal_balance, off_balance_interest)
    WHERE overdue_since IS NOT NULL OR five_class <> 'PASS'
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0027_overdue_of_a_class")]

    operations = [
        migrations.RemoveIndex("position", "position_off_balance"),
        migrations.RunSQL(_APART, "DROP INDEX position_apart"),
        migrations.AddIndex(
            "position",
            models.Index(
                fields=["loan"],
                name="position_holds_no_more",
                condition=Q(off_balance_interest__gt=0, overdue_since__isnull=True, five_class="PASS"),
            ),
        ),
    ]
