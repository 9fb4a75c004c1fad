"""What a correction moves: worked examples, and what holds whatever the versions say."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.rules import correction as rules
from followups.rules.correction import Moves, Opened, baseline, fixed_faults, measures, moves, registers, same

DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("first", "second", "before", "now", "write", "left"),
    [
        # Both say the same: whatever stands now stands.
        ({"phone": "1"}, {"phone": "1"}, {"phone": "0"}, {"phone": "9"}, {}, ()),
        # The second says otherwise, and the register still holds the first word.
        ({"phone": "1"}, {"phone": "2"}, {"phone": "0"}, {"phone": "1"}, {"phone": "2"}, ()),
        # Somebody has recorded otherwise since.
        ({"phone": "1"}, {"phone": "2"}, {"phone": "0"}, {"phone": "9"}, {}, ("phone",)),
        # Somebody has recorded since what the second version says.
        ({"phone": "1"}, {"phone": "2"}, {"phone": "0"}, {"phone": "2"}, {}, ()),
        # The second is silent: back to what the visit found.
        ({"phone": "1"}, {}, {"phone": "0"}, {"phone": "1"}, {"phone": "0"}, ()),
        # Never known before: nothing to go back to.
        ({"employer": "甲"}, {}, {}, {"employer": "甲"}, {}, ("employer",)),
        # Found by the second version alone.
        ({}, {"employer": "乙"}, {}, {}, {"employer": "乙"}, ()),
        ({}, {"employer": "乙"}, {"employer": "甲"}, {"employer": "甲"}, {"employer": "乙"}, ()),
        ({}, {"employer": "乙"}, {"employer": "甲"}, {"employer": "丙"}, {}, ("employer",)),
        # Amounts are compared as amounts.
        ({"monthly_income": "9800"}, {"monthly_income": "9900"}, {}, {"monthly_income": "9800.00"},
         {"monthly_income": "9900"}, ()),
    ],
)  # fmt: skip
def test_what_becomes_of_a_register(
    first: dict[str, str], second: dict[str, str], before: dict[str, str], now: dict[str, str], write: dict[str, str],
    left: tuple[str, ...],
) -> None:  # fmt: skip
    assert moves(first, second, before, now) == Moves(write, left)


_value = st.sampled_from(["1", "2", "3"])
_values = st.fixed_dictionaries({}, optional={"a": _value, "b": _value})


@given(_values, _values, _values, _values)
def test_what_a_correction_writes_is_its_own_word_or_the_old_one_and_never_twice(
    first: dict[str, str], second: dict[str, str], before: dict[str, str], now: dict[str, str]
) -> None:
    moved = moves(first, second, before, now)
    for key, value in moved.write.items():
        assert value == second.get(key, before.get(key)) and value != now.get(key)
        assert now.get(key) == first.get(key, before.get(key)), "nobody's later word is written over"
    assert not set(moved.write) & set(moved.left)
    assert moves(first, first, before, now) == Moves({}, ())
    after = {**now, **moved.write}
    again = moves(first, second, before, after)
    assert again.write == {} and set(again.left) <= set(moved.left)


def test_answers_become_registers() -> None:
    found = {"employer": "甲", "occupancy": "LET", "delivered_on": "2026-10-01", "insurance_until": "2027-01-01"}
    assert registers(found, DAY) == {
        "employer": "甲", "is_owner_occupied": rules.NO, "is_delivered": rules.YES, "insured_until": "2027-01-01",
    }  # fmt: skip
    assert registers({"occupancy": "NOT_DELIVERED"}, DAY) == {"is_delivered": rules.NO}
    assert registers({"occupancy": "OWNER"}, DAY) == {"is_owner_occupied": rules.YES, "is_delivered": rules.YES}
    known = {"occupancy": {"value": "NOT_OWNER"}, "phone": {"value": "1"}, "employer": {"value": ""}}
    told = baseline(known)
    assert told["is_owner_occupied"] == rules.NO and told["phone"] == "1" and "employer" not in told
    assert "is_owner_occupied" not in baseline({"occupancy": {"value": "NOT_DELIVERED"}})


@pytest.mark.parametrize(
    ("key", "one", "other", "is_same"),
    [("monthly_income", "9800", "9800.00", True), ("other_monthly_debt", "9800.10", "9800.1", True),
     ("monthly_income", "9800", "9801", False), ("monthly_income", None, "0", False), ("employer", "甲", "甲", True),
     ("phone", None, None, True), ("phone", "0271", "271", False),
     ("insured_until", "2026-01-01", "2026-01-02", False)],
)  # fmt: skip
def test_values_are_compared_as_what_they_are(key: str, one: str | None, other: str | None, is_same: bool) -> None:
    assert same(key, one, other) is is_same


def said(code: str, owner: str = "A1", due_on: str = "2026-11-20", words: str = "") -> dict[str, object]:
    return {"code": code, "owner": {"staff_no": owner}, "due_on": due_on, "words": words}


def test_measures_go_on_end_and_open() -> None:
    opened = [Opened(1, "PLAN", "A1", date(2026, 11, 20), ""), Opened(2, "PROOF", "A1", date(2026, 11, 20), "")]
    known = ["PLAN", "PROOF", "LEGAL"]
    assert measures(opened, known, [said("PLAN"), said("PROOF"), said("LEGAL")]) == ([], [])
    assert measures(opened, known, [said("PLAN")]) == ([2], [])
    assert measures(opened, known, [said("PLAN", due_on="2026-11-25"), said("PROOF")]) == ([1], ["PLAN"])
    assert measures(opened, known, [said("PLAN"), said("PROOF"), said("FREEZE")]) == ([], ["FREEZE"])
    assert measures(opened, known, []) == ([1, 2], [])


def test_history_is_named_where_it_is_said_otherwise() -> None:
    before = {"contact_outcome": "REACHED", "answers": {"event_7": {"now": "CONFIRMED"}, "income": {"now": "1"}}}
    assert fixed_faults(before, before) == []
    assert fixed_faults(before, {**before, "answers": {**before["answers"], "income": {"now": "2"}}}) == []
    assert fixed_faults(before, {"answers": {"event_7": {"now": "OVER"}}}) == ["contact_outcome", "event_7"]
    assert fixed_faults(before, {**before, "second_visitor": "A2"}) == ["second_visitor"]
