"""What reports call their bands, classes and ways of counting."""

from django.utils.translation import gettext as _

from loans.models import FiveClass
from loans.queries.reports import BANDS


def band_words() -> list[str]:
    """Bands of days past due, in their order."""
    ends = [later - 1 for later in BANDS[2:]]
    spans = [f"{first}–{last}" for first, last in zip(BANDS[1:-1], ends, strict=True)]
    return [_("未逾期"), *[_("%(days)s 天") % {"days": span} for span in (*spans, f"{BANDS[-1]}+")]]


def class_words() -> dict[str, str]:
    """Classes, and where loans come from and go to between two dates."""
    found = {code: str(label) for code, label in FiveClass.choices}
    return {**found, "NEW": _("新增"), "SETTLED": _("结清"), "WRITTEN_OFF": _("核销")}
