"""Visits of the demo, made through the officers' own actions: called, answered, signed, submitted, reviewed."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from config import made_up_names as names
from config.demo.book import SEED, SHANGHAI, clock
from followups import actions
from followups.actions import end_measure
from followups.actions.review import prepare_approvals
from followups.actions.telling import tell_result
from followups.models import CustomerResult, Level, Measure, MeasureState, ReportState, Visit, VisitReport, VisitTask
from followups.queries.events import Behind, behind
from followups.queries.form import asked_of
from followups.rules import checklist, events
from people.models import Staff

RISK_HEAD = "R0001"
AGREED_WORD = "同意。"
# What officers write of a concern: what was told, what was looked at, what was agreed.
TOLD = (
    "客户表示近期收入下降，主要靠工资还款", "单位效益不好，奖金停发，配偶仍有固定工资", "客户转做个体经营，流水不稳定",
    "逾期因工资卡更换未及时绑定", "家中老人住院，支出增加，暂时动用存款", "项目回款慢，资金月底才能到账",
    "夫妻一方换了工作，试用期工资较低", "房租收入减少，空置两个月后已重新出租", "孩子出国读书，每月支出增加较多",
    "客户称行业淡季，接单减少约三成", "因车祸休养两个月，已恢复上班",
)  # fmt: skip
LOOKED_AT = (
    "已查看近三个月银行流水，与口述相符", "核对了劳动合同和社保记录", "已电话向单位人事核实在职",
    "查看了订单合同和应收账款明细", "存款余额足够支付两期月供", "征信授权已取得，未见新增逾期",
    "现住址与登记一致，水电费正常缴纳", "个体户营业执照在有效期内", "配偶收入已补充登记",
)  # fmt: skip
AGREED = (
    "约定按期还款，并留意后续流水。", "答应下月提供三个月的银行流水。", "客户当场补足，已提醒绑定新卡自动扣款。",
    "观察两个还款日后再评估。", "约定月底前补齐欠款。", "下季度再核实一次。", "建议改还款日至发薪日之后，客户考虑中。",
    "已告知逾期对征信的影响，客户表示理解。",
)  # fmt: skip
# Two of an officer that differ in a comma.
ALIKE = (
    "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次。",
    "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次",
)


@dataclass(frozen=True)
class Story:
    """What a visit finds beyond the ordinary; `now` holds answers that have changed or are told."""

    conclusion: str = ""
    text: str = ""
    now: Mapping[str, str] = field(default_factory=dict)
    # What became of the events that the visit answers.
    finding: str = events.CONFIRMED
    measure: str = ""
    verified_by: str = "DOCUMENT"


_signed_in: dict[str, Staff] = {}


def person(number: str) -> Staff:
    """Who has this number, as signed in for the day: what the person may do is read once."""
    if number not in _signed_in:
        _signed_in[number] = Staff.objects.get(staff_no=number)
    return _signed_in[number]


def sign_out() -> None:
    """In the evening everybody goes home."""
    _signed_in.clear()


def dice_of(task: VisitTask) -> random.Random:
    return random.Random(f"{SEED}/{task.loan_id}/{task.rule}/{task.cycle}")  # noqa: S311 (made-up data)


def visit(task: VisitTask, at: datetime, story: Story | None = None) -> VisitReport:
    """One whole visit up to its report, which then waits for review."""
    visitor = visitor_of(task)
    _call(task, visitor, at)
    begun = actions.start_visit(task_id=task.pk, by=visitor, at=at + timedelta(minutes=3))
    draft = answers(task, begun, story or ordinary(task))
    done = at + timedelta(minutes=12 if begun.method == "PHONE" else 55)
    version = _second_signs(task, begun, draft, visitor, at=done)
    return actions.submit_visit(
        task_id=task.pk, version=version, draft=draft, by=visitor, at=done + timedelta(minutes=5)
    )


def visitor_of(task: VisitTask) -> Staff:
    """Who has the task; of one that nobody has, the loan's own officer or the branch's first."""
    found = task.assigned_to or task.loan.portfolio_officer
    return person(found.staff_no if found else names.officers_of(task.branch.code)[0])


def ordinary(task: VisitTask) -> Story:
    """Mostly nothing; of loans that are watched, something."""
    dice = dice_of(task)
    if task.method == "OFF_SITE":
        return Story("NO_CONCERN", "证据已核对，无须处理。")
    if task.level == Level.RED:
        return Story("AT_RISK", concern(dice), measure="PLAN", finding=events.CONFIRMED)
    if task.level < Level.NONE or dice.random() < 0.07:
        return Story("WATCH", concern(dice), measure="PROOF")
    return Story("NO_CONCERN", "资料与系统一致。")


def concern(dice: random.Random) -> str:
    return f"{dice.choice(TOLD)}；{dice.choice(LOOKED_AT)}，{dice.choice(AGREED)}"


def _call(task: VisitTask, visitor: Staff, at: datetime) -> None:
    """The call of a phone visit with its recording; one in ten was not noted."""
    if task.method == "PHONE" and task.pk % 10:
        recording = f"LY{at:%Y%m%d}{task.pk:05d}"
        actions.record_attempt(task_id=task.pk, outcome="REACHED", recording=recording, by=visitor, at=at)


def _second_signs(task: VisitTask, begun: Visit, draft: dict[str, Any], visitor: Staff, *, at: datetime) -> int:
    """Where a second visitor went along, the own opinion; the version to submit."""
    if not draft.get("second_visitor"):
        return begun.version
    kept = actions.save_draft(task_id=task.pk, version=begun.version, draft=draft, by=visitor, at=at)
    if kept.second_visitor is not None:
        actions.sign_opinion(
            task_id=task.pk, version=kept.version, conclusion=draft["conclusion"],
            text="与主办人共同走访，所见一致。", by=kept.second_visitor, at=at,
        )  # fmt: skip
    return kept.version


def answers(task: VisitTask, begun: Visit, story: Story) -> dict[str, Any]:
    """A whole draft that says what the story tells."""
    known = behind(begun.task)
    items = asked_of(begun, known)
    today = begun.started_at.astimezone(SHANGHAI).date()
    given = {
        item["key"]: _answer(item, begun.known, story, today)
        for item in items
        if item["type"] != "system" and (item["required"] or item["key"] in story.now)
    }
    given |= _due(begun, known, given, story, today)
    measure = {
        "code": story.measure, "owner": begun.lead_visitor.staff_no,
        "due_on": (today + timedelta(days=14)).isoformat(), "words": "",
    }  # fmt: skip
    is_field = begun.method == "FIELD"
    return {
        "answers": given,
        "conclusion": story.conclusion,
        "conclusion_text": story.text,
        **({"measures": [measure]} if story.measure else {}),
        "second_visitor": _second_visitor(task, begun) if is_field or task.level == Level.RED else "",
        "photo_exit": "REFUSED" if is_field else "",
        **({"contact_outcome": "REACHED"} if begun.method in checklist.CALLING else {}),
    }


def _answer(item: checklist.Item, known: Mapping[str, Any], story: Story, day: date) -> dict[str, str]:
    told = story.now.get(item["key"])
    if checklist.is_direct(item):
        if events.event_id_of(item["key"]) is not None:
            return {"now": story.finding}
        return {"now": told or str(item.get("normal") or _plain(item, day))}
    if told is not None:
        return {"choice": "CHANGED", "now": told, "verified_by": story.verified_by}
    if known.get(item["before"], {}).get("value", ""):
        return {"choice": "SAME", "verified_by": "ORAL"}
    return {"choice": "UNVERIFIED"}


def _due(begun: Visit, known: Behind, given: Mapping[str, Any], story: Story, day: date) -> dict[str, Any]:
    """Answers that what is said demands besides: date and proof of a change, the lease of a home now let."""
    return {
        item["key"]: _answer(item, begun.known, story, day)
        for item in asked_of(begun, known)
        if item["key"] not in given and checklist.is_due(item, {"answers": given}, begun.method)
    }


def _plain(item: checklist.Item, day: date) -> str:
    if item["type"] == "date":
        return day.isoformat()
    choices: Sequence[Mapping[str, str]] = item["choices"]
    return choices[0]["value"] if choices else "工资发放推迟"


def _second_visitor(task: VisitTask, begun: Visit) -> str:
    if begun.second_visitor is not None:
        return str(begun.second_visitor.staff_no)
    return next(no for no in names.officers_of(task.branch.code) if no != begun.lead_visitor.staff_no)


def reviewer_of(task: VisitTask) -> Staff:
    return person(names.manager_of(task.branch.code))


def prepare(report: VisitReport, at: datetime) -> None:
    """The manager will approve it at that time: its document is set meanwhile."""
    if not report.needs_risk_head:
        prepare_approvals([report], AGREED_WORD, by=reviewer_of(report.visit.task), at=at)


def approve(report: VisitReport, at: datetime, note: str = AGREED_WORD) -> None:
    """By the branch's manager, and of a red one by the risk head after that."""
    task = report.visit.task
    reviewers = [reviewer_of(task), *([person(RISK_HEAD)] if report.needs_risk_head else [])]
    for place, reviewer in enumerate(reviewers):
        actions.approve_report(
            report_id=report.pk, content_sha256=report.content_sha256, note=note, by=reviewer,
            at=at + timedelta(minutes=25 * place),
        )  # fmt: skip


