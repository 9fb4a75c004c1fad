"""Leaves and deputies: entered, overlapping, ended early; the deputy works on what is held (S2.13)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from followups import actions
from followups.models import VisitTask
from followups.queries.cover import held_by
from journal.errors import ActionRefused
from journal.models import Entry
from people.actions import leave as leaves
from people.models import Leave, Staff
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
WEEK = timedelta(days=6)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def fresh(staff: Staff) -> Staff:
    """As a later request reads it."""
    return Staff.objects.get(pk=staff.pk)


def enter(bank: Bank, who: str = "officer", deputy: str | None = "colleague", **given: Any) -> Leave:
    asked = {"first": TODAY, "last": TODAY + WEEK, "reason": "年休假", **given}
    by = asked.pop("by", who)
    return leaves.enter_leave(
        staff=fresh(bank.staff[who]), deputy=bank.staff[deputy] if deputy else None, by=fresh(bank.staff[by]), at=AT,
        **asked,
    )  # fmt: skip


def test_the_deputys_desk_shows_the_covered_task_and_gives_it_back(bank: Bank) -> None:
    task = bank.tasks["home"]
    leave = enter(bank)
    assert task in VisitTask.objects.filter(held_by(fresh(bank.staff["colleague"])))
    client = Client()
    client.force_login(bank.staff["colleague"], backend=BACKEND)
    page = client.get("/").content.decode()
    assert "代管" in page and f'data-task="{task.pk}"' in page
    leaves.end_leave(leave_id=leave.pk, by=fresh(bank.staff["officer"]), at=AT)
    assert task not in VisitTask.objects.filter(held_by(fresh(bank.staff["colleague"])))
    task.refresh_from_db()
    assert task.assigned_to == bank.staff["officer"]


def test_the_deputy_visits_and_the_officer_goes_on_with_it(bank: Bank) -> None:
    task, colleague, officer = bank.tasks["home"], bank.staff["colleague"], bank.staff["officer"]
    with pytest.raises(actions.NotYours):
        actions.start_visit(task_id=task.pk, by=fresh(colleague), at=AT)
    leave = enter(bank)
    visit = actions.start_visit(task_id=task.pk, by=fresh(colleague), at=AT)
    assert visit.lead_visitor == colleague
    leaves.end_leave(leave_id=leave.pk, by=fresh(officer), at=AT)
    with pytest.raises(actions.NotYours):
        actions.save_draft(task_id=task.pk, version=1, draft={"answers": {}}, by=fresh(colleague), at=AT)
    actions.save_draft(task_id=task.pk, version=1, draft={"answers": {}}, by=fresh(officer), at=AT)
    visit.refresh_from_db()
    assert visit.lead_visitor == officer and visit.version == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"first": TODAY - timedelta(days=1)}, "first"),
        ({"last": TODAY - timedelta(days=1)}, "last"),
        ({"last": TODAY + timedelta(days=400)}, "last"),
        ({"reason": " "}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"deputy": "stranger"}, "deputy"),
        ({"deputy": "officer"}, "deputy"),
        ({"deputy": "manager"}, "deputy"),
    ],
)
def test_a_wrong_leave_changes_nothing(bank: Bank, wrong: dict[str, Any], field: str) -> None:
    before = Entry.objects.count()
    with pytest.raises(ActionRefused) as refused:
        enter(bank, **wrong)
    assert refused.value.field == field
    assert not Leave.objects.exists() and Entry.objects.count() == before


def test_overlaps_and_circles_are_refused(bank: Bank) -> None:
    enter(bank)
    with pytest.raises(leaves.LeaveOverlaps):
        enter(bank, first=TODAY + WEEK, last=TODAY + WEEK + WEEK)
    with pytest.raises(leaves.LeaveRefused):
        enter(bank, "colleague", "officer")
    assert Leave.objects.count() == 1


def test_who_may_enter_for_whom(bank: Bank) -> None:
    assert enter(bank, by="manager").entered_by == bank.staff["manager"]
    for by in ("colleague", "stranger", "auditor", "risk"):
        with pytest.raises(leaves.NotTheirs):
            enter(bank, by=by, first=date(2027, 1, 4), last=date(2027, 1, 5))
    with pytest.raises(leaves.NotTheirs):
        enter(bank, "stranger", None, by="manager")
    assert Leave.objects.count() == 1


def test_ending_keeps_the_days_that_are_over(bank: Bank) -> None:
    leave = enter(bank)
    Leave.objects.filter(pk=leave.pk).update(period=(TODAY - timedelta(days=3), TODAY + WEEK))
    ended = leaves.end_leave(leave_id=leave.pk, by=fresh(bank.staff["manager"]), at=AT)
    assert (ended.period.lower, ended.period.upper) == (TODAY - timedelta(days=3), TODAY)
    with pytest.raises(leaves.LeaveRefused):
        leaves.end_leave(leave_id=leave.pk, by=fresh(bank.staff["manager"]), at=AT)


INSERT = (
    "INSERT INTO people_leave (staff_id, period, deputy_id, reason, entered_by_id, entered_at)"
    " VALUES (%s, %s::daterange, %s, 'x', %s, now())"
)


@pytest.mark.parametrize(
    ("period", "own_deputy"),
    [("[2026-11-05,2026-11-06)", False), ("empty", False), ("[2027-01-01,)", False), ("[2027-01-01,2027-01-02)", True)],
)
def test_the_database_refuses_bad_leaves(bank: Bank, period: str, own_deputy: bool) -> None:
    enter(bank)
    pk = bank.staff["officer"].pk
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [pk, period, pk if own_deputy else None, pk])
    assert Leave.objects.count() == 1


def test_the_page_enters_and_ends(bank: Bank) -> None:
    client = Client()
    client.force_login(bank.staff["manager"], backend=BACKEND)
    typed = {
        "staff": bank.staff["officer"].staff_no, "deputy": bank.staff["colleague"].staff_no,
        "first": "2026-11-02", "last": "2026-11-06", "reason": "<b>培训</b>",
    }  # fmt: skip
    assert client.post("/leave/", {**typed, "last": "2026-13-40"}).status_code == 422
    assert client.post("/leave/", typed).status_code == 302
    assert client.post("/leave/", typed).status_code == 409
    page = client.get("/leave/").content.decode()
    assert "&lt;b&gt;培训" in page and "2026-11-06" in page
    leave = Leave.objects.get()
    assert client.post(f"/leave/{leave.pk}/end/").status_code == 302
    leave.refresh_from_db()
    assert leave.cancelled_at is not None


def test_the_api_enters_lists_and_ends(bank: Bank) -> None:
    api = bank.api("officer")
    body = {"staff": bank.staff["officer"].staff_no, "first": "2026-11-02", "last": "2026-11-03", "reason": "年休假"}
    made = api.post("leaves/", body)
    assert made.status_code == 201, made.content
    assert api.get("leaves/").json()["results"][0]["last"] == "2026-11-03"
    assert bank.api("stranger").get("leaves/").json()["results"] == []
    assert api.post("leaves/", {**body, "staff": bank.staff["stranger"].staff_no}).status_code == 422
    assert bank.api("stranger").post(f"leaves/{made.json()['id']}/end/", {}).status_code == 404
    assert api.post(f"leaves/{made.json()['id']}/end/", {}).status_code == 200
    assert api.get("leaves/").json()["results"] == []
