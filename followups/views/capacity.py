"""人员负荷: officers by week against the ceiling, what overflows, each number leading to its list; and the files."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from followups.actions.capacity_file import take_capacity
from followups.queries.capacity import Capacity, Cell, Row, capacity
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.rules.bar_chart import bar_chart
from loans.views.pricing import asked_form, handed_out
from people.queries import branches_visible_to
from people.web import PageView, no_store


class CapacityPage(PageView):
    permission = "loans.view_reports"
    template_name = "followups/capacity/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        branch = self.request.GET.get("branch", "").strip()[:20]
        found = capacity(self.staff, today, branch=branch)
        present = [row for row in found.rows if row.officer]
        room = found.ceiling * len(present)
        weeks = [(f"{cell.monday:%m-%d}", (cell.planned, room)) for cell in found.sums]
        return super().get_context_data(
            **kwargs,
            found=found,
            rows=[_row(row, found, branch) for row in found.rows],
            sums=[_linked(cell, None, found, branch) for cell in found.sums],
            overflow=[(one, _linked(one.cell, one.row, found, branch)) for one in found.overflow],
            chart=bar_chart(weeks),
            chart_keys=[_("计划"), _("上限合计")],
            branches=list(branches_visible_to(self.staff)),
            branch=branch,
            query=urlencode({"branch": branch}) if branch else "",
            business_date=today,
        )


def _row(row: Row, found: Capacity, branch: str) -> dict[str, Any]:
    late = {"chip": "past_limit"}
    return {
        "row": row,
        "cells": [_linked(cell, row, found, branch) for cell in row.cells],
        "late_url": _desk(row, branch, **late),
    }


def _linked(cell: Cell, row: Row | None, found: Capacity, branch: str) -> dict[str, Any]:
    """A cell with the addresses of its lists; the first week holds what is late too, so it begins nowhere."""
    asked = {"due_to": cell.sunday.isoformat()}
    if cell.monday != found.mondays[0]:
        asked["due_from"] = cell.monday.isoformat()
    return {
        "cell": cell,
        "url": _desk(row, branch, **asked),
        "field_url": _desk(row, branch, method="FIELD", **asked),
        "late_url": _desk(row, branch, chip="past_limit"),
    }


def _desk(row: Row | None, branch: str, **asked: str) -> str:
    """The desk's list of exactly these visits."""
    found: dict[str, str] = {"scope": "branch", "visits": "true", **asked}
    if row is not None and row.officer is not None:
        found["officer"] = row.officer.staff_no
    elif row is not None:
        found["unassigned"] = "true"
    if branch:
        found["branch"] = branch
    return f"{reverse('followups:desk')}?{urlencode(found)}"


class CapacityFile(PageView):
    """The table as XLSX or CSV."""

    permission = "loans.view_reports"

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        kind = asked_form(form)
        branch = request.GET.get("branch", "").strip()[:20]
        try:
            return handed_out(take_capacity(form=kind, branch=branch, by=self.staff, at=self.at))
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
