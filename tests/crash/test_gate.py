"""The gate: every class of faults at its smaller count; nothing lost, doubled or stuck, no other state, none broken."""

import pytest

from tests.crash import classes
from tests.crash.ground import Ground

SEED = 20261101


@pytest.fixture(scope="module")
def rig(ground: Ground) -> classes.Rig:
    return classes.Rig(ground, SEED, days=3)


def _with_life(each: classes.Class) -> bool:
    """Those that need the rich bank's life stay together, and a few with them."""
    return each[3] in (classes.Rig.statements, classes.Rig.publishing) or each[0].startswith(("C2", "C3"))


@pytest.mark.crash
@pytest.mark.parametrize(
    "each",
    [
        pytest.param(each, id=each[0].replace(" ", "-"), marks=pytest.mark.xdist_group(f"crash-{_with_life(each)}"))
        for each in classes.CLASSES
    ],
)
def test_what_was_disturbed_ends_as_if_it_had_not_been(rig: classes.Rig, each: classes.Class) -> None:
    tally = classes.run(rig, each, each[1])
    assert tally.trials >= each[1]
    assert tally.is_clean, "\n".join(tally.found)
