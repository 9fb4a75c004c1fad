"""What leaves the desk as a file: the list as a workbook, printed forms of visits."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.desk_file import MOST_ROWS, take_desk_list
from followups.actions.field_forms import print_forms
from followups.models import Level, Method, TaskKind
from followups.views import desk_page
from followups.views.desk_batch import ticked
from followups.views.desk_list import asked_of
from followups.views.rows import DeskRow, desk_rows
from journal.errors import ActionRefused
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE
from loans.queries import open_day
from loans.statement_xlsx import Cell
from people.queries.leave import know_day
from people.web import PageView, no_store


class DeskFile(PageView):
    """The list with the filters of the address, all of it."""

    permission = "followups.view"

    def get(self, request: HttpRequest) -> HttpResponse:
        bank = open_day()
        if bank is None:
            raise Http404
        know_day(self.staff, bank.day)
        narrowed, asked = asked_of(request, self.staff, bank.day)
        with override(DOCUMENT_LANGUAGE):
            tasks = desk_page.whole(asked, most=MOST_ROWS + 1)
            rows = [_cells(row) for row in desk_rows(tasks, staff=self.staff, today=bank.day, days=bank.days)]
            filters = [
                (str(narrowed.filters[name].label), request.GET[name])
                for name in narrowed.filters
                if name != "q" and request.GET.get(name)
            ]
            try:
                document = take_desk_list(rows=rows, filters=filters, as_of=bank.day, by=self.staff, at=self.at)
            except ActionRefused as refusal:
                return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        response = HttpResponse(document.content, content_type=document.media_type)
        response["Content-Disposition"] = f'attachment; filename="{document.name}"'
        return no_store(response)


class FormsTicked(PageView):
    """Printed forms of the ticked tasks as one PDF; what cannot be printed is named on its last page."""

    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        tasks = ticked(request, self.staff)
        if not tasks:
            messages.error(request, _("请先勾选任务。"))
            return redirect("followups:desk")
        try:
            printed = print_forms(task_ids=[task.pk for task in tasks], by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("followups:desk")
        if not printed.content:
            for task, why in printed.refused:
                messages.error(request, f"{task.number} {why.message}")
            return redirect("followups:desk")
        response = HttpResponse(printed.content, content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="visit-forms-{tasks[0].due_on:%Y%m%d}.pdf"'
        return no_store(response)


def _cells(row: DeskRow) -> list[Cell]:
    task = row.task
    return [
        row.left.word, task.due_on, str(Level(task.level).label) if task.level != Level.NONE else "", row.name,
        row.loan_count, task.loan.loan_note_no, str(TaskKind(task.kind).label), row.why,
        str(Method(task.method).label), row.days_past_due or None, row.overdue_amount,
        getattr(task, "loan_to_value", None), getattr(task, "last_visit_on", None), row.last_visit, row.district,
        row.estate, task.assigned_to.name if task.assigned_to else "", str(task.get_state_display()), task.number,
    ]  # fmt: skip
