"""更多, requests one tap away, the next task: what the visit page lets one do on the way (S2.14)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from followups import actions
from followups.actions.refusals import InvalidAnswers, StaleVersion
from followups.actions.sections import open_section
from followups.models import Visit
from followups.queries.form import asked_of, form_of
from followups.queries.next_task import next_task
from followups.rules import checklist
from tests.database.test_visits import AT, MARKUP, TODAY, Road, filled, make_task
from tests.factories import book_loan

pytestmark = pytest.mark.django_db


@pytest.fixture
def road(db: None) -> Road:
    found = Road()
    found.start()
    return found


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def opened(road: Road, draft: dict[str, Any] | None = None, **given: Any) -> Visit:
    visit = Visit.objects.get(task=road.task)
    asked = {"version": visit.version, "section": "fund_use", **given}
    return open_section(task_id=road.task.pk, draft=draft or {"answers": {}}, by=road.officer, at=AT, **asked)


def form(road: Road) -> dict[str, Any]:
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    visit.task = road.task
    return form_of(road.task, visit)


def test_the_sections_that_are_not_asked_stand_behind_more(road: Road) -> None:
    before = form(road)
    shown, more = [part["key"] for part in before["sections"]], [part["key"] for part in before["more"]]
    assert "fund_use" in more and "employment" in shown
    # One that is asked anyway is offered only for what it has beside the usual.
    deeper = {item["section"] for item in checklist.DEFAULT_ITEMS if "asked_by" in item}
    assert set(shown) & set(more) <= deeper and "identity" in set(shown) & set(more)
    opened(road)
    after = form(road)
    assert "fund_use" in [part["key"] for part in after["sections"]]
    assert "fund_use" not in [part["key"] for part in after["more"]]
    assert (after["required"], len(after["missing"])) == (before["required"], len(before["missing"]))


def test_what_was_typed_comes_along_and_stands_in_the_report(road: Road) -> None:
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    visit.task = road.task
    visit = opened(road, filled(visit))
    assert visit.draft["conclusion"] == "NO_CONCERN" and visit.draft["more"] == "fund_use"
    visit = opened(road, visit.draft, section="guarantor")
    assert checklist.more_of(visit.draft) == ["fund_use", "guarantor"]
    draft = {**visit.draft, "answers": {**visit.draft["answers"], "fund_backflow": {"now": "NO"}}}
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT
    )  # fmt: skip
    rows = {row["key"]: row["state"] for part in report.content["sections"] for row in part["items"]}
    assert rows["fund_backflow"] == "ANSWERED" and rows["fund_arrived"] == "UNANSWERED"


def test_a_request_is_one_tap_on_any_visit(road: Road) -> None:
    assert "DEFERRAL" in [value for value, _label in form(road)["requests"]]
    assert "NONE" not in [value for value, _label in form(road)["requests"]]
    reply = client_of(road.officer).post(
        f"/tasks/{road.task.pk}/visit/more/", {"version": "1", "request": "DEFERRAL", "conclusion_text": MARKUP}
    )
    assert reply["Location"].endswith("/visit/#i-request_note")
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    assert visit.draft["answers"]["request"] == {"now": "DEFERRAL"} and visit.draft["conclusion_text"] == MARKUP
    assert form(road)["request"] == "DEFERRAL"
    page = client_of(road.officer).get(f"/tasks/{road.task.pk}/visit/").content.decode()
    assert MARKUP not in page and "&lt;script&gt;" in page
    content = actions.preview(task_id=road.task.pk, draft=None, by=road.officer).content
    assert [row["key"] for row in content["requests"]] == ["request"]


def test_an_old_form_or_a_section_that_is_none_changes_nothing(road: Road) -> None:
    before = Visit.objects.values().get(task=road.task)
    with pytest.raises(InvalidAnswers):
        opened(road, section="everything")
    with pytest.raises(StaleVersion):
        opened(road, version=7)
    reply = client_of(road.officer).post(f"/tasks/{road.task.pk}/visit/more/", {"version": "7", "section": "debts"})
    assert (reply.status_code, Visit.objects.values().get(task=road.task)) == (409, before)


def test_the_home_alone_has_no_more(road: Road) -> None:
    road.task.subject = "PROPERTY"
    assert form(road)["more"] == [] and form(road)["requests"] == []
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    visit.task, visit.draft = road.task, {"answers": {}, "more": "debts"}
    assert not {item["section"] for item in asked_of(visit)} & {"debts"}


def test_a_system_fact_leads_to_where_it_is_told(road: Road) -> None:
    page = client_of(road.officer).get(f"/tasks/{road.task.pk}/visit/").content.decode()
    assert f'/loans/{road.loan.pk}/#schedule"' in page


def test_the_next_task_opens_after_handing_in(road: Road) -> None:
    urgent = make_task(book_loan(road.branch, road.officer), road.officer, level=1, due_on=TODAY + timedelta(days=9))
    sooner = make_task(book_loan(road.branch, road.officer), road.officer, due_on=TODAY)
    make_task(book_loan(road.branch, road.officer), road.officer, level=1, opens_on=TODAY + timedelta(days=1))
    make_task(book_loan(road.branch, road.officer), road.officer, level=1, method="OFF_SITE")
    make_task(book_loan(road.branch, road.officer), None, level=1)
    assert next_task(road.officer, road.task) == urgent
    assert next_task(road.officer, urgent) == sooner
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    visit.task = road.task
    actions.save_draft(task_id=road.task.pk, version=1, draft=filled(visit), by=road.officer, at=AT)
    reply = client_of(road.officer).post(f"/tasks/{road.task.pk}/visit/submit/", posted(visit))
    assert reply["Location"] == f"/tasks/{urgent.pk}/"


def posted(visit: Visit) -> dict[str, str]:
    """The page's form, filled as `filled` fills a draft."""
    draft = filled(visit)
    form = {"version": "2", "conclusion": draft["conclusion"], "contact_outcome": draft["contact_outcome"]}
    for key, answer in draft["answers"].items():
        for name, value in (("choice", "choice"), ("now", "now"), ("verified", "verified_by")):
            if answer.get(value):
                form[f"{name}.{key}"] = answer[value]
    return form


def test_with_nothing_left_the_desk_opens(road: Road) -> None:
    assert next_task(road.officer, road.task) is None


@pytest.mark.parametrize("method", ["PHONE", "FIELD", "VIDEO", "COUNTER"])
def test_no_section_of_a_development_or_of_another_method_may_be_opened(db: None, method: str) -> None:
    items = checklist.items_for("PERIODIC", method, checklist.DEFAULT_ITEMS)
    sections = [key for key, _zh, _en in checklist.SECTIONS]
    for item in checklist.with_more(items, checklist.DEFAULT_ITEMS, method, sections):
        assert method in item["methods"] and item["kinds"]
    assert checklist.with_more(items, checklist.DEFAULT_ITEMS, method, []) == items


def test_html_in_the_fields_beside_the_checklist_is_shown_as_text(db: None) -> None:
    road = Road(method="FIELD")
    road.start()
    bad = "<img src=x onerror=alert(1)>"
    draft = {"answers": {}, "photo_exit": "NOBODY_IN", "note_left": bad, "conclusion_text": bad, "more": bad}
    actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    page = client_of(road.officer).get(f"/tasks/{road.task.pk}/visit/").content.decode()
    assert bad not in page and page.count("&lt;img src=x") >= 3
