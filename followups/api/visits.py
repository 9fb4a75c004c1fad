"""Visits over the API: what is known and asked, the draft under its version, preview and submission."""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions, queries
from followups.api.reports import ReportFull, full_report
from followups.api.tasks import Nothing
from followups.models import Conclusion, Method, PhotoExit, Visit, VisitTask
from followups.queries.corrections import amended
from followups.rules import checklist
from loans.api import StaffBrief
from loans.models import FiveClass
from people.api.fields import StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, reads, writes


class Answer(StrictSerializer):
    """One answer; `now` is the value found, as text."""

    choice = serializers.ChoiceField(
        choices=[(code, code) for code in checklist.CHOICES], allow_blank=True, required=False
    )
    now = TextField(max_length=checklist.TEXT_LIMIT, allow_blank=True, required=False, trim_whitespace=False)
    verified_by = serializers.ChoiceField(
        choices=[(code, english) for code, _chinese, english in checklist.VERIFICATION_METHODS],
        allow_blank=True,
        required=False,
    )


class Draft(StrictSerializer):
    """What has been answered so far, by item key; the rules say what is still missing."""

    answers = serializers.DictField(child=Answer(), required=False)
    contact_outcome = serializers.ChoiceField(
        choices=[(code, english) for code, _chinese, english in checklist.CONTACT_OUTCOMES],
        allow_blank=True,
        required=False,
    )
    second_visitor = TextField(max_length=20, allow_blank=True, required=False)
    photo_exit = serializers.ChoiceField(
        choices=PhotoExit.choices, allow_blank=True, required=False, help_text="Why a field visit has no photo."
    )
    more = TextField(
        max_length=200, allow_blank=True, required=False, help_text="Sections opened beside those asked, by commas."
    )
    note_left = TextField(
        max_length=40, allow_blank=True, required=False, help_text="At a shut door: what was left, and where."
    )
    conclusion = serializers.ChoiceField(choices=Conclusion.choices, allow_blank=True, required=False)
    conclusion_text = TextField(max_length=checklist.CONCLUSION_TEXT_LIMIT, allow_blank=True, required=False)
    suggested_class = serializers.ChoiceField(choices=FiveClass.choices, allow_blank=True, required=False)


class PreviewForm(StrictSerializer):
    draft = Draft(required=False, help_text="The stored draft when left out.")


class DraftForm(StrictSerializer):
    version = WholeNumberField(min_value=1, help_text="The visit's version that the draft was made from.")
    draft = Draft()


