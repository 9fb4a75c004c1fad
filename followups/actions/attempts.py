"""Trying to reach a borrower: one row an attempt, and what follows from it.

An appointment moves the task to its day; a refusal needs its reason and leads to a report that says
so; a borrower who stays unreachable ends the task as 疑似失联 or makes it a field visit.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from followups.actions.methods import change_method
from followups.actions.refusals import (
    LightItem,
    NotUnreachable,
    WrongAttempt,
    WrongDate,
    WrongState,
    fault_sentence,
)
from followups.actions.tasks import (
    add_event,
    change_task,
    checked_reason,
    guard,
    locked_task,
    locked_with_members,
    require_on_its_own,
    require_to_do,
    require_visitor,
    reschedule,
    take,
    tell,
)
from followups.models import (
    ContactOutcome,
    EventKind,
    Method,
    Outcome,
    PromiseState,
    PromiseToPay,
    TaskState,
    Visit,
    VisitAttempt,
    VisitTask,
)
from followups.queries.assigning import is_kept_from_visits
from followups.queries.attempts import attempts_of
from followups.rules import attempts as rules
from followups.rules.checklist import CALLING, TEXT_LIMIT, answer_of, text_faults
from followups.rules.facts import TALKS
from loans.queries import calendar, hold_business_date, parameter, require_business_date
from people.actions import require
from people.models import Staff

RECORDING_LIMIT = 40
REASON_LEAST = 2
_FURTHEST_APPOINTMENT = timedelta(days=60)
_FURTHEST_PROMISE = timedelta(days=60)
_FEN = Decimal("0.01")
# How a call ends that a visit can be made of.
_ANSWERS = (ContactOutcome.REACHED, ContactOutcome.REFUSED)
# The same outcome pressed again within this time is the same attempt.
_SAME_PRESS = timedelta(seconds=60)


@transaction.atomic
def record_attempt(
    *,
    task_id: int,
    outcome: str,
    note: str = "",
    recording: str = "",
    next_at: datetime | None = None,
    promise_amount: Decimal | None = None,
    promise_on: date | None = None,
    by: Staff,
    at: datetime,
) -> VisitAttempt:
    """Keeps one attempt and proposes the next; an appointment (约时间) moves the task to its day.

    A borrower who was reached may promise an amount by a day; the evening of that day says whether it was kept.
    Pressed twice it is one attempt. An unassigned task is claimed by who tries first.
    """
    require(by, "followups.record_visit")
    hold_business_date()
    task = locked_with_members(task_id, by)
    require_to_do(task)
    if task.is_light:
        raise LightItem
    require_visitor(task, by)
    require_on_its_own(task)
    words, recording = _checked(outcome, note, recording)
    _require_promise(outcome, promise_amount, promise_on)
    same = task.attempts.filter(by=by, outcome=outcome, at__gt=at - _SAME_PRESS).order_by("-id").first()
    if same is not None:
        return same
    if outcome == ContactOutcome.APPOINTED:
        _require_hour(next_at, at)
    else:
        next_at = _proposed(task, outcome, at)
    # What was tried is kept in any case; who may be given no visits any more does not get the task by it.
    if task.assigned_to is None and not is_kept_from_visits(by.pk, require_business_date()):
        take(task, by, at=at)
    attempt = VisitAttempt.objects.create(
        task=task,
        at=at,
        business_date=require_business_date(),
        method=task.method if task.method in TALKS else Method.PHONE,
        by=by,
        outcome=outcome,
        note=words,
        recording=recording,
        next_at=next_at,
    )
    if promise_amount is not None and promise_on is not None:
        _keep_promise(attempt, promise_amount, promise_on)
    add_event(task, EventKind.ATTEMPTED, by=by.staff_no, at=at, outcome=outcome, attempt_id=attempt.pk)
    tell(task, "followups.contact_attempted", by=by, at=at, attempt_id=attempt.pk, outcome=outcome)
    if outcome == ContactOutcome.APPOINTED and next_at is not None:
        _move_to(task, next_at, words, by=by, at=at)
    _note_in_draft(task, outcome, by=by, at=at)
    return attempt


def _require_promise(outcome: str, amount: Decimal | None, on: date | None) -> None:
    if amount is None and on is None:
        return
    today = require_business_date()
    if outcome != ContactOutcome.REACHED:
        raise WrongAttempt(_("只有接通本人才能登记还款承诺。"), field="promise_amount", code="promise_of_nobody")
    if amount is None or on is None or amount <= 0 or amount != amount.quantize(_FEN):
        raise WrongAttempt(
            _("还款承诺须写明金额（元，两位小数以内）和日期。"), field="promise_amount", code="promise_unclear"
        )
    if not today <= on <= today + _FURTHEST_PROMISE:
        raise WrongAttempt(_("承诺日须在营业日起 60 天内。"), field="promise_on", code="promise_day_wrong")


def _keep_promise(attempt: VisitAttempt, amount: Decimal, on: date) -> None:
    """A new promise of the loan takes the place of the one before it."""
    loan_id = attempt.task.loan_id
    PromiseToPay.objects.filter(loan=loan_id, state=PromiseState.OPEN).update(
        state=PromiseState.REPLACED, decided_on=attempt.business_date
    )
    PromiseToPay.objects.create(
        loan_id=loan_id, attempt=attempt, amount=amount, promised_on=on, made_on=attempt.business_date
    )


def _move_to(task: VisitTask, next_at: datetime, words: str, *, by: Staff, at: datetime) -> None:
    """The task goes to the day agreed; past its limit the appointment stands and a manager moves the task."""
    try:
        reschedule(
            task_id=task.pk, to=timezone.localtime(next_at).date(), reason=words or _("与客户约定时间"), by=by, at=at
        )
    except WrongDate:
        tell(task, "followups.appointment_past_limit", by=by, at=at, to=timezone.localtime(next_at).isoformat())


def _note_in_draft(task: VisitTask, outcome: str, *, by: Staff, at: datetime) -> None:
    """A call that came through, or was refused, is the answer to the visit's first question."""
    if outcome not in _ANSWERS or task.state == TaskState.PLANNED:
        return
    visit = Visit.objects.filter(task=task, method__in=CALLING).first()
    if visit is None or visit.draft.get("contact_outcome") == outcome:
        return
    draft = {**visit.draft, "contact_outcome": outcome}
    Visit.objects.filter(pk=visit.pk).update(draft=draft, version=visit.version + 1, saved_at=at, saved_by=by.staff_no)


