"""Reads of the bank's days and parameters, and the two locks: the narrow position row, and the open business date.

Everything under a loan is locked by its `loans_position` row, taken in id order. Whoever posts holds the open business
date in share mode, so that a date cannot close under a posting that names it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans import sql
from loans.models import Position
from loans.queries import held
from loans.rules.calendar import Calendar
from loans.sql import PLAIN_WEEK_DIFFERS

_NO_DEFAULT = object()
_PARAMETER = "SELECT value FROM loans_parameter WHERE code = %(code)s AND in_force @> %(on)s::date"
_PARAMETERS = "SELECT code, value FROM loans_parameter WHERE code = ANY(%(codes)s) AND in_force @> %(on)s::date"
_ALL_PERIODS = "SELECT code, lower(in_force), upper(in_force), value FROM loans_parameter"
# What an action asks of the calendar lies between these, with few exceptions.
_BACK, _AHEAD = timedelta(days=801), timedelta(days=901)


class NoBusinessDate(ActionRefused):
    """The bank has no open business date yet: nothing can be posted or closed."""

    code = "no_business_date"


class ParameterMissing(LookupError):
    """No value of a parameter is in force on the day."""


def open_business_date() -> date | None:
    """The bank's open day; None before the first import opens the bank. Who holds it knows it."""
    if kept := held.held():
        return kept.day
    for (day,) in sql.rows("SELECT day FROM loans_businessdate WHERE is_open"):
        return day
    return None


def business_date() -> date | None:
    """The open day for page headers."""
    return open_business_date()


@dataclass(frozen=True, slots=True)
class OpenDay:
    """The open day, the whole workday calendar, the days of grace before an installment counts as overdue, and the last
    close; None before the first."""

    day: date
    days: Calendar
    grace_days: int
    closed_on: date | None


def open_day() -> OpenDay | None:
    """What most pages need of the bank, in one statement; None before the bank opens."""
    for day, grace, exceptions, workdays, closed_on in sql.rows(sql.OPEN_DAY):
        days = Calendar.of(zip(exceptions, workdays, strict=True))
        return OpenDay(day, days, int(json.loads(grace or "0")), closed_on)
    return None


def require_business_date() -> date:
    """The open day; NoBusinessDate when there is none."""
    day = open_business_date()
    if day is None:
        raise NoBusinessDate(_("本行尚未开业：没有营业日期。"))
    return day


def hold_business_date() -> date:
    """The open day, which cannot close before the caller's transaction ends."""
    if kept := held.held():
        return kept.day
    # A close that commits while we wait leaves this statement without a row; the next one sees the new day.
    for _attempt in range(3):
        for (day,) in sql.rows("SELECT day FROM loans_businessdate WHERE is_open FOR SHARE"):
            found: date = day
            held.keep(found)
            return found
    return require_business_date()


def calendar(from_: date, to: date) -> Calendar:
    """The workday calendar between two days; outside the table the plain week holds.

    Under a held day, and in a night, the years around it are read once.
    """
    kept = held.reads()
    if kept is None or not kept.day - _BACK <= from_ or not to <= kept.day + _AHEAD:
        return _calendar(from_, to)
    if kept.calendar is None:
        kept.calendar = _calendar(kept.day - _BACK, kept.day + _AHEAD)
    return kept.calendar.between(from_, to)


def _calendar(from_: date, to: date) -> Calendar:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN_WEEK_DIFFERS, {"from_": from_, "to": to})
        return Calendar.of(cursor.fetchall())


def parameter(code: str, on: date, default: Any = _NO_DEFAULT) -> Any:
    """The value of an effective-dated parameter on a day; under a held day, and in a night, all are read once."""
    for value in _values(code, on):
        return json.loads(value)
    if default is _NO_DEFAULT:
        raise ParameterMissing(f"{code} on {on}")
    return default


def _values(code: str, on: date) -> list[str]:
    """The value in force, if there is one."""
    kept = held.reads(until=on)
    if kept is None:
        return [value for (value,) in sql.rows(_PARAMETER, {"code": code, "on": on})]
    if kept.parameters is None:
        kept.parameters = {}
        for name, first, until, value in sql.rows(_ALL_PERIODS):
            kept.parameters.setdefault(name, []).append((first, until, value))
    return [
        value
        for first, until, value in kept.parameters.get(code, ())
        if (first is None or first <= on) and (until is None or on < until)
    ]


def parameters(codes: Iterable[str], on: date) -> dict[str, Any]:
    """The values of several effective-dated parameters on a day, by code; those without one are absent."""
    found = sql.rows(_PARAMETERS, {"codes": sorted(set(codes)), "on": on})
    return {code: json.loads(value) for code, value in found}


def overdue_grace_days(on: date) -> int:
    """Days after the due day before an unpaid installment may be recognised as overdue."""
    return int(parameter("overdue_grace_days", on, default=0))


def lock_positions(loan_ids: Iterable[int]) -> dict[int, Position]:
    """Locks the loans' positions in id order; by loan id."""
    rows = Position.objects.select_for_update().filter(loan_id__in=sorted(set(loan_ids))).order_by("loan_id")
    return {row.loan_id: row for row in rows}
