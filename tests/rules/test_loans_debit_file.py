"""The files of automatic debits: bytes out, answers back, and what an answer means."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.debit_file import (
    Answer,
    Asked,
    Instruction,
    Verdict,
    control_fault,
    debit_file,
    instruction_serial,
    judge,
    parse_answer,
)
from loans.rules.receipts import Problem

DAY = date(2026, 11, 2)
ROW = {
    "serial": "DD202611027", "result": "PAID", "paid": "2204.71", "value_on": "2026-11-02", "core_serial": "C-1",
    "reason": "",
}  # fmt: skip
ASKED = Instruction(Decimal("2204.71"), DAY, "PENDING")


def answer(**given: Any) -> Answer:
    found = parse_answer({**ROW, **given})
    assert isinstance(found, Answer), found
    return found


def test_a_file_of_debits_is_these_bytes() -> None:
    rows = [
        Asked(instruction_serial(DAY, 7), "ML0001", Decimal("2204.71"), DAY),
        Asked(instruction_serial(DAY, 12), "ML0002", Decimal("80.00"), DAY),
    ]
    assert debit_file(rows, DAY) == (
        b"serial,loan,amount,value_on\n"
        b"DD202611027,ML0001,2204.71,2026-11-02\n"
        b"DD2026110212,ML0002,80.00,2026-11-02\n"
        b"TOTAL,2,2284.71,2026-11-02\n"
    )
    assert debit_file([], DAY) == b"serial,loan,amount,value_on\nTOTAL,0,0.00,2026-11-02\n"


@pytest.mark.parametrize(
    ("changed", "column", "code"),
    [
        ({"serial": ""}, "serial", "missing"),
        ({"serial": "DD 1"}, "serial", "malformed"),
        ({"result": "OK"}, "result", "not_a_result"),
        ({"result": "paid"}, "result", "not_a_result"),
        ({"paid": ""}, "paid", "missing"),
        *(({"paid": text}, "paid", "not_an_amount") for text in ("1e3", "１２", "-1", "1,000.00", "NaN", "٣", "1.234")),
        ({"paid": "0.00"}, "paid", "not_positive"),
        ({"value_on": "2026-02-30"}, "value_on", "not_a_date"),
        ({"value_on": "2/11/2026"}, "value_on", "not_a_date"),
        ({"core_serial": ""}, "core_serial", "missing"),
        ({"core_serial": "=1+1"}, "core_serial", "malformed"),
        ({"reason": "a\x07"}, "reason", "malformed"),
        ({"result": "FAILED", "reason": "", "paid": ""}, "reason", "missing"),
        ({"result": "FAILED", "reason": "余额不足", "paid": "5.00"}, "paid", "failed_with_money"),
    ],
)
def test_a_row_that_cannot_be_an_answer_names_its_column(changed: dict[str, str], column: str, code: str) -> None:
    assert parse_answer({**ROW, **changed}) == (Problem(column, code),)


def test_a_failed_debit_needs_no_amount_and_no_serial_of_the_core() -> None:
    found = answer(result="FAILED", paid="", core_serial="", reason="余额不足" * 40)
    assert (found.paid, len(found.reason)) == (Decimal("0.00"), 80)
    assert judge(found, ASKED) == Verdict("FAILED")


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, Verdict("POST")),
        ({"result": "PARTIAL", "paid": "2204.70"}, Verdict("POST")),
        ({"value_on": "2026-12-03"}, Verdict("POST")),
        ({"paid": "2204.72"}, Verdict("BREAK", "paid", "paid_more_than_asked", True)),
        ({"paid": "2204.70"}, Verdict("BREAK", "result", "result_contradicts_paid", True)),
        ({"result": "PARTIAL"}, Verdict("BREAK", "result", "result_contradicts_paid", True)),
        ({"value_on": "2026-11-01"}, Verdict("BREAK", "value_on", "before_instruction", True)),
        ({"value_on": "2026-12-04"}, Verdict("BREAK", "value_on", "long_after_instruction", True)),
        ({"value_on": "9999-12-31"}, Verdict("BREAK", "value_on", "long_after_instruction", True)),
    ],
)
def test_what_an_answer_means_for_a_debit_that_waits(changed: dict[str, str], verdict: Verdict) -> None:
    assert judge(answer(**changed), ASKED) == verdict


def test_an_answer_to_no_debit_of_ours_is_a_break_with_or_without_money() -> None:
    assert judge(answer(), None) == Verdict("BREAK", "serial", "unknown_instruction", True)
    failed = answer(result="FAILED", paid="", reason="账户不存在")
    assert judge(failed, None) == Verdict("BREAK", "serial", "unknown_instruction", False)


def test_a_second_answer_is_a_duplicate_when_it_says_the_same_and_a_break_otherwise() -> None:
    taken = Instruction(ASKED.amount, DAY, "PAID", ASKED.amount, DAY, "C-1")
    assert judge(answer(), taken) == Verdict("DUPLICATE")
    # Other money under a new serial of the core bank came in; under the known serial it is the same money.
    assert judge(answer(core_serial="C-2"), taken) == Verdict("BREAK", "serial", "answered_otherwise", True)
    assert judge(answer(paid="1.00"), taken) == Verdict("BREAK", "serial", "answered_otherwise", False)
    failed = Instruction(ASKED.amount, DAY, "FAILED", reason="余额不足")
    assert judge(answer(result="FAILED", paid="", reason="余额不足。"), failed) == Verdict("DUPLICATE")
    assert judge(answer(), failed) == Verdict("BREAK", "serial", "answered_otherwise", True)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (("TOTAL", "2", "10.50", "", "", ""), ""),
        (("TOTAL", "2", "10.50"), ""),
        (("DD1", "PAID", "10.50"), "no_control"),
        ((), "no_control"),
        (("TOTAL", "3", "10.50"), "count_differs"),
        (("TOTAL", "２", "10.50"), "count_differs"),
        (("TOTAL",), "count_differs"),
        (("TOTAL", "2", "10.51"), "total_differs"),
        (("TOTAL", "2", "10,50"), "total_differs"),
    ],
)
def test_the_control_line_closes_the_file(fields: tuple[str, ...], fault: str) -> None:
    assert control_fault(fields, rows=2, paid=Decimal("10.50")) == fault


def test_with_an_amount_that_cannot_be_read_only_the_rows_are_counted() -> None:
    assert control_fault(("TOTAL", "2", "99.00"), rows=2, paid=None) == ""


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text(max_size=60)))
def test_whatever_a_row_holds_it_is_an_answer_or_has_its_problems(row: dict[str, str]) -> None:
    found = parse_answer({**ROW, **row})
    assert isinstance(found, Answer) or (found and all(isinstance(each, Problem) for each in found))
    if isinstance(found, Answer):
        assert judge(found, ASKED).word in {"POST", "FAILED", "BREAK"}
