"""Carries out a signed change of contract: what was stored when it was simulated is written as it stands.

Used by the action and by the evening. Both hold the loan's position; here is checked that the loan is still what the
change was simulated from, that the rows are the ones that were approved, and that the money is there. Nothing is
computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from journal.actions import record_many
from journal.errors import ActionRefused
from journal.models import Entry
from loans import posting
from loans.facts import loan_fact, settled_fact
from loans.models import ChangeKind, ChangeState, ContractChange, Installment, Loan, Position, Pricing, Terms
from loans.models.contract import TermsSource
from loans.queries.bank import parameter
from loans.queries.changes import ChangeFacts, change_facts, observed_change, suspense_on
from loans.replay import replay_loans
from loans.rules.accrual import Running, running
from loans.rules.change_plans import percent
from loans.rules.change_record import StoredTerms, content_sha256
from loans.rules.changes import MONEY_KINDS, floor_of, moved, observation, state_from_json
from loans.rules.continuation import from_json, period_start
from loans.rules.money import fen, yuan
from loans.rules.simulation_request import Reason
from loans.writing import Header, Lines, write_postings


class Waits(Exception):
    """The change stands, but not yet: its day, the billing of its day or the money is missing."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.reason = Reason(code, params)


class Stale(Exception):
    """The loan is no longer what the change was simulated from."""

    def __init__(self, reasons: Sequence[Reason]) -> None:
        super().__init__(", ".join(reason.code for reason in reasons))
        self.reasons = tuple(reasons)


class NotWhatWasApproved(ActionRefused):
    """The stored change is not the one whose hash was approved."""

    code = "change_content_differs"
    conflict = True


@dataclass(frozen=True, slots=True)
class Carried:
    """What applying did, for the caller's counts."""

    change_id: int
    state: str


def content_of(change: ContractChange) -> dict[str, Any]:
    """All that is approved, for its hash."""
    return {
        "loan": change.loan_id,
        "kind": change.kind,
        "asked": change.asked,
        "effective_on": str(change.effective_on),
        "loan_state": change.loan_state,
        "request": change.request,
        "result": change.result,
        "paid": [f"{part:.2f}" for part in (change.principal, change.interest, change.charges, change.fee)],
        "is_restructuring": change.is_restructuring,
        "evidence": change.evidence_sha256,
    }


def check_content(change: ContractChange) -> None:
    """NotWhatWasApproved unless the change is the one whose hash it carries, rows included."""
    terms = after_terms(change)
    if content_sha256(content_of(change)) != change.result_sha256 or (terms and not terms.is_itself()):
        message = _("变更 %(number)s 的内容与提交时的指纹不符，已停止办理，请联系管理员。")
        raise NotWhatWasApproved(message % {"number": change.pk})


def after_terms(change: ContractChange) -> StoredTerms | None:
    """The version of the terms that the change will write; None where the terms stay."""
    stored = change.result.get("after_terms")
    return StoredTerms(**stored) if stored else None


def why_stale(change: ContractChange, facts: ChangeFacts) -> list[Reason]:
    """What of the loan moved since the simulation."""
    then = state_from_json(change.loan_state)
    return moved(change.kind, then, facts.state, is_restructuring=change.is_restructuring)


def check_ready(change: ContractChange, *, as_of: date) -> None:
    """Waits, Stale or NotWhatWasApproved unless the change can be carried out now; the caller holds the position."""
    check_content(change)
    day = change.effective_on
    if day > as_of:
        raise Waits("waits_for_day", day=day)
    facts = change_facts(change.loan_id, as_of=as_of, effective_on=day)
    next_due_on = facts.position.next_due_on
    reasons = why_stale(change, facts)
    if reasons:
        raise Stale(reasons)
    if next_due_on is not None and next_due_on <= day and change.kind != ChangeKind.WRITE_OFF:
        raise Waits("waits_for_billing", day=next_due_on)
    needed = fen(Decimal(change.result["taken"]))
    if change.kind in MONEY_KINDS:
        if facts.unpaid.total_fen:
            raise Waits("unpaid_first", owed=yuan(facts.unpaid.total_fen))
        there = suspense_on(change.loan_id, day)
        if there < needed:
            raise Waits("money_short", day=day, there=yuan(there), needed=yuan(needed), missing=yuan(needed - there))


def carry_out(change: ContractChange, position: Position, *, as_of: date, at: datetime, by: str) -> Carried:
    """Writes a change that is ready: ledger, terms, position, contract, pricing, and the facts of it."""
    terms = after_terms(change)
    facts = [
        loan_fact("loans.change_applied", change.loan_id, as_of, at, by, {
            "change": change.pk, "kind": change.kind, "effective_on": str(change.effective_on),
            "sha256": change.result_sha256,
        })
    ]  # fmt: skip
    if terms is not None:
        _write_terms(change, terms)
    _CARRIED.get(ChangeKind(change.kind), _rescheduled)(change, position, terms, as_of, at, by, facts)
    state = ChangeState.APPLIED
    values: dict[str, Any] = {}
    if change.is_restructuring and terms is not None:
        values = _observe(change, position, terms, as_of, at, by, facts)
        state = ChangeState.OBSERVED
    ContractChange.objects.filter(pk=change.pk).update(
        state=state, applied_on=as_of, version=change.version + 1, **values
    )
    record_many(facts)
    has_new_rate = terms is not None and percent(terms.rate_ppm) != position.annual_rate_percent
    if change.effective_on < as_of and (has_new_rate or change.kind in MONEY_KINDS):
        # What was paid late since the day bore the rate of before; suspense of that day may have paid a fee since.
        replay_loans(loan_ids=[change.loan_id], as_of=as_of, at=at, by=by)
    return Carried(change.pk, state)


