"""The evening's reminders in the database: told once, taken back with a reason, SQL as Python decides."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from config.invariants import stated_findings
from config.invariants.messages import MESSAGES
from correspondence import batch
from correspondence.batch import looked_for, remind, remind_cuts
from correspondence.models import ContactPreference, Message
from correspondence.rules import reminders
from loans.actions import ReceiptRow, post_receipts
from loans.batch import age, bill
from loans.models import BusinessDate, Installment, Loan, Position
from loans.queries import future_schedule
from loans.rules.money import fen
from tests.factories import AT, book_loan, make_branch, make_party, make_staff
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def told() -> list[tuple[Any, ...]]:
    names = ("loan_id", "kind", "about", "step", "amount", "expires_on", "state", "reason")
    return list(Message.objects.order_by("loan_id", "kind", "about", "step").values_list(*names))


def open_on(day: date) -> None:
    """Makes a day the open one, as closing the days before would."""
    BusinessDate.objects.filter(is_open=True).update(is_open=False, closed_at=AT)
    BusinessDate.objects.update_or_create(day=day, defaults={"is_open": True, "opened_at": AT, "closed_at": None})


def evening(day: date) -> dict[str, int]:
    open_on(day)
    bill(as_of=day, at=AT)
    age(as_of=day, at=AT)
    return remind(as_of=day, at=AT)


def standing_of(loan: Loan) -> reminders.Standing:
    """What the rule asks, read by other ways than the stage's."""
    position = loan.position
    coming = future_schedule(loan, limit=1)
    unpaid = Installment.objects.filter(loan=loan, settled_on__isnull=True)
    return reminders.Standing(
        next_due_on=position.next_due_on,
        next_fen=fen(coming[0].amount) if coming else 0,
        suspense_fen=fen(position.suspense),
        overdue_since=position.overdue_since,
        unpaid_fen=sum(fen(i.principal - i.principal_paid + i.interest - i.interest_paid) for i in unpaid),
        is_ended=bool(position.settled_on or position.accelerated_on or position.written_off_on),
        is_unwanted=ContactPreference.objects.filter(party=loan.borrower_id, ended_at=None).exists(),
    )


def stop(loan_ids: list[int], on: date) -> None:
    """The borrowers of these loans want no reminders."""
    staff = make_staff("OPERATIONS", make_branch())
    for party_id in set(Loan.objects.filter(pk__in=loan_ids).values_list("borrower_id", flat=True)):
        ContactPreference.objects.create(
            party_id=party_id, channel="SMS", ground="ASKED", heard="PHONE", reason="客户要求停发",
            business_date=on, recorded_by=staff, recorded_at=AT,
        )  # fmt: skip