def note_call(task: VisitTask, visit: Visit, *, by: Staff, at: datetime) -> None:
    """The call that a report tells of is kept as an attempt, where nobody has recorded it."""
    outcome = str(visit.draft.get("contact_outcome") or "")
    if visit.method not in CALLING or outcome not in _ANSWERS or task.attempts.filter(outcome=outcome).exists():
        return
    words = str(visit.draft.get("conclusion_text") or "")[:TEXT_LIMIT] if outcome == ContactOutcome.REFUSED else ""
    number = answer_of(visit.draft, "recording_no").get("now", "")[:RECORDING_LIMIT]
    record_attempt(task_id=task.pk, outcome=outcome, note=words, recording=number, by=by, at=at)


def last_contact(task: VisitTask) -> str:
    """How today's last call ended, if it is the answer to a visit's first question."""
    if task.method not in CALLING:
        return ""
    last = task.attempts.filter(business_date=require_business_date()).order_by("-id").first()
    return last.outcome if last is not None and last.outcome in _ANSWERS else ""


@transaction.atomic
def close_as_lost(*, task_id: int, note: str, by: Staff, at: datetime) -> VisitTask:
    """Ends the task as 疑似失联; refused until the attempts say so (`rules.attempts.is_unreachable`)."""
    task, words = _unreachable(task_id, note, by)
    guard(task, TaskState.CLOSED, Outcome.SUSPECTED_LOST)
    change_task(task, state=TaskState.CLOSED, outcome=Outcome.SUSPECTED_LOST, closed_on=require_business_date())
    count = task.attempts.count()
    add_event(
        task, EventKind.CLOSED, by=by.staff_no, at=at, outcome=Outcome.SUSPECTED_LOST.value, reason=words,
        attempts=count,
    )  # fmt: skip
    tell(task, "followups.contact_lost", by=by, at=at, attempts=count)
    return task


@transaction.atomic
def ask_for_field_visit(*, task_id: int, note: str, by: Staff, at: datetime) -> VisitTask:
    """Makes a visit that reaches nobody a field visit, begun or not; the answers so far stay."""
    task, words = _unreachable(task_id, note, by)
    if task.method == Method.FIELD:
        raise WrongState(_("本次已是实地走访。"))
    change_method(task, Method.FIELD.value, words, by=by, at=at)
    return task


def _unreachable(task_id: int, note: str, by: Staff) -> tuple[VisitTask, str]:
    require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    require_to_do(task)
    require_visitor(task, by)
    words = checked_reason(note, least=REASON_LEAST, field="note")
    least = int(parameter("unreachable_attempts", require_business_date(), rules.LEAST))
    if not rules.is_unreachable(attempts_of(task), least):
        raise NotUnreachable(least)
    return task, words


def _checked(outcome: str, note: str, recording: str) -> tuple[str, str]:
    if outcome not in ContactOutcome.values:
        raise WrongAttempt(_("请从所列接通结果中选择。"), field="outcome")
    words, recording = note.strip(), recording.strip()
    for field, text, limit in (("note", words, TEXT_LIMIT), ("recording", recording, RECORDING_LIMIT)):
        if faults := text_faults(text, limit):
            raise WrongAttempt(fault_sentence(faults[0]), field=field, code=faults[0])
    if outcome == ContactOutcome.REFUSED and len(words) < REASON_LEAST:
        raise WrongAttempt(_("客户拒绝时请写明原因，写入报告。"), field="note", code="reason_missing")
    return words, recording


def _require_hour(next_at: datetime | None, at: datetime) -> None:
    if next_at is None:
        raise WrongAttempt(_("请填写约定的日期和时间。"), field="next_at", code="hour_missing")
    furthest = timezone.localtime(at).date() + _FURTHEST_APPOINTMENT
    fault = rules.appointment_fault(timezone.localtime(next_at), timezone.localtime(at), furthest)
    if fault:
        sentence = {
            "past": _("约定的时间已过。"),
            "not_a_calling_hour": _("只能约在 8:00 至 21:00 之间。"),
            "too_far": _("约定的日期过远。"),
        }[fault]
        raise WrongAttempt(sentence, field="next_at", code=fault)


def _proposed(task: VisitTask, outcome: str, at: datetime) -> datetime | None:
    if outcome not in rules.IN_VAIN:
        return None
    now = timezone.localtime(at)
    tried = [*attempts_of(task), rules.Attempt(now, outcome)]
    return rules.proposed_next(tried, calendar(now.date(), now.date() + timedelta(days=30)))
