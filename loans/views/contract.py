"""The contract of a loan: terms in force and before, pricing, what was agreed, the whole schedule, what hangs on it."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse

from loans.contract_wording import cycle_words, parameter_label, parameter_words, penalty_rate, pricing_words
from loans.models import ChangeState, ContractChange, Loan, TermsSource
from loans.queries import current_payment, require_business_date
from loans.queries.contract import (
    AgreedParameter,
    SchedulePage,
    agreed_parameters,
    changes_of,
    fees_of,
    open_and_observed,
    partners_of,
    pricings_of,
    schedule_page,
    terms_versions,
)
from loans.queries.disclosures import disclosures_of
from loans.rules.money import yuan
from loans.views.one_loan import OneLoanPage, loan_head
from people.web import no_store

SCHEDULE_ROWS, VERSIONS_SHOWN, FEES_SHOWN, CHANGES_SHOWN = 24, 8, 12, 12


def number_of(text: str) -> int | None:
    """An installment number from an address; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 5 else None


def _parameters(loan: Loan, found: list[AgreedParameter]) -> list[dict[str, Any]]:
    rate = loan.position.annual_rate_percent
    return [
        {
            "label": parameter_label(each.code),
            "words": parameter_words(each.code, each.value),
            "rate": penalty_rate(rate, each.value) if each.code == "penalty_multiplier_overdue" else None,
            "each": each,
        }
        for each in found
    ]


def _versions(loan: Loan, changes: list[ContractChange], *, is_all: bool) -> tuple[list[dict[str, Any]], bool]:
    """Versions of the terms with the change that signed each, and whether there are more."""
    by_id = {change.pk: change for change in changes}
    # A reversal signs the last version of its change, with the rows from before it.
    undone = {change.pk for change in changes if change.state == ChangeState.REVERSED}
    found: list[Any] = list(terms_versions(loan)[: None if is_all else VERSIONS_SHOWN + 1])
    has_more = not is_all and len(found) > VERSIONS_SHOWN
    rows = []
    for each in found if is_all else found[:VERSIONS_SHOWN]:
        change = by_id.get(each.source_id or 0) if each.source == TermsSource.CHANGE else None
        is_undoing = change is not None and change.pk in undone
        if change is not None:
            undone.discard(change.pk)
        # The version of a settlement has no rows.
        first = None if each.first_fen is None else yuan(each.first_fen)
        rows.append({"terms": each, "change": change, "is_undoing": is_undoing, "first_amount": first})
    return rows, has_more


class ContractPage(OneLoanPage):
    template_name = "loans/contract.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        today = require_business_date()
        changes = list(changes_of(loan)[:60])
        open_change, observed = open_and_observed(changes)
        versions, has_more = _versions(loan, changes, is_all=request.GET.get("terms") == "all")
        context = self.get_context_data(
            **loan_head(request, loan, self.staff),
            today=today,
            versions=versions,
            has_more_versions=has_more,
            pricings=[
                {"pricing": each, "words": pricing_words(each), "cycle": cycle_words(each)}
                for each in pricings_of(loan)
            ],
            parameters=_parameters(loan, agreed_parameters(loan, today)),
            schedule=self.schedule(loan),
            fees=list(fees_of(loan)[:FEES_SHOWN]),
            disclosures=list(disclosures_of(loan)[:FEES_SHOWN]),
            changes=changes[:CHANGES_SHOWN],
            open_change=open_change,
            observed=observed,
            partners=self.partners(loan),
            payment=current_payment(loan),
        )
        return no_store(self.render_to_response(context))

    def partners(self, loan: Loan) -> list[tuple[Loan, Decimal | None]]:
        """The other contracts of a combination loan that the person may see, with their monthly payment."""
        if not loan.combination_id:
            return []
        return [(each, current_payment(each)) for each in partners_of(loan).visible_to(self.staff)]

    def schedule(self, loan: Loan) -> SchedulePage:
        first = number_of(self.request.GET.get("from", ""))
        return schedule_page(loan, require_business_date(), first=first, size=SCHEDULE_ROWS)


class ContractSchedule(ContractPage):
    """The schedule alone, page by page; a page of its own without scripts."""

    template_name = "loans/contract_schedule.html"
    part_template = "loans/parts/contract_schedule.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        head = loan_head(request, loan, self.staff)
        context = self.get_context_data(**head, schedule=self.schedule(loan), today=require_business_date())
        return no_store(self.render_to_response(context))
