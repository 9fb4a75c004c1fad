"""Talks of one household in several branches: one visit where its officer may see them all, else told to who does."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from followups import actions
from followups.actions import handover, merging
from followups.actions.desk_batch import merge_of_customer
from followups.batch.answering import answer_events
from followups.batch.sharing import share_out
from followups.batch.talks import merge_talks
from followups.models import AcrossPair, EventKind, MergedTask, TaskEvent, Visit, VisitTask
from followups.queries.sight import branches_visited, may_visit
from journal.models import Entry
from people.actions import root_branch
from people.actions.leave import enter_leave
from people.models import Branch, Role
from people.queries import branch_ids_visible_to, may
from tests.database.test_visits import AT, TODAY, filled, make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
UPPER = ["LOAN_OFFICER", "BRANCH_MANAGER"]


class Family:
    """One borrower with a loan in each of two branches below one; nobody has anything in that one."""

    def __init__(self) -> None:
        self.upper = make_branch()
        self.here, self.there = make_branch(parent=self.upper), make_branch(parent=self.upper)
        self.one = make_staff("LOAN_OFFICER", self.here, "周楠")
        self.other = make_staff("LOAN_OFFICER", self.there, "白露")
        self.head = make_staff("BRANCH_MANAGER", self.upper, "韩涛")
        self.manager = make_staff("BRANCH_MANAGER", self.here, "何建平")
        self.loan = book_loan(self.here, self.one)
        self.loan_there = book_loan(self.there, self.other, borrower=self.loan.borrower)
        self.task = make_task(self.loan, self.one, opens_on=TODAY)
        self.task_there = make_task(
            self.loan_there, self.other, level=2, opens_on=TODAY, due_on=self.task.due_on + timedelta(days=9)
        )

    def above(self, **given: Any) -> VisitTask:
        """An officer who sees all three branches has a talk of the same borrower in the upper one."""
        self.officer = make_staff(UPPER, self.upper, "林总")
        self.loan_above = book_loan(self.upper, self.officer, borrower=self.loan.borrower)
        given = {"opens_on": TODAY, "due_on": self.task.due_on + timedelta(days=20), **given}
        return make_task(self.loan_above, self.officer, **given)

    def look(self) -> dict[str, int]:
        return merge_talks(as_of=TODAY, at=AT, loan_ids=[self.loan.pk])

    def pair(self) -> AcrossPair:
        self.look()
        return AcrossPair.objects.get()


@pytest.fixture
def family() -> Family:
    return Family()


def fresh(task: VisitTask) -> VisitTask:
    return VisitTask.objects.get(pk=task.pk)


def led() -> dict[int, int]:
    return dict(MergedTask.objects.filter(ended_at__isnull=True).values_list("task_id", "lead_id"))


def written() -> tuple[Any, ...]:
    tasks = tuple(VisitTask.objects.order_by("id").values_list("id", "state", "due_on", "assigned_to", "version"))
    pairs = tuple(AcrossPair.objects.order_by("id").values_list("id", "closed_on", "left_on", "reason", "found_on"))
    return (*(table.objects.count() for table in (MergedTask, TaskEvent, Entry)), tasks, pairs)


# The machine, where it may


def test_the_officer_of_the_upper_branch_makes_one_visit_of_all_with_a_report_each(family: Family) -> None:
    lead = family.above()
    assert family.look() == {"merged": 2, "unmerged": 0}
    assert led() == {family.task.pk: lead.pk, family.task_there.pk: lead.pk}
    assert set(MergedTask.objects.values_list("mode", "is_across")) == {("EACH", True)}
    for task in (family.task, family.task_there):
        assert fresh(task).assigned_to == family.officer
    assert (fresh(lead).due_on, fresh(lead).level) == (family.task.due_on, 2)
    before = written()
    assert family.look() == {"merged": 0, "unmerged": 0} and written() == before
    assert not AcrossPair.objects.exists()


@pytest.mark.parametrize("what", ["branch scope", "not active", "no visits", "nobody", "approver", "certificate"])
def test_who_may_not_make_all_of_it_is_given_nothing(family: Family, what: str) -> None:
    lead = family.above()
    if what == "branch scope":
        family.officer.roles.set(Role.objects.filter(code="LOAN_OFFICER"))
    if what == "not active":
        type(family.officer).objects.filter(pk=family.officer.pk).update(is_active=False)
    if what == "no visits":
        family.officer.roles.set(Role.objects.filter(code="BRANCH_MANAGER"))
    if what == "nobody":
        VisitTask.objects.filter(pk=lead.pk).update(assigned_to=None)
    if what == "approver":
        for loan in (family.loan, family.loan_there):
            type(loan).objects.filter(pk=loan.pk).update(approver=family.officer)
    if what == "certificate":
        certificates_are_asked_for()
    assert family.look() == {"merged": 0, "unmerged": 0} and led() == {}
    pairs = 1 if what in ("approver", "certificate") else 3
    assert AcrossPair.objects.count() == pairs


def certificates_are_asked_for() -> None:
    from loans.models import BusinessDate

    BusinessDate.objects.create(day=TODAY - timedelta(days=90), is_open=False, opened_at=AT, closed_at=AT)


def test_what_comes_along_stays_when_the_certificate_ran_out(family: Family) -> None:
    family.above()
    family.look()
    certificates_are_asked_for()
    before = written()
    family.look()
    share_out(as_of=TODAY - timedelta(days=99), at=AT)
    assert written() == before


def test_one_visit_leaves_a_report_in_each_branch_that_its_own_manager_decides(family: Family) -> None:
    lead = family.above()
    family.look()
    visit = actions.start_visit(task_id=lead.pk, by=family.officer, at=AT)
    visit.task = fresh(lead)
    report = actions.submit_visit(task_id=lead.pk, version=visit.version, draft=filled(visit), by=family.officer, at=AT)
    assert not any(family.task.number in line["zh"] for line in report.content["why"])
    for task in (family.task, family.task_there):
        assert fresh(task).state == "IN_PROGRESS" and Visit.objects.get(task=task).draft["answers"]
    assert led() == {}
    done = actions.approve_report(report_id=report.pk, content_sha256=report.content_sha256, by=family.head, at=AT)
    assert done.state == "APPROVED" and fresh(family.task).state == "IN_PROGRESS"


# Whoever takes the visit over sees all of it, or it is taken apart


def test_given_to_who_does_not_see_the_other_branch_the_visit_is_taken_apart(family: Family) -> None:
    lead = family.above()
    family.look()
    colleague = make_staff("LOAN_OFFICER", family.upper, "秦越")
    actions.assign(task_id=lead.pk, officer=colleague, reason="另有安排", by=family.head, at=AT)
    assert led() == {}
    assert [fresh(task).assigned_to for task in (family.task, family.task_there)] == [family.one, family.other]
    told = family.task.events.get(kind=EventKind.SPLIT)
    assert (told.data["why"], told.actor) == ("NO_SIGHT", "system")
    assert lead.events.filter(kind=EventKind.SPLIT).count() == 2
    assert fresh(lead).due_on == family.task.due_on, "dates only come forward"
    # What the machine took apart it may bring together again.
    actions.assign(task_id=lead.pk, officer=family.officer, reason="恢复原安排", by=family.head, at=AT)
    assert family.look()["merged"] == 2


def test_given_to_another_who_sees_all_it_takes_everything_along(family: Family) -> None:
    lead = family.above()
    family.look()
    second = make_staff(UPPER, family.upper, "秦越")
    actions.assign(task_id=lead.pk, officer=second, reason="另有安排", by=family.head, at=AT)
    assert len(led()) == 2 and fresh(family.task).assigned_to == second


def test_handed_over_the_visit_is_taken_apart_where_the_receiver_sees_less(family: Family) -> None:
    lead = family.above()
    family.look()
    colleague = make_staff("LOAN_OFFICER", family.upper, "秦越")
    found = handover.preview(officer=family.officer, receivers=[colleague], by=family.head)
    handover.hand_over(
        officer=family.officer, receivers=[colleague], sha256=found.sha256, reason="岗位调整", by=family.head, at=AT
    )
    assert fresh(lead).assigned_to == colleague and led() == {}
    assert [fresh(task).assigned_to for task in (family.task, family.task_there)] == [family.one, family.other]


@pytest.mark.parametrize("what", ["role", "left", "moved"])
def test_the_evening_takes_apart_what_its_officer_sees_no_more(family: Family, what: str) -> None:
    lead = family.above()
    family.look()
    officer = type(family.officer).objects.filter(pk=family.officer.pk)
    if what == "role":
        family.officer.roles.set(Role.objects.filter(code="LOAN_OFFICER"))
    else:
        officer.update(is_active=False) if what == "left" else officer.update(branch=family.here)
    share_out(as_of=TODAY, at=AT)
    apart = {family.task_there.pk} if what == "moved" else {family.task.pk, family.task_there.pk}
    assert led() == dict.fromkeys({family.task.pk, family.task_there.pk} - apart, lead.pk)
    assert fresh(family.task_there).assigned_to == family.other
    before = written()
    share_out(as_of=TODAY, at=AT)
    assert written() == before


def test_who_was_given_back_nothing_they_may_not_see_leaves_it_to_the_evening(family: Family) -> None:
    lead = family.above()
    family.look()
    type(family.other).objects.filter(pk=family.other.pk).update(branch=family.here)
    colleague = make_staff("LOAN_OFFICER", family.upper, "秦越")
    actions.assign(task_id=lead.pk, officer=colleague, reason="另有安排", by=family.head, at=AT)
    # 林总 still sees both, so that it is not left with nobody.
    assert fresh(family.task_there).assigned_to == family.officer and led() == {}


def test_a_deputy_hands_in_what_they_see_and_the_rest_is_the_officers_again(family: Family) -> None:
    lead = family.above()
    family.look()
    deputy = make_staff("LOAN_OFFICER", family.upper, "秦越")
    enter_leave(staff=family.officer, first=TODAY, last=TODAY, deputy=deputy, reason="年休假", by=family.officer, at=AT)
    deputy = type(deputy).objects.get(pk=deputy.pk)
    visit = actions.start_visit(task_id=lead.pk, by=deputy, at=AT)
    visit.task = fresh(lead)
    actions.submit_visit(task_id=lead.pk, version=visit.version, draft=filled(visit), by=deputy, at=AT)
    assert (fresh(lead).state, fresh(family.task).state, led()) == ("SUBMITTED", "PLANNED", {})
    assert fresh(family.task).assigned_to == family.officer and not Visit.objects.filter(task=family.task).exists()
    assert family.task.events.get(kind=EventKind.SPLIT).data["why"] == "NO_SIGHT"


def test_a_manager_of_the_branch_below_takes_the_own_task_out_again(family: Family) -> None:
    lead = family.above()
    family.look()
    with pytest.raises(merging.MergedElsewhere) as refused:
        actions.assign(task_id=family.task.pk, officer=family.one, reason="另有安排", by=family.manager, at=AT)
    assert lead.number not in refused.value.message
    merging.unmerge_task(task_id=family.task.pk, reason="客户要求在本机构办理", by=family.manager, at=AT)
    assert fresh(family.task).assigned_to == family.one and led() == {family.task_there.pk: lead.pk}
    assert family.look()["merged"] == 0, "what a person took apart stays apart"


def test_by_hand_another_branch_comes_along_with_a_report_each_and_an_officer_who_sees_it(family: Family) -> None:
    lead = family.above()
    before = written()
    for mode, task in (("JOINT", lead), ("EACH", family.task)):
        with pytest.raises((merging.MergeRefused, actions.WrongOfficer)):
            merging.merge_tasks(lead_id=task.pk, task_ids=[family.task_there.pk], mode=mode, by=family.head, at=AT)
    VisitTask.objects.filter(pk=lead.pk).update(assigned_to=None)
    with pytest.raises(merging.MergeRefused, match="分派"):
        merging.merge_tasks(lead_id=lead.pk, task_ids=[family.task.pk], mode="EACH", by=family.head, at=AT)
    VisitTask.objects.filter(pk=lead.pk).update(assigned_to=family.officer)
    assert written() == before
    merging.merge_tasks(lead_id=lead.pk, task_ids=[family.task.pk], mode="EACH", by=family.head, at=AT)
    assert MergedTask.objects.get().is_across and fresh(family.task).assigned_to == family.officer


@pytest.mark.parametrize("roles", [["LOAN_OFFICER"], UPPER, ["BRANCH_MANAGER"], ["LOAN_OFFICER", "RISK_MANAGER"], []])
def test_the_database_sees_what_a_page_sees(family: Family, roles: list[str]) -> None:
    every = list(Branch.objects.values_list("pk", flat=True))
    for branch in (family.here, family.upper, root_branch(at=AT)):
        for is_active in (True, False):
            staff = make_staff(roles or ["AUDITOR"], branch)
            type(staff).objects.filter(pk=staff.pk).update(is_active=is_active)
            staff = type(staff).objects.get(pk=staff.pk)
            seen = set(branch_ids_visible_to(staff)) if may(staff, "followups.record_visit") else set()
            assert branches_visited([staff.pk], every).get(staff.pk, frozenset()) == seen
            with connection.cursor() as cursor:
                condition = may_visit("%(staff)s", "every.id")
                cursor.execute(f"SELECT id FROM people_branch every WHERE {condition}", {"staff": staff.pk})
                assert {row[0] for row in cursor.fetchall()} == seen


def test_ticked_on_the_desk_tasks_of_two_branches_get_a_report_each(family: Family) -> None:
    lead = family.above(due_on=family.task.due_on - timedelta(days=1))
    ticked = [lead.pk, family.task.pk]
    assert [link.mode for link in merge_of_customer(task_ids=ticked, by=family.head, at=AT)] == ["EACH"]
    assert led() == {family.task.pk: lead.pk} and fresh(family.task).assigned_to == family.officer


# What it may not join it keeps


def test_two_branches_beside_each_other_are_kept_once(family: Family) -> None:
    assert family.look() == {"merged": 0, "unmerged": 0}
    pair = AcrossPair.objects.get()
    assert (pair.one, pair.other, pair.why) == (family.task, family.task_there, "BORROWER")
    assert (pair.found_on, pair.tell_on) == (TODAY, TODAY + timedelta(days=1))
    before = written()
    answer_events(as_of=TODAY + timedelta(days=1), at=AT, loan_ids=[family.loan_there.pk])
    assert written() == before


def test_a_pair_that_moved_away_is_closed_and_found_again_told_again(family: Family) -> None:
    pair = family.pair()
    VisitTask.objects.filter(pk=family.task_there.pk).update(due_on=TODAY + timedelta(days=300))
    family.look()
    assert AcrossPair.objects.get(pk=pair.pk).closed_on == TODAY
    VisitTask.objects.filter(pk=family.task_there.pk).update(due_on=family.task.due_on)
    merge_talks(as_of=TODAY + timedelta(days=3), at=AT, loan_ids=[family.loan.pk])
    again = AcrossPair.objects.get()
    assert (again.pk, again.closed_on, again.tell_on) == (pair.pk, None, TODAY + timedelta(days=4))


def test_a_pair_ends_with_either_task(family: Family) -> None:
    family.pair()
    VisitTask.objects.filter(pk=family.task.pk).update(state="CANCELLED", outcome="SETTLED", closed_on=TODAY)
    share_out(as_of=TODAY, at=AT)
    assert AcrossPair.objects.get().closed_on == TODAY


def test_an_officer_above_who_comes_to_have_a_talk_ends_the_pair(family: Family) -> None:
    family.pair()
    lead = family.above()
    family.look()
    assert led() == {family.task.pk: lead.pk, family.task_there.pk: lead.pk}
    assert AcrossPair.objects.get().closed_on == TODAY
