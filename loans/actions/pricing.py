"""How the rate of loans that came with a book is made: LPR of their tenor and the spread that their rate shows.

A tape tells the rate only. The spread over the LPR in force at the take-over is what the contract is repriced with from
then on, once a year on 1 January; where that is no spread a contract could have, the rate is kept as a fixed one and
the reason stands in `source`. What the contract really says may be entered by a change of its pricing.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from loans import sql
from loans.models import PricingAnchor, PricingKind, Product
from loans.queries import open_business_date
from loans.queries.pricing import published_lpr, without_pricing
from loans.rules.money import rate_ppm
from loans.rules.pricing import (
    LEAST_SPREAD_BP,
    MOST_SPREAD_BP,
    USUAL_CYCLE,
    Published,
    TakenOver,
    next_repricing_day,
    taken_over,
)
from loans.sql import array

CHUNK = 2000
PRICING_COLUMNS = ("loan_id", "in_force", "kind", "tenor", "spread_bp", "cycle_months", "anchor", "source")


class Priced(NamedTuple):
    """A pricing as COPY takes it (`PRICING_COLUMNS`), and the first repricing day."""

    row: tuple[Any, ...]
    next_repricing_on: date | None


def price_taken_over(
    loan_id: int,
    rate_percent: Decimal,
    days: tuple[date, date],
    as_of: date,
    published: dict[str, list[Published]],
    *,
    after: date | None = None,
) -> Priced:
    """The pricing of a loan drawn and maturing on `days` from its rate on a day; repriced later than `after`."""
    drawn, matures = days
    found = taken_over(rate_ppm(rate_percent), drawn, matures, as_of, published)
    if found.why_fixed:
        return _fixed(loan_id, as_of, _why_fixed(found, as_of))
    first = next_repricing_day(
        after or as_of, cycle_months=USUAL_CYCLE, anchor=PricingAnchor.JANUARY_1, disbursed_on=drawn, matures_on=matures
    )
    assert found.lpr is not None
    source = _("期初推算：%(as_of)s 执行利率 %(rate)s%% 减 %(day)s 公布的 LPR %(lpr)s%%") % {
        "as_of": as_of,
        "rate": rate_percent,
        "day": found.lpr.published_on,
        "lpr": Decimal(found.lpr.rate_ppm).scaleb(-4),
    }
    row = (
        loan_id, f"[{as_of},)", PricingKind.LPR.value, found.tenor, found.spread_bp, USUAL_CYCLE,
        PricingAnchor.JANUARY_1.value, source,
    )  # fmt: skip
    return Priced(row, first)


def _fixed(loan_id: int, as_of: date, source: str) -> Priced:
    return Priced((loan_id, f"[{as_of},)", PricingKind.FIXED.value, "", 0, None, "", source), None)


def _why_fixed(found: TakenOver, as_of: date) -> str:
    if found.why_fixed == "no_lpr":
        return _("按固定利率：%(as_of)s 以前没有已复核的 LPR") % {"as_of": as_of}
    return _("按固定利率：推算的加点 %(spread)s 个基点不在 %(least)d 至 %(most)d 之间") % {
        "spread": found.spread_bp,
        "least": LEAST_SPREAD_BP,
        "most": MOST_SPREAD_BP,
    }


_UNPRICED = """
SELECT p.loan_id, t.annual_rate_percent, l.disbursed_on, l.matures_on, coalesce(l.baseline_on, l.disbursed_on),
       l.product, p.next_number IS NOT NULL
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
JOIN loans_terms t ON t.loan_id = p.loan_id AND t.version = 1
WHERE NOT EXISTS (SELECT FROM loans_pricing r WHERE r.loan_id = p.loan_id)
ORDER BY p.loan_id LIMIT %(most)s FOR UPDATE OF p
"""
_SET_NEXT = """
UPDATE loans_position p SET next_repricing_on = u.day
FROM unnest(%(loan_id)s::bigint[], %(day)s::date[]) AS u(loan_id, day)
WHERE p.loan_id = u.loan_id AND p.next_repricing_on IS NULL
"""


@transaction.atomic
def price_book(*, by: str, at: datetime) -> dict[str, int]:
    """Gives a pricing to every loan that has none, from the rate it was taken over with; run again it finds nothing.

    A bank that has lived without pricing is repriced from its open date on: what lies before was not missed.
    """
    counts = {"priced": 0, "fixed": 0}
    if not without_pricing().exists():
        return counts
    published, today = published_lpr(), open_business_date()
    while found := sql.rows(_UNPRICED, {"most": CHUNK}):
        priced = [_of_book(row, published, today) for row in found]
        _write(priced)
        counts["priced"] += len(priced)
        counts["fixed"] += sum(each.row[2] == PricingKind.FIXED for each in priced)
    record(
        kind="loans.book_priced", subject_type="loans", subject_id=None, by=by, at=at, business_date=today, data=counts
    )
    return counts


def _of_book(row: tuple[Any, ...], published: dict[str, list[Published]], today: date | None) -> Priced:
    loan_id, rate, drawn, matures, base, product, goes_on = row
    if product == Product.HOUSING_FUND:
        return _fixed(loan_id, base, _("按固定利率：公积金贷款利率由中国人民银行规定"))
    after = max(base, today - timedelta(days=1)) if today else base
    priced = price_taken_over(loan_id, rate, (drawn, matures), base, published, after=after)
    return priced if goes_on else priced._replace(next_repricing_on=None)


def _write(priced: Sequence[Priced]) -> None:
    sql.copy_rows("loans_pricing", PRICING_COLUMNS, [each.row for each in priced])
    dated = [(each.row[0], each.next_repricing_on) for each in priced if each.next_repricing_on]
    if dated:
        ids, days = zip(*dated, strict=True)
        sql.run(_SET_NEXT, {"loan_id": array(ids), "day": array(days)})