def _write_terms(change: ContractChange, terms: StoredTerms) -> None:
    version = change.result["terms_version"]
    write_terms(change.loan_id, terms, version, change.effective_on, TermsSource.CHANGE, change.pk)


def write_terms(
    loan_id: int, terms: StoredTerms, version: int, effective_on: date, source: str, source_id: int
) -> None:
    """A version of the terms as it was stored."""
    Terms.objects.create(
        loan_id=loan_id,
        version=version,
        effective_on=effective_on,
        principal=yuan(terms.unbilled_fen),
        annual_rate_percent=percent(terms.rate_ppm),
        installment_amount=yuan(terms.installment_fen),
        first_number=terms.first_number,
        installments=len(terms.principal_fen),
        plain_from=terms.plain_from,
        request=terms.request,
        source=source,
        source_id=source_id,
        engine_version=terms.engine_version,
        schedule_sha256=terms.sha256,
        principal_fen=terms.principal_fen,
        interest_fen=terms.interest_fen,
    )


# ── What each kind writes ────────────────────────────────────────────────────────────────────────


def going_on(terms: StoredTerms, position: Position) -> dict[str, Any]:
    """The position's columns while installments are left to bill."""
    period = _running(terms, position)
    return {
        "accrues_from": period.accrues_from,
        "accrued_before": yuan(period.before_fen),
        "accrual_rate_percent": None if period.rate_ppm is None else percent(period.rate_ppm),
        "unbilled_principal": yuan(terms.unbilled_fen),
        "annual_rate_percent": percent(terms.rate_ppm),
        "installment_amount": yuan(terms.installment_fen),
        "next_number": terms.first_number,
        "next_due_on": terms.days[0],
        "last_number": terms.last_number,
    }


def _running(terms: StoredTerms, position: Position) -> Running:
    """The period that runs: as the request says, else as plain months do."""
    if terms.request is not None:
        return running(from_json(terms.request))
    due_day = Loan.objects.values_list("due_day", flat=True).get(pk=position.pk)
    return Running(period_start(terms.days[0], due_day))


NOTHING_LEFT: dict[str, Any] = {
    "unbilled_principal": 0, "next_number": None, "next_due_on": None, "next_repricing_on": None,
    "accrues_from": None, "accrued_before": 0, "accrual_rate_percent": None,
}  # fmt: skip


def _rescheduled(
    change: ContractChange, position: Position, terms: StoredTerms | None, as_of: date, at: datetime, by: str,
    facts: list[Entry],
) -> None:  # fmt: skip
    """Another schedule, nothing posted; a pricing where the change is of the rate's making."""
    if terms is not None:
        Position.objects.filter(pk=position.pk).update(**going_on(terms, position))
        _write_contract(change, terms)
    if "pricing" in change.result:
        _write_pricing(change)


def _write_contract(change: ContractChange, terms: StoredTerms) -> None:
    values = {"matures_on": terms.days[-1], "due_day": change.result["due_day"], "repayment_method": terms.method}
    Loan.objects.filter(pk=change.loan_id).update(**values)


def _write_pricing(change: ContractChange) -> None:
    """Closes the pricing in force and opens the agreed one on the effective day."""
    day, agreed = change.effective_on, change.result["pricing"]
    current = Pricing.objects.filter(loan_id=change.loan_id, in_force__contains=day).get()
    began, upper = current.in_force.lower, current.in_force.upper
    values = {
        "kind": current.kind, "tenor": current.tenor, "spread_bp": Decimal(agreed["spread_bp"]),
        "cycle_months": agreed["cycle_months"], "anchor": agreed["anchor"], "source": f"change {change.pk}",
    }  # fmt: skip
    if began == day:
        Pricing.objects.filter(pk=current.pk).update(**values)
    else:
        Pricing.objects.filter(pk=current.pk).update(in_force=DateRange(began, day, "[)"))
        Pricing.objects.create(loan_id=change.loan_id, in_force=DateRange(day, upper, "[)"), **values)
    next_on = agreed["next_repricing_on"]
    Position.objects.filter(pk=change.loan_id).update(
        next_repricing_on=date.fromisoformat(next_on) if next_on else None
    )


