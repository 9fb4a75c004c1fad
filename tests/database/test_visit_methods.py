"""Video and counter ask what proves them, methods change with a reason, the home alone may be visited (S2.3, S2.4)."""

from datetime import timedelta
from typing import Any

import pytest

from followups import actions, batch, queries
from followups.models import EventKind, TaskEvent, TaskState, Visit, VisitTask
from followups.queries.form import asked_of
from followups.rules.checklist import PROPERTY, default_items, items_for
from journal.models import Entry
from loans.models import Position
from people.models import Staff
from tests.database.test_visits import AT, TODAY, Road, changed, filled
from tests.factories import make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def choose(road: Road, method: str, by: Staff | None = None, note: str = "客户要求面谈") -> VisitTask:
    return actions.choose_method(task_id=road.task.pk, method=method, note=note, by=by or road.officer, at=AT)


def ask(road: Road, by: Staff | None = None, **given: Any) -> VisitTask:
    said = {"reason": "外墙开裂，邻居反映", "due_on": TODAY + timedelta(days=10), **given}
    return actions.ask_for_property_visit(loan_id=road.loan.pk, **said, by=by or road.officer, at=AT)


def written() -> tuple[Any, ...]:
    tasks = list(VisitTask.objects.order_by("id").values_list("id", "method", "version"))
    visits = list(Visit.objects.order_by("id").values_list("method", "draft", "version"))
    return tasks, visits, TaskEvent.objects.count(), Entry.objects.count()


def keys(method: str, kind: str = "PERIODIC") -> set[str]:
    return {item["key"] for item in items_for(kind, method, default_items())}


def test_each_way_of_talking_asks_what_proves_it() -> None:
    assert {"face_matched", "seen_at", "video_recording"} <= keys("VIDEO")
    assert "met_at" in keys("COUNTER") and "recording_no" in keys("COUNTER") & keys("PHONE")
    assert {"sent_by", "filled_on"} <= keys("SELF_SERVICE")
    for method in ("PHONE", "FIELD", "OFF_SITE", "SELF_SERVICE"):
        assert not keys(method) & {"face_matched", "seen_at", "video_recording", "met_at"}


