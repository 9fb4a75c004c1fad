"""What a change would do, or what a stored one does: one shape for pages, API and documents, made of what is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from loans.actions.changes.simulate import simulate
from loans.change_wording import sentence
from loans.models import ContractChange
from loans.queries import FutureRow, require_business_date
from loans.rules.change_plans import percent
from loans.rules.change_record import StoredTerms
from loans.rules.money import yuan
from loans.rules.simulation_request import Reason
from people.actions import require
from people.models import Staff


@dataclass(frozen=True, slots=True)
class Figures:
    """The rest of a contract in figures; days are None once nothing is left."""

    # What a regular month costs: the equal installment, of other methods the next row's amount.
    installment: Decimal
    next_amount: Decimal
    annual_rate_percent: Decimal
    installments_left: int
    first_due_on: date | None
    matures_on: date | None
    interest_left: Decimal
    balance: Decimal
    method: str
    due_day: int


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """Before and after side by side, what is paid by part, and what follows."""

    loan_id: int
    kind: str
    effective_on: date
    # A quote binds until the close of this date.
    expires_on: date
    before: Figures
    after: Figures
    rows_before: tuple[FutureRow, ...]
    rows_after: tuple[FutureRow, ...]
    # What the borrower pays for the change by the close of the effective day.
    principal: Decimal
    interest: Decimal
    charges: Decimal
    fee: Decimal
    # Installments and arrears that fall due up to that day; they are paid first.
    due_first: Decimal
    # Interest and months that need not be paid any more; the interest paid with the change counts as paid.
    interest_saved: Decimal
    months_saved: int
    is_restructuring: bool
    # What the class may not be better than while the loan is observed; empty without a restructuring.
    class_floor: str
    # Of the rate's making before and after: spread_bp, cycle_months, anchor, next_repricing_on; empty: unchanged.
    pricing_before: Mapping[str, Any]
    pricing_after: Mapping[str, Any]
    warnings: tuple[str, ...]

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.charges + self.fee

    @property
    def needed(self) -> Decimal:
        """What has to be on the account by the effective day in all."""
        return self.total + self.due_first


def preview_change(*, loan_id: int, kind: str, asked: Mapping[str, str], by: Staff, at: datetime) -> ChangePreview:
    """Simulates and stores nothing. The caller has checked that the loan is visible."""
    require(by, "loans.propose_change")
    found = simulate(loan_id=loan_id, kind=kind, asked=asked, as_of=require_business_date())
    return _shown(loan_id, kind, found.effective_on, found.expires_on, found.is_restructuring, found.result)


def preview_of(change: ContractChange) -> ChangePreview:
    """A stored change as it was previewed."""
    return _shown(
        change.loan_id, change.kind, change.effective_on, change.expires_on, change.is_restructuring, change.result
    )


def _shown(
    loan_id: int, kind: str, effective_on: date, expires_on: date, is_restructuring: bool, result: Mapping[str, Any]
) -> ChangePreview:
    before, after = _rows(result["before_terms"]), _rows(result["after_terms"])
    return ChangePreview(
        loan_id=loan_id,
        kind=kind,
        effective_on=effective_on,
        expires_on=expires_on,
        before=_figures(result["before"]),
        after=_figures(result["after"]),
        rows_before=before,
        rows_after=after if result["after_terms"] is not None else before,
        principal=Decimal(result["principal"]),
        interest=Decimal(result["interest"]),
        charges=Decimal(result["charges"]),
        fee=Decimal(result["fees"]),
        due_first=Decimal(result["due_first"]),
        interest_saved=Decimal(result["interest_saved"]),
        months_saved=result["months_saved"],
        is_restructuring=is_restructuring,
        class_floor=result.get("class_floor", ""),
        pricing_before=result.get("before_pricing", {}),
        pricing_after=result.get("pricing", {}),
        warnings=tuple(sentence(Reason(code, params)) for code, params in result["warnings"]),
    )


def _figures(stored: Mapping[str, Any]) -> Figures:
    return Figures(
        installment=yuan(stored["installment"]),
        next_amount=yuan(stored["next_amount"]),
        annual_rate_percent=percent(stored["rate_ppm"]),
        installments_left=stored["installments_left"],
        first_due_on=_day(stored["first_due_on"]),
        matures_on=_day(stored["matures_on"]),
        interest_left=yuan(stored["interest_left"]),
        balance=yuan(stored["balance"]),
        method=stored["method"],
        due_day=stored["due_day"],
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _rows(stored: Mapping[str, Any] | None) -> tuple[FutureRow, ...]:
    if stored is None:
        return ()
    terms = StoredTerms(**stored)
    left = terms.unbilled_fen
    rows = []
    parts = zip(terms.days, terms.principal_fen, terms.interest_fen, strict=True)
    for number, (due_on, principal, interest) in enumerate(parts, start=terms.first_number):
        left -= principal
        rows.append(FutureRow(number, due_on, yuan(principal), yuan(interest), yuan(left)))
    return tuple(rows)
