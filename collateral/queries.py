"""Reads of collateral: what a loan's homes are worth together, and how they are charged."""

from collections.abc import Collection
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.db import connection
from django.db.models import Count, F, Min, QuerySet, Sum

from collateral.models import AreaRevaluation, Charge, Property, Valuation
from collateral.rules.address import estate_of
from collateral.rules.areas import MONTHS, volatility
from collateral.sql import BESIDE
from loans.rules.dates import add_months


def charges_of(loan_id: int) -> QuerySet[Charge]:
    """The loan's charges with their properties, the first recorded first. The caller has checked access to the loan."""
    return Charge.objects.filter(loan_id=loan_id).select_related("property").order_by("id")


def value_of(charges: Collection[Charge]) -> tuple[Decimal, date | None] | None:
    """What `collateral_values` says of a loan, from all its charges where they are read already."""
    homes = [charge.property for charge in charges]
    values = [home.value for home in homes if home.value is not None]
    days = [home.valued_on for home in homes if home.valued_on is not None]
    return (sum(values, Decimal(0)), min(days, default=None)) if homes and len(values) == len(homes) else None


def valuations_of_all(property_ids: Collection[int]) -> dict[int, list[Valuation]]:
    """By property its valuations, the latest first: one statement."""
    found: dict[int, list[Valuation]] = {pk: [] for pk in property_ids}
    if found:
        for valuation in Valuation.objects.filter(property__in=found).order_by("-valued_on", "-id"):
            found[valuation.property_id].append(valuation)
    return found


def valuations_of(property_id: int) -> QuerySet[Valuation]:
    """A property's valuations, the latest first."""
    return Valuation.objects.filter(property_id=property_id).order_by("-valued_on", "-id")


def collateral_values(loan_ids: Collection[int]) -> dict[int, tuple[Decimal, date]]:
    """Loan id → (value of its homes together, day of the oldest of those values).

    A loan of which any home has no known value is left out: part of a value is no loan-to-value.
    """
    rows = (
        Charge.objects.filter(loan_id__in=list(loan_ids))
        .values("loan_id")
        .annotate(
            total=Sum("property__value"),
            oldest=Min("property__valued_on"),
            homes=Count("id"),
            valued=Count("property__value"),
        )
        .filter(homes=F("valued"))
        .values_list("loan_id", "total", "oldest")
    )
    return {loan_id: (total, oldest) for loan_id, total, oldest in rows}


def balances_beside(loan_ids: Collection[int]) -> dict[int, Decimal]:
    """Loan id → balances of the other loans charged on its homes, none left out for its rank; most loans have none."""
    found: dict[int, Decimal] = {}
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {BESIDE} SELECT loan_id, balance FROM beside", {"ids": list(loan_ids)})  # noqa: S608
        found.update(cursor.fetchall())
    return found


def loan_to_value(balance: Decimal, value: Decimal | None) -> Decimal | None:
    """当前抵押率 in percent with two decimals: `balance` is all that the homes secure; None when no value is known."""
    if not value:
        return None
    return (balance * 100 / value).quantize(Decimal("0.01"), ROUND_HALF_UP)


def homes_of_estate(estate: str) -> list[int]:
    """Ids of the homes in a development, as their addresses say."""
    if not estate:
        return []
    found = Property.objects.filter(address__startswith=estate).values_list("id", "address")
    return sorted(pk for pk, address in found if estate_of(address).whole == estate)


def area_volatilities(today: date) -> dict[str, Decimal]:
    """District → how volatile its values were over six months; districts never valued by index are not in it."""
    since = add_months(today, -MONTHS)
    found: dict[str, list[tuple[date, Decimal]]] = {}
    rows = AreaRevaluation.objects.filter(is_applied=True, valued_on__gt=since, valued_on__lte=today)
    for district, valued_on, percent in rows.values_list("district", "valued_on", "change_percent"):
        found.setdefault(district, []).append((valued_on, percent))
    return {district: volatility(changes, today) for district, changes in found.items()}
