"""Can the borrower still carry the loan? Ratios before and after a visit, and what they oblige the officer to explain.

Payment-to-income = (installment + property fee) / monthly income; debt-to-income adds all other
monthly debt service (domain 4, example E14). Loan-to-value = balance / latest value. All are percent
with one decimal, half up; a ratio with a missing part is None, never zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Final

from loans.rules.aging import class_of, worse_class

_TENTH: Final = Decimal("0.1")
_HUNDRED: Final = Decimal(100)
INCOME_DROP_TO_EXPLAIN: Final = Decimal("20.0")
# What makes a loan 关注 at least, whatever its days past due: money used otherwise than agreed (domain 2.2), a
# home that others have seized (own practice). The officer may choose another class and says why.
SPECIAL_MENTION: Final = "SPECIAL_MENTION"
MENTIONS: Final = frozenset({"fund_use_matches", "fund_backflow", "seizure"})


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or whole is None or whole <= 0:
        return None
    return (part * _HUNDRED / whole).quantize(_TENTH, ROUND_HALF_UP)


def payment_to_income(
    installment: Decimal | None, income: Decimal | None, property_fee: Decimal | None = None
) -> Decimal | None:
    """月供收入比 in percent; an unknown property fee counts as none."""
    return _percent(None if installment is None else installment + (property_fee or 0), income)


def debt_to_income(
    installment: Decimal | None,
    other_debt: Decimal | None,
    income: Decimal | None,
    property_fee: Decimal | None = None,
) -> Decimal | None:
    """总负债收入比 in percent; None while the other debts are unknown."""
    if installment is None or other_debt is None:
        return None
    return _percent(installment + (property_fee or 0) + other_debt, income)


def loan_to_value(balance: Decimal | None, value: Decimal | None) -> Decimal | None:
    """当前抵押率 in percent."""
    return _percent(balance, value)


@dataclass(frozen=True)
class Means:
    """What is known of a borrower's means at one time; None is unknown, which is not zero."""

    income: Decimal | None = None
    spouse_income: Decimal | None = None
    property_fee: Decimal | None = None
    other_debt: Decimal | None = None

    @property
    def household_income(self) -> Decimal | None:
        return None if self.income is None else self.income + (self.spouse_income or 0)


@dataclass(frozen=True)
class LoanFigures:
    installment: Decimal
    balance: Decimal
    property_value: Decimal | None
    days_past_due: int
    # The class that an observation does not let the loan rise above; empty where there is none.
    class_floor: str = ""


@dataclass(frozen=True)
class Limits:
    """Percent; those of the loan's signing date, for a contract keeps its rules."""

    payment_to_income: Decimal | None = None
    debt_to_income: Decimal | None = None
    loan_to_value: Decimal | None = None


@dataclass(frozen=True)
class Ratio:
    code: str
    before: Decimal | None
    after: Decimal | None
    limit: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """Percentage points since before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def is_over(self) -> bool:
        return self.after is not None and self.limit is not None and self.after > self.limit

    @property
    def is_newly_over(self) -> bool:
        """Over its limit, and was not known to be so before: what has long been so needs no new words."""
        return self.is_over and (self.before is None or self.limit is None or self.before <= self.limit)


@dataclass(frozen=True)
class Assessment:
    ratios: tuple[Ratio, ...]
    income_change_percent: Decimal | None
    suggested_class: str
    # Codes of what the conclusion has to speak about.
    reasons: tuple[str, ...]


def change_percent(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    """Change in percent of the earlier figure, one decimal, half up away from zero."""
    if before is None or after is None or before <= 0:
        return None
    return ((after - before) * _HUNDRED / before).quantize(_TENTH, ROUND_HALF_UP)


def ratios(
    figures: LoanFigures, before: Means, after: Means, limits: Limits, last: Mapping[str, Decimal]
) -> tuple[Ratio, ...]:
    """The three ratios as the visit found them, beside what the last report said; else what was known before it."""
    found = (
        Ratio(
            "payment_to_income",
            payment_to_income(figures.installment, before.household_income, before.property_fee),
            payment_to_income(figures.installment, after.household_income, after.property_fee),
            limits.payment_to_income,
        ),
        Ratio(
            "debt_to_income",
            debt_to_income(figures.installment, before.other_debt, before.household_income, before.property_fee),
            debt_to_income(figures.installment, after.other_debt, after.household_income, after.property_fee),
            limits.debt_to_income,
        ),
        Ratio(
            "loan_to_value",
            loan_to_value(figures.balance, figures.property_value),
            loan_to_value(figures.balance, figures.property_value),
            limits.loan_to_value,
        ),
    )
    return tuple(replace(ratio, before=last.get(ratio.code, ratio.before)) for ratio in found)


def assess(
    figures: LoanFigures,
    before: Means,
    after: Means,
    limits: Limits,
    *,
    findings: Sequence[str] = (),
    last: Mapping[str, Decimal] = MappingProxyType({}),
) -> Assessment:
    """Ratios, the class suggested by days past due, findings and an observation, and what the conclusion must explain.

    `findings` are keys of direct questions whose answer was not the unremarkable one, `last` the ratios of the loan's
    last approved report by code.
    """
    found = ratios(figures, before, after, limits, last)
    drop = change_percent(before.household_income, after.household_income)
    reasons = [f"{ratio.code}_over_limit" for ratio in found if ratio.is_newly_over]
    if drop is not None and drop <= -INCOME_DROP_TO_EXPLAIN:
        reasons.append("income_dropped")
    if figures.days_past_due > 0:
        reasons.append("overdue")
    reasons += [f"finding:{key}" for key in findings]
    return Assessment(
        ratios=found,
        income_change_percent=drop,
        suggested_class=worse_class(
            class_of(figures.days_past_due, figures.class_floor), SPECIAL_MENTION if MENTIONS & set(findings) else ""
        ),
        reasons=tuple(reasons),
    )
