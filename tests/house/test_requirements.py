"""The index of requirements: held rows have tests, cited rows are listed, named pages exist."""

import importlib.util
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("requirements_index", HOME / "script/requirements.py")
assert _spec is not None
assert _spec.loader is not None
index = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(index)

_LIST = """
| S1.11 | Visits at nodes: rules | held | followups:desk, nowhere |
| S1.12 | Find risk: conclusion | open |  |
"""


def test_held_rows_have_tests_and_pages_exist() -> None:
    done = subprocess.run(
        [sys.executable, HOME / "script/requirements.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "S2.6 " in done.stdout


def test_each_fault_is_told() -> None:
    rows = index.listed(_LIST)
    assert [row.number for row in rows.values() if row.is_held] == ["S1.11"]
    assert index.faults(rows, {"S9.1": ["tests/test_x.py"]}, {"followups:desk"}) == [
        "S1.11 is held by no test",
        "S9.1 is cited by tests/test_x.py and not listed",
        "S1.11 names the unknown page nowhere",
    ]


def test_a_test_cites_rows_above_or_inside_it() -> None:
    cited = dict(index.citations(HOME / "tests/rules/test_plan_promises.py"))
    assert cited["S2.6"].endswith("::test_no_first_follow_up_is_due_after_day_90")
