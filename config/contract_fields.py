"""The fields of a contract on a page: what is asked, how what was typed becomes what the API takes, faults by field.

A page and the API hand the same body to the same serializers, so they cannot understand a contract differently. Only
here are amounts folded (full-width digits, grouping commas); everything that was typed is shown again as it was.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from loans.models import PricingAnchor, PricingKind, Product, RepaymentMethod, Tenor
from loans.rules.money import AmountError
from loans.rules.simulation_request import parse_request
from loans.rules.typed_amount import typed_amount

TEXT, AMOUNT, WHOLE, DECIMAL, DAY, CHOICE, YES_NO = "text", "amount", "whole", "decimal", "day", "choice", "yes_no"
MOST_TYPED = 400
Choices = tuple[tuple[str, Any], ...]
_YES_NO: Choices = (("no", _lazy("否")), ("yes", _lazy("是")))


@dataclass(frozen=True, slots=True)
class Asked:
    """One field: its name in the API's body with dots, label, input; `is_more` fields are folded away at first."""

    name: str
    label: Any
    input: str = TEXT
    choices: Choices = ()
    default: str = ""
    is_optional: bool = False
    is_more: bool = False
    hint: Any = ""
    size: str = ""
    most: int = 40


@dataclass(frozen=True, slots=True)
class Shown:
    """A field with what was typed, what of an amount was understood, and what is wrong with it."""

    asked: Asked
    value: str
    fault: str = ""
    understood: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> str:
        return "f-" + self.asked.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together under a heading."""

    title: str
    fields: tuple[Shown, ...]
    more: tuple[Shown, ...] = ()
    is_open: bool = False
    note: str = ""


TERMS = (
    Asked("terms.principal", _lazy("贷款金额（元）"), AMOUNT),
    Asked("terms.annual_rate_percent", _lazy("年利率（%）"), DECIMAL),
    Asked("terms.installments", _lazy("贷款期数"), WHOLE),
    Asked("terms.method", _lazy("还款方式"), CHOICE, tuple(RepaymentMethod.choices), RepaymentMethod.EQUAL_INSTALLMENT),
    Asked("terms.disbursed_on", _lazy("放款日"), DAY),
    Asked("terms.first_due_on", _lazy("首次还款日"), DAY, is_optional=True, hint=_lazy("不填为下月的还款日")),
    Asked("terms.due_day", _lazy("每月还款日"), WHOLE, is_optional=True, is_more=True),
    Asked(
        "terms.first_period",
        _lazy("首期计息"),
        CHOICE,
        (
            ("", _lazy("首期为整月")),
            ("ONE_MONTH", _lazy("按一个月计")),
            ("BY_DAYS", _lazy("按实际天数")),
            ("MONTH_PLUS_DAYS", _lazy("整月加零头天数")),
        ),
        is_optional=True,
        is_more=True,
    ),
    Asked(
        "terms.day_count",
        _lazy("计息天数"),
        CHOICE,
        (
            ("30/360", _lazy("按月（30/360）")),
            ("ACT/360", _lazy("实际天数 ÷ 360")),
            ("ACT/365", _lazy("实际天数 ÷ 365")),
            ("ACT/ACT", _lazy("实际天数 ÷ 当年天数")),
        ),
        "30/360",
        is_more=True,
    ),
    Asked(
        "terms.installment_rounding",
        _lazy("每期金额取整"),
        CHOICE,
        (("FEN", _lazy("到分")), ("YUAN_HALF_UP", _lazy("四舍五入到元")), ("YUAN_UP", _lazy("进位到元"))),
        "FEN",
        is_more=True,
    ),
    Asked("terms.installment_amount", _lazy("约定每期金额（元）"), AMOUNT, is_optional=True, is_more=True),
    Asked("terms.principal_grace_installments", _lazy("开头只还息期数"), WHOLE, is_optional=True, is_more=True),
)
PRICING = (
    Asked("pricing.kind", _lazy("利率定价"), CHOICE, tuple(PricingKind.choices), PricingKind.LPR),
    Asked("pricing.tenor", _lazy("LPR 期限"), CHOICE, tuple(Tenor.choices), Tenor.FIVE_YEARS),
    Asked("pricing.spread_bp", _lazy("加点（基点）"), DECIMAL, hint=_lazy("减点写成 -30；固定利率不填")),
    Asked("pricing.cycle_months", _lazy("重定价周期（月）"), CHOICE, (("3", "3"), ("6", "6"), ("12", "12")), "12"),
    Asked("pricing.anchor", _lazy("重定价日"), CHOICE, tuple(PricingAnchor.choices), PricingAnchor.JANUARY_1),
)
AGREED = (
    Asked("agreed.grace_days", _lazy("宽限期（天）"), WHOLE, is_optional=True, is_more=True),
    Asked("agreed.penalty_multiplier_overdue", _lazy("罚息倍数"), DECIMAL, is_optional=True, is_more=True),
)
FIRST_HOME = (
    Asked(
        "first_home.claim", _lazy("首套房贷贴息"), CHOICE, (("", _lazy("不申请")), ("yes", _lazy("申请"))), is_more=True
    ),
    Asked("first_home.area", _lazy("住房面积（平方米）"), DECIMAL, is_optional=True, is_more=True),
    Asked("first_home.price", _lazy("住房总价（元）"), AMOUNT, is_optional=True, is_more=True),
    Asked("first_home.is_first_home", _lazy("家庭首套"), YES_NO, _YES_NO, "yes", is_more=True),
    Asked("first_home.is_refinancing", _lazy("置换贷款"), YES_NO, _YES_NO, "no", is_more=True),
)
PRODUCT = Asked("product", _lazy("贷款种类"), CHOICE, tuple(Product.choices), Product.COMMERCIAL)
# What of a group counts only when something else of it was typed.
_CHOSEN_ANYWAY = {"home.property_type", "home.kind", "home.is_owner_occupied"}
_WHOLE = re.compile(r"-?[0-9]{1,6}")
# Where the API speaks of JSON, a page speaks of what to type: what it must look like, and the words.
_LOOKS: dict[str, tuple[str, Any]] = {
    "pricing.spread_bp": (r"-?[0-9]{1,4}(\.[0-9]{1,2})?", _lazy("加点请写成 -30 或 12.5，单位是基点。")),
    "agreed.penalty_multiplier_overdue": (r"[0-9](\.[0-9]{1,3})?", _lazy("倍数请写成 1.5，最多三位小数。")),
    "first_home.area": (r"[0-9]{1,4}(\.[0-9]{1,2})?", _lazy("面积请写成 89.5，单位是平方米。")),
}


def named(prefix: str, fields: Iterable[Asked]) -> tuple[Asked, ...]:
    """The fields of one part of a contract: `fund.terms.principal`."""
    return tuple(replace(each, name=prefix + each.name) for each in fields)


def read(sent: Mapping[str, str], fields: Iterable[Asked], *, is_fresh: bool) -> dict[str, str]:
    """What was typed, by name; a form shown for the first time holds the defaults."""
    return {
        each.name: str(sent.get(each.name, each.default if is_fresh or each.choices else ""))[:MOST_TYPED]
        for each in fields
    }


def body_of(fields: Iterable[Asked], typed: Mapping[str, str]) -> dict[str, Any]:
    """What was typed as the API's body: what is empty is left out, amounts folded, counts as whole numbers."""
    flat = {each.name: _value(each, typed[each.name]) for each in fields if typed[each.name].strip()}
    for name in [name for name in flat if name.endswith("first_home.claim")]:
        del flat[name]
        flat[f"{name.removesuffix('claim')}is_claimed"] = True
    body: dict[str, Any] = {}
    for name, value in flat.items():
        place = body
        *way, last = name.split(".")
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    if "home" in body and not {f"home.{name}" for name in body["home"]} - _CHOSEN_ANYWAY:
        del body["home"]
    for part in (body, body.get("fund", {}), body.get("commercial", {})):
        _settle(part)
    return body


