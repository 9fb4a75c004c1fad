"""What a repricing needs to know of its loans, for the preview and for the evening alike; and what a run says."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Count, QuerySet

from loans import sql
from loans.models import Loan, RepricingItem, RepricingRun
from loans.queries.bank import parameter
from loans.queries.pricing import published_lpr
from loans.queries.terms import LoanTerms, terms_of
from loans.rules.money import rate_ppm
from loans.rules.pricing import Agreed, Market, Outcome, judged, lpr_before
from loans.rules.simulation_request import SPLIT_BY_DAYS
from loans.sql import array
from loans.sql import repricing as statements
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to

_MOST_RATE = "24.0"
_READ_AT_ONCE = 5000


def market_of_days() -> Callable[[date], Market]:
    """What holds on each repricing day: published rates, and the bank's parameters of that day."""
    published = published_lpr()

    @lru_cache(maxsize=1000)
    def market(day: date) -> Market:
        most = Decimal(str(parameter("max_rate_percent", day, default=_MOST_RATE)))
        return Market(published, rate_ppm(most), str(parameter("rate_split_variant", day, default=SPLIT_BY_DAYS)))

    return market


def agreed_on(days: Mapping[int, date]) -> dict[int, Agreed]:
    """How each loan's rate is made on its day, by loan id."""
    values = {"loan_id": array(days), "day": array(days.values())}
    return {row[0]: Agreed(*row[1:]) for row in sql.rows(statements.AGREED, values)}


def outcomes(
    days: Mapping[int, date], market: Callable[[date], Market]
) -> Iterator[tuple[LoanTerms, Agreed | None, Outcome]]:
    """What its repricing day means for each loan, by loan id; loans with nothing left to bill are not among them.

    All is read here and now; what is found is computed as it is taken.
    """
    agreed, found = agreed_on(days), terms_of(days)
    markets = {day: market(day) for day in set(days.values())}
    return (
        (terms, agreed.get(loan_id), judged(terms.standing, agreed.get(loan_id), days[loan_id], markets[days[loan_id]]))
        for loan_id, terms in found.items()
    )


def run_sha256(run_id: int) -> str:
    """Hash of every figure of a run, as it stands in the database."""
    content, after = hashlib.sha256(), 0
    while found := sql.rows(statements.CONTENT, {"run_id": run_id, "after": after, "size": _READ_AT_ONCE}):
        for row in found:
            content.update("|".join(map(str, row[1:] if row[-1] else row[1:-1])).encode() + b"\n")
        after = found[-1][0]
    return content.hexdigest()


def rates_moved(run_id: int) -> list[tuple[str, date, Decimal, Decimal]]:
    """Rates that were published since a run was previewed: tenor, repricing day, rate then, rate now."""
    published = published_lpr()
    moved = []
    for tenor, day, percent in sql.rows(statements.DAYS_PENDING, {"run_id": run_id}):
        counts = lpr_before(published.get(tenor, ()), day)
        if counts is not None and counts.rate_ppm != rate_ppm(percent):
            moved.append((tenor, day, percent, Decimal(counts.rate_ppm).scaleb(-4)))
    return sorted(moved)


def totals_of(run_id: int) -> dict[str, Any]:
    """Counts and sums of a run's preview, in all and by branch, and the rates it used; amounts as text."""
    names = ("code", "name", "count", "held", "up", "down", "unchanged", "change")
    branches = [dict(zip(names, row, strict=True)) for row in sql.rows(statements.TOTALS, {"run_id": run_id})]
    whole: dict[str, Any] = {name: sum(each[name] for each in branches) for name in names[2:7]}
    whole["change"] = f"{sum((each['change'] for each in branches), Decimal('0.00'))}"
    whole["branches"] = [{**each, "change": f"{each['change']}"} for each in branches]
    whole["rates"] = [
        {
            "tenor": tenor,
            "published_on": str(published),
            "rate_percent": f"{rate}",
            "from": str(first),
            "to": str(last),
            "count": count,
        }
        for tenor, published, rate, first, last, count in sql.rows(statements.RATES_USED, {"run_id": run_id})
    ]
    return whole


# ── What a person sees of runs ───────────────────────────────────────────────────────────────────

_COUNTS = ("count", "held", "up", "down", "unchanged")


def branch_codes_seen(staff: Staff) -> set[str]:
    """Codes of the branches that a person sees."""
    return set(Branch.objects.filter(pk__in=branch_ids_visible_to(staff)).values_list("code", flat=True))


def totals_seen(run: RepricingRun, codes: set[str]) -> dict[str, Any]:
    """A run's totals over some branches."""
    branches = [each for each in run.totals.get("branches", ()) if each["code"] in codes]
    whole = {name: sum(each[name] for each in branches) for name in _COUNTS}
    change = sum((Decimal(each["change"]) for each in branches), Decimal("0.00"))
    return {**run.totals, **whole, "change": change, "branches": branches}


def items_seen(run: RepricingRun, staff: Staff) -> QuerySet[RepricingItem]:
    """A run's items of loans that a person sees."""
    rows = RepricingItem.objects.filter(run=run, loan__branch_id__in=branch_ids_visible_to(staff))
    return rows.select_related("loan", "loan__branch", "loan__borrower")


def notices_visible_to(staff: Staff) -> QuerySet[RepricingItem]:
    """Items of loans that a person sees, with all that a borrower's notice says."""
    seen = RepricingItem.objects.filter(loan__in=Loan.objects.visible_to(staff))
    return seen.select_related("run", "loan", "loan__branch", "loan__borrower")


def progress_of(run: RepricingRun) -> dict[str, int]:
    """How many items stand where: waiting, applied, unchanged, held."""
    rows = RepricingItem.objects.filter(run=run).order_by().values_list("state").annotate(Count("id"))
    return {"PENDING": 0, "APPLIED": 0, "UNCHANGED": 0, "HELD": 0, **dict(rows)}


def months_to_come(staff: Staff, on: date, days: int) -> list[tuple[date, date, int, int]]:
    """Repricing days by month from a date on: first and last day, loans, of which in a run that waits."""
    rows = sql.rows(
        statements.MONTHS_TO_COME,
        {"from_on": on, "to_on": on + timedelta(days=days), "branches": array(branch_ids_visible_to(staff))},
    )
    return [(first, last, loans, waiting) for first, last, loans, waiting in rows]
