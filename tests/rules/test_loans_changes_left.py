"""Changes count from the rows left in force: what was shortened stays short, and only what asks for time gets it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loans.rules.change_asked import NotPossible, parse_asked
from loans.rules.change_plans import Outcome, base_on, simulate_change
from loans.rules.continuation import Standing, plan_of
from loans.rules.dates import add_months
from loans.rules.pricing import at_repricing_day, repriced
from loans.rules.simulation_request import Request, is_one_month
from tests.rules.test_loans_changes import LIMITS, follow, loans, refusal, simulated, texts_for

NEW = Request(100_000_000, 36_000, 360, "EQUAL_INSTALLMENT", date(2026, 10, 30), date(2026, 11, 30), 30)
PAID_ON = date(2027, 1, 31)


def disbursed(request: Request) -> Standing:
    plan = plan_of(request, 1)
    row = plan.rows[0]
    return Standing(
        1, row.due_on, request.principal_fen, plan.rate_ppm, plan.installment_fen, request.method, request.due_day,
        plan.last_number, plan.matures_on, request, 1,
    )  # fmt: skip


def shortened() -> Standing:
    """85,000 paid ahead after three installments: 307 rows left of 357, the last on 2052-08-30."""
    loan = disbursed(NEW)
    paid = simulated("PREPAYMENT", PAID_ON, standing=loan, amount="85000.00", effect="SHORTEN_TERM").after
    assert paid is not None
    return follow(loan, paid)


@pytest.mark.parametrize("day", [PAID_ON, date(2027, 2, 3)])
@pytest.mark.parametrize(
    ("kind", "texts", "rows", "matures_on"),
    [
        ("METHOD", {"method": "EQUAL_PRINCIPAL"}, 307, date(2052, 8, 30)),
        ("METHOD", {"method": "INTEREST_ONLY"}, 307, date(2052, 8, 30)),
        ("DEFERRAL", {"installments": "4", "extend": "no"}, 307, date(2052, 8, 30)),
        ("DEFERRAL", {"installments": "4", "extend": "yes"}, 311, date(2052, 12, 30)),
        ("RESTRUCTURING", {"method": "EQUAL_PRINCIPAL"}, 307, date(2052, 8, 30)),
        ("RESTRUCTURING", {"deferral": "4"}, 307, date(2052, 8, 30)),
        ("RESTRUCTURING", {"annual_rate_percent": "2.00"}, 307, date(2052, 8, 30)),
        ("EXTENSION", {"installments": "308"}, 308, date(2052, 9, 30)),
        ("EXTENSION", {"installments": "330"}, 330, date(2054, 7, 30)),
        ("SPREAD", {"spread_bp": "0"}, 307, date(2052, 8, 30)),
        ("PREPAYMENT", {"amount": "20000", "effect": "LOWER_INSTALLMENT"}, 307, date(2052, 8, 30)),
        ("DUE_DAY", {"due_day": "5"}, 307, date(2052, 9, 5)),
    ],
)
def test_a_term_that_was_shortened_stays_so(
    day: date, kind: str, texts: dict[str, str], rows: int, matures_on: date
) -> None:
    outcome = simulated(kind, day, standing=shortened(), **texts)
    assert outcome.after is not None
    assert (len(outcome.before.rows), outcome.before.matures_on) == (307, date(2052, 8, 30))
    assert (len(outcome.after.rows), outcome.after.matures_on) == (rows, matures_on)


def test_no_more_than_the_rows_left_is_no_extension() -> None:
    with pytest.raises(NotPossible) as caught:
        simulated("EXTENSION", PAID_ON, standing=shortened(), installments="307")
    assert (caught.value.reason.code, caught.value.reason.params) == ("not_longer", {"left": 307})


def test_a_rate_agreed_on_the_day_of_a_prepayment_starts_from_what_that_left() -> None:
    """The engine meets the rate of a day first; what was applied before it is in force all the same."""
    loan = shortened()
    same = simulated("SPREAD", PAID_ON, standing=loan, spread_bp="-40").after
    following = simulated("SPREAD", date(2027, 2, 1), standing=loan, spread_bp="-40").after
    assert same is not None and following is not None
    assert len(same.rows) == len(following.rows) == 307
    assert (same.rate_ppm, same.installment_fen) == (31_000, following.installment_fen)
    # The evening's repricing of that day too.
    request, number = at_repricing_day(loan, PAID_ON)
    found = repriced(request, number, PAID_ON, 31_000, matures_on=loan.matures_on).plan
    assert (len(found.rows), found.installment_fen, found.sha256) == (307, same.installment_fen, same.sha256)
    waiting = simulated("SPREAD", PAID_ON, replace(LIMITS, rate_variant="NEXT_PERIOD"), loan, spread_bp="-40").after
    assert waiting is not None
    assert (waiting.rows[0], len(waiting.rows)) == (plan_of(request, number).rows[0], 307)


def test_rows_that_a_rounded_or_fixed_installment_saves_stay_saved() -> None:
    for asked in (replace(NEW, rounding="YUAN_UP", principal_fen=2_100_000), replace(NEW, installment_fen=600_000)):
        loan = disbursed(asked)
        left = loan.last_number
        assert left < 360
        for kind, texts in (
            ("METHOD", {"method": "EQUAL_PRINCIPAL"}),
            ("DEFERRAL", {"installments": "3", "extend": "no"}),
            ("PREPAYMENT", {"amount": "10000", "effect": "LOWER_INSTALLMENT"}),
            ("RESTRUCTURING", {"method": "INTEREST_ONLY", "annual_rate_percent": "3.00"}),
        ):
            after = simulated(kind, date(2026, 11, 10), standing=loan, **texts).after
            assert after is not None and after.matures_on <= loan.matures_on, (kind, asked)
        more = simulated("EXTENSION", date(2026, 11, 10), standing=loan, installments=str(left + 20)).after
        assert more is not None and left < len(more.rows) <= left + 20


def test_a_deferral_beyond_the_most_rows_names_the_sum() -> None:
    with pytest.raises(NotPossible) as caught:
        simulated("DEFERRAL", date(2026, 11, 10), standing=disbursed(NEW), installments="121", extend="yes")
    assert caught.value.field == "installments"
    assert (caught.value.reason.code, caught.value.reason.params) == (
        "too_many_in_all", {"left": 360, "more": 121, "total": 481, "most": 480}
    )  # fmt: skip


def test_what_changes_no_row_is_refused_and_so_is_a_term_within_the_grace() -> None:
    loan = disbursed(replace(NEW, grace_installments=12))
    free = disbursed(replace(NEW, rate_ppm=0))
    for standing, kind, texts in (
        (loan, "DEFERRAL", {"installments": "6", "extend": "no"}),
        (loan, "RESTRUCTURING", {"deferral": "12"}),
        (loan, "RESTRUCTURING", {"installments": "360", "annual_rate_percent": "3.60"}),
        (free, "INTEREST_PAUSE", {"from": "2026-12-01", "to": "2026-12-10"}),
    ):
        day = date(2026, 11, 10)
        refused = refusal(lambda s=standing, k=kind, d=day, t=texts: simulated(k, d, standing=s, **t))
        assert refused == ("", "nothing_would_change"), (kind, texts)
    shorter = refusal(lambda: simulated("RESTRUCTURING", date(2026, 11, 10), standing=loan, installments="12"))
    assert shorter == ("installments", "out_of_range")
    after = simulated("DEFERRAL", date(2026, 11, 10), standing=loan, installments="13", extend="no").after
    assert after is not None and after.rows[12].principal_fen == 0


def test_the_last_row_of_a_bound_contract_takes_what_rounding_left() -> None:
    """100,000 fen without interest at 4,761 take 22 rows; lowered by the first prepayment to 4,545 (4,545.41), 22 rows
    of which bring nine fen too little for the 99,999. The second prepayment shortens nothing, but makes no 23rd row."""
    first = date(2026, 2, 1)
    loan = disbursed(Request(100_000, 0, 60, "EQUAL_INSTALLMENT", date(2026, 1, 1), first, 1, installment_fen=4_761))
    limits = replace(LIMITS, disbursed_on=date(2026, 1, 1), prepayment_minimum_fen=0)
    found = []
    for effect in ("LOWER_INSTALLMENT", "SHORTEN_TERM", "SHORTEN_TERM"):
        paid = simulated("PREPAYMENT", date(2026, 1, 7), limits, loan, amount="0.01", effect=effect).after
        assert paid is not None
        found.append((paid.last_number, paid.installment_fen, paid.rows[-1].principal_fen))
        loan = follow(loan, paid)
    assert found == [(22, 4_545, 4_554), (22, 4_545, 4_553), (22, 4_545, 4_552)]


def test_rows_that_a_pause_saved_do_not_come_back_with_a_new_due_day() -> None:
    """41 rows at 24 %, of which a pause of 48 days saves the last; another due day charges some days more."""
    first, last = date(2026, 2, 2), date(2029, 6, 2)
    loan = Standing(1, first, 1_000_000, 240_000, 35_972, "EQUAL_INSTALLMENT", 2, 41, last)
    limits = replace(LIMITS, disbursed_on=date(2026, 1, 8), prepayment_minimum_fen=0)
    paid: dict[str, str] = {"amount": "0.01", "effect": "LOWER_INSTALLMENT"}
    pause = {"from": "2026-01-08", "to": "2026-02-25"}
    rows = []
    for kind, texts in (
        ("PREPAYMENT", paid), ("PREPAYMENT", paid), ("SPREAD", {"spread_bp": "0"}), ("INTEREST_PAUSE", pause),
        ("DUE_DAY", {"due_day": "1"}),
    ):  # fmt: skip
        after = simulated(kind, date(2026, 1, 8), limits, loan, **texts).after
        assert after is not None
        rows.append(after.last_number)
        loan = follow(loan, after, 1 if kind == "DUE_DAY" else None)
    assert rows == [41, 41, 41, 40, 40]
    assert (loan.matures_on, sum(plan_of(loan.request, 1).principal_fen if loan.request else ())) == (
        date(2029, 6, 1), 999_998
    )  # fmt: skip


@st.composite
def any_loans(draw: Any) -> Standing:
    """A plain contract with some installments left, or one just disbursed with whatever may be agreed."""
    if draw(st.booleans()):
        return draw(loans())  # type: ignore[no-any-return]
    left, principal = draw(st.integers(3, 60)), draw(st.integers(100_000, 500_000_000))
    start, due_day = draw(st.dates(date(2026, 1, 1), date(2030, 12, 31))), draw(st.integers(1, 31))
    method = draw(st.sampled_from(["EQUAL_INSTALLMENT", "EQUAL_PRINCIPAL", "INTEREST_ONLY"]))
    first = add_months(start, 1, due_day)
    fixed = method == "EQUAL_INSTALLMENT" and draw(st.booleans())
    return disbursed(
        Request(
            principal, draw(st.sampled_from([0, 30_500, 240_000])), left, method, start, first, due_day,
            day_count=draw(st.sampled_from(["30/360", "ACT/365"])),
            first_period=None if is_one_month(start, first, due_day) else "BY_DAYS",
            rounding=draw(st.sampled_from(["FEN", "YUAN_UP"])),
            installment_fen=principal // draw(st.integers(3, 25)) if fixed else None,
            grace_installments=draw(st.integers(0, left - 1)),
        )
    )  # fmt: skip


GOING_ON = st.sampled_from(["PREPAYMENT", "METHOD", "DEFERRAL", "RESTRUCTURING", "SPREAD", "INTEREST_PAUSE", "DUE_DAY",
                            "EXTENSION"])  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    any_loans(), st.lists(st.tuples(GOING_ON, st.sampled_from([0, 1, 9, 31])), min_size=2, max_size=6),
    st.sampled_from(["SPLIT_BY_DAYS", "NEXT_PERIOD"]), st.data(),
)  # fmt: skip
def test_only_more_time_ends_a_loan_later(
    standing: Standing, asked: list[tuple[str, int]], variant: str, data: Any
) -> None:
    """Of any changes one after another, also on one day: `before` is what is in force, and only what asks for more
    time moves the maturity; a new due day by the days between the two."""
    day = date.fromordinal(standing.next_due_on.toordinal() - 25)
    limits = replace(LIMITS, disbursed_on=day, prepayment_minimum_fen=0, rate_variant=variant)
    for kind, later in asked:
        day = date.fromordinal(day.toordinal() + later)
        base = base_on(standing, day)
        if base is None:
            break
        texts = texts_for(data.draw, kind, base)
        try:
            outcome = simulate_change(kind, base, parse_asked(kind, texts), limits)
        except NotPossible:
            continue
        after = outcome.after
        assert after is not None
        assert (outcome.before.matures_on, outcome.before.last_number) == (standing.matures_on, standing.last_number)
        if not _is_more_time(kind, texts, standing, outcome):
            assert after.last_number <= standing.last_number
            assert after.matures_on <= standing.matures_on or kind == "DUE_DAY"
        standing = follow(standing, after, after.request.due_day if kind == "DUE_DAY" else None)


def _is_more_time(kind: str, texts: dict[str, str], standing: Standing, outcome: Outcome) -> bool:
    """A term asked for, or an installment fixed by the contract, which a higher rate makes last longer."""
    assert outcome.after is not None
    asks = kind == "EXTENSION" or texts.get("extend") == "yes" or (kind == "RESTRUCTURING" and "installments" in texts)
    fixed = outcome.after.request.installment_fen is not None
    return asks or (fixed and (kind == "DUE_DAY" or outcome.after.rate_ppm > outcome.before.rate_ppm))
