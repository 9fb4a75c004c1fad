"""How many statements the steps of a visit take: what is asked of the bank and the loan is asked once a step."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from followups import actions
from followups.models import VisitTask
from people.models import Staff
from tests.database.test_visits import AT, Road, filled, make_task, profiled, road  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def counted(step: Callable[[], Any]) -> tuple[int, Any]:
    with CaptureQueriesContext(connection) as asked:
        found = step()
    for table in ("loans_businessdate", "loans_parameter", "loans_workday"):
        reads = [one["sql"] for one in asked if table in one["sql"] and one["sql"].lstrip().startswith("SELECT")]
        assert len(reads) <= (1 if table != "loans_parameter" else 2), reads
    return len(asked), found


def fresh(person: Staff) -> Staff:
    """As who signs in: what they may do is not read yet."""
    return Staff.objects.get(pk=person.pk)


def walk(road: Road, words: str = "资料与系统一致，未见异常。") -> dict[str, int]:  # noqa: F811
    """The statements of each step of one plain telephone visit."""
    task = road.task.pk
    counts = {}
    counts["attempt"], _attempt = counted(
        lambda: actions.record_attempt(
            task_id=task, outcome="REACHED", recording="LY001", by=fresh(road.officer), at=AT
        )
    )
    counts["start"], visit = counted(lambda: actions.start_visit(task_id=task, by=fresh(road.officer), at=AT))
    draft = filled(visit, conclusion_text=words)
    counts["hand in"], report = counted(
        lambda: actions.submit_visit(task_id=task, version=visit.version, draft=draft, by=fresh(road.officer), at=AT)
    )
    counts["approve"], _report = counted(lambda: road.approve(report, by=fresh(road.manager)))
    return counts


def test_a_plain_visit_takes_few_statements(road: Road) -> None:  # noqa: F811
    profiled(road)
    # 17, 35, 79 and 42 while each part of a step asked for itself.
    assert walk(road) == {"attempt": 12, "start": 21, "hand in": 34, "approve": 24}


def test_without_words_of_its_own_the_figures_are_looked_at_before_the_report_is_made(road: Road) -> None:  # noqa: F811
    profiled(road)
    assert walk(road, "")["hand in"] == 42


def test_a_later_visit_reads_the_reports_before_it_and_little_more(road: Road) -> None:  # noqa: F811
    profiled(road)
    first, counts = walk(road), []
    for cycle in ("2", "3", "4"):
        road.task = make_task(road.loan, road.officer, cycle=cycle)
        counts.append(walk(road))
    most = {"attempt": 0, "start": 1, "hand in": 6, "approve": 0}
    assert all(again[step] <= first[step] + more for again in counts for step, more in most.items()), (first, counts)
    assert not VisitTask.objects.filter(loan=road.loan, closed_on__isnull=True).exists()
