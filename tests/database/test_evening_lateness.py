"""An installment becomes late, or is no longer: the same day the grade and the follow-ups are what a look at every loan
makes them, whether an evening found it unpaid, a payment came a day late, or arrears were paid in part."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from config import day_end
from followups.batch import planning as followups
from followups.models import VisitTask
from followups.rules.facts import lot
from journal import reactions
from journal.batch import run_pending
from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts
from loans.models import Installment, Loan, Position
from loans.queries import charges_owed
from loans.queries.evening import Walk
from risk.batch import grading as risk
from risk.models import Grade
from tests.factories import book_loan

pytestmark = pytest.mark.django_db

# Monday 8 March 2027 is the first date here; installments fall due on the 9th and on the 12th.
BOOKED = date(2027, 3, 7)
SECOND_IN_24_MONTHS = "N" * 22 + "1N"
MOVED, RECORD_CHANGED = "loans.overdue_moved", "loans.payment_record_changed"


def clock(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo("Asia/Shanghai"))


def note_of(serial: int) -> str:
    """A loan whose periodic follow-up lies in the later half of its cycle, so that a shorter one brings it forward."""
    notes = (f"ML{serial:03d}{number:04d}" for number in range(100))
    return next(note for note in notes if lot(note, "spread", 100_000) >= 60_000)


def loan_of(serial: int = 1, **given: Any) -> Loan:
    """85 percent of the home's value are owed: with two late installments in 24 months the cycle is half as long."""
    fields: dict[str, Any] = {
        "as_of": BOOKED, "opens_on": BOOKED + timedelta(days=1), "loan_note_no": note_of(serial), "due_day": 12,
        "outstanding": Decimal("850000.00"), "appraised_value": Decimal("1000000.00"), **given,
    }  # fmt: skip
    return book_loan(**fields)


def close(through: date) -> None:
    day_end.run(through=through, at_clock=lambda: clock(through, 21))


def pay(loan: Loan, amount: Decimal, value_on: date, *, told: date) -> None:
    row = ReceiptRow(loan.loan_note_no, amount, value_on, "CNAPS", f"{loan.pk}-{value_on}-{told}-{amount}")
    assert post_receipts(rows=[row], by="system", at=clock(told)).refused == 0
    run_pending(at=clock(told))


def looked_at_again(day: date) -> dict[str, int]:
    """What a look at every loan changes; it is taken back."""
    everything = list(Loan.objects.values_list("pk", flat=True))
    with transaction.atomic():
        graded = risk.regrade(as_of=day, at=clock(day, 22), loan_ids=everything)
        planned = followups.replan(as_of=day, at=clock(day, 22), loan_ids=everything)
        transaction.set_rollback(True)
    return {"graded": graded["changed"], **{name: count for name, count in planned.items() if name != "looked_at"}}


def periodic(loan: Loan) -> tuple[int, date]:
    return VisitTask.objects.values_list("policy_line", "due_on").get(loan=loan, rule="PERIODIC", closed_on=None)


def level(loan: Loan) -> str:
    return Grade.objects.get(loan=loan, superseded_on=None).level


def facts(kind: str) -> list[dict[str, Any]]:
    return [dict(each) for each in Entry.objects.filter(kind=kind).order_by("id").values_list("data", flat=True)]


def further() -> tuple[date, Callable[[], bool]]:
    """Overdue since 12 February; the installment of 12 March becomes late at day 29, before the step of day 31."""
    loan = loan_of(days_past_due=(BOOKED - date(2027, 2, 12)).days)
    close(date(2027, 3, 12))
    before = periodic(loan)
    assert before[0] == 24
    close(date(2027, 3, 13))

    def is_right() -> bool:
        line, due_on = periodic(loan)
        return line == 21 and due_on < before[1]

    return date(2027, 3, 13), is_right


