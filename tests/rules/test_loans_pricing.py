"""Rates, repricing days and notices against worked examples, and what holds of any of them."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loans.rules.continuation import Standing, continuation, plan_of, to_json
from loans.rules.dates import add_months, due_date
from loans.rules.money import rate_ppm, yuan
from loans.rules.plain_repricing import Stretch
from loans.rules.pricing import (
    ANCHORS,
    CYCLES,
    JANUARY_1,
    LOAN_DAY,
    Published,
    RateBeyondLimits,
    at_repricing_day,
    lpr_before,
    next_repricing_day,
    publication_fault,
    publications_between,
    repriced,
    repriced_rate,
    taken_over,
)
from loans.rules.schedule import annuity
from loans.rules.simulation_request import SPLIT_BY_DAYS, VARIANTS, Prepayment
from tests.examples import table

DAYS = ("2024-02-20", "2024-07-22", "2024-10-21", "2025-05-20")
PUBLISHED = {
    tenor: [Published(date.fromisoformat(day), ppm) for day, ppm in zip(DAYS, rates, strict=True)]
    for tenor, rates in (("Y5", (39_500, 38_500, 36_000, 35_000)), ("Y1", (34_500, 33_500, 31_000, 30_000)))
}
E6 = Standing(10, date(2026, 1, 20), 98517169, 33_000, 437955, "EQUAL_INSTALLMENT", 20, 360, date(2055, 3, 20))


@pytest.mark.parametrize("example", table("repricing"), ids=str)
def test_the_latest_rate_published_before_the_day_counts(example: dict[str, str]) -> None:
    found = lpr_before(PUBLISHED[example["tenor"]], date.fromisoformat(example["repricing day"]))
    assert found is not None
    assert found.rate_ppm == rate_ppm(Decimal(example["LPR %"]))
    rate = repriced_rate(found.rate_ppm, Decimal(example["spread bp"]), 240_000)
    assert rate == rate_ppm(Decimal(example["rate %"]))


def test_before_the_first_publication_nothing_counts() -> None:
    assert lpr_before(PUBLISHED["Y5"], date(2024, 2, 20)) is None


@pytest.mark.parametrize(("spread", "rate"), [("-351", -100), ("2051", 240_100)])
def test_a_rate_beyond_the_limits_is_refused_not_cut_off(spread: str, rate: int) -> None:
    with pytest.raises(RateBeyondLimits) as refused:
        repriced_rate(35_000, Decimal(spread), 240_000)
    assert refused.value.rate_ppm == rate
    assert (repriced_rate(35_000, Decimal(-350), 240_000), repriced_rate(35_000, Decimal(2050), 240_000)) == (
        0,
        240_000,
    )


def test_a_spread_finer_than_the_resolution_of_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="0.001"):
        repriced_rate(35_000, Decimal("0.001"), 240_000)


@pytest.mark.parametrize("example", table("repricing", 1), ids=lambda example: example["id"])
def test_the_next_repricing_day_is_the_worked_one(example: dict[str, str]) -> None:
    found = next_repricing_day(
        date.fromisoformat(example["after"]),
        cycle_months=int(example["cycle"]),
        anchor=example["anchor"],
        disbursed_on=date.fromisoformat(example["drawn on"]),
        matures_on=date.fromisoformat(example["matures on"]),
    )
    assert str(found or "none") == example["next"]


@given(
    st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 4000), st.sampled_from(CYCLES),
    st.sampled_from(ANCHORS),
)  # fmt: skip
def test_repricing_days_are_one_cycle_apart_and_on_their_anchor(
    drawn: date, later: int, cycle: int, anchor: str
) -> None:
    kept = {"cycle_months": cycle, "anchor": anchor, "disbursed_on": drawn, "matures_on": date(2150, 1, 1)}
    after = drawn + timedelta(days=later)
    day = next_repricing_day(after, **kept)  # type: ignore[arg-type]
    assert day is not None and day > after
    following = next_repricing_day(day, **kept)  # type: ignore[arg-type]
    assert following is not None and following == add_months(day, cycle, 1 if anchor == JANUARY_1 else drawn.day)
    assert next_repricing_day(following - timedelta(days=1), **kept) == following  # type: ignore[arg-type]
    if anchor == JANUARY_1:
        assert day.day == 1 and (day.month - 1) % cycle == 0
    else:
        assert day == due_date(day.year, day.month, drawn.day)
        assert ((day.year - drawn.year) * 12 + day.month - drawn.month) % cycle == 0


@pytest.mark.parametrize(("cycle", "anchor"), [(1, JANUARY_1), (12, "SOMETIMES"), (0, LOAN_DAY)])
def test_a_cycle_or_anchor_that_no_contract_has_is_refused(cycle: int, anchor: str) -> None:
    with pytest.raises(ValueError, match=anchor):
        next_repricing_day(
            date(2026, 1, 1), cycle_months=cycle, anchor=anchor, disbursed_on=date(2025, 1, 1),
            matures_on=date(2030, 1, 1),
        )  # fmt: skip


@pytest.mark.parametrize("example", table("repricing", 2), ids=str)
def test_a_contract_taken_over_keeps_its_rate_as_lpr_and_spread(example: dict[str, str]) -> None:
    drawn, matures, as_of = (date.fromisoformat(example[name]) for name in ("drawn on", "matures on", "taken over on"))
    found = taken_over(rate_ppm(Decimal(example["rate %"])), drawn, matures, as_of, PUBLISHED)
    assert (found.tenor, str(found.spread_bp), found.why_fixed) == (
        example["tenor"], example["spread bp"], example["fixed because"],
    )  # fmt: skip


@pytest.mark.parametrize("example", table("repricing", 3), ids=lambda example: example["variant"])
def test_the_notice_of_e6_is_the_worked_one(example: dict[str, str]) -> None:
    day = date(2026, 1, 1)
    request, number = at_repricing_day(E6, day)
    found = repriced(request, number, day, 32_000, example["variant"], matures_on=E6.matures_on)
    january = found.plan.rows[0]
    shown = {
        "variant": example["variant"],
        "old": f"{yuan(found.old_amount_fen)}",
        "new": f"{yuan(found.new_amount_fen)}",
        "first due": str(found.first_due_on),
        "first amount": f"{yuan(found.first_amount_fen or 0)}",
        "interest of 01-20": f"{yuan(january.interest_fen)}",
        "balance after 01-20": f"{yuan(january.balance_fen)}",
        "regular from": str(found.regular_on),
    }
    assert shown == example


def test_a_notice_of_a_loan_in_deferral_names_what_is_paid_until_the_whole_installment() -> None:
    """Three installments of only interest are left: the first is split by the day, the whole amount follows them."""
    deferred = replace(continuation(E6), grace_installments=4)
    standing = replace(E6, request=deferred, request_number=E6.number)
    day = date(2026, 1, 1)
    found = repriced(*at_repricing_day(standing, day), day, 32_000, matures_on=E6.matures_on)
    rows = found.plan.rows
    assert [row.principal_fen for row in rows[:5]] == [0, 0, 0, 0, rows[4].principal_fen] and rows[4].principal_fen
    assert (found.first_due_on, found.first_amount_fen) == (date(2026, 1, 20), rows[0].interest_fen)
    assert found.period_from == date(2025, 12, 20)
    assert found.until_regular == (
        Stretch(E6.number + 1, E6.number + 3, date(2026, 2, 20), date(2026, 4, 20), rows[1].interest_fen, True),
    )
    assert (found.regular_on, found.new_amount_fen) == (date(2026, 5, 20), rows[4].principal_fen + rows[4].interest_fen)


def test_a_period_in_which_more_happened_is_not_explained_by_days() -> None:
    day = date(2026, 1, 1)
    paid = replace(continuation(E6), prepayments=(Prepayment(date(2025, 12, 28), 1_000_000, "LOWER_INSTALLMENT"),))
    assert repriced(paid, E6.number, day, 32_000, matures_on=E6.matures_on).period_from is None
    plain = repriced(continuation(E6), E6.number, day, 32_000, matures_on=E6.matures_on)
    assert plain.period_from == date(2025, 12, 20)


def test_e6_foreseen_from_the_autumn_is_e6_on_the_day() -> None:
    """The same loan three payments earlier: what the bulk run previews is what the evening finds."""
    drawn = Standing(1, date(2025, 4, 20), 100_000_000, 33_000, 437955, "EQUAL_INSTALLMENT", 20, 360, date(2055, 3, 20))
    rows = plan_of(continuation(drawn), 1).rows
    assert rows[8].balance_fen == 98517169
    day = date(2026, 1, 1)
    on_the_day = repriced(*at_repricing_day(E6, day), day, 32_000, matures_on=E6.matures_on)
    for number in range(1, 10):
        before = replace(drawn, number=number, next_due_on=rows[number - 1].due_on)
        before = replace(before, unbilled_fen=rows[number - 1].principal_fen + rows[number - 1].balance_fen)
        assert repriced(*at_repricing_day(before, day), day, 32_000, matures_on=E6.matures_on) == on_the_day


def standing_at(number: int, *, last: int, due_day: int, matures_on: date, ppm: int, method: str) -> list[Standing]:
    """A contract of months at each of its numbers, as its positions will be while it is billed."""
    first_due = add_months(matures_on, number - last, due_day)
    installment = annuity(50_000_000, ppm, last - number + 1) if method == "EQUAL_INSTALLMENT" else 0
    if method == "EQUAL_PRINCIPAL":
        installment = 50_000_000 // (last - number + 1)
    start = Standing(number, first_due, 50_000_000, ppm, installment, method, due_day, last, matures_on)
    if number == last:
        start = replace(start, next_due_on=matures_on)
    found = [start]
    for row, following in zip(
        rows := plan_of(continuation(start), number, matures_on=matures_on).rows, rows[1:], strict=False
    ):
        found.append(
            replace(start, number=following.number, next_due_on=following.due_on, unbilled_fen=row.balance_fen)
        )
    return found


@given(
    st.integers(1, 31), st.integers(1, 31), st.integers(2, 30), st.integers(0, 400), st.sampled_from(VARIANTS),
    st.sampled_from(["EQUAL_INSTALLMENT", "EQUAL_PRINCIPAL", "INTEREST_ONLY"]),
)  # fmt: skip
def test_a_repricing_foreseen_is_the_repricing_of_the_day(
    due_day: int, last_day: int, months: int, away: int, variant: str, method: str
) -> None:
    """Whatever was billed in between, and also in a last period that ends off the anchor."""
    matures_on = due_date(2028, 9, last_day)
    ways = standing_at(7, last=6 + months, due_day=due_day, matures_on=matures_on, ppm=41_000, method=method)
    day = matures_on - timedelta(days=1 + away)
    if day < add_months(ways[0].next_due_on, -1, due_day):
        return
    seen = [
        repriced(*at_repricing_day(way, day), day, 38_000, variant, matures_on=matures_on)
        for way in ways
        if at_repricing_day(way, day)[0].disbursed_on <= day
    ]
    assert seen
    for each in seen:
        assert (each.plan.sha256, each.plan.first_number) == (seen[0].plan.sha256, seen[0].plan.first_number)
        assert replace(each, plan=seen[0].plan) == seen[0]
    plan = seen[0].plan
    assert plan.rows[-1].balance_fen == 0 and plan.matures_on == matures_on
    assert sum(plan.principal_fen) == plan.request.principal_fen


def test_a_second_repricing_foreseen_through_the_first_is_that_of_the_day() -> None:
    first_day, second_day = date(2026, 1, 1), date(2026, 4, 1)
    request, number = at_repricing_day(E6, first_day)
    first = repriced(request, number, first_day, 32_000, matures_on=E6.matures_on).plan
    signed = replace(
        E6, request=first.request, request_number=10, rate_ppm=first.rate_ppm, installment_fen=first.installment_fen
    )
    seen = []
    for row, before in zip(first.rows[1:4], first.rows, strict=False):
        way = replace(signed, number=row.number, next_due_on=row.due_on, unbilled_fen=before.balance_fen)
        seen.append(repriced(*at_repricing_day(way, second_day), second_day, 31_000, matures_on=E6.matures_on))
    seen.append(repriced(*at_repricing_day(signed, second_day), second_day, 31_000, matures_on=E6.matures_on))
    assert {each.plan.sha256 for each in seen} == {seen[0].plan.sha256}
    assert to_json(seen[0].plan.request)["rate_changes"] == [["2026-04-01", 31_000, SPLIT_BY_DAYS]]


def test_a_repricing_on_a_due_date_begins_with_the_period_that_starts_there() -> None:
    day = date(2026, 1, 20)
    request, number = at_repricing_day(E6, day)
    found = repriced(request, number, day, 32_000, matures_on=E6.matures_on)
    assert (number, found.first_number, found.first_due_on) == (11, 11, date(2026, 2, 20))
    assert found.regular_on == found.first_due_on and found.first_amount_fen == found.new_amount_fen


def test_what_equal_principal_costs_is_told_by_its_first_whole_month() -> None:
    standing = replace(E6, method="EQUAL_PRINCIPAL", installment_fen=280_000)
    day = date(2026, 1, 1)
    found = repriced(*at_repricing_day(standing, day), day, 32_000, matures_on=E6.matures_on)
    february = found.plan.rows[1]
    assert found.plan.installment_fen == 280_000
    assert found.new_amount_fen == 280_000 + february.interest_fen
    assert found.old_amount_fen == 280_000 + (2 * (98517169 - 280_000) * 33_000 + 12_000_000) // 24_000_000


@pytest.mark.parametrize(
    ("percent", "day", "fault"),
    [
        ("3.45", "2026-10-20", None),
        ("3.45", "2026-10-21", ("published_on", "not_a_publication_day")),
        ("3.45", "2026-11-20", ("published_on", "in_the_future")),
        ("3.47", "2026-10-20", ("rate_percent", "not_a_step")),
        ("0.00", "2026-10-20", ("rate_percent", "beyond_limits")),
        ("36.05", "2026-10-20", ("rate_percent", "beyond_limits")),
        ("3.45", "2026-09-20", ("published_on", "not_after_the_latest")),
    ],
)
def test_a_rate_that_cannot_have_been_published_is_named(percent: str, day: str, fault: tuple[str, str] | None) -> None:
    on = date.fromisoformat(day)
    found = publication_fault(
        rate_ppm(Decimal(percent)), on, today=date(2026, 10, 31), workday=on.replace(day=20), latest=date(2026, 9, 20)
    )
    assert found == fault


@pytest.mark.parametrize(
    ("after", "before", "is_coming"),
    [
        ("2026-12-10", "2027-01-01", True),
        ("2026-12-20", "2027-01-01", False),
        ("2026-12-19", "2026-12-20", False),
        ("2026-12-31", "2027-01-21", True),
    ],
)
def test_a_publication_to_come_before_the_day_is_known(after: str, before: str, is_coming: bool) -> None:
    assert (publications_between(date.fromisoformat(after), date.fromisoformat(before)) > 0) is is_coming


def test_every_publication_to_come_is_counted() -> None:
    assert publications_between(date(2026, 10, 30), date(2027, 1, 1)) == 2
    assert publications_between(date(2026, 10, 19), date(2027, 1, 1)) == 3
    assert publications_between(date(2026, 12, 20), date(2027, 1, 1)) == 0
