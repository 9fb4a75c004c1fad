"""Reports of a date that has passed are what the book was that evening, added up loan by loan."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from config import day_end
from loans.actions import ReceiptRow, post_receipts
from loans.actions.reports import ReportRefused, aging, collections, migration
from loans.models import Installment, Loan, Position
from loans.queries.reports import BANDS, CLASSES
from people.models import Staff
from tests.factories import AT, book_loan, make_branch, make_staff

FIRST, EVENINGS = date(2026, 11, 1), 34


def _evening() -> dict[int, tuple[date | None, Decimal, str, bool]]:
    rows = Position.objects.values_list("loan_id", "overdue_since", "principal_balance", "five_class", "settled_on")
    return {pk: (since, balance, name, settled is not None) for pk, since, balance, name, settled in rows}


@pytest.fixture
def lived(db: None) -> tuple[Staff, dict[date, Any]]:
    """A month of two branches: some pay, some late, one everything; what each evening left, loan by loan."""
    branches = [make_branch(), make_branch()]
    assert branches[0].parent is not None
    auditor = make_staff("AUDITOR", branches[0].parent)
    days_late = (0, 0, 0, 12, 29, 58, 88, 100, 179, 268, 359, 400)
    loans = [
        book_loan(branches[k % 2], days_past_due=days, due_day=1 + 2 * k, outstanding=Decimal(900_000 + 1000 * k))
        for k, days in enumerate(days_late)
    ]
    evenings: dict[date, Any] = {}
    for passed in range(EVENINGS):
        day = FIRST + timedelta(days=passed)
        rows = []
        if passed in (3, 20):
            rows = [
                ReceiptRow(loan.loan_note_no, Decimal("70000"), day, "CORE", f"{passed}/{loan.pk}")
                for loan in loans[3:9:2]
            ]
        if passed == 12:
            rows = [ReceiptRow(loans[1].loan_note_no, Decimal("990000"), day, "CORE", "all")]
        post_receipts(rows=rows, by="system", at=AT)
        day_end.run(through=day, at_clock=lambda: AT)
        evenings[day] = _evening()
    return auditor, evenings


def banded(day: date, evening: Any, key_of: Callable[[int], str]) -> dict[tuple[str, int], tuple[int, Decimal]]:
    found: dict[tuple[str, int], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for loan_id, (since, balance, _class, _is_settled) in evening.items():
        if balance:
            days = max(0, (day - since).days) if since else 0
            key = (key_of(loan_id), max(first for first in BANDS if first <= days))
            found[key] = (found[key][0] + 1, found[key][1] + balance)
    return dict(found)


def shown(table: Any, columns: Any) -> dict[tuple[str, Any], tuple[int, Decimal]]:
    return {
        (row.key, column): (cell.loans, cell.balance)
        for row in table.rows
        for column, cell in zip(columns, row.cells, strict=True)
        if cell.loans
    }


def test_the_book_at_each_close_is_what_that_evening_left(lived: tuple[Staff, dict[date, Any]]) -> None:
    auditor, evenings = lived
    branch_of = {str(pk): str(branch) for pk, branch in Loan.objects.values_list("pk", "branch_id")}
    seen: Counter[int] = Counter()
    for day, evening in evenings.items():
        report = aging(asked={"on": str(day)}, by=auditor)
        expected = banded(day, evening, lambda pk: branch_of[str(pk)])
        assert shown(report.table, BANDS) == expected, day
        assert report.table.total.total.balance == sum(amount for _count, amount in expected.values())
        seen.update(band for _key, band in expected)
    assert len(seen) == len(BANDS)
    by_product = aging(asked={"by": "product"}, by=auditor)
    assert shown(by_product.table, BANDS) == banded(day, evening, lambda _pk: "COMMERCIAL")


def test_classes_move_between_two_closes_as_they_were_recorded(lived: tuple[Staff, dict[date, Any]]) -> None:
    auditor, evenings = lived
    days = list(evenings)
    columns = (*CLASSES, "SETTLED", "WRITTEN_OFF")
    moves: set[tuple[str, str]] = set()
    for from_on, to_on in ((days[0], days[-1]), (days[0], days[9]), (days[5], days[6]), (days[10], days[22])):
        expected: dict[tuple[str, str], tuple[int, Decimal]] = {}
        for loan_id, (_since, _balance, was, is_settled) in evenings[from_on].items():
            _later, balance, now, has_ended = evenings[to_on][loan_id]
            if not is_settled:
                key = (was, "SETTLED" if has_ended else now)
                count, total = expected.get(key, (0, Decimal(0)))
                expected[key] = (count + 1, total + balance)
        report = migration(asked={"from": str(from_on), "to": str(to_on)}, by=auditor)
        assert shown(report.table, columns) == expected, (from_on, to_on)
        moves |= {key for key in expected if key[0] != key[1]}
    assert len(moves) > 3


def test_due_and_received_are_the_installments_added_up(lived: tuple[Staff, dict[date, Any]]) -> None:
    auditor, _evenings = lived
    report = collections(asked={"from": "2026-01", "to": "2026-12"}, by=auditor)
    due: Counter[str] = Counter()
    received: Counter[str] = Counter()
    recovered: Counter[str] = Counter()
    for row in Installment.objects.filter(due_on__gte=date(2026, 1, 1)):
        due[f"{row.due_on:%Y-%m}"] += row.principal + row.interest
        received[f"{row.due_on:%Y-%m}"] += row.principal_paid + row.interest_paid
    for row in Installment.objects.filter(settled_on__gte=date(2026, 1, 1)):
        if row.due_on < row.settled_on.replace(day=1):
            recovered[f"{row.settled_on:%Y-%m}"] += row.principal + row.interest
    assert recovered
    found = {row.key[:7]: (row.due, row.received, row.recovered) for row in report.rows}
    assert found == {month: (due[month], received[month], recovered[month]) for month in {*due, *recovered}}
    by_branch = collections(asked={"from": "2026-01", "to": "2026-12", "by": "branch"}, by=auditor)
    assert (by_branch.total.due, by_branch.total.received, by_branch.total.recovered) == (
        report.total.due, report.total.received, report.total.recovered,
    )  # fmt: skip


def test_a_person_of_one_branch_sees_its_loans_only(lived: tuple[Staff, dict[date, Any]]) -> None:
    _auditor, evenings = lived
    day = max(evenings)
    loan = Loan.objects.earliest("pk")
    manager = make_staff("BRANCH_MANAGER", loan.branch)
    mine = set(Loan.objects.filter(branch=loan.branch).values_list("pk", flat=True))
    expected = sum(balance for pk, (_s, balance, _c, _e) in evenings[day].items() if pk in mine)
    assert aging(asked={}, by=manager).table.total.total.balance == expected
    assert {row.key for row in aging(asked={}, by=manager).table.rows} == {str(loan.branch_id)}
    other = Loan.objects.exclude(branch=loan.branch).earliest("pk").branch
    assert aging(asked={"branch": other.code}, by=manager).table.rows == ()
    assert collections(asked={"branch": other.code}, by=manager).rows == ()


@pytest.mark.parametrize(
    ("report", "asked", "field"),
    [
        (aging, {"on": "2026-10-30"}, "on"),
        (aging, {"on": "2030-01-01"}, "on"),
        (aging, {"on": "2026-11-31"}, "on"),
        (aging, {"on": "20261105"}, "on"),
        (aging, {"by": "month"}, "by"),
        (aging, {"product": "CAR"}, "product"),
        (migration, {"from": "2026-11-02", "to": "2026-11-01"}, "from"),
        (migration, {"from": "2026-10-01"}, "from"),
        (migration, {"to": "2027-01-01"}, "to"),
        (collections, {"from": "2026-11", "to": "2026-10"}, "from"),
        (collections, {"from": "2024-10", "to": "2026-10"}, "from"),
        (collections, {"to": "2027-03"}, "to"),
        (collections, {"to": "2026-13"}, "to"),
        (collections, {"to": "2026-1"}, "to"),
        (collections, {"by": "product"}, "by"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    db: None, report: Callable[..., Any], asked: dict[str, str], field: str
) -> None:
    loan = book_loan()
    for day in (FIRST, FIRST + timedelta(days=1)):
        day_end.run(through=day, at_clock=lambda: AT)
    auditor = make_staff("AUDITOR", loan.branch)
    assert report(asked={}, by=auditor)
    with pytest.raises(ReportRefused) as refused:
        report(asked=asked, by=auditor)
    assert refused.value.field == field


def test_before_the_first_close_there_is_nothing_to_report(db: None) -> None:
    auditor = make_staff("AUDITOR", book_loan().branch)
    with pytest.raises(ReportRefused):
        aging(asked={}, by=auditor)