def a_day_late() -> tuple[date, Callable[[], bool]]:
    """Due on the 9th, paid on the 10th before its evening: the second late one in 24 months."""
    loan = loan_of(due_day=9, payment_record=SECOND_IN_24_MONTHS)
    day = date(2027, 3, 10)
    close(date(2027, 3, 9))
    before = periodic(loan)
    assert before[0] == 24
    pay(loan, charges_owed(loan, day).total, day, told=day)
    assert Installment.objects.get(loan=loan).settled_on == day
    close(day)

    def is_right() -> bool:
        line, due_on = periodic(loan)
        return line == 21 and due_on < before[1]

    return day, is_right


def a_day_late_in_the_evening() -> tuple[date, Callable[[], bool]]:
    """The same, told before: the money waits for its value date and is posted by the evening of the 10th itself."""
    loan = loan_of(due_day=9, payment_record=SECOND_IN_24_MONTHS, outstanding=Decimal("500000.00"))
    close(date(2027, 3, 8))
    assert level(loan) == "LOW"
    day = date(2027, 3, 10)
    pay(loan, Position.objects.get(pk=loan.pk).installment_amount + 5000, day, told=date(2027, 3, 9))
    close(day)
    return day, lambda: level(loan) == "MEDIUM"


def in_part() -> tuple[date, Callable[[], bool]]:
    """56 days past due; the oldest installment is paid, and 25 days are left."""
    loan = loan_of(days_past_due=(BOOKED - date(2027, 1, 12)).days, outstanding=Decimal("500000.00"))
    close(date(2027, 3, 8))
    assert level(loan) == "HIGH"
    day = date(2027, 3, 9)
    oldest = charges_owed(loan, day).installments[0]
    pay(loan, oldest.principal + oldest.interest + oldest.penalty + oldest.compound, day, told=day)
    assert Position.objects.get(pk=loan.pk).overdue_since == date(2027, 2, 12)
    close(day)
    return day, lambda: level(loan) == "MEDIUM"


def told_late() -> tuple[date, Callable[[], bool]]:
    """A day late, the second one: medium. Then it is told that the money had come on the due day."""
    loan = loan_of(due_day=9, payment_record=SECOND_IN_24_MONTHS, outstanding=Decimal("500000.00"))
    due_on, day = date(2027, 3, 9), date(2027, 3, 10)
    close(due_on)
    pay(loan, charges_owed(loan, day).total, day, told=day)
    close(day)
    risk.regrade(as_of=day, at=clock(day, 22), loan_ids=[loan.pk])
    assert level(loan) == "MEDIUM"
    pay(loan, Decimal("9000.00"), due_on, told=date(2027, 3, 11))
    assert Installment.objects.get(loan=loan).settled_on == due_on
    close(date(2027, 3, 11))
    return date(2027, 3, 11), lambda: level(loan) == "LOW"


SCENES = {
    "one more installment of a loan in arrears": (further, RECORD_CHANGED),
    "paid before an evening found it unpaid": (a_day_late, RECORD_CHANGED),
    "paid by the evening itself": (a_day_late_in_the_evening, RECORD_CHANGED),
    "arrears paid in part": (in_part, MOVED),
    "it had come in time": (told_late, RECORD_CHANGED),
}


@pytest.fixture(autouse=True)
def no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No evening after the first walks any part of the book."""

    def walks(as_of: date, after: int, up_to: int | None) -> Walk:
        return WALK_OF(as_of, after, up_to) if as_of == BOOKED + timedelta(days=1) else Walk(0, 0)

    monkeypatch.setattr(risk, "walk_of", walks)
    monkeypatch.setattr(followups, "walk_of", walks)


WALK_OF = followups.walk_of


@pytest.fixture
def deaf_to(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Facts of a kind wake nothing: the twin without the mend."""

    def deaf(kind: str) -> None:
        monkeypatch.setattr(
            "journal.actions.reactions_to", lambda each: () if each == kind else reactions.reactions_to(each)
        )

    yield deaf


