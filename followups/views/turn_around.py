"""多久能出结果: workdays to close and by step over a period, each figure leading to its tasks; what breaches first."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from followups.actions.turn_around_file import group_words, line_word, step_words, take_turn_around
from followups.models import ReportState, TaskState, VisitReport, VisitTask
from followups.period_wording import PeriodRefused, asked_period
from followups.queries import desk
from followups.queries.turn_around import GROUPS, ONLY, STEPS, Figure, breaching, tasks_behind, turn_around
from followups.rules.clock import CORRECTING, REVIEWING, TELLING, VISITING, WAITING
from followups.rules.period import Asked
from followups.views.rows import DeskRow, Left, desk_rows, left_of
from journal.errors import ActionRefused
from loans.queries import calendar, open_business_date
from loans.views.files import answer
from loans.views.pricing import asked_form, handed_out
from people.queries import branches_visible_to
from people.web import PageView, no_store

AHEAD_DAYS = 60


class PeriodPage(PageView):
    """A page of a period; one that cannot be answered is told beside the filters, and nothing is counted."""

    permission = "loans.view_reports"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return no_store(self.render_to_response(self.get_context_data()))
        except PeriodRefused as refusal:
            given = {name: request.GET.get(name, "")[:40] for name in ("from", "to", "by", "branch")}
            context = super().get_context_data(**kwargs, refused=refusal.message, field=refusal.field, given=given)
            return answer(self, {**context, **self.beside()}, refusal)

    def beside(self) -> dict[str, Any]:
        """What the filters offer."""
        return {"groups": group_words(), "branches": list(branches_visible_to(self.staff))}


class TurnAroundPage(PeriodPage):
    template_name = "followups/turn_around/page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        asked = asked_period(self.request.GET.dict(), today, GROUPS)
        found = turn_around(self.staff, asked.first, asked.last, by=asked.by, branch=asked.branch)
        late = dict(breaching(self.staff, today + timedelta(days=AHEAD_DAYS), today=today, branch=asked.branch))
        tasks = {task.pk: task for task in desk(self.staff).filter(pk__in=late)}
        rows = desk_rows([tasks[pk] for pk in late if pk in tasks], staff=self.staff, today=today)
        return super().get_context_data(
            **kwargs,
            asked=asked,
            given=asked.query,
            **self.beside(),
            rows=[_line(figure, asked) for figure in found.rows],
            whole=_line(found.whole, asked, is_whole=True) if found.whole else None,
            steps=[(step, step_words()[step]) for step in STEPS],
            group_word=group_words()[asked.by],
            breaching=_breaching(rows, late, today),
            query=urlencode(asked.query),
            business_date=today,
        )


def _breaching(rows: Sequence[DeskRow], late: Mapping[int, date], today: date) -> list[tuple[DeskRow, date, str, Left]]:
    """Each with the day of its present step and the time left until it: of a visit that is closed that is until the
    customer has to be told. One whose clock stands has no time left to run out."""
    days = calendar(min([today, *late.values()]), max([today, *late.values()]))
    return [
        (row, day, _step_of(row.task), left_of(day, today, days) if _runs_by_step(row) else row.left)
        for row, day in ((row, late[row.task.pk]) for row in rows)
    ]


def _runs_by_step(row: DeskRow) -> bool:
    """Is the day another one than that of the whole follow-up?"""
    return row.late_step is not None or row.task.closed_on is not None or row.task.state == TaskState.SUBMITTED


def _step_of(task: VisitTask) -> str:
    steps = {"SUBMITTED": REVIEWING, "RETURNED": CORRECTING, "IN_PROGRESS": VISITING, "CLOSED": TELLING}
    return step_words()[steps.get(task.state, WAITING)]


def _line(figure: Figure, asked: Asked, *, is_whole: bool = False) -> dict[str, Any]:
    """A line with the address of the tasks behind each of its figures."""

    def behind(**more: str) -> str:
        code = {} if is_whole else {"code": figure.code}
        return f"{reverse('followups:turn_around_tasks')}?{urlencode({**asked.query, **code, **more})}"

    return {
        "figure": figure,
        "word": "" if is_whole else line_word(asked.by, figure),
        "url": behind(),
        "late_url": behind(only="late"),
        "finding_url": behind(only="finding"),
        "told_late_url": behind(only="told_late"),
        "untold_url": behind(only="untold"),
        "quality_url": behind(only="scored"),
        "steps": [(figure.steps[step], behind(step=step)) for step in STEPS],
    }


class TurnAroundTasks(PeriodPage):
    """The tasks that a figure is made of, the longest first; each leads to its events."""

    template_name = "followups/turn_around/tasks.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        given = self.request.GET
        asked = asked_period(given.dict(), today, GROUPS)
        step, only = given.get("step", ""), given.get("only", "")
        taken = tasks_behind(
            self.staff, asked.first, asked.last, by=asked.by, branch=asked.branch, code=given.get("code"),
            step=step if step in STEPS else "", only=only if only in ONLY else "",
        )  # fmt: skip
        seen = VisitTask.objects.visible_to(self.staff).select_related("branch", "assigned_to", "loan")
        tasks = seen.in_bulk([one.task_id for one in taken])
        return super().get_context_data(
            **kwargs,
            asked=asked,
            rows=[(one, tasks[one.task_id], [one.steps[step] for step in STEPS]) for one in taken],
            steps=[(code, word) for code, word in step_words().items()],
            reports=_reports_of(tasks),
            is_scored=only == "scored",
            query=urlencode(asked.query),
            business_date=today,
        )


def _reports_of(tasks: Mapping[int, VisitTask]) -> dict[int, int]:
    """The approved report of each task."""
    found = VisitReport.objects.filter(visit__task__in=list(tasks), state=ReportState.APPROVED)
    return dict(found.values_list("visit__task_id", "pk"))


class TurnAroundFile(PageView):
    """The table as XLSX or CSV."""

    permission = "loans.view_reports"

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        kind = asked_form(form)
        try:
            asked = asked_period(request.GET.dict(), open_business_date() or self.at.date(), GROUPS)
            return handed_out(
                take_turn_around(
                    form=kind,
                    first=asked.first,
                    last=asked.last,
                    group=asked.by,
                    branch=asked.branch,
                    by=self.staff,
                    at=self.at,
                )  # fmt: skip
            )
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
