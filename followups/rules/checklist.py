"""What a visit asks, as data, and what counts as an answer.

Sections ① to ⑭ are those of a Chinese bank's post-loan check. An item with a `before` key asks
whether a known fact has changed (no change, changed, not verified); an item without one is a
direct question, and an answer other than its `normal` one is a finding. A field that was never
recorded has no before: its first answer becomes the baseline. A clean phone visit needs at most
twelve answers: ten items, the call's outcome and the conclusion; what a call need not ask has
`asked_by`, what follows from another answer `follows` (`checklist_items`).

Nothing here knows Django: labels carry both languages, refusals are codes.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from followups.rules.attachments import PHOTO_EXITS, photo_gaps
from followups.rules.checklist_items import (
    DEFAULT_ITEMS,
    DEFAULT_VERSION,
    PROJECT_KEYS,
    PROPERTY_KEYS,
    PROPERTY_SECTIONS,
    SECTIONS,
    default_items,
)
from people.rules.identity import has_unseen_characters, is_phone

__all__ = ["DEFAULT_ITEMS", "DEFAULT_VERSION", "SECTIONS", "default_items"]

Item = Mapping[str, Any]
Draft = Mapping[str, Any]
Known = Mapping[str, Mapping[str, Any]]

VERIFICATION_METHODS: Final[tuple[tuple[str, str, str], ...]] = (
    ("ORAL", "客户口述", "Borrower's word"),
    ("PAYSLIP", "工资流水", "Payroll record"),
    ("SOCIAL_SECURITY", "社保记录", "Social security record"),
    ("BUREAU", "征信", "Credit bureau"),
    ("SITE", "现场查看", "Seen on site"),
    ("DOCUMENT", "证件", "Document"),
    ("SYSTEM", "系统数据", "System data"),
    ("OTHER", "其他", "Other"),
)

CONTACT_OUTCOMES: Final[tuple[tuple[str, str, str], ...]] = (
    ("REACHED", "接通本人", "Borrower reached"),
    ("NO_ANSWER", "无人接", "No answer"),
    ("SWITCHED_OFF", "关机", "Switched off"),
    ("NOT_IN_SERVICE", "空号", "Number not in service"),
    ("WRONG_PERSON", "非本人", "Someone else"),
    ("REFUSED", "拒绝", "Refused"),
    ("APPOINTED", "约时间", "Appointment made"),
)

CONCLUSIONS: Final[tuple[str, ...]] = ("NO_CONCERN", "WATCH", "AT_RISK")
CLASSES: Final[tuple[str, ...]] = ("PASS", "SPECIAL_MENTION", "SUBSTANDARD", "DOUBTFUL", "LOSS")
RED: Final = 1
CHOICES: Final[tuple[str, ...]] = ("SAME", "CHANGED", "UNVERIFIED")
# Methods in which a call has to reach the borrower.
CALLING: Final[tuple[str, ...]] = ("PHONE", "VIDEO")

# Answers with which a visit cannot end 未见异常.
CONCERNS: Final[tuple[tuple[str, str], ...]] = (
    ("seizure", "YES"),
    ("fund_backflow", "YES"),
    ("repayment_intention", "UNWILLING"),
    ("identity_checked", "NO"),
)

TEXT_LIMIT: Final = 300
CONCLUSION_TEXT_LIMIT: Final = 1000
CONCLUSION_TEXT_LEAST: Final = 5
MOST_MEASURES: Final = 5
DRAFT_BYTES_LIMIT: Final = 200_000
EARLIEST: Final = date(1950, 1, 1)
LATEST: Final = date(2099, 12, 31)

_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,2})?", re.ASCII)
# Emoji: the document's fonts have none of them, and a box on paper is no answer. U+FE0F turns a sign into a picture.
_PICTURES = re.compile(
    "[\U0001f000-\U0001faff\ufe0f\u231a\u231b\u23e9-\u23fa\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab"
    "\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2-\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2757\u2764\u2795-\u2797"
    "\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55]"
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# What a visit looks at: the loan with its borrower, the home alone, or the development it stands in.
LOAN, PROPERTY, PROJECT = "LOAN", "PROPERTY", "PROJECT"


def items_for(kind: str, method: str, checklist: Iterable[Item], subject: str = LOAN, also: str = "") -> list[Item]:
    """The items that this kind of visit asks when made by this method; of the home alone only the home's.

    `also` is what its policy line has it ask beside (`checklist_items.CHECKLISTS`), and those have to be answered.
    """
    if subject == PROJECT:
        return [item for item in checklist if method in item["methods"] and item["key"] in PROJECT_KEYS]
    if subject == PROPERTY:
        return [item for item in checklist if _is_asked(item, method) and _is_of_the_home(item)]
    asked = [as_asked(item, method, is_pressed(item, also)) for item in checklist if method in item["methods"]]
    return [item for item in asked if is_pressed(item, also) or (kind in item["kinds"] and _is_asked(item, method))]


def is_pressed(item: Item, also: str) -> bool:
    """Does the list that a policy line chose ask this?"""
    return bool(also) and also in item.get("lists", ())


def as_asked(item: Item, method: str, is_pressed: bool) -> Item:
    """The item as this method asks it: what it asks only beside the usual need not be answered, unless it is pressed
    for; everything else as it stands."""
    required = is_pressed or (item["required"] and _is_asked(item, method))
    return item if required == item["required"] else {**item, "required": required}


def _is_asked(item: Item, method: str) -> bool:
    """Does the method ask this by itself? If not, and it may at all, it stands behind 更多."""
    return method in item["methods"] and method in item.get("asked_by", item["methods"])


def _is_of_the_home(item: Item) -> bool:
    """Whatever brought the visit about, the home is asked about as on a periodic one."""
    return item["key"] in PROPERTY_KEYS or (item["section"] in PROPERTY_SECTIONS and "PERIODIC" in item["kinds"])


def more_of(draft: Draft) -> list[str]:
    """Sections that the officer opened beside those that the visit asks."""
    named = str(draft.get("more") or "").split(",")
    return [key for key, _zh, _en in SECTIONS if key in named]


def with_more(items: Iterable[Item], checklist: Iterable[Item], method: str, sections: Iterable[str]) -> list[Item]:
    """The items asked, and what the opened sections ask by this method; none of that has to be answered."""
    asked, opened = list(items), set(sections)
    if not opened:
        return asked
    known = {item["key"] for item in asked}
    more = [
        {**item, "required": False}
        for item in checklist
        if item["section"] in opened and item["key"] not in known and _may_be_opened(item, method)
    ]
    order = {key: place for place, (key, _zh, _en) in enumerate(SECTIONS)}
    return sorted([*asked, *more], key=lambda item: order[item["section"]])


def more_sections(items: Iterable[Item], checklist: Iterable[Item], method: str) -> list[str]:
    """Sections that the visit does not ask and the officer may open; those too that have more than it asks of them."""
    listed = list(items)
    known, shown = {item["key"] for item in listed}, {item["section"] for item in listed}
    opens = {
        item["section"]
        for item in checklist
        if _may_be_opened(item, method)
        and item["key"] not in known
        and (item["section"] not in shown or not _is_asked(item, method))
    }
    return [key for key, _zh, _en in SECTIONS if key in opens]


def _may_be_opened(item: Item, method: str) -> bool:
    """What some kind of visit asks by this method; a system fact is no question, a development's is no borrower's."""
    return method in item["methods"] and bool(item["kinds"]) and item["type"] != "system"


def is_direct(item: Item) -> bool:
    """A question of its own, with nothing known to compare with."""
    return not item["before"] and item["type"] != "system"


def provable(items: Iterable[Item]) -> list[Item]:
    """The questions that a file may prove: whatever somebody answers; a system fact has its own source."""
    return [item for item in items if item["type"] != "system"]


def baseline_missing(item: Item, known: Known) -> bool:
    """The fact was never recorded: the first answer becomes the baseline, not a difference."""
    return bool(item["before"]) and item["type"] != "system" and not str(known.get(item["before"], {}).get("value", ""))


def answer_of(draft: Draft, key: str) -> Mapping[str, Any]:
    answers = draft.get("answers")
    answer = answers.get(key) if isinstance(answers, Mapping) else None
    return answer if isinstance(answer, Mapping) else {}


def is_answered(item: Item, draft: Draft) -> bool:
    answer = answer_of(draft, item["key"])
    if answer.get("choice") in ("SAME", "UNVERIFIED"):
        return True
    if is_direct(item):
        return bool(str(answer.get("now", "")).strip())
    return answer.get("choice") == "CHANGED"


# What follows from another answer


def that_may_follow(items: Iterable[Item], known: Known) -> list[Item]:
    """The items without those that cannot come up: what they follow is not asked, or nothing is known to change."""
    listed = list(items)
    by_key = {item["key"]: item for item in listed}

    def may(item: Item) -> bool:
        rule = item.get("follows")
        if not rule:
            return True
        first = by_key.get(rule["item"])
        return first is not None and (bool(rule["values"]) or not baseline_missing(first, known))

    return [item for item in listed if may(item)]


def is_due(item: Item, draft: Draft, method: str) -> bool:
    """Does somebody's answer now demand this one too, by this method?"""
    rule = item.get("follows")
    return rule is not None and method in rule["due_by"] and _is_told(rule, draft)


