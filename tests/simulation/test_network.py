"""The default policy on a network of the users' proportions stays within 8 visits of an officer and week."""

from decimal import Decimal

import pytest

from followups.rules.default_policy import LINES
from tests.simulation.network import Made, Network, columns, lived, policies

# A fifth of the network: as many loans to an officer, and as many new ones.
FIFTH = Network(loans=2_000, officers=4, new_a_year=180)


@pytest.fixture(scope="module")
def made() -> Made:
    return lived(FIFTH, LINES)


# S2.6 S2.9
def test_the_default_policy_stays_within_the_ceiling(made: Made) -> None:
    found = columns(FIFTH, made)
    assert Decimal(found["per officer and week"]) <= 8
    assert Decimal(found["of which field"]) <= Decimal("1.5")
    assert Decimal(found["person-hours per officer and week"]) <= Decimal("6.5")
    weeks = sum(made.planned.values())
    beyond = sum(n for count, n in made.planned.items() if count > FIFTH.ceiling)
    assert weeks >= 52 * FIFTH.officers and beyond == 0 and made.late <= 3, made.planned
    assert set(made.by_kind) == {"FIRST", "PERIODIC", "OVERDUE_8", "OVERDUE_31", "OVERDUE_91"}


def test_a_policy_that_visits_every_missed_day_does_not(made: Made) -> None:
    """The measure tells policies apart: it is not the officers' pace that keeps the figure low."""
    visited = lived(FIFTH, policies()["a visit on the first day of every arrears"])
    assert visited.visits > made.visits * 5 // 4


def test_the_same_seed_is_the_same_year(made: Made) -> None:
    small = Network(loans=300, officers=1, new_a_year=27, years=1)
    assert lived(small, LINES) == lived(small, LINES) and made.visits > 0
