"""Decides what the correction of an approved report changes of what it left behind: registers, measures, answers.

What the first version handed down was handed down once. The correction moves only what it says otherwise, and only
where the register still holds the first version's word: what somebody has recorded since is left as it is, and said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from followups.rules.checklist import answer_of
from followups.rules.delivery import NOT_DELIVERED, delivered
from followups.rules.events import ITEM_PREFIX

YES, NO = "true", "false"
_AMOUNTS: Final = ("monthly_income", "other_monthly_debt")
# History is not mended with words: how the borrower was reached, who went along, what became of each event.
FIXED: Final = ("contact_outcome", "second_visitor")


def registers(found: Mapping[str, str], seen_on: date) -> dict[str, str]:
    """Register → its value as these answers say it; the answers are those that were new, by item."""
    kept = ("employer", "monthly_income", "other_monthly_debt", "phone", "registration_kind", "registration_no")
    values = {key: found[key] for key in kept if found.get(key)}
    occupancy = found.get("occupancy", "")
    if occupancy and occupancy != NOT_DELIVERED:
        values["is_owner_occupied"] = YES if occupancy == "OWNER" else NO
    is_delivered = delivered(occupancy, found.get("delivered_on", ""), seen_on)
    if is_delivered is not None:
        values["is_delivered"] = YES if is_delivered else NO
    if found.get("insurance_until"):
        values["insured_until"] = found["insurance_until"]
    return values


def baseline(known: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The same registers as the visit found them; what was not known then is absent."""
    values = {key: str(fact.get("value") or "") for key, fact in known.items()}
    occupancy = values.get("occupancy", "")
    told = {**values, "insured_until": values.get("insurance_until", "")}
    told["is_owner_occupied"] = "" if occupancy in ("", NOT_DELIVERED) else YES if occupancy == "OWNER" else NO
    return {key: value for key, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Moves:
    """Registers to be written with their values, and those that are left although the versions differ on them."""

    write: Mapping[str, str]
    left: tuple[str, ...]


def moves(
    first: Mapping[str, str], second: Mapping[str, str], before: Mapping[str, str], now: Mapping[str, str]
) -> Moves:
    """What becomes of each register: `first` and `second` are what the versions say, `before` what the visit found,
    `now` what stands. A register goes back to what the visit found when the second version is silent about it."""
    write: dict[str, str] = {}
    left = []
    for key in sorted(first.keys() | second.keys()):
        was, wanted = first.get(key, before.get(key)), second.get(key, before.get(key))
        if same(key, first.get(key), second.get(key)) or same(key, wanted, now.get(key)):
            continue
        if wanted is None or not same(key, was, now.get(key)):
            left.append(key)
        else:
            write[key] = wanted
    return Moves(write, tuple(left))


def same(key: str, one: str | None, other: str | None) -> bool:
    """Is it the same value of a register? Amounts may be written with other decimals."""
    if one is None or other is None or key not in _AMOUNTS:
        return one == other
    return Decimal(one) == Decimal(other)


@dataclass(frozen=True, slots=True)
class Opened:
    """A measure that an earlier version opened and nobody has ended."""

    id: int
    code: str
    owner: str
    due_on: date
    words: str


def measures(
    opened: Iterable[Opened], known: Iterable[str], said: Iterable[Mapping[str, Any]]
) -> tuple[list[int], list[str]]:
    """Measures to drop, and codes of those to open: `known` are kinds of the version in force, and those that are done.

    The same measure with the same owner, day and words goes on; one that is ended is neither dropped nor opened again.
    """
    wanted = {str(one["code"]): one for one in said}
    running = {one.code: one for one in opened}
    drop = [one.id for one in running.values() if one.code not in wanted or not _goes_on(one, wanted[one.code])]
    dropped = {one.code for one in running.values() if one.id in drop}
    known = set(known)
    return sorted(drop), [code for code in wanted if code not in known or code in dropped]


def _goes_on(one: Opened, said: Mapping[str, Any]) -> bool:
    told = (str(said["owner"]["staff_no"]), str(said["due_on"]), str(said["words"]))
    return (one.owner, one.due_on.isoformat(), one.words) == told


def fixed_faults(before: Mapping[str, Any], draft: Mapping[str, Any]) -> list[str]:
    """Inputs of history that the draft says otherwise than the approved answers."""
    keys = [key for key in FIXED if _text(before, key) != _text(draft, key)]
    told = {*(before.get("answers") or {}), *(draft.get("answers") or {})}
    asked = sorted(key for key in told if key.startswith(ITEM_PREFIX))
    return [*keys, *(key for key in asked if _answer(before, key) != _answer(draft, key))]


def _text(draft: Mapping[str, Any], key: str) -> str:
    return str(draft.get(key) or "")


def _answer(draft: Mapping[str, Any], key: str) -> tuple[str, str]:
    answer = answer_of(draft, key)
    return str(answer.get("choice") or ""), str(answer.get("now") or "")