def is_idle(item: Item, draft: Draft, known: Known) -> bool:
    """It follows another answer that does not ask for it, and nobody answered it all the same."""
    rule = item.get("follows")
    if not rule or is_answered(item, draft) or _is_told(rule, draft):
        return False
    answer = answer_of(draft, rule["item"])
    stands = str(known.get(rule["item"], {}).get("value", ""))
    return answer.get("choice") == "CHANGED" or stands not in rule["values"]


def _is_told(rule: Mapping[str, Any], draft: Draft) -> bool:
    """Has the answer that is followed changed, or is it now one of the values?"""
    answer = answer_of(draft, rule["item"])
    if not rule["values"]:
        return answer.get("choice") == "CHANGED"
    return answer.get("choice") not in ("SAME", "UNVERIFIED") and answer.get("now") in rule["values"]


def needs_pair(method: str, level: int) -> bool:
    """Is an independent second visitor (协办人) needed: in the field, and whatever the level red demands?"""
    return method == "FIELD" or level == RED


def missing(items: Iterable[Item], draft: Draft, *, method: str, photos: int | None = None) -> list[str]:
    """Keys of what still has to be answered before the report may be made, in the form's order.

    `photos`: how many lie with the visit; None where that is not asked.
    """
    outcome = str(draft.get("contact_outcome") or "")
    keys: list[str] = []
    if method in CALLING and not outcome:
        keys.append("contact_outcome")
    if outcome != "REFUSED":
        keys += [
            item["key"]
            for item in items
            if (item["required"] or is_due(item, draft, method)) and not is_answered(item, draft)
        ]
    if method == "FIELD" and not str(draft.get("second_visitor") or "").strip():
        keys.append("second_visitor")
    if photos is not None:
        note_left = str(draft.get("note_left") or "").strip()
        keys += photo_gaps(method, photos, str(draft.get("photo_exit") or ""), note_left)
    conclusion = draft.get("conclusion")
    if not conclusion:
        keys.append("conclusion")
    needs_words = conclusion in ("WATCH", "AT_RISK")
    if needs_words and len(str(draft.get("conclusion_text") or "").strip()) < CONCLUSION_TEXT_LEAST:
        keys.append("conclusion_text")
    if conclusion == "AT_RISK" and not draft.get("measures"):
        keys.append("measures")
    return keys


