"""提示: what runs late and whom it is told, the number in the bell, requests to skip that wait for a decision."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups import actions
from followups.models import VisitTask
from followups.queries.alerts import ToldAlert, told_alerts, unread_alerts
from followups.queries.notices import MOST_COUNTED, Told, last_told, told, unread, waiting_reassigns, waiting_skips
from followups.views.desk_list import id_of
from followups.views.digests import digest_line
from followups.views.rows import name_for
from followups.views.task import TaskStep
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from people.models import Staff
from people.queries import may
from people.queries.leave import know_day
from people.web import PageView, no_store


def name_of(row: ToldAlert, staff: Staff) -> str:
    return borrower_name(row.alert.signal.loan, staff) if row.alert.signal else ""


def name_told(row: Told, staff: Staff) -> str:
    """Who has to amend a report knows whom it is about, like who holds a task."""
    task = row.notice.task
    return task.loan.borrower.name if row.correction else name_for(staff, task)


class NoticesPage(PageView):
    permission = "followups.view"
    template_name = "followups/notices/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        know_day(self.staff, today)
        rows = told(self.staff, today)
        alerts = told_alerts(self.staff, today)
        skips = list(waiting_skips(self.staff)) if may(self.staff, "followups.review") else []
        reassigns = list(waiting_reassigns(self.staff)) if may(self.staff, "followups.assign") else []
        return super().get_context_data(
            **kwargs,
            rows=[(row, name_told(row, self.staff)) for row in rows],
            skips=[(one, name_for(self.staff, one.task)) for one in skips],
            reassigns=[(one, name_for(self.staff, one.task)) for one in reassigns],
            alerts=[(row, name_of(row, self.staff)) for row in alerts],
            new=sum(row.is_new for row in rows) + sum(row.is_new for row in alerts),
            last=last_told(rows),
            last_alert=max((row.alert.pk for row in alerts), default=0),
            business_date=today,
            **digest_line(self.staff, today),
        )


class NoticesCount(PageView):
    """The number in the bell, fetched after the page; nothing when there is nothing new."""

    permission = "followups.view"
    template_name = "followups/notices/count.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        today = open_business_date()
        count = 0
        if today:
            count = unread(self.staff, today) + unread_alerts(self.staff, today, MOST_COUNTED + 1)
        words = f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)
        return no_store(self.render_to_response({"count": count, "words": words}))


class ReadNotices(PageView):
    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        up_to, alerts_up_to = (id_of(request.POST.get(name, "")) for name in ("up_to", "alerts_up_to"))
        try:
            actions.mark_read(up_to=up_to, alerts_up_to=alerts_up_to, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        return redirect("followups:notices")


class AskToSkip(TaskStep):
    """Asks that a first follow-up need not be made."""

    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        actions.ask_to_skip(task_id=task.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at)
        return _("已提交免访申请，待他人批准。")


class DecideSkip(TaskStep):
    """Approves or refuses it."""

    permission = "followups.review"

    def step(self, task: VisitTask) -> str:
        given = self.request.POST
        approve = given.get("verb") == "approve"
        actions.decide_skip(
            task_id=task.pk, approve=approve, note=given.get("note", ""),
            content_sha256=given.get("content_sha256", ""), by=self.staff, at=self.at,
        )  # fmt: skip
        return _("已批准免访，任务已撤销。") if approve else _("已退回免访申请，任务仍须办理。")