def send_back(report: VisitReport, at: datetime) -> None:
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="NO_EVIDENCE",
        reason="收入佐证缺失，请补充近三个月工资流水的核实情况。", sections=["income"],
        by=reviewer_of(report.visit.task), at=at,
    )  # fmt: skip


def amend(task: VisitTask, at: datetime, now: Mapping[str, str], text: str) -> VisitReport:
    """The second version of a returned report, with what was asked for."""
    visitor = visitor_of(task)
    begun = Visit.objects.get(task=task)
    told = {key: {"choice": "CHANGED", "now": value, "verified_by": "PAYSLIP"} for key, value in now.items()}
    draft = {
        **begun.draft, "answers": {**begun.draft["answers"], **told}, "conclusion": "WATCH", "conclusion_text": text,
    }  # fmt: skip
    draft["answers"] |= _due(begun, behind(task), draft["answers"], Story(), at.astimezone(SHANGHAI).date())
    kept = actions.save_draft(task_id=task.pk, version=begun.version, draft=draft, by=visitor, at=at)
    return actions.submit_visit(task_id=task.pk, version=kept.version, draft=draft, by=visitor, at=at)


def waiting_reports() -> list[VisitReport]:
    """What waits for a decision."""
    found = VisitReport.objects.filter(state=ReportState.SUBMITTED).select_related("visit__task__branch")
    return list(found.order_by("id"))


