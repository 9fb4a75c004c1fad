"""What the last approved visit found is a fact that policy lines may name, in the evening and in a dry run (S2.10)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from followups import batch
from followups.actions import merging, submit_visit
from followups.actions.policy import decide_policy, replace_lines
from followups.models import FollowUpPolicy, VisitReport, VisitTask
from followups.models.policy import PolicyRunLoan
from followups.queries.events import items_of
from followups.queries.last_reports import last_reports
from followups.queries.policy import findings_of, lines_of
from followups.rules.default_policy import FIRST_METHOD, LINES, PERIODIC
from followups.rules.plan import Facts, plan
from followups.wording import why_lines
from loans.rules.calendar import Calendar
from people.models import Staff
from people.rules.policy import Condition, Line
from risk.models import Score
from tests.database.policy_bank import FROM, drafted, risk_people, try_out
from tests.database.test_policy import submitted
from tests.database.test_visits import Road, changed, filled, make_task
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

AT_RISK = Condition("last_conclusion", "=", "AT_RISK")
UNVISITED = Condition("last_conclusion", "is_missing", None)


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def at_risk(road: Road) -> VisitReport:
    measure = {"code": "NOTICE", "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": "补充收入证明"}
    return road.submit(
        monthly_income=changed("8000.00"), conclusion="AT_RISK", conclusion_text="收入下降，已核对流水，约定下月复查。",
        measures=[measure],
    )  # fmt: skip


def approved(road: Road) -> None:
    road.approve(at_risk(road))


def with_tier(*conditions: Condition, months: int = 2) -> Callable[[Line], Line]:
    """The first tier of the policy is one for what the last visit found."""
    first = next(line.number for line in LINES if line.kind == PERIODIC)

    def change(line: Line) -> Line:
        if line.number != first:
            return line
        return replace(line, conditions=conditions, result={**line.result, "tier": "FOUND", "months": months},
                       note="上次回访存在风险：每两个月")  # fmt: skip

    return change


def in_force(maker: Staff, checker: Staff, change: Callable[[Line], Line]) -> FollowUpPolicy:
    policy = submitted(maker, change)
    decide_policy(policy_id=policy.pk, approve=True, content_sha256=policy.content_sha256, by=checker, at=AT)
    return policy


def test_what_the_last_approved_report_said_is_read_with_its_score(road: Road) -> None:
    assert last_reports([road.loan.pk]) == {}
    report = at_risk(road)
    assert last_reports([road.loan.pk]) == {}, "what is under review says nothing yet"
    road.approve(report)
    (found,) = last_reports([road.loan.pk]).values()
    assert found == ("AT_RISK", Score.objects.get(report_id=report.pk).points)


def test_a_visit_made_along_with_another_has_that_ones_conclusion(road: Road) -> None:
    other = book_loan(road.branch, road.officer, borrower=road.loan.borrower)
    member = make_task(other, road.officer, kind="FIRST", rule="FIRST_60", due_on=road.task.due_on)
    merging.merge_tasks(lead_id=road.task.pk, task_ids=[member.pk], mode="JOINT", by=road.officer, at=AT)
    visit = road.start()
    draft = filled(visit)
    for item in items_of(VisitTask.objects.get(pk=road.task.pk), visit):
        if item["required"] and item["key"] not in draft["answers"]:
            draft["answers"][item["key"]] = {"now": item.get("normal", "无")}
    report = submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    road.approve(report)
    found = last_reports([road.loan.pk, other.pk])
    assert found[other.pk] == ("NO_CONCERN", None) and found[road.loan.pk].conclusion == "NO_CONCERN"
    assert found[road.loan.pk].score is not None


def test_a_visit_that_ended_at_risk_shortens_the_cycle_and_says_why(road: Road) -> None:
    other = book_loan(road.branch, road.officer)
    approved(road)
    batch.replan(as_of=date(2026, 11, 1), at=AT)
    before = dict(VisitTask.objects.filter(kind="PERIODIC").values_list("loan_id", "due_on"))
    in_force(*risk_people(), with_tier(AT_RISK))
    batch.replan(as_of=FROM, at=AT)
    after = {task.loan_id: task for task in VisitTask.objects.filter(kind="PERIODIC", closed_on=None)}
    assert after[road.loan.pk].due_on < before[road.loan.pk]
    assert after[road.loan.pk].due_on <= FROM + timedelta(days=75)
    assert any("上次回访结论" in line and "存在风险" in line for line in why_lines(after[road.loan.pk]))
    assert after[other.pk].due_on == before[other.pk]


@pytest.mark.parametrize("line, holds", [
    (Condition("visit_score", "<", 101), True),
    (Condition("visit_score", "is_missing", None), False),
    (Condition("last_conclusion", "in", ["WATCH", "AT_RISK"]), True),
    (UNVISITED, False),
])  # fmt: skip
def test_a_dry_run_knows_what_only_the_draft_asks(road: Road, line: Condition, holds: bool) -> None:
    approved(road)
    batch.replan(as_of=date(2026, 11, 1), at=AT)
    maker, _checker = risk_people()
    if line.value == 101:
        line = Condition("visit_score", "<=", 100)
    run = try_out(drafted(maker, with_tier(line)), maker)
    assert PolicyRunLoan.objects.filter(run=run, loan_id=road.loan.pk, change="EARLIER").exists() == holds


def test_a_dry_run_looks_up_the_areas_that_only_the_draft_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    branch = make_branch()
    loan = book_loan(branch, make_staff("LOAN_OFFICER", branch))
    batch.replan(as_of=date(2026, 11, 1), at=AT)
    (case,) = batch.cases_of([loan.pk], batch.planning_day(date(2026, 11, 1), AT))
    volatile = {case.facts.district: Decimal("12.0")}
    monkeypatch.setattr("followups.batch.planning.area_volatilities", lambda as_of: volatile)
    maker, _checker = risk_people()
    run = try_out(drafted(maker, with_tier(Condition("area_volatility", ">=", "10"))), maker)
    assert PolicyRunLoan.objects.filter(run=run, loan_id=loan.pk, change="EARLIER").exists()


@pytest.mark.parametrize("level, code", [("ORANGE", 2), ("NONE", 9), (None, 9)])
def test_a_line_sets_the_priority_of_the_first_talk_alone(level: str | None, code: int) -> None:
    more = {} if level is None else {"level": level}
    lines = [replace(line, result={**line.result, **more}) if line.kind == FIRST_METHOD else line for line in LINES]
    today = date(2026, 11, 1)
    facts = Facts(
        loan_id=1, sample_key="ML1", disbursed_on=today, matures_on=date(2046, 11, 1), grade="MEDIUM",
        principal_original=Decimal(1_000_000), principal_balance=Decimal(1_000_000), is_owner_occupied=True,
        is_delivered=True,
    )  # fmt: skip
    found = {each.rule: each.level for each in plan(facts, lines, Calendar({}), today)}
    assert found == {"FIRST_30": 9, "FIRST_60": code, "FIRST_90": 9}


def test_a_draft_with_an_unknown_conclusion_is_found_while_drafting(road: Road) -> None:
    maker, _checker = risk_people()
    policy = drafted(maker)
    lines = [with_tier(Condition("last_conclusion", "=", "FINE"))(line) for line in lines_of(policy)]
    policy = replace_lines(policy_id=policy.pk, row_version=policy.row_version, lines=lines, by=maker, at=AT)
    assert any(found.code == "VALUE" for found in findings_of(policy))
