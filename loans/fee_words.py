"""Fees as people call them; the code is what a disclosure, a contract and the ledger name."""

from django.utils.translation import gettext_lazy as _

FEE_WORDS = {
    "APPRAISAL": _("押品评估费"),
    "INSURANCE": _("房屋保险费"),
    "GUARANTEE": _("担保费"),
    "REGISTRATION": _("抵押登记费"),
    "NOTARY": _("公证费"),
    "COPY": _("资料工本费"),
    "POST": _("邮寄费"),
    "PREPAYMENT_FEE": _("提前还款违约金"),
    "LEGAL": _("诉讼和律师费"),
}


def fee_word(code: str) -> str:
    """The name of a fee; one that only a disclosure names is shown by its code where the disclosure is not at hand."""
    return str(FEE_WORDS.get(code, code))
