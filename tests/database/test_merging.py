"""One customer, one talk: tasks of a customer or a home done in one visit, with a joint report or one each."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from collateral.models import Charge
from followups import actions
from followups.actions import merging
from followups.batch import answering, talks
from followups.models import EventKind, MergedTask, TaskEvent, TaskState, Visit, VisitTask
from followups.queries.events import items_of
from followups.queries.merging import companions, lead_of, links_of, members_of, within_days
from journal.models import Entry, Pending
from loans.models import Loan, Parameter
from loans.queries.evening import Walk
from people.actions import NotAllowed, root_branch
from tests.database.test_visits import AT, TODAY, filled, make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


class Household:
    """One borrower with two homes; a periodic and a first visit due within 45 days of each other."""

    def __init__(self) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, "周楠")
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        self.loan = book_loan(self.branch, self.officer)
        self.other = book_loan(self.branch, self.officer, borrower=self.loan.borrower)
        self.lead = make_task(self.loan, self.officer)
        self.member = make_task(
            self.other, self.officer, kind="FIRST", rule="FIRST_60", due_on=TODAY + timedelta(days=5), level=3
        )

    def merge(self, mode: str = "JOINT", by: Any = None) -> list[MergedTask]:
        return merging.merge_tasks(
            lead_id=self.lead.pk, task_ids=[self.member.pk], mode=mode, by=by or self.officer, at=AT
        )

    def visit(self) -> tuple[Visit, dict[str, Any]]:
        visit = actions.start_visit(task_id=self.lead.pk, by=self.officer, at=AT)
        visit.task = VisitTask.objects.get(pk=self.lead.pk)
        draft = filled(visit)
        for item in items_of(visit.task, visit):
            if item["required"] and item["key"] not in draft["answers"]:
                draft["answers"][item["key"]] = {"now": item.get("normal", "无")}
        return visit, draft

    def submit(self) -> Any:
        visit, draft = self.visit()
        return actions.submit_visit(task_id=self.lead.pk, version=visit.version, draft=draft, by=self.officer, at=AT)

    def approve(self, report: Any) -> Any:
        return actions.approve_report(report_id=report.pk, content_sha256=report.content_sha256, by=self.manager, at=AT)


@pytest.fixture
def home(db: None) -> Household:
    return Household()


def written() -> tuple[Any, ...]:
    tasks = tuple(VisitTask.objects.order_by("id").values_list("id", "state", "due_on", "assigned_to", "version"))
    return (*(table.objects.count() for table in (MergedTask, TaskEvent, Entry)), tasks)


def test_tasks_of_one_customer_within_45_days_are_offered(home: Household) -> None:
    far = make_task(home.other, home.officer, cycle="9", due_on=TODAY + timedelta(days=66))
    make_task(home.other, home.officer, cycle="8", method="OFF_SITE")
    make_task(home.other, home.officer, cycle="7", rule="OVERDUE_1", kind="IRREGULAR", is_light=True)
    stranger = book_loan(home.branch, home.officer)
    make_task(stranger, home.officer)
    assert companions(home.lead, home.officer) == [home.member]
    assert companions(far, home.officer) == []
    assert companions(home.lead, make_staff("LOAN_OFFICER", make_branch())) == []


def test_tasks_of_one_home_are_offered_whoever_owes(home: Household) -> None:
    combined = book_loan(home.branch, home.officer, appraised_value=None)
    Charge.objects.create(loan=combined, property=Charge.objects.get(loan=home.loan).property, rank=2)
    task = make_task(combined, home.officer)
    assert companions(task, home.officer) == [home.lead]


def test_one_visit_is_as_early_and_as_urgent_as_its_tasks(home: Household) -> None:
    (link,) = home.merge()
    home.lead.refresh_from_db()
    assert (home.lead.due_on, home.lead.level) == (TODAY + timedelta(days=5), 3)
    assert home.lead.events.filter(kind=EventKind.BROUGHT_FORWARD).count() == 1
    assert (link.task, members_of(home.lead)) == (home.member, [home.member])
    assert companions(home.lead, home.officer) == []
    before = written()
    assert home.merge() == [] and written() == before
    with pytest.raises(merging.MergedElsewhere):
        actions.start_visit(task_id=home.member.pk, by=home.officer, at=AT)
    assert written() == before


def test_the_form_asks_what_each_of_the_tasks_asks(home: Household) -> None:
    home.merge()
    visit, _draft = home.visit()
    asked = {item["key"] for item in items_of(home.lead, visit)}
    assert {"fund_arrived", "property_condition"} <= asked


def test_a_joint_report_closes_every_task(home: Household) -> None:
    home.merge()
    report = home.submit()
    assert any(home.member.number in line["zh"] for line in report.content["why"])
    home.approve(report)
    for task in (home.lead, home.member):
        task.refresh_from_db()
        assert (task.state, task.outcome, task.closed_on) == ("CLOSED", "APPROVED", TODAY)
    event = home.member.events.get(kind=EventKind.CLOSED)
    assert (event.data["report_id"], event.data["lead"]) == (report.pk, home.lead.pk)
    woken = set(Entry.objects.filter(kind="followups.report_approved").values_list("loan_id", flat=True))
    assert woken == {home.loan.pk, home.other.pk}
    assert links_of(home.lead) == []


def test_with_a_report_each_the_talk_stands_in_the_other_draft(home: Household) -> None:
    home.merge("EACH")
    report = home.submit()
    home.member.refresh_from_db()
    assert home.member.state == TaskState.IN_PROGRESS
    own = Visit.objects.get(task=home.member)
    assert own.draft["contact_outcome"] == "REACHED" and "conclusion" not in own.draft
    assert "identity_checked" in own.draft["answers"]
    assert "registration_kind" not in own.draft["answers"]
    home.approve(report)
    home.member.refresh_from_db()
    assert home.member.state == TaskState.IN_PROGRESS and links_of(home.lead) == []


def test_a_person_takes_a_task_out_again(home: Household) -> None:
    home.merge()
    merging.unmerge_task(task_id=home.member.pk, reason="客户要求分开", by=home.officer, at=AT)
    assert lead_of(home.member) is None
    actions.start_visit(task_id=home.member.pk, by=home.officer, at=AT)
    before = written()
    with pytest.raises(merging.MergeRefused):
        merging.unmerge_task(task_id=home.member.pk, reason="客户要求分开", by=home.officer, at=AT)
    assert written() == before


def test_what_is_handed_in_is_not_taken_apart(home: Household) -> None:
    home.merge()
    home.submit()
    before = written()
    with pytest.raises(actions.AlreadySubmitted):
        merging.unmerge_task(task_id=home.member.pk, reason="客户要求分开", by=home.officer, at=AT)
    assert written() == before


def test_a_lead_that_ended_otherwise_holds_nothing(home: Household) -> None:
    home.merge()
    VisitTask.objects.filter(pk=home.lead.pk).update(state="CANCELLED", outcome="SETTLED", closed_on=TODAY)
    assert lead_of(home.member) is None
    third = make_task(home.other, home.officer, cycle="5")
    merging.merge_tasks(lead_id=third.pk, task_ids=[home.member.pk], mode="JOINT", by=home.officer, at=AT)
    assert members_of(third) == [home.member]


def test_others_work_is_merged_by_who_assigns(home: Household) -> None:
    colleague, auditor = make_staff("LOAN_OFFICER", home.branch, "白露"), make_staff("AUDITOR", home.branch)
    VisitTask.objects.filter(pk=home.member.pk).update(assigned_to=colleague)
    before = written()
    with pytest.raises(actions.NotYours):
        home.merge()
    with pytest.raises(NotAllowed):
        home.merge(by=auditor)
    assert written() == before
    home.merge(by=home.manager)
    home.member.refresh_from_db()
    assert home.member.assigned_to == home.officer


def test_nobody_is_given_a_task_of_a_branch_not_seen(home: Household) -> None:
    elsewhere = make_branch()
    loan = book_loan(elsewhere, make_staff("LOAN_OFFICER", elsewhere, "白露"), borrower=home.loan.borrower)
    task = make_task(loan, loan.portfolio_officer, kind="FIRST", rule="FIRST_60", due_on=TODAY + timedelta(days=5))
    head = make_staff("BRANCH_MANAGER", root_branch(at=AT), "韩涛")
    assert task in companions(home.lead, head)
    before = written()
    with pytest.raises(actions.WrongOfficer, match="不属于该贷款的机构"):
        merging.merge_tasks(lead_id=home.lead.pk, task_ids=[task.pk], mode="JOINT", by=head, at=AT)
    assert written() == before


@pytest.mark.parametrize("what", ["far", "stranger", "begun", "itself", "mode"])
def test_what_does_not_belong_together_is_refused(home: Household, what: str) -> None:
    ids, mode = [home.member.pk], "JOINT"
    if what == "far":
        VisitTask.objects.filter(pk=home.member.pk).update(due_on=TODAY + timedelta(days=90))
    if what == "stranger":
        ids = [make_task(book_loan(home.branch, home.officer), home.officer).pk]
    if what == "begun":
        actions.start_visit(task_id=home.member.pk, by=home.officer, at=AT)
    if what == "itself":
        ids = [home.lead.pk]
    if what == "mode":
        mode = "BOTH"
    before = written()
    with pytest.raises(merging.MergeRefused):
        merging.merge_tasks(lead_id=home.lead.pk, task_ids=ids, mode=mode, by=home.officer, at=AT)
    assert written() == before


def test_a_merged_task_does_not_lead_others(home: Household) -> None:
    home.merge()
    third = make_task(home.other, home.officer, cycle="5")
    before = written()
    with pytest.raises(merging.MergedElsewhere):
        merging.merge_tasks(lead_id=home.member.pk, task_ids=[third.pk], mode="JOINT", by=home.officer, at=AT)
    assert written() == before


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "task_merged_into_one_visit"),
        ({"task": "lead"}, "task_merged_into_another"),
        ({"ended_at": AT}, "merge_ended_by_somebody"),
    ],
)
def test_a_bad_merge_is_refused_by_the_database(home: Household, given: dict[str, Any], name: str) -> None:
    home.merge()
    fields = {"lead": home.lead, "task": home.member, "mode": "JOINT", "merged_by": "x", "at": AT, **given}
    if fields["task"] == "lead":
        fields["task"] = home.lead
    with pytest.raises(DatabaseError, match=name), transaction.atomic():
        MergedTask.objects.create(business_date=date(2026, 11, 1), **fields)


# The machine


def evening(*loans: Loan) -> dict[str, int]:
    return answering.answer_events(as_of=TODAY, at=AT, loan_ids=[loan.pk for loan in loans], is_evening=True)


def test_the_evening_makes_one_visit_of_a_customers_tasks_once(home: Household) -> None:
    VisitTask.objects.filter(pk=home.member.pk).update(kind="PERIODIC", method="FIELD")
    done = evening(home.other)
    assert (done["merged"], done["unmerged"]) == (1, 0)
    link = MergedTask.objects.get()
    assert (link.merged_by, link.mode, link.task, link.lead) == ("system", "JOINT", home.lead, home.member)
    home.member.refresh_from_db()
    assert (home.member.due_on, home.member.method, home.member.level) == (TODAY + timedelta(days=5), "FIELD", 3)
    assert [event.kind for event in home.lead.events.order_by("id")][-1] == EventKind.JOINED
    before = written()
    assert evening(home.loan, home.other)["merged"] == 0 and written() == before
    assert lead_of(home.lead) is not None and companions(home.member, home.officer) == []


def test_what_the_machine_made_one_a_person_takes_apart_for_good(home: Household) -> None:
    """The visit gets back the date and the method it had; the machine does not join the two again."""
    colleague = make_staff("LOAN_OFFICER", home.branch, "白露")
    VisitTask.objects.filter(pk=home.lead.pk).update(
        kind="IRREGULAR", assigned_to=colleague, opens_on=TODAY, proposed_second=home.officer
    )  # fmt: skip
    evening(home.loan)
    home.lead.refresh_from_db()
    home.member.refresh_from_db()
    assert MergedTask.objects.get().lead == home.member and home.lead.assigned_to == home.officer
    assert home.lead.proposed_second is None, "who leads now goes along with nobody"
    merging.unmerge_task(task_id=home.lead.pk, reason="客户要求分开", by=home.officer, at=AT)
    home.lead.refresh_from_db()
    home.member.refresh_from_db()
    assert home.lead.assigned_to == colleague
    assert (home.member.due_on, home.member.level) == (TODAY + timedelta(days=5), 3)
    before = written()
    assert evening(home.loan, home.other)["merged"] == 0 and written() == before


def test_a_visit_taken_apart_is_due_when_it_was(home: Household) -> None:
    VisitTask.objects.filter(pk=home.lead.pk).update(level=1)
    due_on = VisitTask.objects.get(pk=home.lead.pk).due_on
    VisitTask.objects.filter(pk=home.member.pk).update(method="FIELD", opens_on=TODAY)
    evening(home.loan)
    home.lead.refresh_from_db()
    assert (home.lead.due_on, home.lead.method) == (TODAY + timedelta(days=5), "FIELD")
    merging.unmerge_task(task_id=home.member.pk, reason="客户要求分开", by=home.officer, at=AT)
    home.lead.refresh_from_db()
    assert (home.lead.due_on, home.lead.method, home.lead.level) == (due_on, "PHONE", 1)
    assert home.lead.events.filter(kind=EventKind.SPLIT).count() == 1


@pytest.mark.parametrize("given", [{"state": "IN_PROGRESS"}, {"is_pinned": True}, {"rule": "PROJECT"}])
def test_what_a_person_began_or_fixed_is_not_touched(home: Household, given: dict[str, Any]) -> None:
    VisitTask.objects.filter(pk=home.member.pk).update(**given)
    before = written()
    assert evening(home.loan, home.other)["merged"] == 0 and written() == before


def test_the_planner_wakes_the_merge_for_a_talk_that_it_makes(home: Household) -> None:
    """Only where another talk is near; nothing waits for a customer with one."""
    stranger = book_loan(home.branch, home.officer)
    make_task(stranger, home.officer)
    Pending.objects.all().delete()
    talks.wake([home.loan.pk, stranger.pk], at=AT)
    assert list(Pending.objects.values_list("reaction", "subject_id")) == [("answer_events", home.loan.pk)]


def test_the_walk_of_an_evening_finds_talks_near_each_other(home: Household) -> None:
    walked = answering._scope(TODAY, 0, None, Walk(0, home.other.pk + 9), [])
    assert set(answering._candidates(walked)) & {home.loan.pk, home.other.pk}
    evening(home.loan)
    assert not set(answering._candidates(walked)) & {home.loan.pk, home.other.pk}


def test_what_is_done_along_goes_to_whom_the_visit_is_given_and_comes_back_when_taken_apart(home: Household) -> None:
    other = make_staff("LOAN_OFFICER", home.branch, "吴敏")
    home.merge()
    actions.assign(task_id=home.lead.pk, officer=other, reason="请假代办", by=home.manager, at=AT)
    given = VisitTask.objects.filter(pk__in=[home.lead.pk, home.member.pk])
    assert set(given.values_list("assigned_to", flat=True)) == {other.pk}
    merging.unmerge_task(task_id=home.member.pk, reason="分开办理", by=home.manager, at=AT)
    assert VisitTask.objects.get(pk=home.lead.pk).assigned_to == other
    assert VisitTask.objects.get(pk=home.member.pk).assigned_to == home.officer


def test_a_visit_is_not_given_to_who_may_not_make_what_it_does_along(home: Household) -> None:
    other = make_staff("LOAN_OFFICER", home.branch, "吴敏")
    home.merge()
    VisitTask.objects.filter(pk=home.member.pk).update(role="SPECIALIST")
    before = written()
    with pytest.raises(actions.WrongOfficer):
        actions.assign(task_id=home.lead.pk, officer=other, reason="请假代办", by=home.manager, at=AT)
    assert written() == before


def within(days: int) -> None:
    """The bank's number of days from today on."""
    Parameter.objects.filter(code="talk_merge_days").update(value=days)