# S2.7 S2.8
@pytest.mark.parametrize("scene", SCENES)
def test_lateness_wakes_grade_and_follow_ups_the_same_day(scene: str) -> None:
    lived, kind = SCENES[scene]
    day, is_right = lived()
    assert is_right()
    assert facts(kind)
    assert not any(looked_at_again(day).values())


@pytest.mark.parametrize("scene", SCENES)
def test_without_the_fact_a_look_at_every_loan_finds_it(scene: str, deaf_to: Callable[[str], None]) -> None:
    lived, kind = SCENES[scene]
    deaf_to(kind)
    day, is_right = lived()
    assert not is_right()
    assert any(looked_at_again(day).values())


def test_aging_twice_tells_of_a_further_installment_once() -> None:
    from loans import batch

    day, _is_right = further()
    assert facts(RECORD_CHANGED) == [{"due_on": ["2027-03-12"]}]
    before = Entry.objects.count()
    assert batch.age(as_of=day, at=clock(day)) == {"began": 0, "further": 0, "moved": 0, "cured": 0}
    assert Entry.objects.count() == before


def test_a_payment_within_the_last_day_to_pay_is_not_late() -> None:
    """Due on a Saturday, paid on the Monday after: in time, and nothing is woken."""
    loan = loan_of(due_day=13, payment_record=SECOND_IN_24_MONTHS)
    monday = date(2027, 3, 15)
    close(monday - timedelta(days=1))
    before = periodic(loan)
    pay(loan, charges_owed(loan, monday).total, monday, told=monday)
    close(monday)
    assert Installment.objects.get(loan=loan).settled_on == monday
    assert facts(RECORD_CHANGED) == [] and periodic(loan) == before


def test_borrowers_who_pay_as_they_like_leave_nothing_to_a_look_at_every_loan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six weeks of payments a day late, in part, for an older installment, told late; every evening is complete."""
    random = Random(7)
    for serial in range(24):
        loan_of(
            serial, due_day=random.randrange(1, 29), days_past_due=random.choice((0, 0, 0, 5, 20, 40, 80)),
            payment_record=random.choice(("", SECOND_IN_24_MONTHS, "N" * 20 + "1111")),
            outstanding=Decimal(random.choice((500_000, 850_000, 920_000))),
        )  # fmt: skip
    shut, left = day_end.close_business_date, []

    def checked(*, day: date, at: datetime) -> None:
        if any((found := looked_at_again(day)).values()):
            left.append((day, found))
        shut(day=day, at=at)

    monkeypatch.setattr(day_end, "close_business_date", checked)
    for number in range(1, 43):
        day = BOOKED + timedelta(days=number)
        unpaid: dict[Loan, list[Installment]] = {}
        for row in Installment.objects.filter(settled_on=None).select_related("loan").order_by("loan_id", "number"):
            unpaid.setdefault(row.loan, []).append(row)
        for loan, rows in unpaid.items():
            _pay_or_not(loan, rows, day, random)
        close(day)
    assert left == []
    for kind in (RECORD_CHANGED, MOVED, "loans.overdue_began", "loans.overdue_cured", "loans.receipts_replayed"):
        assert len(facts(kind)) > 2, kind
    assert Grade.objects.filter(superseded_on__isnull=False).count() > 10


def _pay_or_not(loan: Loan, rows: list[Installment], day: date, random: Random) -> None:
    """An installment that fell due lately is often paid a day late; arrears now and then, one installment or all."""
    chance = 0.5 if rows[-1].due_on >= day - timedelta(days=4) else 0.06
    if random.random() > chance:
        return
    owed = charges_owed(loan, day)
    oldest = owed.installments[0]
    one = oldest.principal + oldest.interest + oldest.penalty + oldest.compound
    amount = random.choice((one, one, owed.total, one / 2)).quantize(Decimal("0.01"))
    value_on = day - timedelta(days=random.choice((0, 0, 0, 1, 5, 20)))
    pay(loan, amount, max(value_on, BOOKED + timedelta(days=1)), told=day)
