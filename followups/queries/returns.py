"""What a return asks to mend: sections, each with its coded reason, as the step says by which a report went back."""

from functools import partial
from typing import Any

from followups.models import EventKind, ReportState, ReturnReason, TaskEvent, VisitReport, VisitTask
from followups.queries.facts import in_both
from followups.rules.checklist import SECTIONS

_BACK = (EventKind.RETURNED, EventKind.CORRECTION_RETURNED)


def last_return(task: VisitTask) -> TaskEvent | None:
    """The last time a report of the task went back."""
    return task.events.filter(kind__in=_BACK).order_by("-id").first()


def return_of(report: VisitReport) -> TaskEvent | None:
    """The step by which this version went back; none while it did not."""
    if report.state != ReportState.RETURNED:
        return None
    steps = TaskEvent.objects.filter(task_id=report.visit.task_id, kind__in=_BACK)
    return steps.filter(data__report_id=report.pk).order_by("-id").first()


def parts_to_mend(step: TaskEvent | None) -> list[dict[str, Any]]:
    """The sections named: {key, label, code, code_label}, labels in both languages; one of before may name none."""
    if step is None:
        return []
    named, codes = step.data.get("sections") or (), step.data.get("codes") or {}
    found = []
    for key, zh, en in SECTIONS:
        if key in named:
            code = codes.get(key, step.data.get("code", ""))
            found.append({"key": key, "label": {"zh": zh, "en": en}, "code": code, "code_label": _words(code)})
    return found


def _words(code: str) -> dict[str, str]:
    return in_both(partial(_label, code))


def _label(code: str) -> str:
    return str(ReturnReason(code).label) if code in ReturnReason.values else ""


def returnable(report: VisitReport) -> list[tuple[str, str, str]]:
    """The parts that a return may name, as (key, Chinese, English): those of the report, and always the conclusion."""
    asked = {part["key"] for part in report.content["sections"]} | {"conclusion"}
    return [part for part in SECTIONS if part[0] in asked]
