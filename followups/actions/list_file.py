"""Hands out a list of the follow-up pages as a workbook: all its rows as the filters leave them, each as the person
sees it on the screen. Who took which list stands in the journal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.desk_file import DeskList, ListTooLong, on_disk
from journal.actions import record
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

MOST_ROWS = 20_000
VIEWS, REVIEWS, ASSIGNS = "followups.view", "followups.review", "followups.assign"
# Of each list: how its file is called, and what a person needs to see it.
LISTS = {
    "review": ("review-queue", REVIEWS),
    "signals": ("signals", VIEWS),
    "events": ("events", VIEWS),
    "measures": ("measures", VIEWS),
    "results": ("results", VIEWS),
    "digest": ("digest", VIEWS),
    "day_plan": ("day-plan", VIEWS),
    "notices": ("notices", VIEWS),
    "across": ("across-branches", ASSIGNS),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list to be written: its rows, made as they are written, `count` of them; `filters` name no borrower.

    `beside` are further sheets, of what a page shows below its list. `loan_id`: the loan that it is about, if it is
    about one.
    """

    code: str
    title: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    count: int
    filters: Sequence[tuple[str, str]] = ()
    beside: Sequence[Sheet] = ()
    loan_id: int | None = None


@transaction.atomic
def take_list(*, listed: Listed, as_of: date, by: Staff, at: datetime) -> DeskList:
    """The workbook, written a row at a time."""
    name, permission = LISTS[listed.code]
    require(by, permission)
    if listed.count > MOST_ROWS:
        raise ListTooLong(MOST_ROWS)
    facts: tuple[tuple[str, Cell], ...] = ((_("营业日"), as_of), (_("条数"), listed.count), *listed.filters)
    file = on_disk(Sheet(listed.title, facts, listed.heads, listed.rows, (), ()), at=at, beside=listed.beside)
    record(
        kind="followups.list_taken", subject_type="report", subject_id=None, loan_id=listed.loan_id, by=by.staff_no,
        at=at, business_date=as_of,
        data={
            "list": listed.code, "rows": listed.count, "filters": dict(listed.filters),
            "sha256": file.sha256.hexdigest(),
        },
    )  # fmt: skip
    return DeskList(f"{name}-{as_of:%Y%m%d}.xlsx", file, file.rewind())
