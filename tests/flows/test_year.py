"""A book lives a year and a half, and every claim about it still holds; rebuilt from its history it is the same."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from config.invariants import findings
from loans.models import Terms
from tests.flows.year import Year, people
from tests.loan_books import book


def broken() -> list[str]:
    return [f"{each.code}: {each.broken} {each.first}" for each in findings() if not each.is_ok]


@pytest.mark.django_db
def test_a_year_of_everything_leaves_every_claim_true() -> None:
    book(60, seed=5)
    year = Year(seed=5, staff=people())
    year.live(date(2027, 3, 31))
    assert not broken(), year.done
    for name in ("receipts", "late receipts", "reversals", "repricing approved", "PREPAYMENT signed"):
        assert year.done[name], (name, year.done, year.refused)
    assert Terms.objects.filter(source="REPRICING").count() > 20, year.done
    said = StringIO()
    call_command("rebuild_loans", check=True, stdout=said)