def _value(asked: Asked, text: str) -> Any:
    text = text.strip()
    if asked.input == AMOUNT:
        with suppress(AmountError):
            return f"{typed_amount(text):.2f}"
    if (asked.input == WHOLE or asked.name.endswith("cycle_months")) and _WHOLE.fullmatch(text):
        return int(text)
    if asked.input == YES_NO:
        return {"yes": True, "no": False}.get(text, text)
    return text


def _settle(part: dict[str, Any]) -> None:
    """A fixed rate has no tenor, cycle and anchor though the lists stand on one; what is not claimed says nothing."""
    pricing = part.get("pricing", {})
    if pricing.get("kind") == PricingKind.FIXED:
        for name in ("tenor", "cycle_months", "anchor"):
            pricing.pop(name, None)
    if not part.get("first_home", {}).pop("is_claimed", False):
        part.pop("first_home", None)


def faults_of(errors: Any, path: str = "") -> dict[str, str]:
    """A serializer's faults by dotted name, in words for somebody at a form."""
    if isinstance(errors, Mapping):
        found: dict[str, str] = {}
        for name, inner in errors.items():
            step = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            found |= faults_of(inner, step)
        return found
    if errors and isinstance(errors[0], Mapping | list):
        found = {}
        for index, inner in enumerate(errors):
            found |= faults_of(inner, f"{path}.{index}") if inner else {}
        return found
    if not errors:
        return {}
    is_missing = getattr(errors[0], "code", "") in ("required", "blank", "null")
    return {path: _("此项必填。") if is_missing else str(errors[0])}


