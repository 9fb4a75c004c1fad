"""The content of a visit report: one frozen, JSON-able document from which page and PDF are both made.

Content holds texts, codes and amounts as strings, never floats, so that its canonical JSON and
SHA-256 can be computed again from the stored row. Labels and words of choices are kept in both
languages as they stood on the day. Telephone and identity numbers are inside in masked form only;
`answers_sha256` binds the content to the draft that holds the full values.

Keys: schema, title{zh,en}, report_no, task_no, version, cover{…}, why[{zh, en}], repayment{months[{month,
mark}], on_time, late, days_past_due, overdue_amount, last_payment}, sections[{key, label, items[row]}],
differences[row], requests[row], baselines[row], unverified[row], unchanged[{key, label, count}], collateral{…},
ratios[{code, label, before, after, change, limit, is_over}], grade{score, since, now, before} or null,
score{policy, points, level, is_forced, change, low_from, medium_from, before{points, level, is_forced, on},
parts[{code, label, group, points, most, before, line, inputs, inputs_text}], facts} or null (put beside by
`queries.content`; absent in reports of before there were scores and in those of developments),
conclusion{code, label, text, class_now, class_suggested, class_chosen, reasons[code]},
opinions[{role, name, staff_no, conclusion, text, at}],
attachments[{id, name, item, item_label, sha256, media_type, size, taken_at, added_at, by, is_reused, is_alike,
meters_off}] (`item`: the question it proves; empty for general evidence, absent before files could name one),
measures[{code, label, owner{staff_no, name}, due_on, words}], photo_exit{code, label, note} or
null, contact_outcome, contact{code, label} or null, contacts[{at, by, code, label, note, recording}] (empty in a
preview), clock[{code, label{zh,en}, from, to, workdays}], returned{code, code_label,
reason, sections, parts[{key, label, code, code_label}]} or
null, amendments[{key, label, from, to}], answers_sha256.
A row: key, section, label, state, before, before_text, before_source, before_on, now, now_text,
verified_by, verified_text, delta_percent; of a difference notes[{key, label, now_text}] too.
`state` is SAME, CHANGED, BASELINE (first recorded), UNVERIFIED,
ANSWERED, FINDING (a direct question with a remarkable answer), SYSTEM or UNANSWERED.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from followups.rules.assessment import Assessment, Ratio, change_percent
from followups.rules.attachments import DOOR_EXITS, PHOTO_EXITS
from followups.rules.checklist import (
    CONTACT_OUTCOMES,
    SECTIONS,
    VERIFICATION_METHODS,
    Draft,
    Item,
    Known,
    answer_of,
    baseline_missing,
    display,
    is_answered,
    is_direct,
    is_idle,
)
from people.rules.masking import mask_phone

Row = dict[str, Any]
Words = dict[str, str]

TITLE: Final[Words] = {"zh": "个人住房贷款贷后检查报告", "en": "Post-loan review report, personal housing loan"}
RATIO_LABELS: Final[dict[str, Words]] = {
    "payment_to_income": {"zh": "月供收入比", "en": "Payment to income"},
    "debt_to_income": {"zh": "总负债收入比", "en": "Debt to income"},
    "loan_to_value": {"zh": "当前抵押率", "en": "Loan to value"},
}
CONCLUSION_LABELS: Final[dict[str, Words]] = {
    "": {"zh": "未选择", "en": "Not chosen"},
    "NO_CONCERN": {"zh": "未见异常", "en": "No concern"},
    "WATCH": {"zh": "需关注", "en": "Watch"},
    "AT_RISK": {"zh": "存在风险", "en": "At risk"},
}
CLASS_LABELS: Final[dict[str, Words]] = {
    "PASS": {"zh": "正常", "en": "Pass"},
    "SPECIAL_MENTION": {"zh": "关注", "en": "Special mention"},
    "SUBSTANDARD": {"zh": "次级", "en": "Substandard"},
    "DOUBTFUL": {"zh": "可疑", "en": "Doubtful"},
    "LOSS": {"zh": "损失", "en": "Loss"},
}


# The ratio whose limit is a line to watch from, not one that the bank may not pass.
WATCHED: Final = "loan_to_value"


@dataclass(frozen=True)
class Inputs:
    """Everything a report is made of, gathered beforehand; mappings hold JSON-able values only."""

    report_no: str
    task_no: str
    version: int
    cover: Mapping[str, Any]
    why: Sequence[Words]
    repayment: Mapping[str, Any]
    collateral: Mapping[str, Any]
    items: Sequence[Item]
    draft: Draft
    known: Known
    assessment: Assessment
    class_now: str
    # Lead first, then the second visitor: {role, name, staff_no, at}.
    visitors: Sequence[Mapping[str, Any]]
    clock: Sequence[Mapping[str, Any]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()
    measures: Sequence[Mapping[str, Any]] = ()
    # Attempts to reach the borrower, the oldest first: {at, by, code, note, recording}.
    contacts: Sequence[Mapping[str, Any]] = ()
    grade: Mapping[str, Any] | None = None
    returned: Mapping[str, Any] | None = None
    previous: Mapping[str, Any] | None = field(default=None)
    # Of a correction: which version it is to take the place of, and why.
    corrects: Mapping[str, Any] | None = None


def canonical_json(content: Mapping[str, Any]) -> str:
    """One spelling for one content: sorted keys, no spaces, no floats (ValueError when there is one)."""
    _refuse_floats(content)
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError("a report holds no floats")
    if isinstance(value, Mapping):
        for part in value.values():
            _refuse_floats(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            _refuse_floats(part)


def build(inputs: Inputs) -> dict[str, Any]:
    """The whole content."""
    asked = [item for item in inputs.items if not is_idle(item, inputs.draft, inputs.known)]
    rows = [row_of(item, inputs.draft, inputs.known) for item in asked]
    conclusion = str(inputs.draft.get("conclusion") or "")
    text = str(inputs.draft.get("conclusion_text") or "").replace("\r\n", "\n").strip()
    suggested = inputs.assessment.suggested_class
    chosen = str(inputs.draft.get("suggested_class") or "") or suggested
    content: dict[str, Any] = {
        "schema": 1,
        "title": TITLE,
        "report_no": inputs.report_no,
        "task_no": inputs.task_no,
        "version": inputs.version,
        "cover": dict(inputs.cover),
        "why": [dict(words) for words in inputs.why],
        "repayment": dict(inputs.repayment),
        "sections": _sections(rows),
        "differences": [
            {**row, "notes": _notes(row, asked, rows)} for row in rows if row["state"] in ("CHANGED", "FINDING")
        ],
        "requests": [row for row in rows if _is_request(row)],
        "baselines": [row for row in rows if row["state"] == "BASELINE"],
        "unverified": [row for row in rows if row["state"] == "UNVERIFIED"],
        "unchanged": _unchanged(rows),
        "collateral": dict(inputs.collateral),
        "ratios": [_ratio(ratio) for ratio in inputs.assessment.ratios],
        "grade": dict(inputs.grade) if inputs.grade else None,
        "income_change_percent": _plain(inputs.assessment.income_change_percent),
        "conclusion": {
            "code": conclusion,
            "label": CONCLUSION_LABELS[conclusion],
            "text": text,
            "class_now": _class(inputs.class_now),
            "class_suggested": _class(suggested),
            "class_chosen": _class(chosen),
            "reasons": list(inputs.assessment.reasons),
        },
        "opinions": [
            {**visitor, "conclusion": conclusion, "label": CONCLUSION_LABELS[conclusion], "text": text}
            if place == 0
            else dict(visitor)
            for place, visitor in enumerate(inputs.visitors)
        ],
        "attachments": _attachments(inputs.attachments, rows),
        "measures": [dict(measure) for measure in inputs.measures],
        "photo_exit": _photo_exit(str(inputs.draft.get("photo_exit") or ""), str(inputs.draft.get("note_left") or "")),
        "clock": [dict(step) for step in inputs.clock],
        "returned": dict(inputs.returned) if inputs.returned else None,
        "contact_outcome": str(inputs.draft.get("contact_outcome") or ""),
        "contact": _contact(str(inputs.draft.get("contact_outcome") or "")),
        "contacts": [{**contact, **(_contact(contact["code"]) or {})} for contact in inputs.contacts],
        "answers_sha256": content_sha256(dict(inputs.draft)),
    }
    if inputs.corrects:
        content["corrects"] = dict(inputs.corrects)
    content["amendments"] = amendments(inputs.previous, content) if inputs.previous else []
    return content


def _attachments(files: Sequence[Mapping[str, Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The files with the question each proves as the report words it; a question not in the report is none."""
    labels = {row["key"]: row["label"] for row in rows if row["state"] != "SYSTEM"}
    found = []
    for file in files:
        item = file["item"] if file.get("item") in labels else ""
        found.append({**file, "item": item, "item_label": dict(labels.get(item, {"zh": "", "en": ""}))})
    return found


