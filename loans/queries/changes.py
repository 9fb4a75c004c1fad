"""Reads for changes of contract: what of a loan a change is checked against, and the changes themselves."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum

from journal.models import Entry
from loans import sql
from loans.models import ContractChange, ContractParameter, CostItem, Installment, Loan, Position, Pricing, Terms
from loans.models.changes import ChangeState
from loans.queries.accounts import calendar_around
from loans.queries.bank import overdue_grace_days, parameter
from loans.queries.charges import owed_by
from loans.queries.terms import LoanTerms, terms_of
from loans.rules.aging import last_day_to_pay
from loans.rules.change_asked import PPM_PER_BP
from loans.rules.change_plans import Base, Limits, base_on
from loans.rules.changes import LoanState, OverdueSpan, Standings
from loans.rules.money import fen

PREPAYMENT_FEE = "PREPAYMENT_FEE"
# Money in suspense that had come in by a day, whenever it was posted.
_SUSPENSE_ON = """
SELECT coalesce((-sum(g.amount) * 100)::bigint, 0) FROM loans_ledger_line g
JOIN loans_posting p ON p.id = g.posting_id
WHERE g.loan_id = %(loan_id)s AND g.account = 'SUSPENSE' AND p.value_on <= %(day)s
"""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What is billed or charged and not paid, in fen."""

    principal_fen: int
    interest_fen: int
    charges_fen: int
    fees_fen: int

    @property
    def total_fen(self) -> int:
        return self.principal_fen + self.interest_fen + self.charges_fen + self.fees_fen


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """A loan as a change on a day sees it; `terms` and `base` are None once nothing is left to bill."""

    loan: Loan
    position: Position
    as_of: date
    terms: LoanTerms | None
    terms_version: int
    terms_sha256: str
    base: Base | None
    unpaid: Unpaid
    pricing: Pricing | None
    effective_on: date

    @property
    def state(self) -> LoanState:
        """The loan looked forward to the effective day."""
        return LoanState(
            self.terms_version,
            self.terms_sha256,
            self.base.number if self.base else None,
            self.base.unbilled_fen if self.base else 0,
            fen(self.position.principal_balance),
            self.position.overdue_since,
            self.position.five_class,
        )

    @property
    def standings(self) -> Standings:
        return Standings(
            as_of=self.as_of,
            is_settled=self.position.settled_on is not None,
            is_written_off=self.position.written_off_on is not None,
            has_unbilled=self.terms is not None,
            overdue_since=self.position.overdue_since,
            unpaid_fen=self.unpaid.principal_fen + self.unpaid.interest_fen,
            charges_fen=self.unpaid.charges_fen,
            fees_fen=self.unpaid.fees_fen,
            balance_fen=fen(self.position.principal_balance),
            five_class=self.position.five_class,
        )


def change_facts(loan_id: int, *, as_of: date, effective_on: date) -> ChangeFacts:
    """Reads a loan for a change that takes effect on a day. Callers that write hold its position's lock."""
    loan = Loan.objects.select_related("position").get(pk=loan_id)
    terms = terms_of([loan_id]).get(loan_id)
    version, sha256 = Terms.objects.filter(loan_id=loan_id).order_by("-version").values_list(
        "version", "schedule_sha256"
    ).first() or (0, "")
    return ChangeFacts(
        loan=loan,
        position=loan.position,
        as_of=as_of,
        terms=terms,
        terms_version=version,
        terms_sha256=sha256,
        base=base_on(terms.standing, effective_on) if terms else None,
        unpaid=unpaid_on(loan_id, effective_on),
        pricing=Pricing.objects.filter(loan_id=loan_id, in_force__contains=effective_on).first(),
        effective_on=effective_on,
    )


def unpaid_on(loan_id: int, day: date) -> Unpaid:
    """What is owed of what is billed and charged, with late charges to a day."""
    owed = owed_by([loan_id], day)[loan_id]
    return Unpaid(fen(owed.principal), fen(owed.interest), fen(owed.charges), fen(owed.fees))