def in_page_words(faults: Mapping[str, str], typed: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, str]:
    """Faults with the API's way of speaking replaced where it means nothing to somebody who types."""
    found = dict(faults)
    for name in found:
        text = typed.get(name, "").strip()
        for ending, (pattern, words) in _LOOKS.items():
            if name.endswith(ending) and text and not re.fullmatch(pattern, text, re.ASCII):
                found[name] = str(words)
    for prefix in ("", "fund.", "commercial."):
        part = body.get(prefix.rstrip("."), {}) if prefix else body
        refused = parse_request(part.get("terms", {}))
        if not isinstance(refused, dict):
            continue
        for field, reasons in refused.items():
            name = f"{prefix}terms.{field}"
            if name in found and reasons[0].code == "not_whole":
                found[name] = _("请填整数。")
            if name in found and reasons[0].code == "first_period_required":
                found[name] = _("首期不是整一个月，请选择首期怎样计息。")
    for name, field in ((name, typed.get(name, "")) for name in found):
        if field.strip() and name.endswith(("grace_days", "credit_score")) and not _WHOLE.fullmatch(field.strip()):
            found[name] = _("请填整数。")
    return found


def placed(faults: Mapping[str, str], fields: Iterable[Asked]) -> tuple[dict[str, str], list[str]]:
    """Faults at a field of the form, and those of no field; one of a whole group stands at its first field."""
    names = [each.name for each in fields]
    at_field: dict[str, str] = {}
    elsewhere: list[str] = []
    for name, words in faults.items():
        place = name if name in names else next((each for each in names if each.startswith(f"{name}.")), "")
        if place:
            at_field.setdefault(place, words)
        else:
            elsewhere.append(words)
    return at_field, elsewhere


def shown(fields: Iterable[Asked], typed: Mapping[str, str], faults: Mapping[str, str]) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            each,
            typed.get(each.name, ""),
            faults.get(each.name, ""),
            _understood(each, typed.get(each.name, "")),
            tuple((str(value), str(label)) for value, label in each.choices),
        )
        for each in fields
    )


def _understood(asked: Asked, text: str) -> str:
    if asked.input != AMOUNT or not text.strip():
        return ""
    try:
        amount = f"{typed_amount(text):,.2f}"
    except AmountError:
        return ""
    return "" if amount == text.strip() else amount


def group(
    title: str, fields: Iterable[Asked], typed: Mapping[str, str], faults: Mapping[str, str], note: str = ""
) -> Group:
    """Fields under a heading; those folded away are open when one of them says something or is wrong."""
    every = shown(fields, typed, faults)
    more = tuple(each for each in every if each.asked.is_more)
    is_open = any(each.fault or each.value != each.asked.default for each in more)
    return Group(title, tuple(each for each in every if not each.asked.is_more), more, is_open, note)
