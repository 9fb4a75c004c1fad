"""Decides who should make a follow-up, who goes along, and says why.

The portfolio officer visits the own loans (谁经办谁管户), also while away: the deputy covers by dates, nothing moves.
Without a fit one it is somebody of the loan's branch who is there, has room this week, knows the district and has the
least to do, in this order. Field and red visits get a second visitor who is independent of the loan; who approved the
loan is never its only visitor. Certificates gate only after the warning period; before it they are a remark.
A policy line may ask for a role: who has it not does not lead, the portfolio officer included.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

FIELD, RED = "FIELD", 1
# For how many days from the bank's first date a missing certificate is only a remark, where the bank sets none.
WARNING_DAYS = 90
OWNER, TERRITORY, LEAST_LOAD, OVER_CEILING = "OWNER", "TERRITORY", "LEAST_LOAD", "OVER_CEILING"
AWAY_COVERED, APPROVER, NOT_CERTIFIED, NOBODY = "AWAY_COVERED", "APPROVER", "NOT_CERTIFIED", "NOBODY"
SECOND, NO_SECOND = "SECOND", "NO_SECOND"
ROLE = "ROLE"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member of staff who makes visits: how much is planned this week, and how many loans in which district."""

    staff_id: int
    branch_id: int
    planned: int = 0
    ceiling: int = 8
    is_away: bool = False
    is_certified: bool = True
    districts: tuple[tuple[str, int], ...] = ()
    # For how many visits of the coming weeks they are to go along already.
    beside: int = 0
    roles: tuple[str, ...] = ()

    def loans_in(self, district: str) -> int:
        return next((count for name, count in self.districts if name == district), 0) if district else 0

    @property
    def has_room(self) -> bool:
        return self.planned < self.ceiling


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be assigned."""

    branch_id: int
    method: str
    level: int = 9
    district: str = ""
    owner_id: int | None = None
    approver_id: int | None = None
    # The role that the policy line asks of who leads; empty: anybody who makes visits.
    role: str = ""

    @property
    def needs_second(self) -> bool:
        return self.method == FIELD or self.level == RED


@dataclass(frozen=True, slots=True)
class Why:
    """One reason of a choice, with whom it is about."""

    code: str
    staff_id: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who leads (None when nobody may) and who goes along; `why` in the order it was decided."""

    lead_id: int | None
    second_id: int | None
    why: tuple[Why, ...]


def gates(today: date, live_on: date, warning_days: int) -> bool:
    """Do certificates keep people from visits yet?"""
    return today >= live_on + timedelta(days=warning_days)


def propose(work: Work, candidates: Sequence[Candidate], *, is_gated: bool) -> Proposal:
    """Lead and second visitor for the work."""
    fit = [one for one in candidates if one.branch_id == work.branch_id and (one.is_certified or not is_gated)]
    why: list[Why] = []
    able = [one for one in fit if not work.role or work.role in one.roles]
    lead = next((one for one in able if one.staff_id == work.owner_id), None)
    if lead is not None and lead.staff_id == work.approver_id and not _second(work, lead.staff_id, fit):
        why.append(Why(APPROVER, lead.staff_id))
        lead = None
    if lead is None:
        others = [one for one in able if one.staff_id != work.approver_id]
        lead = min(others, key=lambda one: _rank(one, work), default=None)
        if lead is None:
            return Proposal(None, None, (*why, Why(NOBODY)))
        if work.role:
            why.append(Why(ROLE, lead.staff_id))
        why.append(Why(TERRITORY if lead.loans_in(work.district) else LEAST_LOAD, lead.staff_id))
    else:
        why.append(Why(OWNER, lead.staff_id))
    if lead.is_away:
        why.append(Why(AWAY_COVERED, lead.staff_id))
    if not lead.has_room:
        why.append(Why(OVER_CEILING, lead.staff_id))
    if not lead.is_certified:
        why.append(Why(NOT_CERTIFIED, lead.staff_id))
    second = _second(work, lead.staff_id, fit) if work.needs_second else None
    if work.needs_second:
        why.append(Why(SECOND, second.staff_id) if second else Why(NO_SECOND))
    return Proposal(lead.staff_id, second.staff_id if second else None, tuple(why))


def explain(work: Work, candidates: Sequence[Candidate], *, is_gated: bool) -> tuple[Why, ...]:
    """Why this person."""
    return propose(work, candidates, is_gated=is_gated).why


def propose_second(work: Work, lead_id: int, candidates: Sequence[Candidate], *, is_gated: bool) -> Proposal:
    """Who goes along with whom the task is assigned to already; the lead stays."""
    fit = [one for one in candidates if one.branch_id == work.branch_id and (one.is_certified or not is_gated)]
    second = _second(work, lead_id, fit)
    why = Why(SECOND, second.staff_id) if second else Why(NO_SECOND)
    return Proposal(lead_id, second.staff_id if second else None, (why,) if work.needs_second else ())


def _rank(one: Candidate, work: Work) -> tuple[bool, bool, int, int, int]:
    return (one.is_away, not one.has_room, -min(1, one.loans_in(work.district)), one.planned, one.staff_id)


def _second(work: Work, lead_id: int, fit: Sequence[Candidate]) -> Candidate | None:
    """Somebody present who neither manages nor approved the loan, with the least to do."""
    if not work.needs_second:
        return None
    no = {lead_id, work.owner_id, work.approver_id}
    free = [one for one in fit if one.staff_id not in no and not one.is_away]
    return min(free, key=lambda one: (not one.has_room, one.planned + one.beside, one.staff_id), default=None)
