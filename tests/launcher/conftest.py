"""The launcher is standard library only; its tests need neither Django nor a database of the suite."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "script"
sys.path.insert(0, str(SCRIPT))


@pytest.fixture(autouse=True)
def _plain_settings() -> None:
    """Nothing of Django to set."""


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that every account may pass through to; pytest's own are closed to others."""
    from launcher.state import Account, closed_parent

    folder = Path(tempfile.mkdtemp(prefix="anju-launcher-"))
    folder.chmod(0o755)
    try:
        if closed := closed_parent(folder / "state", Account("nobody", 65534, 65534)):
            pytest.skip(f"the folder for temporary files is closed to other accounts at {closed}")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
