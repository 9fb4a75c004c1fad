"""Measures: what approved reports opened, by owner and date, and the word that ends one."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups import actions
from followups.filters import MeasureFilter
from followups.models import Measure, MeasureState
from followups.queries.measures import measures_visible_to
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from people.models import Staff
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

ORDER = Order("due", gettext_lazy("完成日"), ("due_on", "id"))


def asked_measures(request: HttpRequest, staff: Staff) -> MeasureFilter:
    """The measures that the address asks for, those that are open unless it names another state."""
    asked = request.GET.copy()
    state = asked.get("state", MeasureState.OPEN)
    asked["state"] = state if state in MeasureState.values else MeasureState.OPEN
    return MeasureFilter(asked, queryset=measures_visible_to(staff), request=request)


class MeasuresPage(PageView):
    """The measures of the branches one sees; those that are open unless another state is asked for."""

    permission = "followups.view"
    template_name = "followups/measures.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        narrowed = asked_measures(request, self.staff)
        page = page_of(narrowed.qs, ORDER, cursor=request.GET.get("cursor", ""))
        today = open_business_date()
        rows = [self._row(measure, today) for measure in page.rows]
        context = self.get_context_data(
            rows=rows, page=page, order=ORDER, state=narrowed.data["state"], states=MeasureState.choices
        )
        return no_store(self.render_to_response(context))

    def _row(self, measure: Measure, today: Any) -> dict[str, Any]:
        is_own = measure.owner_id == self.staff.pk
        is_open = measure.state == MeasureState.OPEN
        return {
            "measure": measure,
            "name": borrower_name(measure.loan, self.staff),
            "is_late": is_open and today is not None and measure.due_on < today,
            "may_end": is_open and (is_own or may(self.staff, "followups.assign")),
        }


class EndMeasure(PageView):
    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        measure = visible_or_404(measures_visible_to(self.staff), pk=pk)
        given = request.POST
        try:
            actions.end_measure(
                measure_id=measure.pk,
                is_done=given.get("verb") != "drop",
                words=given.get("words", ""),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("措施已了结。"))
        return redirect(reverse("followups:measures"))
