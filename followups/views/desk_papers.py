"""What leaves the desk as a file: the list as a workbook, printed forms of visits."""

from collections.abc import Iterator, Sequence

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import override

from followups.actions.desk_file import MOST_ROWS, take_desk_list
from followups.actions.field_forms import print_forms
from followups.models import Level, Method, TaskKind
from followups.step_wording import late_step_words
from followups.views import desk_page
from followups.views.desk_batch import ticked
from followups.views.desk_list import asked_of
from followups.views.rows import DeskRow, desk_rows
from journal.errors import ActionRefused
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE, XLSX
from loans.actions.report_documents import MEDIA_TYPES
from loans.queries import OpenDay, open_day
from loans.statement_xlsx import Cell
from people.queries.leave import know_day
from people.web import PageView, no_store

# So many rows of a file are read and written at a time.
AT_ONCE = 500


class DeskFile(PageView):
    """The list with the filters of the address, all of it."""

    permission = "followups.view"

    def get(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]
        bank = open_day()
        if bank is None:
            raise Http404
        know_day(self.staff, bank.day)
        narrowed, asked = asked_of(request, self.staff, bank.day)
        with override(DOCUMENT_LANGUAGE):
            ids = desk_page.whole(asked, most=MOST_ROWS + 1)
            rows = self.rows(ids, bank)
            filters = [
                (str(narrowed.filters[name].label), request.GET[name])
                for name in narrowed.filters
                if name != "q" and request.GET.get(name)
            ]
            try:
                made = take_desk_list(
                    rows=rows, count=len(ids), filters=filters, as_of=bank.day, by=self.staff, at=self.at
                )
            except ActionRefused as refusal:
                return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        response = FileResponse(made.file, as_attachment=True, filename=made.name, content_type=MEDIA_TYPES[XLSX])
        response["Content-Length"], response["Cache-Control"] = str(made.size), "no-store"
        return response

    def rows(self, ids: Sequence[int], bank: OpenDay) -> Iterator[list[Cell]]:
        """The list's rows in its order, some hundred read at a time."""
        for at in range(0, len(ids), AT_ONCE):
            tasks = desk_page.read(ids[at : at + AT_ONCE], bank.day)
            yield from (_cells(row) for row in desk_rows(tasks, staff=self.staff, today=bank.day, days=bank.days))


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
        row.estate, task.assigned_to.name if task.assigned_to else "",
        late_step_words(row.late_step) or str(task.get_state_display()), task.number,
    ]  # fmt: skip
