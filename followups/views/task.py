"""One task: the loan's facts, why this visit and why this date, the clock of its steps, and the steps one may take."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from followups import actions
from followups.actions.methods import OF_A_HOME, may_be_self_service
from followups.actions.relations import tell_relation, withdraw_relation
from followups.actions.skips import waiting_skip
from followups.assignment_wording import why_assigned
from followups.forms import AssignForm, RescheduleForm, visitors_of
from followups.models import (
    EventKind,
    HeardBy,
    Method,
    PauseReason,
    Subject,
    TaskEvent,
    TaskKind,
    TaskState,
    TellChannel,
    VisitReport,
    VisitTask,
)
from followups.queries import clock_of, contact_of, desk, payment_strip, person_facts, task_history
from followups.queries.assigning import given_visits
from followups.queries.cover import is_held_by
from followups.queries.events import events_on
from followups.queries.facts import is_known_to
from followups.queries.merging import companions, lead_of, links_of, seen_by
from followups.queries.projects import estate_name, project_of
from followups.queries.results import telling_of
from followups.views.rows import desk_rows, name_for
from followups.wording import evidence_lines, why_lines
from journal.errors import ActionRefused
from loans.queries import LoanReads, OpenDay, installments_of, open_day
from people.models import RelationKind, Staff
from people.queries import branch_ids_visible_to, may
from people.queries.relations import relations_of
from people.rules.masking import mask_name
from people.web import PageView, no_store, visible_or_404

POLICY_LINE = "POLICY_LINE"
# An installment falls due about once a month; more than one in a month is rare and old.
STRIP_MONTHS, STRIP_INSTALLMENTS = 12, 24
TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)
# A visit in these states may still take others along.
LEADS = (TaskState.PLANNED, TaskState.IN_PROGRESS)


def methods_open_to(task: VisitTask) -> list[tuple[str, str]]:
    """The methods that a visit may be changed to; the action decides who may choose which."""
    return [
        (value, str(label))
        for value, label in Method.choices
        if value not in (Method.OFF_SITE, task.method)
        and (task.subject == Subject.LOAN or value in OF_A_HOME)
        and (value != Method.SELF_SERVICE or may_be_self_service(task))
    ]


def dialogs_of(task: VisitTask, today: date) -> dict[str, Any]:
    """What the dialogs of a task offer: reasons of a pause, methods, whether the clock stands."""
    return {
        "pause_reasons": PauseReason.choices,
        "methods_open": methods_open_to(task),
        "is_paused": task.paused_until is not None and task.paused_until >= today,
    }


def steps_open_to(task: VisitTask, staff: Staff) -> dict[str, bool]:
    """Which buttons this person gets; the actions decide again when one is pressed."""
    is_to_do = task.state in TO_DO and not task.is_light
    records, is_mine = may(staff, "followups.record_visit"), is_held_by(task, staff)
    return {
        "may_start": is_to_do and records and task.state == TaskState.PLANNED and is_mine,
        "may_continue": is_to_do and is_mine and task.state in (TaskState.IN_PROGRESS, TaskState.RETURNED),
        "may_claim": is_to_do and records and task.assigned_to_id is None,
        "may_assign": task.state in TO_DO and may(staff, "followups.assign"),
        "may_reschedule": task.state in TO_DO and ((records and is_mine) or may(staff, "followups.assign")),
        "may_reveal": may(staff, "people.reveal"),
        "may_attempt": is_to_do and records and (is_mine or task.assigned_to_id is None),
    }


def reports_on(task: VisitTask) -> QuerySet[VisitReport]:
    """The loan's reports, the newest first."""
    found = VisitReport.objects.filter(visit__task__loan_id=task.loan_id).select_related("submitted_by", "visit")
    return found.defer("content", "visit__known", "visit__draft").order_by("-submitted_at", "-id")


