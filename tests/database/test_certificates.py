"""Who has no certificate is given no new visit once the warning period is over; what one has stays (S2.13)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from followups import actions, batch
from followups.actions import handover, merging
from followups.actions.desk_batch import name_second
from followups.actions.events import record_event
from followups.actions.reassigns import ask_to_reassign
from followups.batch.answering import answer_events
from followups.batch.assigning import assign_unassigned, gate_of
from followups.models import TaskEvent, VisitTask
from followups.queries.assigning import is_kept_from_visits
from loans.models import BusinessDate
from people.actions.certificates import take_over_certificates
from people.models import Staff
from tests.database.test_handover import fresh
from tests.database.test_visits import Road, filled, make_task
from tests.factories import AT, book_loan, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def gate(days: int = 90) -> None:
    """The bank began so many days ago."""
    BusinessDate.objects.create(day=TODAY - timedelta(days=days), is_open=False, opened_at=AT, closed_at=AT)


def certify(*staff: Staff, days: int = 300) -> None:
    take_over_certificates(staff=staff, first=TODAY - timedelta(days=10), last=TODAY + timedelta(days=days))


def planned_for(bank: Bank) -> dict[str, Staff | None]:
    """Who is given what the planner and an event make of a loan in arrears, by rule."""
    loan = book_loan(bank.home, officer=bank.staff["officer"], days_past_due=2)
    batch.replan(as_of=TODAY, at=AT, loan_ids=[loan.pk])
    record_event(
        loan_id=loan.pk, code="NEW_DEBT", happened_on=TODAY, words="客户来电告知新增负债",
        by=fresh(bank.staff["officer"]), at=AT,
    )  # fmt: skip
    answer_events(as_of=TODAY, at=AT, loan_ids=[loan.pk])
    found = VisitTask.objects.filter(loan=loan).select_related("assigned_to")
    return {"LIGHT" if task.is_light else task.rule.split("_")[0]: task.assigned_to for task in found}


def test_the_planner_gives_the_portfolio_officer_everything_while_a_certificate_is_a_remark(bank: Bank) -> None:
    gate(89)
    assert set(planned_for(bank).values()) == {bank.staff["officer"]}


def test_after_the_warning_period_visits_of_who_has_none_go_to_a_certified_colleague(bank: Bank) -> None:
    gate()
    certify(bank.staff["colleague"])
    given = planned_for(bank)
    assert given.pop("LIGHT") == bank.staff["officer"], "watching arrears is no visit"
    assert len(given) >= 2 and set(given.values()) == {None}
    assign_unassigned(as_of=TODAY, at=AT)
    event = VisitTask.objects.get(rule__startswith="EVENT")
    assert event.assigned_to == bank.staff["colleague"]


def test_the_certified_officer_keeps_the_own_portfolio(bank: Bank) -> None:
    gate()
    certify(bank.staff["officer"])
    assert set(planned_for(bank).values()) == {bank.staff["officer"]}


def test_the_last_day_of_a_certificate_counts(bank: Bank) -> None:
    gate()
    officer = bank.staff["officer"]
    certify(officer, days=0)
    assert not is_kept_from_visits(officer.pk, TODAY)
    assert is_kept_from_visits(officer.pk, TODAY + timedelta(days=1))
    assert gate_of(TODAY)["is_on"]


def test_nobody_takes_or_is_given_a_visit_by_hand_without_one(bank: Bank) -> None:
    manager, colleague = fresh(bank.staff["manager"]), fresh(bank.staff["colleague"])
    task = bank.tasks["home"]
    gate()
    before = VisitTask.objects.get(pk=task.pk)
    with pytest.raises(actions.WrongOfficer, match="没有有效的回访证书"):
        actions.assign(task_id=task.pk, officer=colleague, reason="代为回访", by=manager, at=AT)
    with pytest.raises(actions.SecondVisitorWrong, match="没有有效的回访证书"):
        name_second(task_id=task.pk, second=colleague, by=manager, at=AT)
    VisitTask.objects.filter(pk=task.pk).update(assigned_to=None)
    with pytest.raises(actions.WrongOfficer, match="没有有效的回访证书"):
        actions.claim(task_id=task.pk, by=colleague, at=AT)
    with pytest.raises(actions.WrongOfficer, match="没有有效的回访证书"):
        actions.start_visit(task_id=task.pk, by=colleague, at=AT)
    after = VisitTask.objects.get(pk=task.pk)
    assert (after.assigned_to, after.proposed_second, after.version) == (None, None, before.version)
    certify(colleague)
    assert actions.claim(task_id=task.pk, by=colleague, at=AT).assigned_to == colleague


def test_a_call_is_kept_without_the_task_being_given(bank: Bank) -> None:
    colleague, task = fresh(bank.staff["colleague"]), bank.tasks["home"]
    VisitTask.objects.filter(pk=task.pk).update(assigned_to=None)
    gate()
    made = actions.record_attempt(task_id=task.pk, outcome="NO_ANSWER", by=colleague, at=AT)
    assert made.by == colleague and VisitTask.objects.get(pk=task.pk).assigned_to is None


def test_a_joint_visit_is_taken_apart_though_a_certificate_ran_out(bank: Bank) -> None:
    officer, colleague, manager = (fresh(bank.staff[who]) for who in ("officer", "colleague", "manager"))
    lead = bank.tasks["home"]
    other = book_loan(bank.home, officer=colleague, borrower=bank.loans["home"].borrower)
    member = make_task(other, colleague, kind="FIRST", rule="FIRST_60", due_on=lead.due_on)
    merging.merge_tasks(lead_id=lead.pk, task_ids=[member.pk], mode="JOINT", by=manager, at=AT)
    assert VisitTask.objects.get(pk=member.pk).assigned_to == officer
    gate()
    merging.unmerge_task(task_id=member.pk, reason="分开办理", by=manager, at=AT)
    assert VisitTask.objects.get(pk=member.pk).assigned_to == colleague


def test_the_evening_gives_what_a_visit_does_along_with_it(bank: Bank) -> None:
    officer, manager = fresh(bank.staff["officer"]), fresh(bank.staff["manager"])
    lead = bank.tasks["home"]
    other = book_loan(bank.home, officer=officer, borrower=bank.loans["home"].borrower)
    member = make_task(other, officer, kind="FIRST", rule="FIRST_60", due_on=lead.due_on)
    merging.merge_tasks(lead_id=lead.pk, task_ids=[member.pk], mode="JOINT", by=manager, at=AT)
    VisitTask.objects.filter(pk__in=[lead.pk, member.pk]).update(assigned_to=None)
    gate()
    certify(bank.staff["colleague"])
    assert assign_unassigned(as_of=TODAY, at=AT)["assigned"] >= 1
    assert set(VisitTask.objects.filter(pk__in=[lead.pk, member.pk]).values_list("assigned_to", flat=True)) == {
        bank.staff["colleague"].pk
    }
    event = TaskEvent.objects.filter(task=member).latest("id")
    assert (event.kind, event.data["lead"]) == ("ASSIGNED", lead.pk)


def test_what_one_has_stays_and_may_be_begun(bank: Bank) -> None:
    gate()
    officer, task = fresh(bank.staff["officer"]), bank.tasks["home"]
    assert VisitTask.objects.get(pk=task.pk).assigned_to == officer
    assert actions.start_visit(task_id=task.pk, by=officer, at=AT).lead_visitor == officer


def test_a_portfolio_is_handed_over_to_the_certified_only(bank: Bank) -> None:
    gate()
    manager, officer, colleague = (fresh(bank.staff[who]) for who in ("manager", "officer", "colleague"))
    with pytest.raises(handover.HandOverRefused, match="没有有效的回访证书") as refused:
        handover.preview(officer=officer, receivers=[colleague], by=manager)
    assert refused.value.field == "receivers"
    certify(colleague)
    assert handover.preview(officer=officer, receivers=[colleague], by=manager).moves


def in_the_field() -> tuple[Road, Staff, dict[str, Any]]:
    """A visit in the field that has begun, somebody who may go along, and its form filled in with that name."""
    road = Road(method="FIELD")
    second = make_staff("LOAN_OFFICER", road.branch, "白露")
    return road, second, filled(road.start(), second_visitor=second.staff_no)


def test_who_is_newly_named_to_go_along_needs_one_and_nothing_typed_is_lost() -> None:
    road, second, draft = in_the_field()
    gate()
    kept = actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert kept.second_visitor is None and kept.draft == draft
    asked = {"task_id": road.task.pk, "version": kept.version, "draft": draft, "by": road.officer, "at": AT}
    with pytest.raises(actions.SecondVisitorWrong, match="没有有效的回访证书"):
        actions.submit_visit(**asked)
    certify(second)
    assert actions.save_draft(**asked).second_visitor == second


def test_who_went_along_is_not_sent_away_for_a_certificate_that_ran_out() -> None:
    road, second, draft = in_the_field()
    visit = road.second_signs(road.task.visit, draft)
    gate()
    report = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert report.accompanied_by == second


def offered(page: str, name: str) -> dict[str, str]:
    """Staff number → words of the options of a selection on a page."""
    select = re.findall(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', page, re.S)[-1]
    return dict(re.findall(r'<option value="([^"]+)"[^>]*>([^<]*)</option>', select))


def client_of(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def field_visit(bank: Bank) -> VisitTask:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, method="FIELD", rule="PERIODIC")
    gate()
    certify(officer)
    actions.start_visit(task_id=task.pk, by=fresh(officer), at=AT)
    return VisitTask.objects.get(pk=task.pk)


def test_only_who_counts_that_day_is_offered_to_go_along(bank: Bank) -> None:
    task = field_visit(bank)
    colleague, third = bank.staff["colleague"], make_staff("LOAN_OFFICER", bank.home, "金立")
    client, address = client_of(bank.staff["officer"]), reverse("followups:visit", args=[task.pk])
    page = client.get(address).content.decode()
    assert offered(page, "second_visitor") == {} and "没有持有效回访证书、可协办的同事" in page
    certify(third, days=0)
    page = client.get(address).content.decode()
    assert set(offered(page, "second_visitor")) == {third.staff_no} and "没有持有效" not in page
    VisitTask.objects.filter(pk=task.pk).update(proposed_second=colleague)
    found = offered(client.get(address).content.decode(), "second_visitor")
    assert set(found) == {third.staff_no, colleague.staff_no}
    assert "无有效回访证书" in found[colleague.staff_no] and "无有效" not in found[third.staff_no]


def test_who_was_typed_in_is_kept_in_the_list_and_marked(bank: Bank) -> None:
    task = field_visit(bank)
    colleague, officer = bank.staff["colleague"], fresh(bank.staff["officer"])
    draft = {**filled(task.visit), "second_visitor": colleague.staff_no}
    actions.save_draft(task_id=task.pk, version=task.visit.version, draft=draft, by=officer, at=AT)
    page = client_of(officer).get(reverse("followups:visit", args=[task.pk])).content.decode()
    assert "无有效回访证书" in offered(page, "second_visitor")[colleague.staff_no]
    assert re.search(rf'value="{colleague.staff_no}" selected', page)


def test_before_the_gate_everybody_is_offered_and_nobody_is_marked(bank: Bank) -> None:
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    task = make_task(book_loan(bank.home, officer), officer, method="FIELD")
    gate(89)
    actions.start_visit(task_id=task.pk, by=fresh(officer), at=AT)
    page = client_of(officer).get(reverse("followups:visit", args=[task.pk])).content.decode()
    assert colleague.staff_no in offered(page, "second_visitor") and "无有效回访证书" not in page


def test_a_task_is_offered_to_who_may_be_given_it_and_a_filter_names_all(bank: Bank) -> None:
    officer, colleague, manager = bank.staff["officer"], bank.staff["colleague"], bank.staff["manager"]
    task = make_task(book_loan(bank.home, officer), officer)
    gate()
    client = client_of(manager)
    page = client.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert set(offered(page, "officer")) == {officer.staff_no}, "who has it stays"
    desk = client.get(reverse("followups:desk")).content.decode()
    assert (
        offered(desk, "second") == {} and colleague.staff_no in desk.split("of-second")[0] + desk.split("</dialog>")[-1]
    )
    certify(colleague)
    page = client.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert set(offered(page, "officer")) == {officer.staff_no, colleague.staff_no}
    desk = client.get(reverse("followups:desk")).content.decode()
    assert set(offered(desk, "second")) == {colleague.staff_no}
    ask_to_reassign(task_id=task.pk, reason="客户要求换人", by=fresh(officer), at=AT)
    drawer = client.get(reverse("followups:drawer", args=[task.pk])).content.decode()
    third = make_staff("LOAN_OFFICER", bank.home, "金立")
    assert set(offered(drawer, "officer")) == {colleague.staff_no} and third.staff_no not in drawer
