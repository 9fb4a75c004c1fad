"""The twins: without a guard the rig finds what goes wrong; else its silence would say nothing."""

import pytest

from tests.crash import guards
from tests.crash.ground import Ground


@pytest.mark.crash
@pytest.mark.parametrize("guard", guards.GUARDS, ids=lambda guard: guard.name.replace(" ", "-"))
def test_without_the_guard_the_fault_is_found(ground: Ground, guard: guards.Guard) -> None:
    tally = guards.run(ground, guard)
    assert not tally.is_clean and tally.found
