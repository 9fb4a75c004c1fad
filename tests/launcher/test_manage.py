"""Which management commands bring the servers up."""

import pytest
from launcher.manage import needs_database


@pytest.mark.parametrize(
    "line",
    [
        "",
        "help",
        "--help",
        "--version",
        "check --deploy",
        "collectstatic --no-input",
        "makemigrations --check",
        "simulate_schedule --principal 1000000",
        "day_end --help",
        "import_loans -h",
    ],
)
def test_command_needs_no_servers(line: str) -> None:
    assert not needs_database(line.split())


@pytest.mark.parametrize("line", ["migrate", "seed", "day_end --through 2026-12-31", "shell", "create_staff help"])
def test_command_needs_servers(line: str) -> None:
    assert needs_database(line.split())
