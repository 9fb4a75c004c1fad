"""Hands out the table of work by officer and week as XLSX or CSV; who took it stands in the journal."""

import csv
import hashlib
from datetime import datetime
from io import StringIO

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.queries.capacity import Capacity, Row, capacity
from journal.actions import record
from loans import statement_xlsx
from loans.actions.pricing_documents import CSV, DOCUMENT_LANGUAGE
from loans.actions.report_documents import MEDIA_TYPES
from loans.actions.statements import Document
from loans.queries import require_business_date
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

_MARK = b"\xef\xbb\xbf"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@transaction.atomic
def take_capacity(*, form: str, branch: str, by: Staff, at: datetime) -> Document:
    """The table as it is shown, as a file."""
    require(by, "loans.view_reports")
    today = require_business_date()
    found = capacity(by, today, branch=branch)
    with override(DOCUMENT_LANGUAGE):
        sheet = _sheet(found)
        content = _csv(sheet) if form == CSV else statement_xlsx.render(sheet, made_at=at)
    record(
        kind="followups.capacity_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at,
        business_date=today,
        data={"form": form, "branch": branch, "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    return Document(f"capacity-{today:%Y%m%d}.{form.lower()}", MEDIA_TYPES[form], content)


def _sheet(found: Capacity) -> Sheet:
    heads = [_("机构"), _("主办人"), _("工号"), _("已超时限")]
    for monday in found.mondays:
        heads += [f"{monday:%m-%d} {word}" for word in (_("计划"), _("实地"), _("工时"), _("休假天数"))]
    rows = [_cells(row) for row in found.rows]
    sums: list[Cell] = [_("合计"), "", "", sum(row.late for row in found.rows)]
    for cell in found.sums:
        sums += [cell.planned, cell.in_field, cell.hours, None]
    facts = ((_("每人每周上限"), found.ceiling),)
    return Sheet(_("人员负荷表"), facts, heads, rows, sums, ())


def _cells(row: Row) -> list[Cell]:
    person = row.officer
    cells: list[Cell] = [person.branch.name if person else "", person.name if person else _("未分派")]
    cells += [person.staff_no if person else "", row.late]
    for cell in row.cells:
        cells += [cell.planned, cell.in_field, cell.hours, cell.days_away]
    return cells


def _csv(sheet: Sheet) -> bytes:
    text = StringIO()
    writer = csv.writer(text)
    for row in (sheet.heads, *sheet.rows, sheet.sums):
        writer.writerow([_plain(cell) for cell in row])
    return _MARK + text.getvalue().encode()


def _plain(cell: Cell) -> str:
    words = "" if cell is None else str(cell)
    return f"'{words}" if isinstance(cell, str) and words.startswith(_FORMULA) else words
