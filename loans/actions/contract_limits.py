"""What speaks against the rate and the pricing of a contract, to be disclosed or to be paid out.

Limits and the LPR are those of a day: of signing, or of making the disclosure.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from django.utils.translation import gettext as _

from loans.models import PricingAnchor
from loans.queries import parameter
from loans.queries.disclosures import lpr_for_contract
from loans.rules import contract as rules
from loans.rules.continuation import Plan
from loans.rules.contract import NewPricing
from loans.rules.money import rate_ppm
from loans.rules.pricing import LEAST_SPREAD_BP, MOST_SPREAD_BP, spread_ppm, tenor_of
from loans.rules.simulation_request import Request


class Terms(Protocol):
    """What is looked at: a disclosure and a contract both have it."""

    @property
    def request(self) -> Request: ...
    @property
    def pricing(self) -> NewPricing: ...
    @property
    def agreed(self) -> Mapping[str, Any]: ...


def rate_faults(request: Request, on: date) -> dict[str, str]:
    """The rate against the limit of a day."""
    most = Decimal(parameter("max_rate_percent", on, default="24.0"))
    if request.rate_ppm <= rate_ppm(most):
        return {}
    return {"terms.annual_rate_percent": _("年利率不能超过 %(most)s%%。") % {"most": most}}


def pricing_faults(contract: Terms, plan: Plan, on: date) -> dict[str, str]:
    """A rate that follows the LPR is made from it; cycle and tenor are those on offer."""
    pricing, faults = contract.pricing, dict[str, str]()
    if pricing.kind != rules.LPR:
        if pricing != NewPricing():
            faults["pricing"] = _("固定利率没有期限品种、加点和重定价周期。")
        return faults
    if pricing.tenor != tenor_of(contract.request.disbursed_on, plan.matures_on):
        faults["pricing.tenor"] = _("五年以上的合同用 5 年期以上 LPR，其余用 1 年期 LPR。")
    if pricing.cycle_months not in parameter("repricing_cycles", on, default=[12]):
        faults["pricing.cycle_months"] = _("签约日没有这个重定价周期。")
    if pricing.anchor not in PricingAnchor.values:
        faults["pricing.anchor"] = _("重定价日须为 1 月 1 日或放款对应日。")
    if not LEAST_SPREAD_BP <= pricing.spread_bp <= MOST_SPREAD_BP:
        faults["pricing.spread_bp"] = _("加点须在 %(least)d 至 %(most)d 个基点之间。") % {
            "least": LEAST_SPREAD_BP,
            "most": MOST_SPREAD_BP,
        }
    lpr = lpr_for_contract(pricing.tenor, on)
    if lpr is None:
        faults["pricing"] = _("签约日前没有已复核的 LPR。")
    elif (made := rate_ppm(lpr) + spread_ppm(pricing.spread_bp)) != contract.request.rate_ppm:
        faults["terms.annual_rate_percent"] = _("年利率与 LPR %(lpr)s%% 加 %(spread)s 个基点（%(made)s%%）不符。") % {
            "lpr": lpr.normalize(),
            "spread": pricing.spread_bp.normalize(),
            "made": Decimal(made).scaleb(-4).normalize(),
        }
    return faults


def agreed_faults(contract: Terms) -> dict[str, str]:
    """What a contract may agree otherwise, and within which bounds."""
    faults = {
        f"agreed.{code}": _("合同不能另行约定此项。")
        for code in contract.agreed
        if code not in ("grace_days", "penalty_multiplier_overdue")
    }
    grace = contract.agreed.get("grace_days", 0)
    if not 0 <= int(grace) <= rules.MOST_GRACE_DAYS:
        faults["agreed.grace_days"] = _("宽限期须为 0 至 %(most)d 天。") % {"most": rules.MOST_GRACE_DAYS}
    multiplier = Decimal(contract.agreed.get("penalty_multiplier_overdue", "1.5"))
    if not rules.LEAST_MULTIPLIER <= multiplier <= rules.MOST_MULTIPLIER:
        faults["agreed.penalty_multiplier_overdue"] = _("罚息倍数须在 %(least)s 至 %(most)s 之间。") % {
            "least": rules.LEAST_MULTIPLIER,
            "most": rules.MOST_MULTIPLIER,
        }
    return faults
