"""The day in the field, and handing portfolios over, over the API."""

from datetime import date
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions import handover
from followups.forms import visitors_of
from followups.models import HandOver, HandOverItem
from followups.queries.day_plan import day_plan
from followups.queries.handover import handovers
from followups.rules.period import day_of
from journal.errors import ActionRefused
from loans.api import BranchBrief, StaffBrief
from loans.queries import require_business_date
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, writes
from people.models import Staff
from people.queries import branch_ids_visible_to

_OFFICER = OpenApiParameter("officer", OpenApiTypes.STR, description="Staff number; oneself without it.")
_DAY = OpenApiParameter("day", OpenApiTypes.DATE, description="The business date without it, never an earlier one.")


class AskedWrongly(ActionRefused):
    code = "asked_wrongly"


class PlannedVisit(serializers.Serializer[Any]):
    """`at` is empty where the day is full; the address is masked for who may not see it."""

    at = serializers.CharField()
    task_id = serializers.IntegerField()
    task_number = serializers.CharField()
    district = serializers.CharField()
    address = serializers.CharField()
    level = serializers.IntegerField()
    due_on = serializers.DateField()


class DayPlanReply(serializers.Serializer[Any]):
    day = serializers.DateField()
    officer = StaffBrief(allow_null=True)
    visits = PlannedVisit(many=True)


class DayPlanView(ApiView):
    """Field visits of an officer's day by district and estate, with proposed times."""

    permission = "followups.view"
    query_parameters = ("officer", "day")

    @reads(DayPlanReply, operation_id="day_plan_retrieve", parameters=[_OFFICER, _DAY])
    def get(self, request: Request) -> Response:
        today = require_business_date()
        day = self._day(today)
        officer = self._officer()
        visits = day_plan(self.staff, officer, day, today) if officer else []
        rows = [
            {
                "at": one.at, "task_id": one.task.pk, "task_number": one.task.number, "district": one.stop.district,
                "address": one.address, "level": one.task.level, "due_on": one.task.due_on,
            }
            for one in visits
        ]  # fmt: skip
        return Response(DayPlanReply({"day": day, "officer": officer, "visits": rows}).data)

    def _day(self, today: date) -> date:
        text = self.request.query_params.get("day")
        day = today if text is None else day_of(text)
        if day is None:
            raise AskedWrongly(_("请填写有效日期，如 2026-10-30"), field="day")
        return max(day, today)

    def _officer(self) -> Staff | None:
        number = self.request.query_params.get("officer")
        found = visitors_of(branch_ids_visible_to(self.staff))
        officer = found.filter(staff_no=number).first() if number else found.filter(pk=self.staff.pk).first()
        if number and officer is None:
            raise AskedWrongly(_("没有这个工号。"), field="officer")
        return officer


class HandOverItemReply(serializers.ModelSerializer[HandOverItem]):
    to_officer = StaffBrief()

    class Meta:
        model = HandOverItem
        fields = ["loan_id", "to_officer", "tasks"]


class HandOverReply(serializers.ModelSerializer[HandOver]):
    number = serializers.CharField()
    officer = StaffBrief()
    branch = BranchBrief()
    decided_by = StaffBrief()
    reverses = serializers.IntegerField(source="reverses_id", allow_null=True)

    class Meta:
        model = HandOver
        fields = ["id", "number", "officer", "branch", "reason", "decided_by", "at", "business_date", "reverses"]


class HandOverFull(HandOverReply):
    items = HandOverItemReply(many=True)

    class Meta(HandOverReply.Meta):
        fields = [*HandOverReply.Meta.fields, "items"]


class HandOverList(serializers.Serializer[Any]):
    results = HandOverReply(many=True)


class HandOverAsked(StrictSerializer):
    officer = TextField(max_length=20, help_text="Staff number of who gives.")
    receivers = serializers.ListField(child=TextField(max_length=20), min_length=1, max_length=30)


class HandOverForm(HandOverAsked):
    content_sha256 = TextField(max_length=64, help_text="Of the preview that was read.")
    reason = TextField(max_length=200)


class ReverseForm(StrictSerializer):
    reason = TextField(max_length=200)


class HandOverMove(serializers.Serializer[Any]):
    loan_id = serializers.IntegerField()
    receiver = serializers.CharField()
    tasks = serializers.IntegerField()


class HandOverPreview(serializers.Serializer[Any]):
    content_sha256 = serializers.CharField()
    moves = HandOverMove(many=True)


def _people(view: ApiView, asked: dict[str, Any]) -> tuple[Staff, list[Staff]]:
    within = Staff.objects.filter(branch_id__in=branch_ids_visible_to(view.staff))
    known = {one.staff_no: one for one in within.filter(staff_no__in=[asked["officer"], *asked["receivers"]])}
    officer = known.get(asked["officer"])
    if officer is None:
        raise handover.HandOverRefused(_("请从名单中选择移交人。"), field="officer")
    numbers = sorted(set(asked["receivers"]))
    if any(number not in known for number in numbers):
        raise handover.HandOverRefused(_("没有这个工号。"), field="receivers")
    return officer, [known[number] for number in numbers]


class PreviewHandOver(ApiView):
    """Who would receive what; writes nothing."""

    permission = handover.ASSIGNS

    @writes(HandOverAsked, HandOverPreview, operation_id="hand_overs_preview")
    def post(self, request: Request) -> HttpResponseBase:
        officer, receivers = _people(self, self.sent(HandOverAsked))
        found = handover.preview(officer=officer, receivers=receivers, by=self.staff)
        numbers = {one.pk: one.staff_no for one in receivers}
        moves = [
            {"loan_id": loan, "receiver": numbers[to], "tasks": found.tasks.get(loan, 0)}
            for loan, to in sorted(found.moves.items())
        ]
        return Response(HandOverPreview({"content_sha256": found.sha256, "moves": moves}).data)


class HandOvers(ApiView):
    """Hand-overs of the branches one assigns in, the newest 200; POST does what was previewed."""

    permission = handover.ASSIGNS

    @reads(HandOverList, operation_id="hand_overs_list")
    def get(self, request: Request) -> Response:
        return Response(HandOverList({"results": list(handovers(self.staff)[:200])}).data)

    @writes(HandOverForm, HandOverReply, status=201, operation_id="hand_overs_make")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(HandOverForm)
        officer, receivers = _people(self, asked)

        def effect() -> Response:
            made = handover.hand_over(
                officer=officer, receivers=receivers, sha256=asked["content_sha256"], reason=asked["reason"],
                by=self.staff, at=self.at,
            )  # fmt: skip
            return Response(HandOverReply(made).data, status=201)

        return self.once(effect)


class HandOverDetail(ApiView):
    """One hand-over with its loans."""

    permission = handover.ASSIGNS

    @reads(HandOverFull, operation_id="hand_overs_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(HandOverFull(self.visible(handovers(self.staff), pk=pk)).data)


class ReverseHandOver(ApiView):
    """Takes a hand-over back, as far as its loans are still with their receivers."""

    permission = handover.ASSIGNS

    @writes(ReverseForm, HandOverList, operation_id="hand_overs_reverse")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(ReverseForm)
        made = self.visible(handovers(self.staff), pk=pk)

        def effect() -> Response:
            found = handover.reverse_hand_over(hand_over_id=made.pk, reason=asked["reason"], by=self.staff, at=self.at)
            return Response(HandOverList({"results": found}).data)

        return self.once(effect)