def text_faults(text: str, limit: int, *, lines: bool = False) -> list[str]:
    """Why a text may not be stored: too long, or with characters that hide or turn it."""
    faults = ["too_long"] if len(text) > limit else []
    seen = re.sub(r"[\r\n\t]", " ", text) if lines else text
    if has_unseen_characters(seen):
        faults.append("forbidden_character")
    if _PICTURES.search(text):
        faults.append("picture")
    return faults


def fold_amount(text: str) -> str:
    """An amount as people type it (full width, thousands separators, currency sign) as the strict form."""
    folded = unicodedata.normalize("NFKC", text).strip().lstrip("¥￥").strip()
    folded = folded.replace("，", ",").replace("。", ".")
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", folded, re.ASCII):
        folded = folded.replace(",", "")
    return folded


def value_faults(item: Item, value: str) -> list[str]:
    """Why this value is no answer to this item."""
    if item["type"] == "money":
        return [] if _AMOUNT.fullmatch(value) else ["not_an_amount"]
    if item["type"] in ("choice", "yesno"):
        return [] if value in [choice["value"] for choice in item["choices"]] else ["not_a_choice"]
    if item["type"] == "date":
        return [] if _is_sane_day(value) else ["not_a_date"]
    faults = text_faults(value, int(item.get("max", TEXT_LIMIT)))
    if not value.strip():
        faults.append("empty")
    if item.get("format") == "phone" and not is_phone(value):
        faults.append("not_a_phone")
    return faults


