"""The evening's work on changes of contract: apply what is signed, end what lapsed, watch what is restructured.

Few rows an evening: the statement finds them through partial indexes, each is decided and written by itself under its
loan's lock.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record_many
from loans import sql
from loans.batch.chunks import scope_of
from loans.change_wording import sentence, stale_sentence
from loans.changing import Stale, Waits, carry_out, check_ready, observation_of
from loans.facts import loan_fact
from loans.models import ChangeState, ContractChange, Loan, Position
from loans.models.changes import OPEN_CHANGE_STATES
from loans.queries import lock_positions
from loans.queries.bank import parameter
from loans.queries.changes import overdue_spans, restarts_of, unpaid_on
from loans.rules.aging import NON_PERFORMING
from loans.rules.change_record import StoredTerms
from loans.rules.changes import observed_since
from loans.rules.dates import add_months


@transaction.atomic
def apply_changes(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Applies signed changes whose day has come; those that went stale or lapsed end, with the reason in words."""
    counts = {"applied": 0, "waiting": 0, "expired": 0}
    for change, position in _locked(sql.OPEN_CHANGES, scope_of(as_of, after, up_to, loan_ids)):
        if change.state not in OPEN_CHANGE_STATES:
            continue
        why = _lapsed(change, as_of)
        if change.state == ChangeState.SIGNED and change.effective_on <= as_of:
            try:
                check_ready(change, as_of=as_of)
            except Stale as moved:
                why = stale_sentence(moved.reasons)
            except Waits as waits:
                why = why and sentence(waits.reason)
            else:
                carry_out(change, position, as_of=as_of, at=at, by="system")
                counts["applied"] += 1
                continue
        if why:
            _expire(change, why, as_of, at)
            counts["expired"] += 1
        else:
            counts["waiting"] += 1
    return counts


def _locked(statement: str, scope: dict[str, Any]) -> list[tuple[ContractChange, Position]]:
    """Changes found, read again under the locks of their loans."""
    found = dict(sql.rows(statement, scope))
    if not found:
        return []
    positions = lock_positions(found.values())
    rows = ContractChange.objects.filter(pk__in=found).order_by("loan_id", "id")
    return [(row, positions[row.loan_id]) for row in rows]


def _lapsed(change: ContractChange, as_of: date) -> str:
    """Why an open change ends this evening; empty while it still binds."""
    if change.expires_on > as_of:
        return ""
    if change.state == ChangeState.PROPOSED:
        return _("截至 %(day)s 未审批，报价失效。") % {"day": change.expires_on}
    if change.state == ChangeState.APPROVED:
        return _("截至 %(day)s 未签署，报价失效。") % {"day": change.expires_on}
    return _("截至 %(day)s 未能生效。") % {"day": change.expires_on}


def _expire(change: ContractChange, why: str, as_of: date, at: datetime) -> None:
    ContractChange.objects.filter(pk=change.pk).update(
        state=ChangeState.EXPIRED, ended_on=as_of, end_reason=why[:400], version=change.version + 1
    )
    data = {"change": change.pk, "kind": change.kind, "reason": why[:400]}
    record_many([loan_fact("loans.change_expired", change.loan_id, as_of, at, "system", data)])


@transaction.atomic
def watch_changes(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
) -> dict[str, int]:
    """Watches restructured loans: a missed payment starts the observation anew; kept to its end, the floor goes.

    A restart for a payment that has come since with a value date in time is undone. A non-performing floor goes only
    when the test of an upgrade is met, however long the loan is observed.
    """
    counts = {"restarted": 0, "undone": 0, "upgraded": 0, "ended": 0}
    for change, position in _locked(sql.OBSERVED_CHANGES, scope_of(as_of, after, up_to, loan_ids)):
        if change.state != ChangeState.OBSERVED or change.observed_from is None or change.observed_until is None:
            continue
        if position.settled_on is None:
            counts["undone"] += _undo_restart(change, as_of, at)
        if position.settled_on is not None:
            _end(change, as_of, at)
            counts["ended"] += 1
        elif position.overdue_since is not None:
            counts["restarted"] += _restart(change, position, as_of, at)
        elif position.class_floor in NON_PERFORMING and not _may_upgrade(change, as_of):
            continue
        elif as_of >= change.observed_until:
            _end(change, as_of, at)
            counts["ended"] += 1
        elif position.class_floor in NON_PERFORMING:
            _upgrade(change, position, as_of, at)
            counts["upgraded"] += 1
    return counts


def _restart(change: ContractChange, position: Position, as_of: date, at: datetime) -> int:
    """From the next due date on; as long as the loan is overdue this moves on with each due date."""
    assert change.observed_from is not None
    begins = position.next_due_on
    if as_of < change.observed_from or begins is None or begins <= change.observed_from:
        return 0
    begins, ends = observation_of(begins, as_of)
    ContractChange.objects.filter(pk=change.pk).update(
        observed_from=begins, observed_until=ends, version=change.version + 1
    )
    data = {"change": change.pk, "observed_from": str(begins), "observed_until": str(ends)}
    record_many([loan_fact("loans.observation_restarted", change.loan_id, as_of, at, "system", data)])
    return 1


def _undo_restart(change: ContractChange, as_of: date, at: datetime) -> int:
    """Goes back to the beginning that counts when nothing was missed before the present one."""
    assert change.observed_from is not None
    first = StoredTerms(**change.result["after_terms"]).days[0]
    if change.observed_from <= first:
        return 0
    loan = Loan.objects.get(pk=change.loan_id)
    since = observed_since(first, restarts_of(change), overdue_spans(loan, first, as_of))
    if since >= change.observed_from:
        return 0
    data = {"change": change.pk, "before": str(change.observed_from), "observed_from": str(since)}
    change.observed_from, change.observed_until = observation_of(since, as_of)
    change.version += 1
    ContractChange.objects.filter(pk=change.pk).update(
        observed_from=change.observed_from, observed_until=change.observed_until, version=change.version
    )
    data["observed_until"] = str(change.observed_until)
    record_many([loan_fact("loans.observation_restart_undone", change.loan_id, as_of, at, "system", data)])
    return 1


def _may_upgrade(change: ContractChange, as_of: date) -> bool:
    """The test of an upgrade: paid on time for long enough, and nothing left of fees, penalty and compound interest.

    Charges of what was paid late stay owed when the installment itself is paid; without them there are arrears.
    """
    assert change.observed_from is not None
    least = parameter("upgrade_observation", as_of, default={"periods": 2, "months": 6})
    if as_of < add_months(change.observed_from, max(int(least["periods"]), int(least["months"]))):
        return False
    unpaid = unpaid_on(change.loan_id, as_of)
    return not (unpaid.charges_fen or unpaid.fees_fen)


def _upgrade(change: ContractChange, position: Position, as_of: date, at: datetime) -> None:
    """A non-performing floor becomes SPECIAL_MENTION."""
    Position.objects.filter(pk=position.pk).update(class_floor="SPECIAL_MENTION")
    data = {"change": change.pk, "from": position.class_floor, "to": "SPECIAL_MENTION"}
    record_many([loan_fact("loans.class_floor_raised", change.loan_id, as_of, at, "system", data)])


def _end(change: ContractChange, as_of: date, at: datetime) -> None:
    ContractChange.objects.filter(pk=change.pk).update(
        state=ChangeState.APPLIED, ended_on=as_of, version=change.version + 1
    )
    Position.objects.filter(pk=change.loan_id).update(class_floor="")
    record_many([loan_fact("loans.observation_ended", change.loan_id, as_of, at, "system", {"change": change.pk})])
