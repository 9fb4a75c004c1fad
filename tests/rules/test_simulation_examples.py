"""Contracts with events against worked examples, and each convention of the engine by itself."""

from decimal import Decimal, getcontext
from fractions import Fraction
from typing import Any

import pytest

from loans.rules.schedule import annuity
from tests.examples import table
from tests.rules.contracts import asked, contract, response

CONTRACTS = {example["id"]: asked(example["asked"]) for example in table("simulations")}
SHARE = {"SPLIT_BY_DAYS": 360, "SPLIT_BY_MONTH_SHARE": 12 * 31}


@pytest.mark.parametrize("example", table("simulations", 1), ids=lambda each: f"{each['id']} {each['row']}")
def test_rows_are_the_worked_rows(example: dict[str, str]) -> None:
    row = response(CONTRACTS[example["id"]])["installments"][int(example["row"]) - 1]
    found = [str(row[name]) for name in ("number", "interest", "principal", "amount", "balance_after")]
    assert found == [example[name] for name in ("row", "interest", "principal", "amount", "balance")]


@pytest.mark.parametrize("example", table("simulations", 2), ids=lambda each: each["id"])
def test_totals_are_the_worked_totals(example: dict[str, str]) -> None:
    found = response(CONTRACTS[example["id"]])
    assert len(found["installments"]) == int(example["rows"])
    assert found["installments"][-1]["amount"] == example["last"]
    assert found["totals"]["interest"] == example["interest in all"]


@pytest.mark.parametrize("example", table("simulations", 3), ids=lambda each: each["id"])
def test_installments_are_the_worked_ones(example: dict[str, str]) -> None:
    assert response(CONTRACTS[example["id"]])["installments"][0]["amount"] == example["installment"]


@pytest.mark.parametrize("example", table("simulations", 4), ids=lambda each: each["id"])
def test_prepayments_are_the_worked_ones(example: dict[str, str]) -> None:
    (found,) = response(CONTRACTS[example["id"]])["prepayments"]
    assert list(found.values()) == [example[name] for name in ("paid on", "principal", "interest", "balance")]


def test_interest_left_after_the_prepayment_of_e7_is_the_worked_one() -> None:
    for case, left, rows in (("E7 lower", "478514.05", 348), ("E7 shorten", "318487.28", 242)):
        after = response(CONTRACTS[case])["installments"][12:]
        assert (str(sum(Decimal(row["interest"]) for row in after)), len(after)) == (left, rows)


def test_cost_with_a_fee_of_e13_is_the_worked_one() -> None:
    getcontext().prec = 30
    amounts = [Decimal(row["amount"]) for row in response(CONTRACTS["E1"])["installments"]]
    low, high = Decimal("0.0030"), Decimal("0.0031")
    while high - low > Decimal("1e-12"):
        rate = (low + high) / 2
        present = sum(amount / (1 + rate) ** number for number, amount in enumerate(amounts, start=1))
        low, high = (rate, high) if present > 1_000_000 - 3_000 else (low, rate)
    assert f"{low * 1200:.4f}" == "3.6243"


@pytest.mark.parametrize(("months", "principal"), [(360, 228_608_900), (480, 268_793_369)])
def test_the_largest_principal_of_e14_just_fits(months: int, principal: int) -> None:
    # 20,000.00 income, half of it less 300.00 property fee may go to the installment.
    grown = (1 + Fraction(305, 120_000)) ** months
    exact = Fraction(305, 120_000) * grown / (grown - 1)
    assert principal * exact <= 970_000 < (principal + 1) * exact
    assert annuity(principal, 30_500, months) == 970_000


def test_holidays_do_not_move_the_due_date_of_e15() -> None:
    assert response(CONTRACTS["E1"])["installments"][0]["due_on"] == "2026-02-20"


def test_due_days_of_e17_come_back_to_the_anchor() -> None:
    found = response(contract(disbursed_on="2026-01-31", installments=6))["installments"]
    assert [row["due_on"][5:] for row in found] == ["02-28", "03-31", "04-30", "05-31", "06-30", "07-31"]
    found = response(contract(disbursed_on="2028-01-31", installments=2))["installments"]
    assert [row["due_on"] for row in found] == ["2028-02-29", "2028-03-31"]


# ── Defaults and first periods ───────────────────────────────────────────────────────────────────


def first_due(**changed: Any) -> str:
    return str(response(contract(installments=2, **changed))["installments"][0]["due_on"])


