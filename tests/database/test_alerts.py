"""Who is told of a warning and when: in the day, late steps with the evening's digest, new rules to everybody."""

from datetime import date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions as followups
from followups.actions.policy import decide_policy, submit_policy
from followups.batch import alerts as batch
from followups.models import Alert
from followups.queries.alerts import alerts_for, told_alerts, unread_alerts
from followups.rules.alerts import audiences
from journal.batch import run_pending
from journal.models import Pending
from risk import actions
from risk.models import Signal
from tests.database.policy_bank import AT as POLICY_AT
from tests.database.policy_bank import drafted, risk_people, try_out
from tests.database.test_signals import LATER, Bank
from tests.factories import make_branch, make_staff

pytestmark = pytest.mark.django_db

RAISED = date(2026, 12, 11)
AT = datetime(2026, 12, 11, 8, 0, tzinfo=LATER.tzinfo)


@pytest.fixture
def bank(db: None) -> Bank:
    return Bank()


def told(day: date) -> dict[str, set[str]]:
    """Code → audiences told by a day."""
    found: dict[str, set[str]] = {}
    for code, audience in Alert.objects.filter(tell_on__lte=day).values_list("code", "audience"):
        found.setdefault(code, set()).add(audience)
    return found


def evening(day: date) -> int:
    return batch.tell_evening(as_of=day, at=AT)["told"]


# S2.16
def test_a_new_signal_is_told_to_officer_and_manager_within_seconds(bank: Bank) -> None:
    signal = bank.arrears()
    Pending.objects.exclude(reaction="tell_signals").delete()
    run_pending(at=LATER)
    assert {(one.audience, one.signal_id) for one in Alert.objects.all()} == {
        ("OFFICER", signal.pk), ("MANAGER", signal.pk),
    }  # fmt: skip
    today = date(2026, 11, 1)
    assert unread_alerts(bank.officer, today, 9) == unread_alerts(bank.manager, today, 9) == 1
    stranger = make_staff("LOAN_OFFICER", make_branch())
    colleague = make_staff("LOAN_OFFICER", bank.branch)
    assert unread_alerts(stranger, today, 9) == unread_alerts(colleague, today, 9) == 0


def test_red_goes_to_the_head_above_as_well(bank: Bank) -> None:
    bank.overdue(91, as_of=RAISED)
    bank.regrade(RAISED)
    head = make_staff("RISK_MANAGER", make_branch())
    batch.tell_signals(as_of=RAISED, at=AT, loan_ids=[bank.loan.pk])
    assert told(RAISED) == {"SIGNAL": {"OFFICER", "MANAGER", "BRANCH_HEAD"}}
    assert alerts_for(head, RAISED).count() == 1
    assert {audience for code, audience, _when, _level in audiences() if code == "SIGNAL"} == told(RAISED)["SIGNAL"]


def test_what_a_crash_lost_is_told_in_the_evening_and_once(bank: Bank) -> None:
    bank.arrears()
    Pending.objects.all().delete()
    assert batch.tell_cuts(as_of=RAISED, size=10).due == 1
    assert evening(RAISED) == 2
    assert evening(RAISED) == 0 and batch.tell_cuts(as_of=RAISED, size=10).due == 0
    assert batch.tell_signals(as_of=RAISED, at=AT, loan_ids=[bank.loan.pk]) == 0


# S2.5
def test_a_step_that_nobody_takes_is_told_to_the_manager(bank: Bank) -> None:
    signal = bank.arrears()
    evening(RAISED)
    for days in range(1, 5):
        assert evening(RAISED + timedelta(days=days)) == 0
    assert evening(signal.answer_by) == 2
    late = Alert.objects.filter(code="SIGNAL_LATE")
    assert {(one.audience, one.tell_on) for one in late} == {
        ("OFFICER", signal.answer_by + timedelta(days=1)), ("MANAGER", signal.answer_by + timedelta(days=1)),
    }  # fmt: skip
    assert evening(signal.answer_by) == 0


