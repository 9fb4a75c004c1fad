"""Further ways to find a loan by a search word, of rooms above: by its home, by a task. Named once by the composition
root; a way answers only words of its own shape, so that the others cost nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet

from people.models import Staff

# Ids of the loans that the word names: a few, or the query for them; None when it is no word of this way.
Loans = list[int] | QuerySet[Any, int]
Way = Callable[[str], Loans | None]
# The page that the word leads to at once, as far as the person may see it; empty when there is none.
Lead = Callable[[str, Staff], str]

_ways: list[Way] = []
_leads: list[Lead] = []


def install(ways: Sequence[Way], leads: Sequence[Lead]) -> None:
    """Takes the place of what was named before."""
    _ways[:], _leads[:] = ways, leads


def named_above(word: str) -> Loans | None:
    """What the first way answers that knows the word's shape."""
    return next((found for way in _ways if (found := way(word)) is not None), None)


def leads_to(word: str, staff: Staff) -> str:
    return next((address for lead in _leads if (address := lead(word, staff))), "")