def test_due_day_is_that_of_the_first_due_date_else_of_the_disbursement() -> None:
    assert first_due() == "2026-02-20"
    assert first_due(due_day=5, first_period="BY_DAYS") == "2026-02-05"
    rows = response(contract(first_due_on="2026-03-05", first_period="BY_DAYS", installments=3))["installments"]
    assert [row["due_on"] for row in rows] == ["2026-03-05", "2026-04-05", "2026-05-05"]


def test_a_month_end_may_stand_for_a_later_due_day() -> None:
    rows = response(contract(disbursed_on="2026-01-31", first_due_on="2026-02-28", due_day=31, installments=2))
    assert [row["due_on"] for row in rows["installments"]] == ["2026-02-28", "2026-03-31"]
    # From a due day to the next month's is one month, although 28 February to 31 March is longer than one.
    assert first_due(disbursed_on="2026-02-28", due_day=31) == "2026-03-31"


def first_interest(**changed: Any) -> str:
    return str(response(contract(**changed))["installments"][0]["interest"])


def test_a_short_first_period_is_charged_its_days() -> None:
    assert first_interest(first_due_on="2026-02-05", first_period="BY_DAYS") == "1600.00"
    assert first_interest(first_due_on="2026-02-05", first_period="ONE_MONTH") == "3000.00"


def test_a_long_first_period_is_a_month_and_all_days_beyond_it() -> None:
    # One month to 20 February, 18 days to 10 March: 3000.00 + 1800.00.
    assert first_interest(first_due_on="2026-03-10", first_period="MONTH_PLUS_DAYS") == "4800.00"


def test_month_and_odd_days_are_rounded_together() -> None:
    # 42/360 of a year at 3.60 % on 1000.15 is 4.20063; apart it would be 3.00 + 1.20, on 1001.20 4.21 not 4.20.
    balance = Fraction("1001.20")
    exact = balance * Fraction("0.036") * Fraction(42, 360)
    assert f"{Decimal(exact.numerator) / exact.denominator:.2f}" == "4.21"
    found = first_interest(principal="1001.20", disbursed_on="2026-01-08", due_day=20, first_period="MONTH_PLUS_DAYS")
    assert found == "4.21"


def test_a_first_period_named_for_a_regular_month_is_charged_as_named() -> None:
    assert first_interest(first_period="BY_DAYS") == "3100.00"
    assert first_interest(first_period="MONTH_PLUS_DAYS") == "3000.00"


# ── Rate changes ─────────────────────────────────────────────────────────────────────────────────


def change(day: str, rate: str, variant: str = "SPLIT_BY_DAYS") -> dict[str, str]:
    return {"effective_on": day, "annual_rate_percent": rate, "variant": variant}


def test_a_change_on_the_day_of_disbursement_is_the_first_rate() -> None:
    found = response(contract(rate_changes=[change("2026-01-20", "3.30")]))
    assert found["installments"] == response(contract(annual_rate_percent="3.30"))["installments"]


@pytest.mark.parametrize("variant", ["SPLIT_BY_DAYS", "SPLIT_BY_MONTH_SHARE"])
def test_two_changes_in_a_period_make_three_parts(variant: str) -> None:
    changes = [change("2026-01-25", "3.30", variant), change("2026-02-10", "3.00", variant)]
    row = response(contract(rate_changes=changes))["installments"][0]
    parts = [Fraction(days * rate, SHARE[variant]) * 100 for days, rate in ((5, 36_000), (16, 33_000), (10, 30_000))]
    assert row["interest"] == f"{Decimal(sum(int(part + Fraction(1, 2)) for part in parts)) / 100:.2f}"
    assert row["principal"] == response(contract(annual_rate_percent="3.00"))["installments"][0]["principal"]


def test_the_later_of_two_changes_stands() -> None:
    waiting = change("2026-02-01", "3.30", "NEXT_PERIOD")
    found = response(contract(rate_changes=[waiting, change("2026-02-10", "3.00", "NEXT_PERIOD")]))["installments"]
    assert found[1] == response(contract(rate_changes=[change("2026-02-10", "3.00", "NEXT_PERIOD")]))["installments"][1]
    found = response(contract(rate_changes=[waiting, change("2026-02-10", "3.00")]))["installments"]
    assert found == response(contract(rate_changes=[change("2026-02-10", "3.00")]))["installments"]


