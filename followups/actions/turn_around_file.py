"""Hands out the turn-around table as XLSX or CSV; who took it stands in the journal."""

import csv
import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from io import StringIO

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.models import Method, TaskKind
from followups.queries.turn_around import STEPS, Figure, TurnAround, turn_around
from followups.rules.clock import CORRECTING, REVIEWING, TELLING, VISITING, WAITING
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


def group_words() -> Mapping[str, str]:
    return {"branch": _("机构"), "officer": _("主办人"), "kind": _("类型"), "method": _("方式")}


def step_words() -> Mapping[str, str]:
    return {
        WAITING: _("等待"), VISITING: _("回访"), REVIEWING: _("审核"), CORRECTING: _("修改"),
        TELLING: _("告知结果"),
    }  # fmt: skip


def line_word(by: str, figure: Figure) -> str:
    """The name of a line as people read it."""
    if by == "kind":
        return str(TaskKind(figure.code).label)
    if by == "method":
        return str(Method(figure.code).label)
    return figure.name or _("未分派")


@transaction.atomic
def take_turn_around(
    *, form: str, first: date, last: date, group: str, branch: str, by: Staff, at: datetime
) -> Document:
    """The table as it is shown, as a file."""
    require(by, "loans.view_reports")
    today = require_business_date()
    found = turn_around(by, first, last, by=group, branch=branch)
    with override(DOCUMENT_LANGUAGE):
        sheet = _sheet(found)
        content = _csv(sheet) if form == CSV else statement_xlsx.render(sheet, made_at=at)
    record(
        kind="followups.turn_around_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at,
        business_date=today,
        data={
            "form": form, "from": first.isoformat(), "to": last.isoformat(), "by": group, "branch": branch,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
    )  # fmt: skip
    return Document(f"turn-around-{first:%Y%m%d}-{last:%Y%m%d}.{form.lower()}", MEDIA_TYPES[form], content)


def _sheet(found: TurnAround) -> Sheet:
    heads = [group_words()[found.by], _("办结"), _("超时限"), _("发现问题"), _("超时告知"), _("未告知")]
    heads += [_("按时"), _("发现率"), _("评分报告"), _("质量分"), _("中位数"), _("九成内")]
    words = step_words()
    for step in STEPS:
        heads += [f"{words[step]} {_('中位数')}", f"{words[step]} {_('九成内')}"]
    rows = [_cells(line_word(found.by, figure), figure) for figure in found.rows]
    sums = _cells(_("合计"), found.whole) if found.whole else []
    facts = ((_("办结日自"), found.first), (_("至"), found.last))
    return Sheet(_("回访用时"), facts, heads, rows, sums, (_("用时按工作日计算。"),))


def _cells(word: str, figure: Figure) -> list[Cell]:
    cells: list[Cell] = [word, figure.closed, figure.late, figure.findings, figure.told_late, figure.untold]
    cells += [f"{figure.on_time_percent}%", f"{figure.finding_percent}%", figure.scored, figure.quality]
    cells += [figure.total.p50, figure.total.p90]
    for step in STEPS:
        cells += [figure.steps[step].p50, figure.steps[step].p90]
    return cells


def _csv(sheet: Sheet) -> bytes:
    text = StringIO()
    writer = csv.writer(text)
    for row in (sheet.heads, *sheet.rows, *([sheet.sums] if sheet.sums else [])):
        writer.writerow([_plain(cell) for cell in row])
    return _MARK + text.getvalue().encode()


def _plain(cell: Cell) -> str:
    words = "" if cell is None else str(cell)
    return f"'{words}" if isinstance(cell, str) and words.startswith(_FORMULA) else words