def money_lines(result: dict[str, Any]) -> Lines:
    """Suspense pays principal, interest to the day and the fee."""
    principal, interest, fee = (fen(Decimal(result[name])) for name in ("taken_principal", "taken_interest", "fee"))
    return [
        ("SUSPENSE", None, principal + interest + fee),
        ("PRINCIPAL", None, -principal),
        ("INTEREST_INCOME", None, -interest),
        ("FEE_INCOME", None, -fee),
    ]


def _post(
    change: ContractChange, kind: str, lines: Lines, as_of: date, at: datetime, number: int | None = None
) -> None:
    header = Header(change.loan_id, kind, change.effective_on, number, change.pk)
    write_postings([(header, lines)], as_of=as_of, at=at)


def _prepaid(
    change: ContractChange, position: Position, terms: StoredTerms | None, as_of: date, at: datetime, by: str,
    facts: list[Entry],
) -> None:  # fmt: skip
    """Money leaves suspense; the rest goes on with what was agreed, or nothing is left and the loan is settled."""
    assert terms is not None
    _post(change, "PREPAYMENT", money_lines(change.result), as_of, at)
    values = {
        "suspense": position.suspense - Decimal(change.result["taken"]),
        "principal_balance": position.principal_balance - Decimal(change.result["taken_principal"]),
    }
    if terms.principal_fen:
        values |= going_on(terms, position)
        _write_contract(change, terms)
    else:
        values |= {**NOTHING_LEFT, "last_number": terms.first_number - 1, "settled_on": change.effective_on}
        facts.append(settled_fact(change.loan_id, as_of, at, by))
    Position.objects.filter(pk=position.pk).update(**values)


def _accelerated(
    change: ContractChange, position: Position, terms: StoredTerms | None, as_of: date, at: datetime, by: str,
    facts: list[Entry],
) -> None:  # fmt: skip
    """Bills the whole rest as one last installment, due on the day; how long the loan is overdue already stays."""
    assert terms is not None
    number, principal, interest = terms.first_number, terms.principal_fen[0], terms.interest_fen[0]
    Installment.objects.create(
        loan_id=change.loan_id, number=number, due_on=change.effective_on, overdue_from=change.effective_on,
        principal=yuan(principal), interest=yuan(interest),
    )  # fmt: skip
    # Also without interest: the posting says where in its day the installment was billed.
    lines = [("INTEREST_RECEIVABLE", number, interest), ("INTEREST_INCOME", number, -interest)]
    _post(change, "BILLING", lines, as_of, at, number)
    Position.objects.filter(pk=position.pk).update(
        **NOTHING_LEFT, last_number=number, accelerated_on=change.effective_on
    )
    facts.append(
        loan_fact("loans.accelerated", change.loan_id, as_of, at, by, {
            "change": change.pk, "principal": str(yuan(principal)), "interest": str(yuan(interest)),
        })
    )  # fmt: skip
    if position.suspense:
        posting.use_suspense(loan_ids=[change.loan_id], as_of=as_of, at=at)


def _written_off(
    change: ContractChange, position: Position, terms: StoredTerms | None, as_of: date, at: datetime, by: str,
    facts: list[Entry],
) -> None:  # fmt: skip
    """Takes the balance off the books; the claim stays with the unpaid installments."""
    balance = fen(position.principal_balance)
    _post(change, "WRITE_OFF", [("WRITE_OFF", None, balance), ("PRINCIPAL", None, -balance)], as_of, at)
    Position.objects.filter(pk=position.pk).update(principal_balance=0, written_off_on=change.effective_on)
    data = {"change": change.pk, "amount": str(position.principal_balance)}
    facts.append(loan_fact("loans.written_off", change.loan_id, as_of, at, by, data))


_CARRIED = {
    ChangeKind.PREPAYMENT: _prepaid,
    ChangeKind.SETTLEMENT: _prepaid,
    ChangeKind.ACCELERATION: _accelerated,
    ChangeKind.WRITE_OFF: _written_off,
}


def _observe(
    change: ContractChange, position: Position, terms: StoredTerms, as_of: date, at: datetime, by: str,
    facts: list[Entry],
) -> dict[str, Any]:  # fmt: skip
    """Starts the observation of a restructured loan; an earlier one goes over into it."""
    earlier = observed_change(change.loan_id)
    floor = floor_of(position.five_class, position.class_floor, is_observed=earlier is not None)
    if earlier is not None:
        ContractChange.objects.filter(pk=earlier.pk).update(
            state=ChangeState.APPLIED, ended_on=as_of, version=earlier.version + 1
        )
    Position.objects.filter(pk=position.pk).update(class_floor=floor)
    begins, ends = observation_of(terms.days[0], as_of)
    data = {"change": change.pk, "class_floor": floor, "observed_from": str(begins), "observed_until": str(ends)}
    facts.append(loan_fact("loans.restructured", change.loan_id, as_of, at, by, data))
    return {"observed_from": begins, "observed_until": ends}


def observation_of(first_due_on: date, as_of: date) -> tuple[date, date]:
    """The observation period from a first due date, by the parameter in force."""
    least = parameter("restructure_observation", as_of, default={"periods": 2, "months": 12})
    return observation(first_due_on, int(least["periods"]), int(least["months"]))
