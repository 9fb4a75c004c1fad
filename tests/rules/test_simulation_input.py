"""What a simulation refuses, each under its field and with its reason."""

import json
from typing import Any

import pytest

from loans.rules.simulation import SimulationRefused, answer, parse_request, simulate
from tests.rules.contracts import PLAIN, codes, contract

BAD_AMOUNTS = [
    "NaN", "Infinity", "1e5", "1E5", "１０００.00", "١٠٠٠", "-1.00", "+1.00", "1,000.00", "1.234", "1.", ".5", " 1",
    "1\n", "", "12345678901234", "0x10", "1_000",
]  # fmt: skip
BAD_RATES = ["NaN", "3.6e0", "３.６", "٣", "-3.60", "+3.60", "3.60001", "3,6", "", "3.60%", ".5", "3.", "3.6\n", "1234"]
NO_TEXT: list[Any] = [1000, 1000.0, True, None, [], {}, ["1000.00"]]


def faults(**changed: Any) -> dict[str, list[str]]:
    """Reasons by field of the plain contract with other fields."""
    response, errors = answer(contract(**changed), at_most=1)
    assert (response is None) == bool(errors)
    return codes(errors)


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_an_amount_is_digits_and_at_most_two_decimals(amount: str) -> None:
    assert faults(principal=amount) == {"principal": ["not_an_amount"]}
    assert faults(installment_amount=amount) == {"installment_amount": ["not_an_amount"]}
    one = {"paid_on": "2026-03-01", "amount": amount, "effect": "SHORTEN_TERM"}
    assert faults(prepayments=[one]) == {"prepayments.0.amount": ["not_an_amount"]}


@pytest.mark.parametrize("value", NO_TEXT)
def test_amounts_and_rates_that_are_not_text_are_refused(value: Any) -> None:
    request = {**PLAIN, "principal": value, "annual_rate_percent": value}
    assert codes(answer(request, at_most=1)[1]) == {
        "principal": ["amount_not_text"],
        "annual_rate_percent": ["rate_not_text"],
    }


@pytest.mark.parametrize("rate", BAD_RATES)
def test_a_rate_is_digits_and_at_most_four_decimals(rate: str) -> None:
    assert faults(annual_rate_percent=rate) == {"annual_rate_percent": ["not_a_rate"]}
    change = {"effective_on": "2026-03-01", "annual_rate_percent": rate}
    assert faults(rate_changes=[change]) == {"rate_changes.0.annual_rate_percent": ["not_a_rate"]}


def test_a_rate_lies_within_the_limits_of_the_product() -> None:
    assert faults(annual_rate_percent="36") == faults(annual_rate_percent="0.0000") == {}
    for rate in ("36.0001", "37", "999.9999"):
        assert faults(annual_rate_percent=rate) == {"annual_rate_percent": ["rate_beyond_limit"]}


def test_nothing_is_lent_or_prepaid_for_nothing() -> None:
    assert faults(principal="0.00") == {"principal": ["amount_not_positive"]}
    assert faults(installment_amount="0") == {"installment_amount": ["amount_not_positive"]}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("installments", 0, "out_of_range"),
        ("installments", 481, "out_of_range"),
        ("installments", -1, "out_of_range"),
        ("installments", 10**39, "out_of_range"),
        ("installments", "360", "not_whole"),
        ("installments", True, "not_whole"),
        ("installments", 360.0, "not_whole"),
        ("due_day", 0, "out_of_range"),
        ("due_day", 32, "out_of_range"),
        ("due_day", False, "not_whole"),
        ("principal_grace_installments", -1, "out_of_range"),
        ("principal_grace_installments", 360, "out_of_range"),
        ("principal_grace_installments", "1", "not_whole"),
        ("method", "BULLET", "not_a_choice"),
        ("method", 1, "not_a_choice"),
        ("method", ["EQUAL_PRINCIPAL"], "not_a_choice"),
        ("day_count", "30E/360", "not_a_choice"),
        ("first_period", "", "not_a_choice"),
        ("installment_rounding", "JIAO", "not_a_choice"),
        ("disbursed_on", "2026-02-30", "no_such_day"),
        ("disbursed_on", "20260120", "not_a_day"),
        ("disbursed_on", "2026-01-20T00:00:00", "not_a_day"),
        ("disbursed_on", "２０２６-01-20", "not_a_day"),
        ("disbursed_on", "2201-01-20", "year_out_of_range"),
        ("disbursed_on", "1899-12-31", "year_out_of_range"),
        ("disbursed_on", 20260120, "not_a_day"),
        ("first_due_on", "9999-12-31", "year_out_of_range"),
        ("rate_changes", {}, "not_a_list"),
        ("prepayments", "", "not_a_list"),
        ("interest_pauses", [None] * 481, "too_many"),
        ("rounding", "FEN", "unknown_field"),
    ],
)
def test_a_wrong_value_is_named_by_its_field(field: str, value: Any, code: str) -> None:
    assert faults(**{field: value}) == {field: [code]}


