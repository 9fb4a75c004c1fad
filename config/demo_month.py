"""October 2026 at the demo bank: receipts, day ends, and visits made through the officers' own actions."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from config import day_end
from config.demo_book import BUSINESS_DATE, SEED, TAPE_DAY, TOUR_OFFICER, clock
from config.receipts_made import make_receipts
from followups import actions
from followups.models import Level, TaskState, Visit, VisitTask
from followups.queries.form import asked_of
from followups.rules import checklist
from loans.actions import ReceiptRow, post_receipts
from people.models import Role, Staff

VISIT_DAYS = (date(2026, 10, 15), date(2026, 10, 22), date(2026, 10, 29))
VISITS_A_DAY = 12
VISITS_OF_TOUR = 4
RISK_HEAD = "R0001"
# What officers write of a concern; the last two differ in a comma.
CONCERNS = (
    "客户表示近期收入下降，已约定按期还款并留意后续流水。",
    "单位效益不好，奖金停发；配偶仍有固定工资，本期已还。",
    "客户转做个体，流水不稳定，答应下月提供三个月的银行流水。",
    "逾期因工资卡更换，客户当场补足，已提醒绑定新卡自动扣款。",
    "家中老人住院支出增加，暂时靠存款还款，观察两个还款日。",
    "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次。",
    "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次",
)


def live_through(*, say: Callable[[str], None]) -> None:
    """Runs the month day by day up to the open business date; deterministic."""
    dice = random.Random(SEED + 1)  # noqa: S311 (made-up data)
    day = TAPE_DAY + timedelta(days=1)
    money: dict[date, list[ReceiptRow]] = defaultdict(list)
    for line in make_receipts(open_day=day, through=BUSINESS_DATE - timedelta(days=1), seed=SEED):
        money[line.value_on].append(ReceiptRow(**{**line._asdict(), "amount": Decimal(line.amount)}))
    while day < BUSINESS_DATE:
        if day in VISIT_DAYS:
            say(f"visits of {day}")
            _visits_of(day, dice)
        if money[day]:
            post_receipts(rows=money[day], by="system", at=clock(day, 18))
        day_end.run(through=day, at_clock=partial(clock, day, 21))
        day += timedelta(days=1)


def _visits_of(day: date, dice: random.Random) -> None:
    tasks = (
        VisitTask.objects.filter(state=TaskState.PLANNED, is_light=False, assigned_to__isnull=False)
        .exclude(method="OFF_SITE")
        .select_related("assigned_to", "branch", "loan")
        .order_by("level", "due_on", "id")
    )
    for turn, task in enumerate(_chosen(tasks)):
        visitor = task.assigned_to
        assert visitor is not None
        _call(task, visitor, turn, day)
        visit = actions.start_visit(task_id=task.pk, by=visitor, at=clock(day, 9 + turn % 6, 5))
        draft = _answers(task, visit, dice, turn)
        if turn % 6 == 5 and day == VISIT_DAYS[-1]:
            actions.save_draft(
                task_id=task.pk, version=visit.version, draft=draft, by=visitor, at=clock(day, 10 + turn % 6)
            )
            continue
        version = _second_signs(task, visit, draft, visitor, at=clock(day, 10 + turn % 6))
        report = actions.submit_visit(
            task_id=task.pk, version=version, draft=draft, by=visitor, at=clock(day, 10 + turn % 6, 20)
        )
        _review(task, report, turn, last=day == VISIT_DAYS[-1], day=day)


def _call(task: VisitTask, visitor: Staff, turn: int, day: date) -> None:
    """The call of a phone visit with its recording; every fifth was not noted."""
    if task.method == "PHONE" and turn % 5:
        actions.record_attempt(
            task_id=task.pk,
            outcome="REACHED",
            recording=f"LY{day:%Y%m%d}{task.pk:05d}",
            by=visitor,
            at=clock(day, 9 + turn % 6, 2),
        )


def _second_signs(task: VisitTask, visit: Visit, draft: dict[str, Any], visitor: Staff, *, at: datetime) -> int:
    """Where a second visitor went along, the own opinion; the version to submit."""
    if not draft.get("second_visitor"):
        return visit.version
    kept = actions.save_draft(task_id=task.pk, version=visit.version, draft=draft, by=visitor, at=at)
    second = kept.second_visitor
    if second is not None:
        text = "与主办人共同走访，所见一致。"
        actions.sign_opinion(
            task_id=task.pk, version=kept.version, conclusion=draft["conclusion"], text=text, by=second, at=at
        )
    return kept.version


def _chosen(tasks: Iterable[VisitTask]) -> list[VisitTask]:
    """A day's visits: some of the tour's officer, who keeps the red one for the tour, and some of the others."""
    own, others = [], []
    for task in tasks:
        if task.assigned_to is not None and task.assigned_to.staff_no == TOUR_OFFICER:
            if task.level != Level.RED:
                own.append(task)
        else:
            others.append(task)
    return own[:VISITS_OF_TOUR] + others[: VISITS_A_DAY - VISITS_OF_TOUR]


def _review(task: VisitTask, report: Any, turn: int, *, last: bool, day: date) -> None:
    """Most reports are approved; of the last day some wait and one comes back."""
    manager = Staff.objects.get(branch=task.branch, roles=Role.objects.get(code="BRANCH_MANAGER"))
    if last and turn == 0:
        actions.return_report(
            report_id=report.pk,
            content_sha256=report.content_sha256,
            code="NO_EVIDENCE",
            reason="收入佐证缺失，请补充近三个月工资流水的核实情况。",
            sections=["income"],
            by=manager,
            at=clock(day, 16, 30),
        )
        return
    if last and turn % 3 != 0:
        return
    reviewers = [manager, Staff.objects.get(staff_no=RISK_HEAD)] if report.needs_risk_head else [manager]
    for place, reviewer in enumerate(reviewers):
        actions.approve_report(
            report_id=report.pk,
            content_sha256=report.content_sha256,
            note="同意。",
            by=reviewer,
            at=clock(day, 16 + place, turn),
        )


def _answers(task: VisitTask, visit: Any, dice: random.Random, turn: int) -> dict[str, Any]:
    items = asked_of(visit)
    halved = dice.random() < 0.3
    answers = {
        item["key"]: _answer(item, visit.known, halved)
        for item in items
        if item["type"] != "system" and item["required"]
    }
    concerned = halved or task.level < Level.NONE
    measure = {
        "code": "PLAN" if task.level == Level.RED else "PROOF",
        "owner": visit.lead_visitor.staff_no,
        "due_on": (BUSINESS_DATE + timedelta(days=11)).isoformat(),
        "words": "",
    }
    return {
        "answers": answers,
        "conclusion": "AT_RISK" if task.level == Level.RED else "WATCH" if concerned else "NO_CONCERN",
        "conclusion_text": CONCERNS[turn % len(CONCERNS)] if concerned else "资料与系统一致。",
        **({"measures": [measure]} if concerned else {}),
        "second_visitor": _second_visitor(task, visit.lead_visitor) if visit.method == "FIELD" else "",
        "photo_exit": "REFUSED" if visit.method == "FIELD" else "",
        "contact_outcome": "REACHED",
    }


def _answer(item: checklist.Item, known: Mapping[str, Any], halved: bool) -> dict[str, str]:
    if checklist.is_direct(item):
        return {"now": str(item.get("normal") or _plain(item))}
    before = known.get(item["before"], {}).get("value", "")
    if item["key"] == "monthly_income" and before and halved:
        whole = int(str(before).partition(".")[0])
        return {"choice": "CHANGED", "now": f"{whole * 6 // 10}.00", "verified_by": "PAYSLIP"}
    if before:
        return {"choice": "SAME", "verified_by": "ORAL"}
    return {"choice": "UNVERIFIED"}


def _plain(item: checklist.Item) -> str:
    if item["type"] == "date":
        return BUSINESS_DATE.isoformat()
    choices: Sequence[Mapping[str, str]] = item["choices"]
    return choices[0]["value"] if choices else "工资发放推迟"


def _second_visitor(task: VisitTask, visitor: Staff) -> str:
    other = (
        Staff.objects.filter(branch=task.branch, roles__code="LOAN_OFFICER")
        .exclude(pk=visitor.pk)
        .order_by("staff_no")
        .first()
    )
    return other.staff_no if other else ""
