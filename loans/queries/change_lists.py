"""Reads of changes of contract for people: which one sees, which wait for one, who may do what with one."""

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from loans.models import ChangeState, ContractChange, Loan
from loans.models.changes import OPEN_CHANGE_STATES
from loans.queries.changes import change_authority
from loans.rules.changes import MONEY_KINDS, may_decide
from people.models import Staff
from people.queries import may, roles_of


def visible_changes(staff: Staff) -> QuerySet[ContractChange]:
    """Changes of the loans one sees, without their rows."""
    found = ContractChange.objects.filter(loan__in=Loan.objects.visible_to(staff))
    return found.select_related("loan__borrower", "loan__position", "proposed_by", "decided_by").defer(
        "request", "result"
    )


def is_within_authority(change: ContractChange, staff: Staff, limits: dict[str, str | None]) -> bool:
    """May this person decide the change, by role and balance? Whether it is the own one is another question."""
    return may(staff, "loans.approve_change") and may_decide(
        change.kind,
        is_restructuring=change.is_restructuring,
        balance=change.loan.position.principal_balance,
        roles={role.code for role in roles_of(staff)},
        limits=limits,
    )


def waiting_for(staff: Staff, on: date) -> list[int]:
    """Ids of the changes that wait for this person: to be decided by authority, or approved and to be signed."""
    found = []
    if may(staff, "loans.approve_change"):
        limits = change_authority(on)
        proposed = visible_changes(staff).filter(state=ChangeState.PROPOSED).exclude(proposed_by=staff)
        found += [change.pk for change in proposed.order_by("id") if is_within_authority(change, staff, limits)]
    if may(staff, "loans.propose_change"):
        approved = ContractChange.objects.filter(state=ChangeState.APPROVED, proposed_by=staff)
        found += list(approved.filter(loan__in=Loan.objects.visible_to(staff)).values_list("pk", flat=True))
    return found


@dataclass(frozen=True, slots=True)
class Steps:
    """What a person may do with a change; the actions decide again when a button is pressed."""

    decide: bool
    sign: bool
    apply: bool
    withdraw: bool
    reverse: bool
    # Why a proposed change cannot be decided by who looks at it.
    is_own: bool
    is_above: bool


def steps_of(change: ContractChange, staff: Staff, on: date) -> Steps:
    proposes, approves = may(staff, "loans.propose_change"), may(staff, "loans.approve_change")
    is_own = change.proposed_by_id == staff.pk
    decides = approves and change.state in (ChangeState.PROPOSED, ChangeState.APPLIED)
    within = decides and is_within_authority(change, staff, change_authority(on))
    is_proposed = change.state == ChangeState.PROPOSED
    return Steps(
        decide=is_proposed and within and not is_own,
        sign=change.state == ChangeState.APPROVED and proposes,
        apply=change.state == ChangeState.SIGNED and proposes and change.effective_on <= on,
        withdraw=change.state in OPEN_CHANGE_STATES and proposes,
        reverse=change.state == ChangeState.APPLIED and change.kind in MONEY_KINDS and within and not is_own,
        is_own=is_proposed and approves and is_own,
        is_above=is_proposed and approves and not is_own and not within,
    )
