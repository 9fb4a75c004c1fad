"""Two people at once: exactly one wins, the other is told; with the locks off the database still refuses."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import QuerySet

from followups import actions, report_pdf
from followups.actions import refusals
from followups.models import EventKind, ReportState, TaskEvent, VisitReport
from journal.errors import ActionRefused
from journal.models import Entry
from tests.database.test_visits import Road, filled
from tests.factories import AT, make_staff


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Runs the calls in threads with connections of their own; what each returned or raised."""
    gate = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(30)
            found[place] = call()
        except (ActionRefused, DatabaseError) as error:
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    _await_closed_connections()
    return found


def _await_closed_connections() -> None:
    """A closed connection's backend takes a moment to go; the bank cannot be dropped before."""
    until = time.monotonic() + 5
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            if cursor.fetchone() == (1,):
                return
            time.sleep(0.02)


def approvals(road: Road, report: VisitReport) -> list[Callable[[], Any]]:
    others = [road.manager, make_staff("BRANCH_MANAGER", road.branch, "沈一")]
    return [lambda who=who: road.approve(report, by=who) for who in others]  # type: ignore[misc]


def test_of_two_approvals_at_once_exactly_one_wins(fresh_bank: Any) -> None:
    road = Road()
    report = road.submit()
    found = at_once(*approvals(road, report))
    assert sum(isinstance(each, VisitReport) for each in found) == 1
    assert sum(isinstance(each, refusals.AlreadyDecided) for each in found) == 1
    assert TaskEvent.objects.filter(task=road.task, kind=EventKind.APPROVED).count() == 1
    assert Entry.objects.filter(kind="followups.report_approved").count() == 1


def test_approval_and_return_at_once_leave_one_decision(fresh_bank: Any) -> None:
    road = Road()
    report = road.submit()
    other = make_staff("BRANCH_MANAGER", road.branch)
    found = at_once(
        lambda: road.approve(report),
        lambda: actions.return_report(
            report_id=report.pk,
            content_sha256=report.content_sha256,
            reason="请补充收入佐证",
            sections=["income"],
            by=other,
            at=AT,
        ),
    )
    assert sum(isinstance(each, VisitReport) for each in found) == 1
    decided = TaskEvent.objects.filter(task=road.task, kind__in=[EventKind.APPROVED, EventKind.RETURNED])
    assert decided.count() == 1
    assert VisitReport.objects.get().state in (ReportState.APPROVED, ReportState.RETURNED)


def test_of_two_submits_at_once_exactly_one_makes_a_report(fresh_bank: Any) -> None:
    road = Road()
    visit = road.start()
    draft = filled(visit)

    def submit() -> Any:
        return actions.submit_visit(
            task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT
        )  # fmt: skip

    found = at_once(submit, submit)
    assert sum(isinstance(each, VisitReport) for each in found) == 1
    assert sum(isinstance(each, refusals.AlreadySubmitted) for each in found) == 1
    assert VisitReport.objects.count() == 1
    assert TaskEvent.objects.filter(kind=EventKind.SUBMITTED).count() == 1


def test_of_two_tabs_saving_at_once_one_is_stale(fresh_bank: Any) -> None:
    road = Road()
    road.start()

    def save(text: str) -> Any:
        return lambda: actions.save_draft(
            task_id=road.task.pk, version=1, draft={"conclusion_text": text}, by=road.officer, at=AT
        )

    found = at_once(save("一"), save("二"))
    assert sum(isinstance(each, refusals.StaleVersion) for each in found) == 1


def test_of_two_claims_at_once_one_officer_has_the_task(fresh_bank: Any) -> None:
    road = Road()
    type(road.task).objects.filter(pk=road.task.pk).update(assigned_to=None)
    other = make_staff("LOAN_OFFICER", road.branch, "韩磊")
    found = at_once(
        lambda: actions.claim(task_id=road.task.pk, by=road.officer, at=AT),
        lambda: actions.claim(task_id=road.task.pk, by=other, at=AT),
    )
    assert sum(isinstance(each, refusals.NotYours) for each in found) == 1
    assert TaskEvent.objects.filter(kind=EventKind.ASSIGNED).count() == 1


def test_without_the_locks_the_database_refuses_the_second_decision(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin with the guard off: both pass the checks, and only the trigger stands in between."""
    road = Road()
    report = road.submit()
    calls = approvals(road, report)
    gate = threading.Barrier(2)
    render = report_pdf.render

    def render_together(*given: Any) -> bytes:
        gate.wait(30)
        return render(*given)

    monkeypatch.setattr(report_pdf, "render", render_together)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self)
    found = at_once(*calls)
    assert sum(isinstance(each, VisitReport) for each in found) == 1
    assert sum(isinstance(each, DatabaseError) for each in found) == 1
    assert TaskEvent.objects.filter(task=road.task, kind=EventKind.APPROVED).count() == 1
