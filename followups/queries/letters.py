"""Reads of letters: those of a loan with their deliveries, what may be made now, and what each of them says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from collateral.queries import charges_of
from followups.models import (
    Letter,
    LetterDelivery,
    LetterKind,
    LetterWithdrawal,
    Measure,
    MeasureState,
    MergedTask,
    Method,
    Subject,
    TaskKind,
    TaskState,
    VisitTask,
)
from followups.queries.cover import is_held_by
from followups.queries.measures import measures_of
from followups.rules import letters as rules
from loans.models import Loan
from loans.queries import Owed, charges_owed, parameter
from loans.rules.aging import days_past_due
from people.models import Staff
from people.queries import may
from people.queries.leave import covered_ids
from people.rules.masking import mask_id

# A bank's documents are in Chinese.
DOCUMENT = "zh-hans"
DAYS = "letter_days"
MOST = 50
_TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)


@dataclass(frozen=True)
class LetterRow:
    """A letter with what was kept of its delivery, the oldest first; a correction stands at what it corrects."""

    letter: Letter
    deliveries: tuple[LetterDelivery, ...]

    @property
    def withdrawal(self) -> LetterWithdrawal | None:
        """That it is not to go out, where somebody said so."""
        return getattr(self.letter, "withdrawal", None)

    @property
    def standing(self) -> LetterDelivery | None:
        """The delivery that counts: the newest that nothing has undone."""
        return next((one for one in reversed(self.deliveries) if not hasattr(one, "undone_by")), None)

    @property
    def may_be_delivered(self) -> bool:
        """While it has not arrived and is still to go out; so long it may be withdrawn too."""
        is_open = rules.may_be_delivered_again(self.standing.way if self.standing else "")
        return is_open and self.withdrawal is None


@dataclass(frozen=True)
class Rectification:
    """An open measure that asks for a letter, with a first wording and the day by which it is to be mended."""

    measure: Measure
    found: str
    answer_by: date


@dataclass(frozen=True)
class Offers:
    """What may be made of a loan now."""

    tasks: tuple[VisitTask, ...] = ()
    rectifications: tuple[Rectification, ...] = ()
    owed: Owed | None = None
    pay_by: date | None = None

    @property
    def are_any(self) -> bool:
        return bool(self.tasks or self.rectifications or self.owed)


def letters_of(loan_id: int, most: int = MOST) -> list[LetterRow]:
    """Letters of a loan, the newest first: two statements; the caller has checked that the loan is visible."""
    beside = ("made_by", "task", "measure__kind", "pdf", "withdrawal__by")
    found = Letter.objects.filter(loan_id=loan_id).select_related(*beside)
    return rows_of(list(found.defer("content").order_by("-id")[:most]))


def rows_of(letters: Sequence[Letter]) -> list[LetterRow]:
    told: dict[int, list[LetterDelivery]] = {letter.pk: [] for letter in letters}
    if letters:
        found = LetterDelivery.objects.filter(letter__in=list(told), undoes__isnull=True)
        for one in found.select_related("by", "undone_by__by").order_by("id"):
            told[one.letter_id].append(one)
    return [LetterRow(letter, tuple(told[letter.pk])) for letter in letters]


def writes_for(loan: Loan, staff: Staff) -> bool:
    """May this person write to the borrower: who assigns work, the portfolio officer, or who stands in for that one."""
    if may(staff, "followups.assign"):
        return True
    return may(staff, "followups.record_visit") and loan.portfolio_officer_id in {staff.pk, *covered_ids(staff)}


def may_deliver(letter: Letter, staff: Staff) -> bool:
    """May this person say how a letter arrived: who may write to the borrower, who made it, who holds its task."""
    if not (may(staff, "followups.assign") or may(staff, "followups.record_visit")):
        return False
    if letter.made_by_id == staff.pk or writes_for(letter.loan, staff):
        return True
    return letter.task is not None and is_held_by(letter.task, staff)


def offers(loan: Loan, staff: Staff, today: date) -> Offers:
    """What this person may make; nothing for who writes no letters."""
    if not (may(staff, "followups.assign") or may(staff, "followups.record_visit")):
        return Offers()
    writes = writes_for(loan, staff)
    visits = VisitTask.objects.filter(loan=loan, state__in=_TO_DO, method=Method.FIELD, is_light=False)
    # A visit that another one does along is announced with that one.
    led = MergedTask.objects.filter(ended_at__isnull=True, lead__closed_on__isnull=True)
    visits = visits.exclude(subject=Subject.PROJECT).exclude(pk__in=led.values("task_id")).order_by("due_on", "id")
    tasks = tuple(task for task in visits.select_related("assigned_to") if writes or is_held_by(task, staff))
    days = usual_days(today)
    asked = measures_of(loan.pk).filter(state=MeasureState.OPEN, kind__code=rules.ASKS_FOR_LETTER)
    rectifications = tuple(
        Rectification(
            measure,
            rules.found_words(measure.report.content["differences"]),
            rules.usual_day(today, days, measure.due_on),
        )
        for measure in asked.select_related("report", "kind")
        if writes or measure.owner_id == staff.pk
    )
    is_overdue = writes and loan.position.overdue_since is not None
    owed = charges_owed(loan, today) if is_overdue else None
    return Offers(tasks, rectifications, owed, rules.usual_day(today, days) if owed else None)


def usual_days(today: date) -> int:
    """How many days a borrower is given where nobody says otherwise; the bank's parameter."""
    value = parameter(DAYS, today, default=rules.USUAL_DAYS)
    return value if isinstance(value, int) else rules.USUAL_DAYS


