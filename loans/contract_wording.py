"""Words for what stands in a contract: agreed parameters and how a rate is made."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from loans.models import Loan, Position, Pricing, PricingAnchor, PricingKind, Tenor


@dataclass(frozen=True)
class Standing:
    """What ended a loan's plan, in words; `colour` only repeats the word."""

    words: str
    colour: str


def standing_words(loan: Loan) -> Standing | None:
    """Settled, written off or declared due early, with its day; None of a loan that goes on as signed."""
    position: Position = loan.position
    if position.settled_on:
        return Standing(_("已结清 %(day)s") % {"day": position.settled_on}, "")
    if position.written_off_on:
        return Standing(_("已核销 %(day)s") % {"day": position.written_off_on}, "red")
    if position.accelerated_on:
        return Standing(_("已宣布提前到期 %(day)s") % {"day": position.accelerated_on}, "orange")
    return None


def component_word(code: str) -> str:
    words = {
        "fee": _("费用"),
        "penalty": _("罚息"),
        "compound": _("复利"),
        "interest": _("利息"),
        "principal": _("本金"),
    }
    return words.get(code, code)


def parameter_label(code: str) -> str:
    words = {
        "grace_days": _("还款宽限期"),
        "penalty_multiplier_overdue": _("逾期罚息"),
        "allocation_order": _("还款清偿顺序"),
        "principal_first_dpd": _("先还本金"),
        "holiday_rule": _("节假日"),
        "overdue_grace_days": _("逾期认定宽限"),
    }
    return words.get(code, code)


def parameter_words(code: str, value: Any) -> str:
    """A parameter's value as a person reads it."""
    if code == "allocation_order" and isinstance(value, list):
        names = [component_word(each) for each in value]
        return " → ".join([component_word("fee"), *[name for name in names if name != component_word("fee")]])
    if code == "grace_days":
        return _("宽限 %(days)s 天") % {"days": value}
    if code == "penalty_multiplier_overdue":
        return _("合同利率的 %(times)s 倍") % {"times": value}
    if code == "principal_first_dpd":
        return _("逾期超过 %(days)s 天先还本金，再还利息、复利、罚息") % {"days": value}
    if code == "holiday_rule":
        return {"NEXT_WORKDAY": _("顺延至下一工作日认定"), "NONE": _("不顺延")}.get(str(value), str(value))
    return str(value)


def penalty_rate(rate_percent: Decimal, multiplier: Any) -> Decimal | None:
    """The annual rate that overdue amounts bear; None where the multiplier is no number."""
    try:
        return rate_percent * Decimal(str(multiplier))
    except InvalidOperation:
        return None


def pricing_words(pricing: Pricing) -> str:
    """How a rate is made: LPR 5年期以上 − 30 个基点."""
    if pricing.kind == PricingKind.FIXED:
        return str(PricingKind.FIXED.label)
    spread = f"{pricing.spread_bp.normalize():f}"
    sign = "−" if spread.startswith("-") else "+"
    points = _("%(points)s 个基点") % {"points": spread.lstrip("-")}
    tenor = Tenor(pricing.tenor).label if pricing.tenor in Tenor.values else pricing.tenor
    return f"LPR {tenor} {sign} {points}"


def cycle_words(pricing: Pricing) -> str:
    if pricing.cycle_months is None:
        return _("不重定价")
    anchor = PricingAnchor(pricing.anchor).label if pricing.anchor in PricingAnchor.values else ""
    return _("每 %(months)s 个月，%(anchor)s") % {"months": pricing.cycle_months, "anchor": anchor}