def test_how_near_tasks_have_to_be_is_the_banks_number_for_a_person_and_for_the_machine(home: Household) -> None:
    apart = (home.lead.due_on - home.member.due_on).days
    within(apart - 1)
    assert companions(home.lead, home.officer) == []
    with pytest.raises(merging.NotTogether, match=f"相差{apart - 1}天以内"):
        home.merge()
    assert talks.merge_talks(as_of=TODAY, at=AT, loan_ids=[home.loan.pk, home.other.pk])["merged"] == 0
    talks.wake([home.loan.pk], at=AT)
    assert not Pending.objects.filter(reaction=talks.WAKES).exists()
    within(apart)
    assert companions(home.lead, home.officer) == [home.member]
    talks.wake([home.loan.pk], at=AT)
    assert Pending.objects.filter(reaction=talks.WAKES).exists()
    assert talks.merge_talks(as_of=TODAY, at=AT, loan_ids=[home.loan.pk, home.other.pk])["merged"] == 1


def test_the_walk_of_an_evening_finds_talks_as_near_as_the_bank_says(home: Household) -> None:
    apart = (home.lead.due_on - home.member.due_on).days
    for days, wanted in ((apart - 1, False), (apart, True)):
        within(days)
        walked = answering._scope(TODAY, 0, None, Walk(0, home.other.pk + 9), [])
        assert bool(set(answering._candidates(walked)) & {home.loan.pk, home.other.pk}) == wanted, days


def test_a_bank_without_the_parameter_merges_within_45_days(home: Household) -> None:
    Parameter.objects.filter(code="talk_merge_days").update(code="talk_merge_days_gone")
    assert within_days() == 45 and companions(home.lead, home.officer) == [home.member]
