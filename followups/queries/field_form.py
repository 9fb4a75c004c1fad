"""What stands on the printed form of a visit (回访表): the questions this visit asks, with the old values filled in."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import segno
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.models import Checklist, Conclusion, Level, Method, Subject, TaskKind, Visit, VisitTask
from followups.queries.events import items_of
from followups.queries.facts import is_known_to, known_facts, person_facts, source_label
from followups.rules import checklist
from followups.rules.attachments import PHOTO_EXITS
from followups.rules.report_masking import mask_place
from followups.wording import why
from loans.rules.aging import days_past_due
from people.models import Staff
from people.rules.masking import mask_phone

# A bank's documents are in Chinese.
DOCUMENT = "zh-hans"
_LANGUAGE = "zh"


def form_content(task: VisitTask, by: Staff, today: date) -> dict[str, Any]:
    """The form of a task of `queries.desk`; name and place as far as this person may read them.

    Checklist.DoesNotExist while no questions are installed.
    """
    visit = Visit.objects.filter(task=task).select_related("checklist", "second_visitor").first()
    if visit is None:
        questions = Checklist.objects.latest("version")
        visit = Visit(task=task, checklist=questions, method=task.method, known=known_facts(task.loan))
    visit.task = task
    is_known = is_known_to(task, by)
    second = visit.second_visitor or task.proposed_second
    with override(DOCUMENT):
        return {
            "number": task.number,
            "qr": _code(task.number),
            "person": person_facts(task, by),
            "loan_note_no": task.loan.loan_note_no,
            "kind": str(TaskKind(task.kind).label),
            "method": str(Method(visit.method).label),
            "is_field": visit.method == Method.FIELD,
            "subject": str(Subject(task.subject).label) if task.subject != Subject.LOAN else "",
            "level": str(Level(task.level).label) if task.level != Level.NONE else "",
            "due_on": task.due_on.isoformat(),
            "officer": task.assigned_to.name if task.assigned_to else "",
            "second": second.name if second else "",
            "balance": f"{task.loan.position.principal_balance:.2f}",
            "days_past_due": days_past_due(task.loan.position.overdue_since, today),
            "overdue": f"{getattr(task, 'overdue_amount', None) or 0:.2f}",
            "loan_to_value": str(getattr(task, "loan_to_value", None) or ""),
            "why": why(task),
            "sections": _sections(visit, is_known),
            "outcomes": [row[1] for row in checklist.CONTACT_OUTCOMES] if visit.method in checklist.CALLING else [],
            "photo_exits": [row[1] for row in PHOTO_EXITS] if visit.method == Method.FIELD else [],
            "ways": [row[1] for row in checklist.VERIFICATION_METHODS],
            "conclusions": [str(label) for _value, label in Conclusion.choices],
        }


def _code(number: str) -> list[str]:
    """The rows of the QR code (level M) from the top, `1` where it is dark; the quiet zone around it is the form's."""
    made = segno.make(number, error="m", boost_error=False, micro=False)
    return ["".join(map(str, row)) for row in made.matrix]


def _sections(visit: Visit, is_known: bool) -> list[dict[str, Any]]:
    items = items_of(visit.task, visit)
    names = {item["key"]: item["label"][_LANGUAGE] for item in items}
    found = []
    for key, label, _english in checklist.SECTIONS:
        rows = [_row(item, visit.known, is_known, names) for item in items if item["section"] == key]
        if rows:
            found.append({"label": label, "items": rows})
    return found


def _row(item: Mapping[str, Any], known: Mapping[str, Any], is_known: bool, names: Mapping[str, str]) -> dict[str, Any]:
    fact, rule = known.get(item["before"], {}) if item["before"] else {}, item.get("follows")
    return {
        "label": item["label"][_LANGUAGE],
        "required": bool(item["required"]),
        "when": f"{names[rule['item']]}{rule['when'][_LANGUAGE]}" if rule else "",
        "kind": "system" if item["type"] == "system" else "direct" if checklist.is_direct(item) else "compared",
        "choices": [choice[_LANGUAGE] for choice in item["choices"]],
        "before": _before(item, fact, is_known) or (_("基线缺失") if item["before"] else ""),
        "source": source_label(str(fact.get("source") or "")),
        "on": str(fact.get("on") or ""),
    }


def _before(item: Mapping[str, Any], fact: Mapping[str, Any], is_known: bool) -> str:
    value = str(fact.get("value") or "")
    if value and item.get("format") == "phone":
        value = mask_phone(value)
    if value and not is_known:
        value = mask_place(item["before"], value)
    return str(fact["text"][_LANGUAGE]) if "text" in fact else checklist.display(item, value, _LANGUAGE)