def test_480_installments_are_the_most() -> None:
    assert faults(installments=480) == faults(installments=1) == {}


@pytest.mark.parametrize("field", ["principal", "annual_rate_percent", "installments", "method", "disbursed_on"])
def test_what_is_required_is_missed(field: str) -> None:
    assert faults(**{field: None}) == {field: ["required"]}


def test_null_stands_for_nothing() -> None:
    request = {**PLAIN, "due_day": None, "installment_amount": None, "first_period": None, "rate_changes": None}
    assert set(answer(request, at_most=1)[1]) == {"due_day", "installment_amount", "first_period", "rate_changes"}


def test_every_fault_is_named_at_once() -> None:
    found = faults(principal="x", installments=0, method="x", extra=1, prepayments=[{"paid_on": "x"}, 5])
    assert set(found) == {
        "principal", "installments", "method", "extra", "prepayments.0.paid_on", "prepayments.0.amount",
        "prepayments.0.effect", "prepayments.1",
    }  # fmt: skip


# ── Days that do not fit ─────────────────────────────────────────────────────────────────────────


def test_the_first_due_date_is_later_than_the_disbursement() -> None:
    for day in ("2026-01-19", "2026-01-20"):
        assert faults(first_due_on=day) == {"first_due_on": ["first_due_not_after_disbursement"]}


def test_the_first_due_date_is_a_due_day() -> None:
    assert faults(first_due_on="2026-02-20", due_day=21) == {"first_due_on": ["not_on_the_due_day"]}
    assert faults(first_due_on="2026-02-27", due_day=31) == {"first_due_on": ["not_on_the_due_day"]}


@pytest.mark.parametrize(
    "changed",
    [
        {"due_day": 8},
        {"first_due_on": "2026-02-21"},
        {"first_due_on": "2026-03-20"},
        {"disbursed_on": "2026-01-08", "due_day": 20},
        {"disbursed_on": "2026-01-30", "due_day": 31, "first_due_on": "2026-03-31"},
    ],
)
def test_a_broken_first_period_needs_its_convention(changed: dict[str, Any]) -> None:
    assert faults(**changed) == {"first_period": ["first_period_required"]}


def test_a_short_first_period_is_not_a_month_and_days() -> None:
    assert faults(due_day=8, first_period="MONTH_PLUS_DAYS") == {"first_period": ["shorter_than_a_month"]}


def test_no_due_date_lies_beyond_the_calendar() -> None:
    assert faults(disbursed_on="2190-01-20") == {"installments": ["ends_too_late"]}
    assert faults(disbursed_on="2170-12-20") == {}
    assert faults(disbursed_on="2170-12-31", due_day=31, installments=361) == {"installments": ["ends_too_late"]}


def change(day: str, variant: str = "SPLIT_BY_DAYS") -> dict[str, str]:
    return {"effective_on": day, "annual_rate_percent": "3.00", "variant": variant}


def prepay(day: str, amount: str = "1.00") -> dict[str, str]:
    return {"paid_on": day, "amount": amount, "effect": "SHORTEN_TERM"}


def pause(first: str, last: str) -> dict[str, str]:
    return {"from": first, "to": last}


def test_events_lie_inside_the_contract() -> None:
    early, late = "2026-01-19", "2056-01-20"
    assert faults(rate_changes=[change(early)]) == {"rate_changes.0.effective_on": ["before_disbursement"]}
    assert faults(prepayments=[prepay(early)]) == {"prepayments.0.paid_on": ["before_disbursement"]}
    assert faults(interest_pauses=[pause(early, late)]) == {"interest_pauses.0.from": ["before_disbursement"]}
    assert faults(rate_changes=[change(late)]) == {"rate_changes.0.effective_on": ["after_last_due_date"]}
    assert faults(interest_pauses=[pause(late, late)]) == {"interest_pauses.0.from": ["after_last_due_date"]}


def test_no_two_events_of_a_kind_share_a_day() -> None:
    twice = [change("2026-03-01"), change("2026-04-01"), change("2026-03-01")]
    assert faults(rate_changes=twice) == {"rate_changes.2.effective_on": ["same_day_twice"]}
    assert faults(prepayments=[prepay("2026-03-01")] * 2) == {"prepayments.1.paid_on": ["same_day_twice"]}
    later, earlier = pause("2026-03-10", "2026-03-20"), pause("2026-03-01", "2026-03-10")
    assert faults(interest_pauses=[later, earlier]) == {"interest_pauses.0.from": ["overlaps"]}
    inside = [pause("2026-03-01", "2026-03-31"), pause("2026-03-05", "2026-03-06"), pause("2026-03-20", "2026-04-20")]
    assert set(faults(interest_pauses=inside)) == {"interest_pauses.1.from", "interest_pauses.2.from"}
    assert faults(interest_pauses=[pause("2026-03-11", "2026-03-20"), earlier]) == {}


