"""The twins: without a guard the rig finds what goes wrong; else its silence would say nothing."""

import pytest

from tests.crash import guards
from tests.crash.ground import Ground

# Some faults need two processes to meet, which they need not do the first time.
_ATTEMPTS = 3


@pytest.mark.crash
@pytest.mark.parametrize("guard", guards.GUARDS, ids=lambda guard: guard.name.replace(" ", "-"))
def test_without_the_guard_the_fault_is_found(ground: Ground, guard: guards.Guard) -> None:
    for _attempt in range(_ATTEMPTS):
        tally = guards.run(ground, guard)
        if not tally.is_clean and tally.found:
            return
    pytest.fail("nothing was found without the guard")
