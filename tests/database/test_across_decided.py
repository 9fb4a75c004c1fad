"""Who sees both branches of a household decides: one visit, or left apart with a reason; told once."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.actions import across, merging
from followups.batch.answering import answer_evening
from followups.batch.sharing import share_out
from followups.models import AcrossPair, MergedTask, VisitTask
from followups.queries.across import able_for, pairs_visible_to, to_decide
from journal.models import Entry
from people.actions import NotAllowed, root_branch
from people.models import Role
from tests.database.test_across import UPPER, Family, certificates_are_asked_for, fresh, led, written
from tests.database.test_visits import AT, TODAY, make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def family() -> Family:
    return Family()


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
