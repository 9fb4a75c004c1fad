"""Work by officer and week over the API."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.queries.capacity import capacity
from loans.api import StaffBrief
from loans.queries import require_business_date
from people.api.views import ApiView, reads


class CapacityWeek(serializers.Serializer[Any]):
    monday = serializers.DateField()
    planned = serializers.IntegerField()
    in_field = serializers.IntegerField()
    late = serializers.IntegerField()
    hours = serializers.DecimalField(9, 1)
    days_away = serializers.IntegerField()
    over = serializers.IntegerField()


class CapacityRow(serializers.Serializer[Any]):
    officer = StaffBrief(allow_null=True)
    late = serializers.IntegerField()
    cells = CapacityWeek(many=True)


class CapacityTable(serializers.Serializer[Any]):
    """`over` is how many visits lie beyond the ceiling; `days_away` weekdays of leave."""

    ceiling = serializers.IntegerField()
    rows = CapacityRow(many=True)
    sums = CapacityWeek(many=True)


class CapacityView(ApiView):
    """Officers one may see, eight weeks from the current one on."""

    permission = "loans.view_reports"

    @reads(CapacityTable, operation_id="capacity_retrieve")
    def get(self, request: Request) -> Response:
        return Response(CapacityTable(capacity(self.staff, require_business_date())).data)
