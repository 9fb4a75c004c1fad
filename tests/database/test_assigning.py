"""New follow-ups that nobody has go to who the rule proposes (S2.13)."""

from datetime import timedelta

import pytest

from followups.batch.assigning import assign_unassigned
from followups.models import TaskEvent, VisitTask
from loans.models import BusinessDate
from people.actions.leave import enter_leave
from people.models import Certificate
from tests.factories import AT
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
