"""A step of a visit that is past its own limit is told to who has it, then to who stands above, each once (S2.2)."""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import actions
from followups.batch.late_steps import branches_to_tell, tell_late_steps
from followups.batch.sharing import share_cuts, share_out
from followups.models import Notice, TaskEvent, VisitReport, VisitTask
from followups.queries import clock_of
from followups.queries.late_steps import late_steps
from followups.queries.notices import told, unread
from followups.queries.turn_around import breaching
from loans.models import Parameter
from people.models import Staff
from tests.database.test_visit_pause import turn_to
from tests.database.test_visits import TODAY, Road, filled
from tests.factories import AT, make_branch, make_staff

pytestmark = pytest.mark.django_db
# The 1st of November 2026 is a Sunday; the limits of the steps are two workdays.
MONDAY = TODAY + timedelta(days=1)


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def evening(day: date) -> int:
    return tell_late_steps(as_of=day, at=AT)


def noted(code: str = "") -> list[tuple[str, str, date]]:
    found = Notice.objects.filter(code__startswith=code or "STEP").order_by("id")
    return list(found.values_list("code", "audience", "due_on"))


def returned(road: Road) -> VisitReport:
    report = road.submit()
    return actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="NO_EVIDENCE", reason="请补充收入佐证",
        sections=["income"], by=road.manager, at=AT,
    )  # fmt: skip


def codes(staff: Staff, day: date) -> list[str]:
    return [row.notice.code for row in told(staff, day)]


def test_a_report_not_mended_in_time_is_told_to_the_officer_and_a_workday_later_to_the_manager(road: Road) -> None:
    returned(road)
    # Begun on Sunday: Monday and Tuesday are the limit.
    assert [evening(MONDAY + timedelta(days=day)) for day in (-1, 0, 1, 1, 2, 2, 3)] == [0, 0, 1, 0, 1, 0, 0]
    tuesday = MONDAY + timedelta(days=1)
    assert noted() == [("STEP_MEND", "OFFICER", tuesday), ("STEP_MEND", "MANAGER", tuesday)]
    (first, second) = Notice.objects.order_by("id")
    assert (first.raised_on, first.tell_on) == (tuesday, tuesday + timedelta(days=1))
    assert second.raised_on == tuesday + timedelta(days=1)
    assert codes(road.officer, tuesday) == [] and unread(road.officer, tuesday) == 0
    (row,) = told(road.officer, tuesday + timedelta(days=1))
    assert (row.notice.code, row.late_workdays) == ("STEP_MEND", 1)
    assert codes(road.manager, tuesday + timedelta(days=1)) == []
    (row,) = told(road.manager, tuesday + timedelta(days=2))
    assert (row.notice.code, row.late_workdays) == ("STEP_MEND", 2)


def test_a_review_that_nobody_gives_is_told_to_the_reviewers_and_then_above_the_branch(road: Road) -> None:
    report = road.submit()
    assert road.branch.parent is not None
    head = make_staff("BRANCH_MANAGER", road.branch.parent, "分行长")
    stranger = make_staff("BRANCH_MANAGER", make_branch(), "别行经理")
    late = report.decide_by
    assert evening(late - timedelta(days=1)) == 0 and evening(late) == 1 and evening(late) == 0
    assert noted() == [("STEP_REVIEW", "REVIEWER", late)]
    day = late + timedelta(days=1)
    assert codes(road.manager, day) == ["STEP_REVIEW"] and codes(road.officer, day) == codes(stranger, day) == []
    assert evening(day) == 1 and noted()[-1] == ("STEP_REVIEW", "BRANCH_HEAD", late)
    assert codes(head, day + timedelta(days=1)) == ["STEP_REVIEW"]
    road.approve(report)
    assert codes(road.manager, day) == codes(head, day + timedelta(days=1)) == []


