"""Decides when an unpaid installment counts as overdue, how many days, and the class by days.

Recognition waits: a period whose last day is a holiday ends on the next workday (Civil Code 203),
so an installment is overdue when it is unpaid at the close of a date later than the first workday
on or after due day + grace. Once recognised, days past due count from the due day: due + 1 = day 1.
Classes by days past due: 商业银行金融资产风险分类办法 (令〔2023〕1号), retail 脱期法. A restructured
loan under observation has a floor: its class is not better than that, whatever its days past due.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from loans.rules.calendar import Calendar

# First day past due of each class, worst first.
CLASS_FROM_DAY: tuple[tuple[int, str], ...] = (
    (361, "LOSS"),
    (271, "DOUBTFUL"),
    (91, "SUBSTANDARD"),
    (1, "SPECIAL_MENTION"),
)
# From the worst to the best.
CLASSES: tuple[str, ...] = (*(name for _day, name in CLASS_FROM_DAY), "PASS")
# Non-performing (不良): interest on these does not count as income.
NON_PERFORMING: tuple[str, ...] = ("LOSS", "DOUBTFUL", "SUBSTANDARD")


@dataclass(frozen=True, slots=True)
class UnpaidInstallment:
    """What aging needs of an unpaid installment; `overdue_from` is the due day or the tape's word."""

    due_on: date
    overdue_from: date


def days_past_due(overdue_since: date | None, business_date: date) -> int:
    """Days since the day from which the loan is overdue; 0 when it is not."""
    return 0 if overdue_since is None else max(0, (business_date - overdue_since).days)


def last_day_to_pay(due_on: date, grace_days: int, calendar: Calendar) -> date:
    """The last day on which a payment is still in time."""
    return calendar.next_workday(due_on + timedelta(days=grace_days))


def is_recognised(due_on: date, as_of: date, grace_days: int, calendar: Calendar) -> bool:
    """Is an installment that is unpaid at the close of `as_of` overdue?"""
    return as_of > last_day_to_pay(due_on, grace_days, calendar)


def recognised_due_until(as_of: date, grace_days: int, calendar: Calendar) -> date:
    """The latest due day that is recognised at the close of `as_of`: `is_recognised` as one comparison."""
    return calendar.previous_workday(as_of - timedelta(days=1)) - timedelta(days=grace_days)


def overdue_since(unpaid: list[UnpaidInstallment], recognised_until: date, baseline_on: date | None) -> date | None:
    """The day from which a loan is overdue, or None.

    Arrears taken over with the book were declared by the former system: they count as recognised
    whatever our calendar says of their due day.
    """
    days = [
        row.overdue_from
        for row in unpaid
        if row.due_on <= recognised_until or (baseline_on is not None and row.overdue_from < baseline_on)
    ]
    return min(days, default=None)


def five_class(days: int) -> str:
    """The class that days past due alone give."""
    for first_day, name in CLASS_FROM_DAY:
        if days >= first_day:
            return name
    return "PASS"


def worse_class(first: str, second: str) -> str:
    """The worse of two classes; empty stands for none."""
    return min((name for name in (first, second) if name), key=CLASSES.index, default="")


def class_of(days: int, floor: str = "") -> str:
    """The class that days past due give, not better than the floor of an observation."""
    return worse_class(five_class(days), floor)


def is_non_accrual(days: int, name: str, non_accrual_dpd: int) -> bool:
    """Does billed interest stand off the balance sheet: past due too long (90 days), or non-performing?"""
    return days > non_accrual_dpd or name in NON_PERFORMING


def crossing_dates(as_of: date) -> dict[str, date]:
    """For each class the latest `overdue_since` that puts a loan in it at the close of `as_of`."""
    return {name: as_of - timedelta(days=first_day) for first_day, name in CLASS_FROM_DAY}
