"""Where money came from, as people call it; the code stays with the receipt and in files."""

from django.utils.translation import gettext_lazy as _

CHANNEL_WORDS = {
    "CORE": _("核心系统"),
    "CNAPS": _("大小额支付"),
    "COUNTER": _("柜面"),
    "MOBILE": _("手机银行"),
    "AUTO_DEBIT": _("批量扣款"),
}


def channel_word(code: str | None) -> str:
    """The name of a channel; one that is not known is shown as it is."""
    return str(CHANNEL_WORDS.get(code or "", code or ""))
