"""New follow-ups that nobody has go to who the rule proposes (S2.13)."""

from datetime import timedelta

import pytest

from followups import actions, batch
from followups.actions import handover
from followups.actions.desk_batch import name_second
from followups.actions.events import record_event
from followups.actions.merging import merge_tasks
from followups.batch.answering import answer_events
from followups.batch.assigning import assign_unassigned
from followups.models import MergeMode, TaskEvent, VisitTask
from loans.models import BusinessDate, Loan
from people.actions.leave import enter_leave
from people.models import Certificate, Staff
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    """Nobody has the home task, and its loan has no officer."""
    bank = make_bank()
    VisitTask.objects.filter(pk=bank.tasks["home"].pk).update(assigned_to=None)
    type(bank.loans["home"]).objects.filter(pk=bank.loans["home"].pk).update(portfolio_officer=None)
    return bank


def given(bank: Bank) -> VisitTask:
    return VisitTask.objects.get(pk=bank.tasks["home"].pk)


def test_an_unassigned_task_goes_to_who_has_room_with_why(bank: Bank) -> None:
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 1
    task = given(bank)
    event = TaskEvent.objects.filter(task=task).latest("id")
    assert task.assigned_to is not None and task.assigned_to.branch == bank.home
    assert (event.kind, event.actor, event.data["to"]) == ("ASSIGNED", "system", task.assigned_to.staff_no)
    assert event.data["why"][0] in ("LEAST_LOAD", "TERRITORY") and "NOT_CERTIFIED" in event.data["why"]
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 0
    assert TaskEvent.objects.filter(task=task).latest("id") == event


def test_who_is_away_gets_nothing_new(bank: Bank) -> None:
    for who, other in (("officer", "colleague"), ("colleague", "officer")):
        VisitTask.objects.filter(pk=bank.tasks["home"].pk).update(assigned_to=None)
        staff = bank.staff[who]
        leave = enter_leave(staff=staff, first=TODAY, last=TODAY, deputy=None, reason="病假", by=staff, at=AT)
        assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 1
        assert given(bank).assigned_to == bank.staff[other]
        type(leave).objects.filter(pk=leave.pk).update(cancelled_at=AT)


def test_after_the_warning_period_only_the_certified_are_given_work(bank: Bank) -> None:
    BusinessDate.objects.create(day=TODAY - timedelta(days=90), is_open=False, opened_at=AT, closed_at=AT)
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 0 and given(bank).assigned_to is None
    valid = (TODAY - timedelta(days=1), TODAY + timedelta(days=300))
    Certificate.objects.create(staff=bank.staff["colleague"], code="VISITS", valid=valid)
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 1 and given(bank).assigned_to == bank.staff["colleague"]


# Who approved the loan is never its only visitor


def fresh(staff: Staff) -> Staff:
    return Staff.objects.get(pk=staff.pk)


def approved_by(bank: Bank, who: str) -> Staff:
    Loan.objects.filter(pk=bank.loans["home"].pk).update(approver=bank.staff[who])
    return fresh(bank.staff[who])


@pytest.mark.parametrize("who", ["officer", "colleague"])
def test_who_approved_the_loan_is_not_given_its_visit(bank: Bank, who: str) -> None:
    """Either of the two who could; both have as little to do, so that without the rule one of them would get it."""
    approved_by(bank, who)
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 1
    assert given(bank).assigned_to == bank.staff["colleague" if who == "officer" else "officer"]


def test_where_only_the_approver_is_left_nobody_is_given_it(bank: Bank) -> None:
    approved_by(bank, "colleague")
    Staff.objects.filter(pk=bank.staff["officer"].pk).update(is_active=False)
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] == 0
    assert given(bank).assigned_to is None


def test_the_approver_is_no_independent_second_visitor(bank: Bank) -> None:
    approved_by(bank, "colleague")
    task = given(bank)
    VisitTask.objects.filter(pk=task.pk).update(assigned_to=bank.staff["officer"], method="FIELD")
    assert assign_unassigned(as_of=TODAY, at=AT) == {"assigned": 0, "seconds": 0}
    assert given(bank).proposed_second is None


