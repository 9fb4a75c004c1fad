"""What a dry run means for people: officers by week, branches by month, who is over the ceiling; a loan explained."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from followups import batch
from followups.actions.policy_file import take_changed_loans, take_workload
from followups.actions.policy_runs import day_of_run
from followups.models.policy import FollowUpPolicy, PolicyRun, PolicyRunState
from followups.policy_wording import CHANGE_WORDS, method_words
from followups.queries.policy import lines_of, policies, visible_loans
from followups.queries.policy_load import Workload
from followups.rules.plan import plan
from followups.views.list_file import handed_out
from followups.wording import why_lines
from journal.errors import ActionRefused
from loans.models import Loan
from people.models import Branch, Staff
from people.queries import branches_visible_to
from people.web import PageView, no_store, visible_or_404

_CHART_WEEKS, _WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 26, 340, 132, 26, 20, 104


def _branch_asked(branches: Iterable[Branch], code: str) -> Branch | None:
    """The branch that the figures are narrowed to, None without one; Http404 for one that is not among those seen."""
    if not code:
        return None
    found = next((each for each in branches if each.code == code), None)
    if found is None:
        raise Http404
    return found


class PolicyLoad(PageView):
    """Workload before and after; `officer` opens a person's weeks, `branch` narrows, `loan` is the loan explained."""

    permission = "followups.view_policy"
    template_name = "followups/policy/load.html"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        policy = visible_or_404(policies(), pk=pk)
        found = visible_or_404(policy.runs.filter(state=PolicyRunState.DONE), pk=run)
        branches = list(branches_visible_to(self.staff))
        branch = _branch_asked(branches, request.GET.get("branch", ""))
        load = Workload(found, self.staff, branch.pk if branch else None)
        officer = self._officer(branches)
        months, years = load.months()
        context = self.get_context_data(
            policy=policy, run=found, branches=branches, branch=branch, officers=load.officers(), above=load.above(),
            months=months, years=years, officer=officer, weeks=load.weeks_of(officer.pk) if officer else [],
            example=example_of(found, policy, self.staff, request.GET.get("loan", "")),
        )  # fmt: skip
        return no_store(self.render_to_response(context))

    def _officer(self, branches: list[Branch]) -> Staff | None:
        number = self.request.GET.get("officer", "")[:20]
        return Staff.objects.filter(staff_no=number, branch__in=branches).first() if number else None


class PolicyLoadFile(PageView):
    """All tables of the page as a workbook, the rows that it leaves out too."""

    permission = "followups.view_policy"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponseBase:  # type: ignore[override]
        policy = visible_or_404(policies(), pk=pk)
        found = visible_or_404(policy.runs.filter(state=PolicyRunState.DONE), pk=run)
        branch = _branch_asked(branches_visible_to(self.staff), request.GET.get("branch", ""))
        try:
            return handed_out(take_workload(run=found, branch=branch, by=self.staff, at=self.at))
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))


class PolicyLoansXlsx(PageView):
    """The changed loans as a workbook."""

    permission = "followups.view_policy"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        policy = visible_or_404(policies(), pk=pk)
        found = visible_or_404(policy.runs.all(), pk=run)
        try:
            document = take_changed_loans(
                run=found, change=request.GET.get("change", ""), by=self.staff, at=self.at
            )  # fmt: skip
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        response = HttpResponse(document.content, content_type=document.media_type)
        response["Content-Disposition"] = f'attachment; filename="{document.name}"'
        return no_store(response)


def example_of(run: PolicyRun, policy: FollowUpPolicy, staff: Staff, asked: str) -> dict[str, Any] | None:
    """A loan line by line under both versions: the one asked for, or the first whose next visit changes."""
    rows = visible_loans(run, staff)
    if asked.isascii() and asked.isdigit() and len(asked) < 19:
        rows = rows.filter(loan_id=int(asked))
    row = rows.order_by("loan_id").first()
    if row is None:
        return None
    against = FollowUpPolicy.objects.get(version=run.against_version)
    day = day_of_run(run, (*lines_of(against), *lines_of(policy)))
    (case,) = batch.cases_of([row.loan_id], day)
    return {
        "loan": Loan.objects.get(pk=row.loan_id),
        "change": CHANGE_WORDS[row.change],
        "sides": [
            _side(against, row.before_on, row.before_method, case, day),
            _side(policy, row.after_on, row.after_method, case, day),
        ],
    }


def _side(policy: FollowUpPolicy, on: Any, method: str, case: batch.Case, day: batch.Day) -> dict[str, Any]:
    """The next visit under a version, and what its lines say of the loan as it stands now."""
    planned = plan(case.facts, lines_of(policy), day.calendar, day.as_of)
    told = [
        {"on": each.due_on, "method": method_words(each.method), "lines": why_lines(each.reason)} for each in planned
    ]
    return {"version": policy.version, "on": on, "method": method_words(method) if method else "", "planned": told}


def chart_of(run: PolicyRun) -> dict[str, Any] | None:
    """The busiest officer of each of the next weeks as two stepped lines below the ceiling's."""
    weeks = run.summary.get("weeks", [])[:_CHART_WEEKS]
    if len(weeks) < 2:
        return None
    ceiling = run.summary["ceiling"]
    most = max([ceiling, *(week[1] for week in weeks), *(week[2] for week in weeks)])
    step = (_WIDTH - _LEFT) // len(weeks)

    def height(value: int) -> int:
        return _BOTTOM - value * (_BOTTOM - _TOP) // most

    def line(place: int) -> str:
        points = []
        for number, week in enumerate(weeks):
            left = _LEFT + number * step
            points += [f"{left},{height(week[place])}", f"{left + step},{height(week[place])}"]
        return " ".join(points)

    return {
        "width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _LEFT + step * len(weeks), "bottom": _BOTTOM,
        "before": line(1), "after": line(2), "ceiling": ceiling, "ceiling_at": height(ceiling),
        "levels": [(value, height(value)) for value in dict.fromkeys((0, most // 2, most))],
        "ticks": [(_LEFT + n * step, week[0][5:]) for n, week in enumerate(weeks[:-3]) if n % 6 == 0],
    }  # fmt: skip
