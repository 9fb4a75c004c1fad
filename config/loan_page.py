"""A loan on one page: eight facts, how it was paid, the schedule, visits, collateral, timeline.

It stands in the composition root because it shows every room at once; each room only gives its reads.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from collateral.models import Charge
from collateral.queries import balances_beside, charges_of, loan_to_value, valuations_of_all, value_of
from followups.models import OPEN_STATES, VisitTask
from followups.queries import desk, payment_strip, timeline
from followups.queries.timeline import MOST
from followups.rules.assessment import debt_to_income, payment_to_income
from followups.views.rows import desk_rows
from followups.views.task import reports_on
from journal.errors import ActionRefused
from loans.models import Installment, Loan
from loans.queries import (
    FutureRow,
    future_schedule,
    installments_of,
    loan_facts,
    open_business_date,
    payment_of,
    reads_of,
)
from people import actions
from people.models import FinancialProfile
from people.queries import may
from people.rules.masking import mask_address, mask_id, mask_name, mask_phone
from people.web import PageView, no_store, visible_or_404
from risk.queries import grade_of

BILLED_SHOWN, FUTURE_SHOWN, ALL_SHOWN = 4, 4, 24


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
        """Own portfolio or an open task of one's own: name and address are shown in full."""
        return loan.portfolio_officer_id == self.staff.pk or bool(getattr(loan, "has_own_task", False))

    def page_context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        assert today is not None
        knows = self.knows_borrower(loan)
        reads = reads_of(loan, today, MOST)
        facts = loan_facts(loan, reads)
        charges = list(charges_of(loan.pk))
        value = value_of(charges)
        beside = balances_beside([loan.pk]).get(loan.pk, Decimal(0))
        profile = FinancialProfile.objects.filter(party=loan.borrower).order_by("-known_on", "-id").first()
        rows = desk_rows(
            desk(self.staff).filter(loan=loan).order_by("-created_on", "-id")[:20],
            staff=self.staff,
            today=today,
            days=reads.days,
        )
        return {
            "loan": loan,
            "facts": facts,
            "payment": payment_of(loan),
            "name": loan.borrower.name if knows else mask_name(loan.borrower.name),
            "knows": knows,
            "id_no": mask_id(loan.borrower.id_no),
            "phone": mask_phone(loan.borrower.phone),
            "grade": grade_of(loan.pk),
            "value": value,
            # What a home secures together: the other part of a combination loan too.
            "ltv": loan_to_value(facts.principal_balance + beside, value[0] if value else None),
            "profile": profile,
            **_ratios(loan, profile),
            "strip": payment_strip(loan, 24, reads),
            **_around_today(loan, reads.billed, reads.future),
            "tasks": rows,
            "open_tasks": [row for row in rows if row.task.state in OPEN_STATES],
            "reports": {report.visit.task_id: report for report in reversed(reports_on(rows[0].task))} if rows else {},
            "homes": _homes(charges, knows),
            "timeline": timeline(loan, MOST, reads.billed)[:60],
            "today": today,
            # The frame shows it too.
            "business_date": today,
            "billed_before": loan.position.last_number - facts.installments_left,
            "may_reveal": may(self.staff, "people.reveal"),
            "may_visit": may(self.staff, "followups.view"),
            **more,
        }


def _ratios(loan: Loan, profile: FinancialProfile | None) -> dict[str, Any]:
    if profile is None:
        return {"pti": None, "dti": None}
    installment = payment_of(loan)
    return {
        "pti": payment_to_income(installment, profile.monthly_income),
        "dti": debt_to_income(installment, profile.other_monthly_debt, profile.monthly_income),
    }


def _homes(charges: list[Charge], knows: bool) -> list[dict[str, Any]]:
    homes = []
    valuations = valuations_of_all([charge.property_id for charge in charges])
    for charge in charges:
        address = charge.property.address
        homes.append(
            {
                "charge": charge,
                "address": address if knows else mask_address(address),
                "valuations": valuations[charge.property_id][:5],
            }
        )
    return homes


def _around_today(loan: Loan, billed: Sequence[Installment], future: Sequence[FutureRow]) -> dict[str, Any]:
    past = list(reversed(billed[:BILLED_SHOWN]))
    return {"billed": past, "future": future[:FUTURE_SHOWN], "last_number": loan.position.last_number, "all": False}


def schedule_rows(loan: Loan, part: str) -> dict[str, Any]:
    """Rows of the schedule: around today, or 24 at a time from a number on."""
    future = future_schedule(loan)
    billed = installments_of(loan)
    last = loan.position.last_number
    if not part:
        return _around_today(loan, list(billed[:BILLED_SHOWN]), future)
    first = _number(part)
    stop = first + ALL_SHOWN
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
        knows = self.knows_borrower(loan)
        context = {
            "loan": loan,
            "name": loan.borrower.name if knows else mask_name(loan.borrower.name),
            "today": open_business_date(),
            **schedule_rows(loan, request.GET.get("from") or "1"),
        }
        return no_store(TemplateResponse(request, self.get_template_names(), self.get_context_data(**context)))


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