def _is_sane_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return False
    return EARLIEST <= day <= LATEST


def _answer_faults(item: Item, answer: Mapping[str, Any], known: Known) -> list[str]:
    choice, now = answer.get("choice") or "", str(answer.get("now") or "")
    methods = [value for value, _zh, _en in VERIFICATION_METHODS]
    if item["type"] == "system":
        return ["system_fact"]
    if choice and choice not in CHOICES:
        return ["not_a_choice"]
    verified = str(answer.get("verified_by") or "")
    faults = ["not_a_method"] if verified and verified not in methods else []
    if choice == "UNVERIFIED":
        return faults
    if is_direct(item):
        if choice == "SAME":
            return [*faults, "nothing_to_compare"]
        return faults + (value_faults(item, now) if now else [])
    if choice == "SAME":
        return faults + (["baseline_missing"] if baseline_missing(item, known) else [])
    if choice == "CHANGED":
        faults += value_faults(item, now) if now else ["now_missing"]
        if not verified:
            faults.append("verified_by_missing")
        if (
            not faults
            and not baseline_missing(item, known)
            and _is_same(item, str(known[item["before"]]["value"]), now)
        ):
            faults.append("not_changed")
    return faults


def _is_same(item: Item, before: str, now: str) -> bool:
    if item["type"] == "money":
        return Decimal(before) == Decimal(now)
    return before.strip() == now.strip()


def has_concern(asked: Iterable[str], draft: Draft) -> bool:
    """An answer to one of these questions excludes the conclusion that nothing was found."""
    return any(key in asked and answer_of(draft, key).get("now") == value for key, value in CONCERNS)


def validate(items: Iterable[Item], draft: Draft, known: Known, *, method: str = "") -> dict[str, list[str]]:
    """Faults of what has been answered: {item key: [reason codes]}; what is unanswered is `missing`'s."""
    by_key = {item["key"]: item for item in items}
    faults: dict[str, list[str]] = {}
    answers = draft.get("answers") or {}
    for key, answer in answers.items():
        item = by_key.get(key)
        found = _answer_faults(item, answer, known) if item else ["not_asked"]
        if found:
            faults[key] = found
    outcome = draft.get("contact_outcome") or ""
    if outcome and outcome not in [value for value, _zh, _en in CONTACT_OUTCOMES]:
        faults["contact_outcome"] = ["not_a_choice"]
    elif method in CALLING and outcome and outcome not in ("REACHED", "REFUSED"):
        faults["contact_outcome"] = ["not_reached"]
    reason = draft.get("photo_exit") or ""
    if reason and reason not in [value for value, _zh, _en in PHOTO_EXITS]:
        faults["photo_exit"] = ["not_a_choice"]
    conclusion = draft.get("conclusion") or ""
    if conclusion and conclusion not in CONCLUSIONS:
        faults["conclusion"] = ["not_a_choice"]
    elif conclusion == "NO_CONCERN" and outcome == "REFUSED":
        faults["conclusion"] = ["refusal_is_a_concern"]
    elif conclusion == "NO_CONCERN" and has_concern(by_key, draft):
        faults["conclusion"] = ["answer_is_a_concern"]
    suggested = draft.get("suggested_class") or ""
    if suggested and suggested not in CLASSES:
        faults["suggested_class"] = ["not_a_choice"]
    words = text_faults(str(draft.get("conclusion_text") or ""), CONCLUSION_TEXT_LIMIT, lines=True)
    if words:
        faults["conclusion_text"] = words
    return faults


