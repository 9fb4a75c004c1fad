"""Prepaying side by side: going on as signed, a lower installment, a shorter term. All figures are the engine's.

Each column is the preview that a proposal of it stores; nothing is written here.
"""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from loans.actions.changes import ChangePreview, ChangeRefused, preview_change
from loans.forms import asked_of
from loans.models import ChangeKind, Loan
from loans.queries import require_business_date
from loans.rules.balance_chart import Chart, Series, balance_chart
from loans.rules.money import fen
from loans.views.one_loan import OneLoanPage, loan_head
from people.web import no_store

LOWER, SHORTEN = "LOWER_INSTALLMENT", "SHORTEN_TERM"


class PrepaymentPage(OneLoanPage):
    permission = "loans.propose_change"
    template_name = "loans/prepay.html"
    part_template = "loans/parts/prepay_compared.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, today = self.loan(pk), require_business_date()
        typed = {name: request.GET.get(name, "") for name in ("amount", "fee", "effective_on")}
        asked = asked_of(ChangeKind.PREPAYMENT, typed)
        asked.setdefault("effective_on", str(today))
        context: dict[str, Any] = {
            **loan_head(request, loan, self.staff),
            "typed": {**typed, "effective_on": asked["effective_on"]},
            "asked": asked,
            "today": today,
        }
        status = 200
        if asked.get("amount"):
            try:
                context |= self.compared(loan, asked)
            except ChangeRefused as refusal:
                context |= {"refused": refusal.message, "field": refusal.field}
                status = 422
        context["settlement"] = self.settlement(loan, asked["effective_on"])
        response = self.render_to_response(self.get_context_data(**context))
        response.status_code = status
        return no_store(response)

    def preview(self, loan: Loan, kind: str, asked: dict[str, str]) -> ChangePreview:
        return preview_change(loan_id=loan.pk, kind=kind, asked=asked, by=self.staff, at=self.at)

    def compared(self, loan: Loan, asked: dict[str, str]) -> dict[str, Any]:
        lower = self.preview(loan, ChangeKind.PREPAYMENT, {**asked, "effect": LOWER})
        shorten = self.preview(loan, ChangeKind.PREPAYMENT, {**asked, "effect": SHORTEN})
        options = [
            {"code": code, "title": title, "preview": preview, "propose": self.propose_at(loan, asked, effect)}
            for code, title, preview, effect in (
                ("lower", _("降低月供"), lower, LOWER),
                ("shorten", _("缩短期限"), shorten, SHORTEN),
            )
        ]
        return {"before": lower.before, "paid": lower, "options": options, "chart": chart_of(lower, shorten)}

    def propose_at(self, loan: Loan, asked: dict[str, str], effect: str) -> str:
        query = urlencode({"kind": ChangeKind.PREPAYMENT, **asked, "effect": effect})
        return f"{reverse('loans:change_new', args=[loan.pk])}?{query}"

    def settlement(self, loan: Loan, effective_on: str) -> ChangePreview | None:
        """What paying everything back would take on the same day; None where that is not possible."""
        try:
            return self.preview(loan, ChangeKind.SETTLEMENT, {"effective_on": effective_on})
        except ChangeRefused:
            return None


def chart_of(lower: ChangePreview, shorten: ChangePreview) -> Chart | None:
    """Balances over time of the three ways on."""

    def series(code: str, preview: ChangePreview, *, is_before: bool) -> Series:
        figures, rows = (
            (preview.before, preview.rows_before) if is_before else (preview.after, preview.rows_after)
        )  # fmt: skip
        start = (preview.effective_on, fen(figures.balance))
        later = ((row.due_on, fen(row.balance)) for row in rows if row.due_on > preview.effective_on)
        return Series(code, (start, *later))

    return balance_chart(
        [
            series("before", lower, is_before=True),
            series("lower", lower, is_before=False),
            series("shorten", shorten, is_before=False),
        ]
    )
