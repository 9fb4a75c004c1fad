"""Which Chromium the browser tests get."""

from pathlib import Path

import pytest
from launcher import chromium
from launcher.check import no_browser_notice
from launcher.speech import Refusal


def test_named_chromium_must_be_a_program(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="not a program"):
        chromium.find({"ANJU_CHROMIUM": str(tmp_path / "missing")})


def test_chromium_is_found_on_the_path_or_not_at_all(tmp_path: Path) -> None:
    assert chromium.find({"PATH": str(tmp_path)}) == ""
    program = tmp_path / "chromium"
    program.touch(mode=0o755)
    assert chromium.find({"PATH": str(tmp_path)}) == str(program)


def test_missing_chromium_is_said_in_a_frame() -> None:
    lines = no_browser_notice().splitlines()
    assert "DID NOT RUN" in lines[1]
    assert len({len(line) for line in lines}) == 1
