"""How values look on a screen: money, days, shares, levels, icons. Marks follow the design page.

`–` stands for "none", minus is `−`, no thousands are guessed: what is not given is not shown as zero.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

register = template.Library()

NONE = "–"
_LEVEL_COLOUR = {1: "red", 2: "orange", 3: "yellow"}
_FEN = Decimal("0.01")


@register.simple_tag
def icon(name: str) -> SafeString:
    """An outline icon of the sprite; decoration only, the words stand beside it or in aria-label."""
    return format_html(
        '<svg class="i" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("vendor/tabler-icons/icons.svg"),
        name,
    )


@register.filter
def money(value: Any) -> str:
    """1,234,567.89; a missing amount is –."""
    if value is None or value == "":
        return NONE
    return f"{Decimal(value).quantize(_FEN, ROUND_HALF_UP):,}".replace("-", "−")


@register.filter
def money_or_none(value: Any) -> str:
    """As money, and a zero is shown as none: for columns where most rows have nothing."""
    return NONE if not value else money(value)


@register.filter
def share(value: Any, places: int = 1) -> str:
    """A percentage figure with its sign: 91.2%."""
    if value is None or value == "":
        return NONE
    step = Decimal(1).scaleb(-int(places))
    return f"{Decimal(value).quantize(step, ROUND_HALF_UP)}%".replace("-", "−")


@register.filter
def rate(value: Any) -> str:
    """An annual rate with at least two decimals and no idle zeros: 3.20%, 4.6250% → 4.625%."""
    if value is None:
        return NONE
    text = f"{Decimal(value):.4f}".rstrip("0")
    whole, _dot, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}%"


@register.filter
def day(value: date | str | None) -> str:
    """2026-10-30."""
    return str(value)[:10] if value else NONE


@register.filter
def short_day(value: date | str | None) -> str:
    """26-10-30, for lists that reach back over years."""
    return str(value)[2:10] if value else NONE


@register.filter
def month_day(value: date | str | None) -> str:
    """10-30, inside one year."""
    return str(value)[5:10] if value else NONE


@register.filter
def instant(value: datetime | str | None) -> str:
    """10-30 14:32 in the bank's own time."""
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    return f"{timezone.localtime(value):%m-%d %H:%M}" if isinstance(value, datetime) else NONE


@register.filter
def clock_time(value: datetime | None) -> str:
    return f"{timezone.localtime(value):%H:%M}" if value else NONE


@register.filter
def weekday(value: date | None) -> str:
    if value is None:
        return ""
    return str((_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))[value.weekday()])


@register.filter
def level_word(level: int | None) -> SafeString | str:
    """The word of a warning level on its ground; nothing when there is no warning."""
    words = {1: pgettext("level", "红"), 2: pgettext("level", "橙"), 3: pgettext("level", "黄")}
    if level not in words:
        return ""
    return format_html('<span class="word {}">{}</span>', _LEVEL_COLOUR[level], words[level])


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping by a key held in a variable; empty when it is not there."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.filter
def or_none(value: Any) -> Any:
    return NONE if value is None or value == "" else value