def test_a_split_is_by_days_over_360_under_every_day_count() -> None:
    for day_count in ("30/360", "ACT/360", "ACT/365", "ACT/ACT"):
        found = response(contract(day_count=day_count, rate_changes=[change("2026-02-01", "3.00")]))
        assert found["installments"][0]["interest"] == "2783.33"  # 12 days 1200.00 + 19 days 1583.33


def test_a_fixed_installment_stays_through_a_change_and_the_number_of_rows_gives_way() -> None:
    found = response(contract(installment_amount="5000.00", rate_changes=[change("2027-02-01", "4.50")]))
    amounts = {row["amount"] for row in found["installments"][:-1]}
    assert amounts == {"5000.00"} and len(found["installments"]) > 306


# ── Prepayments ──────────────────────────────────────────────────────────────────────────────────


def prepay(day: str, amount: str, effect: str = "LOWER_INSTALLMENT") -> dict[str, str]:
    return {"paid_on": day, "amount": amount, "effect": effect}


def test_a_prepayment_between_due_dates_pays_its_interest_at_each_rate() -> None:
    # From 20 January: 12 days at 3.60 % and 9 days at 3.00 % on 100,000.00.
    found = response(
        contract(rate_changes=[change("2026-02-01", "3.00")], prepayments=[prepay("2026-02-10", "100000")])
    )
    assert found["prepayments"][0]["interest"] == "195.00"


def test_a_prepayment_on_the_day_of_disbursement_costs_no_interest() -> None:
    found = response(contract(prepayments=[prepay("2026-01-20", "400000.00")]))
    assert found["prepayments"][0]["interest"] == "0.00"
    assert found["installments"] == response(contract(principal="600000.00"))["installments"]
    assert response(contract(prepayments=[prepay("2026-01-20", "1000000.00")]))["installments"] == []


def test_a_change_after_a_shortened_term_keeps_the_shorter_term() -> None:
    shortened = [prepay("2027-01-20", "200000.00", "SHORTEN_TERM")]
    found = response(contract(prepayments=shortened, rate_changes=[change("2028-01-20", "3.00")]))
    assert len(found["installments"]) == 254


def test_lowering_a_fixed_installment_keeps_the_number_of_rows_it_would_have_taken() -> None:
    found = response(contract(installment_amount="5000.00", prepayments=[prepay("2027-01-20", "200000.00")]))
    assert len(found["installments"]) == 306
    assert len({row["amount"] for row in found["installments"][12:-1]}) == 1
    shorter = response(
        contract(installment_amount="5000.00", prepayments=[prepay("2027-01-20", "200000.00", "SHORTEN_TERM")])
    )
    assert {row["amount"] for row in shorter["installments"][:-1]} == {"5000.00"}


def test_an_installment_agreed_before_a_grace_is_kept_when_the_term_is_shortened() -> None:
    agreed = response(contract(principal_grace_installments=12))["installments"][12]["amount"]
    found = response(
        contract(principal_grace_installments=12, prepayments=[prepay("2026-06-20", "200000.00", "SHORTEN_TERM")])
    )
    assert found["installments"][11]["principal"] == "0.00"
    assert found["installments"][12]["amount"] == agreed and len(found["installments"]) < 360


# ── Pauses ───────────────────────────────────────────────────────────────────────────────────────


def test_a_pause_counts_both_its_ends_and_only_days_of_the_period() -> None:
    def paused(first: str, last: str) -> str:
        return first_interest(interest_pauses=[{"from": first, "to": last}])

    assert paused("2026-01-20", "2026-01-20") == "2903.23"  # 30 of 31 days
    assert paused("2026-02-19", "2026-03-31") == "2903.23"  # the due date itself lies in the next period
    assert paused("2026-02-20", "2026-02-20") == "3000.00"


def test_a_pause_takes_its_days_from_the_part_of_a_split_period_it_lies_in() -> None:
    pause = {"interest_pauses": [{"from": "2026-01-22", "to": "2026-01-31"}]}
    found = response(contract(rate_changes=[change("2026-02-01", "3.00")], **pause))
    assert found["installments"][0]["interest"] == "1783.33"  # 2 days 200.00 + 19 days 1583.33
    found = response(contract(prepayments=[prepay("2026-02-01", "100000.00")], **pause))
    assert found["prepayments"][0]["interest"] == "20.00"


def test_a_pause_leaves_the_installment_and_shortens_the_way() -> None:
    found = response(CONTRACTS["pause of a whole period"])["installments"]
    assert {row["amount"] for row in found[:-1]} == {"4546.45"}
    assert Decimal(found[-1]["amount"]) < Decimal("4546.45")