def tell_results(day: date) -> None:
    """Officers tell their customers what was approved before today; a few only after the limit."""
    waiting = CustomerResult.objects.filter(told__isnull=True, since__lt=day)
    rows = waiting.select_related("task__assigned_to", "task__branch", "task__loan__portfolio_officer")
    for place, result in enumerate(rows.order_by("id")):
        task = result.task
        if dice_of(task).random() > 0.94 and day <= result.tell_by + timedelta(days=2):
            continue
        told_at = at_hour(day, place)
        tell_result(
            task_id=task.pk, channel="FIELD" if task.method == "FIELD" else "PHONE", told_at=told_at,
            words="已告知回访结果和后续安排，客户无异议。", by=visitor_of(task), at=told_at + timedelta(minutes=5),
        )  # fmt: skip


def end_measures(day: date) -> None:
    """What was to be done by today is done, and said so by who had it; one in ten takes some days more."""
    due = Measure.objects.filter(state=MeasureState.OPEN, due_on__lte=day).select_related("owner")
    for measure in due.order_by("id"):
        if measure.pk % 10 or measure.due_on <= day - timedelta(days=5):
            ended_at = clock(day, 17, 30)
            end_measure(measure_id=measure.pk, is_done=True, words="已落实，资料归档。", by=measure.owner, at=ended_at)


def at_hour(day: date, place: int) -> datetime:
    """An hour of a working day for the nth visit of it."""
    return clock(day, 9 + place % 8, 7 * place % 60)
