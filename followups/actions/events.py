"""Taking in what happened to a borrower or a home, saying what became of it, and taking a mistake back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.models import Charge
from correspondence.actions import resume_after_mistake, stop_after_death
from followups.actions.refusals import fault_sentence
from followups.actions.tasks import add_event, change_task, checked_reason
from followups.batch.intake import TOLD, Told, keep_events
from followups.event_wording import kind_words, outside_words
from followups.models import (
    Event,
    EventFinding,
    EventKind,
    EventVisit,
    Finding,
    Outcome,
    OutsideRecord,
    TaskState,
    VisitReport,
    VisitTask,
)
from followups.queries.events import Behind, linked_events
from followups.rules import events as rules
from followups.rules.checklist import text_faults
from followups.rules.outside import CODES
from journal.actions import record, record_many
from journal.errors import ActionRefused
from journal.models import Entry
from loans.models import Loan
from loans.queries import hold_business_date, lock_positions, require_business_date
from people.actions import require
from people.models import FinancialProfile, Staff
from risk.actions import confirm_of_report

RECORDS, TAKES_FEEDS, WITHDRAWS = "followups.record_event", "followups.take_feed", "followups.assign"
WORDS_LEAST, WORDS_MOST, EVIDENCE_MOST, EXTERNAL_MOST = 2, 200, 80, 80
OLDEST = timedelta(days=400)
# What a person is told of: words of who came, and words of the bank's own people.
TELLERS = (rules.STAFF, rules.BORROWER)


class EventRefused(ActionRefused):
    code = "event_refused"


class EventEnded(ActionRefused):
    code = "event_ended"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("该事项已有结果，不能撤回。"))


@transaction.atomic
def record_event(
    *,
    loan_id: int,
    code: str,
    happened_on: date,
    words: str,
    source: str = rules.STAFF,
    evidence: str = "",
    by: Staff,
    at: datetime,
) -> tuple[Event, bool]:
    """Keeps what a person tells of a visible loan; the event, and whether it is new.

    The same words on the same day of the same loan are the same event. The visit follows by itself, the same day.
    """
    require(by, RECORDS)
    as_of = hold_business_date()
    loan = Loan.objects.visible_to(by).select_related("position").get(pk=loan_id)
    if source not in TELLERS or code not in [kind.code for kind in rules.told_by(source)]:
        raise EventRefused(_("请从所列事项中选择。"), field="code")
    _require_live(loan)
    text = _checked(words, WORDS_MOST, "words", least=WORDS_LEAST)
    told = told_of(loan, code, happened_on, as_of, source=source, words=text, evidence=_checked(evidence, EVIDENCE_MOST,
                   "evidence"))  # fmt: skip
    lock_positions([loan.pk])
    is_new = keep_events([told], by=by.staff_no, at=at, as_of=as_of, fact=TOLD) == 1
    if is_new and code == rules.DEATH:
        stop_after_death(loan_id=loan.pk, reason=text, by=by, at=at)
    return Event.objects.get(source=source, feed="", external_id=told.external_id), is_new


def told_of(loan: Loan, code: str, happened_on: date, as_of: date, *, external_id: str = "", **more: Any) -> Told:
    """An event of a loan, its days checked, its home found; without a number of its source its hash is the number."""
    _require_day(happened_on, as_of)
    home = None
    if rules.BY_CODE[code].subject == rules.PROPERTY:
        home = Charge.objects.filter(loan=loan).order_by("id").values_list("property_id", flat=True).first()
        if home is None:
            raise EventRefused(_("该贷款没有登记押品。"), field="code")
    is_baseline = loan.baseline_on is not None and happened_on <= loan.baseline_on
    told = Told(
        loan_id=loan.pk, code=code, happened_on=happened_on, property_id=home, is_baseline=is_baseline,
        external_id=external_id or "-", **more,
    )  # fmt: skip
    if external_id:
        return told
    return Told(
        loan_id=loan.pk, code=code, happened_on=happened_on, property_id=home, is_baseline=is_baseline,
        external_id=told.sha256, **more,
    )  # fmt: skip


def _require_live(loan: Loan) -> None:
    if loan.position.settled_on is not None:
        raise EventRefused(_("贷款已结清，无须登记。"))


def _require_day(happened_on: date, as_of: date) -> None:
    if happened_on > as_of:
        raise EventRefused(_("发生日不能晚于营业日 %(day)s。") % {"day": as_of.isoformat()}, field="happened_on")
    if happened_on < as_of - OLDEST:
        raise EventRefused(_("发生日过早，请核对。"), field="happened_on")


def _checked(text: str, most: int, field: str, *, least: int = 0) -> str:
    words = text.strip()
    if len(words) < least:
        raise EventRefused(_("请写明情况（至少 %(least)s 个字）。") % {"least": least}, field=field)
    if faults := text_faults(words, most):
        raise EventRefused(fault_sentence(faults[0]), field=field)
    return words


@transaction.atomic
def withdraw_event(*, event_id: int, reason: str, by: Staff, at: datetime) -> Event:
    """Takes back an event that was entered by mistake; an untouched visit made for nothing else ends with it."""
    require(by, WITHDRAWS)
    hold_business_date()
    event = Event.objects.visible_to(by).get(pk=event_id)
    lock_positions([event.loan_id])
    words = checked_reason(reason, least=WORDS_LEAST)[:WORDS_MOST]
    if EventFinding.objects.filter(event=event).exclude(finding=Finding.UNVERIFIED).exists():
        raise EventEnded
    _find(event, Finding.WITHDRAWN, words=words, by=by, at=at)
    record(
        kind="followups.event_withdrawn", subject_type="event", subject_id=event.pk, loan_id=event.loan_id,
        by=by.staff_no, at=at, business_date=require_business_date(), data={"event_id": event.pk},
    )  # fmt: skip
    _if_no_death(event, words, by=by, at=at)
    for link in EventVisit.objects.filter(event=event, is_note=False).select_related("task"):
        _end_if_idle(link.task_id, by=by, at=at)
    return event


def _if_no_death(event: Event, words: str, *, by: Staff, at: datetime) -> None:
    """Lets messages go again where the event was a death and no other record of it stands."""
    if event.code != rules.DEATH:
        return
    untrue = EventFinding.objects.filter(finding__in=[Finding.WITHDRAWN, Finding.NOT_CONFIRMED]).values("event_id")
    same = Event.objects.filter(customer=event.customer_id, code=rules.DEATH)
    if not same.exclude(pk=event.pk).exclude(pk__in=untrue).exists():
        resume_after_mistake(loan_id=event.loan_id, reason=words, by=by, at=at)


def _end_if_idle(task_id: int, *, by: Staff, at: datetime) -> None:
    task = VisitTask.objects.select_for_update().get(pk=task_id)
    if task.rule != rules.RULE or task.state != TaskState.PLANNED:
        return
    if any(is_open for _event, is_open in linked_events([task.pk])):
        return
    ended = {"state": TaskState.CANCELLED, "outcome": Outcome.WITHDRAWN}
    change_task(task, **ended, closed_on=require_business_date())
    add_event(task, EventKind.CANCELLED, by=by.staff_no, at=at, outcome=Outcome.WITHDRAWN.value)


def close_events(report: VisitReport, known: Behind, *, by: Staff, at: datetime) -> list[EventFinding]:
    """What an approved report says became of the events of its visit; called in the approval.

    An event that the report is silent about (a refusal, say) stays open as 未核实, and is visited again.
    """
    if report.content.get("signals") != []:
        confirm_of_report(report_id=report.pk, words=_("报告审核通过"), by=by, at=at)
    found = rules.findings_in(report.visit.draft.get("answers") or {})
    open_now = [event for event, is_open in known.events if is_open]
    findings = [
        _find(event, Finding(found.get(event.pk, rules.UNVERIFIED)), report=report, by=by, at=at) for event in open_now
    ]
    for event, finding in zip(open_now, findings, strict=True):
        if finding.finding == Finding.NOT_CONFIRMED:
            _if_no_death(event, _("回访核实不属实"), by=by, at=at)
    return findings


def _find(
    event: Event, finding: Finding, *, report: VisitReport | None = None, words: str = "", by: Staff, at: datetime
) -> EventFinding:
    return EventFinding.objects.create(
        event=event, finding=finding, report=report, words=words, recorded_by=by.staff_no, at=at,
        business_date=require_business_date(),
    )  # fmt: skip


# Feeds


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A line of a feed as its columns were read; `column` and `fault` say what is wrong with it already."""

    line: int
    values: Mapping[str, str]
    external_id: str = ""
    loan: str = ""
    customer: str = ""
    code: str = ""
    happened_on: date | None = None
    words: str = ""
    monthly_income: Decimal | None = None
    column: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a line: TAKEN, DUPLICATE, BASELINE, NOTHING (no event in it) or REFUSED with a reason."""

    line: int
    word: str
    column: str = ""
    reason: str = ""
    event: str = ""


@transaction.atomic
def take_feed(*, feed: str, rows: Sequence[FeedRow], by: Staff, at: datetime, is_preview: bool) -> list[RowResult]:
    """Judges the rows of a feed one by one and keeps what they tell; a preview writes nothing. Sent twice, once."""
    require(by, TAKES_FEEDS)
    if feed not in rules.FEEDS:
        raise EventRefused(_("请选择数据种类。"), field="feed")
    as_of = hold_business_date()
    named = [row.external_id for row in rows]
    known = set(Event.objects.filter(source=rules.FEED, feed=feed, external_id__in=named)
                .values_list("external_id", flat=True))  # fmt: skip
    known |= set(OutsideRecord.objects.filter(feed=feed, external_id__in=named).values_list("external_id", flat=True))
    loans = _loans_named(rows, by)
    results: list[RowResult] = []
    told: list[Told] = []
    beside: list[OutsideRecord] = []
    for row in rows:
        one: Told | OutsideRecord | None = None
        try:
            result, one = _judge(row, feed, loans, known, as_of)
        except EventRefused as refusal:
            result = RowResult(row.line, "REFUSED", refusal.field or "", refusal.message)
        results.append(result)
        if one is not None:
            known.add(one.external_id)
        if isinstance(one, Told):
            told.append(one)
        elif one is not None:
            beside.append(one)
    if not is_preview:
        lock_positions([one.loan_id for one in told])
        keep_events(told, by=by.staff_no, at=at, as_of=as_of, fact=TOLD)
        _keep_beside(beside, by=by, at=at, as_of=as_of)
    return results


def _keep_beside(beside: Sequence[OutsideRecord], *, by: Staff, at: datetime, as_of: date) -> None:
    """Stores what asks for no visit, each with its fact."""
    for one in beside:
        one.recorded_by, one.at = by.staff_no, at
    record_many(
        Entry(
            kind="followups.outside_recorded", subject_type="outside_record", subject_id=one.pk, loan_id=one.loan_id,
            actor=by.staff_no, at=at, business_date=as_of, data={"code": one.code, "feed": one.feed},
        )
        for one in OutsideRecord.objects.bulk_create(beside)
    )  # fmt: skip


def _judge(
    row: FeedRow, feed: str, loans: Mapping[tuple[str, str], Loan], known: set[str], as_of: date
) -> tuple[RowResult, Told | OutsideRecord | None]:
    if row.fault:
        raise EventRefused(row.fault, field=row.column)
    if row.external_id in known:
        return RowResult(row.line, "DUPLICATE"), None
    loan = loans.get(("loan", row.loan)) if row.loan else loans.get(("customer", row.customer))
    if loan is None:
        raise EventRefused(_("没有这笔贷款或这位借款人。"), field="loan" if row.loan else "customer")
    _require_live(loan)
    assert row.happened_on is not None
    code = row.code
    if code in CODES.get(feed, ()):
        return _judged_beside(row, feed, loan, as_of)
    if row.monthly_income is not None:
        found = rules.income_code(_income_of(loan), row.monthly_income)
        if found is None:
            _require_day(row.happened_on, as_of)
            return RowResult(row.line, "NOTHING"), None
        code = found
    if code not in [kind.code for kind in rules.told_by(rules.FEED, feed)]:
        raise EventRefused(_("这种数据不能报送该事项。"), field="code")
    words = _checked(row.words, WORDS_MOST, "words")
    one = told_of(loan, code, row.happened_on, as_of, source=rules.FEED, feed=feed, words=words,
                  external_id=row.external_id)  # fmt: skip
    return RowResult(row.line, "BASELINE" if one.is_baseline else "TAKEN", event=kind_words(code)), one


def _judged_beside(row: FeedRow, feed: str, loan: Loan, as_of: date) -> tuple[RowResult, OutsideRecord]:
    """A line that asks for no visit; money is a matter of one loan, so the line has to name it."""
    assert row.happened_on is not None
    _require_day(row.happened_on, as_of)
    if feed == rules.FUNDS and not row.loan:
        raise EventRefused(_("资金到账须填写借据号。"), field="loan")
    if feed == rules.FUNDS and row.happened_on < loan.disbursed_on:
        raise EventRefused(_("日期早于放款日。"), field="happened_on")
    one = OutsideRecord(
        loan=loan, customer_id=loan.borrower_id, feed=feed, code=row.code, happened_on=row.happened_on, known_on=as_of,
        external_id=row.external_id, words=_checked(row.words, WORDS_MOST, "words"),
    )  # fmt: skip
    return RowResult(row.line, "TAKEN", event=outside_words(row.code)), one


def _income_of(loan: Loan) -> Decimal | None:
    """The income last known; a feed's own is not known until a visit has verified it."""
    found = FinancialProfile.objects.filter(party_id=loan.borrower_id).order_by("-known_on", "-id").first()
    return found.monthly_income if found else None


def _loans_named(rows: Sequence[FeedRow], by: Staff) -> dict[tuple[str, str], Loan]:
    """Loans that the rows name: by note number or external id, or the borrower's first one still owed."""
    visible = Loan.objects.visible_to(by).select_related("position")
    named = {row.loan for row in rows if row.loan}
    people = {row.customer for row in rows if row.customer and not row.loan}
    found: dict[tuple[str, str], Loan] = {}
    for loan in visible.filter(external_id__in=named).exclude(external_id=""):
        found[("loan", str(loan.external_id))] = loan
    for loan in visible.filter(loan_note_no__in=named):
        found[("loan", loan.loan_note_no)] = loan
    owed = visible.filter(borrower__id_no__in=people, position__settled_on__isnull=True)
    for loan in owed.select_related("borrower", "position").order_by("-id"):
        found[("customer", loan.borrower.id_no)] = loan
    return found
