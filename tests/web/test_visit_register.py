"""The visit register: a month's follow-ups by officer and one by one, on the page, as a workbook and on paper."""

from datetime import date
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.models import VisitAttempt, VisitTask
from followups.queries.visit_register import Register, by_officer, register_tasks, standings
from journal.models import Entry
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
FIRST, LAST = TODAY.replace(day=1), date(TODAY.year, TODAY.month, 28)
PAGE = "followups:visit_register"


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend=BACKEND)
    return client


def task_of(bank: Bank, due_on: date, **given: object) -> VisitTask:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.staff["officer"].branch, officer=officer), officer)
    VisitTask.objects.filter(pk=task.pk).update(due_on=due_on, **given)
    return VisitTask.objects.get(pk=task.pk)


def asked(part: str = "due") -> Register:
    return Register(FIRST, LAST, TODAY, part=part)


def test_each_follow_up_is_counted_once_with_the_reason_why_it_is_open(bank: Bank) -> None:
    officer = bank.staff["officer"]
    before = {line.staff_no: line for line in by_officer(bank.staff["manager"], asked())}.get(officer.staff_no)
    tried = task_of(bank, LAST)
    VisitAttempt.objects.create(task=tried, at=AT, business_date=TODAY, method="PHONE", by=officer, outcome="NO_ANSWER")
    task_of(bank, LAST, paused_until=LAST)
    task_of(bank, LAST, state="IN_PROGRESS")
    nobodys = task_of(bank, LAST, assigned_to=None)
    lines = by_officer(bank.staff["manager"], asked())
    line = next(each for each in lines if each.staff_no == officer.staff_no)
    assert line.due - (before.due if before else 0) == 3 and line.due == line.done + line.open + line.late
    assert sum(line.unclosed.values()) == line.open + line.late
    assert {line.unclosed[why] for why in ("NOT_REACHED", "PAUSED", "UNDER_WAY")} == {1}
    assert lines[-1].staff_no == "" and lines[-1].unclosed == {"UNASSIGNED": 1}
    rows = list(register_tasks(bank.staff["manager"], asked()))
    assert len(rows) == sum(each.due for each in lines)
    found = standings(rows)
    assert (found[tried.pk].why, found[tried.pk].last_outcome) == ("NOT_REACHED", "NO_ANSWER")
    assert found[nobodys.pk].why == "UNASSIGNED"
    assert [one.why for one in found.values()].count("NOT_REACHED") == 1


def test_another_branch_is_in_nobodys_register(bank: Bank) -> None:
    task_of(bank, LAST)
    theirs = {task.branch_id for task in register_tasks(bank.staff["manager"], asked())}
    assert theirs == {bank.staff["officer"].branch_id}


def test_the_page_asks_no_more_with_more_rows(bank: Bank) -> None:
    manager = client_of(bank, "manager")
    counts = []
    for more in (1, 12):
        for _each in range(more):
            task_of(bank, LAST)
        with CaptureQueriesContext(
            connection,
        ) as asked_now:
            reply = manager.get(reverse(PAGE), {"month": f"{FIRST:%Y-%m}"})
        assert reply.status_code == 200
        counts.append(len(asked_now))
    assert counts[0] == counts[1] <= 22


@pytest.mark.parametrize(
    ("given", "field"),
    [("month=2026-13", "月份"), ("month=2999-01", "月份"), ("part=x", "筛选"), ("officer=A%00", "筛选")],
)
def test_a_month_that_cannot_be_answered_is_told(bank: Bank, given: str, field: str) -> None:
    reply = client_of(bank, "manager").get(f"{reverse(PAGE)}?{given}")
    assert reply.status_code == 422 and field in reply.content.decode()
    assert (
        client_of(bank, "manager").get(f"{reverse('followups:visit_register_file', args=['pdf'])}?{given}").status_code
        == 422
    )


def test_the_workbook_and_the_print_hold_what_the_page_shows_and_are_on_record(bank: Bank) -> None:
    task = task_of(bank, LAST)
    manager = client_of(bank, "manager")
    reply = manager.get(reverse("followups:visit_register_file", args=["xlsx"]), {"month": f"{FIRST:%Y-%m}"})
    with ZipFile(BytesIO(b"".join(reply.streaming_content))) as book:  # type: ignore[attr-defined]
        whole, officers = (book.read(f"xl/worksheets/sheet{number}.xml").decode() for number in (1, 2))
        names = book.read("xl/workbook.xml").decode()
    assert task.number in whole and bank.staff["officer"].name in officers and "按主办人" in names
    printed = manager.get(reverse("followups:visit_register_file", args=["pdf"]), {"month": f"{FIRST:%Y-%m}"})
    assert b"".join(printed.streaming_content).startswith(b"%PDF-")  # type: ignore[attr-defined]
    taken = Entry.objects.filter(kind="followups.register_taken").order_by("id")
    assert list(taken.values_list("data__form", flat=True)) == ["XLSX", "PDF"]
    assert client_of(bank, "officer").get(reverse(PAGE)).status_code in (403, 404)
