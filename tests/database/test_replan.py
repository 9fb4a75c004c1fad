"""The reconciler on a real database: once, on the day found, closed on payment, checked off-site."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import batch
from followups.models import Checklist, FollowUpPolicy, TaskEvent, Visit, VisitTask
from followups.rules.default_policy import LINES
from followups.rules.facts import lot
from followups.rules.states import LEGAL, STATES
from followups.wording import evidence_lines, why, why_lines
from loans.models import Loan, Position
from risk.batch.signals import Raise, raise_signals
from risk.models import SignalLevel
from risk.rules.signals import Warned
from tests.database.test_visits import make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
NOTHING = {"looked_at": 0, "created": 0, "brought_forward": 0, "cancelled": 0, "closed": 0}


def replan(day: date = DAY, **more: Any) -> dict[str, int]:
    return batch.replan(as_of=day, at=AT, **more)


def set_position(loan: Loan, **values: Any) -> None:
    """Puts a position where a day end would have put it; the money has its own tests."""
    Position.objects.filter(pk=loan.pk).update(**values)


def tasks_of(loan: Loan) -> list[VisitTask]:
    return list(VisitTask.objects.filter(loan=loan).order_by("id"))


def events_of(task: VisitTask) -> list[str]:
    return list(TaskEvent.objects.filter(task=task).order_by("id").values_list("kind", flat=True))


def test_an_imported_book_gets_its_spread_follow_ups_once() -> None:
    officer = make_staff("LOAN_OFFICER", make_branch())
    loans = [book_loan(branch=officer.branch, officer=officer) for _n in range(12)]
    assert replan() == {**NOTHING, "looked_at": 12, "created": 12}
    assert replan() == NOTHING
    assert replan(loan_ids=[loan.pk for loan in loans]) == {**NOTHING, "looked_at": 12}
    tasks = list(VisitTask.objects.all())
    assert {(t.rule, t.cycle, t.state, t.created_on) for t in tasks} == {("PERIODIC", "0001", "PLANNED", DAY)}
    assert {t.assigned_to for t in tasks} == {officer}
    assert len({t.due_on for t in tasks}) > 6
    assert all(events_of(t) == ["PLANNED"] for t in tasks)
    assert all(t.policy_version == 1 and t.reason[-1]["params"]["line"] == t.policy_line for t in tasks)


def test_a_task_that_exists_in_any_state_is_not_made_again(owner_cursor: Any) -> None:
    loan = book_loan(days_past_due=40)
    replan()
    step = VisitTask.objects.get(loan=loan, rule="OVERDUE_31")
    VisitTask.objects.filter(pk=step.pk).update(state="IN_PROGRESS")
    VisitTask.objects.filter(pk=step.pk).update(state="SUBMITTED")
    VisitTask.objects.filter(pk=step.pk).update(state="CLOSED", closed_on=DAY, outcome="APPROVED")
    replan(loan_ids=[loan.pk])
    assert VisitTask.objects.filter(loan=loan, rule=step.rule, cycle=step.cycle).count() == 1
    with pytest.raises(DatabaseError, match="task_once_a_loan_rule_and_cycle"), transaction.atomic():
        VisitTask.objects.create(
            loan=loan, branch=loan.branch, kind="IRREGULAR", rule=step.rule, cycle=step.cycle, method="FIELD",
            opens_on=DAY, due_on=DAY, policy_version=1, policy_line=1, created_on=DAY,
        )  # fmt: skip


def test_arrears_at_cut_over_have_their_task_on_the_day_they_are_found() -> None:
    loan = book_loan(days_past_due=95)
    replan()
    step = VisitTask.objects.get(loan=loan, kind="IRREGULAR")
    assert (step.rule, step.method, step.level, step.created_on) == ("OVERDUE_91", "FIELD", 1, DAY)
    assert DAY < step.due_on <= date(2026, 11, 6)
    assert why(step).startswith(f"逾期96天（{step.created_on:%m-%d}）；期初已逾期")
    assert why_lines(step)[-1] == "策略 v1 第 12 行：逾期91天及以上：红色，2个工作日内实地走访"


# S2.8, S2.20
def test_overdue_steps_appear_on_their_day_and_the_light_item_closes_on_payment() -> None:
    loan = book_loan()
    replan()
    since = date(2026, 11, 20)
    set_position(loan, overdue_since=since)
    assert replan(since + timedelta(days=1))["created"] == 1
    light = VisitTask.objects.get(loan=loan, rule="OVERDUE_1")
    assert (light.is_light, light.cycle, light.created_on) == (True, "2026-11-20", date(2026, 11, 21))
    assert "第4天起列入电话名单" in why(light)
    assert replan(since + timedelta(days=7)) == NOTHING
    assert replan(since + timedelta(days=8)) == {**NOTHING, "looked_at": 1, "created": 1, "cancelled": 1}
    light.refresh_from_db()
    assert (light.state, light.outcome, events_of(light)) == ("CANCELLED", "MERGED", ["PLANNED", "CANCELLED"])
    assert replan(since + timedelta(days=9)) == NOTHING


def test_payment_closes_the_light_item_but_not_the_visit() -> None:
    light, visit = book_loan(), book_loan()
    replan()
    for loan, days in ((light, 2), (visit, 12)):
        set_position(loan, overdue_since=DAY - timedelta(days=days))
    replan()
    Position.objects.update(overdue_since=None)
    assert replan(DAY + timedelta(days=1)) == {**NOTHING, "looked_at": 1, "closed": 1}
    closed = VisitTask.objects.get(loan=light, rule="OVERDUE_1")
    assert (closed.state, closed.outcome, closed.closed_on) == ("CLOSED", "PAID", date(2026, 11, 2))
    assert VisitTask.objects.get(loan=visit, rule="OVERDUE_8").state == "PLANNED"


def test_a_second_miss_within_six_months_asks_for_a_visit_at_once() -> None:
    loan = book_loan(payment_record="N" * 21 + "1NN")
    replan()
    since = date(2026, 11, 20)
    connection.cursor().execute(
        "INSERT INTO loans_installment (loan_id, number, due_on, principal, interest, principal_paid, interest_paid,"
        " overdue_from) VALUES (%s, 900, %s, 100, 100, 0, 0, %s)",
        [loan.pk, since, since],
    )
    set_position(loan, overdue_since=since)
    replan(since + timedelta(days=1))
    step = VisitTask.objects.get(loan=loan, rule="OVERDUE_8")
    assert step.policy_line == 15
    assert "6个月内逾期2次" in why(step)


def test_a_settled_loan_loses_its_untouched_tasks() -> None:
    loan = book_loan(days_past_due=40)
    replan()
    assert len(tasks_of(loan)) == 2
    VisitTask.objects.filter(loan=loan, kind="IRREGULAR").update(state="IN_PROGRESS")
    set_position(loan, settled_on=DAY, overdue_since=None)
    assert replan(DAY + timedelta(days=1)) == {**NOTHING, "looked_at": 1, "cancelled": 1}
    assert replan(DAY + timedelta(days=1)) == NOTHING
    assert {t.state: t.outcome for t in tasks_of(loan)} == {"IN_PROGRESS": "", "CANCELLED": "SETTLED"}


def test_a_worse_grade_brings_the_follow_up_forward_and_a_pinned_one_stays() -> None:
    from risk.models import Grade

    loan, pinned = book_loan(last_visit_on=date(2026, 8, 3)), book_loan(last_visit_on=date(2026, 8, 3))
    replan()
    VisitTask.objects.filter(loan=pinned).update(is_pinned=True)
    for each in (loan, pinned):
        Grade.objects.create(loan=each, level="HIGH", graded_on=DAY, policy_version=1, line_number=1, inputs={})
    assert replan() == {**NOTHING, "looked_at": 2, "brought_forward": 1}
    task = tasks_of(loan)[0]
    assert (task.due_on, task.version, events_of(task)) == (
        date(2026, 12, 3), 2, ["PLANNED", "BROUGHT_FORWARD"],
    )  # fmt: skip
    assert "高风险" in why(task)
    moved = TaskEvent.objects.get(task=task, kind="BROUGHT_FORWARD").data
    assert (moved["due_before"], moved["due_on"]) == ("2027-08-03", "2026-12-03")
    assert replan() == {**NOTHING, "looked_at": 2}


def test_chunks_by_loan_id_do_the_same_as_one_run() -> None:
    ids = sorted(book_loan().pk for _n in range(5))
    assert replan(after=0, up_to=ids[1])["created"] == 2
    assert replan(after=ids[1], up_to=None)["created"] == 3
    assert VisitTask.objects.count() == 5


def test_the_search_for_candidates_misses_nothing() -> None:
    """Weeks of arrears, payments, grades and settlements: looking at every loan finds nothing more to do."""
    from risk.models import Grade

    draw = random.Random(11)
    loans = [
        book_loan(
            days_past_due=draw.choice([0, 0, 0, 5, 20, 60, 95]),
            disbursed_on=draw.choice([date(2020, 1, 20), date(2026, 8, 20), date(2026, 10, 20)]),
            appraised_value=draw.choice([None, Decimal("950000.00"), Decimal("2000000.00")]),
            last_visit_on=draw.choice([None, date(2026, 2, 3)]),
        )
        for _n in range(24)
    ]
    ids = [loan.pk for loan in loans]
    for number in range(0, 60, 3):
        day = DAY + timedelta(days=number)
        for loan in draw.sample(loans, 5):
            chance = draw.random()
            if chance < 0.4:
                set_position(loan, overdue_since=day - timedelta(days=draw.choice([1, 2, 8, 30, 31, 91])))
            elif chance < 0.7:
                set_position(loan, overdue_since=None)
            elif chance < 0.75:
                set_position(loan, overdue_since=None, settled_on=day)
            else:
                Grade.objects.filter(loan=loan, superseded_on=None).update(superseded_on=day)
                level = draw.choice(["LOW", "MEDIUM", "HIGH"])
                Grade.objects.create(loan=loan, level=level, graded_on=day, policy_version=1, line_number=1, inputs={})
        batch.run_off_site(as_of=day, at=AT)
        replan(day)
        assert replan(day, loan_ids=ids) == {**NOTHING, "looked_at": 24}
    ended = Position.objects.filter(settled_on=None).exclude(
        loan_id__in=VisitTask.objects.still_open().exclude(kind="IRREGULAR").values("loan_id")
    )
    assert not ended.exists()


def test_a_loan_of_day_58_is_called_by_day_60() -> None:
    loan = book_loan(disbursed_on=date(2026, 9, 4), matures_on=date(2046, 9, 4))
    replan()
    rules = {t.rule: t for t in tasks_of(loan)}
    assert set(rules) == {"FIRST_60", "FIRST_90"}
    talk = rules["FIRST_60"]
    assert talk.method in ("PHONE", "FIELD")
    assert why(talk).startswith("放款第60天；未评级30天内通话；第30天已过，顺延至最近节点")


def made_visit(task: VisitTask, outcome: str) -> None:
    """The task's visit as made and approved today."""
    visitor = make_staff("LOAN_OFFICER", task.branch)
    Visit.objects.create(
        task=task, checklist=Checklist.objects.create(version=99, items=[], made_at=AT), method=task.method,
        draft={"contact_outcome": outcome}, lead_visitor=visitor, started_at=AT, saved_at=AT, saved_by=visitor.staff_no,
    )  # fmt: skip
    for state in ("IN_PROGRESS", "SUBMITTED"):
        VisitTask.objects.filter(pk=task.pk).update(state=state)
    VisitTask.objects.filter(pk=task.pk).update(state="CLOSED", closed_on=DAY, outcome="APPROVED")


