"""贷后检查台账: the month's follow-ups with figures by officer, each number its list; as a workbook and on paper."""

from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from followups.actions.register_file import FORMS, PDF, take_register
from followups.queries.visit_register import OfficerLine, Register, by_officer, ordered, register_tasks, standings
from followups.register_wording import MonthRefused, asked_register, days_over, part_words, reasons_of, why_open
from followups.views.review import MONTH_ORDER
from followups.views.rows import name_for
from journal.errors import ActionRefused
from loans.actions.report_documents import MEDIA_TYPES
from loans.queries import open_business_date
from loans.views.files import answer
from people.paging import page_of
from people.queries import branches_visible_to
from people.web import PageView, no_store


class VisitRegister(PageView):
    permission = "loans.view_reports"
    template_name = "followups/register/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        beside = {"branches": list(branches_visible_to(self.staff)), "parts": part_words().items()}
        try:
            asked = asked_register(request.GET.dict(), today)
        except MonthRefused as refusal:
            given = {name: request.GET.get(name, "")[:20] for name in ("month", "branch", "part")}
            return answer(self, self.get_context_data(refused=refusal.message, given=given, **beside), refusal)
        page = page_of(ordered(register_tasks(self.staff, asked)), MONTH_ORDER, cursor=request.GET.get("cursor", ""))
        found = standings(page.rows)
        rows = [
            {
                "task": task,
                "name": name_for(self.staff, task),
                "standing": found[task.pk],
                "over": days_over(task, found[task.pk], today),
                "why": why_open(found[task.pk]),
            }
            for task in page.rows
        ]
        lines = by_officer(self.staff, asked)
        context = self.get_context_data(
            asked=asked, given=_query(asked), query=urlencode(_query(asked)), page=page, order=MONTH_ORDER, rows=rows,
            lines=[_line(line, asked) for line in lines], whole=_whole(lines, asked), part=asked.part,
            business_date=today, **beside,
        )  # fmt: skip
        return no_store(self.render_to_response(context))


def _query(asked: Register, **more: str) -> dict[str, str]:
    found = {
        "month": f"{asked.first:%Y-%m}", "branch": asked.branch, "officer": asked.officer, "part": asked.part, **more
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _line(line: OfficerLine, asked: Register) -> dict[str, Any]:
    """A line with the addresses of the lists behind its numbers; what nobody has is in the list of all."""

    def behind(part: str) -> str:
        more = {"officer": line.staff_no} if line.staff_no else {}
        return f"{reverse('followups:visit_register')}?{urlencode(_query(asked, part=part, **more))}"

    return {
        "line": line,
        "reasons": reasons_of(line),
        "numbers": [(part, word, getattr(line, part), behind(part)) for part, word in part_words().items()],
    }


def _whole(lines: list[OfficerLine], asked: Register) -> dict[str, Any]:
    sums = {name: sum(getattr(line, name) for line in lines) for name in ("due", "done", "done_late", "open", "late")}
    return _line(OfficerLine("", "", **sums, unclosed={}), asked)


class VisitRegisterFile(PageView):
    """The register as a workbook or a landscape print."""

    permission = "loans.view_reports"

    def get(self, request: HttpRequest, form: str) -> HttpResponseBase:  # type: ignore[override]
        today = open_business_date()
        if form.upper() not in FORMS or today is None:
            raise Http404
        try:
            made = take_register(
                form=form.upper(), asked=asked_register(request.GET.dict(), today), by=self.staff, at=self.at,
                name_of=lambda task: name_for(self.staff, task),
            )  # fmt: skip
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        media_type = "application/pdf" if form.upper() == PDF else MEDIA_TYPES["XLSX"]
        response = FileResponse(made.file, as_attachment=True, filename=made.name, content_type=media_type)
        response["Content-Length"], response["Cache-Control"] = str(made.size), "no-store"
        return response
