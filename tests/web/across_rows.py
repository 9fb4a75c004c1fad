"""Pairs across branches for the matrices of pages and API."""

from datetime import timedelta

from followups.batch.talks import merge_talks
from followups.models import AcrossPair
from people.models import Branch
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan, make_branch, make_staff
from tests.web.api_bank import TODAY, Bank


def across_in(bank: Bank, place: str) -> int:
    """A pair of two branches that lie below the place's branch."""
    if place not in bank.loans:
        return 987654321
    known = AcrossPair.objects.filter(one_branch__parent=bank.loans[place].branch).first()
    return known.pk if known else pair_below(bank.loans[place].branch).pk


def pair_below(upper: Branch, days: int = 9) -> AcrossPair:
    """Two talks of one borrower in two branches beside each other, of which the machine keeps a pair."""
    given = {"due_on": TODAY + timedelta(days=days), "opens_on": TODAY}
    branches = make_branch(parent=upper), make_branch(parent=upper)
    one = book_loan(branches[0], make_staff("LOAN_OFFICER", branches[0], "周楠"))
    other = book_loan(branches[1], make_staff("LOAN_OFFICER", branches[1], "白露"), borrower=one.borrower)
    task = make_task(one, one.portfolio_officer, **given)
    make_task(other, other.portfolio_officer, **given)
    merge_talks(as_of=TODAY, at=AT, loan_ids=[one.pk])
    return AcrossPair.objects.get(one=task)