def test_the_planner_gives_an_approver_no_visit_of_the_own_portfolio() -> None:
    bank = make_bank()
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    loan = book_loan(bank.home, officer=officer, days_past_due=40)
    light = book_loan(bank.home, officer=officer, days_past_due=2)
    Loan.objects.filter(pk__in=[loan.pk, light.pk]).update(approver=officer)
    ids = [loan.pk, light.pk]
    batch.replan(as_of=TODAY, at=AT, loan_ids=ids)
    record_event(
        loan_id=light.pk, code="NEW_DEBT", happened_on=TODAY, words="客户来电告知新增负债", by=fresh(officer), at=AT
    )
    answer_events(as_of=TODAY, at=AT, loan_ids=ids)
    made = VisitTask.objects.filter(loan_id__in=ids)
    assert set(made.filter(is_light=False).values_list("assigned_to", flat=True)) == {None}
    assert list(made.filter(is_light=True).values_list("assigned_to", flat=True)) == [officer.pk]
    assign_unassigned(as_of=TODAY, at=AT)
    field = made.get(rule="OVERDUE_31")
    assert (field.method, field.assigned_to, field.proposed_second) == ("FIELD", officer, colleague)
    told = made.get(rule__startswith="EVENT")
    assert (told.method, told.assigned_to, told.proposed_second) == ("PHONE", colleague, None)


def test_the_approver_is_not_given_a_visit_by_hand_unless_somebody_goes_along(bank: Bank) -> None:
    manager, approver = fresh(bank.staff["manager"]), approved_by(bank, "colleague")
    task = given(bank)
    before, told = task.version, TaskEvent.objects.count()
    with pytest.raises(actions.WrongOfficer, match="由colleagu审批，不能由其一人回访"):
        actions.assign(task_id=task.pk, officer=approver, reason="代为回访", by=manager, at=AT)
    with pytest.raises(actions.WrongOfficer, match="不能由其一人回访"):
        actions.claim(task_id=task.pk, by=approver, at=AT)
    task = given(bank)
    assert (task.assigned_to, task.version, TaskEvent.objects.count()) == (None, before, told)
    name_second(task_id=task.pk, second=fresh(bank.staff["officer"]), by=manager, at=AT)
    assert (
        actions.assign(task_id=task.pk, officer=approver, reason="代为回访", by=manager, at=AT).assigned_to == approver
    )


def test_the_approver_may_lead_where_two_have_to_go(bank: Bank) -> None:
    approver = approved_by(bank, "colleague")
    VisitTask.objects.filter(pk=bank.tasks["home"].pk).update(method="FIELD")
    assert actions.claim(task_id=bank.tasks["home"].pk, by=approver, at=AT).assigned_to == approver


def test_a_visit_is_not_merged_into_one_that_the_approver_makes_alone(bank: Bank) -> None:
    officer, manager = approved_by(bank, "officer"), fresh(bank.staff["manager"])
    task = given(bank)
    lead = VisitTask.objects.create(
        loan=book_loan(bank.home, officer=officer, borrower=bank.loans["home"].borrower), branch=bank.home,
        kind="PERIODIC", rule="PERIODIC", cycle="0001", method="PHONE", opens_on=task.opens_on, due_on=task.due_on,
        assigned_to=officer, policy_version=1, policy_line=1, created_on=TODAY,
    )  # fmt: skip
    with pytest.raises(actions.WrongOfficer, match="由officer审批"):
        merge_tasks(lead_id=lead.pk, task_ids=[task.pk], mode=MergeMode.JOINT, by=manager, at=AT)
    assert given(bank).assigned_to is None


def test_what_is_handed_over_to_the_approver_waits_for_the_evening() -> None:
    bank = make_bank()
    colleague, manager = approved_by(bank, "colleague"), fresh(bank.staff["manager"])
    people = {"officer": fresh(bank.staff["officer"]), "receivers": [colleague]}
    sha256 = handover.preview(**people, by=manager).sha256
    handover.hand_over(**people, sha256=sha256, reason="离职移交", by=manager, at=AT)
    task = given(bank)
    assert (Loan.objects.get(pk=bank.loans["home"].pk).portfolio_officer, task.assigned_to) == (colleague, None)
    assert TaskEvent.objects.filter(task=task).latest("id").data["to"] == ""
    assign_unassigned(as_of=TODAY, at=AT)
    assert given(bank).assigned_to == bank.staff["officer"]
