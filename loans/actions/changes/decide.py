"""Deciding a change by authority, signing it, and withdrawing it before it is applied."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from loans.actions.changes.propose import checked_words
from loans.actions.changes.refusals import (
    ChangeAboveAuthority,
    ChangeRefused,
    MakerIsNotChecker,
    check_state,
    check_version,
    stale,
)
from loans.changing import check_content, why_stale
from loans.models import ChangeState, ContractChange, Position
from loans.queries import hold_business_date, lock_positions
from loans.queries.changes import change_authority, change_facts
from loans.rules.changes import may_decide
from people.actions import require
from people.models import Staff
from people.queries import roles_of

NOTE_LEAST, NOTE_MOST = 4, 200


def locked_change(change_id: int) -> tuple[ContractChange, Position]:
    """The change as it is under the lock of its loan's position."""
    (loan_id,) = ContractChange.objects.filter(pk=change_id).values_list("loan_id", flat=True)
    found = lock_positions([loan_id])
    change = ContractChange.objects.select_related("proposed_by", "decided_by").get(pk=change_id)
    return change, found.get(loan_id) or Position.objects.get(pk=loan_id)


@transaction.atomic
def decide_change(*, change_id: int, approve: bool, note: str, version: int, by: Staff, at: datetime) -> ContractChange:
    """A second person with authority over the balance approves or rejects; a loan that moved is not approved.

    A rejection says why. The caller has checked that the change is visible.
    """
    require(by, "loans.approve_change")
    day = hold_business_date()
    change, position = locked_change(change_id)
    check_version(change, version)
    check_state(change, ChangeState.PROPOSED)
    check_authority(change, position, by, day)
    note = checked_words(note, "note", 0 if approve else NOTE_LEAST, NOTE_MOST)
    if approve:
        check_content(change)
        reasons = why_stale(change, change_facts(change.loan_id, as_of=day, effective_on=change.effective_on))
        if reasons:
            raise stale(reasons)
        if change.expires_on < day:
            raise ChangeRefused(_("报价已于 %(day)s 失效。") % {"day": change.expires_on}, code="change_expired")
    values = {"decided_by": by, "decided_at": at, "decision_note": note}
    if not approve:
        values |= {"ended_on": day, "end_reason": note}
    state = ChangeState.APPROVED if approve else ChangeState.REJECTED
    _move(change, state, by, at, day, {"sha256": change.result_sha256}, **values)
    return change


def check_authority(change: ContractChange, position: Position, by: Staff, day: date) -> None:
    """MakerIsNotChecker or ChangeAboveAuthority unless this person may decide this change."""
    if change.proposed_by_id == by.pk:
        raise MakerIsNotChecker(_("不能审批本人提交的变更。"))
    limits = change_authority(day)
    roles = {role.code for role in roles_of(by)}
    if not may_decide(
        change.kind, is_restructuring=change.is_restructuring, balance=position.principal_balance, roles=roles,
        limits=limits,
    ):  # fmt: skip
        raise ChangeAboveAuthority(_("该变更超出您的审批权限，请提交有权人审批。"))


@transaction.atomic
def sign_change(*, change_id: int, note: str, version: int, by: Staff, at: datetime) -> ContractChange:
    """The borrower has signed what was approved; the note says how and where."""
    require(by, "loans.propose_change")
    note = checked_words(note, "note", NOTE_LEAST, NOTE_MOST)
    day = hold_business_date()
    change, _position = locked_change(change_id)
    check_version(change, version)
    check_state(change, ChangeState.APPROVED)
    if change.expires_on < day:
        raise ChangeRefused(_("报价已于 %(day)s 失效。") % {"day": change.expires_on}, code="change_expired")
    _move(change, ChangeState.SIGNED, by, at, day, {}, signed_on=day, signature_note=note)
    return change


@transaction.atomic
def withdraw_change(*, change_id: int, reason: str, by: Staff, at: datetime) -> ContractChange:
    """Takes an open change back before it is applied."""
    require(by, "loans.propose_change")
    reason = checked_words(reason, "reason", NOTE_LEAST, 400)
    day = hold_business_date()
    change, _position = locked_change(change_id)
    check_state(change, ChangeState.PROPOSED, ChangeState.APPROVED, ChangeState.SIGNED)
    _move(change, ChangeState.WITHDRAWN, by, at, day, {}, ended_on=day, end_reason=reason, ended_by=by)
    return change


def _move(
    change: ContractChange, state: ChangeState, by: Staff, at: datetime, day: date, data: dict[str, str],
    **values: object,
) -> None:  # fmt: skip
    """Writes the next state and its fact."""
    values |= {"state": state, "version": change.version + 1}
    ContractChange.objects.filter(pk=change.pk).update(**values)
    record(
        kind=f"loans.change_{state.lower()}", subject_type="contract_change", subject_id=change.pk,
        loan_id=change.loan_id, by=by.staff_no, at=at, business_date=day,
        data={"kind": change.kind, **data},
    )  # fmt: skip
    change.refresh_from_db()
