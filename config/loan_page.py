"""A loan on one page: eight facts, how it was paid, the schedule, collateral; visits and timeline when looked at.

It stands in the composition root because it shows every room at once; each room only gives its reads.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from collateral.models import Charge
from collateral.queries import charges_of, loan_to_value, value_of
from config.loan_reads import Means, ValuationRow, beside
from correspondence.models import Ground
from followups.models import OPEN_STATES, VisitTask
from followups.queries import payment_strip, timeline
from followups.queries.cover import knows_borrower
from followups.queries.measures import measures_of
from followups.queries.timeline import MOST
from followups.rules.assessment import debt_to_income, payment_to_income
from followups.views.rows import left_of_task
from followups.views.task import reports_on
from followups.wording import why
from journal.errors import ActionRefused
from loans.contract_wording import standing_words
from loans.models import Installment, Loan
from loans.queries import (
    FutureRow,
    current_payment,
    future_schedule,
    installments_of,
    loan_facts,
    maturity_in_force,
    open_business_date,
    open_day,
    payment_of,
    reads_of,
)
from loans.queries.accrued import accrued_at
from people import actions
from people.queries import may
from people.queries.leave import covered_ids, know_day
from people.rules.masking import mask_address, mask_id, mask_name, mask_phone
from people.web import PageView, no_store, visible_or_404

BILLED_SHOWN, FUTURE_SHOWN, ALL_SHOWN = 4, 4, 24
VISITS_SHOWN, TIMELINE_SHOWN = 20, 60
# Installments read for the strip: one a month, and some more where a month has two.
STRIP_MONTHS, SHOWN_BACK = 24, 30


class LoanBase(PageView):
    permission = "loans.view"
    template_name = "loan.html"

    def loan(self, pk: int) -> Loan:
        found = Loan.objects.visible_to(self.staff).select_related(
            "borrower", "branch", "portfolio_officer", "position", "import_batch"
        )
        own = VisitTask.objects.filter(loan=OuterRef("pk"), assigned_to=self.staff, state__in=OPEN_STATES)
        loan: Loan = visible_or_404(found.annotate(has_own_task=Exists(own)), pk=pk)
        return loan

    def knows_borrower(self, loan: Loan) -> bool:
        """Own portfolio or an open task of one's own, or of whom one stands in for: name and address in full."""
        is_own = loan.portfolio_officer_id == self.staff.pk or bool(getattr(loan, "has_own_task", False))
        return is_own or (bool(covered_ids(self.staff)) and knows_borrower(loan, self.staff))

    def shown_name(self, loan: Loan) -> str:
        name: str = loan.borrower.name
        return name if self.knows_borrower(loan) else mask_name(name)

    def page_context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        bank = open_day()
        assert bank is not None
        know_day(self.staff, bank.day)
        knows = self.knows_borrower(loan)
        reads = reads_of(loan, bank, SHOWN_BACK, FUTURE_SHOWN)
        facts = loan_facts(loan, reads)
        charges = list(charges_of(loan.pk))
        value = value_of(charges)
        around = beside(loan, bank.closed_on)
        payment = current_payment(loan)
        return {
            "loan": loan,
            "facts": facts,
            "payment": payment,
            "standing": standing_words(loan),
            "maturity": maturity_in_force(loan),
            "name": self.shown_name(loan),
            "knows": knows,
            "id_no": mask_id(loan.borrower.id_no),
            "phone": mask_phone(loan.borrower.phone),
            "grade": around.grade,
            "value": value,
            # What a home secures together: the other part of a combination loan too.
            "ltv": loan_to_value(facts.principal_balance + around.balance_beside, value[0] if value else None),
            "profile": around.means,
            **_ratios(payment_of(loan), around.means),
            "strip": payment_strip(loan, STRIP_MONTHS, reads),
            **_around_today(loan, reads.billed, reads.future),
            "open_task_id": around.open_task_id,
            "accrued": accrued_at(loan, bank.closed_on, around.non_accrual_dpd) if bank.closed_on else None,
            "unwanted": Ground(around.unwanted).label if around.unwanted else "",
            "homes": _homes(charges, knows, around.valuations),
            "today": bank.day,
            # The frame shows it too.
            "business_date": bank.day,
            "billed_before": loan.position.last_number - facts.installments_left,
            "may_reveal": may(self.staff, "people.reveal"),
            "may_visit": may(self.staff, "followups.view"),
            **more,
        }


def _ratios(payment: Decimal, means: Means | None) -> dict[str, Any]:
    if means is None:
        return {"pti": None, "dti": None}
    return {
        "pti": payment_to_income(payment, means.monthly_income),
        "dti": debt_to_income(payment, means.other_monthly_debt, means.monthly_income),
    }


