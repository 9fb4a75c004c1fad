"""日程: the field visits of an officer's day, by district and estate, with proposed times; made to be printed on A4."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from followups.forms import visitors_of
from followups.queries.day_plan import Visit, day_plan
from followups.views.rows import DeskRow, desk_rows
from loans.queries import open_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to
from people.web import PageView, no_store


@dataclass(frozen=True)
class AskedPlan:
    """Whose day the address asks for, of whom it may be asked, and the stops of it, each with its row."""

    officer: Staff | None
    officers: list[Staff]
    day: date
    stops: list[tuple[Visit, DeskRow]]


def asked_plan(request: HttpRequest, staff: Staff, today: date) -> AskedPlan:
    """Http404 for somebody of another branch."""
    officers = list(visitors_of(branch_ids_visible_to(staff)))
    officer = _officer(request.GET.get("officer", ""), officers, staff)
    day = max(_day(request.GET.get("day", ""), today), today)
    plan = day_plan(staff, officer, day, today) if officer else []
    shown = desk_rows([one.task for one in plan], staff=staff, today=today)
    rows = {row.task.pk: row for row in shown}
    return AskedPlan(officer, officers, day, [(one, rows[one.task.pk]) for one in plan])


class DayPlanPage(PageView):
    permission = "followups.view"
    template_name = "followups/capacity/day_plan.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        asked = asked_plan(self.request, self.staff, today)
        found = [{"at": one.at, "stop": one.stop, "row": row, "address": one.address} for one, row in asked.stops]
        return super().get_context_data(
            **kwargs, found=found, officer=asked.officer, officers=asked.officers, day=asked.day, business_date=today
        )


def _officer(asked: str, officers: list[Staff], staff: Staff) -> Staff | None:
    """Who is asked for, else oneself; somebody of another branch is nobody."""
    if not asked:
        return next((one for one in officers if one.pk == staff.pk), officers[0] if officers else None)
    found = next((one for one in officers if one.staff_no == asked), None)
    if found is None:
        raise Http404
    return found


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise
