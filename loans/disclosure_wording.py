"""Words of a cost disclosure: its own items, when they are charged, how they are reckoned.

The document is made of them in Chinese; a page shows them in the reader's language from the stored figures. Labels of
fees are what the bank wrote.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from loans.contract_wording import cycle_words, pricing_words
from loans.models import Pricing, Product, RepaymentMethod

INTEREST, PENALTY, COMPOUND, MISUSE = "INTEREST", "PENALTY", "COMPOUND", "MISUSE"


def lender_words(product: str) -> str:
    """Who charges interest and penalty."""
    return _("贷款人") if product == Product.COMMERCIAL else _("住房公积金管理中心（委托贷款人收取）")


def own_label(code: str) -> str:
    """The name of an item that every disclosure has; empty for any other."""
    labels = {INTEREST: _("利息"), PENALTY: _("逾期罚息"), COMPOUND: _("复利"), MISUSE: _("挪用罚息")}
    return labels.get(code, "")


def interest_words(pricing_kind: str) -> str:
    if pricing_kind == "LPR":
        return _("按签约时的利率计算；LPR 变动后于重定价日调整")
    return _("固定利率")


def own_basis(code: str, default: Mapping[str, Any], pricing_kind: str) -> str:
    """How an item that every disclosure has is reckoned."""
    figures = {
        "rate": default["penalty_rate_percent"],
        "times": default["penalty_multiplier_overdue"],
        "grace": default["grace_days"],
        "misuse_rate": default["misuse_rate_percent"],
        "misuse_times": default["misuse_multiplier"],
    }
    if code == INTEREST:
        return interest_words(pricing_kind)
    if code == PENALTY:
        late = _("逾期本金 × 年 %(rate)s%%（合同利率的 %(times)s 倍）÷ 360 × 逾期天数；宽限期 %(grace)s 天内还清不计")
        return late % figures
    if code == COMPOUND:
        return _("逾期利息 × 年 %(rate)s%% ÷ 360 × 逾期天数；罚息不再计息") % figures
    return _("挪用金额 × 年 %(misuse_rate)s%%（合同利率的 %(misuse_times)s 倍）÷ 360 × 挪用天数") % figures


def times_words(amount: Decimal, times: int) -> str:
    """A fee that is charged more than once."""
    return _("每次 %(amount)s 元，共 %(times)d 次") % {"amount": amount, "times": times} if times > 1 else ""


def due_words(item: Mapping[str, Any]) -> str:
    """When an item is charged."""
    words = {"UPFRONT": _("放款时一次"), "EACH_INSTALLMENT": _("每期"), "EACH_YEAR": _("每年")}
    return _("每期") if item["code"] == INTEREST else words.get(item["due"], "")


def shown(content: Mapping[str, Any]) -> dict[str, Any]:
    """A disclosure's content as a page shows it."""
    pricing = Pricing(**{**content["pricing"], "spread_bp": Decimal(content["pricing"]["spread_bp"])})
    kind = content["pricing"]["kind"]
    items = [
        {
            **item,
            "label": own_label(item["code"]) or item["label"],
            "charged_by": lender_words(content["product"]) if own_label(item["code"]) else item["charged_by"],
            "basis": own_basis(item["code"], content["default"], kind) if own_label(item["code"]) else item["basis"],
            "due_words": due_words(item),
        }
        for item in content["items"]
    ]
    return {
        **content,
        "product_text": Product(content["product"]).label,
        "method_text": RepaymentMethod(content["terms"]["method"]).label,
        "pricing_words": pricing_words(pricing),
        "cycle_words": cycle_words(pricing),
        "costs": [item for item in items if item["kind"] != "CONTINGENT"],
        "contingent": [item for item in items if item["kind"] == "CONTINGENT"],
    }
