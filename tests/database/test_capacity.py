"""Work by officer and week, and the day plan: numbers agree with the lists they open (S2.13, S2.26)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followups.models import VisitTask
from followups.queries.capacity import capacity
from followups.rules.day_plan import Stop, plan_day
from journal.models import Entry
from people.actions.leave import enter_leave
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend=BACKEND)
    return client


def crowd(bank: Bank, count: int, **fields: Any) -> list[VisitTask]:
    """More tasks of the home loan, due next week."""
    task = VisitTask.objects.filter(pk=bank.tasks["home"].pk).get()
    due = TODAY + timedelta(days=5)
    return VisitTask.objects.bulk_create(
        VisitTask(
            loan=task.loan, branch=task.branch, kind="IRREGULAR", rule="TEST", cycle=str(n), policy_version=1,
            policy_line=1, created_on=TODAY, assigned_to=bank.staff["officer"],
            **{"method": "FIELD", "opens_on": TODAY, "due_on": due, **fields},
        )
        for n in range(count)
    )  # fmt: skip


def test_weeks_count_visits_fields_late_ones_and_days_away(bank: Bank) -> None:
    crowd(bank, 10)
    VisitTask.objects.filter(rule="TEST", cycle="0").update(due_on=TODAY - timedelta(days=3), is_light=True)
    VisitTask.objects.filter(rule="TEST", cycle="1").update(due_on=TODAY - timedelta(days=3))
    officer = bank.staff["officer"]
    first = TODAY + timedelta(days=1)
    enter_leave(
        staff=officer, first=first, last=first + timedelta(days=1), deputy=None, reason="年休假", by=officer, at=AT
    )
    found = capacity(bank.staff["manager"], TODAY)
    assert {row.officer.name for row in found.rows if row.officer} == {"officer", "colleagu"}
    (mine,) = [row for row in found.rows if row.officer == officer]
    others = VisitTask.objects.filter(assigned_to=officer, is_light=False).exclude(rule="TEST")
    others = others.exclude(method="OFF_SITE", evidence__isnull=True)
    assert sum(cell.planned for cell in mine.cells) == 9 + others.filter(due_on__lt=TODAY + timedelta(days=50)).count()
    assert mine.late == 1 and sum(cell.in_field for cell in mine.cells) >= 9
    assert sum(cell.days_away for cell in mine.cells) == 2
    for one in found.overflow:
        assert one.cell.planned == found.ceiling + one.cell.over and one.row.officer is not None


def test_each_number_opens_a_list_of_as_many(bank: Bank) -> None:
    crowd(bank, 10)
    client = client_of(bank, "manager")
    page = client.get("/capacity/").content.decode()
    links = re.findall(r'<a href="([^"]+)"[^>]*>(\d+)</a>', page)
    assert links and "超" in page
    for url, number in links:
        listed = client.get(url.replace("&amp;", "&")).content.decode()
        assert len(set(re.findall(r'data-task="(\d+)"', listed))) == int(number), url


def test_files_and_the_api_say_the_same(bank: Bank) -> None:
    crowd(bank, 3)
    client = client_of(bank, "manager")
    before = Entry.objects.filter(kind="followups.capacity_taken").count()
    assert client.get("/capacity/file/xlsx/").content[:2] == b"PK"
    text = client.get("/capacity/file/csv/").content.decode("utf-8-sig")
    assert bank.staff["officer"].staff_no in text and bank.staff["stranger"].staff_no not in text
    assert Entry.objects.filter(kind="followups.capacity_taken").count() == before + 2
    table = bank.api("manager").get("capacity/").json()
    found = capacity(bank.staff["manager"], TODAY)
    assert [cell["planned"] for cell in table["sums"]] == [cell.planned for cell in found.sums]
    assert client.get("/capacity/file/pdf/").status_code == 404


def test_the_page_asks_the_same_number_of_questions_for_any_number_of_tasks(bank: Bank) -> None:
    client = client_of(bank, "manager")
    client.get("/capacity/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/capacity/")
    crowd(bank, 12)
    with CaptureQueriesContext(connection) as many:
        client.get("/capacity/")
    # Two of them for the reserve and what was made this week.
    assert len(few) == len(many) <= 17


def test_the_day_plan_groups_by_district_and_estate_with_times() -> None:
    stops = [
        Stop(1, "B", "East road 2, 3-1"), Stop(2, "A", "West road 1, 9-2"), Stop(3, "B", "East road 2, 1-1"),
        Stop(4, "B", "North road 7", level=1),
    ]  # fmt: skip
    found = plan_day(stops)
    assert [(one.stop.task_id, one.clock) for one in found] == [(3, "09:00"), (1, "10:20"), (4, "13:30"), (2, "14:50")]
    full = plan_day([Stop(n, "A", f"Road{'x' * n} 1") for n in range(9)])
    assert [one.clock for one in full if one.at is None] != [] and full[-1].clock == ""


def test_the_day_plan_page_shows_the_own_and_the_covered_field_visits(bank: Bank) -> None:
    crowd(bank, 2, due_on=TODAY)
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    numbers = [str(pk) for pk in VisitTask.objects.filter(rule="TEST").values_list("pk", flat=True)]
    page = client_of(bank, "officer").get("/day-plan/").content.decode()
    assert all(f"/tasks/{number}/" in page for number in numbers) and "09:00" in page
    other = client_of(bank, "colleague")
    assert not any(f"/tasks/{number}/" in other.get("/day-plan/").content.decode() for number in numbers)
    enter_leave(staff=officer, first=TODAY, last=TODAY, deputy=colleague, reason="病假", by=officer, at=AT)
    assert all(f"/tasks/{number}/" in other.get("/day-plan/").content.decode() for number in numbers)
    assert other.get("/day-plan/", {"officer": bank.staff["stranger"].staff_no}).status_code == 404
    assert other.get("/day-plan/", {"day": "2026-13-77"}).status_code == 200
