"""Worked examples of reminders: who is told what on which evening, and what a wording must hold."""

from datetime import date, timedelta

import pytest

from correspondence.rules.reminders import Reminder, Rhythm, Standing, days_of, explain, reminders, why_ended
from correspondence.rules.wording import FIRST_TEXTS, UnknownField, faults, fill
from loans.rules.aging import recognised_due_until
from loans.rules.calendar import Calendar

RHYTHM = Rhythm(3, (1, 7, 15, 30))
NO_HOLIDAYS = Calendar.of([])
# 1 to 8 October 2026: the National Day holiday.
HOLIDAYS = Calendar.of([(date(2026, 10, day), False) for day in range(1, 9)])


def told(standing: Standing, as_of: date, calendar: Calendar = NO_HOLIDAYS) -> tuple[Reminder, ...]:
    before, until = (recognised_due_until(day, 0, calendar) for day in (as_of - timedelta(days=1), as_of))
    return reminders(standing, days_of(as_of, RHYTHM, (before, until)))


@pytest.mark.parametrize(
    ("evening", "is_told"),
    [
        (date(2026, 11, 15), False),
        # The morning of the 17th is three days before the 20th.
        (date(2026, 11, 16), True),
        (date(2026, 11, 17), False),
        (date(2026, 11, 20), False),
    ],
)
def test_the_coming_installment_is_told_three_days_ahead(evening: date, is_told: bool) -> None:
    due = date(2026, 11, 20)
    found = told(Standing(next_due_on=due, next_fen=512_345), evening)
    assert found == ((Reminder("DUE", due, 0, 512_345, due),) if is_told else ())


@pytest.mark.parametrize(
    ("days", "step", "stands"),
    [(1, 1, 7), (2, None, 0), (6, None, 0), (7, 7, 15), (15, 15, 30), (30, 30, 60), (31, None, 0), (90, None, 0)],
)
def test_arrears_are_told_on_their_days_until_the_next_step(days: int, step: int | None, stands: int) -> None:
    # A Thursday: what was due the day before is newly recognised, nothing else.
    evening = date(2026, 11, 19)
    since = evening - timedelta(days=days)
    found = told(Standing(overdue_since=since, unpaid_fen=100), evening)
    assert found == ((Reminder("OVERDUE", since, step, 100, since + timedelta(days=stands)),) if step else ())


@pytest.mark.parametrize(
    ("due", "evening", "step"),
    [
        # Saturday's and Sunday's are recognised at Tuesday's close: the first step is told, three and two days late.
        (date(2026, 11, 14), date(2026, 11, 17), 1),
        (date(2026, 11, 15), date(2026, 11, 17), 1),
        (date(2026, 11, 16), date(2026, 11, 17), 1),
        # The 1st of October may be paid until the 9th; recognised on the 10th as nine days past due.
        (date(2026, 10, 1), date(2026, 10, 10), 7),
        (date(2026, 10, 8), date(2026, 10, 10), 1),
    ],
)
def test_what_a_holiday_kept_from_being_overdue_is_told_when_it_is_recognised(
    due: date, evening: date, step: int
) -> None:
    assert [each.step for each in told(Standing(overdue_since=due, unpaid_fen=1), evening, HOLIDAYS)] == [step]


def test_a_loan_that_is_not_recognised_is_not_overdue() -> None:
    assert told(Standing(next_due_on=date(2026, 12, 14), unpaid_fen=500), date(2026, 11, 16)) == ()


def test_both_are_told_when_both_days_meet() -> None:
    evening = date(2026, 11, 19)
    standing = Standing(date(2026, 11, 23), 100, 0, evening - timedelta(days=30), 200)
    assert [each.kind for each in told(standing, evening)] == ["DUE", "OVERDUE"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"is_ended": True}, "ended"),
        ({"is_unwanted": True}, "unwanted"),
        ({"next_fen": 0}, "nothing_to_pay"),
        ({"suspense_fen": 100}, "covered_by_suspense"),
        ({"next_due_on": date(2026, 11, 24)}, "due_later"),
        ({"next_due_on": date(2026, 11, 22)}, "due_told_before"),
        ({"next_due_on": None}, "nothing_to_come"),
    ],
)
def test_who_has_nothing_to_pay_is_not_told_and_it_is_explained(given: dict[str, object], why: str) -> None:
    evening = date(2026, 11, 19)
    standing = Standing(**{"next_due_on": date(2026, 11, 23), "next_fen": 100, **given})  # type: ignore[arg-type]
    days = days_of(evening, RHYTHM, (evening - timedelta(days=2), evening - timedelta(days=1)))
    assert reminders(standing, days) == () and explain(standing, evening, days)[0] == why


