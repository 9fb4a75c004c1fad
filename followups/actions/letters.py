"""文书: makes letters to borrowers and keeps how they arrived. Nothing of either is ever changed.

A letter made again on the same day for the same cause and with the same figures is the letter that stands already.
Who may write: who assigns work, the portfolio officer or the deputy, who holds the task that is announced, who is
responsible for the measure. The name stands in full on paper whoever makes it, so the taking is recorded.
"""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.refusals import MeasureWrong, NotYours, fault_sentence
from followups.actions.review import TAKING
from followups.actions.tasks import checked_reason, require_to_do
from followups.models import (
    DeliveryWay,
    HeardBy,
    Letter,
    LetterDelivery,
    LetterKind,
    LetterWithdrawal,
    Measure,
    MeasureState,
    Method,
    Visit,
    VisitTask,
)
from followups.queries.cover import holder_of, is_held_by
from followups.queries.facts import is_known_to
from followups.queries.letters import (
    DOCUMENT,
    demand_content,
    may_deliver,
    notice_content,
    rectify_content,
    rows_of,
    usual_days,
    writes_for,
)
from followups.queries.merging import lead_of
from followups.rules import letters as rules
from followups.rules.checklist import text_faults
from followups.rules.report import content_sha256
from journal.actions import record, store_exhibit
from journal.errors import ActionRefused
from journal.queries import exhibit_bytes
from loans.models import Loan
from loans.queries import charges_owed, hold_business_date, lock_positions, require_business_date
from people import pdf
from people.actions import NotAllowed, require
from people.models import Staff
from people.queries import may

TEMPLATE = Path(__file__).resolve().parent.parent / "typst" / "letter.typ"
WORDS_MOST, WITNESSES_MOST = 300, 60


class LetterRefused(ActionRefused):
    """There is no such letter to make."""

    code = "letter_refused"


class NotDelivered(ActionRefused):
    """There is no delivery to correct."""

    code = "not_delivered"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("尚未登记送达。"))


class AlreadyDelivered(ActionRefused):
    code = "already_delivered"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("送达情况已登记；登记有误的，先更正再登记。"))


class Withdrawn(ActionRefused):
    code = "letter_withdrawn"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("该文书已作废。"))


class LetterStands(ActionRefused):
    """Another letter for the same cause was made today and has not gone out."""

    code = "letter_stands"
    conflict = True

    def __init__(self, letter: Letter) -> None:
        super().__init__(
            _("今天已制作%(letter)s %(number)s（期限或走访日 %(day)s），尚未送达；要改，请先将其作废。")
            % {"letter": letter.get_kind_display(), "number": letter.number, "day": letter.answer_by}
        )


class WrongDelivery(ActionRefused):
    """What was entered of a delivery cannot be."""

    code = "wrong_delivery"


class Asked(NamedTuple):
    """What somebody asks of a letter; days and texts may be left to what is usual."""

    kind: str
    task_id: int | None = None
    measure_id: int | None = None
    found: str = ""
    asked: str = ""
    answer_by: date | None = None


class _Draft(NamedTuple):
    """A letter before it has a number."""

    content: dict[str, Any]
    answer_by: date
    task: VisitTask | None = None
    measure: Measure | None = None


@transaction.atomic
def make_letter(*, loan_id: int, asked: Asked, by: Staff, at: datetime) -> tuple[Letter, bool]:
    """The letter asked for, and whether it is new: the same of the same day is the one that stands already."""
    today = hold_business_date()
    if not may(by, "followups.assign"):
        require(by, "followups.record_visit")
    loan = Loan.objects.visible_to(by).select_related("borrower", "branch").get(pk=loan_id)
    loan.position = lock_positions([loan.pk])[loan.pk]
    drafts = {LetterKind.NOTICE: _notice, LetterKind.RECTIFY: _rectification, LetterKind.DEMAND: _demand}
    if asked.kind not in LetterKind.values:
        raise LetterRefused(_("请选择文书种类。"), field="kind", code="not_a_choice")
    draft = drafts[LetterKind(asked.kind)](loan, asked, by, today)
    same: dict[str, Any] = {
        "loan": loan, "kind": asked.kind, "task": draft.task, "measure": draft.measure, "business_date": today,
    }  # fmt: skip
    sha256 = content_sha256(draft.content)
    known = _of_today(same, sha256)
    if known is not None:
        return known, False
    same["content_sha256"] = sha256
    letter = Letter(pk=_next_id(), made_by=by, made_at=at, answer_by=draft.answer_by, content=draft.content, **same)
    if asked.kind == LetterKind.DEMAND:
        letter.total = Decimal(draft.content["total"])
    document = {
        **draft.content,
        "number": letter.number,
        "content_sha256": letter.content_sha256,
        "made_by": f"{by.name} {by.staff_no}",
        "made_at": f"{timezone.localtime(at):%Y-%m-%d %H:%M}",
    }
    letter.pdf = store_exhibit(content=pdf.render(TEMPLATE, document), media_type="application/pdf", at=at)
    letter.save(force_insert=True)
    _tell(letter, "followups.letter_made", by=by, at=at, content_sha256=letter.content_sha256,
          pdf_sha256=letter.pdf.sha256)  # fmt: skip
    return letter, True


