"""Pages of the follow-up policy: its versions, a version line by line with what the checker says, its dry run."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.actions.policy import (
    decide_policy,
    draft_policy,
    replace_lines,
    reschedule_policy,
    submit_policy,
    withdraw_policy,
)
from followups.actions.policy_refusals import PolicyWrongDate
from followups.actions.policy_runs import ask_for_dry_run
from followups.models.policy import FollowUpPolicy, PolicyRunLoan
from followups.policy_wording import CHANGE_WORDS, STATE_WORDS, method_words
from followups.queries.policy import in_force_on, lines_of, policies
from followups.rules.default_policy import KINDS
from followups.rules.policy_draft import add, drop, move, put
from followups.views.policy_form import FIRST_OF_A_KIND, line_typed
from followups.views.policy_rows import shown
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from people.paging import Order, page_of
from people.queries import may
from people.rules.policy import Line
from people.web import PageView, no_store, visible_or_404

_BY_LOAN = Order("loan", gettext_lazy("借据号"), ("loan_id",))


def typed_day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise PolicyWrongDate(_("生效日请写成 YYYY-MM-DD，且确有这一天。"), field="from_on") from None


def answered(view: PageView, context: dict[str, Any], refusal: ActionRefused | None) -> HttpResponse:
    """The page; 409 when somebody got there first, 422 for any other refusal."""
    response = view.render_to_response(context)
    if refusal is not None:
        response.status_code = 409 if refusal.conflict else 422
    return no_store(response)


class PolicyList(PageView):
    """All versions; a new draft begins here as a copy of one of them."""

    permission = "followups.view_policy"
    template_name = "followups/policy/list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            based_on = request.POST.get("based_on", "")
            policy = draft_policy(
                based_on=int(based_on) if based_on.isascii() and based_on.isdigit() and len(based_on) < 9 else 0,
                purpose=request.POST.get("purpose", ""),
                from_on=typed_day(request.POST.get("from_on", "")),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            return self._shown(refusal)
        return redirect("followups:policy", policy.pk)

    def _shown(self, refusal: ActionRefused | None = None) -> HttpResponse:
        today = open_business_date()
        now = in_force_on(today) if today else None
        found = list(policies().order_by("-version")[:100])
        rows = [{"policy": each, "state": STATE_WORDS[each.state], "is_now": each == now} for each in found]
        coming = [each for each in found if each.checker and today and each.in_force.lower > today]
        context = self.get_context_data(
            rows=rows, now=now, coming=coming, refusal=refusal, typed=self.request.POST,
            may_propose=may(self.staff, "followups.propose_policy"),
            tomorrow=today + timedelta(days=1) if today else None,
        )  # fmt: skip
        return answered(self, context, refusal)


class PolicyPage(PageView):
    """One version. The maker edits its lines in place; another person decides."""

    permission = "followups.view_policy"
    template_name = "followups/policy/page.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(visible_or_404(policies(), pk=pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        policy = visible_or_404(policies(), pk=pk)
        verb = request.POST.get("verb", "")
        if verb in ("check", "form"):
            return self._shown(policy, typed=self._line(policy, lines_of(policy)))
        try:
            place = self._done(policy, verb)
        except ActionRefused as refusal:
            typed = self._line(policy, lines_of(policy)) if verb == "put" else None
            return self._shown(FollowUpPolicy.objects.get(pk=pk), refusal, typed)
        return redirect(reverse("followups:policy", args=[pk]) + place)

    def _done(self, policy: FollowUpPolicy, verb: str) -> str:
        """Does what the button says; where on the page to go on."""
        posted = self.request.POST
        who: dict[str, Any] = {"policy_id": policy.pk, "by": self.staff, "at": self.at}
        if verb in ("put", "add", "drop", "up", "down"):
            return self._edited(policy, verb, who)
        if verb == "approve" or verb == "return":
            decide_policy(
                **who, approve=verb == "approve", content_sha256=posted.get("content_sha256", ""),
                remark=posted.get("remark", ""),
            )  # fmt: skip
            messages.success(self.request, _("已批准。") if verb == "approve" else _("已退回拟稿人。"))
        elif verb == "withdraw":
            withdraw_policy(**who, reason=posted.get("remark", ""))
        elif verb == "try":
            ask_for_dry_run(**who)
        elif verb == "submit":
            submit_policy(**who, row_version=self._row_version())
            messages.success(self.request, _("已提交复核，须由另一人批准。"))
        elif verb == "from_on":
            reschedule_policy(**who, row_version=self._row_version(), from_on=typed_day(posted.get("from_on", "")))
        return ""

    def _edited(self, policy: FollowUpPolicy, verb: str, who: dict[str, Any]) -> str:
        lines = lines_of(policy)
        line = self._line(policy, lines)
        if verb == "add":
            changed = add(lines, line)
            number = next(n for n, each in enumerate(changed, 1) if each not in lines and each.kind == line.kind)
        elif verb == "drop":
            changed, number = drop(lines, line.number), 0
        elif verb == "put":
            changed, number = put(lines, line), 0
        else:
            step = -1 if verb == "up" else 1
            changed = move(lines, line.number, step)
            number = 0
        replace_lines(**who, row_version=self._row_version(), lines=changed)
        return f"?line={number}#line-{number}" if number else f"#line-{line.number}"

    def _line(self, policy: FollowUpPolicy, lines: tuple[Line, ...]) -> Line:
        """The line that was typed or pointed at; a new one of a kind where there is none."""
        posted = self.request.POST
        number = _number(posted.get("number", ""))
        before = next((line for line in lines if line.number == number), None)
        if before is None:
            kind = posted.get("kind", "")
            kind = kind if kind in KINDS else KINDS[-1]
            return Line(0, kind, (), FIRST_OF_A_KIND[kind], _("新增"))
        return line_typed(posted, before) if "note" in posted else before

    def _row_version(self) -> int:
        return _number(self.request.POST.get("row_version", ""))

    def _shown(
        self, policy: FollowUpPolicy, refusal: ActionRefused | None = None, typed: Line | None = None
    ) -> HttpResponse:
        open_line = typed.number if typed else _number(self.request.GET.get("line", ""))
        context = self.get_context_data(refusal=refusal, **shown(policy, self.staff, open_line, typed))
        return answered(self, context, refusal)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


class PolicyLoans(PageView):
    """Loans whose next visit a dry run changes."""

    permission = "followups.view_policy"
    template_name = "followups/policy/loans.html"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponse:
        policy = visible_or_404(policies(), pk=pk)
        found = visible_or_404(policy.runs.all(), pk=run)
        rows = _visible_rows(found.pk, self.staff, request.GET.get("change", ""))
        page = page_of(rows, _BY_LOAN, cursor=request.GET.get("cursor", ""))
        notes = dict(Loan.objects.filter(pk__in=[r.loan_id for r in page.rows]).values_list("pk", "loan_note_no"))
        told = [
            {"row": row, "note_no": notes[row.loan_id], "change": CHANGE_WORDS[row.change],
             "before": method_words(row.before_method), "after": method_words(row.after_method)}
            for row in page.rows
        ]  # fmt: skip
        changes = [(code, words, found.summary.get("changes", {}).get(code, 0)) for code, words in CHANGE_WORDS.items()]
        context = self.get_context_data(policy=policy, run=found, page=page, rows=told, changes=changes)
        return no_store(self.render_to_response(context))


def _visible_rows(run_id: int, staff: Any, change: str) -> Any:
    rows = PolicyRunLoan.objects.filter(run_id=run_id, loan_id__in=Loan.objects.visible_to(staff).values("pk"))
    return rows.filter(change=change) if change in CHANGE_WORDS else rows


class PolicyLoansCsv(PageView):
    """The same list as a file, streamed."""

    permission = "followups.view_policy"

    def get(self, request: HttpRequest, pk: int, run: int) -> HttpResponseBase:  # type: ignore[override]
        policy = visible_or_404(policies(), pk=pk)
        found = visible_or_404(policy.runs.all(), pk=run)
        rows = _visible_rows(found.pk, self.staff, request.GET.get("change", "")).order_by("loan_id")
        response = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
        name = f"policy-v{policy.version}-run-{found.pk}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "no-store"
        return response


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(rows: Any) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    heads = [_("借据号"), _("变化"), _("原日期"), _("原方式"), _("原行"), _("新日期"), _("新方式"), _("新行")]
    yield writer.writerow(heads)
    after = 0
    while True:
        chunk = list(rows.filter(loan_id__gt=after)[:2000])
        if not chunk:
            return
        notes = dict(Loan.objects.filter(pk__in=[r.loan_id for r in chunk]).values_list("pk", "loan_note_no"))
        for r in chunk:
            yield writer.writerow([
                notes[r.loan_id], CHANGE_WORDS[r.change], r.before_on or "", method_words(r.before_method),
                r.before_line or "", r.after_on or "", method_words(r.after_method), r.after_line or "",
            ])  # fmt: skip
        after = chunk[-1].loan_id
