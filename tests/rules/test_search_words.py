"""What a search word of a home or a task asks for."""

import re
from datetime import date

import pytest

from collateral.rules.home_words import home_words
from followups.rules.numbers import task_of, visit_of_report

HOME = "江城市滨江区滨江悦府3栋2单元1701"


@pytest.mark.parametrize(
    ("word", "finds"),
    [
        ("滨江悦府1701", True), ("滨江悦府3栋1701", True), ("滨江区滨江悦府3栋2单元1701", True), ("滨江悦府3栋", True),
        ("滨江悦府170", False), ("滨江悦府701", False), ("滨江悦府13栋", False), ("悦府滨江1701", False),
        ("滨江悦府1701室", False),
    ],
)  # fmt: skip
def test_a_development_with_whole_numbers_in_their_order(word: str, finds: bool) -> None:
    found = home_words(word)
    assert found is not None
    assert bool(re.search(found.pattern, HOME)) == finds and found.name in word


@pytest.mark.parametrize("word", ["滨江悦府", "陈立新", "1701", "clx", "HFA0101001", "绿1", "", "悦1701"])
def test_other_words_ask_for_no_home(word: str) -> None:
    assert home_words(word) is None


def test_numbers_of_tasks_and_reports() -> None:
    assert task_of("hf202611010000042") == (42, date(2026, 11, 1))
    assert [task_of(word) for word in ("HF202613010000042", "HF20261101", "HFBG202611010000042")] == [None] * 3
    assert visit_of_report("HFBG202611010000042-2") == visit_of_report("HFBG202611010000042") == 42
    assert visit_of_report("HF202611010000042") is None
