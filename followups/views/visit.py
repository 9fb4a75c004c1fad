"""回访录入: before, one choice, now. What is typed is kept by itself; who saved last is always said.

The page works without scripts too: the button then submits the whole form. With them HTMX saves the
draft and the reply brings the next version, the ratios and what is still missing.
"""

from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups import actions
from followups.actions.refusals import fault_sentence
from followups.forms import OpinionForm, draft_of, tab_of, version_of, visitors_of
from followups.models import TaskState, Visit, VisitReport, VisitTask
from followups.queries import contact_of, desk, form_of, is_known_to, opinion_shown, person_facts
from followups.queries.assigning import given_visits, not_independent, went_along
from followups.queries.attachments import files_shown
from followups.queries.content import came_back
from followups.queries.corrections import amended, writes_on
from followups.queries.form import asked_of, field_label
from followups.queries.measures import catalogue, owners_for
from followups.queries.merging import links_of, seen_by
from followups.queries.next_task import next_task
from followups.queries.returns import last_return, parts_to_mend
from followups.rules import checklist
from followups.rules.correction import FIXED
from followups.views.rows import Left, desk_rows, left_of, name_for
from followups.views.task import TaskStep, dialogs_of
from followups.wording import why
from journal.errors import ActionRefused
from loans.queries import calendar, open_business_date
from people.machine_keys import keep_word, key_for, machine_word
from people.models import Staff
from people.queries import may
from people.web import PageView, no_store, visible_or_404

# Half an answer: what the officer is still about to type.
GAPS = ("now_missing", "verified_by_missing")
# What a visit asks beside its checklist, before it.
CONTACT = ("contact_outcome", "second_visitor", "photo_exit", "door_photo", "note_left")
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
        return task, amended(visit, task)

    @cached_property
    def word(self) -> str:
        """This machine's half of the key of what the page keeps there."""
        return machine_word(self.request)

    def draft(self, task: VisitTask, visit: Visit) -> dict[str, Any]:
        typed = draft_of(self.request.POST, asked_of(visit))
        if visit.correction is None:
            return typed
        # What a correction leaves as it was has no inputs.
        kept = {key: visit.correction.before[key] for key in FIXED if key in visit.correction.before}
        return {**{key: value for key, value in typed.items() if key not in FIXED}, **kept}

    def context(self, task: VisitTask, visit: Visit, refusal: ActionRefused | None = None) -> dict[str, Any]:
        today = open_business_date()
        assert today is not None
        parts = _form_parts(task, visit, refusal, self.staff)
        (row,) = desk_rows([task], staff=self.staff, today=today)
        is_mine, is_open = writes_on(task, visit, self.staff), is_open_to_write(task, visit)
        stale = refusal if isinstance(refusal, actions.StaleVersion) else None
        return self.get_context_data(
            task=task,
            visit=visit,
            machine_key=key_for(self.staff, self.word),
            row=row,
            left=_left(visit, row.left, today),
            why=why(task),
            along=[link.task for link in seen_by(links_of(task), self.staff)],
            person=_person(task, self.staff),
            **parts,
            refusal=refusal,
            stale=stale,
            is_locked=not is_mine or not is_open or stale is not None or is_held(refusal),
            is_mine=is_mine,
            effects=self._effects(task, visit),
            held=refusal if isinstance(refusal, actions.HeldElsewhere) else None,
            may_attach=may_work_on(task, visit, self.staff),
            **dialogs_of(task, today),
            item_sent=self.request.GET.get("item", ""),
            **files_shown(visit, self.staff, parts["form"]["questions"]),
            last=_last_report(task),
            **self._partners(task, visit, today),
            reach=contact_of(task, today),
            may_attempt=visit.correction is None and may_work_on(task, visit, self.staff),
            may_sign=is_open,
            script=_script(task, visit),
            pair=opinion_shown(visit, self.staff),
            measures=_measures(task, visit),
        )

    def _partners(self, task: VisitTask, visit: Visit, today: date) -> dict[str, Any]:
        """Who may go along, where two have to: colleagues who count that day, and who is named already, marked when
        without a certificate."""
        if visit.correction is not None:
            return {"asks_partner": False}
        is_approver = task.loan.approver_id is not None and task.loan.approver_id == visit.lead_visitor_id
        if not checklist.needs_pair(visit.method, task.level) and not is_approver:
            return {"asks_partner": False}
        named = Q(pk__in=[pk for pk in (task.proposed_second_id, visit.second_visitor_id) if pk is not None])
        named |= Q(staff_no=str(visit.draft.get("second_visitor") or ""))
        found = visitors_of([task.branch_id], also=went_along(task))
        found = found.exclude(pk__in=[visit.lead_visitor_id, *not_independent(task.loan)])
        counts = given_visits(today)
        found = found.filter(counts | named)
        return {
            "asks_partner": True,
            "partners": found.annotate(counts=ExpressionWrapper(counts, output_field=BooleanField())),
        }

    def _effects(self, task: VisitTask, visit: Visit) -> dict[str, Any]:
        """Ratios, differences and a first text for the conclusion, of what was kept last when this draft may not be;
        nothing for those who record no visits."""
        try:
            found = actions.preview(task_id=task.pk, draft=visit.draft, by=self.staff)
        except actions.InvalidAnswers:
            found = actions.preview(task_id=task.pk, draft=None, by=self.staff)
        except ActionRefused:
            return {}
        content = in_language(found.content)
        labels = {row["key"]: row["label"] for section in content["sections"] for row in section["items"]}
        faults = [
            {"key": key, "label": labels.get(key) or field_label(key), "words": fault_sentence(codes[0])}
            for key, codes in found.faults.items()
        ]
        return {"content": content, "drafted_text": found.drafted_text, "faults": faults}


