"""The evening's reminders in the database: told once, taken back with a reason, SQL as Python decides."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from config.invariants import stated_findings
from config.invariants.messages import MESSAGES
from correspondence import batch
from correspondence.actions.messages import cancel_message
from correspondence.batch import looked_for, remind, remind_cuts
from correspondence.models import ContactPreference, Message
from correspondence.rules import reminders
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.batch import age, bill
from loans.models import BusinessDate, Installment, Loan, Position, Receipt
from loans.queries import future_schedule
from loans.rules.money import fen
from tests.factories import AT, book_loan, make_branch, make_party, make_staff
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)
NOTHING = {"due_told": 0, "overdue_told": 0, "cancelled": 0, "updated": 0}


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


def pay_in_part(random: Random, day: date) -> None:
    """Some waiting messages speak of more than is owed from now on; money has come in for some that are to come."""
    waiting = Message.objects.filter(state="WAITING", expires_on__gt=day + timedelta(days=1))
    late = list(waiting.filter(kind="OVERDUE").values_list("loan_id", flat=True))
    assert late and waiting.filter(kind="DUE").exists()
    Installment.objects.filter(loan_id__in=late, settled_on=None, interest__gt=1).update(
        interest_paid=F("interest") - 1
    )
    coming = list(waiting.filter(kind="DUE").values_list("loan_id", flat=True))
    Position.objects.filter(pk__in=random.sample(coming, max(1, len(coming) // 2))).update(suspense=Decimal(900_000))


def stands(day: date) -> None:
    """Whatever waits and may go stands, and says what the rule says now."""
    for message in Message.objects.filter(state="WAITING", expires_on__gt=day).select_related("loan__position"):
        standing = standing_of(message.loan)
        assert reminders.why_ended(standing, message.kind, message.about) == ""
        assert fen(message.amount) == reminders.amount_now(standing, message.kind)


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
    heard, known = 0, set[Any]()
    for day in (DAY + timedelta(days=ahead) for ahead in range(24)):
        open_on(day)
        bill(as_of=day, at=AT)
        age(as_of=day, at=AT)
        wanted = decided(day, catching_up=False)
        counts = remind(as_of=day, at=AT)
        made = Message.objects.filter(business_date=day).exclude(pk__in=known)
        known |= set(made.values_list("pk", flat=True))
        stands(day)
        found = set(made.values_list("loan_id", "kind", "about", "step", "amount", "expires_on"))
        assert found == wanted
        assert counts["due_told"] + counts["overdue_told"] == len(wanted)
        heard += len(wanted)
        if day == DAY + timedelta(days=12):
            pay_in_part(random, day)
    assert heard > 100
    missed = {row[:4]: row for row in decided(day, catching_up=True)}
    told_before = set(Message.objects.values_list("loan_id", "kind", "about", "step"))
    remind(as_of=day, at=AT, loan_ids=ids)
    more = set(Message.objects.values_list("loan_id", "kind", "about", "step")) - told_before
    assert more == set(missed) - told_before


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
    assert remind(as_of=day, at=AT) == NOTHING
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


def test_a_part_payment_brings_the_reminder_up_to_date_once() -> None:
    loan = book_loan(days_past_due=6)
    evening(DAY)
    owed, following = Message.objects.get().amount, DAY + timedelta(days=1)
    open_on(following)
    post_receipts(rows=[ReceiptRow(loan.loan_note_no, Decimal("100.00"), following, "CNAPS", "1")], by="system", at=AT)
    assert remind_cuts(as_of=following, size=10).due == 1
    assert evening(following) == {**NOTHING, "updated": 1}
    message = Message.objects.get()
    unpaid = sum(i.principal - i.principal_paid + i.interest - i.interest_paid for i in loan.installments.all())
    assert (message.state, message.amount, message.business_date) == ("WAITING", unpaid, following)
    assert owed - 100 <= unpaid < owed
    assert evening(following) == NOTHING
    assert remind_cuts(as_of=following, size=10).due == 0


def fact(kind: str, loan: Loan, day: date) -> None:
    from journal.actions import record

    record(kind=kind, subject_type="loan", subject_id=loan.pk, loan_id=loan.pk, by="system", at=AT, business_date=day)


@pytest.mark.parametrize("kind", ["loans.change_applied", "loans.repriced"])
def test_what_falls_due_by_other_terms_is_told_with_its_new_amount(kind: str) -> None:
    loan, before, day = book_loan(), date(2026, 11, 16), date(2026, 11, 17)
    remind(as_of=before, at=AT)
    told_of = Message.objects.get().amount
    Position.objects.filter(pk=loan.pk).update(installment_amount=F("installment_amount") - 50)
    fact(kind, loan, day)
    assert remind_cuts(as_of=day, size=10).due == 1
    assert remind(as_of=day, at=AT) == {**NOTHING, "updated": 1}
    message = Message.objects.get()
    assert (message.state, message.amount, message.business_date) == ("WAITING", told_of - 50, day)
    assert remind(as_of=day, at=AT) == NOTHING


def test_money_in_suspense_takes_the_reminder_back_and_its_refund_brings_it_again() -> None:
    loan, day = book_loan(), date(2026, 11, 16)
    remind(as_of=day, at=AT)
    amount = Message.objects.get().amount
    for suspense, kind, state in ((amount - 1, "", "WAITING"), (amount, "", "CANCELLED"), (0, "refund", "WAITING")):
        day += timedelta(days=1)
        Position.objects.filter(pk=loan.pk).update(suspense=suspense)
        if kind:
            fact("loans.refund_approved", loan, day)
        remind(as_of=day, at=AT)
        message = Message.objects.get()
        assert (message.state, message.reason) == (state, "COVERED" if state == "CANCELLED" else "")
        assert remind(as_of=day, at=AT) == NOTHING and remind_cuts(as_of=day, size=10).due == 0
    assert (message.amount, message.ended_on, message.business_date) == (amount, None, day)


@pytest.mark.parametrize(("paid_after", "found_after", "step"), [(1, 3, 7), (1, 12, 15)])
def test_a_receipt_that_is_reversed_later_brings_the_reminder_of_its_step_once(
    paid_after: int, found_after: int, step: int
) -> None:
    loan, by = book_loan(days_past_due=6), make_staff("OPERATIONS", make_branch())
    evening(DAY)
    owed = Message.objects.get().amount
    paid_on, found_on = DAY + timedelta(days=paid_after), DAY + timedelta(days=found_after)
    open_on(paid_on)
    post_receipts(rows=[ReceiptRow(loan.loan_note_no, owed + 100, paid_on, "CNAPS", "1")], by="system", at=AT)
    evening(paid_on)
    assert Message.objects.get(kind="OVERDUE").reason == "PAID"
    open_on(found_on)
    reverse_receipt(receipt_id=Receipt.objects.get(serial="1").pk, reason="汇错账户", by=by, at=AT)
    assert remind_cuts(as_of=found_on, size=10).due == 1
    assert evening(found_on)["overdue_told"] == 1
    message = Message.objects.get(kind="OVERDUE", state="WAITING")
    assert (message.step, message.amount, message.business_date) == (step, owed, found_on)
    assert (message.reason, message.ended_on) == ("", None) and message.not_before.date() == found_on + timedelta(1)
    for later in (found_on, found_on + timedelta(days=1)):
        assert evening(later)["overdue_told"] == 0


def test_what_a_person_took_back_stays_so_when_the_receipt_is_reversed() -> None:
    loan, by = book_loan(days_past_due=6), make_staff("OPERATIONS", make_branch())
    evening(DAY)
    cancel_message(message_id=Message.objects.get().pk, reason="客户已在柜台说明", by=by, at=AT)
    following = DAY + timedelta(days=1)
    open_on(following)
    fact("loans.receipt_reversed", loan, following)
    assert evening(following) == NOTHING
    assert Message.objects.get().reason == "BY_PERSON"


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
    assert evening(following) == NOTHING


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
