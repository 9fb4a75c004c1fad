"""日程: the field visits of an officer's day, by district and estate, with proposed times; made to be printed on A4."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from followups.forms import visitors_of
from followups.models import Method, VisitTask
from followups.queries import desk
from followups.queries.capacity import visits_to_make
from followups.queries.cover import held_by
from followups.queries.facts import is_known_to
from followups.rules.day_plan import Stop, plan_day
from followups.views.rows import desk_rows
from loans.queries import open_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.rules.masking import mask_address
from people.web import PageView, no_store

MOST = 60


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
        tasks = self._tasks(officer, day, today) if officer else []
        rows = {row.task.pk: row for row in desk_rows(tasks, staff=self.staff, today=today)}
        stops = [Stop(task.pk, task.district or "", task.home_address or "", task.level) for task in tasks]
        found: list[dict[str, Any]] = [
            {"at": one.clock, "stop": one.stop, "row": rows[one.stop.task_id]} for one in plan_day(stops)
        ]
        for each in found:
            task: VisitTask = each["row"].task
            is_known = is_known_to(task, self.staff) or may(self.staff, "followups.assign")
            each["address"] = each["stop"].address if is_known else mask_address(each["stop"].address)
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

    def _tasks(self, officer: Staff, day: date, today: date) -> list[Any]:
        """Field visits that the officer holds and that are due by the day; days ahead leave out today's."""
        mine = visits_to_make(self.staff).filter(held_by(officer), method=Method.FIELD, due_on__lte=day)
        if day > today:
            mine = mine.filter(due_on__gt=today)
        return list(desk(self.staff).filter(pk__in=mine.order_by("level", "due_on", "id").values("pk")[:MOST]))


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise
