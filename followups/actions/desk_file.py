"""Hands out the desk's list as a workbook, as it is filtered and sorted on the screen; who took it stands in the
journal."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from tempfile import TemporaryFile

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from journal.actions import record
from journal.errors import ActionRefused
from loans import statement_xlsx
from loans.actions.report_documents import OnDisk
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class DeskList:
    """The workbook, ready to be read from its start."""

    name: str
    file: OnDisk
    size: int


class ListTooLong(ActionRefused):
    code = "list_too_long"

    def __init__(self, most: int = MOST_ROWS) -> None:
        super().__init__(_("超过 %(most)s 项，请先筛选再导出。") % {"most": most})


def heads() -> list[str]:
    """The columns of the screen, and what makes a row findable again."""
    return [
        _("剩余时限"), _("应完成日"), pgettext("level", "预警"), _("客户"), _("笔数"), _("借据号"), _("类型"),
        _("为什么"), _("方式"), _("逾期天数"), _("逾期金额"), _("抵押率"), _("上次回访"), _("回访结论"), _("区"),
        _("楼盘"), _("主办人"), _("状态"), _("编号"),
    ]  # fmt: skip


def on_disk(sheet: Sheet, *, at: datetime, beside: Sequence[Sheet] = ()) -> OnDisk:
    """The workbook of a list as a file that stands at its end; rows are asked for as they are written."""
    file = OnDisk()
    with TemporaryFile() as made:
        statement_xlsx.write(sheet, made, made_at=at, beside=beside)
        made.seek(0)
        shutil.copyfileobj(made, file)
    return file


@transaction.atomic
def take_desk_list(
    *,
    rows: Iterable[Sequence[Cell]],
    count: int,
    filters: Sequence[tuple[str, str]],
    as_of: date,
    by: Staff,
    at: datetime,
) -> DeskList:
    """`rows` as the person sees them: names masked where they are on the screen; `count` of them, made as they are
    written. `filters` name no person."""
    require(by, "followups.view")
    if count > MOST_ROWS:
        raise ListTooLong
    facts: tuple[tuple[str, Cell], ...] = ((_("营业日"), as_of), (_("任务数"), count), *filters)
    file = on_disk(Sheet(_("回访任务"), facts, heads(), rows, (), ()), at=at)
    record(
        kind="followups.desk_list_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at,
        business_date=as_of,
        data={"rows": count, "filters": dict(filters), "sha256": file.sha256.hexdigest()},
    )  # fmt: skip
    return DeskList(f"tasks-{as_of:%Y%m%d}.xlsx", file, file.rewind())
