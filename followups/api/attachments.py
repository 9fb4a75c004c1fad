"""Files of a visit over the API: listed with hashes and the question each proves, sent as a form, put under another
question, taken out again, handed out with a record."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from followups import actions
from followups.actions.attachments import thumbnail_bytes
from followups.forms import place_of
from followups.models import VisitAttachment, VisitTask
from followups.queries.attachments import attachments_of, attachments_visible_to, reused
from followups.queries.form import questions_of
from followups.queries.photos import alike
from followups.uploads import bound_uploads, file_response, picture_response, sent_file
from loans.api import StaffBrief
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, refusals, writes


class VisitFileForm(serializers.Serializer[Any]):
    """A form with one file: JPEG, PNG or PDF by content, at most the bank's limit (10 MB unless changed)."""

    file = serializers.FileField()
    consent = serializers.BooleanField(required=False, help_text="The borrower agrees that the position is kept.")
    latitude = serializers.DecimalField(max_digits=9, decimal_places=6, required=False)
    longitude = serializers.DecimalField(max_digits=9, decimal_places=6, required=False)
    accuracy = serializers.IntegerField(required=False, help_text="Meters. Without consent no position is kept.")
    item = serializers.CharField(
        max_length=40, required=False, allow_blank=True,
        help_text="Key of the question that the file proves, one of those that the visit asks and somebody answers "
        "(`visits/ID/`); 422 `question_not_asked` for any other. Empty: general evidence.",
    )  # fmt: skip


class VisitFileQuestion(StrictSerializer):
    """The question that a file proves from now on."""

    item = TextField(
        max_length=40, allow_blank=True,
        help_text="Key of a question that the visit asks; empty puts the file back among the general evidence.",
    )  # fmt: skip


class VisitFileRow(serializers.Serializer[Any]):
    """One file as it is kept; `sha256` is that of what is kept, `sent_sha256` of what came."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    media_type = serializers.CharField(source="exhibit.media_type")
    size = serializers.IntegerField(source="exhibit.size")
    sha256 = serializers.CharField(source="exhibit.sha256")
    sent_sha256 = serializers.CharField()
    taken_at = serializers.DateTimeField(allow_null=True)
    at = serializers.DateTimeField()
    by = StaffBrief()
    has_thumbnail = serializers.SerializerMethodField()
    meters_off = serializers.IntegerField(allow_null=True, help_text="From the home, where both places are known.")
    is_far = serializers.BooleanField(help_text="Taken more than 500 m away from the home.")
    is_alike = serializers.SerializerMethodField(help_text="A photo with a visit to another loan looks the same.")
    is_reused = serializers.SerializerMethodField(help_text="The same file lies with a visit to another loan.")
    item = serializers.CharField(help_text="Key of the question that the file proves; empty for general evidence.")
    item_label = serializers.SerializerMethodField(help_text="That question in words, where the visit still asks it.")

    def get_item_label(self, row: VisitAttachment) -> str:
        return str(self.context["questions"].get(row.item, ""))

    def get_has_thumbnail(self, row: VisitAttachment) -> bool:
        return row.thumbnail_id is not None

    def get_is_alike(self, row: VisitAttachment) -> bool:
        return row.pk in self.context["alike"]

    def get_is_reused(self, row: VisitAttachment) -> bool:
        return row.pk in self.context["reused"]


def _rows(rows: list[VisitAttachment], task: VisitTask) -> Any:
    loan_id, questions = task.loan_id, {}
    if any(row.item for row in rows):
        visit = task.visit
        visit.task = task
        questions = dict(questions_of(visit))
    context = {"reused": reused(rows, loan_id), "alike": alike(rows, loan_id), "questions": questions}
    return VisitFileRow(rows, many=True, context=context).data


class Files(ApiView):
    """The files of a task's visit, oldest first; POST keeps one more, sent again it is the same one."""

    permission = {"GET": "followups.view", "POST": "followups.record_visit"}
    parser_classes = [MultiPartParser]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            bound_uploads(request)
        return super().dispatch(request, *args, **kwargs)

    @reads(VisitFileRow(many=True), operation_id="tasks_files_list")
    def get(self, request: Request, pk: int) -> Response:
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        visit = getattr(task, "visit", None)
        return Response(_rows(list(attachments_of(visit)), task) if visit else [])

    @extend_schema(
        request={"multipart/form-data": VisitFileForm},
        responses={201: VisitFileRow, **refusals(writes=True)},
        operation_id="tasks_files_create",
    )
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        sent = sent_file(request)
        assert sent.file is not None
        row = actions.attach_file(
            task_id=task.pk,
            file=sent.file,
            name=sent.name or "",
            place=place_of(request.POST),
            item=str(request.POST.get("item", "")),
            by=self.staff,
            at=self.at,
        )
        return Response(_rows([row], task)[0], status=201)


class OneFile(ApiView):
    """Hands out a file (recorded); DELETE takes it out of a visit that is still open."""

    permission = {"GET": "followups.view", "DELETE": "followups.record_visit"}

    @reads(
        OpenApiTypes.BINARY, media_type="application/octet-stream", more_refusals=(422,), operation_id="files_retrieve"
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = self.visible(attachments_visible_to(self.staff), pk=pk)
        content = actions.hand_out_file(attachment=row, by=self.staff, at=self.at)
        return file_response(content, row.exhibit.media_type, row.name)

    @writes(None, None, status=204, operation_id="files_remove")
    def delete(self, request: Request, pk: int) -> Response:
        row = self.visible(attachments_visible_to(self.staff), pk=pk)
        actions.remove_file(attachment_id=row.pk, by=self.staff, at=self.at)
        return Response(status=204)


class FileQuestion(ApiView):
    """Puts a file of a visit that is still open under the question it proves, by one of its visitors."""

    permission = "followups.record_visit"

    @writes(VisitFileQuestion, VisitFileRow, operation_id="files_assign")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(VisitFileQuestion)
        found = self.visible(attachments_visible_to(self.staff), pk=pk)

        def effect() -> Response:
            row = actions.assign_file(attachment_id=found.pk, item=asked["item"], by=self.staff, at=self.at)
            return Response(_rows([row], found.visit.task)[0])

        return self.once(effect)


class FileThumbnail(ApiView):
    """The small picture of a photo, for who may take the photo; not recorded."""

    permission = "followups.view"

    @reads(OpenApiTypes.BINARY, media_type="image/jpeg", more_refusals=(422,), operation_id="files_thumbnail")
    def get(self, request: Request, pk: int) -> HttpResponse:
        row = self.visible(attachments_visible_to(self.staff), pk=pk)
        content = thumbnail_bytes(attachment=row, by=self.staff)
        if content is None:
            raise Http404
        return picture_response(content)
