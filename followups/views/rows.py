"""How a task or report is worded in a row: time left, name as far as it may be seen, why."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collateral.rules.address import estate_of
from followups.models import (
    OPEN_STATES,
    Conclusion,
    Level,
    Method,
    Outcome,
    ReportState,
    TaskState,
    VisitReport,
    VisitTask,
)
from followups.queries.cover import covers, is_held_by, knows_borrower
from followups.queries.desk import along_seen
from followups.queries.late_steps import LateStep, late_among
from followups.rules import clock
from followups.rules.estates import short_district
from followups.wording import why
from loans.models import Loan
from loans.queries import calendar
from loans.rules.aging import days_past_due
from loans.rules.calendar import Calendar
from people.models import Staff
from people.queries import may
from people.rules.masking import mask_name

SOON_WORKDAYS = 5
# Wide characters that the sentence column of the desk holds at 1440 px.
WHY_WIDTH = 15


@dataclass(frozen=True)
class Left:
    """Workdays left as a word with the class that colours it."""

    workdays: int
    word: str
    css: str

    @property
    def ground(self) -> str:
        """Class of the word on its ground, as in headings."""
        return {"t-late": "red", "t-today": "orange"}.get(self.css, "")


def left_of(due_on: date, today: date, days: Calendar) -> Left:
    count = clock.time_left(due_on, today, days)
    if count < 0:
        word = ngettext("超%(days)s天", "超%(days)s天", -count) % {"days": -count}
        return Left(count, word, "t-late")
    if count == 0:
        return Left(count, _("今天"), "t-today")
    word = ngettext("%(days)s天", "%(days)s天", count) % {"days": count}
    return Left(count, word, "t-soon" if count <= SOON_WORKDAYS else "t-far")


def name_for(staff: Staff, task: VisitTask) -> str:
    """Full where the person works on the loan."""
    name: str = task.loan.borrower.name
    return name if is_plain_to(staff, task) else mask_name(name)


def name_of_report(staff: Staff, report: VisitReport) -> str:
    """As of the report's task; of a correction under review, whose task is closed, full for those who review."""
    waits = report.corrects_id is not None and report.state == ReportState.SUBMITTED
    if waits and may(staff, "followups.review"):
        return str(report.visit.task.loan.borrower.name)
    return name_for(staff, report.visit.task)


def borrower_for(staff: Staff, loan: Loan) -> str:
    """The name on a page of the loan: full for who works on it, deputies too."""
    return loan.borrower.name if knows_borrower(loan, staff) else mask_name(loan.borrower.name)


def is_plain_to(staff: Staff, task: VisitTask) -> bool:
    """Does the person work on the loan: own portfolio, own open task, a task they assign or review?"""
    if _is_own(staff, task):
        return True
    return task.state in OPEN_STATES and (may(staff, "followups.assign") or may(staff, "followups.review"))


def _is_own(staff: Staff, task: VisitTask) -> bool:
    """Own portfolio or own open task: there the place of the home is no secret either."""
    is_open = task.state in OPEN_STATES
    return task.loan.portfolio_officer_id == staff.pk or (is_open and is_held_by(task, staff))


def home_name(task: Any) -> str:
    """The estate of a task's home, of a task of `queries.desk`."""
    return estate_of(getattr(task, "home_address", "") or "", getattr(task, "district", "") or "").name


@dataclass(frozen=True)
class DeskRow:
    task: VisitTask
    name: str
    left: Left
    why: str
    # The reasons that fit into a cell, and how many more there are.
    why_short: str
    why_more: int
    days_past_due: int
    overdue_amount: Decimal | None
    last_visit: str
    bucket: int
    # District and estate; the estate only for who works on the loan.
    district: str
    estate: str
    # How many loans of the customer are being paid.
    loan_count: int
    # Other homes of the estate to be visited within 30 days.
    near: int = 0
    # Whose task it is, where the person only stands in (代管).
    cover_for: str = ""
    # How many other tasks the visit does along; is it itself done along by another one?
    along_count: int = 0
    is_along: bool = False
    # How many workdays its present step is past its own limit.
    late_step: LateStep | None = None

    @property
    def heading(self) -> int:
        """The part of the list under whose heading it stands: red under today's."""
        return 0 if self.bucket == 1 else self.bucket


def desk_rows(
    tasks: Iterable[VisitTask],
    *,
    staff: Staff,
    today: date,
    days: Calendar | None = None,
    near: Mapping[int, Sequence[Any]] | None = None,
) -> list[DeskRow]:
    """Rows of the worklist from tasks of `queries.desk` annotated with `bucket`; `near`: neighbors by task."""
    found = list(tasks)
    if not found:
        return []
    dues = [task.due_on for task in found] + [today]
    is_whole = days is not None
    days = days or calendar(min(dues), max(dues))
    late = late_among(found, day=today, days=days if is_whole else None)
    rows = (_desk_row(task, staff, today, days, len((near or {}).get(task.pk, ()))) for task in found)
    return [replace(row, late_step=late.get(row.task.pk)) for row in rows]


def _desk_row(task: Any, staff: Staff, today: date, days: Calendar, near: int) -> DeskRow:
    late = days_past_due(task.loan.position.overdue_since, today)
    sentence = why(task)
    room = WHY_WIDTH - (2 if task.level != Level.NONE else 0) - (4 if task.is_light else 0)
    fitting, more = that_fits(sentence, room)
    district = task.district or ""
    return DeskRow(
        task=task,
        name=name_for(staff, task),
        left=left_of_task(task, today, days),
        why=sentence,
        why_short=fitting,
        why_more=more,
        days_past_due=late,
        overdue_amount=task.overdue_amount if late else None,
        last_visit=_last_visit(task),
        bucket=getattr(task, "bucket", 0),
        district=short_district(district),
        estate=home_name(task) if _is_own(staff, task) else "",
        loan_count=task.loan_count,
        near=near,
        cover_for=task.assigned_to.name if covers(task, staff) else "",
        along_count=along_seen(task, staff) if task.method != Method.OFF_SITE else 0,
        is_along=task.along_of is not None,
    )


def left_of_task(task: VisitTask, today: date, days: Calendar) -> Left:
    """A submitted visit has no time left to run out, nor has one whose clock stands (计时暂停)."""
    if task.state == TaskState.SUBMITTED:
        return Left(0, _("已提交"), "t-far")
    if task.paused_until is not None and task.paused_until >= today:
        return Left(0, _("计时暂停"), "t-far")
    return left_of(task.due_on, today, days)


def that_fits(sentence: str, room: int) -> tuple[str, int]:
    """As many whole reasons as fit into `room` wide characters, at least one, and how many are left out."""
    mark = _("；")
    reasons = sentence.split(mark)
    shown = 1
    while shown < len(reasons) and _width(mark.join(reasons[: shown + 1])) <= room * 2:
        shown += 1
    if shown < len(reasons) and shown > 1 and _width(mark.join(reasons[:shown])) > room * 2 - 3:
        shown -= 1
    return mark.join(reasons[:shown]), len(reasons) - shown


def _width(text: str) -> int:
    """Width in half characters: Chinese two, Latin letters and digits one and a bit."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return 2 * wide + (len(text) - wide) * 11 // 10


def _last_visit(task: Any) -> str:
    if task.last_visit_on is None:
        return ""
    if task.last_conclusion:
        return str(Conclusion(task.last_conclusion).label)
    return _("非现场") if task.last_outcome == Outcome.CLEAN else ""