def test_a_reminder_is_explained_by_its_step() -> None:
    evening = date(2026, 11, 19)
    days = days_of(evening, RHYTHM, (evening - timedelta(days=2), evening - timedelta(days=1)))
    standing = Standing(date(2026, 11, 23), 100, 99, evening - timedelta(days=7), 200)
    assert explain(standing, evening, days) == ("due_soon", "step_7")
    later = Standing(overdue_since=evening - timedelta(days=8))
    assert explain(later, evening, days) == ("nothing_to_come", "8_days_past_due")


def test_a_loan_held_back_is_told_what_it_missed() -> None:
    evening = date(2026, 11, 19)
    days = days_of(evening, RHYTHM, None)
    found = reminders(Standing(date(2026, 11, 21), 100, 0, evening - timedelta(days=9), 200), days)
    assert [(each.kind, each.step) for each in found] == [("DUE", 0), ("OVERDUE", 7)]


@pytest.mark.parametrize(
    ("standing", "kind", "why"),
    [
        (Standing(next_due_on=date(2026, 11, 20), next_fen=1), "DUE", ""),
        (Standing(next_due_on=date(2026, 11, 20), next_fen=100, suspense_fen=100), "DUE", "COVERED"),
        (Standing(next_due_on=date(2026, 11, 20), next_fen=100, suspense_fen=99), "DUE", ""),
        (Standing(next_due_on=date(2026, 11, 20)), "DUE", "COVERED"),
        (Standing(next_due_on=date(2026, 11, 25), suspense_fen=100), "DUE", "CHANGED"),
        (Standing(next_due_on=date(2026, 11, 25)), "DUE", "CHANGED"),
        (Standing(overdue_since=date(2026, 11, 20), unpaid_fen=1), "OVERDUE", ""),
        (Standing(overdue_since=date(2026, 11, 20), unpaid_fen=100, suspense_fen=100), "OVERDUE", "COVERED"),
        (Standing(overdue_since=date(2026, 12, 20)), "OVERDUE", "PARTLY_PAID"),
        (Standing(), "OVERDUE", "PAID"),
        (Standing(is_ended=True), "DUE", "ENDED"),
        (Standing(next_due_on=date(2026, 11, 20), is_unwanted=True), "DUE", "UNWANTED"),
        (Standing(overdue_since=date(2026, 11, 20), is_unwanted=True), "OVERDUE", "UNWANTED"),
        (Standing(is_unwanted=True), "OVERDUE", "PAID"),
    ],
)
def test_what_a_message_speaks_of_stands_or_says_why_not(standing: Standing, kind: str, why: str) -> None:
    assert why_ended(standing, kind, date(2026, 11, 20)) == why


def test_the_first_wordings_are_whole_short_and_calm() -> None:
    for kind, text in FIRST_TEXTS.items():
        assert faults(text, kind) == ()
        assert not any(word in text for word in ("起诉", "法院", "征信", "后果", "立即", "失信", "罚"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [("{bank}{note_tail}{amount}{about}{hotline}{id_no}", "unknown:id_no"), ("{bank}", "missing:amount")],
)
def test_a_wording_with_a_field_nobody_fills_or_without_what_is_needed_is_at_fault(text: str, fault: str) -> None:
    assert fault in faults(text)


def test_a_name_is_never_read_as_a_field() -> None:
    assert fill("{name}/{amount}", {"name": "{amount}", "amount": "1.00"}) == "{amount}/1.00"
    with pytest.raises(UnknownField):
        fill("{phone}", {"name": "张"})
