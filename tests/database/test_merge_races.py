"""A visit and what it does along are locked in one order, whoever asks: nobody waits in a circle (two connections)."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from followups import actions
from followups.actions import merging
from followups.actions import tasks as task_actions
from followups.models import MergedTask, TaskEvent, Visit, VisitTask
from people.models import Staff
from tests.database.test_visit_races import _await_closed_connections
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan, make_branch, make_staff


class Pair:
    """A visit that nobody has, which does along a task that came up before it: the lower id."""

    def __init__(self) -> None:
        branch = make_branch()
        self.officer, self.manager = make_staff("LOAN_OFFICER", branch), make_staff("BRANCH_MANAGER", branch)
        loan = book_loan(branch, self.officer)
        other = book_loan(branch, self.officer, borrower=loan.borrower)
        self.member = make_task(other, self.officer, kind="FIRST", rule="FIRST_60")
        self.lead = make_task(loan, self.officer)
        merging.merge_tasks(lead_id=self.lead.pk, task_ids=[self.member.pk], mode="JOINT", by=self.officer, at=AT)
        VisitTask.objects.update(assigned_to=None)
        assert self.member.pk < self.lead.pk and MergedTask.objects.filter(ended_at=None).count() == 1


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the activity is what it was when it was first looked at.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def beside_who_takes_it_apart(pair: Pair, act: Callable[[], Any]) -> list[Any]:
    """What `act` and a second one returned or raised; the second holds the task and then asks for the visit, as
    `lock_together` does, once the first waits."""
    found: list[Any] = [None, None]
    holds, begun = threading.Event(), threading.Event()

    def apart() -> None:
        try:
            with transaction.atomic():
                task_actions.lock_together([pair.member.pk])
                holds.set()
                begun.wait(30)
                until = time.monotonic() + 10
                while time.monotonic() < until and not waits_for_a_lock():
                    time.sleep(0.02)
                task_actions.lock_together([pair.lead.pk])
                found[1] = "held both"
        except OperationalError as error:
            found[1] = error
        finally:
            connection.close()

    def acts() -> None:
        try:
            holds.wait(30)
            begun.set()
            found[0] = act()
        except OperationalError as error:
            found[0] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=each) for each in (apart, acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    _await_closed_connections()
    return found


def begins(pair: Pair) -> Callable[[], Any]:
    return lambda: actions.start_visit(task_id=pair.lead.pk, by=Staff.objects.get(pk=pair.officer.pk), at=AT)


def tries(pair: Pair) -> Callable[[], Any]:
    return lambda: actions.record_attempt(
        task_id=pair.lead.pk, outcome="NO_ANSWER", by=Staff.objects.get(pk=pair.officer.pk), at=AT
    )


@pytest.mark.parametrize("how", [begins, tries])
def test_who_begins_a_visit_waits_without_holding_what_the_other_needs(fresh_bank: Any, how: Any) -> None:
    pair = Pair()
    made, other = beside_who_takes_it_apart(pair, how(pair))
    assert other == "held both" and not isinstance(made, OperationalError)
    owners = set(VisitTask.objects.values_list("assigned_to", flat=True))
    assert owners == {pair.officer.pk}, "both are given to who took the visit"
    assert TaskEvent.objects.filter(kind="ASSIGNED", task=pair.member).exists()
    assert Visit.objects.count() == (how is begins)


@pytest.mark.parametrize("how, module", [(begins, "visits"), (tries, "attempts")])
def test_with_the_lock_of_the_visit_alone_the_two_wait_in_a_circle(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch, how: Any, module: str
) -> None:
    pair = Pair()
    monkeypatch.setattr(f"followups.actions.{module}.locked_with_members", task_actions.locked_task)
    found = beside_who_takes_it_apart(pair, how(pair))
    assert sum(isinstance(each, OperationalError) and "deadlock" in str(each) for each in found) == 1