def change_limits(facts: ChangeFacts) -> Limits:
    """What the bank's parameters and the contract allow; the term counts by the parameter of the signing day."""
    loan, day = facts.loan, facts.effective_on
    signed_on = loan.signed_on or loan.disbursed_on
    pricing = facts.pricing
    is_floating = pricing is not None and pricing.kind == "LPR"
    return Limits(
        disbursed_on=loan.disbursed_on,
        max_term_months=int(parameter("max_term_months", signed_on, default=360)),
        prepayment_minimum_fen=fen(Decimal(parameter("prepayment_minimum", day, default="0.00"))),
        repricing_cycles=tuple(parameter("repricing_cycles", day, default=[12])),
        max_rate_ppm=int(Decimal(parameter("max_rate_percent", day, default="36")) * 10_000),
        rate_variant=parameter("rate_split_variant", day, default="SPLIT_BY_DAYS"),
        fee_most_fen=_fee_most(loan, day),
        spread_ppm=int(pricing.spread_bp * PPM_PER_BP) if is_floating and pricing else None,
        cycle_months=pricing.cycle_months if is_floating and pricing else None,
        anchor=pricing.anchor if pricing else "",
    )


def _fee_most(loan: Loan, day: date) -> int | None:
    """The most that may be charged for paying ahead; None: no amount was agreed.

    Agreed is what the cost disclosure names, up to its highest amount, and what the contract's own parameter says; of
    two amounts the lesser. Where a disclosure is required, a fee that it does not name is none (the ledger refuses it).
    """
    by_contract = ContractParameter.objects.filter(loan=loan, code="prepayment_fee", in_force__contains=day).first()
    items = CostItem.objects.filter(disclosure__loan=loan, code=PREPAYMENT_FEE, kind__in=("FEE", "CONTINGENT"))
    disclosed = items.aggregate(count=Count("id"), most=Sum("amount"))
    is_required = loan.baseline_on is None and parameter(
        "cost_disclosure_required", loan.signed_on or loan.disbursed_on, default=False
    )
    if is_required and not disclosed["count"]:
        return None
    given = [by_contract.value if by_contract else None, disclosed["most"]]
    return min((fen(Decimal(str(amount))) for amount in given if amount is not None), default=None)


def suspense_on(loan_id: int, day: date) -> int:
    """Money in suspense that is there now and had come in by a day, in fen."""
    now = fen(Position.objects.values_list("suspense", flat=True).get(pk=loan_id))
    by_day = sql.rows(_SUSPENSE_ON, {"loan_id": loan_id, "day": day})[0][0]
    return max(0, min(now, int(by_day)))


def observed_change(loan_id: int) -> ContractChange | None:
    """The restructuring whose observation runs."""
    return ContractChange.objects.filter(loan_id=loan_id, state=ChangeState.OBSERVED).order_by("-id").first()


def restarts_of(change: ContractChange) -> list[date]:
    """The days to which missed payments moved the observation of a change, as they were written."""
    told = Entry.objects.filter(loan_id=change.loan_id, kind="loans.observation_restarted", data__change=change.pk)
    return [date.fromisoformat(day) for day in told.values_list("data__observed_from", flat=True)]


def overdue_spans(loan: Loan, since: date, as_of: date) -> list[OverdueSpan]:
    """When installments were overdue at the close of a day from `since` on, as their payments stand by value date."""
    found = []
    # Of two values in force since, the one that calls more of them late.
    grace = min(overdue_grace_days(since), overdue_grace_days(as_of))
    late = Installment.objects.filter(loan_id=loan.pk, due_on__lt=as_of).exclude(settled_on__lt=since)
    rows = list(late.order_by("number").values_list("due_on", "overdue_from", "settled_on"))
    if not rows:
        return []
    days = calendar_around([rows[0][0], as_of])
    for due_on, overdue_from, settled_on in rows:
        begins = last_day_to_pay(due_on, grace, days) + timedelta(days=1)
        if loan.baseline_on is not None and overdue_from < loan.baseline_on:
            begins = loan.baseline_on
        until = settled_on - timedelta(days=1) if settled_on else None
        if begins <= (until or as_of):
            found.append(OverdueSpan(begins, until))
    return found


def changes_of(loan: Loan) -> QuerySet[ContractChange]:
    """All changes of a loan, the newest first; the caller has checked access to the loan."""
    rows = ContractChange.objects.filter(loan_id=loan.pk).select_related("proposed_by", "decided_by")
    return rows.order_by("-id")


def change_authority(on: date) -> dict[str, Any]:
    """Limit of the balance by role (yuan as text; None: no limit)."""
    return dict(parameter("change_authority", on, default={}))
