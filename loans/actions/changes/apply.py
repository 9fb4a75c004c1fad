"""Applying a signed change at once; what cannot yet be applied waits for the evening."""

from datetime import datetime

from django.db import transaction

from loans.actions.changes.decide import locked_change
from loans.actions.changes.refusals import ChangeWaits, check_state, stale
from loans.change_wording import sentence
from loans.changing import Stale, Waits, carry_out, check_ready
from loans.models import ChangeState, ContractChange
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff


@transaction.atomic
def apply_change(*, change_id: int, by: Staff, at: datetime) -> ContractChange:
    """Carries out a signed change whose day has come; ChangeWaits or ChangeIsStale when it cannot be.

    The caller has checked that the change is visible.
    """
    require(by, "loans.propose_change")
    day = hold_business_date()
    change, position = locked_change(change_id)
    check_state(change, ChangeState.SIGNED)
    try:
        check_ready(change, as_of=day)
    except Waits as waits:
        raise ChangeWaits(sentence(waits.reason)) from waits
    except Stale as moved:
        raise stale(moved.reasons) from moved
    carry_out(change, position, as_of=day, at=at, by=by.staff_no)
    change.refresh_from_db()
    return change
