"""回访录入: before, one choice, now. What is typed is kept by itself; who saved last is always said.

The page works without scripts too: the button then submits the whole form. With them HTMX saves the
draft and the reply brings the next version, the ratios and what is still missing.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups import actions
from followups.actions.refusals import fault_sentence
from followups.forms import draft_of, version_of, visitors_of
from followups.models import Method, TaskState, Visit, VisitReport, VisitTask
from followups.queries import desk, form_of, person_facts
from followups.queries.form import field_label
from followups.rules import checklist
from followups.views.rows import desk_rows, name_for
from followups.wording import why
from journal.errors import ActionRefused
from loans.queries import open_business_date
from people.web import PageView, no_store, visible_or_404

OPEN_TO_WRITE = (TaskState.IN_PROGRESS, TaskState.RETURNED)


class VisitBase(PageView):
    """Finds the visible task and its visit; shows the form, filled with what is saved or with what was typed."""

    permission = "followups.view"
    template_name = "followups/visit.html"

    def task_and_visit(self, pk: int) -> tuple[VisitTask, Visit]:
        task = visible_or_404(desk(self.staff), pk=pk)
        visit = visible_or_404(
            Visit.objects.select_related("checklist", "lead_visitor", "second_visitor"), task_id=task.pk
        )
        visit.task = task
        return task, visit

    def draft(self, task: VisitTask, visit: Visit) -> dict[str, Any]:
        items = checklist.items_for(task.kind, visit.method, visit.checklist.items)
        return draft_of(self.request.POST, items)

    def context(self, task: VisitTask, visit: Visit, refusal: ActionRefused | None = None) -> dict[str, Any]:
        today = open_business_date()
        assert today is not None
        (row,) = desk_rows([task], staff=self.staff, today=today)
        is_mine = task.assigned_to_id == self.staff.pk
        stale = refusal if isinstance(refusal, actions.StaleVersion) else None
        return self.get_context_data(
            task=task,
            visit=visit,
            row=row,
            left=row.left,
            why=why(task),
            person={**person_facts(task, self.staff), "name": name_for(self.staff, task)},
            form=form_of(task, visit),
            refusal=refusal,
            stale=stale,
            is_locked=not is_mine or task.state not in OPEN_TO_WRITE or stale is not None,
            is_mine=is_mine,
            wrong=_sentences(refusal),
            effects=self._effects(task, visit),
            returned=_returned(visit),
            last=_last_report(task),
            partners=self._partners(task, visit),
        )

    def _partners(self, task: VisitTask, visit: Visit) -> Any:
        if visit.method != Method.FIELD:
            return []
        return visitors_of([task.branch_id]).exclude(pk=visit.lead_visitor_id)

    def _effects(self, task: VisitTask, visit: Visit) -> dict[str, Any]:
        """Ratios, differences and a first text for the conclusion; nothing when the draft cannot be read."""
        try:
            found = actions.preview(task_id=task.pk, draft=visit.draft, by=self.staff)
        except ActionRefused:
            return {}
        content = in_language(found.content)
        labels = {row["key"]: row["label"] for section in content["sections"] for row in section["items"]}
        faults = [
            {"key": key, "label": labels.get(key) or field_label(key), "words": fault_sentence(codes[0])}
            for key, codes in found.faults.items()
        ]
        return {"content": content, "drafted_text": found.drafted_text, "faults": faults}


def in_language(content: Any) -> Any:
    """A report's content with each {"zh", "en"} pair replaced by the words of the active language."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return _worded(content, language)


def _worded(value: Any, language: str) -> Any:
    if isinstance(value, dict):
        if set(value) == {"zh", "en"}:
            return value[language]
        return {key: _worded(part, language) for key, part in value.items()}
    return [_worded(part, language) for part in value] if isinstance(value, list | tuple) else value


def _sentences(refusal: ActionRefused | None) -> dict[str, str]:
    """What is wrong by item, for showing beside it."""
    if isinstance(refusal, actions.InvalidAnswers):
        return refusal.sentences
    if refusal is not None and refusal.field and not isinstance(refusal, actions.MissingAnswers):
        return {refusal.field: refusal.message}
    return {}


def _returned(visit: Visit) -> VisitReport | None:
    """The report that came back, when the last version did."""
    last = visit.reports.select_related("decided_by").order_by("-version").first()
    return last if last is not None and last.state == TaskState.RETURNED else None


def _last_report(task: VisitTask) -> VisitReport | None:
    earlier = VisitReport.objects.filter(visit__task__loan_id=task.loan_id, state="APPROVED")
    return earlier.exclude(visit__task_id=task.pk).order_by("-submitted_on", "-id").first()


class VisitPage(VisitBase):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = visible_or_404(desk(self.staff), pk=pk)
        if not Visit.objects.filter(task_id=task.pk).exists():
            return redirect("followups:task", pk=task.pk)
        task, visit = self.task_and_visit(pk)
        return no_store(TemplateResponse(request, self.template_name, self.context(task, visit)))


class SaveDraft(VisitBase):
    """Keeps what is typed; asked for it, shows the report as it would be submitted."""

    permission = "followups.record_visit"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, visit = self.task_and_visit(pk)
        draft, refusal = self.draft(task, visit), None
        try:
            visit = actions.save_draft(
                task_id=task.pk, version=version_of(request.POST), draft=draft, by=self.staff, at=self.at
            )
        except ActionRefused as refused:
            refusal = refused
            visit.draft = draft
        visit.task = task
        context = self.context(task, visit, refusal)
        context["wants_preview"] = request.POST.get("then") == "preview" and refusal is None
        status = 409 if refusal and refusal.conflict else 422 if refusal else 200
        return no_store(TemplateResponse(request, "followups/parts/visit_saved.html", context, status=status))


class SubmitVisit(VisitBase):
    permission = "followups.record_visit"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, visit = self.task_and_visit(pk)
        draft = self.draft(task, visit)
        try:
            report = actions.submit_visit(
                task_id=task.pk, version=version_of(request.POST), draft=draft, by=self.staff, at=self.at
            )
        except ActionRefused as refusal:
            visit.draft = draft
            status = 409 if refusal.conflict else 422
            context = self.context(task, visit, refusal)
            return no_store(TemplateResponse(request, self.template_name, context, status=status))
        messages.success(request, _("报告 %(number)s 已提交，等待审核。") % {"number": report.number})
        return redirect("followups:desk")