def _left(visit: Visit, of_task: Left, today: date) -> Left:
    """The time left for what is being done: of a correction its own."""
    if visit.correction is None:
        return of_task
    due_on = visit.correction.due_on
    return left_of(due_on, today, calendar(min(due_on, today), max(due_on, today)))


def _measures(task: VisitTask, visit: Visit) -> dict[str, Any]:
    """The measures of the draft as rows to fill, one of them empty, with the catalogue and who may be responsible."""
    rows = [dict(row) for row in visit.draft.get("measures") or [] if isinstance(row, dict)]
    empty = {"code": "", "owner": visit.lead_visitor.staff_no, "due_on": "", "words": ""}
    return {
        "rows": list(enumerate([*rows, empty][: checklist.MOST_MEASURES])),
        "kinds": catalogue(),
        "owners": owners_for(task),
    }


def is_held(refusal: ActionRefused | None) -> bool:
    """Does another window write on the visit?"""
    return isinstance(refusal, actions.HeldElsewhere)


def may_work_on(task: VisitTask, visit: Visit, staff: Staff) -> bool:
    """May the person add to the visit now: who holds the task, or goes along?"""
    goes = writes_on(task, visit, staff) or visit.second_visitor_id == staff.pk
    return goes and is_open_to_write(task, visit) and may(staff, "followups.record_visit")


def is_open_to_write(task: VisitTask, visit: Visit) -> bool:
    """Is the visit being made or mended, or its approved report corrected?"""
    return task.state in OPEN_TO_WRITE or visit.correction is not None


def _person(task: VisitTask, staff: Staff) -> dict[str, str]:
    """Who and where: full for who holds the task or goes along, and the name for who decides on it."""
    facts = person_facts(task, staff)
    return facts if is_known_to(task, staff) else {**facts, "name": name_for(staff, task)}


def _script(task: VisitTask, visit: Visit) -> dict[str, Any]:
    """The card of a call: who one is and whom one asks for; the loan only once the identity is checked."""
    if visit.method not in checklist.CALLING:
        return {}
    is_checked = checklist.answer_of(visit.draft, "identity_checked").get("now") == "YES"
    return {"is_checked": is_checked, "tail": task.loan.borrower.id_no[-4:] if is_checked else ""}


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


def _form_parts(task: VisitTask, visit: Visit, refusal: ActionRefused | None, reader: Staff) -> dict[str, Any]:
    """The form with what is wrong by item, how far each section is, and what a return asks to mend."""
    form, returned = form_of(task, visit, reader), _returned(visit)
    faults = _faults(form, refusal)
    wrong = {fault["key"]: fault["words"] for fault in faults}
    sections_back = _sections_back(task) if returned else {}
    for section in form["sections"]:
        inside = {item["key"]: item for item in section["items"]}
        changed = [key for key, item in inside.items() if item["answer"].get("choice") == "CHANGED"]
        section["faulty"] = sum(key in wrong for key in inside)
        section["changed"] = sum(key not in wrong for key in changed)
        section["is_returned"] = section["key"] in sections_back
        section["back_why"] = sections_back.get(section["key"], "")
    to_mend = [
        {"key": part["key"], "label": part["label"], "why": part["back_why"]}
        for part in form["sections"]
        if part["is_returned"]
    ]
    if "conclusion" in sections_back:
        to_mend = [part for part in to_mend if part["key"] != "conclusion"]
        to_mend.append({"key": "end", "label": field_label("conclusion"), "why": sections_back["conclusion"]})
    return {
        "form": form,
        "land": _landing(form, to_mend),
        "faults": faults,
        "wrong": wrong,
        "returned": returned,
        "to_mend": to_mend,
        "contact": _part(form, wrong, CONTACT),
        "ending": {
            **_part(form, wrong, ("conclusion", "conclusion_text", "suggested_class", "measures")),
            "is_returned": "conclusion" in sections_back,
            "back_why": sections_back.get("conclusion", ""),
        },
    }