def test_a_pause_does_not_end_before_it_begins() -> None:
    assert faults(interest_pauses=[pause("2026-03-10", "2026-03-09")]) == {
        "interest_pauses.0.to": ["ends_before_start"]
    }
    assert faults(interest_pauses=[pause("2026-03-10", "2026-03-10")]) == {}


def test_one_period_is_split_in_one_way() -> None:
    mixed = [change("2026-03-01"), change("2026-03-10", "SPLIT_BY_MONTH_SHARE")]
    assert faults(rate_changes=mixed) == {"rate_changes.1.variant": ["mixed_variants"]}
    for fine in (
        [change("2026-03-01"), change("2026-03-21", "SPLIT_BY_MONTH_SHARE")],
        [change("2026-02-20", "SPLIT_BY_MONTH_SHARE"), change("2026-03-10")],
        [change("2026-01-20", "SPLIT_BY_MONTH_SHARE"), change("2026-02-10")],
        [change("2026-03-01"), change("2026-03-10", "NEXT_PERIOD")],
    ):
        assert faults(rate_changes=fine) == {}


# ── What only the course of the loan shows ───────────────────────────────────────────────────────


def test_a_prepayment_is_at_most_the_payoff() -> None:
    assert faults(prepayments=[prepay("2027-01-20", "981133.31")]) == {}
    for one in (prepay("2027-01-20", "981133.32"), prepay("2056-01-20"), prepay("2200-12-31")):
        assert faults(prepayments=[one]) == {"prepayments.0.amount": ["larger_than_the_payoff"]}


def test_a_prepayment_is_named_as_it_was_sent() -> None:
    sent = [prepay("2028-01-20"), prepay("2027-01-20", "981133.31")]
    assert faults(prepayments=sent) == {"prepayments.0.amount": ["larger_than_the_payoff"]}


def test_a_fixed_installment_covers_the_interest() -> None:
    assert faults(installment_amount="2999.99") == {"installment_amount": ["below_the_interest"]}
    assert faults(installment_amount="3000.00") == {"installment_amount": ["never_repays"]}
    broken = {"disbursed_on": "2026-01-08", "due_day": 20, "first_period": "BY_DAYS"}
    assert faults(installment_amount="4299.99", **broken) == {"installment_amount": ["below_the_interest"]}
    assert faults(installment_amount="4300.00", **broken) == {}
    dear = {"effective_on": "2026-03-20", "annual_rate_percent": "36"}
    assert faults(installment_amount="5000.00", rate_changes=[dear]) == {"installment_amount": ["below_the_interest"]}
    assert faults(installment_amount="9000.00", method="EQUAL_PRINCIPAL") == {
        "installment_amount": ["only_equal_installment"]
    }


def test_the_engine_refuses_by_exception() -> None:
    request = parse_request(contract(prepayments=[prepay("2027-01-20", "981133.32")]))
    assert not isinstance(request, dict)
    with pytest.raises(SimulationRefused) as refused:
        simulate(request)
    assert refused.value.errors["prepayments.0.amount"][0].params == {"balance": "981133.31"}


# ── Arrays and other shapes ──────────────────────────────────────────────────────────────────────


def test_an_array_is_answered_by_an_array() -> None:
    found, errors = answer([PLAIN, contract(installments=12)], at_most=2)
    assert isinstance(found, list) and errors == {}
    assert [len(one["installments"]) for one in found] == [360, 12]
    assert found[0] == answer(PLAIN, at_most=1)[0]
    assert answer([], at_most=2) == ([], {})


def test_faults_in_an_array_begin_with_their_place() -> None:
    found, errors = answer([PLAIN, contract(principal="-1", prepayments=[7]), 5, []], at_most=4)
    assert found is None
    assert set(errors) == {"1.principal", "1.prepayments.0", "2.body", "3.body"}
    assert set(answer([PLAIN] * 3, at_most=2)[1]) == {"body"}


@pytest.mark.parametrize("value", [None, 1, "x", True, 1.5])
def test_anything_but_an_object_is_refused(value: Any) -> None:
    assert codes(answer(value, at_most=1)[1]) == {"body": ["not_an_object"]}


def test_a_response_is_json() -> None:
    assert json.loads(json.dumps(answer(PLAIN, at_most=1)[0])) == answer(PLAIN, at_most=1)[0]
