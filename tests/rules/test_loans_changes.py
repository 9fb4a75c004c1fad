"""What may be changed when, what moved since a simulation, and what each kind means for the engine."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.change_asked import FIELDS, Asked, NotPossible, parse_asked
from loans.rules.change_plans import Base, Limits, Outcome, base_on, rate_on, simulate_change
from loans.rules.change_record import StoredTerms, content_sha256, stored_terms
from loans.rules.changes import (
    LoanState,
    OverdueSpan,
    Standings,
    check_effective_on,
    check_loan,
    floor_of,
    is_restructuring,
    may_decide,
    moved,
    observation,
    observed_since,
    state_from_json,
)
from loans.rules.continuation import Plan, Standing, from_json, plan_of, row_of
from loans.rules.schedule import StepPosition, regular_periods, step

E1 = Standing(
    number=13, next_due_on=date(2026, 2, 20), unbilled_fen=98113331, rate_ppm=36_000, installment_fen=454645,
    method="EQUAL_INSTALLMENT", due_day=20, last_number=360, matures_on=date(2055, 1, 20),
)  # fmt: skip
LIMITS = Limits(
    disbursed_on=date(2025, 1, 20), max_term_months=480, prepayment_minimum_fen=1_000_000, repricing_cycles=(3, 6, 12),
    max_rate_ppm=240_000, spread_ppm=1_000, cycle_months=12, anchor="JANUARY_1",
)  # fmt: skip


def on(day: date, standing: Standing = E1) -> Base:
    base = base_on(standing, day)
    assert base is not None
    return base


def simulated(kind: str, day: date, limits: Limits = LIMITS, standing: Standing = E1, **texts: str) -> Outcome:
    return simulate_change(kind, on(day, standing), parse_asked(kind, texts), limits)


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(NotPossible) as caught:
        call()
    return caught.value.field, caught.value.reason.code


# ── What it means ────────────────────────────────────────────────────────────────────────────────


def test_e7_and_e8_come_out_of_the_same_request() -> None:
    lower = simulated("PREPAYMENT", date(2026, 1, 20), amount="200000.00", effect="LOWER_INSTALLMENT")
    assert lower.after is not None
    assert (lower.after.installment_fen, lower.interest_saved_fen, lower.months_saved) == (361968, 12251951, 0)
    shorter = simulated("PREPAYMENT", date(2026, 1, 20), amount="200000.00", effect="SHORTEN_TERM")
    assert (shorter.interest_saved_fen, shorter.months_saved) == (28254628, 106)
    later = simulated("PREPAYMENT", date(2026, 1, 30), amount="200000.00", effect="SHORTEN_TERM")
    assert later.paid == (20_000_000, 20_000, 0)
    payoff = simulated("SETTLEMENT", date(2026, 1, 30))
    assert payoff.after is not None
    assert (payoff.paid.total_fen, payoff.after.rows) == (98211444, ())


def test_a_change_after_the_next_due_date_begins_with_the_period_of_its_day() -> None:
    base = on(date(2026, 3, 10))
    assert (base.number, base.unbilled_fen) == (14, E1.unbilled_fen - 160305)
    assert base_on(E1, date(2055, 1, 20)) is None


def test_an_extension_is_agreed_anew_over_all_rows_left() -> None:
    after = simulated("EXTENSION", date(2026, 1, 25), installments="400").after
    assert after is not None
    assert (len(after.rows), after.installment_fen < E1.installment_fen, after.matures_on) == (
        400, True, date(2059, 5, 20)
    )  # fmt: skip


def test_a_maturity_off_the_anchor_goes_back_to_it_when_the_term_grows() -> None:
    last = replace(
        E1, number=360, next_due_on=date(2055, 1, 8), unbilled_fen=453511, matures_on=date(2055, 1, 8), due_day=20
    )
    after = simulated("EXTENSION", date(2054, 12, 25), standing=last, installments="3").after
    assert after is not None
    assert [row.due_on for row in after.rows] == [date(2055, 1, 20), date(2055, 2, 20), date(2055, 3, 20)]
    near = simulated("EXTENSION", date(2055, 1, 7), standing=replace(last, due_day=5), installments="2").after
    assert near is not None
    assert [row.due_on for row in near.rows] == [date(2055, 2, 5), date(2055, 3, 5)]


def test_deferred_principal_is_repaid_after_the_grace() -> None:
    for extend, count in (("no", 348), ("yes", 354)):
        after = simulated("DEFERRAL", date(2026, 1, 25), installments="6", extend=extend).after
        assert after is not None
        assert [row.principal_fen for row in after.rows[:6]] == [0] * 6
        assert (len(after.rows), after.plain_from, sum(after.principal_fen)) == (count, 19, E1.unbilled_fen)


def test_a_new_spread_moves_the_rate_by_the_difference() -> None:
    after = simulated("SPREAD", date(2026, 1, 25), spread_bp="-20.50").after
    assert after is not None
    assert after.rate_ppm == 36_000 - 1_000 - 2_050
    again = on(date(2026, 1, 28), replace(E1, request=after.request, request_number=13, rate_ppm=after.rate_ppm))
    assert rate_on(again) == after.rate_ppm


def test_acceleration_is_one_row_with_interest_to_the_day() -> None:
    after = simulated("ACCELERATION", date(2026, 1, 30)).after
    assert after is not None
    assert [tuple(row) for row in after.rows] == [(13, date(2026, 1, 30), 98113331, 98113, 0)]


def test_money_paid_ahead_before_a_new_term_counts_as_principal() -> None:
    paid = simulated("PREPAYMENT", date(2026, 1, 25), amount="200000.00", effect="SHORTEN_TERM").after
    assert paid is not None
    signed = replace(E1, request=paid.request, request_number=13, last_number=paid.last_number)
    after = simulated("EXTENSION", date(2026, 1, 28), standing=signed, installments="360").after
    assert after is not None
    assert (len(after.rows), sum(after.principal_fen)) == (360, 78113331)


def follow(standing: Standing, plan: Plan, due_day: int | None = None) -> Standing:
    """The loan once a plan is written, as its position and its stored terms say."""
    terms = stored_terms(plan)
    return Standing(
        terms.first_number, terms.days[0], terms.unbilled_fen, terms.rate_ppm, terms.installment_fen, terms.method,
        due_day or standing.due_day, terms.last_number, terms.days[-1],
        from_json(terms.request) if terms.request else None, terms.first_number,
    )  # fmt: skip


KINDS = st.sampled_from(["PREPAYMENT", "SETTLEMENT", "EXTENSION", "METHOD", "DUE_DAY", "SPREAD", "INTEREST_PAUSE",
                         "DEFERRAL", "RESTRUCTURING", "ACCELERATION"])  # fmt: skip


@st.composite
def loans(draw: Any) -> Standing:
    """A plain contract with some installments left."""
    from loans.rules.dates import add_months, due_date
    from loans.rules.schedule import annuity

    due_day, left = draw(st.integers(1, 31)), draw(st.integers(2, 60))
    first = due_date(draw(st.integers(2026, 2030)), draw(st.integers(1, 12)), due_day)
    balance, rate = (
        draw(st.integers(1_000_000, 500_000_000)),
        draw(st.sampled_from([0, 26_000, 30_500, 36_000, 240_000])),
    )
    method = draw(st.sampled_from(["EQUAL_INSTALLMENT", "EQUAL_PRINCIPAL", "INTEREST_ONLY"]))
    level = {"EQUAL_INSTALLMENT": annuity(balance, rate, left), "EQUAL_PRINCIPAL": -(-balance // left)}.get(method, 0)
    number = draw(st.integers(1, 100))
    return Standing(
        number, first, balance, rate, level, method, due_day, number + left - 1, add_months(first, left - 1, due_day)
    )


def texts_for(draw: Any, kind: str, base: Base) -> dict[str, str]:
    """Something that may be asked for a kind."""
    left = base.request.installments
    amount = draw(st.integers(1, max(1, base.unbilled_fen - 1)))
    day = base.effective_on
    found: dict[str, dict[str, str]] = {
        "PREPAYMENT": {
            "amount": f"{amount // 100}.{amount % 100:02d}",
            "effect": draw(st.sampled_from(["LOWER_INSTALLMENT", "SHORTEN_TERM"])),
        },
        "EXTENSION": {"installments": str(left + draw(st.integers(1, 60)))},
        "METHOD": {"method": draw(st.sampled_from(["EQUAL_INSTALLMENT", "EQUAL_PRINCIPAL", "INTEREST_ONLY"]))},
        "DUE_DAY": {"due_day": str(draw(st.integers(1, 31)))},
        "SPREAD": {"spread_bp": str(draw(st.integers(-100, 100)))},
        "INTEREST_PAUSE": {"from": str(day), "to": str(date.fromordinal(day.toordinal() + draw(st.integers(0, 90))))},
        "DEFERRAL": {"installments": str(draw(st.integers(1, 12))), "extend": draw(st.sampled_from(["yes", "no"]))},
        "RESTRUCTURING": draw(
            st.sampled_from(
                [
                    {"annual_rate_percent": "2.5", "installments": str(draw(st.integers(1, 90)))},
                    {"annual_rate_percent": "2.5"},
                    {"method": "EQUAL_PRINCIPAL"},
                    {"deferral": "2"},
                ]
            )
        ),
    }
    return found.get(kind, {})


@given(loans(), st.lists(st.tuples(KINDS, st.integers(0, 40)), min_size=1, max_size=4), st.data())
def test_whatever_is_signed_one_after_another_the_rest_is_repaid_exactly(
    standing: Standing, asked: list[tuple[str, int]], data: Any
) -> None:
    """Each change starts from what the last one signed, as stored; its rows repay the rest and can be billed alone."""
    day = date.fromordinal(standing.next_due_on.toordinal() - 25)
    limits = replace(LIMITS, disbursed_on=day, prepayment_minimum_fen=0)
    for kind, later in asked:
        day = date.fromordinal(day.toordinal() + later)
        base = base_on(standing, day)
        if base is None:
            break
        try:
            texts = texts_for(data.draw, kind, base)
            outcome = simulate_change(kind, base, parse_asked(kind, texts), limits)
        except NotPossible:
            continue
        after = outcome.after
        assert after is not None
        assert sum(outcome.before.principal_fen) == base.unbilled_fen
        assert sum(after.principal_fen) == base.unbilled_fen - outcome.paid.principal_fen
        assert min([0, *after.principal_fen, *after.interest_fen]) == 0
        if kind in ("SETTLEMENT", "ACCELERATION"):
            break
        terms = stored_terms(after)
        assert terms.is_itself() and after.rows[-1].balance_fen == 0
        _bills_itself(terms)
        standing = follow(standing, after, after.request.due_day if kind == "DUE_DAY" else None)


def _bills_itself(terms: StoredTerms) -> None:
    """As the evening does: below `plain_from` from the stored request, from there on by the bare step."""
    balance = terms.unbilled_fen
    rows = zip(terms.days, terms.principal_fen, terms.interest_fen, strict=True)
    for number, (due_on, principal, interest) in enumerate(rows, start=terms.first_number):
        if number < terms.plain_from and terms.request is not None:
            row = row_of(from_json(terms.request), terms.first_number, number)
        else:
            (period,) = regular_periods(number, (due_on,), terms.rate_ppm)
            position = StepPosition(balance, terms.installment_fen, terms.method)
            row = step(position, period._replace(is_last=number == terms.last_number))
        assert (row.principal_fen, row.interest_fen) == (principal, interest)
        balance -= principal


# ── What is asked ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "texts", "field", "code"),
    [
        ("SOMETHING", {}, "kind", "not_a_choice"),
        ("EXTENSION", {"installments": "1.5"}, "installments", "not_whole"),
        ("EXTENSION", {"installments": "0"}, "installments", "out_of_range"),
        ("EXTENSION", {"installments": "４８"}, "installments", "not_whole"),
        ("EXTENSION", {"installments": 3}, "installments", "not_text"),
        ("SPREAD", {"spread_bp": "2001"}, "spread_bp", "out_of_range"),
        ("SPREAD", {"spread_bp": "+5"}, "spread_bp", "not_a_spread"),
        ("SPREAD", {"spread_bp": "0.125"}, "spread_bp", "not_a_spread"),
        ("DUE_DAY", {"due_day": "0"}, "due_day", "out_of_range"),
        ("INTEREST_PAUSE", {"from": "2026-1-1", "to": "2026-02-01"}, "from", "not_a_day"),
        ("INTEREST_PAUSE", {"from": "2026-01-01"}, "to", "required"),
        ("DEFERRAL", {"installments": "3", "extend": "maybe"}, "extend", "not_a_choice"),
        ("RESTRUCTURING", {"effective_on": "2026-01-25"}, "", "nothing_asked"),
        ("RESTRUCTURING", {"annual_rate_percent": "-1"}, "annual_rate_percent", "not_a_rate"),
        ("ACCELERATION", {"amount": "1.00"}, "amount", "unknown_field"),
        ("SETTLEMENT", {"effective_on": "1776-07-04"}, "effective_on", "year_out_of_range"),
    ],
)
def test_what_cannot_be_read_is_named(kind: str, texts: dict[str, Any], field: str, code: str) -> None:
    assert refusal(lambda: parse_asked(kind, texts)) == (field, code)


def test_an_empty_field_of_a_form_is_not_asked() -> None:
    assert parse_asked("SETTLEMENT", {"fee": "", "effective_on": "2026-01-25"}) == Asked(effective_on=date(2026, 1, 25))
    assert all(kind.isupper() for kind in FIELDS)


@pytest.mark.parametrize(
    ("kind", "limits", "texts", "refused"),
    [
        ("REPRICING_CYCLE", LIMITS, {"cycle_months": "4", "anchor": "LOAN_DAY"}, ("cycle_months", "not_a_choice")),
        ("REPRICING_CYCLE", replace(LIMITS, cycle_months=None), {"cycle_months": "3", "anchor": "LOAN_DAY"},
         ("cycle_months", "rate_is_fixed")),
        ("SPREAD", replace(LIMITS, spread_ppm=None), {"spread_bp": "5"}, ("spread_bp", "rate_is_fixed")),
        ("SPREAD", LIMITS, {"spread_bp": "10"}, ("spread_bp", "same_spread")),
        ("EXTENSION", replace(LIMITS, max_term_months=400), {"installments": "401"},
         ("installments", "beyond_the_longest_term")),
        ("PREPAYMENT", replace(LIMITS, fee_most_fen=100), {"amount": "20000", "effect": "SHORTEN_TERM", "fee": "1.01"},
         ("fee", "fee_above_agreed")),
        ("INTEREST_PAUSE", LIMITS, {"from": "2055-01-01", "to": "2055-01-20"}, ("to", "after_last_due_date")),
    ],
)  # fmt: skip
def test_what_is_beyond_a_limit_is_named(
    kind: str, limits: Limits, texts: dict[str, str], refused: tuple[str, str]
) -> None:
    assert refusal(lambda: simulated(kind, date(2026, 1, 25), limits, **texts)) == refused


# ── When ─────────────────────────────────────────────────────────────────────────────────────────

FINE = Standings(date(2026, 1, 25), False, False, True, None, 0, 0, 0, 98113331, "PASS")


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        ("PREPAYMENT", {"is_settled": True}, "loan_is_settled"),
        ("WRITE_OFF", {"is_written_off": True}, "loan_is_written_off"),
        ("WRITE_OFF", {}, "not_accelerated"),
        ("WRITE_OFF", {"has_unbilled": False, "balance_fen": 0}, "nothing_to_write_off"),
        ("EXTENSION", {"has_unbilled": False}, "nothing_left_to_bill"),
        ("PREPAYMENT", {"overdue_since": date(2026, 1, 20), "unpaid_fen": 1}, "loan_is_in_arrears"),
        ("METHOD", {"charges_fen": 1}, "loan_is_in_arrears"),
        ("DUE_DAY", {"fees_fen": 1}, "loan_is_in_arrears"),
    ],
)
def test_a_loan_that_cannot_be_changed_so_is_told_why(kind: str, given: dict[str, Any], code: str) -> None:
    assert refusal(lambda: check_loan(kind, FINE._replace(**given))) == ("", code)


def test_a_loan_in_arrears_may_be_settled_extended_and_accelerated() -> None:
    late = FINE._replace(overdue_since=date(2026, 1, 20), unpaid_fen=1)
    for kind in ("SETTLEMENT", "EXTENSION", "DEFERRAL", "INTEREST_PAUSE", "RESTRUCTURING", "ACCELERATION"):
        check_loan(kind, late)


def test_days_ahead_end_with_the_quote_or_with_three_months() -> None:
    today, end = date(2026, 1, 25), date(2055, 1, 20)
    check_effective_on("PREPAYMENT", date(2026, 2, 9), today, end, 15)
    check_effective_on("EXTENSION", date(2026, 4, 27), today, end, 15)
    for kind, day, code in (
        ("PREPAYMENT", date(2026, 2, 10), "effective_too_far_ahead"),
        ("EXTENSION", date(2026, 4, 28), "effective_too_far_ahead"),
        ("EXTENSION", date(2026, 1, 24), "effective_in_the_past"),
    ):
        assert refusal(lambda k=kind, d=day: check_effective_on(k, d, today, end, 15)) == ("effective_on", code)
    near = date(2026, 1, 30)
    assert refusal(lambda: check_effective_on("EXTENSION", near, today, near, 15))[1] == "effective_after_maturity"


# ── What moved ───────────────────────────────────────────────────────────────────────────────────

THEN = LoanState(2, "a" * 64, 13, 98113331, 98113331, None, "PASS")


@pytest.mark.parametrize(
    ("kind", "given", "codes"),
    [
        ("PREPAYMENT", {}, []),
        ("PREPAYMENT", {"number": 14, "unbilled_fen": 97953026}, ["installment_billed"]),
        ("PREPAYMENT", {"number": None, "unbilled_fen": 0}, ["installment_billed"]),
        ("PREPAYMENT", {"terms_version": 3, "terms_sha256": "b"}, ["terms_changed"]),
        ("PREPAYMENT", {"unbilled_fen": 1}, ["unbilled_changed"]),
        ("PREPAYMENT", {"overdue_since": date(2026, 1, 20)}, ["became_overdue"]),
        ("PREPAYMENT", {"balance_fen": 1, "five_class": "LOSS"}, []),
        ("SETTLEMENT", {"overdue_since": date(2026, 1, 20), "balance_fen": 1}, []),
        ("WRITE_OFF", {"balance_fen": 1}, ["payment_received"]),
    ],
)
def test_what_moved_is_named_and_what_does_not_matter_is_not(
    kind: str, given: dict[str, Any], codes: list[str]
) -> None:
    assert [each.code for each in moved(kind, THEN, THEN._replace(**given))] == codes


def test_arrears_that_end_or_move_and_a_class_that_changes_end_a_restructuring() -> None:
    late = THEN._replace(overdue_since=date(2026, 1, 20))
    assert [each.code for each in moved("ACCELERATION", late, THEN)] == ["arrears_paid"]
    later = late._replace(overdue_since=date(2026, 2, 20))
    assert [each.code for each in moved("ACCELERATION", late, later)] == ["overdue_moved"]
    worse = late._replace(five_class="SUBSTANDARD")
    assert [each.code for each in moved("RESTRUCTURING", late, worse, is_restructuring=True)] == ["class_moved"]
    assert state_from_json(late.to_json()) == late


# ── Restructuring, authority ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("five_class", "present", "is_observed", "floor"),
    [
        ("PASS", "", False, "SPECIAL_MENTION"),
        ("SPECIAL_MENTION", "", False, "SPECIAL_MENTION"),
        ("SUBSTANDARD", "", False, "SUBSTANDARD"),
        ("LOSS", "", False, "LOSS"),
        ("SPECIAL_MENTION", "SPECIAL_MENTION", True, "SUBSTANDARD"),
        ("DOUBTFUL", "SPECIAL_MENTION", True, "DOUBTFUL"),
    ],
)
def test_the_floor_of_a_restructured_loan(five_class: str, present: str, is_observed: bool, floor: str) -> None:
    assert floor_of(five_class, present, is_observed=is_observed) == floor


def test_more_time_is_a_restructuring_only_for_a_debtor_in_difficulty() -> None:
    for kind in ("EXTENSION", "DEFERRAL", "INTEREST_PAUSE"):
        assert not is_restructuring(kind, FINE)
        assert is_restructuring(kind, FINE._replace(overdue_since=date(2026, 1, 20)))
        assert is_restructuring(kind, FINE._replace(five_class="SPECIAL_MENTION"))
    assert is_restructuring("RESTRUCTURING", FINE)
    assert not is_restructuring("METHOD", FINE._replace(five_class="SPECIAL_MENTION"))


def test_the_observation_lasts_two_periods_and_a_year() -> None:
    assert observation(date(2026, 2, 28), 2, 12) == (date(2026, 2, 28), date(2027, 2, 28))
    assert observation(date(2026, 2, 28), 18, 12)[1] == date(2027, 8, 28)


JAN, FEB, MAR, APR = (date(2027, month, 20) for month in (1, 2, 3, 4))


@pytest.mark.parametrize(
    ("restarts", "overdue", "since"),
    [
        ([], [], JAN),
        # January was missed; or came in time after all.
        ([FEB], [(date(2027, 1, 21), date(2027, 1, 25))], FEB),
        ([FEB], [], JAN),
        # Missed all through: each due date moves it on.
        ([FEB, MAR], [(date(2027, 1, 21), None)], MAR),
        # January came in time after all, February did not.
        ([FEB, MAR], [(date(2027, 2, 21), date(2027, 2, 25))], MAR),
        # February came in time after all, January did not.
        ([FEB, MAR], [(date(2027, 1, 21), date(2027, 2, 10))], FEB),
        # Arrears of before the observation do not count.
        ([FEB], [(date(2026, 12, 1), date(2027, 1, 19))], JAN),
        ([FEB], [(date(2026, 12, 1), JAN)], FEB),
        # What is late after the last restart is not yet written: the evening's own work.
        ([FEB], [(date(2027, 1, 21), date(2027, 1, 25)), (date(2027, 3, 21), None)], FEB),
        # Written twice, once undone in between.
        ([FEB, FEB, APR], [(date(2027, 3, 21), date(2027, 3, 21))], APR),
    ],
)
def test_an_observation_begins_with_the_last_restart_that_was_missed_for(
    restarts: list[date], overdue: list[tuple[date, date | None]], since: date
) -> None:
    assert observed_since(JAN, restarts, [OverdueSpan(*span) for span in overdue]) == since


def test_authority_is_a_limit_by_role_and_some_kinds_are_kept_for_risk() -> None:
    from decimal import Decimal

    limits = {"BRANCH_MANAGER": "3000000.00", "RISK_MANAGER": None}

    def may(kind: str, balance: str, *roles: str, restructuring: bool = False) -> bool:
        return may_decide(
            kind, is_restructuring=restructuring, balance=Decimal(balance), roles=set(roles), limits=limits
        )

    assert may("METHOD", "3000000.00", "BRANCH_MANAGER")
    assert not may("METHOD", "3000000.01", "BRANCH_MANAGER")
    assert may("METHOD", "3000000.01", "BRANCH_MANAGER", "RISK_MANAGER")
    assert not may("METHOD", "1.00", "LOAN_OFFICER")
    assert not may("WRITE_OFF", "1.00", "BRANCH_MANAGER")
    assert not may("EXTENSION", "1.00", "BRANCH_MANAGER", restructuring=True)
    assert may("EXTENSION", "9000000.00", "RISK_MANAGER", restructuring=True)


def test_stored_rows_carry_the_hash_of_their_plan_and_one_fen_breaks_it() -> None:
    after = simulated("METHOD", date(2026, 1, 25), method="EQUAL_PRINCIPAL").after
    assert after is not None
    terms = stored_terms(after)
    assert terms.is_itself() and terms.sha256 == after.sha256
    assert not replace(terms, principal_fen=[terms.principal_fen[0] + 1, *terms.principal_fen[1:]]).is_itself()
    assert content_sha256({"a": 1, "b": [2]}) == content_sha256({"b": [2], "a": 1}) != content_sha256({"a": 1})
    if terms.request is not None:
        assert plan_of(from_json(terms.request), terms.first_number).rows == after.rows
