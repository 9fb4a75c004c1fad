"""Decides which follow-ups of one customer or one home are made in one visit, and what that visit then is.

Talks of the same customer, spouse, co-borrower or home that fall due within so many days of each other (the bank's
number, 45 where it names none) become one visit: as early, as thorough and as urgent as each of them. Only what nobody
has begun, fixed or merged by hand is touched; two that a person took apart stay apart. Dates only come forward. A first
talk comes along only once its window is open. Answered a second time nothing changes: tasks are taken by their dates,
and a visit keeps what it does already.
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
    """The visit round the earliest talk and what it does along; one that has led stays, else the most urgent leads."""
    seed = free[0]
    lead = min(
        (each for each in free if each is seed or _fits(seed, each, seed.due_on, related, apart, within)),
        key=lambda one: (
            one.id not in leads, one.level, one.kind != IRREGULAR, -WEIGHT[one.method], one.due_on, one.id,
        ),
    )  # fmt: skip
    return lead, [each for each in free if each is not lead and _fits(lead, each, seed.due_on, related, apart, within)]


def _fits(
    lead: Talk, task: Talk, due_on: date, related: AbstractSet[Pair], apart: AbstractSet[Pair], within: timedelta
) -> bool:
    """May a visit due on the day do the task along?"""
    return (
        _belong_together(lead, task, related)
        and lead.branch_id == task.branch_id
        and task.due_on - due_on <= within
        and all(each.kind != FIRST or each.opens_on <= due_on for each in (lead, task))
        and frozenset((lead.id, task.id)) not in apart
        and not {lead.officer_id, task.officer_id} & ({lead.approver_id, task.approver_id} - {None})
    )


def _belong_together(one: Talk, other: Talk, related: AbstractSet[Pair]) -> bool:
    return (
        one.borrower_id == other.borrower_id
        or frozenset((one.borrower_id, other.borrower_id)) in related
        or bool(one.homes & other.homes)
    )
