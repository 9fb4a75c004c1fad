"""What a close finds by itself, in its one pass: periods that begin too early, branches that are not the ledger's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from config.invariants import stated_findings
from config.invariants.figures import FIGURES
from config.invariants.ledger import LEDGER
from loans import batch
from loans.actions import close_business_date
from loans.actions.bank import LedgerOutOfBalance
from loans.batch.general import balances_of
from loans.models import BusinessDate, Figure, FormerBranch, GeneralLine, Loan, Position
from loans.queries.general import GeneralRow, general_day
from loans.queries.reports import Scope
from tests.factories import AT, book_loan, make_branch, open_bank
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
Query = Callable[[int], AbstractContextManager[object]]


def spoil(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1


def refused(name: str) -> None:
    """The close of the open date is refused by name, and nothing of it stays."""
    day = BusinessDate.objects.get(is_open=True).day
    lines = list(GeneralLine.objects.order_by("pk").values())
    with pytest.raises(LedgerOutOfBalance, match=name):
        close_business_date(day=day, at=AT)
    assert BusinessDate.objects.get(is_open=True).day == day
    assert list(GeneralLine.objects.order_by("pk").values()) == lines
    assert not Figure.objects.filter(business_date=day).exists()


# ── Periods ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("days", [1, 9, 40])
def test_a_period_that_begins_too_early_blocks_the_close_and_is_named(days: int) -> None:
    book(20, seed=1, opens_on=DAY)
    loan = book_loan()
    spoil("UPDATE loans_position SET accrues_from = accrues_from - %s WHERE loan_id = %s", days, loan.pk)
    refused(f"^[^(]*{loan.loan_note_no} [(]{date(2026, 10, 20) - timedelta(days=days)}[)]$")


def test_a_period_of_month_ends_is_told_from_one_that_begins_too_early() -> None:
    loan = book_loan(due_day=31, opens_on=date(2026, 12, 1), as_of=date(2026, 11, 30))
    assert Position.objects.get(pk=loan.pk).accrues_from == date(2026, 11, 30)
    spoil("UPDATE loans_position SET accrues_from = '2026-11-29' WHERE loan_id = %s", loan.pk)
    refused(loan.loan_note_no)


def test_a_first_period_longer_than_a_month_is_none_that_begins_too_early(
    django_assert_max_num_queries: Query,
) -> None:
    open_bank(DAY)
    loan = book_loan()
    # As disbursed on 5 October with the first installment due on 20 November.
    Loan.objects.filter(pk=loan.pk).update(baseline_on=None, disbursed_on=date(2026, 10, 5))
    since = {"next_number": 1, "accrues_from": date(2026, 10, 5)}
    Position.objects.filter(pk=loan.pk).update(**since)
    with django_assert_max_num_queries(4):
        (balance,) = balances_of(DAY)
    assert balance.accrued_fen == 243_000
    Position.objects.filter(pk=loan.pk).update(accrues_from=date(2026, 10, 4))
    refused(loan.loan_note_no)


def test_the_last_period_up_to_a_maturity_off_the_due_day_may_be_longer_than_a_month() -> None:
    loan = book_loan(matures_on=date(2026, 11, 27), outstanding=Decimal("3000.00"))
    assert Position.objects.get(pk=loan.pk).next_due_on == date(2026, 11, 27)
    Position.objects.filter(pk=loan.pk).update(accrues_from=date(2026, 10, 20))
    assert balances_of(DAY)[0].accrued_fen == 360
    Position.objects.filter(pk=loan.pk).update(accrues_from=date(2026, 10, 19))
    refused(loan.loan_note_no)


def test_however_many_loans_are_looked_at_the_statements_stay(django_assert_max_num_queries: Query) -> None:
    """One pass, and where periods are longer than a month two look-ups for all of them together."""
    book(60, seed=2, opens_on=DAY)
    with django_assert_max_num_queries(5):
        balances_of(DAY)
    assert not Position.objects.filter(accrues_from=None, next_number__isnull=False).exists()


# ── Branches ─────────────────────────────────────────────────────────────────────────────────────


def reported(day: date) -> list[GeneralRow]:
    return general_day(day, Scope(None))


def test_branches_that_differ_block_the_close_though_each_loan_agrees() -> None:
    open_bank(DAY)
    here, there = make_branch(), make_branch()
    book_loan(branch=here)
    book_loan(branch=there)
    close_business_date(day=DAY, at=AT)
    # The last close is made to say a fen more here and a fen less there.
    spoil(
        "UPDATE loans_businessdate SET totals = jsonb_set(jsonb_set(totals, ARRAY['branches', %s], '\"900000.01\"'),"
        " ARRAY['branches', %s], '\"899999.99\"') WHERE day = %s",
        here.code, there.code, DAY,
    )  # fmt: skip
    names = sorted([f"{here.code} [(]900000.00 / 900000.01[)]", f"{there.code} [(]900000.00 / 899999.99[)]"])
    refused(".".join(names) + "$")


def test_a_loan_that_moves_takes_its_balance_along_and_the_close_agrees() -> None:
    open_bank(DAY)
    here, there, beyond = make_branch(), make_branch(), make_branch()
    loan, other = book_loan(branch=here), book_loan(branch=there)
    close_business_date(day=DAY, at=AT)
    following = DAY + timedelta(days=1)
    # Moved twice on a day: what counts is where it stood at the close before, and where it stands at the next.
    for branch in (there, beyond):
        Loan.objects.filter(pk=loan.pk).update(branch=branch)
    close_business_date(day=following, at=AT)
    assert BusinessDate.objects.get(day=following).totals["branches"] == {
        there.code: "900000.00", beyond.code: "900000.00"
    }  # fmt: skip
    Loan.objects.filter(pk=other.pk).update(branch=here)
    close_business_date(day=following + timedelta(days=1), at=AT)
    assert all(each.is_ok for each in stated_findings((*FIGURES, *LEDGER)))


def test_the_report_of_a_closed_date_names_the_branch_and_product_of_then() -> None:
    open_bank(DAY)
    here, there = make_branch(), make_branch()
    loan = book_loan(branch=here, due_day=1)
    batch.bill(as_of=DAY, at=AT)
    close_business_date(day=DAY, at=AT)
    before = reported(DAY)
    assert {row.code for row in before} == {here.code} and {row.product for row in before} == {"COMMERCIAL"}
    Loan.objects.filter(pk=loan.pk).update(branch=there)
    Loan.objects.filter(pk=loan.pk).update(product="HOUSING_FUND")
    assert reported(DAY) == before
    assert [(row.branch_id, row.product) for row in FormerBranch.objects.order_by("pk")] == [
        (here.pk, "COMMERCIAL"), (there.pk, "COMMERCIAL")
    ]  # fmt: skip
    # What is posted on the day of the move stands where the loan stands at its close.
    following = DAY + timedelta(days=1)
    close_business_date(day=following, at=AT)
    assert {row.code for row in reported(following) if row.account == "PRINCIPAL"} <= {there.code}
    assert reported(DAY) == before


def test_where_a_loan_stood_is_history() -> None:
    loan = book_loan()
    Loan.objects.filter(pk=loan.pk).update(branch=make_branch())
    for statement in ("UPDATE loans_formerbranch SET left_on = left_on + 1", "DELETE FROM loans_formerbranch"):
        with pytest.raises(DatabaseError, match="denied|history"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert FormerBranch.objects.get().left_on == DAY
