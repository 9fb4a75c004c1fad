"""Decides which changes of a task's state are legal.

The same table stands in a trigger of the first migration; a test holds the two together.
PLANNED may close by itself (a clean off-site check, a light item that was paid); work that a
person has begun ends only through a review, or because the borrower cannot be reached: with that
outcome alone a visit in progress closes.
"""

PLANNED, IN_PROGRESS, SUBMITTED, RETURNED, CLOSED, CANCELLED = (
    "PLANNED",
    "IN_PROGRESS",
    "SUBMITTED",
    "RETURNED",
    "CLOSED",
    "CANCELLED",
)
STATES = (PLANNED, IN_PROGRESS, SUBMITTED, RETURNED, CLOSED, CANCELLED)
ENDED = frozenset({CLOSED, CANCELLED})

LEGAL: frozenset[tuple[str, str]] = frozenset(
    {
        (PLANNED, IN_PROGRESS),
        (PLANNED, CLOSED),
        (PLANNED, CANCELLED),
        (IN_PROGRESS, SUBMITTED),
        (SUBMITTED, RETURNED),
        (SUBMITTED, CLOSED),
        (RETURNED, SUBMITTED),
    }
)

# Legal with this outcome alone.
WITH_OUTCOME: dict[tuple[str, str], str] = {(IN_PROGRESS, CLOSED): "SUSPECTED_LOST"}


class IllegalState(ValueError):
    """A task may not go from this state to that one."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"a task may not go from {old} to {new}")
        self.old, self.new = old, new


def may_become(old: str, new: str, outcome: str = "") -> bool:
    """Is the change legal? Staying as it is always is."""
    if old == new or (old, new) in LEGAL:
        return True
    return outcome != "" and WITH_OUTCOME.get((old, new)) == outcome


def guard(old: str, new: str, outcome: str = "") -> None:
    """Raises IllegalState when the change is not legal."""
    if not may_become(old, new, outcome):
        raise IllegalState(old, new)
