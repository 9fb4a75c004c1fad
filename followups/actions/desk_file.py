"""Hands out the desk's list as a workbook, as it is filtered and sorted on the screen; who took it stands in the
journal."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import statement_xlsx
from loans.actions.report_documents import MEDIA_TYPES
from loans.actions.statements import Document
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

MOST_ROWS = 5_000


class ListTooLong(ActionRefused):
    code = "list_too_long"

    def __init__(self) -> None:
        super().__init__(_("超过 %(most)s 项，请先筛选再导出。") % {"most": MOST_ROWS})


def heads() -> list[str]:
    """The columns of the screen, and what makes a row findable again."""
    return [
        _("剩余时限"), _("应完成日"), _("预警"), _("客户"), _("笔数"), _("借据号"), _("类型"), _("为什么"),
        _("方式"), _("逾期天数"), _("逾期金额"), _("抵押率"), _("上次回访"), _("回访结论"), _("区"), _("楼盘"),
        _("主办人"), _("状态"), _("编号"),
    ]  # fmt: skip


@transaction.atomic
def take_desk_list(
    *, rows: Sequence[Sequence[Cell]], filters: Sequence[tuple[str, str]], as_of: date, by: Staff, at: datetime
) -> Document:
    """`rows` as the person sees them: names masked where they are on the screen. `filters` name no person."""
    require(by, "followups.view")
    if len(rows) > MOST_ROWS:
        raise ListTooLong
    facts: tuple[tuple[str, Cell], ...] = ((_("营业日"), as_of), (_("任务数"), len(rows)), *filters)
    content = statement_xlsx.render(Sheet(_("回访任务"), facts, heads(), rows, (), ()), made_at=at)
    record(
        kind="followups.desk_list_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at,
        business_date=as_of,
        data={"rows": len(rows), "filters": dict(filters), "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    return Document(f"tasks-{as_of:%Y%m%d}.xlsx", MEDIA_TYPES["XLSX"], content)
