"""Talks of one household in several branches: one visit where its officer may see them all, else told to who does."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.actions import across, handover, merging
from followups.batch.answering import answer_evening, answer_events
from followups.batch.sharing import share_out
from followups.batch.talks import merge_talks
from followups.models import AcrossPair, EventKind, MergedTask, TaskEvent, Visit, VisitTask
from followups.queries.across import able_for, pairs_visible_to, to_decide
from followups.queries.sight import branches_visited, may_visit
from journal.models import Entry
from people.actions import NotAllowed, root_branch
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


# Who sees both decides


def officer_above(family: Family, name: str = "林总") -> Any:
    return make_staff(UPPER, family.upper, name)


def decided(family: Family, pair: AcrossPair, officer: Any) -> VisitTask:
    return across.visit_together(pair_id=pair.pk, officer=officer, by=family.head, at=AT)


def test_only_who_sees_both_branches_knows_of_the_pair(family: Family) -> None:
    pair = family.pair()
    assert list(to_decide(family.head)) == [pair] == list(to_decide(make_staff("BRANCH_MANAGER", root_branch(at=AT))))
    for stranger in (family.manager, family.one, make_staff("BRANCH_MANAGER", make_branch())):
        assert not to_decide(stranger).exists() and not AcrossPair.objects.visible_to(stranger).exists()
        with pytest.raises((AcrossPair.DoesNotExist, NotAllowed)):
            across.leave_apart(pair_id=pair.pk, reason="各自回访", by=stranger, at=AT)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "IN_PROGRESS"}, {"is_pinned": True}, {"paused_until": TODAY}, {"method": "OFF_SITE"},
        {"due_on": TODAY + timedelta(days=200)}, {"role": "LOAN_OFFICER"},
        {"kind": "FIRST", "opens_on": TODAY + timedelta(days=900)},
    ],
)  # fmt: skip
def test_what_changed_since_is_gone_from_the_list_and_refused(family: Family, change: dict[str, Any]) -> None:
    pair, officer = family.pair(), officer_above(family)
    VisitTask.objects.filter(pk=family.task_there.pk).update(**change)
    assert not to_decide(family.head).exists()
    before = written()
    for step in (
        lambda: decided(family, pair, officer),
        lambda: across.leave_apart(pair_id=pair.pk, reason="各自回访", by=family.head, at=AT),
    ):
        with pytest.raises(across.PairStale):
            step()
    assert written() == before


def test_given_to_who_sees_both_the_pair_is_the_machines_again(family: Family) -> None:
    family.pair()
    officer = officer_above(family)
    actions.assign(task_id=family.task.pk, officer=officer, reason="上级机构办理", by=family.head, at=AT)
    assert not to_decide(family.head).exists()
    # Nothing else woke it; the next evening finds the pair alone.
    assert answer_evening(as_of=TODAY, at=AT)["merged"] == 1 and led() == {family.task_there.pk: family.task.pk}
    assert "merged" not in answer_evening(as_of=TODAY, at=AT), "nothing is left to look at"


def test_one_visit_is_made_of_both_and_taken_apart_again(family: Family) -> None:
    pair, officer = family.pair(), officer_above(family)
    lead = decided(family, pair, officer)
    # The more urgent leads.
    assert lead == family.task_there and led() == {family.task.pk: lead.pk}
    assert {fresh(task).assigned_to for task in (family.task, family.task_there)} == {officer}
    link = MergedTask.objects.get()
    assert (link.mode, link.is_across, link.merged_by) == ("EACH", True, family.head.staff_no)
    assert fresh(lead).due_on == family.task.due_on and not to_decide(family.head).exists()
    before = written()
    assert decided(family, pair, officer) == lead and written() == before, "pressed twice"
    family.look()
    share_out(as_of=TODAY - timedelta(days=99), at=AT)
    assert led() == {family.task.pk: lead.pk}, "what a person made the machine leaves alone"
    with pytest.raises(across.PairStale):
        decided(family, pair, officer_above(family, "秦越"))
    merging.unmerge_task(task_id=family.task.pk, reason="客户要求分别办理", by=family.head, at=AT)
    assert fresh(family.task).assigned_to == family.one and fresh(lead).due_on == family.task_there.due_on
    family.look()
    assert led() == {} and not to_decide(family.head).exists(), "taken apart by a person it stays apart"


def test_what_already_does_others_along_leads_and_two_such_are_refused(family: Family) -> None:
    second = make_task(book_loan(family.here, family.one, borrower=family.loan.borrower), family.one, opens_on=TODAY)
    pair, officer = family.pair(), officer_above(family)
    assert led() == {second.pk: family.task.pk}
    assert decided(family, pair, officer) == family.task
    assert led() == {second.pk: family.task.pk, family.task_there.pk: family.task.pk}
    assert fresh(second).assigned_to == officer
    merging.unmerge_task(task_id=family.task_there.pk, reason="分别办理", by=family.head, at=AT)


def test_two_visits_that_each_do_others_along_are_refused_with_a_sentence(family: Family) -> None:
    for branch, one in ((family.here, family.one), (family.there, family.other)):
        make_task(book_loan(branch, one, borrower=family.loan.borrower), one, opens_on=TODAY)
    pair, officer = family.pair(), officer_above(family)
    before = written()
    with pytest.raises(merging.MergeRefused, match="先拆开"):
        decided(family, pair, officer)
    assert written() == before


@pytest.mark.parametrize("what", ["nobody", "one branch", "no visits", "approver", "certificate", "not active", "away"])
def test_the_visit_goes_only_to_who_may_make_all_of_it(family: Family, what: str) -> None:
    pair, officer = family.pair(), officer_above(family)
    if what == "one branch":
        officer = family.one
    if what == "no visits":
        officer = family.head
    if what == "approver":
        type(family.loan).objects.filter(pk=family.loan_there.pk).update(approver=officer)
    if what == "certificate":
        certificates_are_asked_for()
    if what == "not active":
        type(officer).objects.filter(pk=officer.pk).update(is_active=False)
    if what == "away":
        # Not below who decides.
        officer = make_staff(UPPER, root_branch(at=AT), "总行")
    before = written()
    with pytest.raises(actions.WrongOfficer):
        decided(family, pair, None if what == "nobody" else officer)
    assert written() == before
    if what in ("approver", "certificate", "not active", "away"):
        found = to_decide(family.head).get()
        able = able_for([found], by=family.head, as_of=TODAY)[pair.pk]
        assert officer not in able


def test_officers_are_offered_before_managers_and_nobody_where_there_is_none(family: Family) -> None:
    family.pair()
    found = to_decide(family.head).get()
    assert able_for([found], by=family.head, as_of=TODAY) == {found.pk: []}
    manager = officer_above(family)
    wide = make_staff("LOAN_OFFICER", family.upper, "阮")
    wide.roles.add(Role.objects.create(code="WIDE", name="片区", scope="SUBTREE", permissions=[]))
    assert able_for([found], by=family.head, as_of=TODAY) == {found.pk: [wide, manager]}


def test_left_apart_with_a_reason_it_leaves_the_list_and_the_machine_too(family: Family) -> None:
    pair = family.pair()
    for words in ("", "不", "x" * 201):
        before = written()
        with pytest.raises(actions.ReasonMissing):
            across.leave_apart(pair_id=pair.pk, reason=words, by=family.head, at=AT)
        assert written() == before
    across.leave_apart(pair_id=pair.pk, reason="夫妻分居，分别回访", by=family.head, at=AT)
    assert not to_decide(family.head).exists()
    (shown,) = pairs_visible_to(family.head)
    assert (shown.left_by, shown.left_on, shown.reason) == (family.head, TODAY, "夫妻分居，分别回访")
    told = Entry.objects.get(kind="followups.pair_left_apart")
    assert "分居" not in str(told.data)
    before = written()
    across.leave_apart(pair_id=pair.pk, reason="夫妻分居，分别回访", by=family.head, at=AT)
    family.above()
    actions.assign(task_id=family.task.pk, officer=family.officer, reason="上级办理", by=family.head, at=AT)
    assert family.task_there.pk not in {*led()} or led()[family.task_there.pk] != family.task.pk
    with pytest.raises(across.PairStale):
        across.leave_apart(pair_id=pair.pk, reason="另一个原因", by=family.head, at=AT)
    with pytest.raises(across.PairStale):
        decided(family, pair, family.officer)


def test_two_left_apart_are_not_joined_when_one_officer_comes_to_see_both(family: Family) -> None:
    pair = family.pair()
    across.leave_apart(pair_id=pair.pk, reason="分别回访", by=family.head, at=AT)
    officer = officer_above(family)
    for task in (family.task, family.task_there):
        actions.assign(task_id=task.pk, officer=officer, reason="上级办理", by=family.head, at=AT)
    assert family.look() == {"merged": 0, "unmerged": 0}
    assert AcrossPair.objects.get().left_on == TODAY


@pytest.mark.parametrize(
    "wrong",
    [
        "one_id = other_id, other_id = one_id", "other_branch_id = one_branch_id", "why = 'X'", "reason = 'x'",
        "left_on = '2026-11-01'", "tell_on = found_on - 1",
    ],
)  # fmt: skip
def test_the_database_keeps_pairs_whole(family: Family, wrong: str) -> None:
    family.pair()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE followups_acrosspair SET {wrong}")


# Told once


def figures(staff: Any, day: date) -> dict[str, int]:
    from followups.queries.digests import digest_on, seen

    digest = digest_on(type(staff).objects.get(pk=staff.pk), day)
    return {figure.code: figure.count for figure in seen(digest, staff)} if digest else {}


def test_a_pair_is_told_once_to_who_sees_both_and_not_daily(family: Family) -> None:
    from tests.database.test_digests import MONDAY, TUESDAY, made_on

    family.pair()
    made_on(MONDAY)
    assert figures(family.head, MONDAY)["ACROSS"] == 1
    assert "ACROSS" not in figures(family.manager, MONDAY) | figures(family.one, MONDAY)
    made_on(TUESDAY)
    assert "ACROSS" not in figures(family.head, TUESDAY)
    family.head.branch = family.here
    family.head.save()
    assert "ACROSS" not in figures(type(family.head).objects.get(pk=family.head.pk), MONDAY), "of both branches or none"


def test_what_is_decided_by_the_morning_is_not_told(family: Family) -> None:
    from tests.database.test_digests import MONDAY, made_on

    across.leave_apart(pair_id=family.pair().pk, reason="分别回访", by=family.head, at=AT)
    made_on(MONDAY)
    assert "ACROSS" not in figures(family.head, MONDAY)
