"""Decides what stands in a person's digest of the morning: counts of work, each with the list it can be looked up in.

An officer gets the own work and that of whom they stand in for today; who assigns work what reached its limit since the
last digest, by officer, pairs of one household in two branches, and what else is late; who reviews what waits for their
opinion; who reviews and sits above a branch what is past its limit by a fifth, which notices tell on a Monday. Only
branches one sees count.
Where nothing is, nobody is told; a digest keeps its figures by branch and officer, so that later a reader who lost a
branch is shown the rest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

DUE_TODAY, PAST_LIMIT, RETURNED, CORRECT, URGENT, SIGNALS, INBOX, TO_TELL = (
    "DUE_TODAY", "PAST_LIMIT", "RETURNED", "CORRECT", "URGENT", "SIGNALS", "INBOX", "TO_TELL",
)  # fmt: skip
REACHED_100, REACHED_120, TELL_LATE, SIGNALS_LATE = "REACHED_100", "REACHED_120", "TELL_LATE", "SIGNALS_LATE"
ACROSS = "ACROSS"
REVIEW, REVIEW_LATE, WEEKLY_120 = "REVIEW", "REVIEW_LATE", "WEEKLY_120"
RECORDS, ASSIGNS, REVIEWS, REVIEWS_RED = (
    "followups.record_visit", "followups.assign", "followups.review", "followups.review_red",
)  # fmt: skip
# In the order in which they are read. Which permission makes it somebody's.
NEEDS: Mapping[str, tuple[str, ...]] = {
    DUE_TODAY: (RECORDS,), PAST_LIMIT: (RECORDS,), RETURNED: (RECORDS,), CORRECT: (RECORDS,), URGENT: (RECORDS,),
    SIGNALS: (RECORDS,), INBOX: (RECORDS,), TO_TELL: (RECORDS,),
    REACHED_100: (ASSIGNS,), REACHED_120: (ASSIGNS,), TELL_LATE: (ASSIGNS,), SIGNALS_LATE: (ASSIGNS,),
    ACROSS: (ASSIGNS,),
    REVIEW: (REVIEWS, REVIEWS_RED), REVIEW_LATE: (REVIEWS, REVIEWS_RED), WEEKLY_120: (REVIEWS,),
}  # fmt: skip
# Of the own portfolio alone, whoever stands in.
_NOT_COVERED = (SIGNALS,)
_OF_OFFICER = tuple(code for code, needs in NEEDS.items() if needs == (RECORDS,))
_OF_BRANCH = tuple(code for code, needs in NEEDS.items() if needs == (ASSIGNS,))


@dataclass(frozen=True, slots=True)
class Member:
    """Who might get a digest; `branches` are those whose loans the person sees, None for the whole bank."""

    id: int
    branch_id: int
    permissions: frozenset[str]
    branches: frozenset[int] | None
    covers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """So much of a branch and an officer (None: nobody has it); of two branches, only for who sees both; of
    corrections, who opened them makes none."""

    branch_id: int
    officer_id: int | None
    count: int
    beside_id: int | None = None
    opened_by: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Reports that wait for an opinion, alike in whose turn it is; `late` of them are past their day."""

    branch_id: int
    is_red: bool
    endorsed_by: int | None
    makers: frozenset[int]
    has_manager: bool
    count: int
    late: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a digest, with what it is made of."""

    code: str
    parts: tuple[Part, ...]

    @property
    def count(self) -> int:
        return sum(part.count for part in self.parts)


class Work:
    """All that there is of a morning, laid out so that each person's share is looked up, not searched."""

    def __init__(self, piles: Iterable[tuple[str, Part]], waiting: Iterable[Waiting]) -> None:
        self.of_officer: dict[tuple[str, int], list[Part]] = defaultdict(list)
        self.of_code: dict[str, dict[int, list[Part]]] = defaultdict(lambda: defaultdict(list))
        self.waiting = list(waiting)
        for code, part in piles:
            if part.officer_id is not None:
                self.of_officer[code, part.officer_id].append(part)
            self.of_code[code][part.branch_id].append(part)


def figures_of(member: Member, work: Work) -> tuple[Figure, ...]:
    """What the person is told this morning; empty where there is nothing."""
    found = {code: _parts(code, member, work) for code in NEEDS if member.permissions & set(NEEDS[code])}
    return tuple(Figure(code, tuple(parts)) for code, parts in found.items() if parts)


def _parts(code: str, member: Member, work: Work) -> list[Part]:
    if code in _OF_OFFICER:
        holders = (member.id,) if code in _NOT_COVERED else (member.id, *member.covers)
        every = [part for holder in holders for part in work.of_officer.get((code, holder), ())]
        return [part for part in every if _sees(member, part.branch_id) and part.opened_by != member.id]
    if code in (REVIEW, REVIEW_LATE):
        return _reviews(code, member, work.waiting)
    by_branch = work.of_code.get(code, {})
    return [
        part for branch_id in sorted(by_branch)
        if _sees(member, branch_id) and (code in _OF_BRANCH or branch_id != member.branch_id)
        for part in by_branch[branch_id]
        if part.beside_id is None or _sees(member, part.beside_id)
    ]  # fmt: skip


def _sees(member: Member, branch_id: int) -> bool:
    return member.branches is None or branch_id in member.branches


def _reviews(code: str, member: Member, waiting: Sequence[Waiting]) -> list[Part]:
    counts: dict[int, int] = defaultdict(int)
    for one in waiting:
        if _sees(member, one.branch_id) and member.id not in one.makers and _is_turn(member, one):
            counts[one.branch_id] += one.count if code == REVIEW else one.late
    return [Part(branch_id, None, count) for branch_id, count in sorted(counts.items()) if count]


def _is_turn(member: Member, one: Waiting) -> bool:
    """A red report waits for a manager's opinion first, if one is there, then for a risk head who did not give it."""
    reviews, reviews_red = REVIEWS in member.permissions, REVIEWS_RED in member.permissions
    if not one.is_red:
        return reviews
    if one.endorsed_by is not None:
        return reviews_red and one.endorsed_by != member.id
    return reviews and not (reviews_red and one.has_manager)


def still_seen(
    figures: Iterable[Figure], *, permissions: AbstractSet[str], branches: AbstractSet[int]
) -> tuple[Figure, ...]:
    """Of the figures as they stood, what the person may see now."""
    found = []
    for figure in figures:
        parts = tuple(part for part in figure.parts if {part.branch_id, part.beside_id or part.branch_id} <= branches)
        if parts and permissions & set(NEEDS.get(figure.code, ())):
            found.append(replace(figure, parts=parts))
    return tuple(found)
