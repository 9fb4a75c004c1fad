"""Names of warning signals, and what rules looked at, in templates."""

from collections.abc import Mapping
from decimal import Decimal

from django import template
from django.utils.translation import gettext as _

from followups.signal_wording import inputs_words, signal_words

register = template.Library()
register.filter("signal_name", signal_words)
register.filter("inputs_line", inputs_words)


@register.filter
def signed_percent(value: Decimal) -> str:
    """A change in percent, with its sign."""
    return f"{value:+.2f}%"


@register.filter
def staff_name(number: str, names: Mapping[str, str]) -> str:
    """Who it was, from a staff number."""
    return _("系统") if number == "system" else names.get(number, number)