@pytest.mark.parametrize(("outcome", "is_called"), [("REACHED", False), ("REFUSED", True)])
def test_a_borrower_who_refused_to_talk_is_called_again_by_day_90(outcome: str, is_called: bool) -> None:
    loan = book_loan(disbursed_on=date(2026, 9, 4), matures_on=date(2046, 9, 4))
    replan()
    talk = VisitTask.objects.get(loan=loan, rule="FIRST_60")
    VisitTask.objects.filter(pk=talk.pk).update(method="PHONE")
    made_visit(talk, outcome)
    replan(DAY + timedelta(days=1), loan_ids=[loan.pk])
    assert (VisitTask.objects.get(loan=loan, rule="FIRST_90").method != "OFF_SITE") == is_called


# Off-site checks


def clean_check(**given: Any) -> VisitTask:
    """An off-site task due within five workdays."""
    loan = book_loan(last_visit_on=date(2026, 1, 5), **given)
    replan()
    VisitTask.objects.filter(loan=loan).update(method="OFF_SITE", due_on=date(2026, 11, 5))
    return VisitTask.objects.get(loan=loan)


def outside_sample() -> str:
    return next(f"N{n}" for n in range(1000) if lot(f"N{n}", "off-site PERIODIC 0001", 100) >= 5)