def _contact(code: str) -> dict[str, Any] | None:
    """How a call ended, in both languages."""
    found = next(({"zh": zh, "en": en} for value, zh, en in CONTACT_OUTCOMES if value == code), None)
    return {"code": code, "label": found} if found else None


def _photo_exit(code: str, note: str) -> dict[str, Any] | None:
    """Why a field visit has no photo of the home, in both languages, and what was left at a shut door."""
    found = next(((zh, en) for value, zh, en in PHOTO_EXITS if value == code), None)
    label = {"zh": found[0], "en": found[1]} if found else {}
    return {"code": code, "label": label, "note": note if code in DOOR_EXITS else ""} if found else None


def row_of(item: Item, draft: Draft, known: Known) -> Row:
    """One item with what was known and what was found."""
    fact = known.get(item["before"], {}) if item["before"] else {}
    answer = answer_of(draft, item["key"])
    before, now = str(fact.get("value") or ""), str(answer.get("now") or "")
    state = _state(item, draft, known)
    if state not in ("CHANGED", "BASELINE", "ANSWERED", "FINDING"):
        now = ""
    verified = str(answer.get("verified_by") or "") if state != "UNANSWERED" else ""
    return {
        "key": item["key"],
        "section": item["section"],
        "label": dict(item["label"]),
        "state": state,
        "before": _shown(item, before),
        "before_text": _both(item, before, fact.get("text")),
        "before_source": str(fact.get("source") or ""),
        "before_on": str(fact.get("on") or ""),
        "now": _shown(item, now),
        "now_text": _both(item, now),
        "verified_by": verified,
        "verified_text": _method_words(verified),
        "delta_percent": _delta(item, before, now) if state == "CHANGED" else "",
    }


