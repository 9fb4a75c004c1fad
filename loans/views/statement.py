"""The statement of account: a period on the screen, page by page, and as a document to hand out."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions.statements import PDF, XLSX, StatementPeriodWrong, check_period, take_statement
from loans.models import Loan
from loans.queries import require_business_date
from loans.queries.statement import statement
from loans.rules.dates import add_months
from loans.statement_wording import movement_words
from loans.views.days import asked_day
from loans.views.one_loan import OneLoanPage, loan_head
from people.web import no_store

ROWS = 50


class StatementBase(OneLoanPage):
    def period(self, loan: Loan, as_of: date) -> tuple[date, date]:
        """What was asked for; without it the last twelve months, not before the account begins."""
        query = self.request.GET
        begins = loan.baseline_on or loan.disbursed_on
        from_on = self.asked("from", _("开始日")) if query.get("from") else max(begins, add_months(as_of, -12))
        to_on = self.asked("to", _("结束日")) if query.get("to") else as_of
        check_period(from_on, to_on, as_of)
        return from_on, to_on

    def asked(self, field: str, label: str) -> date:
        return asked_day(self.request.GET[field], field=field, label=label, refused=StatementPeriodWrong)

    @property
    def with_undone(self) -> bool:
        return self.request.GET.get("pairs") == "1"


class StatementPage(StatementBase):
    template_name = "loans/statement.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        as_of = require_business_date()
        context: dict[str, Any] = {**loan_head(request, loan, self.staff), "today": as_of}
        try:
            from_on, to_on = self.period(loan, as_of)
        except ActionRefused as refusal:
            response = self.render_to_response(
                self.get_context_data(**context, refused=refusal.message, field=refusal.field)
            )
            response.status_code = 422
            return no_store(response)
        found = statement(loan, from_on=from_on, to_on=to_on, as_of=as_of, with_undone=self.with_undone)
        place = self._place(len(found.movements))
        rows = found.movements[(place - 1) * ROWS : place * ROWS]
        context |= {
            "statement": found,
            "rows": [{"each": each, "words": movement_words(each)} for each in rows],
            "place": place,
            "places": max(1, -(-len(found.movements) // ROWS)),
            "with_undone": self.with_undone,
            "query": f"from={from_on}&to={to_on}" + ("&pairs=1" if self.with_undone else ""),
        }
        return no_store(self.render_to_response(self.get_context_data(**context)))

    def _place(self, movements: int) -> int:
        """Which page of the movements; without a word the last one, where the latest stand."""
        places = max(1, -(-movements // ROWS))
        text = self.request.GET.get("page", "")
        asked = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else places
        return min(max(asked, 1), places)


class StatementDocument(StatementBase):
    """The same period as a file; the taking is recorded."""

    form = PDF

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        try:
            from_on, to_on = self.period(loan, require_business_date())
            document = take_statement(
                loan=loan,
                from_on=from_on,
                to_on=to_on,
                form=self.form,
                with_undone=self.with_undone,
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        response = HttpResponse(document.content, content_type=document.media_type)
        response["Content-Disposition"] = f'attachment; filename="{document.name}"'
        response["X-Content-Type-Options"] = "nosniff"
        return no_store(response)


class StatementWorkbook(StatementDocument):
    form = XLSX
