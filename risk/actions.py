"""What people do about a warning signal, and raising those of a visit.

A signal is answered: confirmed, or explained away with a reason. What is confirmed gets actions, each with an owner and
a day; it ends when all of them are done and somebody else than their owners says so. Yellow ones may be explained away
by the officer, orange and red ones only by who may close signals.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans.queries import hold_business_date, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.rules.identity import has_unseen_characters
from risk.batch.signals import Raise, raise_signals
from risk.models import Score, Signal, SignalAction, SignalOutcome, SignalState, SignalStep, StepKind
from risk.rules import signals as rules
from risk.rules.score import Scored, ScoreFacts, facts_as_json

ANSWER, CLOSE = "risk.answer_signal", "risk.close_signal"
WORDS_LEAST, WORDS_MOST, EVIDENCE_MOST = 4, 200, 80
FURTHEST = timedelta(days=366)


class SignalUnclear(ActionRefused):
    """Words, day or person of an answer do not hold together."""

    code = "signal_unclear"


class SignalMoved(ActionRefused):
    """Somebody answered meanwhile, or the step does not fit the state."""

    code = "signal_moved"
    conflict = True

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("该预警刚刚有人处理过，请刷新后再办。"))


class SignalNotYours(ActionRefused):
    """Orange and red are explained away, and everything is closed, by somebody else."""

    code = "signal_not_yours"


@transaction.atomic
def answer_signal(*, signal_id: int, version: int, is_true: bool, words: str, by: Staff, at: datetime) -> Signal:
    """Says that a new signal is true, or explains it away with a reason."""
    require(by, ANSWER)
    today = hold_business_date()
    signal = _locked(signal_id, version, by)
    if signal.state != SignalState.NEW:
        raise SignalMoved(_("该预警已核实过。"))
    words = _checked(words, "words")
    if is_true:
        _change(signal, state=SignalState.CONFIRMED)
        _step(signal, StepKind.CONFIRMED, words, by=by, at=at, today=today)
        return signal
    if signal.level != rules.YELLOW and not may(by, CLOSE):
        raise SignalNotYours(_("橙色、红色预警须由主管或风险经理排除。"))
    _end(signal, SignalOutcome.EXPLAINED, StepKind.EXPLAINED, words, by=by, at=at, today=today)
    return signal


@transaction.atomic
def set_action(
    *, signal_id: int, version: int, words: str, owner: str, due_on: date, by: Staff, at: datetime
) -> SignalAction:
    """Names what is to be done about a confirmed signal, by whom (staff number) and until when."""
    require(by, ANSWER)
    today = hold_business_date()
    signal = _locked(signal_id, version, by)
    if signal.state not in (SignalState.CONFIRMED, SignalState.ACTING):
        raise SignalMoved(_("须先核实属实，才能确定措施。"))
    words = _checked(words, "words")
    if not today <= due_on <= today + FURTHEST:
        raise SignalUnclear(_("完成日须在营业日 %(day)s 起一年以内。") % {"day": today}, field="due_on")
    person = Staff.objects.filter(staff_no=owner.strip(), is_active=True).first()
    if person is None or not may(person, ANSWER) or signal.loan.branch_id not in branch_ids_visible_to(person):
        raise SignalUnclear(_("责任人须为能查看该贷款的在岗人员，请填写工号。"), field="owner")
    action = SignalAction.objects.create(
        signal=signal, words=words, owner=person, due_on=due_on, set_by=by.staff_no, set_at=at
    )
    _change(signal, state=SignalState.ACTING)
    _step(signal, StepKind.ACTION, words, action=action, by=by, at=at, today=today)
    return action


@transaction.atomic
def finish_action(*, action_id: int, result: str, evidence: str = "", by: Staff, at: datetime) -> SignalAction:
    """Says what came of an action; its owner, or who may close signals."""
    require(by, ANSWER)
    today = hold_business_date()
    signal_id = SignalAction.objects.values_list("signal_id", flat=True).get(pk=action_id)
    signal = Signal.objects.visible_to(by).select_for_update().get(pk=signal_id)
    action = SignalAction.objects.select_related("owner").get(pk=action_id)
    if action.done_on is not None or signal.closed_on is not None:
        raise SignalMoved(_("该措施已完成。"))
    if action.owner_id != by.pk and not may(by, CLOSE):
        raise SignalNotYours(_("该措施由%(name)s负责。") % {"name": action.owner.name})
    action.result = _checked(result, "result")
    action.evidence = _checked(evidence, "evidence", least=0, most=EVIDENCE_MOST)
    action.done_on, action.done_by = today, by.staff_no
    action.save(update_fields=["result", "evidence", "done_on", "done_by"])
    _change(signal, state=SignalState.ACTING)
    _step(signal, StepKind.DONE, action.result, action=action, by=by, at=at, today=today)
    return action


@transaction.atomic
def close_signal(
    *, signal_id: int, version: int, words: str, elsewhere: Sequence[tuple[int, bool]] = (), by: Staff, at: datetime
) -> Signal:
    """Ends a signal whose actions are all done; never by an owner of one of them.

    `elsewhere` are measures that rooms above keep for it, as owner and whether they are done; they count as its own.
    """
    require(by, CLOSE)
    today = hold_business_date()
    signal = _locked(signal_id, version, by)
    done = [(action.owner_id, action.done_on is not None) for action in signal.actions.all()] + list(elsewhere)
    is_acting = signal.state == SignalState.ACTING or (signal.state == SignalState.CONFIRMED and bool(elsewhere))
    if not is_acting or not all(is_done for _owner, is_done in done):
        raise SignalMoved(_("措施尚未全部完成，不能关闭。"))
    if any(owner == by.pk for owner, _is_done in done):
        raise SignalNotYours(_("措施责任人不能关闭自己的预警，请他人复核。"))
    _end(signal, SignalOutcome.RESOLVED, StepKind.CLOSED, _checked(words, "words"), by=by, at=at, today=today)
    return signal


@transaction.atomic
def confirm_of_report(*, report_id: int, words: str, by: Staff, at: datetime) -> int:
    """New signals of a report are true by its approval; how many. The caller holds the position of the loan."""
    today = require_business_date()
    found = list(Signal.objects.select_for_update().filter(report_id=report_id, state=SignalState.NEW).order_by("id"))
    for signal in found:
        _change(signal, state=SignalState.CONFIRMED)
        _step(signal, StepKind.CONFIRMED, words, by=by, at=at, today=today)
    return len(found)


@transaction.atomic
def warn_of_visit(
    *,
    loan_id: int,
    visit_id: int,
    report_id: int,
    version: int,
    warned: Sequence[rules.Warned],
    policy_version: int,
    by: Staff,
    at: datetime,
) -> list[tuple[int, int, str]]:
    """Raises what a report warns of. What an earlier version of it warned of and this one does not ends as 更正.

    The caller holds the position of the loan. One that somebody has answered already is left to people.
    """
    today = require_business_date()
    occasion = f"visit:{visit_id}"
    codes = {one.code for one in warned}
    if version > 1:
        gone = Signal.objects.select_for_update().filter(loan=loan_id, occasion=occasion, state=SignalState.NEW)
        for signal in gone.exclude(code__in=codes):
            _end(signal, SignalOutcome.REVISED, StepKind.REVISED, "", by=by, at=at, today=today)
    wanted = [Raise(loan_id, one, "VISIT", occasion, report_id) for one in warned]
    return raise_signals(wanted, version=policy_version, by=by.staff_no, as_of=today, at=at)


@transaction.atomic
def correct_warnings(
    *,
    loan_id: int,
    visit_id: int,
    report_id: int,
    version: int,
    warned: Sequence[rules.Warned],
    stands: Collection[str],
    policy_version: int,
    by: Staff,
    at: datetime,
) -> list[tuple[int, int, str]]:
    """Raises what the correction of an approved report warns of anew, on an occasion of its own. What the visit warned
    of and does not stand any more ends as 更正, unless somebody acts on it already.

    The caller holds the position of the loan.
    """
    today = require_business_date()
    of_visit = Q(occasion=f"visit:{visit_id}") | Q(occasion__startswith=f"visit:{visit_id}:")
    gone = Signal.objects.select_for_update().filter(
        of_visit, loan=loan_id, state__in=[SignalState.NEW, SignalState.CONFIRMED]
    )
    for signal in gone.exclude(code__in=stands).order_by("id"):
        _end(signal, SignalOutcome.REVISED, StepKind.REVISED, "", by=by, at=at, today=today)
    wanted = [Raise(loan_id, one, "VISIT", f"visit:{visit_id}:{version}", report_id) for one in warned]
    return raise_signals(wanted, version=policy_version, by=by.staff_no, as_of=today, at=at)


@transaction.atomic(savepoint=False)
def keep_score(
    *,
    loan_id: int,
    visit_id: int,
    report_id: int,
    scored: Scored,
    facts: ScoreFacts,
    policy_version: int,
    by: Staff,
    at: datetime,
) -> Score:
    """Keeps what a report scored, with its facts and lines; a later version of the report keeps its own beside it.

    The caller holds the position of the loan.
    """
    today = require_business_date()
    kept = Score.objects.create(
        loan_id=loan_id, visit_id=visit_id, report_id=report_id, policy_version=policy_version, points=scored.points,
        level=scored.level, is_forced=scored.is_forced, parts=[asdict(part) for part in scored.parts],
        facts=facts_as_json(facts), scored_on=today, scored_at=at, scored_by=by.staff_no,
    )  # fmt: skip
    record(
        kind="risk.scored", subject_type="loan", subject_id=loan_id, loan_id=loan_id, by=by.staff_no, at=at,
        business_date=today,
        data={"report_id": report_id, "points": scored.points, "level": scored.level, "policy": policy_version},
    )  # fmt: skip
    return kept


def _locked(signal_id: int, version: int, by: Staff) -> Signal:
    signal: Signal = Signal.objects.visible_to(by).select_for_update().get(pk=signal_id)
    if signal.version != version:
        raise SignalMoved
    return signal


def _change(signal: Signal, **fields: object) -> None:
    Signal.objects.filter(pk=signal.pk).update(version=F("version") + 1, **fields)
    for name, value in fields.items():
        setattr(signal, name, value)
    signal.version += 1


def _end(signal: Signal, outcome: str, kind: str, words: str, *, by: Staff, at: datetime, today: date) -> None:
    _change(signal, state=SignalState.CLOSED, outcome=outcome, closed_on=today)
    _step(signal, kind, words, by=by, at=at, today=today)


def _step(
    signal: Signal, kind: str, words: str, *, by: Staff, at: datetime, today: date, action: SignalAction | None = None
) -> None:
    SignalStep.objects.create(
        signal=signal, kind=kind, action=action, words=words, by=by.staff_no, at=at, business_date=today
    )
    record(
        kind="risk.signal_answered", subject_type="signal", subject_id=signal.pk, loan_id=signal.loan_id,
        by=by.staff_no, at=at, business_date=today, data={"step": str(kind), "outcome": str(signal.outcome)},
    )  # fmt: skip


def _checked(text: str, field: str, *, least: int = WORDS_LEAST, most: int = WORDS_MOST) -> str:
    words = text.strip()
    if has_unseen_characters(words):
        raise SignalUnclear(_("文字含有不可见或控制字符。"), field=field)
    if len(words) < least:
        raise SignalUnclear(_("请写明情况（至少 %(least)s 个字）。") % {"least": least}, field=field)
    if len(words) > most:
        raise SignalUnclear(_("文字过长，最多 %(most)s 个字。") % {"most": most}, field=field)
    return words