def run_off_site(day: date = DAY) -> dict[str, int]:
    return batch.run_off_site(as_of=day, at=AT)


def test_a_clean_off_site_check_closes_itself_and_the_next_is_planned_the_same_day() -> None:
    task = clean_check(loan_note_no=outside_sample())
    assert run_off_site() == {"looked_at": 1, "closed": 1, "handed_to_person": 0}
    assert run_off_site() == {"looked_at": 0, "closed": 0, "handed_to_person": 0}
    task.refresh_from_db()
    assert (task.state, task.outcome, task.closed_on) == ("CLOSED", "CLEAN", DAY)
    assert events_of(task) == ["PLANNED", "CLOSED"]
    assert [line["item"] for line in evidence_lines(task.evidence)][:3] == ["近12个月还款", "当前逾期", "五级分类"]
    registration = next(item for item in task.evidence["items"] if item["code"] == "REGISTRATION")
    assert registration["result"] == "BASELINE_MISSING"
    assert replan()["created"] == 1
    following = VisitTask.objects.get(loan=task.loan, cycle="0002")
    assert following.due_on == date(2027, 11, 1)
    assert why(following).startswith("满12个月；清洁类每年")


@pytest.mark.parametrize(
    ("position", "exception"),
    [
        ({"overdue_since": date(2026, 10, 30)}, "ARREARS"),
        ({"five_class": "SPECIAL_MENTION"}, "FIVE_CLASS"),
    ],
)
def test_an_exception_goes_to_a_person_once_and_keeps_its_date(position: dict[str, Any], exception: str) -> None:
    task = clean_check(loan_note_no=outside_sample())
    set_position(task.loan, **position)
    assert run_off_site() == {"looked_at": 1, "closed": 0, "handed_to_person": 1}
    assert run_off_site(DAY + timedelta(days=1)) == {"looked_at": 0, "closed": 0, "handed_to_person": 0}
    task.refresh_from_db()
    assert (task.state, task.due_on, task.evidence["exceptions"]) == ("PLANNED", date(2026, 11, 5), [exception])
    assert events_of(task) == ["PLANNED", "HANDED_TO_PERSON"]
    assert "非现场检查异常" in why(task)


