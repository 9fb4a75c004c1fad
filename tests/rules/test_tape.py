"""Tables of what a tape row may hold: each good value is booked, each bad one refused for the reason named."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules import tape

AS_OF = date(2026, 10, 31)
GOOD = {
    "external_id": "US022206",
    "borrower_name": "田悦",
    "borrower_id_no": "420106198511169501",
    "borrower_phone": "19900002206",
    "branch_code": "4201",
    "principal_original": "116300.00",
    "principal_outstanding": "112693.93",
    "annual_rate_percent": "7.1250",
    "repayment_method": "EQUAL_INSTALLMENT",
    "disbursed_on": "2023-07-20",
    "matures_on": "2053-07-20",
    "due_day": "20",
    "days_past_due": "0",
    "credit_score": "783",
    "property_type": "PLANNED_UNIT",
    "owner_occupied": "N",
    "property_address": "武汉市武昌区示例路523号25栋1074室",
    "appraised_value": "249824.70",
    "appraised_on": "2026-10-31",
}


def check(**changes: str) -> tape.Checked:
    return tape.check_row({**GOOD, **changes}, 2, AS_OF)


def test_good_row_is_read_whole_without_warning() -> None:
    checked = check()
    assert checked.refusals == checked.warnings == ()
    loan = checked.loan
    assert loan is not None
    assert (loan.principal_outstanding, loan.annual_rate_percent) == (Decimal("112693.93"), Decimal("7.1250"))
    assert (loan.disbursed_on, loan.due_day, loan.owner_occupied) == (date(2023, 7, 20), 20, False)
    assert loan.loan_note_no == loan.payment_record == "" and loan.monthly_income is None


REFUSED = [
    ("external_id", "", "missing"),
    ("external_id", "x" * 41, "too_long"),
    ("external_id", "US\x0022", "unseen_characters"),
    ("borrower_name", "", "missing"),
    ("borrower_name", "   ", "missing"),
    ("borrower_name", "田", "name_length"),
    ("borrower_name", "田" * 51, "name_length"),
    ("borrower_name", "田\u202e悦", "unseen_characters"),
    ("borrower_name", "田\n悦", "unseen_characters"),
    ("borrower_id_no", "", "missing"),
    ("borrower_id_no", "420106198511169502", "identity_check_digit"),
    ("borrower_id_no", "420106198502309501", "identity_birth_date"),
    ("borrower_id_no", "4.20106E+17", "identity_form"),
    ("borrower_id_no", "42010619851116950", "identity_form"),
    ("borrower_phone", "1" * 21, "too_long"),
    ("borrower_phone", "199\x1b[31m", "unseen_characters"),
    ("branch_code", "", "missing"),
    ("branch_code", "42/01", "not_a_code"),
    ("branch_code", "武汉", "not_a_code"),
    ("branch_code", "4" * 21, "too_long"),
    *[
        (column, value, code)
        for column in ("principal_original", "principal_outstanding")
        for value, code in [
            ("", "missing"),
            ("0", "not_positive"),
            ("0.00", "not_positive"),
            ("-5.00", "not_positive"),
            ("-0", "not_positive"),
            ("0.001", "too_many_decimals"),
            ("100.005", "too_many_decimals"),
            ("1,000.00", "not_an_amount"),
            ("1_000", "not_an_amount"),
            ("1e5", "not_an_amount"),
            ("1E5", "not_an_amount"),
            ("NaN", "not_an_amount"),
            ("Infinity", "not_an_amount"),
            ("-inf", "not_an_amount"),
            ("１２", "not_an_amount"),
            ("٣", "not_an_amount"),
            ("0x10", "not_an_amount"),
            ("+5", "not_an_amount"),
            ("5.", "not_an_amount"),
            (".5", "not_an_amount"),
            ("¥500", "not_an_amount"),
            ("500元", "not_an_amount"),
            ("=1+1", "not_an_amount"),
            ("1" * 14, "not_an_amount"),
            ("null", "not_an_amount"),
            ("12 000", "not_an_amount"),
        ]
    ],
    ("principal_outstanding", "1000000000000", "amount_too_large"),
    ("annual_rate_percent", "", "missing"),
    ("annual_rate_percent", "0", "not_positive"),
    ("annual_rate_percent", "0.0000", "not_positive"),
    ("annual_rate_percent", "-3.5", "not_positive"),
    ("annual_rate_percent", "3.12345", "not_a_rate"),
    ("annual_rate_percent", "3.5%", "not_a_rate"),
    ("annual_rate_percent", "NaN", "not_a_rate"),
    ("annual_rate_percent", "100.0001", "rate_above_100"),
    ("repayment_method", "", "missing"),
    ("repayment_method", "BULLET", "unknown_repayment_method"),
    *[
        (column, value, code)
        for column in ("disbursed_on", "matures_on", "appraised_on", "registered_on", "last_visit_on")
        for value, code in [
            ("2026-02-29", "no_such_day"),
            ("2026-13-01", "no_such_day"),
            ("2026-00-10", "no_such_day"),
            ("0000-01-01", "no_such_day"),
            ("0001-01-01", "day_out_of_range"),
            ("9999-12-31", "day_out_of_range"),
            ("20261031", "not_a_day"),
            ("2026/10/31", "not_a_day"),
            ("31.10.2026", "not_a_day"),
            ("2026-10-31T00:00:00Z", "not_a_day"),
            ("2026-W44-6", "not_a_day"),
            ("2026-1-2", "not_a_day"),
            ("２０２６-10-31", "not_a_day"),
            ("45961", "not_a_day"),
        ]
    ],
    ("disbursed_on", "", "missing"),
    ("disbursed_on", "2026-11-01", "disbursed_later"),
    ("matures_on", "", "missing"),
    ("matures_on", "2023-07-20", "matures_too_early"),
    ("matures_on", "2020-07-20", "matures_too_early"),
    ("due_day", "", "missing"),
    ("due_day", "0", "number_out_of_range"),
    ("due_day", "32", "number_out_of_range"),
    ("due_day", "-1", "not_a_whole_number"),
    ("due_day", "15.5", "not_a_whole_number"),
    ("due_day", "十五", "not_a_whole_number"),
    ("days_past_due", "", "missing"),
    ("days_past_due", "-1", "not_a_whole_number"),
    ("days_past_due", "1.0", "not_a_whole_number"),
    ("days_past_due", "36501", "number_out_of_range"),
    ("days_past_due", "9" * 30, "not_a_whole_number"),
    ("credit_score", "good", "not_a_whole_number"),
    ("credit_score", "-700", "not_a_whole_number"),
    ("owner_occupied", "yes", "not_yes_or_no"),
    ("property_address", "", "missing"),
    ("property_address", "路" * 201, "too_long"),
    ("property_address", "武汉市\u2066武昌区", "unseen_characters"),
    ("appraised_value", "0", "not_positive"),
    ("appraised_value", "-1.00", "not_positive"),
    ("appraised_value", "1.234", "too_many_decimals"),
    ("appraised_value", "abc", "not_an_amount"),
    ("appraised_on", "", "value_without_day"),
    ("loan_note_no", "ML 42", "not_a_code"),
    ("loan_note_no", "M" * 31, "too_long"),
    ("monthly_income", "-1", "negative"),
    ("monthly_income", "1.234", "too_many_decimals"),
    ("employer", "某\x00公司", "unseen_characters"),
    ("employer", "某" * 121, "too_long"),
    ("registration_no", "鄂" * 81, "too_long"),
    ("payment_record", "N" * 23, "not_a_payment_record"),
    ("payment_record", "N" * 23 + "8", "not_a_payment_record"),
    ("employer", "某" * 20_000, "too_long"),
]


@pytest.mark.parametrize(("column", "value", "code"), REFUSED)
def test_bad_value_is_refused_once_with_its_reason(column: str, value: str, code: str) -> None:
    checked = check(**{column: value})
    assert checked.loan is None and checked.warnings == ()
    assert [(each.row, each.column, each.code) for each in checked.refusals] == [(2, column, code)]
    assert checked.refusals[0].value == ("" if not value.strip() else value[: tape.LONGEST_FIELD])


ACCEPTED = [
    ("external_id", " US022206 ", "external_id", "US022206"),
    ("borrower_name", "\u3000田悦 ", "borrower_name", "田悦"),
    ("borrower_id_no", "11010519491231002x", "borrower_id_no", "11010519491231002X"),
    ("principal_original", "9999999999999.99", "principal_original", Decimal("9999999999999.99")),
    ("principal_original", "112693.93", "principal_original", Decimal("112693.93")),
    ("principal_outstanding", "0.01", "principal_outstanding", Decimal("0.01")),
    ("principal_outstanding", "5.5", "principal_outstanding", Decimal("5.50")),
    ("annual_rate_percent", "4", "annual_rate_percent", Decimal("4.0000")),
    ("disbursed_on", "2024-02-29", "disbursed_on", date(2024, 2, 29)),
    ("due_day", "31", "due_day", 31),
    ("due_day", "01", "due_day", 1),
    ("owner_occupied", "Y", "owner_occupied", True),
    ("monthly_income", "0", "monthly_income", Decimal("0.00")),
    ("payment_record", "*NN1N23456N7NNNNNNNNN##C", "payment_record", "*NN1N23456N7NNNNNNNNN##C"),
    ("last_visit_on", "2026-03-01", "last_visit_on", date(2026, 3, 1)),
    ("loan_note_no", "ML42012023072000-1", "loan_note_no", "ML42012023072000-1"),
    ("portfolio_officer", "S00001", "portfolio_officer", "S00001"),
]


@pytest.mark.parametrize(("column", "value", "name", "read"), ACCEPTED)
def test_good_value_is_read(column: str, value: str, name: str, read: object) -> None:
    loan = check(**{column: value}).loan
    assert loan is not None and getattr(loan, name) == read


ODD = [
    ({"principal_outstanding": "116300.01"}, "principal_outstanding", "outstanding_above_original"),
    ({"appraised_value": "", "appraised_on": ""}, "appraised_value", "no_value"),
    ({"appraised_value": ""}, "appraised_value", "no_value"),
    ({"appraised_value": "112693.92"}, "appraised_value", "value_below_outstanding"),
    ({"appraised_on": "2026-11-01"}, "appraised_on", "appraised_later"),
    ({"annual_rate_percent": "10.0001"}, "annual_rate_percent", "high_rate"),
    ({"matures_on": "2053-07-21"}, "matures_on", "long_term"),
    ({"matures_on": "2026-10-31"}, "matures_on", "matured_with_balance"),
    ({"disbursed_on": "2026-10-31"}, "disbursed_on", "disbursed_on_as_of"),
    ({"property_type": "CASTLE"}, "property_type", "unknown_property_type"),
    ({"property_type": ""}, "property_type", "no_property_type"),
    ({"owner_occupied": ""}, "owner_occupied", "no_owner_occupied"),
    ({"credit_score": ""}, "credit_score", "no_credit_score"),
    ({"credit_score": "5"}, "credit_score", "odd_credit_score"),
    ({"borrower_phone": ""}, "borrower_phone", "no_phone"),
    ({"borrower_phone": "12345"}, "borrower_phone", "odd_phone"),
    ({"borrower_id_no": "440524188001010014"}, "", ""),
    ({"borrower_id_no": "990101199001010002"}, "borrower_id_no", "unknown_province"),
    ({"borrower_id_no": "420106201001010006"}, "borrower_id_no", "under_age"),
    ({"registered_on": "2023-08-01"}, "registered_on", "registered_without_number"),
    (
        {"registered_on": "2026-11-02", "registration_no": "鄂(2023)武汉市不动产证明第0012345号"},
        "registered_on",
        "day_after_as_of",
    ),
    ({"last_visit_on": "2026-11-01"}, "last_visit_on", "day_after_as_of"),
    ({"days_past_due": "9000"}, "days_past_due", "overdue_before_disbursement"),
    ({"days_past_due": "5"}, "days_past_due", "no_due_day_in_arrears"),
    ({"days_past_due": "11"}, "", ""),
    ({"days_past_due": "95"}, "", ""),
]


@pytest.mark.parametrize(("changes", "column", "code"), ODD)
def test_odd_row_is_booked_with_a_warning(changes: dict[str, str], column: str, code: str) -> None:
    if "borrower_id_no" in changes:
        from people.rules.identity import check_digit

        body = changes["borrower_id_no"][:17]
        changes = {"borrower_id_no": body + check_digit(body)}
    checked = check(**changes)
    assert checked.loan is not None and not checked.refusals
    assert [(each.column, each.code) for each in checked.warnings] == ([(column, code)] if code else [])


def test_unknown_property_type_is_booked_as_other() -> None:
    loan = check(property_type="CASTLE").loan
    assert loan is not None and loan.property_type == "OTHER"


def test_row_with_several_faults_names_each() -> None:
    checked = check(principal_original="0", due_day="40", borrower_id_no="1")
    assert {each.column for each in checked.refusals} == {"principal_original", "due_day", "borrower_id_no"}


def test_same_loan_written_differently_is_the_same_row() -> None:
    first, again = check(), check(annual_rate_percent="7.125", principal_original="116300", due_day=" 20 ", employer="")
    assert first.loan and again.loan and first.loan.sha256 == again.loan.sha256


@pytest.mark.parametrize("column", [name for name in tape.COLUMN_NAMES if name not in ("repayment_method",)])
def test_change_of_any_column_changes_the_row(column: str) -> None:
    other = {
        "borrower_id_no": "11010519491231002X",
        "disbursed_on": "2023-07-21",
        "matures_on": "2053-07-21",
        "appraised_on": "2026-10-30",
        "registered_on": "2026-10-30",
        "last_visit_on": "2026-10-30",
        "owner_occupied": "Y",
        "property_type": "CONDO",
        "payment_record": "N" * 24,
        "due_day": "21",
        "days_past_due": "12",
        "credit_score": "700",
        "annual_rate_percent": "7.1251",
    }.get(column, "1234.56" if column in ("monthly_income", "appraised_value") or "principal" in column else "ABC123")
    first, changed = check().loan, check(**{column: other}).loan
    assert first and changed and first.sha256 != changed.sha256


def test_nearest_header_is_offered_for_a_misspelled_one() -> None:
    assert tape.nearest("principal_outstanding", ["principle_outstanding", "x"]) == "principle_outstanding"
    assert tape.nearest("due_day", ["Due_Day"]) == "Due_Day"
    assert tape.nearest("due_day", ["金额"]) == ""


@given(st.dictionaries(st.sampled_from(tape.COLUMN_NAMES), st.text(max_size=60)))
def test_any_text_is_either_booked_or_refused_with_a_reason(changes: dict[str, str]) -> None:
    checked = check(**changes)
    assert (checked.loan is None) == bool(checked.refusals)
    assert all(each.column in tape.COLUMN_NAMES for each in checked.refusals)


@given(st.integers(1, 10**15 - 1), st.integers(0, 2))
def test_every_plain_amount_is_read_exactly(fen: int, cut: int) -> None:
    text = f"{fen // 100}.{fen % 100:02d}"
    if cut == 2 and fen % 100 == 0:
        text = text[:-3]
    loan = check(principal_original=text).loan
    assert loan is not None and loan.principal_original * 100 == fen
