"""Decides which follow-ups of one customer or one home are made in one visit, and what that visit then is.

Talks of the same customer, spouse, co-borrower or home that fall due within so many days of each other (the bank's
number, 45 where it names none) become one visit: as early, as thorough and as urgent as each of them. Only what nobody
has begun, fixed or merged by hand is touched; two that a person took apart stay apart. Dates only come forward. A first
talk comes along only once its window is open. Answered a second time nothing changes: tasks are taken by their dates,
and a visit keeps what it does already.

Talks of several branches are one visit only where its officer may see them all; the visit of who sees the most leads.
Two that nobody concerned may see together are left to whoever sees both (`strangers`).
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, timedelta

from followups.rules.facts import FIRST, IRREGULAR, WEIGHT

# The bank's parameter, and what holds where it has none.
DAYS, DEFAULT_DAYS = "talk_merge_days", 45
WITHIN = timedelta(days=DEFAULT_DAYS)
Pair = frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """An untouched talk; `lead_id` is the visit that does it along already, `is_kept` what a person has merged."""

    id: int
    loan_id: int
    borrower_id: int
    homes: frozenset[int] = frozenset()
    branch_id: int
    officer_id: int | None
    approver_id: int | None = None
    kind: str
    method: str
    level: int
    opens_on: date
    due_on: date
    lead_id: int | None = None
    is_kept: bool = False
    # Of the branches at hand, those in which the officer may make visits; none where nobody has the task. Of what a
    # visit does along it is still the officer's whose it was, so that joined it is judged as before.
    sees: frozenset[int] = frozenset()
    # The officer may be given nothing new; what the visit does along already stays with it.
    takes_none: bool = False


BORROWER, RELATED, HOME = "BORROWER", "RELATED", "HOME"


@dataclass(frozen=True, slots=True)
class Strangers:
    """Two talks that belong in one visit but lie in branches which neither officer may see together; and why."""

    one: Talk
    other: Talk
    why: str


@dataclass(frozen=True, slots=True)
class Together:
    """Visits that become more urgent (as they were, as they have to be), tasks that a visit does along from now on
    (with that visit), and tasks that their visit does along no more."""

    tightened: tuple[tuple[Talk, Talk], ...]
    joined: tuple[tuple[Talk, Talk], ...]
    apart: tuple[Talk, ...]


def strictest(lead: Talk, members: Iterable[Talk]) -> Talk:
    """The one visit: earliest limit, heaviest method, most urgent level."""
    every = (lead, *members)
    due_on = min(each.due_on for each in every)
    return replace(
        lead, due_on=due_on, opens_on=min(lead.opens_on, due_on), level=min(each.level for each in every),
        method=max((each.method for each in every), key=lambda method: (WEIGHT[method], method == lead.method)),
    )  # fmt: skip


def together(
    talks: Sequence[Talk],
    related: AbstractSet[Pair],
    apart: AbstractSet[Pair] = frozenset(),
    *,
    within: timedelta = WITHIN,
) -> Together:
    """Which of these talks one visit makes. `related` are borrowers who belong together, `apart` tasks taken apart."""
    before = {each.id: each for each in talks}
    now = before
    for _round in range(len(talks) + 1):
        # A visit that came forward may have come near another one of the same people.
        following = _settled(now, related, apart, within)
        if following == now:
            break
        now = following
    changed = [pk for pk in sorted(now) if now[pk] != before[pk]]
    return Together(
        tightened=tuple((before[pk], now[pk]) for pk in changed if replace(now[pk], lead_id=before[pk].lead_id)
                        != before[pk]),
        joined=tuple((now[now[pk].lead_id or 0], now[pk]) for pk in changed
                     if now[pk].lead_id is not None and now[pk].lead_id != before[pk].lead_id),
        apart=tuple(before[pk] for pk in changed
                    if before[pk].lead_id is not None and now[pk].lead_id != before[pk].lead_id),
    )  # fmt: skip


def _settled(
    now: Mapping[int, Talk], related: AbstractSet[Pair], apart: AbstractSet[Pair], within: timedelta
) -> dict[int, Talk]:
    """One pass over the talks by their dates."""
    leads = {each.lead_id for each in now.values()}
    by_hand = {each.lead_id for each in now.values() if each.is_kept}
    free = [
        each for each in sorted(now.values(), key=lambda one: (one.due_on, one.id))
        if not each.is_kept and each.id not in by_hand
        and (each.lead_id is None or each.lead_id in now and each.lead_id not in by_hand)
    ]  # fmt: skip
    after = dict(now)
    while free:
        lead, members = _led(free, leads, related, apart, within)
        after[lead.id] = replace(strictest(lead, members), lead_id=None)
        after.update({each.id: replace(each, lead_id=lead.id) for each in members})
        taken = {lead.id, *(each.id for each in members)}
        free = [each for each in free if each.id not in taken]
    return after


def _led(
    free: Sequence[Talk],
    leads: AbstractSet[int | None],
    related: AbstractSet[Pair],
    apart: AbstractSet[Pair],
    within: timedelta,
) -> tuple[Talk, list[Talk]]:
    """The visit round the earliest talk and what it does along; whose officer may see most of it leads, of those one
    that has led, else the most urgent."""
    seed = free[0]
    near = [each for each in free if each is seed or _fits(seed, each, seed.due_on, related, apart, within)]
    lead = min(
        (each for each in near if may_do_along(each, seed)),
        key=lambda one: (
            sum(not may_do_along(one, other) for other in near), one.id not in leads, one.level,
            one.kind != IRREGULAR, -WEIGHT[one.method], one.due_on, one.id,
        ),
    )  # fmt: skip
    return lead, [
        each for each in free
        if each is not lead and may_do_along(lead, each) and _fits(lead, each, seed.due_on, related, apart, within)
    ]  # fmt: skip


def may_do_along(lead: Talk, task: Talk) -> bool:
    """May the officer of the one see the branch of the other: within a branch always, else only who sees both."""
    if lead.branch_id == task.branch_id:
        return True
    return _sees_both(lead, task) and (not lead.takes_none or task.lead_id == lead.id)


def _sees_both(one: Talk, other: Talk) -> bool:
    return {one.branch_id, other.branch_id} <= one.sees


def _fits(
    lead: Talk, task: Talk, due_on: date, related: AbstractSet[Pair], apart: AbstractSet[Pair], within: timedelta
) -> bool:
    """May a visit due on the day do the task along?"""
    return (
        bool(_belong_together(lead, task, related))
        and _is_near(lead, task, due_on, within)
        and frozenset((lead.id, task.id)) not in apart
        and not {lead.officer_id, task.officer_id} & ({lead.approver_id, task.approver_id} - {None})
    )


def _is_near(one: Talk, other: Talk, due_on: date, within: timedelta) -> bool:
    """Is the day near the other's limit, and no first talk held before its window?"""
    return other.due_on - due_on <= within and all(
        each.kind != FIRST or each.opens_on <= due_on for each in (one, other)
    )