# S1.17
def test_old_valuations_and_a_crossed_alert_line_go_to_a_person() -> None:
    from collateral.models import Charge, Property

    task = clean_check(loan_note_no=outside_sample(), appraised_value=Decimal("1200000.00"))
    home = Charge.objects.get(loan=task.loan).property
    Property.objects.filter(pk=home.pk).update(value=Decimal("1000000.00"), valued_on=date(2025, 10, 31))
    run_off_site()
    task.refresh_from_db()
    assert task.evidence["exceptions"] == ["VALUATION", "LOAN_TO_VALUE"]


@pytest.mark.parametrize(
    ("level", "insured_until", "exceptions"),
    [
        (SignalLevel.RED, None, ["WARNINGS"]),
        (SignalLevel.ORANGE, date(2026, 11, 2), ["WARNINGS"]),
        (SignalLevel.YELLOW, date(2026, 11, 1), []),
        (None, date(2026, 10, 31), ["INSURANCE"]),
    ],
)
def test_a_check_does_not_close_over_a_grave_warning_or_a_lapsed_insurance(
    level: int | None, insured_until: date | None, exceptions: list[str]
) -> None:
    from collateral.models import Charge, Property

    task = clean_check(loan_note_no=outside_sample())
    Property.objects.filter(pk=Charge.objects.get(loan=task.loan).property_id).update(insured_until=insured_until)
    if level is not None:
        warned = Warned("INCOME", "INCOME_DOWN_20", level, 11, {"income_change_percent": "-25"})
        raise_signals([Raise(task.loan.pk, warned, "DAY_END", "income")], version=1, by="system", as_of=DAY, at=AT)
    run_off_site()
    task.refresh_from_db()
    assert task.evidence["exceptions"] == exceptions
    assert task.outcome == ("" if exceptions else "CLEAN")
    told = {line["item"]: line["detail"] for line in evidence_lines(task.evidence)}
    assert told["未了结预警"] == ("0 项" if level is None else "1 项")
    assert told["房屋保险"] == ("" if insured_until is None else f"保险至{insured_until}")


def test_loan_to_value_that_was_high_at_cut_over_is_baseline() -> None:
    task = clean_check(loan_note_no=outside_sample(), appraised_value=Decimal("850000.00"))
    assert run_off_site()["closed"] == 1
    task.refresh_from_db()
    assert task.outcome == "CLEAN"


def test_a_sample_of_clean_checks_goes_to_a_person() -> None:
    drawn = next(f"N{n}" for n in range(1000) if lot(f"N{n}", "off-site PERIODIC 0001", 100) < 5)
    task = clean_check(loan_note_no=drawn)
    assert run_off_site()["handed_to_person"] == 1
    task.refresh_from_db()
    assert task.evidence["is_sample"] is True
    assert why(task).endswith("非现场检查抽中复核")


