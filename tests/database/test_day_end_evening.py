"""The evening's tasks: asked twice is once, a lost call is made up, what stops a night is kept and tried again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from config import day_end, tasks
from config.night import nights
from journal.models import Chunk, Night, Run
from loans.models import Position
from loans.queries import open_business_date
from tests.database.test_day_end import FIRST, broken
from tests.loan_books import book

pytestmark = pytest.mark.django_db
# 21:00 in Shanghai on the first date.
EVENING = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)
NEXT = FIRST + timedelta(days=1)


class Clock:
    """The tasks' clock, moved by hand, and the calls they made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = EVENING
        self.woken: list[str] = []
        monkeypatch.setattr(tasks, "_now", lambda: self.at)
        monkeypatch.setattr(tasks, "wake", lambda task, times=1: self.woken.extend([task] * times))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (EVENING, date(2026, 11, 1)),
        (EVENING - timedelta(minutes=1), date(2026, 10, 31)),
        (EVENING + timedelta(hours=4), date(2026, 11, 1)),
    ],
)
def test_the_evening_that_has_come(at: datetime, day: date) -> None:
    assert tasks.last_evening(at) == day


def test_two_beats_close_once_and_a_late_one_does_not_close_the_next_day(clock: Clock) -> None:
    book(5)
    tasks.close_evening()
    tasks.close_evening()
    assert open_business_date() == NEXT
    clock.at = EVENING + timedelta(hours=5)
    tasks.close_evening()
    tasks.continue_evening()
    assert open_business_date() == NEXT and Night.objects.count() == 1 and clock.woken == []


def test_nothing_is_closed_before_anybody_asked(clock: Clock) -> None:
    book(5)
    clock.at += timedelta(days=3)
    tasks.continue_evening()
    assert open_business_date() == FIRST and not Run.objects.exists()


def test_days_without_beat_are_made_up(clock: Clock) -> None:
    book(5)
    clock.at += timedelta(days=6)
    tasks.close_evening()
    assert open_business_date() == FIRST + timedelta(days=7) and broken() == []


def test_a_night_in_spells_wakes_the_next_and_a_lost_call_is_made_up(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(20)
    monkeypatch.setattr(tasks, "SPELL", 0)
    monkeypatch.setattr(day_end, "CHUNK", 1)
    clock.at += timedelta(days=1)
    tasks.close_evening()
    assert clock.woken == ["config.continue_evening"] and open_business_date() == FIRST
    # The call is lost; it is past midnight; beat finds the night that is asked for.
    clock.at += timedelta(hours=6)
    for _beat in range(100):
        tasks.continue_evening()
        tasks.work_chunks()
    assert open_business_date() == FIRST + timedelta(days=2)
    assert not Chunk.objects.exists() and broken() == []


def test_what_stops_a_night_is_kept_and_it_is_tried_again_later(clock: Clock) -> None:
    book(5)
    wrong = Position.objects.select_related("loan").order_by("loan_id").first()
    assert wrong is not None
    right = wrong.principal_balance
    Position.objects.filter(pk=wrong.pk).update(principal_balance=right + 1)
    tasks.close_evening()
    night = Night.objects.get()
    assert open_business_date() == FIRST and wrong.loan.loan_note_no in night.error
    assert (night.failures, night.failed_at) == (1, EVENING)
    Position.objects.filter(pk=wrong.pk).update(principal_balance=right)
    clock.at += timedelta(seconds=59)
    tasks.continue_evening()
    assert open_business_date() == FIRST, "not yet"
    clock.at += timedelta(seconds=1)
    tasks.continue_evening()
    assert open_business_date() == NEXT
    assert not Night.objects.exclude(error="").exists()


def test_tries_of_a_night_grow_rarer() -> None:
    night = Night(business_date=FIRST, through=FIRST, failed_at=EVENING)
    waits = []
    for night.failures in range(1, 7):
        waits.append((nights.due_again(night) - EVENING).total_seconds())
    assert waits == [60, 300, 900, 3600, 3600, 3600]


def test_a_demo_bank_is_left_alone(clock: Clock, settings: Any) -> None:
    book(3)
    settings.DEMO = True
    nights.begin(FIRST, through=FIRST, at=EVENING)
    tasks.close_evening()
    tasks.continue_evening()
    assert open_business_date() == FIRST
