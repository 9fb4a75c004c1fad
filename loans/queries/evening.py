"""What an evening has to look at: what happened since the last close, and a part of the book that is walked whole.

Stages that would have to walk the book begin with what happened and with days reached. What got lost (a crash of
another program, a hand in the database) heals: every evening also walks one of `SLICES` ranges of loan ids with the
complete search. After a book came in, or when an operator asks for it, the whole book is walked (docs/decisions/0012).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from loans.sql import rows
from loans.sql.evening import BOUNDS, CUT, WALKS_WHOLE

SLICES = 31
# The fact by which an operator asks for a walk over the whole book this evening.
WHOLE_ASKED = "day_end.whole_asked"


class Walk(NamedTuple):
    """Loan ids above `after`, up to and including `up_to`, to be searched completely; none where they are equal."""

    after: int
    up_to: int


class Cuts(NamedTuple):
    """Where the chunks of a stage end, the open last one apart, and how many loans have something due.

    `found` are those loans where one chunk holds them all, so that its work need not search for them again.
    """

    ends: list[int]
    due: int
    found: Sequence[int] = ()


def walk_of(as_of: date, after: int, up_to: int | None) -> Walk:
    """What of a chunk is walked on a date: its part of the date's slice, or all of it."""
    ((first, last, is_whole),) = rows(WALKS_WHOLE, {"as_of": as_of, "asked": WHOLE_ASKED})
    if first is None:
        return Walk(0, 0)
    low, high = (first - 1, last) if is_whole else slice_of(as_of, first, last)
    return within(Walk(low, high), after, up_to)


def within(walk: Walk, after: int, up_to: int | None) -> Walk:
    """The part of a walk that lies in a chunk."""
    low, high = max(walk.after, after), walk.up_to if up_to is None else min(walk.up_to, up_to)
    return Walk(low, high) if low < high else Walk(0, 0)


def whole(after: int, up_to: int | None) -> Walk:
    """A walk over all loans of a chunk."""
    if up_to is None:
        ((up_to,),) = rows(BOUNDS)
    return Walk(after, up_to or 0)


def slice_of(as_of: date, first: int, last: int) -> Walk:
    """The slice of a date: on any 31 dates in a row each loan is in one."""
    size = (last - first) // SLICES + 1
    low = first - 1 + as_of.toordinal() % SLICES * size
    return Walk(low, min(low + size, last))


def cut(source: str, values: Mapping[str, Any], size: int) -> Cuts:
    """Cuts the loans that `source` finds (a query of `loan_id`) into chunks of `size` with one statement."""
    found = rows(CUT.replace("{source}", source), {**values, "size": size})
    due = found[-1][1] if found else 0
    ends = [loan_id for loan_id, n in found if n % size == 0]
    return Cuts(ends, due, () if ends else [loan_id for loan_id, _n in found])
