"""区域重估: the values of a district's homes moved by an index, looked at first, applied by another person."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from collateral import actions
from collateral.batch import area_outlook
from collateral.models import AreaRevaluation
from config.areas import limits_looked_at, looks_at_areas
from followups.views.leave import day_of
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.views.files import answer
from people.models import Staff
from people.queries import may
from people.web import PageView, no_store, visible_or_404

MOST = 50
VIEWS = "followups.view_policy"


class AreasPage(PageView):
    """What was revalued, what waits, and proposing one."""

    permission = VIEWS
    acts_with = actions.PROPOSE_AREA
    template_name = "collateral/areas.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context()))

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = request.POST
        try:
            valued_on = day_of(sent.get("valued_on", ""))
            if valued_on is None:
                raise actions.AreaUnclear(_("请填写有效日期，如 2026-10-30"), field="valued_on")
            area = actions.propose_area(
                district=sent.get("district", ""), change_percent=percent_of(sent.get("change_percent", "")),
                valued_on=valued_on, source=sent.get("source", ""), by=self.staff, at=self.at,
            )  # fmt: skip
        except ActionRefused as refusal:
            return no_store(answer(self, self._context(refused=refusal.message, field=refusal.field), refusal))
        return redirect("area", pk=area.pk)

    def _context(self, **more: Any) -> dict[str, Any]:
        return self.get_context_data(
            rows=list(AreaRevaluation.objects.order_by("-id")[:MOST]),
            may_propose=may(self.staff, actions.PROPOSE_AREA),
            typed=self.request.POST,
            business_date=open_business_date(),
            **more,
        )


class AreaPage(PageView):
    """One revaluation: what it would do or did; another person applies it or turns it down."""

    permission = VIEWS
    acts_with = actions.APPROVE_AREA
    template_name = "collateral/area.html"

    def area(self) -> AreaRevaluation:
        found: AreaRevaluation = visible_or_404(AreaRevaluation.objects.all(), pk=self.kwargs["pk"])
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context(self.area())))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        area = self.area()
        approve = request.POST.get("verb") == "approve"
        try:
            decided(area, approve=approve, note=request.POST.get("note", ""), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return no_store(answer(self, self._context(area, refused=refusal.message), refusal))
        messages.success(request, _("已重估，受影响的贷款当日重新定级、调整回访。") if approve else _("已退回。"))
        return redirect("area", pk=area.pk)

    def _context(self, area: AreaRevaluation, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        waits = area.decided_at is None and today is not None
        outlook: dict[str, Any] | None = None
        if waits and today is not None:
            found = area_outlook(
                district=area.district, change_percent=area.change_percent, valued_on=area.valued_on,
                limits=limits_looked_at(today),
            )  # fmt: skip
            outlook = {"homes": found.homes, "loans": found.loans, "past": found.past}
        shown: dict[str, Any] = outlook or area.counts
        past = sorted(((Decimal(limit), count) for limit, count in shown.get("past", {}).items()), reverse=True)
        return self.get_context_data(
            area=area,
            shown=shown,
            past=past,
            names=dict(Staff.objects.filter(staff_no__in=[area.maker, area.checker]).values_list("staff_no", "name")),
            may_decide=waits and may(self.staff, actions.APPROVE_AREA) and area.maker != self.staff.staff_no,
            business_date=today,
            **more,
        )


def decided(area: AreaRevaluation, *, approve: bool, note: str, by: Staff, at: Any) -> AreaRevaluation:
    """The decision with what the bank's policies look at today."""
    today = open_business_date()
    limits = limits_looked_at(today) if today else []
    return actions.decide_area(
        area_id=area.pk, approve=approve, note=note, limits=limits, wakes_all=bool(today and looks_at_areas(today)),
        by=by, at=at,
    )  # fmt: skip


def percent_of(text: str) -> Decimal:
    """The percent that was typed; refused when it is no number."""
    try:
        found = Decimal(text.strip().rstrip("%"))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) > 1000:
        raise actions.AreaUnclear(_("请填写变动幅度，如 -12。"), field="change_percent")
    return found
