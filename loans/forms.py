"""What the page of a change asks for, by kind: fields with label and input, and what was typed as the action takes it.

Whether a value is right is decided by `rules.change_asked`, not here; only amounts are folded, for pages may.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext_lazy as _

from loans.models import ChangeKind, PricingAnchor, RepaymentMethod
from loans.rules.change_asked import FIELDS
from loans.rules.money import AmountError
from loans.rules.typed_amount import folded, typed_amount

AMOUNT, DAY, WHOLE, DECIMAL, CHOICE = "amount", "day", "whole", "decimal", "choice"
_AMOUNTS = ("amount", "fee")
# Field → label, input, choices.
_FIELDS: dict[str, tuple[object, str, tuple[tuple[str, object], ...]]] = {
    "effective_on": (_("生效日"), DAY, ()),
    "amount": (_("提前还款本金（元）"), AMOUNT, ()),
    "effect": (_("还款后"), CHOICE, (("LOWER_INSTALLMENT", _("降低月供")), ("SHORTEN_TERM", _("缩短期限")))),
    "fee": (_("约定费用（元）"), AMOUNT, ()),
    "installments": (_("剩余期数"), WHOLE, ()),
    "method": (_("还款方式"), CHOICE, tuple(RepaymentMethod.choices)),
    "due_day": (_("每月还款日"), WHOLE, ()),
    "first_due_on": (_("新的首个还款日"), DAY, ()),
    "cycle_months": (_("重定价周期（月）"), CHOICE, (("3", "3"), ("6", "6"), ("12", "12"))),
    "anchor": (_("重定价日"), CHOICE, tuple(PricingAnchor.choices)),
    "spread_bp": (_("加点（基点）"), DECIMAL, ()),
    "from": (_("停息开始日"), DAY, ()),
    "to": (_("停息结束日"), DAY, ()),
    "extend": (_("到期日顺延"), CHOICE, (("no", _("不顺延")), ("yes", _("顺延")))),
    "annual_rate_percent": (_("年利率（%）"), DECIMAL, ()),
    "deferral": (_("只付息期数"), WHOLE, ()),
}
# The same name means something else in a kind.
_OTHER_LABELS = {
    (ChangeKind.EXTENSION, "installments"): _("展期后剩余期数"),
    (ChangeKind.DEFERRAL, "installments"): _("只付息期数"),
}
# What each kind is for, in a sentence.
WHAT_FOR = {
    ChangeKind.PREPAYMENT: _("提前归还一部分本金，之后降低月供或缩短期限。"),
    ChangeKind.SETTLEMENT: _("还清全部本金、利息和费用。"),
    ChangeKind.EXTENSION: _("到期前申请延长期限，月供相应降低。"),
    ChangeKind.METHOD: _("在等额本息、等额本金和按月付息之间变更。"),
    ChangeKind.DUE_DAY: _("改为每月另一天还款，过渡期按天计息。"),
    ChangeKind.REPRICING_CYCLE: _("改为每 3、6 或 12 个月重定价。"),
    ChangeKind.SPREAD: _("重新约定在 LPR 上的加点。"),
    ChangeKind.INTEREST_PAUSE: _("约定期间内不计利息。"),
    ChangeKind.DEFERRAL: _("若干期只付利息，本金延后归还。"),
    ChangeKind.RESTRUCTURING: _("借款人财务困难时的让步：期限、利率、延期还本或还款方式；进入观察期。"),
    ChangeKind.ACCELERATION: _("宣布全部未到期本金立即到期。"),
    ChangeKind.WRITE_OFF: _("全部到期后仍不能收回的本金核销，账销案存；须附依据。"),
}


@dataclass(frozen=True, slots=True)
class FieldShown:
    """A field as the page shows it, with what was typed."""

    name: str
    label: object
    input: str
    choices: tuple[tuple[str, object], ...]
    is_required: bool
    value: str


def fields_of(kind: str, typed: Mapping[str, str]) -> list[FieldShown]:
    """The fields of a kind with what was typed, the effective day last."""
    required, optional = FIELDS[kind]
    return [
        FieldShown(
            name,
            _OTHER_LABELS.get((ChangeKind(kind), name), _FIELDS[name][0]),
            _FIELDS[name][1],
            _FIELDS[name][2],
            name in required,
            typed.get(name, ""),
        )
        for name in (*required, *optional, "effective_on")
    ]


def asked_of(kind: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed of a kind's fields; amounts folded where they can be read, else as typed for the refusal."""
    required, optional = FIELDS[kind]
    found = {}
    for name in (*required, *optional, "effective_on"):
        text = typed.get(name, "").strip()[:40]
        if name in _AMOUNTS and text:
            with suppress(AmountError):
                text = f"{typed_amount(text):.2f}"
        elif _FIELDS[name][1] in (WHOLE, DECIMAL):
            text = _plain_number(text)
        if text:
            found[name] = text
    return found


def _plain_number(text: str) -> str:
    """Full-width digits and signs of a number as plain ones; whether it is one is decided elsewhere."""
    return folded(text).translate({0xFF0D: "-", 0x2212: "-"})


def in_order(kind: str, asked: Mapping[str, object]) -> list[tuple[str, object]]:
    """What was asked in the order people read it: the effective day first, then as the form asks."""
    required, optional = FIELDS[kind]
    names = dict.fromkeys(("effective_on", *required, *optional, *asked))
    return [(name, asked[name]) for name in names if name in asked]


def is_asked(kind: str, asked: Mapping[str, str]) -> bool:
    """Is everything there that the kind needs, so that a simulation makes sense?"""
    return all(name in asked for name in FIELDS[kind][0])


def label_of(kind: str, name: str) -> object:
    """The label of a field, for what was asked of a stored change."""
    known = _FIELDS.get(name)
    return _OTHER_LABELS.get((ChangeKind(kind), name), known[0] if known else name)


def value_words(name: str, value: str) -> object:
    """A stored value as a person reads it: of a choice its word, an amount with its commas."""
    known = _FIELDS.get(name)
    if name in _AMOUNTS:
        return f"{Decimal(value):,.2f}"
    if name == "spread_bp":
        with suppress(InvalidOperation):
            return f"{Decimal(value).normalize():f}"
    return dict(known[2]).get(value, value) if known else value
