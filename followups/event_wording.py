"""Names of events, and of what feeds tell without one, in the reader's language."""

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups.rules import events as rules
from followups.rules.outside import BUREAU_CLEAN, FUNDS_ARRIVED, FUNDS_RETURNED


def kind_words(code: str) -> str:
    """The name of an event in the active language."""
    kind = rules.BY_CODE.get(code)
    if kind is None:
        return code
    return kind.en if (get_language() or "").startswith("en") else kind.zh


def outside_words(code: str) -> str:
    """The name of what a feed tells without an event, in the active language."""
    return {
        BUREAU_CLEAN: _("征信摘要无异常"),
        FUNDS_ARRIVED: _("放款资金已到收款人账户"),
        FUNDS_RETURNED: _("放款资金未到账或被退回"),
    }.get(code, code)
