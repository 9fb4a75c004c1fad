"""休假与代管: the own leaves, for managers those of their branches; entering one, ending one early."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from followups.forms import visitors_of
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.views.files import answer
from people.actions import leave as leaves
from people.models import Leave, Staff
from people.queries import branch_ids_visible_to, may
from people.queries.leave import ENTERS_OTHERS, ENTERS_OWN, deputies_for, leaves_visible_to, may_enter_for
from people.web import PageView, no_store, visible_or_404

_NAMES = ("staff", "first", "last", "deputy", "reason")


def day_of(text: str) -> date | None:
    """The day that was typed, None for what is no day."""
    try:
        return parse_date(text)
    except ValueError:
        return None


class LeavePage(PageView):
    permission = "followups.view"
    acts_with = ""
    template_name = "followups/leave.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in _NAMES}
        try:
            leave = self._enter(typed)
        except ActionRefused as refusal:
            context = self.get_context_data(refused=refusal.message, field=refusal.field, typed=typed)
            return no_store(answer(self, context, refusal))
        messages.success(request, _("已登记%(name)s的休假。") % {"name": leave.staff.name})
        return redirect("followups:leave")

    def _enter(self, typed: dict[str, str]) -> Leave:
        people = self._people()
        staff = next((one for one in people if one.staff_no == typed["staff"]), None)
        if staff is None:
            raise leaves.LeaveRefused(_("请从名单中选择休假人。"), field="staff")
        first, last = day_of(typed["first"]), day_of(typed["last"])
        if first is None or last is None:
            raise leaves.LeaveRefused(_("请填写有效日期，如 2026-10-30"), field="last" if first else "first")
        deputy = deputies_for(staff).filter(staff_no=typed["deputy"]).first() if typed["deputy"] else None
        if typed["deputy"] and deputy is None:
            raise leaves.LeaveRefused(_("代管人须为同一机构另一名在岗的回访人员。"), field="deputy")
        return leaves.enter_leave(
            staff=staff, first=first, last=last, deputy=deputy, reason=typed["reason"], by=self.staff, at=self.at
        )

    def _people(self) -> list[Staff]:
        """For whom this person may enter a leave."""
        if may(self.staff, ENTERS_OTHERS):
            return list(visitors_of(branch_ids_visible_to(self.staff)))
        return [self.staff] if may(self.staff, ENTERS_OWN) else []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        people = self._people()
        found = leaves_visible_to(self.staff).order_by("-period", "-id")[:100]
        own = [person for person in people if person.pk == self.staff.pk]
        return super().get_context_data(
            **{
                "rows": [_row(leave, today, self.staff) for leave in found],
                "people": people,
                "deputies": list(visitors_of({one.branch_id for one in people})) if people else [],
                "is_own_only": len(people) == len(own) == 1,
                "business_date": today,
                "typed": {},
                **kwargs,
            }
        )


def _row(leave: Leave, today: date | None, staff: Staff) -> dict[str, Any]:
    first, last = leave.period.lower, date.fromordinal(leave.period.upper.toordinal() - 1)
    state = _("已结束") if today and last < today else _("休假中") if today and first <= today else _("未开始")
    return {
        "leave": leave,
        "first": first,
        "last": last,
        "state": state,
        "may_end": bool(today and last >= today and may_enter_for(staff, leave.staff)),
    }


class EndLeave(PageView):
    """Back early, or not going: the work is with its officer again from today on."""

    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        leave = visible_or_404(leaves_visible_to(self.staff), pk=pk)
        try:
            leaves.end_leave(leave_id=leave.pk, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("休假已结束，任务已回到%(name)s。") % {"name": leave.staff.name})
        return redirect("followups:leave")
