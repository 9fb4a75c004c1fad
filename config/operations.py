"""The operations page: the business date, what day end did and how long it took, what is stuck or held back."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from config.day_end import BY_NAME, STAGES
from config.night.held import retry_held
from config.night.progress import Progress, progress
from journal import actions
from journal.errors import ActionRefused
from journal.models import HeldBack, Run
from journal.queries import held_back, runs_since, stuck_reactions
from loans.models import BusinessDate, Loan
from loans.queries import open_business_date
from people.queries import may
from people.web import PageView, no_store

SHOWN_DATES = 7
SHOWN_ROWS = 50


class OperationsPage(PageView):
    permission = "operations.view"
    template_name = "operations.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        held = list(held_back()[:SHOWN_ROWS])
        return super().get_context_data(
            **kwargs,
            today=today,
            night=_night(today, self.at),
            days=list(BusinessDate.objects.order_by("-day")[:SHOWN_DATES]),
            dates=_dates(list(runs_since(today - timedelta(days=SHOWN_DATES)))) if today else [],
            stuck=list(stuck_reactions()[:SHOWN_ROWS]),
            stuck_count=stuck_reactions().count(),
            held=_with_note_numbers(held),
            held_count=held_back().count(),
            may_run=may(self.staff, "operations.run"),
        )


class OperationsProgress(PageView):
    """The part of the page that tells how far the night is; asked for again and again while it shows."""

    permission = "operations.view"
    template_name = "parts/night.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response({"night": _night(open_business_date(), self.at)}))


def _night(day: date | None, at: datetime) -> Progress | None:
    return progress(day, [stage.name for stage in STAGES], at=at) if day else None


def _dates(runs: list[Run]) -> list[dict[str, Any]]:
    """Runs by business date and stage, chunks added up; the newest date first, stages as they ran."""
    dates: dict[Any, dict[str, dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda run: (run.started_at, run.pk)):
        stages = dates.setdefault(run.business_date, {})
        stage = stages.setdefault(run.stage, {"stage": run.stage, "chunks": 0, "seconds": timedelta(), "counts": {}})
        stage["chunks"] += 1
        stage["seconds"] += run.finished_at - run.started_at
        stage["finished_at"] = run.finished_at
        for name, count in run.counts.items():
            if isinstance(count, int) and not isinstance(count, bool):
                stage["counts"][name] = stage["counts"].get(name, 0) + count
    return [{"day": day, "stages": list(dates[day].values())} for day in sorted(dates, reverse=True)]


def _with_note_numbers(held: list[HeldBack]) -> list[dict[str, Any]]:
    numbers = dict(Loan.objects.filter(pk__in=[row.subject_id for row in held]).values_list("pk", "loan_note_no"))
    return [{"row": row, "loan_note_no": numbers.get(row.subject_id, "")} for row in held]


class RetryReaction(PageView):
    permission = "operations.run"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            number = _number(request.POST.get("pending", ""))
            if number is None:
                raise ActionRefused(_("没有这项待办反应。"))
            actions.retry(pending_id=number, by=self.staff.staff_no, at=self.at)
            messages.success(request, _("已安排立即重试。"))
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        return redirect("operations")


class RetryHeld(PageView):
    permission = "operations.run"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            number = _number(request.POST.get("held", ""))
            if number is None:
                raise ActionRefused(_("没有这笔搁置的贷款。"))
            if retry_held(held_id=number, stages=BY_NAME, by=self.staff, at=self.at):
                messages.success(request, _("已重试并通过。"))
            else:
                messages.error(request, _("已重试，仍被搁置。"))
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        return redirect("operations")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