def _homes(charges: list[Charge], knows: bool, valuations: Mapping[int, list[ValuationRow]]) -> list[dict[str, Any]]:
    homes = []
    for charge in charges:
        address = charge.property.address
        homes.append(
            {
                "charge": charge,
                "address": address if knows else mask_address(address),
                "valuations": valuations.get(charge.property_id, []),
            }
        )
    return homes


def _around_today(loan: Loan, billed: Sequence[Installment], future: Sequence[FutureRow]) -> dict[str, Any]:
    past = list(reversed(billed[:BILLED_SHOWN]))
    return {"billed": past, "future": future[:FUTURE_SHOWN], "last_number": loan.position.last_number, "all": False}


def schedule_rows(loan: Loan, part: str) -> dict[str, Any]:
    """Rows of the schedule: around today, or 24 at a time from a number on."""
    billed = installments_of(loan)
    last = loan.position.last_number
    if not part:
        return _around_today(loan, list(billed[:BILLED_SHOWN]), future_schedule(loan, FUTURE_SHOWN))
    first = _number(part)
    stop = first + ALL_SHOWN
    # As far as shown, at least the next one.
    future = future_schedule(loan, max(1, stop - (loan.position.next_number or stop)))
    past = list(Installment.objects.filter(loan=loan, number__gte=first, number__lt=stop).order_by("number"))
    lowest = billed.order_by("number").values_list("number", flat=True).first() or (future[0].number if future else 1)
    return {
        "billed": past,
        "future": [row for row in future if first <= row.number < stop],
        "last_number": last,
        "all": True,
        "earlier": max(lowest, first - ALL_SHOWN) if first > lowest else 0,
        "later": stop if stop <= last else 0,
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 5 else 1


class LoanPage(LoanBase):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        return no_store(TemplateResponse(request, self.template_name, self.page_context(loan)))


class SchedulePart(LoanBase):
    """The schedule page by page; a page of its own without scripts."""

    template_name = "loan_schedule.html"
    part_template = "parts/schedule.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        context = {
            "loan": loan,
            "name": self.shown_name(loan),
            "today": open_business_date(),
            **schedule_rows(loan, request.GET.get("from") or "1"),
        }
        return no_store(TemplateResponse(request, self.get_template_names(), self.get_context_data(**context)))


class VisitsPart(LoanBase):
    """The loan's visits, asked for when they come into view; a page of its own without scripts."""

    template_name = "loan_visits.html"
    part_template = "parts/loan_visits.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, bank = self.loan(pk), open_day()
        assert bank is not None
        found = VisitTask.objects.visible_to(self.staff).filter(loan=loan).select_related("assigned_to")
        tasks = list(found.order_by("-created_on", "-id")[:VISITS_SHOWN])
        reports = reversed(reports_on(tasks[0])) if tasks else ()
        context = self.get_context_data(
            loan=loan,
            name=self.shown_name(loan),
            tasks=[{"task": task, "why": why(task), "left": left_of_task(task, bank.day, bank.days)} for task in tasks],
            open_count=sum(task.state in OPEN_STATES for task in tasks),
            reports={report.visit.task_id: report for report in reports},
            business_date=bank.day,
            may_visit=may(self.staff, "followups.view"),
            measures=measures_of(loan.pk)[:VISITS_SHOWN],
        )
        return no_store(TemplateResponse(request, self.get_template_names(), context))


class TimelinePart(LoanBase):
    """What happened to the loan, asked for when it comes into view; a page of its own without scripts."""

    template_name = "loan_timeline.html"
    part_template = "parts/timeline.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        context = self.get_context_data(
            loan=loan,
            name=self.shown_name(loan),
            timeline=timeline(loan, MOST)[:TIMELINE_SHOWN],
            may_visit=may(self.staff, "followups.view"),
        )
        return no_store(TemplateResponse(request, self.get_template_names(), context))


class Reveal(LoanBase):
    """Shows one masked value once, with the reason recorded; nothing of it stays in the page's address."""

    permission = "people.reveal"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        shown: dict[str, Any] = {}
        try:
            shown["value"] = actions.reveal(
                party_id=loan.borrower_id,
                loan_id=loan.pk,
                field=request.POST.get("field", ""),
                reason=request.POST.get("reason", ""),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            shown["refused"] = refusal.message
        labels = {"phone": _("手机"), "id_no": _("身份证号"), "name": _("姓名")}
        shown["label"] = labels.get(request.POST.get("field", ""), "")
        if getattr(request, "htmx", None):
            response = TemplateResponse(request, "parts/revealed.html", {"shown": shown})
        else:
            response = TemplateResponse(request, self.template_name, self.page_context(loan, shown=shown))
        response.status_code = 422 if "refused" in shown else 200
        return no_store(response)
