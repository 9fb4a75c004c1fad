"""What a borrower promised to pay, kept or broken by the evening; a death stops what is written; risk rises to high."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from correspondence.models import ContactPreference
from followups import actions
from followups.actions import events as intake
from followups.batch import answering, replan
from followups.models import Event, PromiseToPay, VisitAttempt, VisitTask
from followups.queries.events import events_of
from loans.models import Loan, Position, Receipt
from risk.batch import regrade
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
LATER = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


class Bank:
    def __init__(self) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch)
        self.manager = make_staff("BRANCH_MANAGER", self.branch)
        self.loan = book_loan(self.branch, self.officer, days_past_due=40)
        replan(as_of=DAY, at=AT, loan_ids=[self.loan.pk])
        self.task = VisitTask.objects.get(loan=self.loan, rule="OVERDUE_31")

    def promise(self, **more: Any) -> VisitAttempt:
        at = more.pop("at", LATER)
        given: dict[str, Any] = {
            "outcome": "REACHED", "promise_amount": Decimal("5000.00"), "promise_on": date(2026, 11, 5), **more,
        }  # fmt: skip
        return actions.record_attempt(task_id=self.task.pk, **given, by=self.officer, at=at)

    def pay(self, amount: str, on: date, state: str = "POSTED") -> None:
        Receipt.objects.create(
            loan=self.loan, loan_ref="", channel="CORE", serial=f"P{Receipt.objects.count()}", amount=Decimal(amount),
            value_on=on, state=state, posted_on=on if state == "POSTED" else None, received_at=AT,
        )  # fmt: skip

    def evening(self, day: date) -> dict[str, int]:
        return answering.answer_evening(as_of=day, at=LATER)

    def state(self) -> str:
        return PromiseToPay.objects.latest("pk").state


@pytest.fixture
def bank(db: None) -> Bank:
    return Bank()


# S1.18
def test_a_promise_that_is_not_kept_is_an_event_the_same_evening(bank: Bank) -> None:
    bank.promise()
    assert bank.evening(date(2026, 11, 4))["noticed"] == 0 and bank.state() == "OPEN"
    assert bank.evening(date(2026, 11, 5))["noticed"] == 1
    (event,) = Event.objects.all()
    assert (event.code, event.source, event.happened_on, event.known_on) == (
        "PROMISE_BROKEN", "DAY_END", date(2026, 11, 5), date(2026, 11, 5),
    )  # fmt: skip
    assert bank.state() == "BROKEN"
    assert bank.evening(date(2026, 11, 5))["noticed"] == 0 and Event.objects.count() == 1


@pytest.mark.parametrize(
    ("payments", "state"),
    [
        ([("5000.00", 5)], "KEPT"),
        ([("3000.00", 2), ("2000.00", 4)], "KEPT"),
        ([("4999.99", 5)], "BROKEN"),
        ([("5000.00", 6)], "BROKEN"),
    ],
)
def test_it_is_kept_when_as_much_came_in_by_its_day(bank: Bank, payments: list[tuple[str, int]], state: str) -> None:
    bank.promise()
    for amount, day in payments:
        bank.pay(amount, date(2026, 11, day))
    counts = bank.evening(date(2026, 11, 5))
    assert (bank.state(), counts["noticed"]) == (state, 0 if state == "KEPT" else 1)


def test_a_worker_in_the_day_does_not_judge_a_promise_of_that_day(bank: Bank) -> None:
    bank.promise(promise_on=DAY)
    answering.answer_events(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    assert bank.state() == "OPEN"


def test_a_new_promise_takes_the_place_of_the_one_before(bank: Bank) -> None:
    bank.promise()
    bank.promise(promise_on=date(2026, 11, 8), at=LATER + timedelta(hours=1))
    assert list(PromiseToPay.objects.order_by("id").values_list("state", flat=True)) == ["REPLACED", "OPEN"]
    bank.evening(date(2026, 11, 5))
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"outcome": "NO_ANSWER"}, "promise_of_nobody"),
        ({"promise_amount": None}, "promise_unclear"),
        ({"promise_on": None}, "promise_unclear"),
        ({"promise_amount": Decimal(0)}, "promise_unclear"),
        ({"promise_amount": Decimal("0.001")}, "promise_unclear"),
        ({"promise_on": DAY - timedelta(days=1)}, "promise_day_wrong"),
        ({"promise_on": DAY + timedelta(days=61)}, "promise_day_wrong"),
    ],
)
def test_a_promise_that_does_not_hold_together_is_refused(bank: Bank, given: Any, code: str) -> None:
    with pytest.raises(actions.WrongAttempt) as refusal:
        bank.promise(**given)
    assert refusal.value.code == code
    assert not VisitAttempt.objects.exists() and not PromiseToPay.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE followups_promisetopay SET state = 'KEPT'",
        "UPDATE followups_promisetopay SET amount = 0",
        "UPDATE followups_promisetopay SET promised_on = made_on - 1",
    ],
)
def test_the_database_refuses_what_cannot_be(bank: Bank, statement: str) -> None:
    bank.promise()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert bank.state() == "OPEN"


# A death


def tell_death(bank: Bank, **more: Any) -> Event:
    event, _is_new = intake.record_event(
        loan_id=bank.loan.pk, code="DEATH", happened_on=DAY, words="家属来电，借款人身故", by=bank.officer, at=LATER,
        **more,
    )  # fmt: skip
    return event


# S1.18
def test_a_death_stops_everything_that_is_written_to_the_borrower(bank: Bank) -> None:
    tell_death(bank)
    (stopped,) = ContactPreference.objects.filter(party=bank.loan.borrower_id)
    assert (stopped.ground, stopped.recorded_by, stopped.ended_at) == ("DECEASED", bank.officer, None)
    tell_death(bank, evidence="SW-2")
    assert ContactPreference.objects.count() == 1


def test_a_death_entered_by_mistake_lets_messages_go_again(bank: Bank) -> None:
    first, second = tell_death(bank), tell_death(bank, evidence="SW-2")
    intake.withdraw_event(event_id=first.pk, reason="录错客户", by=bank.manager, at=LATER)
    assert ContactPreference.objects.get().ended_at is None
    intake.withdraw_event(event_id=second.pk, reason="录错客户", by=bank.manager, at=LATER)
    assert ContactPreference.objects.get().ended_by == bank.manager


def test_what_the_borrower_asked_for_himself_stays_when_the_death_is_taken_back(bank: Bank) -> None:
    from correspondence.actions import stop_contact

    stop_contact(loan_id=bank.loan.pk, ground="ASKED", heard="PHONE", reason="客户要求停发", by=bank.officer, at=LATER)
    event = tell_death(bank)
    intake.withdraw_event(event_id=event.pk, reason="录错客户", by=bank.manager, at=LATER)
    assert ContactPreference.objects.get().ended_at is None


# Risk


# S1.18 S2.16
def test_a_grade_that_rose_to_high_without_arrears_is_an_event(bank: Bank) -> None:
    loan = book_loan(bank.branch, bank.officer, appraised_value=Decimal("950000.00"))
    regrade(as_of=DAY, at=AT, loan_ids=[loan.pk])
    Loan.objects.filter(pk=loan.pk).update(credit_score=590)
    regrade(as_of=DAY, at=AT, loan_ids=[loan.pk])
    for _again in range(2):
        bank.evening(DAY)
    (row,) = events_of(loan)
    assert (row.event.code, row.event.source, row.visits[0].task.method) == ("RISK_HIGH", "RISK", "PHONE")
    assert Position.objects.get(loan=loan).overdue_since is None
