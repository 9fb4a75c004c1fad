"""The table of the bench: what is missed is said, at each size, and what counts only from a size on."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import prices, run
from bench.book import Book
from bench.stand import Result

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Results of a size, with a night of so many seconds."""
    monkeypatch.setenv("ANJU_STATE", str(tmp_path))

    def made(loans: int, seconds: float, start_up: float, ratio: float = 1.2) -> run.Kept:
        book = Book(loans)
        found = run.Kept(book)
        night = Result("B1", ratio=ratio, ours=seconds, other=seconds / ratio, equal=True)
        night.besides = {"start_up": start_up, "prices": [prices.Price("bill", 12.0, 10.0, 300)]}
        found.keep(night)
        found.keep(Result("M", ratio=0.5, ours=loans / 2000, other=256.0))
        for result in run.growth(found, book):
            found.keep(result)
        return run.Kept(book)

    return made


def test_growth_is_told_without_start_up(kept: Any) -> None:
    kept(10_000, 0.3, 0.1)
    grown = kept(100_000, 2.5, 0.1)
    assert grown.results["B1g"]["ratio"] == 12
    assert "Mg" not in grown.results
    assert kept(1_000_000, 24.1, 0.1).results["Mg"]["ratio"] == 10


def test_several_sizes_are_one_table_that_ends_with_what_is_missed(kept: Any) -> None:
    sizes = [kept(10_000, 0.3, 0.1, ratio=5), kept(100_000, 2.5, 0.1, ratio=5)]
    lines = list(run.table(sizes))
    assert [line.split()[:2] for line in lines[1:4]] == [["10000", "B1"], ["100000", "B1"], ["100000", "B1g"]]
    assert lines[-1] == "Not reached: B1 at 100,000: 5, accepted 3; B1g at 100,000: 12, accepted 11."
    assert sum("bill" in line and "1.20" in line for line in lines) == 2


def test_an_end_that_differs_is_missed_at_any_size(kept: Any) -> None:
    row = {"equal": False, "ratio": 1.0, "ours": 1.0}
    assert run.verdict("B1", row, 600) == "not equal"
    assert run.verdict("B1", {**row, "equal": True, "ratio": 9.0}, 600) == ""
    assert run.verdict("B1w_rows", {**row, "equal": True, "ratio": 1.3}, 600) == "1.3, accepted 1.2"


def test_the_json_has_the_lines_by_id_and_by_size_where_there_are_several(kept: Any) -> None:
    small, large = kept(10_000, 0.3, 0.1), kept(100_000, 2.5, 0.1)
    assert run.as_json([small])["B1"]["ours"] == 0.3
    assert run.as_json([small])["floor_prices"][0]["reference"] == 10.0
    assert run.as_json([small, large])["100000"]["B1"]["ours"] == 2.5


def test_the_command_begins_before_any_application_is_set_up() -> None:
    """Servers are brought up first; what the bench imports at its head needs none of the rooms."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.run", "--help"], capture_output=True, cwd=HOME, text=True, check=False,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0 and "--loans" in done.stdout, done.stderr[-400:]
