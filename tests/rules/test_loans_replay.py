"""The fold of a loan's money: order of arrival is nothing to it, and what is taken out was never there."""

from datetime import date, timedelta
from random import Random

import pytest

from loans.rules.account import PaymentTerms
from loans.rules.allocation import NORMAL, PRINCIPAL_FIRST
from loans.rules.calendar import Calendar
from loans.rules.penalty import PenaltyTerms
from loans.rules.replay import (
    Billed,
    FeeCharged,
    FeeWaived,
    Money,
    MoneyIsGone,
    Replayed,
    Used,
    WrittenOff,
    replay,
)

DAY = date(2026, 11, 20)


def account(random: Random) -> tuple[list[Billed], list[Money]]:
    billed = [
        Billed(number, date.min if number < 2 else DAY + timedelta(days=30 * number), number, 100 * number, 1000)
        for number in range(random.randint(1, 6))
    ]
    money = [
        Money(n + 1, DAY + timedelta(days=random.randint(0, 200)), 100 + n, random.randint(1, 2500))
        for n in range(random.randint(0, 8))
    ]
    return billed, money


def totals(found: Replayed) -> tuple[int, int]:
    paid = sum(each.interest_fen + each.principal_fen for each in found.paid.values())
    return paid, found.suspense_fen


@pytest.mark.parametrize("seed", range(200))
def test_every_fen_is_paid_or_in_suspense_and_arrival_does_not_matter(seed: int) -> None:
    random = Random(seed)
    billed, money = account(random)
    found = replay(billed, money)
    assert sum(totals(found)) == sum(each.amount_fen for each in money)
    assert not (found.suspense_fen and found.unpaid)
    shuffled = random.sample(money, len(money))
    assert replay(billed[::-1], shuffled) == found


def test_early_money_waits_in_suspense_and_pays_on_the_day_of_billing() -> None:
    billed = [Billed(1, DAY, 1, 300, 700)]
    found = replay(billed, [Money(7, DAY - timedelta(days=3), 0, 1200)])
    assert [(each.receipt_id, each.on, each.amount_fen) for each in found.takings] == [
        (7, DAY - timedelta(days=3), 1200), (0, DAY, 1000)
    ]  # fmt: skip
    assert (found.paid[1].settled_on, found.cleared_on, found.suspense_fen) == (DAY, DAY, 200)


def test_an_installment_of_nothing_is_settled_by_being_billed() -> None:
    found = replay([Billed(1, DAY, 1, 0, 0)], [])
    assert (found.paid[1].settled_on, found.cleared_on, found.takings) == (DAY, DAY, [])


TERMS = PaymentTerms(
    PenaltyTerms.plain(180_000, 1500, 3), ((date.min, NORMAL),), ((date.min, 90),), calendar=Calendar()
)


def late(days: int) -> date:
    return DAY + timedelta(days=days)


def life(random: Random) -> tuple[list[Billed], list[Money], list[FeeCharged]]:
    """Large enough amounts at a rate high enough that a few days cost something."""
    billed = [
        Billed(number, late(30 * number), number, 40_000 * number, 1_000_000) for number in range(random.randint(1, 6))
    ]
    money = [
        Money(n + 1, late(random.randint(0, 260)), 100 + n, random.randint(1, 1_600_000))
        for n in range(random.randint(0, 8))
    ]
    fees = [FeeCharged(n + 1, late(random.randint(0, 200)), 500 + n, 5000) for n in range(random.randint(0, 2))]
    return billed, money, fees


def spent(found: Replayed) -> int:
    parts = sum(
        each.interest_fen + each.principal_fen + each.penalty_fen + each.compound_fen for each in found.paid.values()
    )
    return parts + sum(each.fen for each in found.fees_paid.values()) + found.suspense_fen


@pytest.mark.parametrize("seed", range(200))
def test_with_charges_and_fees_every_fen_is_paid_or_in_suspense_whatever_the_order(seed: int) -> None:
    random = Random(seed)
    billed, money, fees = life(random)
    found = replay(billed, money, fees, TERMS)
    assert spent(found) == sum(each.amount_fen for each in money)
    assert not (found.suspense_fen and found.owes)
    assert (found.cleared_on is not None) == (not found.owes)
    shuffled = random.sample(money, len(money))
    assert replay(billed[::-1], shuffled, fees[::-1], TERMS) == found


def test_charges_count_from_the_value_date_and_stop_at_the_payment() -> None:
    billed = [Billed(1, DAY, 1, 0, 1_000_000)]
    # 10,000.00 at 27 % a year for ten days, and for a hundred.
    for days, penalty in ((3, 0), (10, 7500), (90, 67500)):
        found = replay(billed, [Money(7, late(days), 2, 2_000_000)], (), TERMS)
        assert (found.paid[1].penalty_fen, found.suspense_fen) == (penalty, 1_000_000 - penalty)
        assert (found.paid[1].settled_on, found.cleared_on) == (late(days), late(days))


def test_more_than_90_days_late_the_principal_comes_first_and_charges_are_frozen() -> None:
    found = replay([Billed(1, DAY, 1, 0, 1_000_000)], [Money(7, late(91), 2, 1_000_000)], (), TERMS)
    assert found.takings[0].order == PRINCIPAL_FIRST
    paid = found.paid[1]
    assert (paid.settled_on, paid.penalty_fen, paid.penalty_left_fen) == (late(91), 0, 68250)
    assert found.owes and found.cleared_on is None
    done = replay([Billed(1, DAY, 1, 0, 1_000_000)], [
        Money(7, late(91), 2, 1_000_000), Money(8, late(200), 3, 68250)
    ], (), TERMS)  # fmt: skip
    assert (done.paid[1].penalty_left_fen, done.suspense_fen, done.cleared_on) == (0, 0, late(200))


def test_a_fee_is_paid_first_and_a_waived_one_not_at_all() -> None:
    billed = [Billed(1, DAY, 1, 300, 700)]
    money = [Money(7, DAY, 5, 900)]
    charged = FeeCharged(3, DAY, 2, 100)
    found = replay(billed, money, [charged], TERMS)
    assert (found.takings[0].fee_fen, found.paid[1].principal_fen, found.fees_due_fen) == (100, 500, 0)
    waived = replay(billed, money, [charged._replace(amount_fen=0), FeeWaived(3, late(2), 9)], TERMS)
    assert (waived.takings[0].fee_fen, waived.paid[1].principal_fen) == (0, 600)
    assert waived.fees_paid[3].settled_on == late(2)


def test_a_fee_is_paid_from_suspense_on_its_day() -> None:
    found = replay([], [Money(7, DAY, 1, 500)], [FeeCharged(3, late(5), 2, 300)], TERMS)
    assert [(each.receipt_id, each.on, each.fee_fen) for each in found.takings] == [(7, DAY, 0), (0, late(5), 300)]
    assert (found.suspense_fen, found.fees_paid[3].settled_on) == (200, late(5))


def test_what_was_prepaid_stays_taken_and_without_its_money_the_fold_says_so() -> None:
    billed = [Billed(1, DAY, 1, 300, 700)]
    used = Used(9, late(2), 9, 4000, is_repayment=True)
    found = replay(billed, [Money(7, late(1), 2, 5500)], [used], TERMS)
    assert (found.suspense_fen, found.cleared_on) == (500, late(2))
    with pytest.raises(MoneyIsGone) as caught:
        replay(billed, [], [used], TERMS)
    assert (caught.value.used, caught.value.held_fen) == (used, 0)


def test_what_a_subsidy_pays_is_paid_from_the_start_and_suspense_pays_the_rest() -> None:
    found = replay([Billed(1, DAY, 1, 300, 700, subsidy_fen=100)], [Money(7, late(-1), 0, 1000)], (), TERMS)
    assert (found.paid[1].interest_fen, found.paid[1].principal_fen, found.suspense_fen) == (300, 700, 100)
    assert found.takings[1].amount_fen == 900


def test_what_is_paid_after_a_write_off_is_a_recovery() -> None:
    billed = [Billed(1, DAY, 1, 300, 700)]
    money = [Money(7, late(1), 2, 400), Money(8, late(9), 6, 600)]
    found = replay(billed, money, [WrittenOff(late(5), 5)], TERMS)
    assert [each.is_recovery for each in found.takings] == [False, True]


@pytest.mark.parametrize("day", [5, 6])
def test_the_order_of_posting_says_what_a_write_off_found_paid(day: int) -> None:
    """Also of a receipt valued after the write-off's day but posted before it was carried out."""
    billed = [Billed(1, DAY, 1, 300, 700)]
    money = [Money(7, late(day), 4, 400), Money(8, late(day), 6, 400)]
    found = replay(billed, money, [WrittenOff(late(5), 5)], TERMS)
    assert [each.is_recovery for each in found.takings] == [False, True]