def notice_content(
    loan: Loan, task: VisitTask, visitors: tuple[Staff, Staff], *, visit_on: date, today: date
) -> dict[str, Any]:
    """A notice of a visit: who comes, when and where, and what to have ready."""
    return {
        **_head(loan, LetterKind.NOTICE, today),
        "task_no": task.number,
        "what": str(TaskKind(task.kind).label),
        "visit_on": visit_on.isoformat(),
        "visitors": [{"name": one.name, "staff_no": one.staff_no} for one in visitors],
        "places": [charge.property.address for charge in charges_of(loan.pk) if charge.property.address],
        "papers": list(rules.papers_for(task.subject)),
    }


def rectify_content(
    loan: Loan, measure: Measure, *, found: str, asked: str, answer_by: date, today: date
) -> dict[str, Any]:
    """A demand to mend: what was found on which visit, what is to be done, by which day."""
    return {
        **_head(loan, LetterKind.RECTIFY, today),
        "report_no": measure.report.number,
        "seen_on": measure.report.submitted_on.isoformat(),
        "found": found,
        "asked": asked,
        "answer_by": answer_by.isoformat(),
    }


def demand_content(loan: Loan, owed: Owed, *, answer_by: date, today: date) -> dict[str, Any]:
    """A demand to pay: what the loan's page says is owed today, by installment; ValueError when nothing is."""
    rows = [
        rules.OpenInstallment(row.number, row.due_on, row.principal, row.interest, row.penalty, row.compound)
        for row in owed.installments
        if row.total > Decimal(0)
    ]
    since = rules.claimed_since(loan.position.overdue_since, rows)
    return {
        **_head(loan, LetterKind.DEMAND, today),
        **rules.demand_figures(rows, owed.fees, owed.suspense),
        "overdue_since": since.isoformat() if since else "",
        "days_past_due": str(days_past_due(since, today)),
        "answer_by": answer_by.isoformat(),
    }


def _head(loan: Loan, kind: LetterKind, today: date) -> dict[str, Any]:
    """What every letter says: from whom, to whom, about which loan; the borrower's name in full, no telephone."""
    bank_name, branch = str(parameter("bank_name", today, default="")), loan.branch.name
    return {
        "schema": 1,
        "kind": kind.value,
        "title": _("个人住房贷款%(letter)s") % {"letter": kind.label},
        "bank_name": bank_name,
        "bank": branch if branch.startswith(bank_name) else f"{bank_name}{branch}",
        "hotline": str(parameter("bank_hotline", today, default="")),
        "addressee": {"name": loan.borrower.name, "id_no": mask_id(loan.borrower.id_no)},
        "loan_note_no": loan.loan_note_no,
        "made_on": today.isoformat(),
    }
