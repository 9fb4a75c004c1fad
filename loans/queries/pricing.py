"""Reads of pricing: published rates, how a loan's rate is made, whose repricing is due or was missed, whose spread is
far above that of new loans."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import DecimalField, Exists, ExpressionWrapper, F, OuterRef, QuerySet, Value

from loans.models import Loan, LprRate, Position, Pricing, PricingKind, RepricingItem
from loans.queries.bank import calendar, parameter
from loans.rules.money import rate_ppm
from loans.rules.pricing import Published, publication_day

# The longest holiday of the calendar is nine days.
_LONGEST_HOLIDAY = timedelta(days=20)


def published_lpr() -> dict[str, list[Published]]:
    """Approved rates by tenor, the oldest first."""
    found: dict[str, list[Published]] = {}
    approved = LprRate.objects.filter(is_approved=True).order_by("published_on")
    for tenor, day, percent in approved.values_list("tenor", "published_on", "rate_percent"):
        found.setdefault(tenor, []).append(Published(day, rate_ppm(percent)))
    return found


def publication_workday(month: date) -> date:
    """The day on which a month's LPR comes out: the 20th, or the first workday after it."""
    due = publication_day(month)
    return calendar(due, due + _LONGEST_HOLIDAY).next_workday(due)


def pricing_of(loan_id: int, on: date) -> Pricing | None:
    """How a loan's rate is made on a day; None where nobody said."""
    return Pricing.objects.filter(loan_id=loan_id, in_force__contains=on).first()


def repricings_of(loan: Loan) -> QuerySet[RepricingItem]:
    """What runs said of a loan, the newest first."""
    return RepricingItem.objects.filter(loan_id=loan.pk).select_related("run").order_by("-id")


def missed(loans: QuerySet[Loan], on: date) -> QuerySet[Loan]:
    """Loans whose repricing day has passed without effect."""
    return loans.filter(
        position__next_repricing_on__lt=on,
        position__next_number__isnull=False,
        position__settled_on__isnull=True,
        matures_on__gt=F("position__next_repricing_on"),
    )


def spread_gap_bounds(on: date) -> tuple[Decimal, Decimal]:
    """The average spread of new loans, and how far above it a borrower may ask to renegotiate (公告〔2024〕11号)."""
    average = Decimal(str(parameter("new_loan_average_spread_bp", on, default="0")))
    return average, Decimal(str(parameter("spread_gap_bp", on, default=30)))


def above_new_loans(loans: QuerySet[Loan], on: date) -> QuerySet[Loan]:
    """Running loans whose spread is more than the agreed gap above that of new loans; `spread_bp`, `gap_bp` of each."""
    average, most = spread_gap_bounds(on)
    places = DecimalField(max_digits=9, decimal_places=2)
    return loans.filter(
        pricings__in_force__contains=on,
        pricings__kind=PricingKind.LPR,
        pricings__spread_bp__gt=average + most,
        matures_on__gt=on,
        position__settled_on__isnull=True,
        position__written_off_on__isnull=True,
        position__accelerated_on__isnull=True,
    ).annotate(
        spread_bp=F("pricings__spread_bp"),
        gap_bp=ExpressionWrapper(F("pricings__spread_bp") - Value(average), output_field=places),
        cycle_months=F("pricings__cycle_months"),
    )


def without_pricing(loan_ids: Iterable[int] | None = None) -> QuerySet[Position]:
    """Positions of loans of which nobody said how their rate is made."""
    rows = Position.objects.filter(~Exists(Pricing.objects.filter(loan_id=OuterRef("loan_id"))))
    return rows if loan_ids is None else rows.filter(loan_id__in=loan_ids)
