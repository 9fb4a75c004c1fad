"""What period figures are asked for."""

from datetime import date

from followups.rules.period import asked_of


def test_a_branch_code_that_no_database_can_be_asked_for_names_none() -> None:
    asked = asked_of({"branch": "01\x0001"}, date(2026, 10, 30), ["branch"])
    assert asked.branch and "\x00" not in asked.branch