def test_a_visit_begun_and_not_handed_in_is_told_and_a_red_one_to_both_at_once(road: Road) -> None:
    VisitTask.objects.filter(pk=road.task.pk).update(level=1)
    road.start()
    tuesday = MONDAY + timedelta(days=1)
    assert evening(tuesday) == 2
    assert noted() == [("STEP_VISIT", "MANAGER", tuesday), ("STEP_VISIT", "OFFICER", tuesday)]


def test_what_the_next_step_begins_is_no_longer_told_and_a_second_return_is_told_anew(road: Road) -> None:
    returned(road)
    tuesday = MONDAY + timedelta(days=1)
    evening(tuesday)
    wednesday, friday = tuesday + timedelta(days=1), tuesday + timedelta(days=3)
    assert codes(road.officer, wednesday) == ["STEP_MEND"]
    turn_to(wednesday)
    report = resubmitted(road)
    assert codes(road.officer, wednesday) == [] == codes(road.manager, wednesday)
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="NO_EVIDENCE", reason="仍缺收入佐证",
        sections=["income"], by=road.manager, at=AT,
    )  # fmt: skip
    assert codes(road.officer, wednesday) == [], "the notice of the first return is not one of the second"
    # Its limit is Friday; Monday is the first day past it.
    assert [evening(friday + timedelta(days=day)) for day in (-2, 0, 1, 2)] == [0, 0, 0, 1]
    assert noted() == [("STEP_MEND", "OFFICER", tuesday), ("STEP_MEND", "OFFICER", friday)]


def resubmitted(road: Road) -> VisitReport:
    task = VisitTask.objects.get(pk=road.task.pk)
    visit = task.visit
    return actions.submit_visit(
        task_id=task.pk, version=visit.version, draft=filled(visit), by=road.officer, at=AT,
    )  # fmt: skip


def test_days_on_which_the_clock_stood_are_left_out(road: Road) -> None:
    road.start()
    actions.pause_clock(
        task_id=road.task.pk, reason="HOSPITAL", until=MONDAY + timedelta(days=2), by=road.officer, at=AT
    )
    # It stands from Monday to Wednesday: Thursday and Friday are the limit, told on the Monday after.
    days = [MONDAY + timedelta(days=day) for day in range(8)]
    assert [evening(day) for day in days] == [0, 0, 0, 0, 0, 0, 1, 1]
    assert {due for _code, _audience, due in noted()} == {MONDAY + timedelta(days=4)}


def test_the_bank_s_own_limit_holds(road: Road) -> None:
    Parameter.objects.filter(code="report_workdays").update(value={"1": 1, "9": 4})
    road.start()
    assert [evening(MONDAY + timedelta(days=day)) for day in range(7)] == [0, 0, 0, 1, 0, 0, 1]


def test_what_another_visit_does_along_and_what_is_not_begun_is_told_nothing(road: Road) -> None:
    for offset in range(30):
        evening(MONDAY + timedelta(days=offset))
    assert noted() == []


def test_once_a_limit_is_a_key_of_the_table(road: Road) -> None:
    returned(road)
    evening(MONDAY + timedelta(days=1))
    notice = Notice.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Notice.objects.create(
            task=notice.task, branch=notice.branch, code=notice.code, audience=notice.audience, due_on=notice.due_on,
            raised_on=notice.raised_on, tell_on=notice.tell_on, at=AT,
        )  # fmt: skip


def test_only_branches_with_something_to_tell_are_due_in_the_evening(road: Road) -> None:
    other = Road()
    share_out(as_of=TODAY, at=AT)
    returned(road)
    tuesday = MONDAY + timedelta(days=1)
    VisitTask.objects.update(look_on=date(9999, 1, 1))
    assert branches_to_tell(as_of=MONDAY) == [] and branches_to_tell(as_of=tuesday) == [road.branch.pk]
    assert share_cuts(as_of=tuesday, size=10).due == 1
    assert share_out(as_of=tuesday, at=AT)["told"] == 1
    assert branches_to_tell(as_of=tuesday) == [] and other.task.notices.count() == 0