def test_a_check_is_not_made_before_its_time() -> None:
    task = clean_check(loan_note_no=outside_sample())
    VisitTask.objects.filter(pk=task.pk).update(due_on=date(2026, 11, 9))
    assert run_off_site()["looked_at"] == 0


# States and policy


def test_the_trigger_and_the_rules_agree_on_legal_states() -> None:
    loan = book_loan()
    replan()
    task = tasks_of(loan)[0]
    allowed = set()
    for old in STATES:
        for new in STATES:
            if old == new:
                continue
            with connection.cursor() as cursor, transaction.atomic():
                point = transaction.savepoint()
                try:
                    _force(cursor, task.pk, old)
                    cursor.execute(_UPDATE, [new, *_ending(new), task.pk])
                    allowed.add((old, new))
                except DatabaseError:
                    pass
                transaction.savepoint_rollback(point)
    assert allowed == set(LEGAL)


_UPDATE = "UPDATE followups_visittask SET state = %s, closed_on = %s, outcome = %s WHERE id = %s"
_PATHS = {
    "PLANNED": (),
    "IN_PROGRESS": ("IN_PROGRESS",),
    "SUBMITTED": ("IN_PROGRESS", "SUBMITTED"),
    "RETURNED": ("IN_PROGRESS", "SUBMITTED", "RETURNED"),
    "CLOSED": ("CLOSED",),
    "CANCELLED": ("CANCELLED",),
}


def _ending(state: str) -> tuple[date | None, str]:
    return (DAY, "APPROVED") if state in ("CLOSED", "CANCELLED") else (None, "")


def _force(cursor: Any, task_id: int, state: str) -> None:
    for step in _PATHS[state]:
        cursor.execute(_UPDATE, [step, *_ending(step), task_id])


def test_the_default_policy_is_installed_once_by_two_people() -> None:
    policy = FollowUpPolicy.objects.get()
    batch.install_default_policy(at=AT)
    assert FollowUpPolicy.objects.get() == policy
    assert (policy.version, policy.maker, policy.checker) == (1, "P0001", "P0002")
    assert policy.lines.count() == len(LINES)
    assert batch.policy_in_force(DAY).steps() == [
        {"from_day": 1, "until_day": 7, "rules": ["OVERDUE_1", "OVERDUE_8", "OVERDUE_31", "OVERDUE_91"]},
        {"from_day": 8, "until_day": 30, "rules": ["OVERDUE_8", "OVERDUE_31", "OVERDUE_91"]},
        {"from_day": 31, "until_day": 90, "rules": ["OVERDUE_31", "OVERDUE_91"]},
        {"from_day": 91, "until_day": 36500, "rules": ["OVERDUE_91"]},
    ]
    with pytest.raises(batch.NoPolicyInForce):
        batch.policy_in_force(date(2019, 12, 31))


@pytest.mark.parametrize(("outcome", "ends"), [("REACHED", True), ("REFUSED", False)])
def test_a_visit_for_another_reason_ends_the_regular_talk_near_it(outcome: str, ends: bool) -> None:
    """A field visit that arrears asked for stands for the phone visit 16 days later; the next is planned at once."""
    loan = book_loan(last_visit_on=date(2026, 1, 5))
    replan()
    due = DAY + timedelta(days=16)
    VisitTask.objects.filter(loan=loan).update(method="PHONE", due_on=due, opens_on=DAY)
    regular = VisitTask.objects.get(loan=loan)
    visit = make_task(loan, None, rule="OVERDUE_31", kind="IRREGULAR", method="FIELD")
    made_visit(visit, outcome)
    replan(loan_ids=[loan.pk])
    regular.refresh_from_db()
    assert (regular.outcome == "ANSWERED") is ends
    following = VisitTask.objects.filter(loan=loan, rule="PERIODIC", closed_on=None).get()
    assert (following != regular) is ends and (following.due_on >= DAY + timedelta(days=30)) is ends
    events = TaskEvent.objects.filter(task=regular, kind="CLOSED").values_list("data", flat=True)
    assert list(events) == ([{"outcome": "ANSWERED", "answered_by": visit.pk}] if ends else [])
    before = list(VisitTask.objects.order_by("id").values_list("id", "state", "due_on", "version"))
    replan(loan_ids=[loan.pk])
    assert list(VisitTask.objects.order_by("id").values_list("id", "state", "due_on", "version")) == before
