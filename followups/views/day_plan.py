"""日程: the field visits of an officer's day, by district and estate, with proposed times; made to be printed on A4."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from followups.forms import visitors_of
from followups.queries.day_plan import day_plan
from followups.views.rows import desk_rows
from loans.queries import open_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to
from people.web import PageView, no_store


class DayPlanPage(PageView):
    permission = "followups.view"
    template_name = "followups/capacity/day_plan.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        officers = list(visitors_of(branch_ids_visible_to(self.staff)))
        officer = self._officer(officers)
        day = max(_day(self.request.GET.get("day", ""), today), today)
        plan = day_plan(self.staff, officer, day, today) if officer else []
        shown = desk_rows([one.task for one in plan], staff=self.staff, today=today)
        rows = {row.task.pk: row for row in shown}
        found = [{"at": one.at, "stop": one.stop, "row": rows[one.task.pk], "address": one.address} for one in plan]
        return super().get_context_data(
            **kwargs, found=found, officer=officer, officers=officers, day=day, business_date=today
        )

    def _officer(self, officers: list[Staff]) -> Staff | None:
        """Who is asked for, else oneself; somebody of another branch is nobody."""
        asked = self.request.GET.get("officer", "")
        if not asked:
            return next((one for one in officers if one.pk == self.staff.pk), officers[0] if officers else None)
        found = next((one for one in officers if one.staff_no == asked), None)
        if found is None:
            raise Http404
        return found


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise
