"""The fold of a loan's money: order of arrival is nothing to it, and what is taken out was never there."""

from datetime import date, timedelta
from random import Random

import pytest

from loans.rules.replay import Billed, Money, Replayed, replay

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
