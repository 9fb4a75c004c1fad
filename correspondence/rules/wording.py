"""The words of reminders: texts with named fields, and what must be in them.

A text names the bank, the borrower, the loan by its last digits, the day, the amount and a number to call; it states
and asks, it does not threaten (个人信息保护法; 商业银行催收自律规范). A field that is not known here is a fault.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

FIELDS = ("bank", "name", "note_tail", "about", "as_of", "amount", "hotline")
# What nobody may leave out; the announcement of a visit speaks of no money.
NEEDED = ("bank", "note_tail", "amount", "about", "hotline")
APPOINTMENT = "APPOINTMENT"
LONGEST = 300
TAIL = 4
_FIELD = re.compile(r"\{([^{}]*)\}")
# Version 1 of each kind.
FIRST_TEXTS: dict[str, str] = {
    "DUE": (
        "【{bank}】{name}，您好。您尾号{note_tail}的住房贷款将于{about}还款{amount}元，请在当日前将款项存入还款账户。"
        "如已存入，请忽略本提醒。咨询电话{hotline}。"
    ),
    "OVERDUE": (
        "【{bank}】{name}，您好。截至{as_of}，您尾号{note_tail}的住房贷款有已到期未还的本息{amount}元（应还日{about}）。"
        "请尽快安排还款；如已还款，请忽略本提醒。如有困难，请致电{hotline}，我们一起商量。"
    ),
    "APPOINTMENT": (
        "【{bank}】{name}，您好。我行拟于{about}就您尾号{note_tail}的住房贷款进行例行回访，请保持电话畅通。"
        "工作人员不会索要密码或验证码。如时间不便，请致电{hotline}改约。"
    ),
}


class UnknownField(ValueError):
    """A text names a field that nobody fills."""


def needed(kind: str) -> tuple[str, ...]:
    """The fields that a text of this kind must have."""
    return tuple(name for name in NEEDED if kind != APPOINTMENT or name != "amount")


def faults(text: str, kind: str = "") -> tuple[str, ...]:
    """What is wrong with a text, as codes: too long, braces that are no field, fields unknown, fields missing."""
    named = _FIELD.findall(text)
    found = ["too_long"] if len(text) > LONGEST else []
    found += ["brace"] if set(_FIELD.sub("", text)) & set("{}") else []
    found += [f"unknown:{name}" for name in dict.fromkeys(named) if name not in FIELDS]
    found += [f"missing:{name}" for name in needed(kind) if name not in named]
    return tuple(found)


def content_sha256(kind: str, channel: str, from_on: date, text: str) -> str:
    """What a second person approves: for what, from which day, which words. The database reckons it alike."""
    return hashlib.sha256("\n".join((kind, channel, from_on.isoformat(), text)).encode()).hexdigest()


def fill(text: str, fields: Mapping[str, str]) -> str:
    """The text with its fields; UnknownField for one that is not given. What a field holds is never read as a field."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in fields:
            raise UnknownField(match[1])
        return fields[match[1]]

    return _FIELD.sub(value, text)


def fields_of(
    *, bank: str, hotline: str, name: str, note_number: str, about: date, as_of: date, amount: Decimal
) -> dict[str, str]:
    """The fields of a reminder; days in words, the amount with two decimals, of the number its end only."""
    return {
        "bank": bank, "hotline": hotline, "name": name, "note_tail": note_number[-TAIL:], "about": _day(about),
        "as_of": _day(as_of), "amount": f"{amount:,.2f}",
    }  # fmt: skip


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
