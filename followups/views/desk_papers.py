"""What leaves the desk as a file: the list as a workbook."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import override

from followups.actions.desk_file import MOST_ROWS, take_desk_list
from followups.models import Level, Method, TaskKind
from followups.views import desk_page
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


def _cells(row: DeskRow) -> list[Cell]:
    task = row.task
    return [
        row.left.word, task.due_on, str(Level(task.level).label) if task.level != Level.NONE else "", row.name,
        row.loan_count, task.loan.loan_note_no, str(TaskKind(task.kind).label), row.why,
        str(Method(task.method).label), row.days_past_due or None, row.overdue_amount,
        getattr(task, "loan_to_value", None), getattr(task, "last_visit_on", None), row.last_visit, row.district,
        row.estate, task.assigned_to.name if task.assigned_to else "", str(task.get_state_display()), task.number,
    ]  # fmt: skip
