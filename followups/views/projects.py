"""楼盘: the loans of a development with one button to visit it for all of them; a visit with what each loan took."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups.actions.projects import ProjectRefused, start_project_visit
from followups.models import ProjectVisit
from followups.queries.projects import estate_around, members, report_of
from followups.views.desk_list import id_of
from followups.views.leave import day_of
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import require_business_date
from loans.views.files import answer
from people.queries import may
from people.rules.masking import mask_name
from people.web import PageView, led_once, new_form_key, no_store, visible_or_404


class EstatePage(PageView):
    permission = "followups.view"
    template_name = "followups/projects/estate.html"

    def loan(self) -> Loan:
        found: Loan = visible_or_404(
            Loan.objects.visible_to(self.staff).select_related("borrower", "branch"), pk=self.kwargs["pk"]
        )
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context(self.loan())))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan()
        try:
            address = led_once(request=request, staff=self.staff, at=self.at, effect=lambda: self._start(loan))
        except ActionRefused as refusal:
            typed = {name: request.POST.get(name, "").strip() for name in ("reason", "due_on")}
            context = self._context(loan, refused=refusal.message, field=refusal.field, typed=typed)
            return no_store(answer(self, context, refusal))
        return redirect(address)

    def _start(self, loan: Loan) -> str:
        due_on = day_of(self.request.POST.get("due_on", "").strip())
        if due_on is None:
            raise ProjectRefused(_("请填写有效日期，如 2026-10-30"), field="due_on")
        project = start_project_visit(
            loan_id=loan.pk,
            loan_ids=[id_of(text) for text in self.request.POST.getlist("loan")],
            reason=self.request.POST.get("reason", ""),
            due_on=due_on,
            by=self.staff,
            at=self.at,
        )
        messages.success(self.request, _("已生成楼盘走访 %(number)s。") % {"number": project.lead.number})
        return redirect("followups:project", pk=project.pk).url

    def _context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        estate = estate_around(loan, self.staff)
        chosen = set(self.request.POST.getlist("loan"))
        rows = [
            {
                "row": row,
                "name": shown_name(row.loan, self.staff),
                "is_chosen": not chosen or str(row.loan.pk) in chosen,
            }
            for row in estate.loans
        ]
        return self.get_context_data(
            **{
                "loan": loan,
                "name": shown_name(loan, self.staff),
                "estate": estate,
                "rows": rows,
                "form_key": self.request.POST.get("form_key") or new_form_key(),
                "free_count": sum(row.project is None for row in estate.loans),
                "may_start": may(self.staff, "followups.record_visit") or may(self.staff, "followups.assign"),
                "today": require_business_date(),
                "typed": {},
                **more,
            }
        )


class ProjectPage(PageView):
    permission = "followups.view"
    template_name = "followups/projects/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        found = ProjectVisit.objects.visible_to(self.staff).select_related("lead__assigned_to", "branch", "started_by")
        project: ProjectVisit = visible_or_404(found, pk=kwargs["pk"])
        rows = members(project)
        context = self.get_context_data(
            project=project,
            rows=[{"row": row, "name": shown_name(row.loan, self.staff)} for row in rows],
            shared_count=sum(bool(row.is_shared) for row in rows),
            report=report_of(project),
        )
        return no_store(self.render_to_response(context))


def shown_name(loan: Loan, staff: Any) -> str:
    """In full in the own portfolio, masked elsewhere."""
    name: str = loan.borrower.name
    return name if loan.portfolio_officer_id == staff.pk else mask_name(name)
