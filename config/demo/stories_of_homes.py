"""What happens to some homes of the demo, and what the bank decides: an area, a development, a policy."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from collateral.actions import propose_area
from collateral.models import AreaRevaluation
from config.area_page import decided
from config.demo import book, contracts
from config.demo.book import clock
from config.demo.stories import answered, fed, fresh, loan_of, officer_of, told
from config.demo.visits import Story, approve, person, visit
from followups.actions.events import record_event
from followups.actions.merging import merge_tasks
from followups.actions.policy import decide_policy, draft_policy, replace_lines, submit_policy
from followups.actions.policy_runs import ask_for_dry_run, work_dry_run
from followups.actions.projects import start_project_visit
from followups.models import VisitTask
from followups.models.policy import FollowUpPolicy
from followups.queries.merging import companions
from followups.queries.policy import lines_of
from followups.rules.default_policy import PERIODIC
from journal.batch import run_pending
from loans.actions import propose_refund
from loans.models import Loan, Position
from people.rules.policy import Line

MAKER, CHECKER, OPERATOR = "R0001", "R0002", "O0001"
Lines = Callable[[Sequence[Line]], list[Line]]


def stalled(day: date) -> None:
    """A feed says that the development stands still: each of its loans gets a visit, one visit answers them all."""
    tasks = fed(dict.fromkeys(book.STALLED_ONES, "项目停工，现场无人（示例）"), "DEVELOPER", "DEVELOPER_STOPPED", day)
    lead = loan_of(book.STALLED_ONES[0])
    start_project_visit(
        loan_id=lead.pk, loan_ids=[task.loan_id for task in tasks], reason="楼盘停工，一次走访，结果共享",
        due_on=max(task.due_on for task in tasks), by=officer_of(lead), at=clock(day, 10),
    )  # fmt: skip


def stalled_visit(day: date) -> None:
    found = VisitTask.objects.filter(loan=loan_of(book.STALLED_ONES[0]), rule="PROJECT", closed_on__isnull=True)
    now = {
        "project_state": "STALLED", "workers_on_site": "NO", "expected_delivery": "2027-12-31",
        "developer_word": "称资金周转困难，正与总包协商复工", "project_progress": "主体封顶，外立面未完成",
    }  # fmt: skip
    text = "现场停工约两个月，开发商称在筹资复工；暂未进入破产程序，按月跟踪，督促落实阶段性担保。"
    story = Story("AT_RISK", text, now, measure="WATCH", verified_by="SITE")
    approve(visit(fresh(found.get()), clock(day, 10), story), clock(day, 17))


def divorced(day: date) -> None:
    """Both contracts of a combination loan stand on one home; its owners divorce, and one talk does for both."""
    loan = Loan.objects.get(external_id=contracts.BANK)
    record_event(
        loan_id=loan.pk, code="MARITAL", happened_on=day, words="客户告知已协议离婚，房屋归女方", source="BORROWER",
        by=officer_of(loan), at=clock(day, 9),
    )  # fmt: skip
    task = answered(loan, day)
    along = [one.pk for one in companions(task, officer_of(loan))]
    if along:
        merge_tasks(lead_id=task.pk, task_ids=along, mode="JOINT", by=officer_of(loan), at=clock(day, 10))


def divorced_visit(day: date) -> None:
    loan = Loan.objects.get(external_id=contracts.BANK)
    task = answered(loan, day)
    now = {
        "marital_change": "YES", "change_cause": "协议离婚", "request": "OTHER", "request_note": "咨询变更共同借款人",
    }  # fmt: skip
    text = "公积金与商业两笔贷款共一套房，离婚协议约定房屋和债务归女方；已告知未经银行同意不免除男方责任。"
    approve(visit(task, clock(day, 10), Story("WATCH", text, now, measure="PROOF")), clock(day, 17))


def tenant(day: date) -> None:
    """A home lent on as own use has a tenant."""
    task = told(book.TENANT, "LET", day, "物业反映该户已出租半年")
    text = "登记为自住，现由承租人居住，月租4200元；借款人称随单位外派，已说明用途变化需报备。"
    story = Story("WATCH", text, {"occupancy": "LET", "change_cause": "工作外派"}, measure="NOTICE", verified_by="SITE")
    approve(visit(task, clock(day, 14), story), clock(day, 17))


def seized(day: date) -> None:
    """The court feed of the morning; the way there and the report the same day."""
    (task,) = fed({book.SEIZED: "（示例）抵押房屋被首封"}, "COURT", "SEIZED", day)
    text = "房屋因借款人经营债务被首封；已见到查封裁定，借款人仍按期还款，建议启动法律程序并暂停新增授信。"
    now = {"change_cause": "民间借贷纠纷", "repayment_intention": "DIFFICULT"}
    story = Story("AT_RISK", text, now, measure="LEGAL")
    approve(visit(task, clock(day, 11), story), clock(day, 16))


def prices_fell(day: date) -> None:
    propose_area(
        district=book.AREA, change_percent=Decimal("-12.00"), valued_on=day, source="江城房价监测（示例）2026年10月",
        by=person(CHECKER), at=clock(day, 15),
    )  # fmt: skip


def prices_applied(day: date) -> None:
    area = AreaRevaluation.objects.get(district=book.AREA)
    decided(area, approve=True, note="同意重估。", by=person(MAKER), at=clock(day, 9))
    run_pending(at=clock(day, 9, 5))


def waiting(day: date) -> None:
    """Decisions that wait for the second person: a smaller area, and money that was paid twice."""
    propose_area(
        district="高新区", change_percent=Decimal("-4.50"), valued_on=day, source="江城房价监测（示例）2026年10月",
        by=person(MAKER), at=clock(day, 16),
    )  # fmt: skip
    held = Position.objects.filter(suspense__gt=0, settled_on__isnull=True).order_by("loan_id").first()
    if held is not None:
        propose_refund(
            loan_id=held.loan_id, amount=held.suspense, reason="客户重复还款，申请退回原账户", by=person(OPERATOR),
            at=clock(day, 16),
        )  # fmt: skip


# ── Policy ───────────────────────────────────────────────────────────────────────────────────────


def second_policy(day: date) -> None:
    """Version 2: large loans begin at 2.5 million; tried on the book, approved by the other risk manager."""
    policy = _draft(1, date(2026, 10, 20), "大额标准由300万元降至250万元", _smaller_large, day)
    submitted = submit_policy(policy_id=policy.pk, row_version=policy.row_version, by=person(MAKER), at=clock(day, 11))
    decide_policy(
        policy_id=policy.pk, approve=True, content_sha256=submitted.content_sha256, remark="试算增加可承受，同意。",
        by=person(CHECKER), at=clock(day, 15),
    )  # fmt: skip


def third_draft(day: date) -> None:
    """Version 3, a draft with its dry run: young loans twice a year."""
    _draft(2, date(2026, 12, 1), "账龄不满24个月的改为每半年一次", _young_twice, day)


def _draft(based_on: int, from_on: date, purpose: str, changed: Lines, day: date) -> FollowUpPolicy:
    by, at = person(MAKER), clock(day, 10)
    policy = draft_policy(based_on=based_on, purpose=purpose, from_on=from_on, by=by, at=at)
    policy = replace_lines(
        policy_id=policy.pk, row_version=policy.row_version, lines=changed(lines_of(policy)), by=by, at=at
    )
    run = ask_for_dry_run(policy_id=policy.pk, by=by, at=at)
    while work_dry_run(run_id=run.pk, at=at):
        pass
    return FollowUpPolicy.objects.get(pk=policy.pk)


def _smaller_large(lines: Sequence[Line]) -> list[Line]:
    return [
        replace(line, conditions=tuple(
            replace(one, value="2500000.00") if one.fact == "principal_original" else one for one in line.conditions
        ), note=line.note.replace("300万元", "250万元"))
        for line in lines
    ]  # fmt: skip


def _young_twice(lines: Sequence[Line]) -> list[Line]:
    return [
        replace(line, result={**line.result, "months": 6}, note=line.note.replace("每年一次", "每半年一次"))
        if line.kind == PERIODIC and line.result.get("tier") == "YOUNG" else line
        for line in lines
    ]  # fmt: skip