class Choice(serializers.Serializer[Any]):
    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class AskedItem(serializers.Serializer[Any]):
    """One question, with what was known at the start and what has been answered."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    type = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    max = serializers.IntegerField(help_text="Longest text taken.")
    normal = serializers.CharField(allow_blank=True, help_text="The unremarkable answer; any other is a finding.")
    choices = Choice(many=True)
    before_text = serializers.CharField(allow_blank=True)
    before_source = serializers.CharField(allow_blank=True)
    before_on = serializers.CharField(allow_blank=True)
    answer = serializers.DictField(child=serializers.CharField(allow_blank=True))
    is_direct = serializers.BooleanField()
    is_system = serializers.BooleanField()
    is_baseline_missing = serializers.BooleanField()
    is_missing = serializers.BooleanField()
    follows = serializers.CharField(allow_blank=True, help_text="Key of the item that this one follows; else empty.")
    follows_values = serializers.ListField(
        child=serializers.CharField(), help_text="Its values that ask for this item; none: any change of it."
    )
    is_idle = serializers.BooleanField(help_text="It follows an answer that does not ask for it as things stand.")


class AskedSection(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    items = AskedItem(many=True)


class VisitFull(serializers.Serializer[Any]):
    """A visit as it is being made."""

    task_id = serializers.IntegerField()
    version = serializers.IntegerField()
    method = serializers.ChoiceField(choices=Method.choices)
    checklist_version = serializers.IntegerField(source="checklist.version")
    lead_visitor = StaffBrief()
    second_visitor = StaffBrief(allow_null=True)
    started_at = serializers.DateTimeField()
    saved_at = serializers.DateTimeField()
    saved_by = serializers.CharField()
    draft = serializers.SerializerMethodField()
    sections = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField()
    faults = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField())
    def get_draft(self, visit: Visit) -> dict[str, Any]:
        return dict(self.context["form"]["draft"])

    @extend_schema_field(AskedSection(many=True))
    def get_sections(self, visit: Visit) -> Any:
        return AskedSection(self.context["form"]["sections"], many=True).data

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_missing(self, visit: Visit) -> list[str]:
        return [each["key"] for each in self.context["form"]["missing"]]

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}})
    def get_faults(self, visit: Visit) -> dict[str, list[str]]:
        return dict(self.context["form"]["faults"])


def full_visit(view: ApiView, task_id: int) -> Any:
    """The visit of a visible task as its detail endpoint shows it now."""
    visits = Visit.objects.select_related("checklist", "lead_visitor", "second_visitor", "task__loan__borrower")
    visit = view.visible(visits.filter(task__in=VisitTask.objects.visible_to(view.staff)), task_id=task_id)
    visit = amended(visit, visit.task)
    return VisitFull(visit, context={"form": queries.form_of(visit.task, visit, view.staff)}).data


class VisitDetail(ApiView):
    """What is known, what is asked in order, and the draft; 404 until the visit is started."""

    permission = "followups.view"

    @reads(VisitFull, operation_id="visits_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(full_visit(self, pk))


class Start(ApiView):
    """Begins the visit: the checklist version and the known facts are fixed from here on."""

    permission = "followups.record_visit"

    @writes(Nothing, VisitFull, operation_id="tasks_start")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(Nothing)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.start_visit(task_id=task.pk, by=self.staff, at=self.at)
            return Response(full_visit(self, pk))

        return self.once(effect)


class SaveDraft(ApiView):
    """Keeps the answers so far; 409 when someone else saved in between."""

    permission = "followups.record_visit"

    @writes(DraftForm, VisitFull, operation_id="tasks_draft")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(DraftForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            actions.save_draft(
                task_id=task.pk, version=asked["version"], draft=asked["draft"], by=self.staff, at=self.at
            )
            return Response(full_visit(self, pk))

        return self.once(effect)


class OpinionEntry(StrictSerializer):
    """The second visitor's own conclusion, over the answers of `version`."""

    version = WholeNumberField(min_value=1)
    conclusion = serializers.ChoiceField(choices=Conclusion.choices)
    text = TextField(max_length=checklist.CONCLUSION_TEXT_LIMIT, allow_blank=True, required=False)


class OpinionRow(serializers.Serializer[Any]):
    """An opinion as it was signed."""

    id = serializers.IntegerField()
    by = StaffBrief()
    conclusion = serializers.ChoiceField(choices=Conclusion.choices)
    text = serializers.CharField(allow_blank=True)
    answers_sha256 = serializers.CharField()
    at = serializers.DateTimeField()


class SignOpinion(ApiView):
    """The second visitor signs an own opinion; 422 for anybody else."""

    permission = "followups.record_visit"

    @writes(OpinionEntry, OpinionRow, status=201, operation_id="tasks_opinion")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = {"text": "", **self.sent(OpinionEntry)}
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            opinion = actions.sign_opinion(task_id=task.pk, **asked, by=self.staff, at=self.at)
            return Response(OpinionRow(opinion).data, status=201)

        return self.once(effect)


class PreviewReply(serializers.Serializer[Any]):
    """The report as it would be submitted now; `missing` and `faults` stand in its way."""

    content = serializers.JSONField()
    sha256 = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())
    faults = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    drafted_text = serializers.CharField(allow_blank=True)


class Preview(ApiView):
    """The report these answers would make; nothing is kept."""

    permission = "followups.record_visit"

    @writes(PreviewForm, PreviewReply, operation_id="tasks_preview")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PreviewForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        found = actions.preview(task_id=task.pk, draft=asked.get("draft"), by=self.staff)
        return Response(PreviewReply(found).data)


class Submit(ApiView):
    """Makes the report from the answers and hands it in for review."""

    permission = "followups.record_visit"

    @writes(DraftForm, ReportFull, status=201, operation_id="tasks_submit")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(DraftForm)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            report = actions.submit_visit(
                task_id=task.pk, version=asked["version"], draft=asked["draft"], by=self.staff, at=self.at
            )
            return Response(full_report(self, report.pk), status=201)

        return self.once(effect)
