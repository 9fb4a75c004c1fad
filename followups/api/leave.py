"""Leaves over the API: the list, entering one, ending one early."""

from datetime import date
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans.api import StaffBrief
from people.actions import leave as leaves
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, reads, writes
from people.models import Leave, Staff
from people.queries import branch_ids_visible_to, may
from people.queries.leave import ENTERS_OTHERS, ENTERS_OWN, deputies_for, leaves_visible_to


class LeaveRow(serializers.ModelSerializer[Leave]):
    """A leave; `last` is the last day away."""

    staff = StaffBrief()
    deputy = StaffBrief(allow_null=True)
    first = serializers.DateField(source="period.lower")
    last = serializers.SerializerMethodField()

    class Meta:
        model = Leave
        fields = ["id", "staff", "first", "last", "deputy", "reason"]

    def get_last(self, leave: Leave) -> date:
        return date.fromordinal(leave.period.upper.toordinal() - 1)


class LeaveList(serializers.Serializer[Any]):
    results = LeaveRow(many=True)


class LeaveForm(StrictSerializer):
    staff = TextField(max_length=20, help_text="Staff number of who goes away.")
    first = DayField()
    last = DayField()
    deputy = TextField(max_length=20, required=False, help_text="Staff number of who stands in.")
    reason = TextField(max_length=200)


class LeaveEnd(StrictSerializer):
    """Ending asks for nothing."""


class Leaves(ApiView):
    """Own leaves, and those of the branches where one assigns work; the newest 200."""

    permission = {"GET": "followups.view", "POST": (ENTERS_OWN, ENTERS_OTHERS)}

    @reads(LeaveList, operation_id="leaves_list")
    def get(self, request: Request) -> Response:
        found = leaves_visible_to(self.staff).order_by("-period", "-id")[:200]
        return Response(LeaveList({"results": list(found)}).data)

    @writes(LeaveForm, LeaveRow, status=201, operation_id="leaves_enter")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(LeaveForm)
        within = Staff.objects.filter(pk=self.staff.pk)
        if may(self.staff, ENTERS_OTHERS):
            within |= Staff.objects.filter(branch_id__in=branch_ids_visible_to(self.staff))
        staff = within.filter(staff_no=asked["staff"]).first()
        if staff is None:
            raise leaves.LeaveRefused(_("请从名单中选择休假人。"), field="staff")
        deputy = deputies_for(staff).filter(staff_no=asked.get("deputy", "")).first()
        if asked.get("deputy") and deputy is None:
            raise leaves.LeaveRefused(_("代管人须为同一机构另一名在岗的回访人员。"), field="deputy")

        def effect() -> Response:
            leave = leaves.enter_leave(
                staff=staff, first=asked["first"], last=asked["last"], deputy=deputy, reason=asked["reason"],
                by=self.staff, at=self.at,
            )  # fmt: skip
            return Response(LeaveRow(leave).data, status=201)

        return self.once(effect)


class EndLeave(ApiView):
    """Ends a leave today; one not begun is cancelled."""

    permission = (ENTERS_OWN, ENTERS_OTHERS)

    @writes(LeaveEnd, LeaveRow, operation_id="leaves_end")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(LeaveEnd)
        leave = self.visible(leaves_visible_to(self.staff), pk=pk)

        def effect() -> Response:
            return Response(LeaveRow(leaves.end_leave(leave_id=leave.pk, by=self.staff, at=self.at)).data)

        return self.once(effect)