def _notes(row: Row, items: Sequence[Item], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What was answered because of this answer: date and proof of a change, the lease of a home now let."""
    after = {item["key"] for item in items if item.get("follows") and item["follows"]["item"] == row["key"]}
    return [
        {"key": each["key"], "label": each["label"], "now_text": each["now_text"]}
        for each in rows
        if each["key"] in after and each["now"]
    ]


def _state(item: Item, draft: Draft, known: Known) -> str:
    if item["type"] == "system":
        return "SYSTEM"
    if not is_answered(item, draft):
        return "UNANSWERED"
    answer = answer_of(draft, item["key"])
    choice = answer.get("choice")
    if choice == "UNVERIFIED":
        return "UNVERIFIED"
    if is_direct(item):
        normal = item.get("normal")
        return "FINDING" if normal and answer.get("now") != normal else "ANSWERED"
    if choice == "CHANGED":
        return "BASELINE" if baseline_missing(item, known) else "CHANGED"
    return "SAME"


def _shown(item: Item, value: str) -> str:
    return mask_phone(value) if value and item.get("format") == "phone" else value


def _both(item: Item, value: str, words: Any = None) -> Words:
    if isinstance(words, Mapping):
        return {"zh": str(words.get("zh", "")), "en": str(words.get("en", ""))}
    shown = _shown(item, value)
    return {"zh": display(item, shown, "zh"), "en": display(item, shown, "en")}


def _method_words(code: str) -> Words:
    for value, zh, en in VERIFICATION_METHODS:
        if value == code:
            return {"zh": zh, "en": en}
    return {"zh": "", "en": ""}


def _delta(item: Item, before: str, now: str) -> str:
    if item["type"] != "money" or not before or not now:
        return ""
    return _plain(change_percent(Decimal(before), Decimal(now)))


def _sections(rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = []
    for key, zh, en in SECTIONS:
        inside = [row for row in rows if row["section"] == key]
        if inside:
            found.append({"key": key, "label": {"zh": zh, "en": en}, "items": inside})
    return found


def _is_request(row: Row) -> bool:
    """What the borrower asks for stands by itself, whatever else has changed (诉求)."""
    return row["key"] in _REQUESTS and row["state"] in ("ANSWERED", "FINDING") and row["now"] != _NO_REQUEST


def _unchanged(rows: Sequence[Row]) -> list[dict[str, Any]]:
    counted = []
    for key, zh, en in SECTIONS:
        quiet = [row for row in rows if row["state"] in ("SAME", "ANSWERED") and not _is_request(row)]
        count = sum(row["section"] == key for row in quiet)
        if count:
            counted.append({"key": key, "label": {"zh": zh, "en": en}, "count": count})
    return counted


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {
        "code": ratio.code,
        "label": RATIO_LABELS[ratio.code],
        "before": _plain(ratio.before),
        "after": _plain(ratio.after),
        "change": _plain(ratio.change),
        "limit": _plain(ratio.limit),
        "is_over": ratio.is_over,
    }


def _class(code: str) -> dict[str, Any]:
    return {"code": code, "label": CLASS_LABELS[code]}


def _plain(number: Decimal | None) -> str:
    """A percentage as text; empty for unknown."""
    return "" if number is None else f"{number:f}"


_REQUESTS: Final = ("request", "request_note")
_NO_REQUEST: Final = "NONE"


def findings(items: Iterable[Item], draft: Draft, known: Known) -> list[str]:
    """Keys of direct questions with a remarkable answer."""
    return [item["key"] for item in items if _state(item, draft, known) == "FINDING"]


def amendments(previous: Mapping[str, Any], content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a later version says otherwise than the one before: rows, then the conclusion."""
    was = {row["key"]: row for section in previous["sections"] for row in section["items"]}
    found = []
    for section in content["sections"]:
        for row in section["items"]:
            old = was.get(row["key"])
            if (old["state"], old["now"]) != (row["state"], row["now"]) if old else row["now"]:
                was_said = _words(old) if old else dict(STATE_WORDS["UNANSWERED"])
                found.append({"key": row["key"], "label": row["label"], "from": was_said, "to": _words(row)})
    before, after = previous["conclusion"], content["conclusion"]
    if before["code"] != after["code"]:
        label = {"zh": "回访结论", "en": "Conclusion"}
        found.append({"key": "conclusion", "label": label, "from": before["label"], "to": after["label"]})
    if before["class_chosen"]["code"] != after["class_chosen"]["code"]:
        label = {"zh": "分类意见", "en": "Class proposed"}
        was_class, now_class = (dict(part["class_chosen"]["label"]) for part in (before, after))
        found.append({"key": "class_chosen", "label": label, "from": was_class, "to": now_class})
    was_late, now_late = (part["repayment"].get("days_past_due") for part in (previous, content))
    if was_late != now_late:
        label = {"zh": "逾期天数", "en": "Days past due"}
        days = [{"zh": str(each), "en": str(each)} for each in (was_late, now_late)]
        found.append({"key": "days_past_due", "label": label, "from": days[0], "to": days[1]})
    if _filed(previous) != _filed(content):
        label = {"zh": "附件", "en": "Attachments"}
        found.append({"key": "attachments", "label": label, "from": _names(previous), "to": _names(content)})
    if _measures(previous) != _measures(content):
        label = {"zh": "处置措施", "en": "Measures"}
        found.append({"key": "measures", "label": label, "from": _measures(previous), "to": _measures(content)})
    if before["text"] != after["text"]:
        label = {"zh": "结论说明", "en": "Conclusion in words"}
        was_text, now_text = ({"zh": part["text"], "en": part["text"]} for part in (before, after))
        found.append({"key": "conclusion_text", "label": label, "from": was_text, "to": now_text})
    return found


def _measures(content: Mapping[str, Any]) -> Words:
    """The proposed measures in one line."""
    said = content.get("measures", ())
    return {
        language: mark.join(
            f"{one['label'][language]} {one['owner']['name']} {one['due_on']} {one['words']}".strip() for one in said
        )
        for language, mark in (("zh", "；"), ("en", "; "))
    }


def _filed(content: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Which files a report has, each with the question it proves."""
    return {(file["sha256"], file.get("item", "")) for file in content.get("attachments", ())}


def _names(content: Mapping[str, Any]) -> Words:
    """The files in one line, each with the question it proves."""
    said = dict.fromkeys(("zh", "en"), "")
    for language, mark, around in (("zh", "，", "（{}）"), ("en", ", ", " ({})")):
        said[language] = mark.join(
            f"{file['name']} {file['sha256'][:8]}"
            + (around.format(label) if (label := file.get("item_label", {}).get(language)) else "")
            for file in content.get("attachments", ())
        )
    return said


STATE_WORDS: Final[dict[str, Words]] = {
    "SAME": {"zh": "无变化", "en": "No change"},
    "UNVERIFIED": {"zh": "未核实", "en": "Not verified"},
    "UNANSWERED": {"zh": "未答", "en": "Not answered"},
    "SYSTEM": {"zh": "系统事实", "en": "System fact"},
}


def _words(row: Row) -> Words:
    return STATE_WORDS.get(row["state"]) or dict(row["now_text"])


def conclusion_draft(content: Mapping[str, Any], language: str = "zh") -> str:
    """A first text for the conclusion, from the differences and ratios; the officer edits it."""
    if language == "en":
        return _conclusion_draft_in_english(content)
    parts = []
    for row in content["differences"]:
        label, before, now = row["label"]["zh"], row["before_text"]["zh"], row["now_text"]["zh"]
        delta = f"（{row['delta_percent'].replace('-', '−')}%）" if row["delta_percent"] else ""
        parts.append(f"{label}由{before}变为{now}{delta}" if before else f"{label}：{now}")
    for ratio in content["ratios"]:
        if ratio["is_over"]:
            line = "关注线" if ratio["code"] == WATCHED else "上限"
            parts.append(f"{ratio['label']['zh']}{ratio['after']}%，超过{line}{ratio['limit']}%")
    days = content["repayment"].get("days_past_due", 0)
    parts.append(f"目前逾期{days}天" if days else "还款无逾期")
    return "，".join(parts) + "。"


def _conclusion_draft_in_english(content: Mapping[str, Any]) -> str:
    parts = []
    for row in content["differences"]:
        label, before, now = row["label"]["en"], row["before_text"]["en"], row["now_text"]["en"]
        delta = f" ({row['delta_percent'].replace('-', '−')}%)" if row["delta_percent"] else ""
        parts.append(f"{label} changed from {before} to {now}{delta}" if before else f"{label}: {now}")
    for ratio in content["ratios"]:
        if ratio["is_over"]:
            line = "watch line" if ratio["code"] == WATCHED else "limit"
            parts.append(f"{ratio['label']['en']} {ratio['after']}%, above the {line} of {ratio['limit']}%")
    days = content["repayment"].get("days_past_due", 0)
    parts.append(f"{days} {'day' if days == 1 else 'days'} past due" if days else "no arrears")
    words = "; ".join(parts)
    return words[:1].upper() + words[1:] + "."
