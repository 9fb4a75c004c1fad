"""What happened to a loan, newest first: a union of the rows that are records already.

Nothing is copied for the timeline. Receipts, postings and task events speak for themselves; of the
journal only what has no row of its own is shown (overdue, class, grade, reveals).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from followups.models import (
    Conclusion,
    DeliveryWay,
    EventKind,
    LetterKind,
    Method,
    Outcome,
    TaskEvent,
    TaskKind,
)
from followups.signal_wording import signal_words
from journal.models import Entry
from loans.models import (
    ChangeKind,
    FiveClass,
    Installment,
    LedgerLine,
    Loan,
    Posting,
    PostingKind,
    Receipt,
    ReceiptState,
)
from people.models import Staff
from risk.models import GradeLevel, StepKind

MOST = 200
# Postings without installment or receipt of their own: their ledger lines say how much.
_TOLD_BY_LINES = (
    PostingKind.OPENING,
    PostingKind.SUSPENSE_USED,
    PostingKind.DISBURSEMENT,
    PostingKind.PREPAYMENT,
    PostingKind.FEE,
    PostingKind.WAIVER,
    PostingKind.SUBSIDY,
    PostingKind.REFUND,
    PostingKind.NON_ACCRUAL,
    PostingKind.WRITE_OFF,
)


# Facts of this room that no task event tells.
_OF_LETTERS = (
    "followups.letter_made",
    "followups.letter_delivered",
    "followups.letter_delivery_undone",
    "followups.letter_withdrawn",
)


@dataclass(frozen=True)
class TimelineRow:
    """`kind` is task, report, receipt, posting or fact; `ref` the id a link is made from (0 for none)."""

    on: date
    at: datetime
    kind: str
    text: str
    note: str = ""
    ref: int = 0
    actor: str = ""


def timeline(loan: Loan, most: int = MOST, billed: Iterable[Installment] | None = None) -> list[TimelineRow]:
    """The latest rows of all kinds; the caller has checked access to the loan. Seven queries at most.

    `billed`: the newest `most` installments, where they are read already.
    """
    rows = [
        *_task_rows(loan, most),
        *_receipt_rows(loan, most),
        *_posting_rows(loan, most, billed),
        *_fact_rows(loan, most),
    ]
    actors = {row.actor for row in rows} - {"", "system"}
    names = dict(Staff.objects.filter(staff_no__in=actors).values_list("staff_no", "name")) if actors else {}
    rows.sort(key=lambda row: (row.on, row.at), reverse=True)
    return [_named(row, names) for row in rows[:most]]


def _named(row: TimelineRow, names: Mapping[str, str]) -> TimelineRow:
    actor = _("系统") if row.actor == "system" else names.get(row.actor, row.actor)
    return TimelineRow(row.on, row.at, row.kind, row.text, row.note or actor, row.ref, actor)


def _task_rows(loan: Loan, most: int) -> Iterator[TimelineRow]:
    events = TaskEvent.objects.filter(task__loan=loan).select_related("task").order_by("-id")[:most]
    for event in events:
        # An approval closes the task in the same breath; one row says it.
        if event.kind == EventKind.CLOSED and event.data.get("outcome") == Outcome.APPROVED:
            continue
        report_id = int(event.data.get("report_id") or 0)
        yield TimelineRow(
            event.business_date,
            event.at,
            "report" if report_id else "task",
            _event_words(event),
            ref=report_id or event.task_id,
            actor=event.actor,
        )


def _event_words(event: TaskEvent) -> str:
    task = event.task
    what = f"{TaskKind(task.kind).label} {Method(task.method).label}"
    if task.is_light:
        what = _("逾期跟踪")
    words = f"{what}：{EventKind(event.kind).label}"
    facts = event.data
    if event.kind == EventKind.SUBMITTED and facts.get("conclusion") in Conclusion.values:
        words += _("，%(conclusion)s") % {"conclusion": Conclusion(facts["conclusion"]).label}
    if event.kind == EventKind.RESCHEDULED:
        words += _("，%(before)s 改为 %(after)s") % {"before": facts.get("from", ""), "after": facts.get("to", "")}
    if event.kind in (EventKind.PLANNED, EventKind.BROUGHT_FORWARD) and facts.get("due_on"):
        words += _("，应完成日 %(due)s") % {"due": facts["due_on"]}
    if event.kind in (EventKind.CLOSED, EventKind.CANCELLED) and task.outcome:
        words += _("，%(outcome)s") % {"outcome": Outcome(task.outcome).label}
    return words


def _receipt_rows(loan: Loan, most: int) -> Iterator[TimelineRow]:
    for receipt in Receipt.objects.filter(loan=loan).order_by("-id")[:most]:
        state = "" if receipt.state == ReceiptState.POSTED else f"，{ReceiptState(receipt.state).label}"
        yield TimelineRow(
            receipt.value_on,
            receipt.received_at,
            "receipt",
            _("还款到账") + state,
            f"{receipt.amount:,.2f}",
            ref=receipt.pk,
        )


def _posting_rows(loan: Loan, most: int, installments: Iterable[Installment] | None) -> Iterator[TimelineRow]:
    if installments is None:
        installments = Installment.objects.filter(loan=loan).order_by("-number")[:most]
    billed = {row.number: row.principal + row.interest for row in installments}
    found = Posting.objects.filter(loan=loan).exclude(kind=PostingKind.RECEIPT).select_related("receipt")
    postings = list(found.order_by("-id")[:most])
    moved = _amounts_moved(loan, [each for each in postings if each.kind in _TOLD_BY_LINES])
    for posting in postings:
        number = posting.installment_number
        amount = billed.get(number) if number is not None else None
        text = str(PostingKind(posting.kind).label)
        if posting.kind == PostingKind.BILLING:
            text = _("第 %(number)s 期出账") % {"number": number}
        elif posting.kind == PostingKind.OPENING:
            text = _("期初建账")
        amount = moved.get(posting.pk, amount)
        is_correction = posting.kind in (PostingKind.REVERSAL, PostingKind.REPOSTING)
        if is_correction and posting.receipt is not None:
            amount = posting.receipt.amount
            text += _("，起息日 %(day)s") % {"day": posting.value_on}
        yield TimelineRow(
            posting.business_date if is_correction else posting.value_on,
            posting.booked_at,
            "posting",
            text,
            f"{amount:,.2f}" if amount is not None else "–",
            ref=posting.pk,
        )


def _amounts_moved(loan: Loan, postings: list[Posting]) -> dict[int, Decimal]:
    """What each posting moved: the sum of its debits."""
    if not postings:
        return {}
    lines = LedgerLine.objects.filter(
        loan_id=loan.pk,
        business_date__in={posting.business_date for posting in postings},
        posting_id__in=[posting.pk for posting in postings],
    )
    sums = lines.order_by().values("posting_id").annotate(debits=Sum("amount", filter=Q(amount__gt=0)))
    return {row["posting_id"]: row["debits"] for row in sums if row["debits"] is not None}


def _fact_rows(loan: Loan, most: int) -> Iterator[TimelineRow]:
    told = ~Q(kind__startswith="followups.") | Q(kind__in=_OF_LETTERS)
    entries = Entry.objects.filter(told, loan_id=loan.pk).order_by("-id")[:most]
    for entry in entries:
        words = _fact_words(entry.kind, entry.data)
        if words:
            yield TimelineRow(
                entry.business_date or entry.at.date(), entry.at, "fact", words, ref=entry.pk, actor=entry.actor
            )


def _fact_words(kind: str, facts: Mapping[str, Any]) -> str:
    if kind == "loans.class_changed":
        return _("五级分类 %(before)s 改为 %(after)s") % {
            "before": _class_words(facts.get("from")),
            "after": _class_words(facts.get("to")),
        }
    if kind == "risk.grade_changed":
        return _("风险等级 %(before)s 改为 %(after)s") % {
            "before": _grade_words(facts.get("from")),
            "after": _grade_words(facts.get("to")),
        }
    if kind == "risk.signal_raised":
        return _("预警：%(what)s") % {"what": signal_words(str(facts.get("code", "")))}
    if kind == "risk.signal_answered" and facts.get("step") in StepKind.values:
        return _("预警：%(what)s") % {"what": StepKind(facts["step"]).label}
    if kind == "loans.receipt_reversed":
        return _("还款冲正 %(amount)s：%(reason)s") % {
            "amount": f"{Decimal(facts.get('amount') or 0):,.2f}",
            "reason": facts.get("reason", ""),
        }
    money = {
        "loans.receipt_matched": _("未匹配款项 %(amount)s 匹配到本贷款：%(why)s"),
        "loans.refund_proposed": _("申请退还暂收款 %(amount)s：%(why)s"),
        "loans.refund_approved": _("暂收款退还 %(amount)s %(why)s"),
        "loans.refund_rejected": _("退款 %(amount)s 被驳回：%(why)s"),
        "loans.fee_charged": _("收取费用 %(amount)s：%(why)s"),
        "loans.fee_waived": _("减免费用 %(amount)s：%(why)s"),
    }.get(kind)
    if money:
        why = facts.get("note") or facts.get("reason") or ""
        return money % {"amount": f"{Decimal(facts.get('amount') or 0):,.2f}", "why": why}
    if kind == "loans.payment_record_changed":
        return _("迟付记录变动：%(days)s 应还的一期") % {"days": "、".join(facts.get("due_on", []))}
    if kind == "loans.receipts_replayed":
        return _("迟到的还款按起息日 %(day)s 入账，之后的还款重新分配") % {"day": facts.get("from", "")}
    if kind in _OF_LETTERS:
        return _letter_words(kind, facts)
    if kind.startswith(("loans.change_", "loans.observation_", "loans.class_floor_")):
        return _change_words(kind, facts)
    return {
        "loans.accelerated": _("宣布提前到期"),
        "loans.written_off": _("贷款核销"),
        "loans.overdue_began": _("开始逾期"),
        "loans.overdue_cured": _("逾期已还清"),
        "loans.overdue_moved": _("逾期起始日变动"),
        "loans.settled": _("贷款结清"),
        "loans.statement_taken": _("打印对账单"),
        "loans.repricing_notice_printed": _("打印重定价通知"),
        "loans.repricing_notice_taken": _("下载重定价通知"),
        "collateral.revalued": _("押品重估"),
        "correspondence.message_cancelled": _("取消一条待发消息"),
        "people.revealed": _("查看客户信息"),
        "people.phone_changed": _("联系电话变更"),
        "people.profile_recorded": _("登记收入、单位与负债"),
        "collateral.occupancy_recorded": _("登记居住状态"),
        "collateral.registration_recorded": _("登记抵押信息"),
    }.get(kind, "")


def _change_words(kind: str, facts: Mapping[str, Any]) -> str:
    """A step of a contract change: what was asked, and what became of it."""
    what = str(ChangeKind(facts["kind"]).label) if facts.get("kind") in ChangeKind.values else ""
    words = {
        "loans.change_proposed": _("合同变更（%(what)s）提交审批"),
        "loans.change_approved": _("合同变更（%(what)s）审批通过"),
        "loans.change_rejected": _("合同变更（%(what)s）被驳回"),
        "loans.change_signed": _("合同变更（%(what)s）已签署"),
        "loans.change_applied": _("合同变更（%(what)s）生效"),
        "loans.change_withdrawn": _("合同变更（%(what)s）撤回"),
        "loans.change_expired": _("合同变更（%(what)s）失效：%(reason)s"),
        "loans.change_reversed": _("合同变更（%(what)s）冲正：%(reason)s"),
        "loans.change_printed": _("打印合同变更（%(what)s）"),
        "loans.change_evidence_taken": _("下载合同变更（%(what)s）的依据"),
        "loans.observation_restarted": _("未按期还款，重组观察期自 %(since)s 重新起算"),
        "loans.observation_restart_undone": _("补记的还款未迟付，重组观察期恢复自 %(since)s 起算"),
        "loans.observation_ended": _("重组观察期满"),
        "loans.class_floor_raised": _("重组观察期内分类限制调整为%(floor)s"),
    }.get(kind, "")
    since, floor = facts.get("observed_from", ""), _class_words(facts.get("to"))
    return words % {"what": what, "reason": facts.get("reason", ""), "since": since, "floor": floor}


def _letter_words(kind: str, facts: Mapping[str, Any]) -> str:
    what = {"letter": str(LetterKind(facts["kind"]).label) if facts.get("kind") in LetterKind.values else ""}
    if kind == "followups.letter_made":
        return _("制作%(letter)s") % what
    if kind == "followups.letter_withdrawn":
        return _("作废%(letter)s，不再发出") % what
    if kind == "followups.letter_delivery_undone":
        return _("更正：%(letter)s尚未送达") % what
    way = str(DeliveryWay(facts["way"]).label) if facts.get("way") in DeliveryWay.values else ""
    if facts.get("delivered_on"):
        return _("%(letter)s：%(way)s，%(day)s") % {**what, "way": way, "day": facts["delivered_on"]}
    return _("%(letter)s：%(way)s") % {**what, "way": way}


def _class_words(code: Any) -> str:
    return str(FiveClass(code).label) if code in FiveClass.values else "–"


def _grade_words(level: Any) -> str:
    return str(GradeLevel(level).label) if level in GradeLevel.values else "–"