# S2.5
def test_a_late_action_and_a_signal_ready_to_be_closed_are_told(bank: Bank) -> None:
    signal = bank.arrears()
    actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words="电话核实属实", by=bank.officer, at=LATER)
    due_on = date(2026, 11, 6)
    action = actions.set_action(signal_id=signal.pk, version=2, words="与客户商定延期", owner=bank.officer.staff_no,
                                due_on=due_on, by=bank.officer, at=LATER)  # fmt: skip
    evening(due_on)
    assert told(date(2026, 11, 9))["ACTION_LATE"] == {"OFFICER", "MANAGER"}
    actions.finish_action(action_id=action.pk, result="已签延期协议", by=bank.officer, at=LATER)
    evening(date(2026, 11, 2))
    assert told(date(2026, 11, 9))["SIGNAL_READY"] == {"MANAGER"}
    signal.refresh_from_db()
    actions.close_signal(signal_id=signal.pk, version=signal.version, words="措施落实", by=bank.manager, at=LATER)
    assert not alerts_for(bank.manager, date(2026, 11, 9)).exists()


def test_an_answered_signal_is_no_longer_late(bank: Bank) -> None:
    signal = bank.arrears()
    evening(signal.answer_by)
    day = signal.answer_by + timedelta(days=1)
    assert {row.alert.code for row in told_alerts(bank.manager, day)} == {"SIGNAL_LATE"}
    actions.answer_signal(
        signal_id=signal.pk, version=1, is_true=False, words="扣款通道故障", by=bank.manager, at=LATER
    )
    assert told_alerts(bank.manager, day) == []


def test_reading_marks_only_what_one_is_told(bank: Bank) -> None:
    bank.arrears()
    batch.tell_signals(as_of=date(2026, 11, 1), at=AT, loan_ids=[bank.loan.pk])
    newest = Alert.objects.latest("pk").pk
    today = date(2026, 11, 1)
    followups.mark_read(up_to=0, alerts_up_to=newest + 5, by=bank.manager, at=AT)
    assert unread_alerts(bank.manager, today, 9) == 1
    for person in (bank.officer, bank.manager):
        mine = alerts_for(person, today).latest("pk").pk
        followups.mark_read(up_to=0, alerts_up_to=mine, by=person, at=AT)
        assert unread_alerts(person, today, 9) == 0
        assert [row.is_new for row in told_alerts(person, today)] == [False]


# S2.12
def test_a_new_policy_is_told_to_all_staff_when_it_is_approved(bank: Bank) -> None:
    maker, checker = risk_people()
    policy = drafted(maker)
    try_out(policy, maker)
    policy = submit_policy(policy_id=policy.pk, row_version=policy.row_version, by=maker, at=POLICY_AT)
    decide_policy(policy_id=policy.pk, approve=True, content_sha256=policy.content_sha256, by=checker, at=POLICY_AT)
    (alert,) = Alert.objects.filter(code="POLICY")
    assert (alert.policy_id, alert.audience, alert.due_on) == (policy.pk, "EVERYONE", policy.in_force.lower)
    for person in (bank.officer, bank.manager, make_staff("AUDITOR", make_branch())):
        assert [row.alert.pk for row in told_alerts(person, alert.raised_on)] == [alert.pk]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM followups_alert",
        "UPDATE followups_alert SET tell_on = tell_on + 1",
        "INSERT INTO followups_alert (signal_id, branch_id, code, audience, due_on, raised_on, tell_on, at)"
        " SELECT signal_id, branch_id, code, audience, due_on, raised_on, tell_on, at FROM followups_alert",
        "INSERT INTO followups_alert (code, audience, due_on, raised_on, tell_on, at)"
        " SELECT code, audience, due_on, raised_on, tell_on, at FROM followups_alert LIMIT 1",
    ],
)
def test_alerts_are_kept_and_told_once(bank: Bank, statement: str) -> None:
    bank.arrears()
    evening(RAISED)
    before = Alert.objects.count()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Alert.objects.count() == before == 2


def test_an_evening_with_nothing_to_tell_does_nothing(bank: Bank) -> None:
    assert batch.tell_cuts(as_of=RAISED, size=10).due == 0 and evening(RAISED) == 0
    assert not Signal.objects.exists()
