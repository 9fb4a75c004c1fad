"""A policy line chooses what its visit asks beside the usual and the role of who may be given it (S1.20, S2.13)."""

from dataclasses import replace
from typing import Any

import pytest

from followups import actions, batch
from followups.actions.policy_refusals import PolicyNotFit
from followups.actions.policy_runs import ask_for_dry_run
from followups.batch import assigning, planning
from followups.models import VisitTask
from followups.models.policy import PolicyRun
from followups.policy_wording import finding_words, result_words
from followups.queries.events import items_of
from followups.queries.policy import findings_of, lines_of
from followups.rules.checklist import missing
from followups.rules.default_policy import OVERDUE, PERIODIC
from followups.rules.policy_check import is_fit
from followups.wording import why, why_lines
from people.actions import ROLES
from people.models import Role
from people.rules.policy import Line
from tests.database.policy_bank import drafted, risk_people, try_out
from tests.database.test_replan import AT, DAY, replan
from tests.factories import book_loan, make_branch, make_staff

CHOICE = {"checklist": "CAPACITY", "role": "SPECIALIST"}


@pytest.fixture
def bank(db: None) -> dict[str, Any]:
    """A branch with an officer and a specialist, who has a role of the bank's own beside the usual one.

    Lots are drawn by the number of the loan, so it is the same in every run.
    """
    branch = make_branch()
    permissions = next(list(names) for code, _name, _scope, names in ROLES if code == "LOAN_OFFICER")
    role = Role.objects.create(code="SPECIALIST", name="贷后专员", scope="BRANCH", permissions=permissions)
    officer, specialist = (make_staff("LOAN_OFFICER", branch) for _n in range(2))
    specialist.roles.add(role)
    loan = book_loan(branch, officer, days_past_due=40, loan_note_no="ML000120240322000003")
    return {"branch": branch, "officer": officer, "specialist": specialist, "loan": loan}


def chosen(monkeypatch: pytest.MonkeyPatch, *kinds: str, **more: str) -> None:
    """The policy in force, in which every line of some kinds chooses."""
    before = batch.policy_in_force(DAY)
    lines = tuple(
        replace(line, result={**line.result, **CHOICE, **more}) if line.kind in kinds else line
        for line in before.lines
    )  # fmt: skip
    monkeypatch.setattr(planning, "policy_in_force", lambda as_of: replace(before, lines=lines))


# S1.20, S2.13
def test_a_line_chooses_the_checklist_and_who_may_be_given_the_visit(
    bank: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, OVERDUE)
    replan()
    task = VisitTask.objects.get(kind="IRREGULAR")
    assert (task.checklist, task.role, task.assigned_to) == ("CAPACITY", "SPECIALIST", None)
    assert "清单：偿债能力加查；须由贷后专员办理" in why(task)
    assert why_lines(task)[-1].startswith("策略 v1 第 13 行")
    assert VisitTask.objects.get(kind="PERIODIC").assigned_to == bank["officer"]
    assigning.assign_unassigned(as_of=DAY, at=AT)
    task.refresh_from_db()
    assert task.assigned_to == bank["specialist"]


# S2.13
def test_who_has_not_the_role_is_given_the_visit_by_nobody(
    bank: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, OVERDUE)
    replan()
    task = VisitTask.objects.get(kind="IRREGULAR")
    manager = make_staff("BRANCH_MANAGER", bank["branch"])
    before = VisitTask.objects.values().get(pk=task.pk)
    asked: dict[str, Any] = {"task_id": task.pk, "at": AT}
    with pytest.raises(actions.WrongOfficer, match="贷后专员"):
        actions.assign(officer=bank["officer"], reason="管户客户经理", by=manager, **asked)
    with pytest.raises(actions.WrongOfficer):
        actions.start_visit(by=bank["officer"], **asked)
    assert VisitTask.objects.values().get(pk=task.pk) == before
    actions.assign(officer=bank["specialist"], reason="按策略", by=manager, **asked)


# S1.20
@pytest.mark.parametrize("code", ["", "CAPACITY"])
def test_the_form_asks_what_the_line_chose_and_wants_it_answered(bank: dict[str, Any], code: str) -> None:
    task = VisitTask.objects.create(
        loan=bank["loan"], branch=bank["branch"], assigned_to=bank["officer"], kind="FIRST", rule="FIRST_90", cycle="1",
        method="PHONE", opens_on=DAY, due_on=DAY, policy_version=1, policy_line=1, created_on=DAY, checklist=code,
    )  # fmt: skip
    visit = actions.start_visit(task_id=task.pk, by=bank["officer"], at=AT)
    items = items_of(task, visit)
    asked = {item["key"] for item in items}
    capacity = {"employer", "post", "monthly_income", "other_monthly_debt", "guarantees_given"}
    assert capacity <= asked if code else not capacity & asked
    assert capacity <= set(missing(items, visit.draft, method="PHONE")) or not code
    assert {"fund_arrived", "occupancy"} <= asked


# S2.13
def test_a_worse_line_takes_the_visit_from_who_has_not_its_role(
    bank: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    replan()
    task = VisitTask.objects.get(kind="PERIODIC")
    assert (task.assigned_to, task.role) == (bank["officer"], "")
    VisitTask.objects.filter(pk=task.pk).update(due_on=DAY.replace(year=2028))
    chosen(monkeypatch, PERIODIC)
    replan(loan_ids=[bank["loan"].pk])
    task.refresh_from_db()
    assert (task.assigned_to, task.checklist, task.role) == (None, "CAPACITY", "SPECIALIST")
    assert task.due_on < DAY.replace(year=2028)


def choosing(line: Line) -> Line:
    return replace(line, result={**line.result, **CHOICE}) if line.kind == PERIODIC else line


# S2.12, S2.13
def test_the_dry_run_names_the_loans_whose_next_visit_is_chosen_otherwise(bank: dict[str, Any]) -> None:
    book_loan(bank["branch"], bank["officer"], loan_note_no="ML000120240322000011")
    maker, _checker = risk_people()
    run = try_out(drafted(maker, choosing), maker)
    # The one in arrears has its irregular visit first, of which the draft says nothing.
    assert run.summary["changes"] == {"ASKS": 1}


# S2.12
def test_a_role_that_makes_no_visits_is_found_while_drafting(bank: dict[str, Any]) -> None:
    maker, _checker = risk_people()
    policy = drafted(maker, choosing)
    assert is_fit(findings_of(policy))
    Role.objects.filter(code="SPECIALIST").update(permissions=["loans.view"])
    wrong = [finding for finding in findings_of(policy) if finding.code == "ROLE"]
    assert len(wrong) == 10 and finding_words(wrong[0]) == "第 17 行：没有办理回访的岗位“SPECIALIST”。"
    with pytest.raises(PolicyNotFit):
        ask_for_dry_run(policy_id=policy.pk, by=maker, at=AT)
    assert not PolicyRun.objects.exists()
    assert result_words(lines_of(policy)[18])[0].endswith("，偿债能力加查，岗位SPECIALIST")
