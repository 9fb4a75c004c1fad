"""Who is told of a warning signal and of a late step of its chain, and when.

A new signal is told to the officer and the manager at once, a red one also to the head above; a step that nobody took
in time goes to the officer and, with the digest of the next workday, to the manager.
"""

from collections.abc import Iterator
from typing import Final

from followups.rules.escalation import BRANCH_HEAD, DAY, DIGEST, MANAGER, OFFICER

EVERYONE: Final = "EVERYONE"
SIGNAL, SIGNAL_LATE, ACTION_LATE, SIGNAL_READY, POLICY = (
    "SIGNAL", "SIGNAL_LATE", "ACTION_LATE", "SIGNAL_READY", "POLICY",
)  # fmt: skip
# Code → audience, when it is told, and for which levels (1 red, 3 yellow and worse).
_TOLD: Final = {
    SIGNAL: ((OFFICER, DAY, 3), (MANAGER, DAY, 3), (BRANCH_HEAD, DAY, 1)),
    SIGNAL_LATE: ((OFFICER, DAY, 3), (MANAGER, DIGEST, 3), (BRANCH_HEAD, DIGEST, 1)),
    ACTION_LATE: ((OFFICER, DAY, 3), (MANAGER, DIGEST, 3), (BRANCH_HEAD, DIGEST, 1)),
    SIGNAL_READY: ((MANAGER, DIGEST, 3),),
}


def audiences() -> Iterator[tuple[str, str, str, int]]:
    """Rows of (code, audience, when, mildest level)."""
    for code, told in _TOLD.items():
        for audience, when, level in told:
            yield code, audience, when, level
