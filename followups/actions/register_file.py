"""Hands out the visit register as a workbook or as a landscape print; who took it stands in the journal."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.desk_file import DeskList, ListTooLong
from followups.models import VisitTask
from followups.queries.visit_register import (
    OfficerLine,
    Register,
    Standing,
    by_officer,
    ordered,
    register_tasks,
    standings,
)
from followups.register_wording import days_over, heads, officer_heads, part_words, reasons_of, why_open
from journal.actions import record
from loans import statement_xlsx
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE, XLSX
from loans.actions.report_documents import OnDisk
from loans.queries import parameter
from loans.statement_xlsx import Cell, Sheet
from people import pdf
from people.actions import require
from people.models import Staff

PDF = "PDF"
FORMS = (XLSX, PDF)
MOST_ROWS, MOST_PRINTED = 20_000, 2_000
TEMPLATE = Path(__file__).resolve().parent.parent / "typst" / "visit_register.typ"
# So many rows are read and written at a time.
_AT_ONCE = 500
Naming = Callable[[VisitTask], str]


@transaction.atomic
def take_register(*, form: str, asked: Register, name_of: Naming, by: Staff, at: datetime) -> DeskList:
    """The register as it is shown; `name_of` says a customer's name as far as the person may see it."""
    require(by, "loans.view_reports")
    tasks = register_tasks(by, asked)
    count, most = tasks.count(), MOST_PRINTED if form == PDF else MOST_ROWS
    if count > most:
        raise ListTooLong(most)
    file = OnDisk()
    with override(DOCUMENT_LANGUAGE):
        lines = by_officer(by, asked)
        rows = _rows(tasks, asked, name_of)
        if form == PDF:
            file.write(pdf.render(TEMPLATE, _content(asked, lines, rows, by, at)))
        else:
            with TemporaryFile() as made:
                statement_xlsx.write(_sheet(asked, count, rows), made, made_at=at, beside=[_officers(lines)])
                made.seek(0)
                shutil.copyfileobj(made, file)
    record(
        kind="followups.register_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at,
        business_date=asked.today,
        data={"form": form, "month": f"{asked.first:%Y-%m}", "branch": asked.branch, "officer": asked.officer,
              "part": asked.part, "rows": count, "sha256": file.sha256.hexdigest()},
    )  # fmt: skip
    return DeskList(f"visit-register-{asked.first:%Y%m}.{form.lower()}", file, file.rewind())


def cells_of(task: VisitTask, standing: Standing, name: str, asked: Register) -> list[Cell]:
    """A row of the register, in the order of its heads."""
    report = standing.report
    return [
        task.due_on, task.number, task.loan.loan_note_no, name, task.get_kind_display(), task.get_method_display(),
        task.assigned_to.name if task.assigned_to else "", standing.submitted_on, task.closed_on,
        days_over(task, standing, asked.today) or None, report.get_conclusion_display() if report else "",
        report.difference_count if report else None, report.number if report else "", why_open(standing),
    ]  # fmt: skip


def _rows(whole: QuerySet[VisitTask], asked: Register, name_of: Naming) -> Iterable[list[Cell]]:
    ids = list(ordered(whole).values_list("pk", flat=True))
    for start in range(0, len(ids), _AT_ONCE):
        tasks = list(ordered(whole.filter(pk__in=ids[start : start + _AT_ONCE])))
        found = standings(tasks)
        yield from (cells_of(task, found[task.pk], name_of(task), asked) for task in tasks)


def _sheet(asked: Register, count: int, rows: Iterable[list[Cell]]) -> Sheet:
    facts: tuple[tuple[str, Cell], ...] = (
        (_("月份"), f"{asked.first:%Y-%m}"), (_("营业日"), asked.today), (_("范围"), part_words()[asked.part]),
        (_("机构"), asked.branch or _("全部机构")), (_("任务数"), count),
    )  # fmt: skip
    return Sheet(_("贷后检查台账"), facts, heads(), rows, (), ())


def _officers(lines: Sequence[OfficerLine]) -> Sheet:
    rows: list[list[Cell]] = [
        [line.name or _("未分派"), line.due, line.done, line.done_late, line.open, line.late, reasons_of(line)]
        for line in lines
    ]
    sums: list[Cell] = [_("合计"), *(sum(getattr(line, name) for line in lines) for name in _SUMMED), ""]
    return Sheet(_("按主办人"), (), officer_heads(), rows, sums, ())


_SUMMED = ("due", "done", "done_late", "open", "late")


def _content(
    asked: Register, lines: Sequence[OfficerLine], rows: Iterable[list[Cell]], by: Staff, at: datetime
) -> dict[str, Any]:
    officers = _officers(lines)
    return {
        "bank": str(parameter("bank_name", asked.today, default="")),
        "month": f"{asked.first:%Y-%m}", "today": str(asked.today), "part": part_words()[asked.part],
        "branch": asked.branch, "by": f"{by.name} {by.staff_no}", "at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
        "heads": heads(), "rows": [_words(row) for row in rows],
        "officer_heads": officers.heads, "officers": [_words(row) for row in officers.rows],
        "sums": _words(officers.sums),
    }  # fmt: skip


def _words(row: Sequence[Cell]) -> list[str]:
    return ["" if cell is None else str(cell) for cell in row]