def decided(as_of: date, *, catching_up: bool) -> set[tuple[Any, ...]]:
    days = looked_for(as_of, catching_up=catching_up)
    return {
        (loan.pk, each.kind, each.about, each.step, Decimal(each.fen) / 100, each.expires_on)
        for loan in Loan.objects.select_related("position")
        for each in reminders.reminders(standing_of(loan), days)
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_tells_what_the_rule_decides_on_a_random_book(seed: int) -> None:
    ids = list(book(120, seed=seed).values())
    random = Random(seed)
    for loan_id in random.sample(ids, 20):
        Position.objects.filter(pk=loan_id).update(suspense=Decimal(random.choice([1, 5000, 900_000])))
    for loan_id in random.sample(ids, 5):
        Position.objects.filter(pk=loan_id).update(accelerated_on=DAY)
    silent = random.sample(ids, 12)
    for loan_id in silent:
        Loan.objects.filter(pk=loan_id).update(borrower=make_party())
    stop(silent, DAY)
    heard = 0
    for day in (DAY + timedelta(days=ahead) for ahead in range(24)):
        open_on(day)
        bill(as_of=day, at=AT)
        age(as_of=day, at=AT)
        wanted = decided(day, catching_up=False)
        counts = remind(as_of=day, at=AT)
        made = Message.objects.filter(business_date=day)
        found = set(made.values_list("loan_id", "kind", "about", "step", "amount", "expires_on"))
        assert found == wanted
        assert counts["due_told"] + counts["overdue_told"] == len(wanted)
        heard += len(wanted)
    assert heard > 100
    missed = {row[:4]: row for row in decided(day, catching_up=True)}
    known = set(Message.objects.values_list("loan_id", "kind", "about", "step"))
    remind(as_of=day, at=AT, loan_ids=ids)
    more = set(Message.objects.values_list("loan_id", "kind", "about", "step")) - known
    assert more == set(missed) - known


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_tell_what_one_run_tells_and_a_second_run_writes_nothing(size: int) -> None:
    book(60, seed=4)
    day = date(2026, 11, 16)
    open_on(day)
    bill(as_of=day, at=AT)
    age(as_of=day, at=AT)
    with transaction.atomic():
        remind(as_of=day, at=AT)
        whole = told()
        transaction.set_rollback(True)
    ends = remind_cuts(as_of=day, size=size).ends
    for after, up_to in zip([0, *ends], [*ends, None], strict=True):
        remind(as_of=day, at=AT, after=after, up_to=up_to)
    assert told() == whole != []
    assert remind_cuts(as_of=day, size=size).due == 0
    assert remind(as_of=day, at=AT) == {"due_told": 0, "overdue_told": 0, "cancelled": 0}
    assert told() == whole


def test_a_message_waits_for_the_next_morning_and_holds_no_personal_data() -> None:
    loan = book_loan()
    remind(as_of=date(2026, 11, 16), at=AT)
    message = Message.objects.get()
    assert message.not_before.isoformat() == "2026-11-17T01:00:00+00:00"
    values = " ".join(str(getattr(message, field.attname)) for field in Message._meta.concrete_fields)
    assert loan.borrower.name not in values and loan.borrower.phone not in values


def test_arrears_that_are_paid_take_their_reminder_back() -> None:
    loan = book_loan(days_past_due=6)
    assert evening(DAY)["overdue_told"] == 1
    owed = Message.objects.get().amount
    open_on(DAY + timedelta(days=1))
    row = ReceiptRow(loan.loan_note_no, owed * 2, DAY + timedelta(days=1), "CNAPS", "1")
    post_receipts(rows=[row], by="system", at=AT)
    assert evening(DAY + timedelta(days=1))["cancelled"] == 1
    message = Message.objects.get()
    assert (message.state, message.reason, message.ended_on) == ("CANCELLED", "PAID", DAY + timedelta(days=1))


def test_a_due_day_that_moved_takes_its_reminder_back() -> None:
    from journal.actions import record

    loan = book_loan()
    remind(as_of=date(2026, 11, 16), at=AT)
    Position.objects.filter(pk=loan.pk).update(next_due_on=date(2026, 11, 25))
    record(kind="loans.change_applied", subject_type="change", subject_id=1, loan_id=loan.pk, by="system", at=AT,
           business_date=date(2026, 11, 17))  # fmt: skip
    assert remind_cuts(as_of=date(2026, 11, 17), size=10).due == 1
    assert remind(as_of=date(2026, 11, 17), at=AT)["cancelled"] == 1
    assert Message.objects.get().reason == "CHANGED"


def test_what_an_evening_made_while_the_borrower_declined_goes_the_next_evening() -> None:
    loan, other = book_loan(days_past_due=6), book_loan(days_past_due=6)
    assert evening(DAY)["overdue_told"] == 2
    stop([loan.pk], DAY)
    following = DAY + timedelta(days=1)
    open_on(following)
    assert remind_cuts(as_of=following, size=10).due == 1
    assert evening(following)["cancelled"] == 1
    message = Message.objects.get(loan=loan)
    assert (message.state, message.reason, message.ended_on) == ("CANCELLED", "UNWANTED", following)
    assert Message.objects.get(loan=other).state == "WAITING"
    assert evening(following) == {"due_told": 0, "overdue_told": 0, "cancelled": 0}


def test_who_is_overdue_beyond_the_last_step_or_not_recognised_is_not_told() -> None:
    book_loan(days_past_due=60)
    sunday = book_loan(due_day=15)
    for day in (date(2026, 11, 15), date(2026, 11, 16)):
        assert evening(day)["overdue_told"] == 0
    assert evening(date(2026, 11, 17))["overdue_told"] == 1
    message = Message.objects.get(kind="OVERDUE")
    assert (message.loan_id, message.about, message.step) == (sunday.pk, date(2026, 11, 15), 1)


def test_a_loan_that_fails_is_held_back_and_told_the_next_evening(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.isolation import run_isolated
    from journal.models import HeldBack

    bad, good = (book_loan(days_past_due=6) for _ in range(2))

    def torn(**given: Any) -> dict[str, int]:
        counts = remind(**given)
        if Message.objects.filter(loan_id=bad.pk).exists():
            raise ValueError("torn")
        return counts

    scope = {"at": AT}
    counts = run_isolated(torn, stage="remind", as_of=DAY, scope=scope, after=0, up_to=None, takes_ids=True)
    assert (counts["overdue_told"], counts["held_back"]) == (1, 1)
    assert list(Message.objects.values_list("loan_id", flat=True)) == [good.pk]
    following = DAY + timedelta(days=1)
    run_isolated(remind, stage="remind", as_of=following, scope=scope, after=0, up_to=None, takes_ids=True)
    assert Message.objects.filter(loan_id=bad.pk, step=7).count() == 1
    assert not HeldBack.objects.exists()


def test_reminders_are_looked_for_through_partial_indexes() -> None:
    book(300, seed=5)
    values = {**batch._scope(DAY, 0, None, None), "size": 1}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE loans_position")
        cursor.execute("SET LOCAL enable_seqscan = off")
        from correspondence.sql import CANDIDATES

        cursor.execute("EXPLAIN " + CANDIDATES, values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on loans_position" not in plan and "Seq Scan on correspondence_message" not in plan
    assert "position_due" in plan


def test_the_claims_about_messages_hold_and_find_what_breaks_them() -> None:
    loan = book_loan(days_past_due=6)
    evening(DAY)
    assert {each.broken for each in stated_findings(MESSAGES)} == {0}
    Message.objects.update(template_version=9, about=DAY - timedelta(days=3))
    Message.objects.update(loan_id=loan.pk)
    broken = {each.code: each.broken for each in stated_findings(MESSAGES)}
    assert broken["message_has_its_wording"] == 1
    Message.objects.update(loan_id=loan.pk + 99)
    assert {each.code: each.broken for each in stated_findings(MESSAGES)}["message_has_its_loan"] == 1


_ROW = {
    "loan_id": 1, "kind": "DUE", "about": "2026-11-20", "step": 0, "amount": "1.00", "channel": "SMS",
    "template_version": 1, "business_date": "2026-11-16", "not_before": "2026-11-17T09:00+08:00",
    "expires_on": "2026-11-20",
}  # fmt: skip


def insert(row: dict[str, Any]) -> tuple[str, list[Any]]:
    places = ", ".join(["%s"] * len(row))
    return f"INSERT INTO correspondence_message ({', '.join(row)}) VALUES ({places})", list(row.values())


@pytest.mark.parametrize(
    ("more", "claim"),
    [
        ({"amount": "0.00"}, "message_amount_positive"),
        ({"step": 1}, "message_step_is_its_kinds"),
        ({"kind": "OVERDUE"}, "message_step_is_its_kinds"),
        ({"expires_on": "2026-11-19"}, "message_expires_after_its_day"),
        ({"state": "CANCELLED"}, "cancelled_message_says_why"),
        ({"reason": "PAID"}, "cancelled_message_says_why"),
        ({"state": "CANCELLED", "reason": "BY_PERSON", "ended_on": "2026-11-17"}, "message_cancelled_by_a_person"),
    ],
)
def test_a_message_that_makes_no_sense_is_refused(more: dict[str, Any], claim: str) -> None:
    row = {**_ROW, **more}
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match=claim), transaction.atomic():
            cursor.execute(*insert(row))
        cursor.execute(*insert(_ROW))
        with pytest.raises(IntegrityError, match="message_once"), transaction.atomic():
            cursor.execute(*insert(_ROW))