def test_an_evening_tells_any_number_with_the_same_statements(road: Road) -> None:
    def asked(act: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    returned(road)
    tuesday = MONDAY + timedelta(days=1)
    few = asked(lambda: evening(tuesday))
    for _ in range(4):
        returned(Road())
    assert asked(lambda: evening(tuesday)) == few <= 4
    assert Notice.objects.filter(code="STEP_MEND").count() == 5
    tasks = list(VisitTask.objects.values_list("pk", flat=True))
    assert asked(lambda: late_steps(tasks, day=tuesday + timedelta(days=1))) == 2
    assert asked(lambda: late_steps([], day=tuesday)) == 0


def test_the_lateness_of_a_step_is_what_the_clock_on_the_page_says(road: Road) -> None:
    """On random roads with pauses: the same workdays beside the same limit."""
    chance = Random(11)  # noqa: S311 - days, no secret
    made = []
    for number in range(20):
        one = Road(cycle=str(number))
        one.start()
        day = TODAY
        for _ in range(chance.randint(0, 2)):
            day += timedelta(days=chance.randint(0, 4))
            until = day + timedelta(days=chance.randint(1, 6))
            TaskEvent.objects.create(
                task=one.task, kind="PAUSED", at=AT, business_date=day, actor="x", data={"until": until.isoformat()}
            )
            if chance.random() < 0.5:
                day += timedelta(days=chance.randint(0, 6))
                TaskEvent.objects.create(task=one.task, kind="RESUMED", at=AT, business_date=day, actor="x")
            else:
                day = until + timedelta(days=1)
        made.append(VisitTask.objects.get(pk=one.task.pk))
    seen = set()
    for offset in (24, 28, 33):
        # What lies after the last event alone: a clock does not look ahead.
        today = TODAY + timedelta(days=offset)
        turn_to(today)
        found = late_steps([task.pk for task in made], day=today)
        for task in made:
            step = clock_of(task)["steps"][-1]
            assert (task.pk in found) == step.is_late
            assert not step.is_late or found[task.pk].late.workdays == step.workdays - step.limit
            seen.add(found[task.pk].late.workdays if step.is_late else 0)
    assert len(seen) > 5


def test_turn_around_lists_a_late_step_by_its_own_day(road: Road) -> None:
    VisitTask.objects.filter(pk=road.task.pk).update(due_on=TODAY + timedelta(days=300))
    returned(road)
    tuesday = MONDAY + timedelta(days=1)
    until = TODAY + timedelta(days=60)
    assert breaching(road.manager, until, today=tuesday) == []
    assert breaching(road.manager, until, today=tuesday + timedelta(days=1)) == [(road.task.pk, tuesday)]
    stranger = make_staff("BRANCH_MANAGER", make_branch())
    assert breaching(stranger, until, today=tuesday + timedelta(days=1)) == []


def test_turn_around_counts_the_time_left_to_the_day_it_shows(road: Road) -> None:
    """Not to that of the whole: a late review is no "submitted" without a limit, an amendment has its own day."""
    VisitTask.objects.filter(pk=road.task.pk).update(due_on=TODAY + timedelta(days=300))
    returned(road)
    thursday = MONDAY + timedelta(days=3)

    def line(day: date) -> tuple[date, str, str]:
        turn_to(day)
        client = Client()
        client.force_login(road.manager, backend="django.contrib.auth.backends.ModelBackend")
        (found,) = client.get(reverse("followups:turn_around")).context["breaching"]
        row, due, _step, left = found
        return due, left.word, row.late_step.step

    assert line(thursday) == (MONDAY + timedelta(days=1), "超2天", "CORRECTING")
    report = resubmitted(road)
    assert line(report.decide_by + timedelta(days=1)) == (report.decide_by, "超1天", "REVIEWING")