def _belong_together(one: Talk, other: Talk, related: AbstractSet[Pair]) -> str:
    """Why they do; empty where they do not."""
    if one.borrower_id == other.borrower_id:
        return BORROWER
    if frozenset((one.borrower_id, other.borrower_id)) in related:
        return RELATED
    return HOME if one.homes & other.homes else ""


def standing_after(talks: Sequence[Talk], found: Together) -> list[Talk]:
    """The talks as they stand once what was found is written."""
    now = {each.id: each for each in talks}
    now.update({after.id: after for _before, after in found.tightened})
    now.update({each.id: replace(each, lead_id=None) for each in found.apart})
    now.update({each.id: each for _lead, each in found.joined})
    return [now[each.id] for each in talks]


def strangers(
    talks: Sequence[Talk],
    related: AbstractSet[Pair],
    apart: AbstractSet[Pair] = frozenset(),
    *,
    within: timedelta = WITHIN,
) -> tuple[Strangers, ...]:
    """Pairs of visits, what they do along aside, that nobody concerned may make one of; the smaller id first."""
    heads = sorted((each for each in talks if each.lead_id is None), key=lambda each: each.id)
    found = []
    for number, one in enumerate(heads):
        for other in heads[number + 1 :]:
            if one.branch_id == other.branch_id or _sees_both(one, other) or _sees_both(other, one):
                continue
            first, last = sorted((one, other), key=lambda each: (each.due_on, each.id))
            why = _belong_together(one, other, related)
            if why and _is_near(first, last, first.due_on, within) and frozenset((one.id, other.id)) not in apart:
                found.append(Strangers(one, other, why))
    return tuple(found)