def _of_today(same: dict[str, Any], sha256: str) -> Letter | None:
    """The same letter of today, if there is one; refused where it was withdrawn or another has yet to go out."""
    made = list(Letter.objects.filter(**same).select_related("withdrawal", "made_by").order_by("id"))
    for row in rows_of(made):
        if row.letter.content_sha256 == sha256:
            if row.withdrawal is not None:
                raise LetterRefused(
                    _("今天作废的 %(number)s 与此完全相同；确需再发，请改动期限或内容。")
                    % {"number": row.letter.number},
                    code="letter_withdrawn",
                )
            return row.letter
    for row in rows_of(made):
        if row.may_be_delivered and row.standing is None:
            raise LetterStands(row.letter)
    return None


def _notice(loan: Loan, asked: Asked, by: Staff, today: date) -> _Draft:
    found = VisitTask.objects.filter(loan=loan, pk=asked.task_id or 0)
    task = found.select_related("assigned_to", "proposed_second").first()
    if task is None:
        raise LetterRefused(_("请选择这笔贷款的回访任务。"), field="task", code="task_missing")
    require_to_do(task)
    if task.is_light or task.method != Method.FIELD:
        raise LetterRefused(_("只有实地走访须发回访告知书。"), field="task", code="not_in_the_field")
    if not rules.papers_for(task.subject):
        raise LetterRefused(_("楼盘走访不向借款人发告知书。"), field="task", code="nobody_is_visited")
    lead = lead_of(task)
    if lead is not None:
        number = _("其他机构的回访") if lead.is_across else lead.lead.number
        raise LetterRefused(_("该任务已并入 %(number)s，请发那项任务的告知书。") % {"number": number}, field="task")
    if not writes_for(loan, by) and not is_held_by(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    visit = Visit.objects.filter(task=task).select_related("lead_visitor", "second_visitor").first()
    second = (visit.second_visitor if visit else None) or task.proposed_second
    comes = visit.lead_visitor if visit else _who_comes(task, asked.answer_by or max(today, task.due_on))
    if comes is None or second is None or comes == second:
        raise LetterRefused(_("告知书须写明来访的两个人：请先分派主办人并指定协办人。"), code="visitors_missing")
    visit_on = asked.answer_by or max(today, task.due_on)
    fault = rules.visit_day_fault(today, visit_on, max(today, task.due_on))
    if fault:
        raise LetterRefused(
            _("走访日不能早于今天。") if fault == "past" else _("走访日不能晚于应完成日，请先改约。"),
            field="answer_by", code=fault,
        )  # fmt: skip
    with override(DOCUMENT):
        content = notice_content(loan, task, (comes, second), visit_on=visit_on, today=today)
    return _Draft(content, visit_on, task=task)


def _who_comes(task: VisitTask, day: date) -> Staff | None:
    """Who makes a visit that has not begun: the officer, or who stands in on that day."""
    held = holder_of(task, day)
    return None if held is None else Staff.objects.get(pk=held.by)


def _rectification(loan: Loan, asked: Asked, by: Staff, today: date) -> _Draft:
    found = Measure.objects.filter(loan=loan, pk=asked.measure_id or 0)
    measure = found.select_related("kind", "owner", "report").first()
    if measure is None:
        raise LetterRefused(_("请选择这笔贷款的处置措施。"), field="measure", code="measure_missing")
    if measure.state != MeasureState.OPEN:
        raise MeasureWrong(_("该措施已经了结。"), code="measure_ended")
    if measure.kind.code != rules.ASKS_FOR_LETTER:
        raise LetterRefused(_("该措施不要求书面告知、限期整改。"), field="measure", code="measure_asks_for_none")
    if not writes_for(loan, by) and measure.owner_id != by.pk:
        raise MeasureWrong(_("该措施由%(name)s负责。") % {"name": measure.owner.name})
    answer_by = _answer_by(asked, today, measure.due_on)
    texts = {name: _typed(getattr(asked, name), name) for name in ("found", "asked")}
    with override(DOCUMENT):
        content = rectify_content(loan, measure, **texts, answer_by=answer_by, today=today)
    return _Draft(content, answer_by, measure=measure)


def _demand(loan: Loan, asked: Asked, by: Staff, today: date) -> _Draft:
    if not writes_for(loan, by):
        officer = loan.portfolio_officer
        raise LetterRefused(
            _("该贷款由%(name)s管户，请由其或主管催收。") % {"name": officer.name if officer else _("他人")},
            code="not_yours",
        )
    if loan.position.overdue_since is None:
        raise LetterRefused(_("该贷款没有逾期，不能发催收通知书。"), code="not_overdue")
    answer_by = _answer_by(asked, today, None)
    try:
        with override(DOCUMENT):
            content = demand_content(loan, charges_owed(loan, today), answer_by=answer_by, today=today)
    except ValueError as nothing:
        raise LetterRefused(_("该贷款没有应还未还的款项。"), code="not_overdue") from nothing
    return _Draft(content, answer_by)


def _answer_by(asked: Asked, today: date, wished: date | None) -> date:
    day = asked.answer_by or rules.usual_day(today, usual_days(today), wished)
    if rules.day_fault(today, day):
        raise LetterRefused(
            _("期限须在 %(first)s 至 %(last)s 天之间。") % {"first": rules.LEAST_DAYS, "last": rules.MOST_DAYS},
            field="answer_by", code=rules.day_fault(today, day),
        )  # fmt: skip
    return day


def _typed(text: str, field: str) -> str:
    """Words that go to a borrower as they were typed."""
    words = text.strip()
    if len(words) < rules.TYPED_LEAST:
        raise LetterRefused(
            _("请写明内容（至少 %(least)s 个字）。") % {"least": rules.TYPED_LEAST}, field=field, code="words_missing"
        )
    for fault in text_faults(words, rules.TYPED_MOST, lines=True):
        raise LetterRefused(fault_sentence(fault), field=field, code=fault)
    for fault in rules.typed_faults(words):
        raise LetterRefused(
            _("文书不能写电话号码或身份证号。")
            if fault == "personal_number"
            else _("文书不能有威胁、侮辱或向他人透露欠款的话。"),
            field=field, code=fault,
        )  # fmt: skip
    return words


def _next_id() -> int:
    """The id of the next letter: its number stands in the document that is kept with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('followups_letter', 'id'))")
        return int(cursor.fetchone()[0])


@transaction.atomic
def hand_out_letter(*, letter: Letter, by: Staff, at: datetime) -> bytes:
    """The kept PDF, with a record of who took it; the caller has checked that the letter is visible.

    NotAllowed for those who may not read the name in full (decision 0007).
    """
    goes_along = letter.task is not None and (
        letter.task.proposed_second_id == by.pk or is_known_to(letter.task, by)
    )  # fmt: skip
    if not goes_along and not may_deliver(letter, by) and not any(may(by, permission) for permission in TAKING):
        raise NotAllowed(_("您的岗位不能领取该文书。"))
    content = exhibit_bytes(letter.pdf)
    _tell(letter, "followups.letter_handed_out", by=by, at=at, pdf_sha256=letter.pdf.sha256)
    return content


@transaction.atomic
def deliver_letter(
    *,
    letter_id: int,
    way: str,
    delivered_on: date | None = None,
    received_by: str = "",
    witnesses: str = "",
    words: str = "",
    by: Staff,
    at: datetime,
) -> LetterDelivery:
    """Keeps how a letter arrived; one that came back may be delivered again."""
    today = hold_business_date()
    letter = _to_deliver(letter_id, by)
    row = rows_of([letter])[0]
    standing = row.standing
    if row.withdrawal is not None:
        raise Withdrawn
    if not row.may_be_delivered:
        raise AlreadyDelivered
    day = delivered_on or today
    said = {
        "way": way, "delivered_on": day, "received_by": received_by,
        "witnesses": "、".join(rules.names_in(witnesses)), "words": words.strip(),
    }  # fmt: skip
    if standing is not None and all(getattr(standing, name) == value for name, value in said.items()):
        raise AlreadyDelivered
    # What came back was under way until then.
    back_on = standing.delivered_on if standing else None
    _check_delivery(back_on or letter.business_date, today, said, borrower=letter.loan.borrower.name)
    made = LetterDelivery.objects.create(letter=letter, **said, by=by, at=at, business_date=today)
    _tell(letter, "followups.letter_delivered", by=by, at=at, way=way, delivery_id=made.pk,
          delivered_on=day.isoformat())  # fmt: skip
    return made


@transaction.atomic
def withdraw_letter(*, letter_id: int, reason: str, by: Staff, at: datetime) -> LetterWithdrawal:
    """Says that a letter which did not arrive is not to go out (作废); one that arrived is answered by another."""
    today = hold_business_date()
    letter = _to_deliver(letter_id, by)
    row = rows_of([letter])[0]
    if row.withdrawal is not None:
        raise Withdrawn
    if not row.may_be_delivered:
        raise AlreadyDelivered
    words = checked_reason(reason, least=rules.WORDS_LEAST)[:WORDS_MOST]
    made = LetterWithdrawal.objects.create(letter=letter, reason=words, by=by, at=at, business_date=today)
    _tell(letter, "followups.letter_withdrawn", by=by, at=at, withdrawal_id=made.pk)
    return made


@transaction.atomic
def undo_delivery(*, letter_id: int, reason: str, by: Staff, at: datetime) -> LetterDelivery:
    """Corrects a delivery that was not: the fact stays, another says that it does not hold."""
    today = hold_business_date()
    letter = _to_deliver(letter_id, by)
    standing = rows_of([letter])[0].standing
    if standing is None:
        raise NotDelivered
    words = checked_reason(reason, least=rules.WORDS_LEAST)
    made = LetterDelivery.objects.create(
        letter=letter, undoes=standing, words=words, by=by, at=at, business_date=today
    )  # fmt: skip
    _tell(letter, "followups.letter_delivery_undone", by=by, at=at, delivery_id=standing.pk)
    return made


def _to_deliver(letter_id: int, by: Staff) -> Letter:
    """The letter under the lock of its loan, for who may say how it arrived."""
    if not may(by, "followups.assign"):
        require(by, "followups.record_visit")
    found = Letter.objects.visible_to(by).select_related(
        "loan__portfolio_officer", "loan__borrower", "task__assigned_to", "made_by", "withdrawal"
    )
    letter = found.defer("content").get(pk=letter_id)
    lock_positions([letter.loan_id])
    if not may_deliver(letter, by):
        raise LetterRefused(_("该文书由%(name)s办理。") % {"name": letter.made_by.name}, code="not_yours")
    return letter


def _check_delivery(earliest: date, today: date, said: dict[str, Any], *, borrower: str) -> None:
    if said["received_by"] and said["received_by"] not in HeardBy.values:
        raise WrongDelivery(_("只能由借款人本人或受托代理人签收。"), field="received_by", code="not_a_choice")
    for field, most in (("words", WORDS_MOST), ("witnesses", WITNESSES_MOST)):
        for fault in text_faults(said[field], most):
            raise WrongDelivery(fault_sentence(fault), field=field, code=fault)
    faults = rules.delivery_faults(**said, made_on=earliest, today=today, borrower=borrower)
    for field, code in faults.items():
        raise WrongDelivery(_sentence(code, earliest), field=field, code=code)


def _sentence(code: str, earliest: date) -> str:
    return {
        "not_a_choice": _("请从所列送达方式中选择：%(ways)s。")
        % {"ways": _("、").join(str(label) for label in DeliveryWay.labels)},
        "wrong_day": _("送达日须在 %(day)s 至今天之间（含当日）。") % {"day": earliest},
        "who_received": _("请写明签收人：借款人本人或受托代理人。"),
        "nobody_received": _("没有人签收的，不写签收人。"),
        "two_witnesses": _("留置或拒收须有两名见证人，请写明姓名。"),
        "no_witness_of_ones_own": _("借款人本人不能见证自己的送达。"),
        "no_witnesses": _("有人签收或邮件退回的，不写见证人。"),
        "words_missing": _("请写明经过（邮寄的写单号，至少 %(least)s 个字）。") % {"least": rules.WORDS_LEAST},
    }[code]


def _tell(letter: Letter, kind: str, *, by: Staff, at: datetime, **facts: Any) -> None:
    """Records a fact about the letter under its loan; ids, codes and hashes only."""
    record(
        kind=kind, subject_type="letter", subject_id=letter.pk, loan_id=letter.loan_id, by=by.staff_no, at=at,
        business_date=require_business_date(),
        data={"loan_id": letter.loan_id, "letter_id": letter.pk, "kind": letter.kind, **facts},
    )  # fmt: skip
