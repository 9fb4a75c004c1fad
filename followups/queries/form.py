"""The visit form as prepared values: sections, items with what was known, answers given, what is missing."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups.models import Conclusion, Method, Subject, Visit, VisitTask
from followups.queries.attachments import photos_of
from followups.queries.events import Behind, items_of
from followups.queries.facts import is_known_to, source_label
from followups.rules import checklist
from followups.rules.attachments import PHOTO_EXITS
from followups.rules.report_masking import mask_place
from loans.models import FiveClass
from people.models import Staff
from people.rules.masking import mask_phone

# Where on the loan's page a system fact is told in full.
_ANCHORS = {"payment_strip": "#schedule", "property_value": "#collateral", "five_class": "#timeline"}


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh"


def _words(rows: tuple[tuple[str, str, str], ...]) -> list[tuple[str, str]]:
    place = 2 if _language() == "en" else 1
    return [(row[0], row[place]) for row in rows]


def asked_of(visit: Visit, known: Behind | None = None) -> list[Mapping[str, Any]]:
    """The items that this visit asks: by kind, method, subject, the events it answers and what it does along."""
    return items_of(visit.task, visit, known)


def questions_of(visit: Visit) -> list[tuple[str, str]]:
    """The questions of the visit that a file may prove, by key and name in the active language."""
    language = _language()
    return [(item["key"], item["label"][language]) for item in checklist.provable(asked_of(visit))]


def form_of(task: VisitTask, visit: Visit, reader: Staff | None = None) -> dict[str, Any]:
    """Everything the visit page shows, in the active language; nothing is written.

    A `reader` outside the own portfolio and the own open task sees address and telephone masked.

    Keys: sections [{key, label, items [...], unanswered, changed}], questions [(key, label)] that a file may prove,
    methods, outcomes, conclusions,
    outcome (its word), classes, draft, missing [{key, label}], faults {key: [code]}, required, answered,
    more [{key, label}], requests, request.
    """
    language = _language()
    items = asked_of(visit)
    absent = checklist.missing(items, visit.draft, method=visit.method, photos=photos_of(visit))
    labels = {item["key"]: item["label"][language] for item in items}
    is_open = reader is None or is_known_to(task, reader)
    shown = visit if is_open else _masked(visit, items)
    rows = [_item_row(item, shown, item["key"] in absent) for item in items]
    sections = []
    for key, zh, en in checklist.SECTIONS:
        inside = [row for row in rows if row["section"] == key]
        if inside:
            sections.append(
                {
                    "key": key,
                    "label": en if language == "en" else zh,
                    "items": inside,
                    "unanswered": sum(row["is_missing"] for row in inside),
                    "changed": sum(row["answer"].get("choice") == "CHANGED" for row in inside),
                }
            )
    required = sum(bool(item["required"]) or checklist.is_due(item, visit.draft, visit.method) for item in items)
    outcomes = _words(checklist.CONTACT_OUTCOMES) if visit.method in checklist.CALLING else []
    return {
        "sections": sections,
        "questions": [(item["key"], item["label"][language]) for item in checklist.provable(items)],
        "methods": _words(checklist.VERIFICATION_METHODS),
        "outcomes": outcomes,
        "outcome": dict(outcomes).get(str(shown.draft.get("contact_outcome") or ""), ""),
        **_more(task, visit, items, language),
        "conclusions": [(value, str(label)) for value, label in Conclusion.choices],
        "photo_exits": _words(PHOTO_EXITS) if visit.method == Method.FIELD else [],
        "classes": [(value, str(label)) for value, label in FiveClass.choices],
        "draft": shown.draft,
        "missing": [{"key": key, "label": labels.get(key) or field_label(key)} for key in absent],
        "faults": checklist.validate(items, visit.draft, visit.known, method=visit.method),
        "required": required,
        "answered": required - sum(key in labels for key in absent),
    }


def _more(task: VisitTask, visit: Visit, items: list[Mapping[str, Any]], language: str) -> dict[str, Any]:
    """Sections to be opened, and what the borrower may ask for; of the home alone neither."""
    if task.subject != Subject.LOAN:
        return {"more": [], "requests": [], "request": ""}
    place = 2 if language == "en" else 1
    words = {row[0]: row[place] for row in checklist.SECTIONS}
    offered = checklist.more_sections(items, visit.checklist.items, visit.method)
    asked = next((item for item in visit.checklist.items if item["key"] == "request"), None)
    choices = asked["choices"] if asked is not None and visit.method in asked["methods"] else ()
    usual = asked["normal"] if asked is not None else ""
    return {
        "more": [{"key": key, "label": words[key]} for key in offered],
        "requests": [(choice["value"], choice[language]) for choice in choices if choice["value"] != usual],
        "request": checklist.answer_of(visit.draft, "request").get("now", ""),
    }  # fmt: skip


def _masked(visit: Visit, items: Iterable[Mapping[str, Any]]) -> Visit:
    """A copy of the visit to be shown, not saved."""
    shown = copy(visit)
    shown.known = {key: {**fact, "value": mask_place(key, fact["value"])} for key, fact in visit.known.items()}
    phones = {item["key"] for item in items if item.get("format") == "phone"}
    answers = {}
    for key, answer in (visit.draft.get("answers") or {}).items():
        now = str(answer.get("now") or "")
        hidden = mask_phone(now) if key in phones else mask_place(key, now)
        answers[key] = {**answer, "now": hidden} if now else answer
    shown.draft = {**visit.draft, "answers": answers}
    return shown


def field_label(key: str) -> str:
    """The name of an input that is no checklist item."""
    return {
        "contact_outcome": _("接通结果"),
        "second_visitor": _("协办人"),
        "photo_exit": _("现场照片"),
        "door_photo": _("门牌照片"),
        "note_left": _("留条"),
        "conclusion": _("回访结论"),
        "conclusion_text": _("结论说明"),
        "suggested_class": _("建议分类"),
        "measures": _("处置措施"),
        "answers": _("回访内容"),
        "draft": _("草稿"),
    }.get(key, key)


def _item_row(item: Mapping[str, Any], visit: Visit, is_missing: bool) -> dict[str, Any]:
    language = _language()
    fact = visit.known.get(item["before"], {}) if item["before"] else {}
    value = str(fact.get("value") or "")
    shown = mask_phone(value) if value and item.get("format") == "phone" else value
    text = fact["text"][language] if "text" in fact else checklist.display(item, shown, language)
    return {
        "key": item["key"],
        "section": item["section"],
        "type": item["type"],
        "label": item["label"][language],
        "required": item["required"],
        "max": item.get("max", checklist.TEXT_LIMIT),
        "normal": item.get("normal", ""),
        "choices": [{"value": choice["value"], "label": choice[language]} for choice in item["choices"]],
        "before_text": text,
        "before_source": source_label(str(fact.get("source") or "")),
        "before_on": str(fact.get("on") or ""),
        "anchor": _ANCHORS.get(item["key"], "") if item["type"] == "system" else "",
        "answer": dict(checklist.answer_of(visit.draft, item["key"])),
        "is_direct": checklist.is_direct(item),
        "is_system": item["type"] == "system",
        "is_baseline_missing": checklist.baseline_missing(item, visit.known),
        "is_missing": is_missing,
        **_following(item, visit),
    }


def _following(item: Mapping[str, Any], visit: Visit) -> dict[str, Any]:
    """What the item follows: the other item's key, which of its values ask for this one (none: any change), what it
    was before, when that is in words, and whether it need not be asked now."""
    rule = item.get("follows") or {"item": "", "values": [], "when": {_language(): ""}}
    before = str(visit.known.get(rule["item"], {}).get("value") or "") if rule["values"] else ""
    return {
        "follows": rule["item"],
        "follows_values": rule["values"],
        "followed_before": before,
        "when": rule["when"][_language()],
        "is_idle": checklist.is_idle(item, visit.draft, visit.known),
    }