def _landing(form: dict[str, Any], to_mend: list[dict[str, Any]]) -> str:
    """Where the officer stands first on a visit that came back: the first question of the first part to mend."""
    if not to_mend:
        return ""
    first = to_mend[0]["key"]
    for section in form["sections"]:
        if section["key"] == first:
            asked = [item["key"] for item in section["items"] if not item["is_system"]]
            return asked[0] if asked else ""
    return "conclusion"


def _part(form: dict[str, Any], wrong: dict[str, str], keys: tuple[str, ...]) -> dict[str, bool]:
    """How far a part of the form is that belongs to no section of the checklist."""
    faulty = any(key in wrong for key in keys)
    is_complete = not any(field["key"] in keys for field in form["missing"])
    return {"faulty": faulty, "is_done": is_complete and not faulty}


def _faults(form: dict[str, Any], refusal: ActionRefused | None) -> list[dict[str, Any]]:
    """What is wrong with the answers, in the form's order: {key, label, words, is_gap}."""
    labels = {item["key"]: item["label"] for section in form["sections"] for item in section["items"]}
    codes = {key: found[0] for key, found in form["faults"].items()}
    if isinstance(refusal, actions.InvalidAnswers):
        codes |= {key: found[0] for key, found in refusal.faults.items()}
    words = {key: fault_sentence(code) for key, code in codes.items()}
    if isinstance(refusal, actions.SecondVisitorWrong):
        words["second_visitor"] = refusal.message
    order = {key: place for place, key in enumerate([*CONTACT, *labels])}
    return [
        {
            "key": key,
            "label": labels.get(key) or field_label(key),
            "words": words[key],
            "is_gap": codes.get(key) in GAPS,
        }
        for key in sorted(words, key=lambda key: order.get(key, len(order)))
    ]


def _sections_back(task: VisitTask) -> dict[str, str]:
    """The sections that the last return named, with the reason of each in words."""
    return {part["key"]: part["code_label"] for part in in_language(parts_to_mend(last_return(task)))}


def _returned(visit: Visit) -> VisitReport | None:
    """The report that came back, when the last version did."""
    return came_back(visit, visit.reports.select_related("decided_by").order_by("-version").first())


def _last_report(task: VisitTask) -> VisitReport | None:
    earlier = VisitReport.objects.filter(visit__task__loan_id=task.loan_id, state="APPROVED")
    return earlier.exclude(visit__task_id=task.pk).order_by("-submitted_on", "-id").first()


class VisitPage(VisitBase):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = visible_or_404(desk(self.staff), pk=pk)
        if not Visit.objects.filter(task_id=task.pk).exists():
            return redirect("followups:task", pk=task.pk)
        task, visit = self.task_and_visit(pk)
        response = no_store(TemplateResponse(request, self.template_name, self.context(task, visit)))
        keep_word(response, self.word)
        return response


class SignOpinion(TaskStep):
    """The second visitor's own opinion, in an own session."""

    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        form = OpinionForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        actions.sign_opinion(task_id=task.pk, **form.cleaned_data, by=self.staff, at=self.at)
        return _("已签署协办意见。")

    def back(self, task: VisitTask) -> HttpResponse:
        return redirect("followups:visit", pk=task.pk)


class SaveDraft(VisitBase):
    """Keeps what is typed; asked for it, shows the report as it would be submitted."""

    permission = "followups.record_visit"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, visit = self.task_and_visit(pk)
        draft, refusal = self.draft(task, visit), None
        try:
            visit = actions.save_draft(
                task_id=task.pk,
                version=version_of(request.POST),
                draft=draft,
                tab=tab_of(request.POST),
                by=self.staff,
                at=self.at,
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
                task_id=task.pk,
                version=version_of(request.POST),
                draft=draft,
                tab=tab_of(request.POST),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            visit.draft = draft
            status = 409 if refusal.conflict else 422
            context = self.context(task, visit, refusal)
            return no_store(TemplateResponse(request, self.template_name, context, status=status))
        messages.success(request, _("报告 %(number)s 已提交，等待审核。") % {"number": report.number})
        following = next_task(self.staff, task)
        return redirect("followups:task", pk=following.pk) if following else redirect("followups:desk")
