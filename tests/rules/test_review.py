"""Two reviewers for red, which reports go together, what looks gone through; likeness of texts by worked examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.rules import measures, similarity
from followups.rules.review import Limits, Made, hints, is_clean, limits_from, needs_risk_head

CLEAN: dict[str, Any] = {
    "method": "PHONE", "level": 9, "version": 1, "conclusion": "NO_CONCERN", "differences": 0, "requests": 0,
    "keeps_class": True,
}  # fmt: skip
QUIET = Made(
    version=1, method="PHONE", seconds=240, hour=10, found_anything=False, recordings=1, submitted_that_day=3,
    workdays_left_in_month=10,
)  # fmt: skip
TEXT = "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次。"


def codes(**changed: Any) -> list[str]:
    return [hint.code for hint in hints(Made(**{**vars(QUIET), **changed}), Limits())]


def test_only_red_asks_for_the_risk_head() -> None:
    assert [needs_risk_head(level) for level in (1, 2, 3, 9)] == [True, False, False, False]


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "FIELD"}, {"method": "OFF_SITE"}, {"level": 2}, {"level": 1}, {"version": 2},
        {"conclusion": "WATCH"}, {"differences": 1}, {"requests": 1}, {"keeps_class": False},
    ],
)  # fmt: skip
def test_only_clean_phone_reports_go_together(changed: dict[str, Any]) -> None:
    assert is_clean(**CLEAN) and is_clean(**{**CLEAN, "level": 3})
    assert not is_clean(**{**CLEAN, **changed})


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"seconds": 48}, "QUICK"),
        ({"hour": 22}, "LATE_HOUR"),
        ({"hour": 5}, "LATE_HOUR"),
        ({"submitted_that_day": 8, "workdays_left_in_month": 2}, "MONTH_END"),
        ({"recordings": 0}, "NO_RECORDING"),
        ({"reused": ({"attachment": 1, "name": "a", "other": 2, "task": 3, "loan_note_no": "M"},)}, "PHOTO_REUSED"),
        ({"alike": ({"attachment": 1, "name": "a", "other": 2, "percent": 95},)}, "PHOTO_ALIKE"),
        ({"far": ({"attachment": 1, "name": "a", "meters": 1113},)}, "PHOTO_FAR"),
    ],
)
def test_each_hint_has_its_sign(changed: dict[str, Any], code: str) -> None:
    assert codes() == [] and codes(**changed) == [code]


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": 60},
        {"seconds": 48, "found_anything": True},
        {"seconds": 48, "version": 2},
        {"hour": 21},
        {"hour": 6},
        {"submitted_that_day": 7, "workdays_left_in_month": 0},
        {"submitted_that_day": 20, "workdays_left_in_month": 3},
        {"method": "FIELD", "recordings": 0},
    ],
)
def test_on_the_right_side_of_a_limit_nothing_is_hinted(changed: dict[str, Any]) -> None:
    assert codes(**changed) == []


def test_the_banks_thresholds_replace_the_defaults() -> None:
    assert limits_from({"quick_seconds": 30}) == Limits(quick_seconds=30)
    assert limits_from("nonsense") == Limits()


def test_likeness_by_examples() -> None:
    assert similarity.percent(TEXT, TEXT) == 100
    assert similarity.percent(TEXT, TEXT.replace("，", "、").rstrip("。")) == 100, "signs say nothing"
    assert similarity.percent(TEXT, TEXT.replace("一次", "两次")) == 84
    assert similarity.percent(TEXT, "单位效益不好，奖金停发；配偶仍有固定工资，本期已还。") == 0
    assert similarity.percent(TEXT, "") == 0
    assert similarity.bands("资料与系统一致。") == [], "what is short is alike by itself"


def test_texts_that_are_alike_share_a_band_and_others_none() -> None:
    near = set(similarity.bands(TEXT)) & set(similarity.bands(TEXT.replace("一次", "两次")))
    assert near and not set(similarity.bands(TEXT)) & set(
        similarity.bands("单位效益不好，奖金停发；配偶仍有固定工资，本期已还。")
    )
    assert similarity.bands(TEXT)[:2] == similarity.bands(f" {TEXT} ")[:2] and len(similarity.bands(TEXT)) == 16


@given(st.text(alphabet="甲乙丙丁，。 ", max_size=80), st.text(alphabet="甲乙丙丁，。 ", max_size=80))
def test_likeness_is_the_same_from_both_sides_and_passages_give_both_texts_back(one: str, other: str) -> None:
    assert similarity.percent(one, other) == similarity.percent(other, one)
    parts = similarity.passages(one, other)
    assert "".join(part[1] for part in parts) == one and "".join(part[2] for part in parts) == other
    assert all(here == there for is_same, here, there in parts if is_same)


def test_what_a_measure_has_to_say() -> None:
    from datetime import date

    today = date(2026, 11, 1)
    good = {"code": "PROOF", "owner": "A0101", "due_on": "2026-11-20", "words": "补收流水"}

    def faults(*rows: dict[str, str]) -> list[str]:
        return measures.faults(rows, offered=["PROOF", "PLAN"], owners=["A0101"], today=today)

    assert faults(good) == [] and faults({**good, "due_on": "2026-11-01"}) == []
    assert faults({**good, "code": "FREEZE"}) == ["measure_unknown"]
    assert faults(good, good) == ["measure_twice"]
    assert faults({**good, "owner": "A0102"}) == ["measure_owner"]
    for day in ("", "2026-10-31", "2027-11-03", "20261120", "soon"):
        assert faults({**good, "due_on": day}) == ["measure_day"], day
    assert faults({**good, "words": "a\u202eb"}) == ["measure_words"]
    assert measures.proposed({"measures": [good, {"code": " ", "owner": ""}, "x"]}) == [good]
