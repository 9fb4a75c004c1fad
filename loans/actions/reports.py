"""Reports about the book as they are asked for: texts become dates and months, or are refused with their field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.models import Product
from loans.queries import general, reports
from loans.queries.bank import require_business_date
from loans.queries.general import GeneralRow
from loans.queries.reports import BRANCH, MONTH, PRODUCT, CellTable, Collected
from loans.rules.dates import add_months
from people.actions import require
from people.models import Branch, Staff

MOST_MONTHS = 24
_USUAL_MONTHS = 12
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ReportRefused(ActionRefused):
    """The dates or the choice of a report cannot be meant."""

    code = "report_refused"


@dataclass(frozen=True, slots=True)
class Aging:
    """Balances by days past due at a close; `names` say which branch or product a key is."""

    on: date
    by: str
    table: CellTable
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Migration:
    """Loans by class at two closes."""

    from_on: date
    to_on: date
    table: CellTable


@dataclass(frozen=True, slots=True)
class Collections:
    """Due against received from the first day of a month to the last of another."""

    from_month: str
    to_month: str
    by: str
    rows: tuple[Collected, ...]
    total: Collected
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GeneralDay:
    """The general ledger of a closed date; debit and credit of all rows."""

    on: date
    rows: tuple[GeneralRow, ...]
    debit: Decimal
    credit: Decimal


class _Scoped(NamedTuple):
    scope: reports.Scope
    by: str


def aging(*, asked: Mapping[str, str], by: Staff) -> Aging:
    """`on` (the last close), `by` (branch or product), `branch`, `product`."""
    require(by, "loans.view_reports")
    scoped = _scoped(asked, by, (BRANCH, PRODUCT))
    first, last = _closed()
    on = _closed_day(asked, "on", last, (first, last))
    table = reports.aging_at(on, scoped.scope, scoped.by)
    return Aging(on, scoped.by, table, _names(scoped.by, [row.key for row in table.rows]))


def migration(*, asked: Mapping[str, str], by: Staff) -> Migration:
    """`from` and `to` (the last close and the one a month before, or the first), `branch`, `product`."""
    require(by, "loans.view_reports")
    scoped = _scoped(asked, by, (BRANCH,))
    first, last = _closed()
    to_on = _closed_day(asked, "to", last, (first, last))
    from_on = _closed_day(asked, "from", max(first, add_months(to_on, -1)), (first, last))
    if from_on > to_on:
        raise ReportRefused(_("开始日晚于结束日。"), field="from")
    return Migration(from_on, to_on, reports.migration_between(from_on, to_on, scoped.scope))


def collections(*, asked: Mapping[str, str], by: Staff) -> Collections:
    """`from` and `to` as YYYY-MM (twelve months up to the open date's), `by` (month or branch), `branch`, `product`."""
    require(by, "loans.view_reports")
    scoped = _scoped(asked, by, (MONTH, BRANCH))
    this_month = require_business_date().replace(day=1)
    to_month = _month(asked, "to", this_month)
    from_month = _month(asked, "from", add_months(to_month, 1 - _USUAL_MONTHS))
    if from_month > to_month:
        raise ReportRefused(_("开始月份晚于结束月份。"), field="from")
    if to_month > this_month:
        raise ReportRefused(_("结束月份晚于营业日所在的月份。"), field="to")
    if add_months(from_month, MOST_MONTHS) <= to_month:
        raise ReportRefused(_("一次最多 %(months)d 个月。") % {"months": MOST_MONTHS}, field="from")
    rows = tuple(reports.collected_in(from_month, add_months(to_month, 1), scoped.scope, scoped.by))
    names = {row.key: row.key[:7] for row in rows} if scoped.by == MONTH else _names(BRANCH, [row.key for row in rows])
    months = f"{from_month:%Y-%m}", f"{to_month:%Y-%m}"
    return Collections(*months, scoped.by, rows, reports.summed(rows), names)


def general_day(*, asked: Mapping[str, str], by: Staff) -> GeneralDay:
    """`on` (the last close), `branch`, `product`."""
    require(by, "loans.view_reports")
    scoped = _scoped(asked, by, (BRANCH,))
    first, last = _closed()
    on = _closed_day(asked, "on", last, (first, last))
    rows = tuple(general.general_day(on, scoped.scope))
    debit, credit = (sum((getattr(row, side) for row in rows), Decimal("0.00")) for side in ("debit", "credit"))
    return GeneralDay(on, rows, debit, credit)


def _scoped(asked: Mapping[str, str], by: Staff, ways: tuple[str, ...]) -> _Scoped:
    way, product = asked.get("by") or ways[0], asked.get("product", "")
    if way not in ways:
        raise ReportRefused(_("没有这种汇总方式。"), field="by")
    if product and product not in Product.values:
        raise ReportRefused(_("没有这种产品。"), field="product")
    return _Scoped(reports.scope_of(by, asked.get("branch", ""), product), way)


def _closed() -> tuple[date, date]:
    found = reports.closed_dates()
    if found is None:
        raise ReportRefused(_("还没有日终结束的日期，暂无报表。"))
    return found


def _closed_day(asked: Mapping[str, str], name: str, usual: date, closed: tuple[date, date]) -> date:
    if not asked.get(name):
        return usual
    day = _day(asked[name], name)
    if not closed[0] <= day <= closed[1]:
        words = _("日期须在已日终的 %(first)s 至 %(last)s 之间。")
        raise ReportRefused(words % {"first": closed[0], "last": closed[1]}, field=name)
    return day


def _day(text: str, name: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ReportRefused(_("日期请写成 YYYY-MM-DD，且确有这一天。"), field=name) from None


def _month(asked: Mapping[str, str], name: str, usual: date) -> date:
    if not asked.get(name):
        return usual
    try:
        month = _day(f"{asked[name]}-01", name)
    except ReportRefused:
        raise ReportRefused(_("月份请写成 YYYY-MM。"), field=name) from None
    if not 1990 <= month.year <= 2100:
        raise ReportRefused(_("月份请写成 YYYY-MM。"), field=name)
    return month


def _names(by: str, keys: list[str]) -> dict[str, str]:
    if by == PRODUCT:
        return {code: str(label) for code, label in Product.choices}
    found = Branch.objects.filter(pk__in=[int(key) for key in keys])
    return {str(branch.pk): branch.name for branch in found}
