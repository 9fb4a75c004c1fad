"""A follow-up policy from draft to force: two persons, a dry run of exactly these lines, dates apart (S2.12, S1.22)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import batch
from followups.actions import policy_runs
from followups.actions.policy import (
    decide_policy,
    draft_policy,
    replace_lines,
    save_lines,
    submit_policy,
    withdraw_policy,
)
from followups.actions.policy_refusals import (
    DryRunMissing,
    LinesUnreadable,
    OwnPolicy,
    PolicyChanged,
    PolicyDatesOverlap,
    PolicyDecided,
    PolicyNotFit,
    PolicyWrongDate,
)
from followups.actions.policy_runs import ask_for_dry_run, work_dry_run
from followups.models import FollowUpPolicy, FollowUpPolicyLine, VisitTask
from followups.models.policy import PolicyRunLoad, PolicyRunLoan
from followups.queries.policy import lines_of, run_of
from followups.rules.default_policy import LINES, PERIODIC
from followups.rules.facts import known
from followups.rules.policy_classes import Decisive
from followups.rules.policy_outlook import change_of, outlook
from journal.errors import ActionRefused
from journal.models import Entry
from people.actions import NotAllowed
from people.models import Staff
from people.rules.policy import Line
from tests.database.policy_bank import AT, FROM, drafted, risk_people, try_out
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


def twice_a_year(line: Line) -> Line:
    if line.kind == PERIODIC and line.result["months"] == 12:
        return replace(line, result={**line.result, "months": 6})
    return line


def submitted(maker: Staff, change: Callable[[Line], Line] = lambda line: line) -> FollowUpPolicy:
    policy = drafted(maker, change)
    try_out(policy, maker)
    return submit_policy(policy_id=policy.pk, row_version=policy.row_version, by=maker, at=AT)


def book(loans: int) -> None:
    officer = make_staff("LOAN_OFFICER", make_branch())
    for number in range(loans):
        book_loan(branch=officer.branch, officer=officer, days_past_due=(0, 0, 0, 40)[number % 4])
    batch.replan(as_of=date(2026, 11, 1), at=AT)


def test_a_draft_becomes_the_policy_in_force_and_the_evening_plans_by_it() -> None:
    book(12)
    maker, checker = risk_people()
    policy = submitted(maker, twice_a_year)
    decide_policy(policy_id=policy.pk, approve=True, content_sha256=policy.content_sha256, by=checker, at=AT)
    assert batch.policy_in_force(FROM - timedelta(days=1)).version == 1
    assert batch.policy_in_force(FROM).version == 2
    before = dict(VisitTask.objects.filter(kind="PERIODIC").values_list("id", "due_on"))
    batch.replan(as_of=FROM, at=AT)
    after = dict(VisitTask.objects.filter(kind="PERIODIC").values_list("id", "due_on"))
    assert before.keys() <= after.keys()
    assert any(after[pk] < due_on for pk, due_on in before.items())
    kinds = list(
        Entry.objects.filter(kind__startswith="followups.policy").order_by("id").values_list("kind", flat=True)
    )
    assert kinds == [f"followups.policy_{verb}" for verb in ("drafted", "tried", "submitted", "approved")]


def test_a_dry_run_counts_before_and_after_and_names_each_loan_that_changes() -> None:
    book(12)
    maker, _checker = risk_people()
    run = try_out(drafted(maker, twice_a_year), maker)
    assert run.summary["loans"] == 12
    assert run.summary["after"]["off_site"] + run.summary["after"]["visits"] > run.summary["before"]["off_site"]
    rows = list(PolicyRunLoan.objects.filter(run=run))
    assert len(rows) == sum(run.summary["changes"].values()) > 0
    assert all(row.after_on < row.before_on for row in rows if row.change == "EARLIER")
    loads = PolicyRunLoad.objects.filter(run=run)
    weeks, months = loads.filter(unit="W"), loads.filter(unit="M")
    counted = run.summary["after"]
    for rows_of in (weeks, months):
        assert sum(each.phone_after + each.field_after for each in rows_of) == counted["visits"]
        assert sum(each.off_site_after for each in rows_of) == counted["off_site"]
    assert not run.parts.exclude(load_counts=None).exists()


def test_a_dry_run_equals_the_plain_plan_loan_by_loan() -> None:
    book(24)
    maker, _checker = risk_people()
    policy = drafted(maker, twice_a_year)
    run = try_out(policy, maker)
    day = batch.planning_day(run.as_of, AT)
    until = run.as_of + timedelta(days=364)
    loans = list(VisitTask.objects.order_by("loan_id").values_list("loan_id", flat=True).distinct())
    changed, visits = {}, [0, 0]
    for case in batch.cases_of(loans, day):
        foreign = tuple(replace(task, line=None) for task in case.open_tasks)
        found = (
            outlook(case.facts, case.open_tasks, LINES, day.calendar, run.as_of, until),
            outlook(case.facts, foreign, lines_of(policy), day.calendar, run.as_of, until),
        )
        for side, each in enumerate(found):
            visits[side] += sum(method != "OFF_SITE" for _on, method in each.visits)
        if change := change_of(found[0].next, found[1].next):
            changed[case.facts.loan_id] = (change, found[1].next)
    stored = {row.loan_id: row for row in PolicyRunLoan.objects.filter(run=run)}
    assert stored.keys() == changed.keys()
    for loan_id, (change, after) in changed.items():
        row = stored[loan_id]
        assert (row.change, row.after_on, row.after_method) == (change, after and after.on, after and after.method)
    assert visits == [run.summary["before"]["visits"], run.summary["after"]["visits"]]


def test_a_book_cut_into_many_ranges_comes_to_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    book(11)
    maker, _checker = risk_people()
    policy = drafted(maker, twice_a_year)
    whole = try_out(policy, maker)
    monkeypatch.setattr(policy_runs, "PART", 3)
    cut = try_out(policy, maker)
    assert (whole.parts.count(), cut.parts.count()) == (1, 4)
    assert cut.summary == whole.summary
    columns = [f.name for f in PolicyRunLoad._meta.fields if f.name not in ("id", "run")]
    one, other = (set(PolicyRunLoad.objects.filter(run=run).values_list(*columns)) for run in (whole, cut))
    assert one == other and len(one) > 10
    monkeypatch.setattr(policy_runs, "PARTS", 2)
    assert try_out(policy, maker).parts.count() == 2


def test_lines_edited_while_they_wait_to_be_tried_end_the_run() -> None:
    book(2)
    maker, _checker = risk_people()
    policy = drafted(maker)
    run = ask_for_dry_run(policy_id=policy.pk, by=maker, at=AT)
    changed = replace_lines(
        policy_id=policy.pk, row_version=policy.row_version, lines=[twice_a_year(n) for n in LINES], by=maker, at=AT
    )  # fmt: skip
    assert not work_dry_run(run_id=run.pk, at=AT)
    run.refresh_from_db()
    assert (run.state, run.summary, run.parts.filter(loans__isnull=False).exists()) == ("FAILED", {}, False)
    assert try_out(changed, maker).state == "DONE"


def test_the_lines_found_by_class_are_those_that_the_planner_would_find() -> None:
    book(24)
    day = batch.planning_day(date(2026, 11, 1), AT)
    loans = list(VisitTask.objects.values_list("loan_id", flat=True).distinct())
    decisive = Decisive(LINES, LINES)
    for case in batch.cases_of(loans, day):
        plain = [
            next((n for n in LINES if n.kind == kind and n.matches(known(case.facts))), None)
            for kind in dict.fromkeys(line.kind for line in LINES)
        ]
        assert list(decisive.of(case.facts).after) == [line for line in plain if line is not None]


def refused(call: Callable[[], Any], error: type[ActionRefused]) -> None:
    before = (list(FollowUpPolicy.objects.values()), list(FollowUpPolicyLine.objects.values()), Entry.objects.count())
    with pytest.raises(error), transaction.atomic():
        call()
    assert before == (
        list(FollowUpPolicy.objects.values()), list(FollowUpPolicyLine.objects.values()), Entry.objects.count()
    )  # fmt: skip


def test_nobody_approves_an_own_policy_nor_another_content_nor_twice() -> None:
    book(1)
    maker, checker = risk_people()
    policy = submitted(maker)
    told = {"policy_id": policy.pk, "approve": True, "at": AT}
    refused(lambda: decide_policy(**told, content_sha256=policy.content_sha256, by=maker), OwnPolicy)
    refused(lambda: decide_policy(**told, content_sha256="0" * 64, by=checker), PolicyChanged)
    officer = make_staff("LOAN_OFFICER", make_branch())
    refused(lambda: decide_policy(**told, content_sha256=policy.content_sha256, by=officer), NotAllowed)
    decide_policy(**told, content_sha256=policy.content_sha256, by=checker)
    refused(lambda: decide_policy(**told, content_sha256=policy.content_sha256, by=checker), PolicyDecided)


def test_a_draft_is_not_submitted_with_faults_nor_without_a_dry_run_of_its_lines() -> None:
    book(1)
    maker, _checker = risk_people()
    policy = drafted(maker)
    refused(lambda: submit_policy(policy_id=policy.pk, row_version=policy.row_version, by=maker, at=AT), DryRunMissing)
    try_out(policy, maker)
    lines = [{"kind": n.kind, "conditions": [], "result": dict(n.result), "note": n.note} for n in LINES]
    changed = save_lines(policy_id=policy.pk, row_version=policy.row_version, lines=lines, by=maker, at=AT)
    assert run_of(changed) is None
    stale = policy.row_version - 1
    refused(lambda: submit_policy(policy_id=policy.pk, row_version=stale, by=maker, at=AT), PolicyChanged)
    refused(lambda: submit_policy(policy_id=policy.pk, row_version=changed.row_version, by=maker, at=AT), PolicyNotFit)


def test_dates_of_versions_never_overlap() -> None:
    book(1)
    maker, checker = risk_people()
    policy = submitted(maker)
    decide_policy(policy_id=policy.pk, approve=True, content_sha256=policy.content_sha256, by=checker, at=AT)
    words = {"based_on": 2, "purpose": "再次调整", "by": maker, "at": AT}
    refused(lambda: draft_policy(**words, from_on=FROM), PolicyDatesOverlap)
    refused(lambda: draft_policy(**words, from_on=date(2026, 11, 1)), PolicyWrongDate)
    refused(lambda: draft_policy(**{**words, "based_on": 9}, from_on=FROM + timedelta(days=9)), LinesUnreadable)
    assert draft_policy(**words, from_on=FROM + timedelta(days=1)).version == 3
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE followups_followuppolicy SET in_force = '[2020-01-01,)' WHERE version = 1")


def test_lines_of_an_approved_version_never_change() -> None:
    with connection.cursor() as cursor:
        for statement in (
            "UPDATE followups_followuppolicyline SET note = 'x'",
            "DELETE FROM followups_followuppolicyline",
        ):
            with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
                cursor.execute(statement)


def test_a_version_in_force_cannot_be_withdrawn() -> None:
    with (
        pytest.raises(DatabaseError, match="policy_in_force_stays"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE followups_followuppolicy SET withdrawn_at = now() WHERE version = 1")


def test_a_returned_version_is_a_draft_again_and_a_withdrawn_one_is_closed() -> None:
    book(1)
    maker, checker = risk_people()
    policy = submitted(maker)
    told = {"policy_id": policy.pk, "content_sha256": policy.content_sha256, "by": checker, "at": AT}
    back = decide_policy(**told, approve=False, remark="第24行周期太密")
    assert (back.state, back.remark) == ("DRAFT", "第24行周期太密")
    refused(lambda: withdraw_policy(policy_id=policy.pk, reason="不再需要了", by=checker, at=AT), OwnPolicy)
    gone = withdraw_policy(policy_id=policy.pk, reason="不再需要了", by=maker, at=AT)
    assert gone.state == "WITHDRAWN"
    refused(
        lambda: save_lines(policy_id=policy.pk, row_version=gone.row_version, lines=[], by=maker, at=AT), PolicyDecided
    )
