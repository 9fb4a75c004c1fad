"""How pricing looks on a screen: basis points, tenors, where a loan of a repricing run stands."""

from decimal import Decimal
from typing import Any

from django import template

from loans.filters import ITEM_STATES
from loans.models import Tenor

register = template.Library()

NONE = "–"


@register.filter
def basis_points(value: Any) -> str:
    """Basis points without idle zeros: −30, 62.34; none is –."""
    if value is None or value == "":
        return NONE
    text = f"{Decimal(value):,.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


@register.filter
def tenor_word(code: str) -> str:
    """The word of an LPR's tenor."""
    return str(Tenor(code).label) if code in Tenor.values else code


@register.filter
def item_state(code: str) -> str:
    """The word of where a loan of a repricing run stands."""
    return str(dict(ITEM_STATES).get(code, code))