_MEASURE_TEXTS = ("code", "owner", "due_on", "words")
_DRAFT_TEXTS = (
    *("contact_outcome", "second_visitor", "photo_exit", "note_left", "more"),
    *("conclusion", "conclusion_text", "suggested_class"),
)
_LIMITS: Final = {"conclusion_text": CONCLUSION_TEXT_LIMIT, "more": 200}
_ANSWER_TEXTS = ("choice", "now", "verified_by")


def shape_faults(items: Iterable[Item], draft: object) -> dict[str, list[str]]:
    """Why a half-filled draft may not even be kept: unknown fields, wrong types, unstorable text."""
    if not isinstance(draft, Mapping):
        return {"draft": ["not_an_object"]}
    faults: dict[str, list[str]] = {}
    for key, value in draft.items():
        if key == "answers":
            continue
        if key == "measures":
            if found := _measures_shape(value):
                faults[key] = found
        elif key not in _DRAFT_TEXTS:
            faults[_key_to_name(key)] = ["unknown_field"]
        elif not isinstance(value, str):
            faults[key] = ["not_a_text"]
        elif found := text_faults(value, _LIMITS.get(key, 40),
                                  lines=key == "conclusion_text"):  # fmt: skip
            faults[key] = found
    answers = draft.get("answers", {})
    if not isinstance(answers, Mapping):
        return {**faults, "answers": ["not_an_object"]}
    known_keys = {item["key"] for item in items}
    for key, answer in answers.items():
        if key not in known_keys:
            faults[_key_to_name(key)] = ["not_asked"]
        elif not isinstance(answer, Mapping):
            faults[key] = ["not_an_object"]
        elif found := _answer_shape(answer):
            faults[key] = found
    return faults


def _key_to_name(key: object) -> str:
    """A key that a client made up, only if it may be repeated in a reply."""
    return str(key) if isinstance(key, str) and re.fullmatch(r"[a-z0-9_]{1,40}", key, re.ASCII) else "answers"


def _measures_shape(rows: object) -> list[str]:
    """Why proposed measures may not even be kept."""
    if not isinstance(rows, list) or len(rows) > MOST_MEASURES:
        return ["measure_too_many" if isinstance(rows, list) else "not_a_list"]
    faults: list[str] = []
    for row in rows:
        if not isinstance(row, Mapping):
            return ["not_an_object"]
        for key, value in row.items():
            if key not in _MEASURE_TEXTS:
                faults.append("unknown_field")
            elif not isinstance(value, str):
                faults.append("not_a_text")
            else:
                faults += text_faults(value, TEXT_LIMIT if key == "words" else 40)
    return list(dict.fromkeys(faults))


def _answer_shape(answer: Mapping[str, Any]) -> list[str]:
    faults: list[str] = []
    for key, value in answer.items():
        if key not in _ANSWER_TEXTS:
            faults.append("unknown_field")
        elif not isinstance(value, str):
            faults.append("not_a_text")
        else:
            faults += text_faults(value, TEXT_LIMIT)
    return faults


def display(item: Item, value: str, language: str = "zh") -> str:
    """A stored value as people read it: the word of a choice, an amount with separators."""
    for choice in item["choices"]:
        if choice["value"] == value:
            return str(choice[language])
    if item["type"] == "money" and _AMOUNT.fullmatch(value):
        whole, _dot, cents = value.partition(".")
        return f"{int(whole):,}.{cents:0<2}"
    return value
