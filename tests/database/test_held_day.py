"""What is read once under a held business date: the same answers with fewer statements, and never a stale one."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from loans.actions.bank import close_business_date
from loans.actions.parameters import change_parameter
from loans.models import BusinessDate, Parameter, Workday
from loans.queries import calendar, held, hold_business_date, open_business_date, parameter, require_business_date
from tests.conftest import FreshBank
from tests.factories import AT, open_bank

TODAY, TERM = date(2026, 11, 1), "max_term_months"


class Stop(Exception):
    """Ends a transaction without a commit."""


@pytest.fixture
def bank(fresh_bank: FreshBank) -> Iterator[FreshBank]:
    """Commits of this bank are real."""
    open_bank()
    yield fresh_bank


def statements(ask: Any) -> int:
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def move_on(day: date = TODAY) -> None:
    """Somebody else closes the day, past every action of ours."""
    BusinessDate.objects.filter(day=day).update(is_open=False, closed_at=AT, totals={})
    BusinessDate.objects.create(day=day + timedelta(days=1), is_open=True, opened_at=AT)


def test_under_a_held_day_nothing_is_read_twice(bank: FreshBank) -> None:
    with transaction.atomic():
        assert hold_business_date() == TODAY
        parameter(TERM, TODAY), calendar(TODAY, TODAY + timedelta(days=60))
        with transaction.atomic():
            assert statements(lambda: [require_business_date(), hold_business_date(), open_business_date()]) == 0
            assert statements(lambda: [parameter(TERM, TODAY), parameter("no_such_code", TODAY, 7)]) == 0
            assert statements(lambda: [calendar(TODAY - timedelta(days=700), TODAY), calendar(TODAY, TODAY)]) == 0


def test_without_the_lock_each_question_is_asked_anew(bank: FreshBank) -> None:
    with transaction.atomic():
        assert require_business_date() == TODAY
        assert statements(lambda: [require_business_date(), parameter(TERM, TODAY), calendar(TODAY, TODAY)]) == 3
        move_on()
        assert require_business_date() == TODAY + timedelta(days=1)


def test_outside_a_transaction_nothing_is_held(bank: FreshBank) -> None:
    assert hold_business_date() == TODAY
    assert statements(hold_business_date) == 1


@pytest.mark.parametrize("ends", ["commit", "rollback", "savepoint", "savepoint rolled back"])
def test_what_was_held_ends_with_the_block_that_held_it(bank: FreshBank, ends: str) -> None:
    fails = ends.endswith("back")

    def block() -> None:
        try:
            with transaction.atomic():
                hold_business_date()
                if fails:
                    raise Stop
        except Stop:
            pass

    if ends.startswith("savepoint"):
        with transaction.atomic():
            block()
            assert statements(require_business_date) == 1
            move_on()
            with transaction.atomic():
                assert statements(require_business_date) == 1
                assert require_business_date() == TODAY + timedelta(days=1)
    else:
        block()
        move_on()
        with transaction.atomic():
            assert require_business_date() == TODAY + timedelta(days=1)


def test_a_changed_parameter_counts_at_once_for_who_changed_it(bank: FreshBank) -> None:
    after = TODAY + timedelta(days=1)
    with transaction.atomic():
        hold_business_date()
        before = parameter(TERM, after)
        change_parameter(code=TERM, value=before + 60, from_on=after, source="test", by="system", at=AT)
        assert (parameter(TERM, TODAY), parameter(TERM, after)) == (before, before + 60)


def test_a_parameter_that_another_changed_counts_for_the_next_action(bank: FreshBank) -> None:
    def asked() -> Any:
        with transaction.atomic():
            hold_business_date()
            return parameter(TERM, TODAY)

    before = asked()
    Parameter.objects.filter(code=TERM).update(value=before + 60)
    assert asked() == before + 60
    Workday.objects.filter(day=date(2026, 11, 2)).update(is_workday=False)
    with transaction.atomic():
        hold_business_date()
        assert not calendar(TODAY, date(2026, 11, 5)).is_workday(date(2026, 11, 2))


def test_who_closes_the_day_sees_the_next_one_in_the_same_transaction(bank: FreshBank) -> None:
    with transaction.atomic():
        hold_business_date()
        close_business_date(day=TODAY, at=AT)
        assert require_business_date() == TODAY + timedelta(days=1)


def test_each_day_has_the_value_of_its_own_period_read_once_or_asked_alone(bank: FreshBank) -> None:
    days = [TODAY + timedelta(days=each) for each in (-4000, -400, -1, 0, 1, 59, 60, 61, 4000)]
    change_parameter(code=TERM, value=372, from_on=days[6], source="test", by="system", at=AT)
    codes = sorted(set(Parameter.objects.values_list("code", flat=True)))
    alone = {(code, day): parameter(code, day, None) for code in codes for day in days}
    with transaction.atomic():
        hold_business_date()
        assert {(code, day): parameter(code, day, None) for code in codes for day in days} == alone
    assert alone[TERM, days[5]] != alone[TERM, days[6]] == alone[TERM, days[7]] == 372


def test_the_calendar_read_once_speaks_of_the_days_asked_for_and_no_others(bank: FreshBank) -> None:
    spans = [(-900, 0), (-800, 31), (-30, 60), (0, 0), (0, 400), (0, 500)]
    alone = [calendar(TODAY + timedelta(days=a), TODAY + timedelta(days=b)) for a, b in spans]
    with transaction.atomic():
        hold_business_date()
        held = [calendar(TODAY + timedelta(days=a), TODAY + timedelta(days=b)) for a, b in spans]
    assert held == alone and any(each.holidays for each in alone)


def test_a_night_reads_what_is_in_force_on_its_date_once_and_ends_with_it(bank: FreshBank) -> None:
    with held.night_of(TODAY):
        for _transaction in range(2):
            with transaction.atomic():
                before = parameter(TERM, TODAY), calendar(TODAY - timedelta(days=40), TODAY)
        assert statements(lambda: [parameter(TERM, TODAY), calendar(TODAY, TODAY + timedelta(days=60))]) == 0
        assert statements(require_business_date) == 1, "the day itself is nobody's to keep"
        assert statements(lambda: parameter(TERM, TODAY + timedelta(days=1))) == 1, "what comes may change meanwhile"
    assert statements(lambda: [parameter(TERM, TODAY), calendar(TODAY, TODAY)]) == 2
    assert before[0] == parameter(TERM, TODAY)


def test_a_night_of_another_date_reads_anew_and_who_changes_a_parameter_is_heard(bank: FreshBank) -> None:
    after = TODAY + timedelta(days=1)
    with held.night_of(TODAY):
        before = parameter(TERM, TODAY)
        change_parameter(code=TERM, value=before + 60, from_on=after, source="test", by="system", at=AT)
        assert (parameter(TERM, TODAY), parameter(TERM, after)) == (before, before + 60)
    with held.night_of(after):
        assert parameter(TERM, after) == before + 60
