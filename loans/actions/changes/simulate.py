"""A change as it would be stored: facts of the loan, the rules' verdict, the engine's rows, all amounts as text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from loans.actions.changes.refusals import refused
from loans.models import ChangeKind
from loans.queries import parameter
from loans.queries.changes import ChangeFacts, change_facts, change_limits, observed_change
from loans.rules.change_asked import ACCELERATION, PREPAYMENT, SETTLEMENT, Asked, NotPossible, parse_asked
from loans.rules.change_plans import Limits, Outcome, percent, rate_on, simulate_change, spread_of
from loans.rules.change_record import figures, stored_terms
from loans.rules.changes import (
    MONEY_KINDS,
    check_effective_on,
    check_loan,
    floor_of,
    is_restructuring,
)
from loans.rules.money import yuan
from loans.rules.pricing import next_repricing_day
from loans.rules.simulation_request import Reason


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a change would be; `result` is stored with it."""

    facts: ChangeFacts
    asked: Asked
    effective_on: date
    expires_on: date
    is_restructuring: bool
    request: dict[str, Any] | None
    result: dict[str, Any]


def simulate(*, loan_id: int, kind: str, asked: Mapping[str, str], as_of: date) -> Simulated:
    """ChangeRefused names the field and the reason when it is not possible."""
    try:
        return _simulate(loan_id, kind, parse_asked(kind, asked), as_of)
    except NotPossible as problem:
        raise refused(problem) from problem


def _simulate(loan_id: int, kind: str, asked: Asked, as_of: date) -> Simulated:
    day = asked.effective_on or as_of
    facts = change_facts(loan_id, as_of=as_of, effective_on=day)
    check_loan(kind, facts.standings)
    quote_days = int(parameter("prepayment_quote_days", as_of, default=15))
    ends_on = facts.terms.standing.matures_on if facts.terms else None
    check_effective_on(kind, day, as_of, ends_on, quote_days)
    limits = change_limits(facts)
    restructuring = is_restructuring(kind, facts.standings)
    outcome = simulate_change(kind, facts.base, asked, limits) if facts.base else None
    result = {
        **_schedules(kind, facts, outcome),
        **_parts(kind, facts, outcome, asked),
        **_pricing(kind, facts, asked, limits),
    }
    warnings = _warnings(kind, facts, result)
    if restructuring:
        earlier = observed_change(loan_id) is not None
        result["class_floor"] = floor_of(facts.position.five_class, facts.position.class_floor, is_observed=earlier)
        warnings.append(Reason("counts_as_restructuring", {"class_floor": result["class_floor"]}))
    result["warnings"] = [[each.code, {name: str(value) for name, value in each.params.items()}] for each in warnings]
    expires_on = (as_of if kind in MONEY_KINDS else max(as_of, day)) + timedelta(days=quote_days)
    request = result["after_terms"]["request"] if result["after_terms"] else None
    return Simulated(facts, asked, day, expires_on, restructuring, request, result)


def _schedules(kind: str, facts: ChangeFacts, outcome: Outcome | None) -> dict[str, Any]:
    """Both schedules as terms and as figures, and the rows of the position and the contract as they stand."""
    position, loan = facts.position, facts.loan
    after = outcome.after if outcome else None
    before = figures(outcome.before) if outcome else _nothing_left(facts)
    due_day = after.request.due_day if after and kind == ChangeKind.DUE_DAY else loan.due_day
    return {
        "before": {**before, "due_day": loan.due_day},
        "after": {**(figures(after) if after else before), "due_day": due_day},
        "before_terms": asdict(stored_terms(outcome.before)) if outcome else None,
        "after_terms": asdict(stored_terms(after)) if after else None,
        "before_contract": {
            "matures_on": str(loan.matures_on), "due_day": loan.due_day, "repayment_method": loan.repayment_method,
        },
        "before_position": {
            "next_repricing_on": str(position.next_repricing_on) if position.next_repricing_on else None,
        },
        "due_day": due_day,
        "terms_version": facts.terms_version + 1,
        "interest_saved": str(yuan(outcome.interest_saved_fen)) if outcome and kind in MONEY_KINDS else "0.00",
        "months_saved": outcome.months_saved if outcome and kind in MONEY_KINDS else 0,
    }  # fmt: skip


