"""What the desk does with ticked rows, over the API, a task at a time: who goes along, telling the customer the day of
the visit, an off-site check closed after a look at it, the printed form."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request
from rest_framework.response import Response

from correspondence.actions.appointments import ANNOUNCES
from correspondence.api.messages import MessageRow
from followups.actions import desk_batch
from followups.actions.field_forms import print_forms
from followups.actions.refusals import SecondVisitorWrong
from followups.api.tasks import TaskFull, full_task
from followups.forms import visitors_of
from followups.models import VisitTask
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, reads, writes
from people.queries import branch_ids_visible_to

ANY_OF = (desk_batch.RECORDS, desk_batch.ASSIGNS)


class SecondEntry(StrictSerializer):
    second_visitor = TextField(max_length=20, help_text="Staff number of who is to go along.")


class AnnouncementEntry(StrictSerializer):
    on = DayField(help_text="The day of the visit.")


class CloseEntry(StrictSerializer):
    note = TextField(max_length=200, help_text="What was looked at, for the record.")


class NameSecond(ApiView):
    """Says who is to go along; who really goes is named in the visit."""

    permission = ANY_OF

    @writes(SecondEntry, TaskFull, operation_id="tasks_second")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(SecondEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        offered = visitors_of(branch_ids_visible_to(self.staff))
        second = offered.filter(staff_no=asked["second_visitor"]).first()
        if second is None:
            raise SecondVisitorWrong(_("没有这个工号。"))

        def effect() -> Response:
            desk_batch.name_second(task_id=task.pk, second=second, by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class Announce(ApiView):
    """Has the borrower told by SMS when the visit comes; the reply is the message that waits to be sent."""

    permission = ANNOUNCES

    @writes(AnnouncementEntry, MessageRow, status=201, operation_id="tasks_announce")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(AnnouncementEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            made = desk_batch.announce(task_id=task.pk, on=asked["on"], by=self.staff, at=self.at)
            return Response(MessageRow(made).data, status=201)

        return self.once(effect)


class CloseOffSite(ApiView):
    """Closes a clean off-site check that was given to a person as a sample."""

    permission = ANY_OF

    @writes(CloseEntry, TaskFull, operation_id="tasks_close")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(CloseEntry)
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)

        def effect() -> Response:
            desk_batch.close_off_site(task_id=task.pk, note=asked["note"], by=self.staff, at=self.at)
            return Response(full_task(self, pk))

        return self.once(effect)


class PrintedForm(ApiView):
    """The form of the visit to be filled in by hand, A4 with old values and a QR code; each print is recorded."""

    permission = ANY_OF

    @reads(OpenApiTypes.BINARY, media_type="application/pdf", more_refusals=(409, 422), operation_id="tasks_form")
    def get(self, request: Request, pk: int) -> HttpResponse:
        task = self.visible(VisitTask.objects.visible_to(self.staff), pk=pk)
        printed = print_forms(task_ids=[task.pk], by=self.staff, at=self.at)
        for _task, refusal in printed.refused:
            raise refusal
        return HttpResponse(
            printed.content,
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{task.number}.pdf"'},
        )