@pytest.mark.parametrize("method", ["VIDEO", "COUNTER"])
def test_a_video_and_a_counter_visit_go_to_an_approved_report(db: None, method: str) -> None:
    road = Road(method=method)
    visit = road.start()
    draft = filled(visit)
    assert ("contact_outcome" in draft) == (method == "VIDEO")
    key = "video_recording" if method == "VIDEO" else "met_at"
    less = {**draft, "answers": {name: each for name, each in draft["answers"].items() if name != key}}
    with pytest.raises(actions.MissingAnswers) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=1, draft=less, by=road.officer, at=AT)
    assert refusal.value.fields == [key]
    report = actions.submit_visit(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert report.content["cover"]["method"] == method
    assert road.approve(report).pdf is not None


# S1.22
def test_answers_that_a_borrower_sent_in_go_to_an_approved_report(db: None) -> None:
    road = Road(method="SELF_SERVICE")
    draft = filled(road.start(), sent_by={"now": "POST"}, filled_on={"now": "2026-10-28"})
    assert "contact_outcome" not in draft
    less = {**draft, "answers": {name: each for name, each in draft["answers"].items() if name != "filled_on"}}
    with pytest.raises(actions.MissingAnswers) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=1, draft=less, by=road.officer, at=AT)
    assert refusal.value.fields == ["filled_on"]
    report = actions.submit_visit(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert report.content["cover"]["method"] == "SELF_SERVICE" and not report.is_clean
    assert road.approve(report).pdf is not None


@pytest.mark.parametrize("task", [{"kind": "FIRST", "rule": "FIRST_90"}, {"kind": "IRREGULAR"}, {"level": 2}])
def test_a_first_visit_and_a_grave_one_are_talks(db: None, task: dict[str, Any]) -> None:
    road = Road(**task)
    seen = written()
    with pytest.raises(actions.MethodWrong):
        choose(road, "SELF_SERVICE", by=road.manager)
    assert written() == seen


def test_a_manager_may_let_a_periodic_visit_be_answered_by_the_borrower(road: Road) -> None:
    with pytest.raises(actions.MethodWrong):
        choose(road, "SELF_SERVICE")
    assert choose(road, "SELF_SERVICE", by=road.manager).method == "SELF_SERVICE"


def test_the_holder_may_choose_a_heavier_method_and_answers_that_still_fit_stay(road: Road) -> None:
    visit = road.start()
    draft = filled(visit, monthly_income=changed("9800.00", "PAYSLIP"), recording_no={"now": "1030-118"})
    actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    task = choose(road, "FIELD")
    kept = Visit.objects.select_related("checklist").get(task=road.task)
    kept.task = task
    assert (task.method, kept.method, kept.version) == ("FIELD", "FIELD", 3)
    assert kept.draft["answers"]["monthly_income"]["now"] == "9800.00"
    assert "recording_no" not in kept.draft["answers"] and "contact_outcome" not in kept.draft
    assert set(kept.draft["answers"]) <= {item["key"] for item in asked_of(kept)}
    event = road.task.events.get(kind=EventKind.METHOD_CHANGED)
    assert (event.data["was"], event.data["method"], event.data["reason"]) == ("PHONE", "FIELD", "客户要求面谈")


# S1.22
def test_a_lighter_method_is_another_persons_decision(db: None) -> None:
    road = Road(method="FIELD")
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    seen = written()
    with pytest.raises(actions.MethodWrong):
        choose(road, "PHONE")
    VisitTask.objects.filter(pk=road.task.pk).update(assigned_to=both)
    with pytest.raises(actions.MethodWrong):
        choose(road, "PHONE", by=both)
    assert written() == seen
    assert choose(road, "PHONE", by=road.manager).method == "PHONE"


def test_a_method_that_is_none_or_the_same_or_a_strangers_is_refused(road: Road) -> None:
    colleague = make_staff("LOAN_OFFICER", road.branch)
    seen = written()
    for method, error in (("OFF_SITE", actions.MethodWrong), ("LETTER", actions.MethodWrong),
                          ("PHONE", actions.WrongState)):  # fmt: skip
        with pytest.raises(error):
            choose(road, method)
    with pytest.raises(actions.ReasonMissing):
        choose(road, "VIDEO", note=" ")
    with pytest.raises(actions.NotYours):
        choose(road, "VIDEO", by=colleague)
    assert written() == seen


# S2.3
def test_a_visit_to_the_home_alone_asks_only_about_the_home(road: Road) -> None:
    task = ask(road)
    assert (task.subject, task.method, task.assigned_to, task.state) == (PROPERTY, "FIELD", road.officer, "PLANNED")
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    visit.task = task
    form = queries.form_of(task, visit, road.officer)
    asked = {item["key"] for section in form["sections"] for item in section["items"]}
    assert {"occupancy", "property_condition", "registration_kind", "seizure", "property_value"} <= asked
    assert not asked & {"phone", "employer", "monthly_income", "other_monthly_debt", "request", "change_cause"}
    second = make_staff("LOAN_OFFICER", road.branch)
    draft = _home_draft(visit, second.staff_no)
    kept = actions.save_draft(task_id=task.pk, version=1, draft=draft, by=road.officer, at=AT)
    actions.sign_opinion(task_id=task.pk, version=2, conclusion="NO_CONCERN", text="", by=second, at=AT)
    report = actions.submit_visit(task_id=task.pk, version=kept.version, draft=draft, by=road.officer, at=AT)
    sections = {section["key"] for section in report.content["sections"]}
    assert "collateral" in sections and not sections & {"income", "employment", "debts", "needs"}
    assert any("外墙开裂" in line["zh"] for line in report.content["why"])
    road.approve(report)
    task.refresh_from_db()
    assert task.state == TaskState.CLOSED


def _home_draft(visit: Visit, second: str) -> dict[str, Any]:
    answers: dict[str, dict[str, str]] = {}
    for item in asked_of(visit):
        if item["required"]:
            known = visit.known.get(item["before"], {}).get("value", "") if item["before"] else ""
            if not item["before"]:
                answers[item["key"]] = {"now": item["normal"]}
            elif known:
                answers[item["key"]] = {"choice": "SAME"}
            else:
                answers[item["key"]] = changed(item["choices"][0]["value"], "SITE")
    return {
        "answers": answers, "second_visitor": second, "photo_exit": "REFUSED", "conclusion": "NO_CONCERN",
        "conclusion_text": "",
    }  # fmt: skip


def test_a_visit_to_the_home_takes_no_place_of_the_loans_own(road: Road) -> None:
    before = set(VisitTask.objects.filter(loan=road.loan).values_list("id", flat=True))
    batch.replan(as_of=TODAY, at=AT, loan_ids=[road.loan.pk])
    planned = set(VisitTask.objects.filter(loan=road.loan).values_list("rule", "cycle"))
    task = ask(road)
    batch.replan(as_of=TODAY, at=AT, loan_ids=[road.loan.pk])
    after = set(VisitTask.objects.filter(loan=road.loan).values_list("rule", "cycle"))
    assert before and after == planned | {(task.rule, task.cycle)}


def test_one_visit_to_a_home_is_open_at_a_time(road: Road) -> None:
    first = ask(road)
    seen = written()
    with pytest.raises(actions.WrongState, match="已有未办结"):
        ask(road)
    assert written() == seen
    VisitTask.objects.filter(pk=first.pk).update(state="CANCELLED", outcome="REPLANNED", closed_on=TODAY)
    assert ask(road).cycle != first.cycle


def test_a_visit_to_a_home_needs_a_reason_a_near_day_and_eyes(road: Road) -> None:
    stranger = make_staff("LOAN_OFFICER", make_branch())
    seen = written()
    refused: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"reason": "看看"}, actions.ReasonMissing),
        ({"due_on": TODAY - timedelta(days=1)}, actions.WrongDate),
        ({"due_on": TODAY + timedelta(days=91)}, actions.WrongDate),
        ({"method": "PHONE"}, actions.MethodWrong),
    ]
    for given, error in refused:
        with pytest.raises(error):
            ask(road, **given)
    Position.objects.filter(loan=road.loan).update(settled_on=TODAY)
    with pytest.raises(actions.WrongState, match="结清"):
        ask(road)
    with pytest.raises(type(road.loan).DoesNotExist):
        ask(road, by=stranger)
    assert written() == seen


def test_asked_for_by_a_manager_it_waits_for_an_officer(road: Road) -> None:
    task = ask(road, by=road.manager, method="VIDEO")
    assert task.assigned_to is None
    with pytest.raises(actions.MethodWrong):
        actions.choose_method(task_id=task.pk, method="PHONE", note="打电话即可", by=road.manager, at=AT)
