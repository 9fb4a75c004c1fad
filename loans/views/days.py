"""A day as a person asks for one on a page: written one way only, and within the life of a loan."""

import re
from datetime import date

from django.utils.translation import gettext as _

from journal.errors import ActionRefused

EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def asked_day(text: str, *, field: str, label: str, refused: type[ActionRefused]) -> date:
    """The day; refused with the field's name in words when it is no day, or far from any loan's."""
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        words = _("%(label)s请写成 YYYY-MM-DD，且确有这一天。") % {"label": label}
        raise refused(words, field=field) from None
    if not EARLIEST <= day <= LATEST:
        words = _("%(label)s须在 %(earliest)s 至 %(latest)s 之间。")
        raise refused(words % {"label": label, "earliest": EARLIEST, "latest": LATEST}, field=field)
    return day