def drawer_context(task: VisitTask, staff: Staff, bank: OpenDay | None = None) -> dict[str, Any]:
    """What the drawer beside the list shows of one task."""
    bank = bank or open_day()
    assert bank is not None
    today = bank.day
    (row,) = desk_rows([task], staff=staff, today=today, days=bank.days)
    person = person_facts(task, staff)
    reads = LoanReads(today, bank.days, bank.grace_days, (), tuple(installments_of(task.loan)[:STRIP_INSTALLMENTS]))
    return {
        "task": task,
        "row": row,
        "person": person if task.closed_on else {**person, "name": name_for(staff, task)},
        "why_lines": why_lines([reason for reason in task.reason if reason["code"] != POLICY_LINE]),
        "policy_lines": why_lines([reason for reason in task.reason if reason["code"] == POLICY_LINE]),
        "strip": payment_strip(task.loan, STRIP_MONTHS, reads),
        "reports": reports_on(task)[:5],
        "today": today,
        "reach": contact_of(task, today),
        **dialogs_of(task, today),
        "why_assigned": why_assigned(task),
        **steps_open_to(task, staff),
    }


def merging_of(task: VisitTask, staff: Staff) -> dict[str, Any]:
    """What is, and what could be, done in one visit with this task."""
    lead = lead_of(task)
    offered = [] if lead or task.state not in LEADS else companions(task, staff)
    steps = steps_open_to(task, staff)
    may_change = steps["may_reschedule"]
    # What another visit makes is worked on there.
    return {
        **({step: False for step in steps if step != "may_reveal"} if lead else {}),
        "may_split": may_change,
        "merged_lead": lead,
        "merged_links": seen_by(links_of(task), staff),
        "is_lead_seen": lead is not None and lead.lead.branch_id in branch_ids_visible_to(staff),
        "companions": [{"task": each, "name": name_for(staff, each)} for each in offered] if may_change else [],
        "together_count": len(offered) + 1,
        "relations": _relations(task, staff),
        "relation_kinds": RelationKind.choices if may_change else [],
    }


def _relations(task: VisitTask, staff: Staff) -> list[dict[str, Any]]:
    """Who belongs together with the borrower; in full for who may know the borrower."""
    own = is_known_to(task, staff)
    people = [
        (one, one.other if one.party_id == task.loan.borrower_id else one.party)
        for one in relations_of(task.loan.borrower_id)
    ]
    return [{"relation": one, "name": other.name if own else mask_name(other.name)} for one, other in people]


def _offered(task: VisitTask, staff: Staff, today: date) -> QuerySet[Staff]:
    """Whom the task may be given to today, and who has it."""
    return visitors_of(branch_ids_visible_to(staff)).filter(Q(pk=task.assigned_to_id) | given_visits(today))


class TaskPage(PageView):
    permission = "followups.view"
    template_name = "followups/task.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data(**kwargs)))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        task = visible_or_404(desk(self.staff), pk=kwargs["pk"])
        clock, events = clock_of(task), list(task_history(task))
        shown = drawer_context(task, self.staff) | merging_of(task, self.staff)
        officers = _offered(task, self.staff, shown["today"]) if may(self.staff, "followups.assign") else []
        return super().get_context_data(
            **kwargs,
            **shown,
            clock=clock,
            events=events,
            actors=actors_of({event.actor for event in events} | {str(event.data.get("to", "")) for event in events}),
            returns=dict(
                VisitReport.objects.filter(visit__task=task, state=TaskState.RETURNED).values_list(
                    "pk", "decision_note"
                )
            ),
            officers=officers,
            **_skip_context(task, self.staff),
            evidence=evidence_lines(task.evidence),
            task_events=events_on(task),
            **self._telling(task),
            project=project_of(task),
            estate=estate_name(task.loan),
        )

    def _telling(self, task: VisitTask) -> dict[str, Any]:
        """An open task has no result to tell yet."""
        if task.closed_on is None:
            return {}
        return {
            **telling_of(task, self.staff),
            "channels": TellChannel.choices,
            "hearers": HeardBy.choices,
            "told_now": timezone.localtime(self.at),
        }


