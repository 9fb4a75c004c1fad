"""What a disclosure says, as the fields of the form by which its contract is paid out."""

from dataclasses import dataclass
from datetime import date

from loans.actions.disclosure import effective_penalty
from loans.models import CostDisclosure
from loans.queries.disclosures import visible_disclosures
from loans.rules.continuation import from_json
from loans.rules.money import yuan
from people.models import Staff


@dataclass(frozen=True, slots=True)
class Disclosed:
    """The fields that a disclosure decides; of a combination those of both parts, as far as both are disclosed."""

    is_combination: bool
    typed: dict[str, str]


def disclosed_fields(number: str, staff: Staff) -> Disclosed | None:
    """Fields of the contract of a disclosure that is not used yet; None where there is none that this person sees."""
    if not number:
        return None
    waiting = visible_disclosures(staff).filter(loan__isnull=True, voided_at__isnull=True)
    found = waiting.filter(number=number).first()
    if found is None:
        return None
    if not found.content["is_combination_part"]:
        return Disclosed(False, {"product": found.content["product"], **_typed(found, "")})
    typed = _typed(found, _prefix(found))
    partner = (found.content["partner"] or {}).get("number", "")
    other = waiting.filter(number=partner) if partner else waiting.filter(content__partner__number=number)
    for one in other.order_by("-id")[:1]:
        typed |= _typed(one, _prefix(one))
    return Disclosed(True, typed)


def _prefix(disclosure: CostDisclosure) -> str:
    return "fund." if disclosure.content["product"] == "HOUSING_FUND" else "commercial."


def _typed(disclosure: CostDisclosure, prefix: str) -> dict[str, str]:
    request, said = from_json(disclosure.request), disclosure.content
    found: dict[str, object] = {
        "disclosure": disclosure.number,
        "terms.principal": yuan(request.principal_fen),
        "terms.annual_rate_percent": _plain(said["terms"]["annual_rate_percent"]),
        "terms.installments": request.installments,
        "terms.method": request.method,
        "terms.disbursed_on": request.disbursed_on,
        "terms.first_due_on": request.first_due_on,
        "terms.due_day": request.due_day,
        "terms.first_period": request.first_period or "",
        "terms.day_count": request.day_count,
        "terms.installment_rounding": request.rounding,
        "terms.principal_grace_installments": request.grace_installments or "",
        "first_home.claim": "yes" if said["subsidy"] else "",
    }
    if request.installment_fen is not None:
        found["terms.installment_amount"] = yuan(request.installment_fen)
    pricing = said["pricing"]
    found |= {"pricing.kind": pricing["kind"]}
    if pricing["kind"] == "LPR":
        found |= {f"pricing.{name}": pricing[name] for name in ("tenor", "cycle_months", "anchor")}
        found["pricing.spread_bp"] = _plain(pricing["spread_bp"])
    banks, agreed = effective_penalty(date.fromisoformat(said["made_on"]), {}), said["default"]
    found |= {f"agreed.{code}": agreed[code] for code, value in banks.items() if agreed[code] != value}
    return {prefix + name: str(value) for name, value in found.items()}


def _plain(text: str) -> str:
    """A figure without the zeros that nobody types: -30.00 → -30, 3.0500 → 3.05."""
    return text.rstrip("0").rstrip(".") if "." in text else text