def _nothing_left(facts: ChangeFacts) -> dict[str, Any]:
    return {
        "installment": 0, "next_amount": 0, "rate_ppm": int(facts.position.annual_rate_percent * 10_000),
        "installments_left": 0, "first_due_on": None, "matures_on": None, "interest_left": 0,
        "method": facts.loan.repayment_method, "balance": 0,
    }  # fmt: skip


def _parts(kind: str, facts: ChangeFacts, outcome: Outcome | None, asked: Asked) -> dict[str, str]:
    """What the borrower pays by part, what of it is taken out of suspense, and what has to be paid before."""
    if outcome is None or kind not in MONEY_KINDS:
        zero = "0.00"
        return dict.fromkeys(
            ("principal", "interest", "charges", "fees", "due_first", "taken", "taken_principal", "taken_interest",
             "fee"), zero,
        )  # fmt: skip
    paid, unpaid = outcome.paid, facts.unpaid
    principal, interest = _billed_until(facts)
    first = unpaid.total_fen + principal + interest
    parts = {
        "principal": paid.principal_fen, "interest": paid.interest_fen, "charges": 0, "fees": paid.fee_fen,
        "due_first": first, "taken": paid.total_fen, "taken_principal": paid.principal_fen,
        "taken_interest": paid.interest_fen, "fee": paid.fee_fen,
    }  # fmt: skip
    if kind == SETTLEMENT:
        parts["principal"] += unpaid.principal_fen + principal
        parts["interest"] += unpaid.interest_fen + interest
        parts["charges"] += unpaid.charges_fen
        parts["fees"] += unpaid.fees_fen
        parts["due_first"] = 0
    return {name: str(yuan(amount)) for name, amount in parts.items()}


def _billed_until(facts: ChangeFacts) -> tuple[int, int]:
    """Principal and interest of the installments that fall due up to the effective day and are not billed yet."""
    terms = facts.terms
    if terms is None or terms.standing.next_due_on > facts.effective_on:
        return 0, 0
    rows = [row for row in terms.plan().rows if row.due_on <= facts.effective_on]
    return sum(row.principal_fen for row in rows), sum(row.interest_fen for row in rows)


def _pricing(kind: str, facts: ChangeFacts, asked: Asked, limits: Limits) -> dict[str, Any]:
    """The agreed making of the rate, where the change is one of it."""
    pricing = facts.pricing
    spread = spread_of(facts.base, asked, limits) if facts.base else None
    if pricing is None or pricing.cycle_months is None or (kind != ChangeKind.REPRICING_CYCLE and spread is None):
        return {}
    before = {
        "spread_bp": str(pricing.spread_bp), "cycle_months": pricing.cycle_months, "anchor": pricing.anchor,
        "next_repricing_on": str(facts.position.next_repricing_on) if facts.position.next_repricing_on else None,
    }  # fmt: skip
    agreed = dict(before)
    if spread is not None:
        agreed["spread_bp"] = str(yuan(spread))
    else:
        following = next_repricing_day(
            facts.effective_on, cycle_months=asked.cycle_months, anchor=asked.anchor,
            disbursed_on=limits.disbursed_on, matures_on=facts.loan.matures_on,
        )  # fmt: skip
        agreed |= {
            "cycle_months": asked.cycle_months, "anchor": asked.anchor,
            "next_repricing_on": str(following) if following else None,
        }  # fmt: skip
    return {"pricing": agreed, "before_pricing": before}


def _warnings(kind: str, facts: ChangeFacts, result: Mapping[str, Any]) -> list[Reason]:
    found = []
    if kind == PREPAYMENT and result["due_first"] != "0.00":
        found.append(Reason("pay_first", {"amount": result["due_first"], "day": facts.effective_on}))
    if kind == ACCELERATION and not facts.standings.is_in_arrears:
        found.append(Reason("not_in_arrears"))
    if facts.base is not None and kind == ChangeKind.SPREAD:
        found.append(Reason("rate_today", {"rate": f"{percent(rate_on(facts.base)):f}"}))
    return found
