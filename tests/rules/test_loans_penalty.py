"""Penalty, compound interest and the order of allocation: E9, E10, and what holds for any late installment."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.account import Debt, Paid, PaymentTerms
from loans.rules.aging import last_day_to_pay
from loans.rules.allocation import (
    NORMAL,
    PRINCIPAL_FIRST,
    ChargePart,
    Charges,
    OpenInstallment,
    Part,
    allocate,
    charges_left,
    order_for,
    remaining,
)
from loans.rules.money import fen, yuan
from loans.rules.penalty import (
    NO_HOLIDAYS,
    LateInstallment,
    LatePayment,
    PenaltyTerms,
    accrued,
    in_force,
    multiplier_thousandths,
    owed,
)
from tests.examples import table
from tests.rules.test_loans_days import CALENDAR

TERMS = PenaltyTerms.plain(36_000, 1500, 3)
DUE = date(2026, 3, 10)
INTEREST, PRINCIPAL = fen(Decimal("2995.36")), fen(Decimal("1551.09"))


def in_fen(text: str) -> int:
    return fen(Decimal(text))


@pytest.mark.parametrize("example", table("penalty", 0), ids=lambda each: f"{each['due on']} paid {each['paid on']}")
def test_e9_grace_is_free_and_then_counts_from_the_due_day(example: dict[str, str]) -> None:
    due_on, paid_on = date.fromisoformat(example["due on"]), date.fromisoformat(example["paid on"])
    found = owed(LateInstallment(due_on, INTEREST, PRINCIPAL), paid_on, TERMS, CALENDAR)
    assert (paid_on - due_on).days == int(example["days"])
    assert found == Charges(in_fen(example["penalty"]), in_fen(example["compound"]))
    assert yuan(sum(found) + INTEREST + PRINCIPAL) == Decimal(example["to pay"])


@pytest.mark.parametrize("example", table("penalty", 1), ids=lambda each: f"{each['paid on']} {each['principal']}")
def test_each_part_bears_until_the_day_it_is_paid(example: dict[str, str]) -> None:
    paid = LatePayment(
        date.fromisoformat(example["paid on"]), in_fen(example["interest"]), in_fen(example["principal"])
    )
    row = LateInstallment(DUE, INTEREST, PRINCIPAL, (paid,))
    found = owed(row, date(2026, 3, 25), TERMS, CALENDAR)
    assert found == Charges(in_fen(example["penalty"]), in_fen(example["compound"]))


@pytest.mark.parametrize("example", table("penalty", 2), ids=lambda each: f"{each['days']} days")
def test_e10_order_of_allocation(example: dict[str, str]) -> None:
    days = int(example["days"])
    charges = {2: owed(LateInstallment(DUE, INTEREST, PRINCIPAL), DUE + timedelta(days=days), TERMS, CALENDAR)}
    unpaid = [OpenInstallment(2, INTEREST, PRINCIPAL)]
    found = allocate(300_000, unpaid, fee_fen=5_000, charges=charges, order=order_for(days, 90))
    paid = (found.fee_fen, found.penalty_fen, found.compound_fen, found.interest_fen, found.principal_fen)
    assert paid == tuple(in_fen(example[name]) for name in ("fee", "penalty", "compound", "interest", "principal"))
    left = charges_left(charges, found.charges).get(2, Charges(0, 0))
    (row,) = remaining(unpaid, found.parts)
    assert (*left, row.interest_fen, row.principal_fen) == tuple(
        in_fen(example[f"left {name}"]) for name in ("penalty", "compound", "interest", "principal")
    )
    assert found.rest_fen == 0


def test_the_principal_comes_first_from_the_91st_day_on() -> None:
    assert (order_for(0, 90), order_for(90, 90), order_for(91, 90)) == (NORMAL, NORMAL, PRINCIPAL_FIRST)


payments = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 300_000)), max_size=6)


@given(st.integers(0, 10**8), payments, st.integers(0, 150), st.integers(1, 240_000), st.integers(0, 10))
def test_the_sum_is_that_of_a_reckoning_day_by_day(
    total: int, parts: list[tuple[int, int]], looked_at: int, rate: int, grace: int
) -> None:
    terms = PenaltyTerms.plain(rate, 1500, grace)
    paid, left = [], total
    for offset, amount in sorted(parts):
        paid.append(LatePayment(DUE + timedelta(days=offset), principal_fen=min(left, amount)))
        left -= paid[-1].principal_fen
    as_of = DUE + timedelta(days=looked_at)
    last_day = last_day_to_pay(DUE, grace, CALENDAR)
    expected = Fraction(0)
    for offset in range(looked_at if as_of > last_day else 0):
        day = DUE + timedelta(days=offset)
        open_then = total - sum(each.principal_fen for each in paid if each.on <= max(day, last_day))
        expected += Fraction(open_then * rate * 3, 1_000_000 * 2 * 360)
    found = accrued(LateInstallment(DUE, 0, total, tuple(paid)), as_of, terms, CALENDAR)
    assert found == Charges(int(expected + Fraction(1, 2)), 0)


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(5, 60), st.integers(0, 60))
def test_penalty_bears_no_penalty_and_looking_often_costs_nothing(
    interest: int, principal: int, first: int, more: int
) -> None:
    row = LateInstallment(DUE, interest, principal)
    middle, end = DUE + timedelta(days=first), DUE + timedelta(days=first + more)
    due_then = owed(row, middle, TERMS, CALENDAR)
    paid = LatePayment(middle, penalty_fen=due_then.penalty_fen, compound_fen=due_then.compound_fen)
    after = owed(row._replace(payments=(paid,)), end, TERMS, CALENDAR)
    whole = accrued(row, end, TERMS, CALENDAR)
    assert (after.penalty_fen + due_then.penalty_fen, after.compound_fen + due_then.compound_fen) == whole


changes = st.lists(st.tuples(st.integers(0, 150), st.integers(1, 240_000)), min_size=1, max_size=4)


def since(days: list[tuple[int, int]]) -> tuple[tuple[date, int], ...]:
    """A timeline that begins before the due day and changes so many days after it."""
    first, *rest = days
    return ((date.min, first[1]), *((DUE + timedelta(days=offset), value) for offset, value in sorted(rest)))


def terms_of(rates: list[tuple[int, int]], multipliers: list[tuple[int, int]], grace: int) -> PaymentTerms:
    penalty = PenaltyTerms(since(rates), since(multipliers), ((date.min, grace),))
    return PaymentTerms(penalty, ((date.min, NORMAL),), ((date.min, 90),), calendar=CALENDAR)


@given(changes, changes, st.integers(0, 10**7), st.integers(0, 120), st.integers(0, 10))
def test_each_day_bears_at_the_rate_and_multiplier_in_force(
    rates: list[tuple[int, int]], multipliers: list[tuple[int, int]], total: int, days: int, grace: int
) -> None:
    terms = terms_of(rates, multipliers, grace).penalty
    as_of = DUE + timedelta(days=days)
    units = 0
    if as_of > last_day_to_pay(DUE, grace, CALENDAR):
        for offset in range(days):
            day = DUE + timedelta(days=offset)
            units += total * in_force(terms.rates_ppm, day) * in_force(terms.multipliers, day)
    expected = int(Fraction(units, 1_000_000 * 1000 * 360) + Fraction(1, 2))
    assert accrued(LateInstallment(DUE, 0, total), as_of, terms, CALENDAR) == Charges(expected, 0)


paid_parts = st.lists(st.tuples(st.integers(0, 100), *[st.integers(0, 3000)] * 4), max_size=8)


@given(
    *[st.integers(0, 6000)] * 2, paid_parts, changes, changes, st.integers(0, 10), st.integers(0, 20),
    st.integers(0, 60),
)  # fmt: skip
def test_the_stored_row_alone_owes_what_the_reckoning_payment_by_payment_says(
    interest: int, principal: int, parts: list[tuple[int, int, int, int, int]], rates: list[tuple[int, int]],
    multipliers: list[tuple[int, int]], grace: int, taken_over: int, more: int,
) -> None:  # fmt: skip
    """Units left behind by late payments, charges paid and charges frozen: exactly the same fen on every day."""
    terms = terms_of(rates, multipliers, grace)
    starts = DUE + timedelta(days=taken_over)
    row = LateInstallment(DUE, interest, principal, (), starts)
    debt = Debt(1, DUE, DUE, starts, interest, principal, Paid())
    on = DUE
    for offset, *asked in sorted(parts):
        on = DUE + timedelta(days=offset)
        charges = debt.charges(on, terms)
        assert charges == owed(row, on, terms.penalty, CALENDAR)
        limits = (debt.interest_fen, debt.principal_fen, charges.penalty_fen, charges.compound_fen)
        pays = [min(*each) for each in zip(asked, limits, strict=True)]
        row = row._replace(payments=(*row.payments, LatePayment(on, pays[0], pays[1], pays[3], pays[2])))
        debt = debt.after(on, Part(1, *pays[:2]), ChargePart(1, *pays[2:]), charges, terms)
    end = on + timedelta(days=more)
    assert debt.charges(end, terms) == owed(row, end, terms.penalty, CALENDAR)
    if not debt.is_open and (interest or principal) and parts:
        left = Charges(debt.paid.penalty_left_fen, debt.paid.compound_left_fen)
        assert left == debt.charges(end + timedelta(days=1000), None)


def test_a_contract_that_knows_no_holidays_counts_its_grace_by_the_calendar() -> None:
    due_on = date(2026, 2, 20)
    strict = TERMS._replace(holiday_rules=((date.min, NO_HOLIDAYS),))
    row = LateInstallment(due_on, INTEREST, PRINCIPAL)
    assert owed(row, date(2026, 2, 24), TERMS, CALENDAR) == Charges(0, 0)
    assert owed(row, date(2026, 2, 24), strict, CALENDAR) == Charges(93, 180)


def test_arrears_taken_over_bear_from_the_takeover_on() -> None:
    row = LateInstallment(date(2026, 3, 10), INTEREST, PRINCIPAL, bears_from=date(2026, 3, 31))
    assert owed(row, date(2026, 4, 15), TERMS, CALENDAR) == Charges(349, 674)
    assert owed(row, date(2026, 3, 31), TERMS, CALENDAR) == Charges(0, 0)


@pytest.mark.parametrize("text", ["0.9", "1.5555", "NaN", "-1.5", "Infinity"])
def test_a_multiplier_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        multiplier_thousandths(text)
    assert multiplier_thousandths("1.5") == 1500


def plain(amount: int, unpaid: list[OpenInstallment]) -> tuple[list[tuple[int, int, int]], int]:
    """Oldest first, interest before principal: the order without fees and charges, written out."""
    parts = []
    for number, interest, principal in unpaid:
        pays = (min(amount, interest), min(max(0, amount - interest), principal))
        amount -= sum(pays)
        if any(pays):
            parts.append((number, *pays))
    return parts, amount


rows = st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), max_size=6)


@given(st.integers(0, 10**7), rows)
def test_without_fee_and_charges_nothing_is_allocated_otherwise_than_before(
    amount: int, owing: list[tuple[int, int, int, int]]
) -> None:
    unpaid = [OpenInstallment(n, each[0], each[1]) for n, each in enumerate(owing, start=1)]
    zero = {row.number: Charges(0, 0) for row in unpaid}
    for found in (allocate(amount, unpaid), allocate(amount, unpaid, charges=zero, fee_fen=0)):
        assert ([tuple(part) for part in found.parts], found.rest_fen) == plain(amount, unpaid)
        assert (found.fee_fen, found.charges) == (0, ())


@given(st.integers(0, 10**7), rows, st.integers(0, 10_000), st.sampled_from([NORMAL, PRINCIPAL_FIRST]))
def test_every_fen_goes_to_the_first_debt_that_is_open(
    amount: int, owing: list[tuple[int, int, int, int]], fee: int, order: tuple[str, ...]
) -> None:
    unpaid = [OpenInstallment(n, each[0], each[1]) for n, each in enumerate(owing, start=1) if each[0] or each[1]]
    charges = {n: Charges(each[2], each[3]) for n, each in enumerate(owing, start=1)}
    found = allocate(amount, unpaid, fee_fen=fee, charges=charges, order=order)
    parts = {part.number: part for part in found.parts}
    charged = {part.number: part for part in found.charges}
    debts, paid = [fee], [found.fee_fen]
    for n, (interest, principal, penalty, compound) in enumerate(owing, start=1):
        due = {"interest": interest, "principal": principal, "penalty": penalty, "compound": compound}
        debts += [due[name] for name in order]
        for name in order:
            part = parts.get(n) if name in ("interest", "principal") else charged.get(n)
            paid.append(getattr(part, f"{name}_fen") if part else 0)
    # Money runs through the debts in their order: each is paid in full before the next gets anything.
    left = amount
    for debt, got in zip(debts, paid, strict=True):
        assert got == min(left, debt)
        left -= got
    assert found.rest_fen == left