def _skip_context(task: VisitTask, staff: Staff) -> dict[str, Any]:
    """A first follow-up may be asked to be skipped while nobody has begun it."""
    if task.kind != TaskKind.FIRST or task.state != TaskState.PLANNED:
        return {}
    skip = waiting_skip(task)
    may_ask = may(staff, "followups.assign") or (may(staff, "followups.record_visit") and is_held_by(task, staff))
    is_own = skip is not None and staff.pk in (skip.asked_by_id, task.assigned_to_id)
    return {
        "skip": skip,
        "shows_skip": skip is not None or may_ask,
        "may_decide_skip": skip is not None and not is_own and may(staff, "followups.review"),
    }


def actors_of(numbers: Any) -> dict[str, str]:
    """Names by staff number of those who acted; the system has its own word."""
    found = dict(Staff.objects.filter(staff_no__in=set(numbers)).values_list("staff_no", "name"))
    return {**found, "system": _("系统")}


class TaskStep(PageView):
    """A button of a task: one action, then back to where it was pressed, with a sentence."""

    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = visible_or_404(VisitTask.objects.visible_to(self.staff), pk=pk)
        try:
            done = self.step(task)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return self.back(task)
        if done:
            messages.success(request, done)
        return self.after(task)

    def step(self, task: VisitTask) -> str:
        raise NotImplementedError

    def after(self, task: VisitTask) -> HttpResponse:
        return self.back(task)

    def back(self, task: VisitTask) -> HttpResponse:
        target = self.request.POST.get("next", "")
        if url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            return redirect(target)
        return redirect("followups:task", pk=task.pk)

    def refuse_form(self, form: forms.Form) -> ActionRefused:
        field, errors = next(iter(form.errors.items()))
        label = form.fields[field].label if field in form.fields else ""
        return ActionRefused(f"{label}：{errors[0]}", field=field)


class StartVisit(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        actions.start_visit(task_id=task.pk, by=self.staff, at=self.at)
        return ""

    def after(self, task: VisitTask) -> HttpResponse:
        return redirect("followups:visit", pk=task.pk)


class ClaimTask(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        actions.claim(task_id=task.pk, by=self.staff, at=self.at)
        return _("已领取 %(number)s。") % {"number": task.number}


class AssignTask(TaskStep):
    permission = "followups.assign"

    def step(self, task: VisitTask) -> str:
        form = AssignForm(self.request.POST, branch_ids=branch_ids_visible_to(self.staff))
        if not form.is_valid():
            raise self.refuse_form(form)
        officer = form.cleaned_data["officer"]
        actions.assign(task_id=task.pk, officer=officer, reason=form.cleaned_data["reason"], by=self.staff, at=self.at)
        is_parted = TaskEvent.objects.filter(task=task, kind=EventKind.SPLIT, at=self.at).exists()
        if is_parted:
            messages.info(self.request, _("原一并办理的其他机构任务已拆开，由原主办人办理。"))
        return _("已分派给%(name)s。") % {"name": officer.name}


class RescheduleTask(TaskStep):
    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        form = RescheduleForm(self.request.POST)
        if not form.is_valid():
            raise self.refuse_form(form)
        to = form.cleaned_data["to"]
        why, code = form.cleaned_data["reason"], form.cleaned_data["code"]
        actions.reschedule(task_id=task.pk, to=to, reason=why, code=code, by=self.staff, at=self.at)
        return _("已改到 %(day)s。") % {"day": to.isoformat()}


class TellRelation(TaskStep):
    """Who belongs together with the borrower: entered by identity number, or ended."""

    permission = "followups.view"

    def step(self, task: VisitTask) -> str:
        ended = self.request.POST.get("end", "")
        if ended:
            relation_id = int(ended) if ended.isascii() and ended.isdigit() and len(ended) < 19 else 0
            withdraw_relation(loan_id=task.loan_id, relation_id=relation_id, by=self.staff, at=self.at)
            return _("已解除关系。")
        id_no, kind = self.request.POST.get("id_no", ""), self.request.POST.get("kind", "")
        tell_relation(loan_id=task.loan_id, id_no=id_no, kind=kind, by=self.staff, at=self.at)
        return _("已登记，45天内到期的任务可一并回访。")
