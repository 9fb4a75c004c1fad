"""Figures of the book at the last close, for managers: read from what the close wrote, never from the loans."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from journal.replica import read_report
from loans import sql
from loans.models import FiveClass
from loans.queries.bank import open_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to, sees_every_branch

NON_PERFORMING = (FiveClass.SUBSTANDARD, FiveClass.DOUBTFUL, FiveClass.LOSS)


def share_of(part: Decimal, whole: Decimal) -> Decimal | None:
    """In percent with two decimals; None of nothing."""
    return (part * 100 / whole).quantize(Decimal("0.01"), ROUND_HALF_UP) if whole else None


class Sum(NamedTuple):
    loans: int
    principal: Decimal

    def plus(self, loans: int, principal: Decimal) -> "Sum":
        return Sum(self.loans + loans, self.principal + principal)


NOTHING = Sum(0, Decimal("0.00"))


@dataclass
class Book:
    """What some branches amount to at a close."""

    all: Sum = NOTHING
    overdue: Sum = NOTHING
    mentioned: Sum = NOTHING
    non_performing: Sum = NOTHING
    by_class: dict[str, Sum] = field(default_factory=dict)
    by_band: dict[int, Sum] = field(default_factory=dict)

    def add(self, five_class: str, band: int, loans: int, principal: Decimal) -> None:
        self.all = self.all.plus(loans, principal)
        self.by_class[five_class] = self.by_class.get(five_class, NOTHING).plus(loans, principal)
        self.by_band[band] = self.by_band.get(band, NOTHING).plus(loans, principal)
        if band:
            self.overdue = self.overdue.plus(loans, principal)
        if five_class == FiveClass.SPECIAL_MENTION:
            self.mentioned = self.mentioned.plus(loans, principal)
        if five_class in NON_PERFORMING:
            self.non_performing = self.non_performing.plus(loans, principal)

    def share(self, part: Sum) -> Decimal | None:
        return share_of(part.principal, self.all.principal)


class Branch(NamedTuple):
    """One branch at the last close: the whole, and the principal of three parts."""

    all: Sum
    overdue: Decimal
    mentioned: Decimal
    non_performing: Decimal


class OfProduct(NamedTuple):
    """A product at the last close: open loans, what is overdue of them, and interest accrued and not billed."""

    all: Sum
    overdue: Decimal
    accrued: Decimal


@dataclass
class Figures:
    """The last close, and the last one of the month before where it is kept."""

    day: date
    before_day: date | None
    book: Book
    before: Book
    branches: dict[int, Branch]
    products: dict[str, OfProduct] = field(default_factory=dict)

    @property
    def accrued(self) -> Decimal:
        return sum((each.accrued for each in self.products.values()), Decimal("0.00"))


def figures_for(staff: Staff, branch_ids: list[int] | None = None) -> Figures | None:
    """Summed over the branches one sees, or those of them that are named; None before the first close."""
    everywhere = sees_every_branch(staff) and branch_ids is None
    seen = [] if everywhere else branch_ids_visible_to(staff)
    wanted = seen if branch_ids is None else [pk for pk in branch_ids if pk in set(branch_ids_visible_to(staff))]
    values = {"everywhere": everywhere, "branch_ids": wanted}
    rows = read_report(lambda using: sql.rows(sql.READ_FIGURES, values, using=using), is_current=_know_last_close)
    if not rows:
        return None
    day = max(row[0] for row in rows)
    found = Figures(day, None, Book(), Book(), {})
    for closed_on, branch_id, five_class, band, loans, principal, *parts, product, accrued in rows:
        if product is not None:
            found.products[product] = OfProduct(Sum(loans, principal), parts[0], accrued)
        elif branch_id is not None:
            found.branches[branch_id] = Branch(Sum(loans, principal), *parts)
        elif closed_on == day:
            found.book.add(five_class, band, loans, principal)
        else:
            found.before_day = closed_on
            found.before.add(five_class, band, loans, principal)
    return found


def _know_last_close(rows: list[tuple[Any, ...]]) -> bool:
    """A replica that has not replayed the last close would tell a manager yesterday's figures under today's date."""
    day = open_business_date()
    return bool(rows) and (day is None or max(row[0] for row in rows) >= day - timedelta(days=1))
