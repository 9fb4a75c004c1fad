"""Revaluations of areas over the API: the list, proposing one, what it would do, applying it."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from collateral import actions
from collateral.batch import area_outlook
from collateral.models import AreaRevaluation
from config.area_page import VIEWS, decided
from config.areas import limits_looked_at
from loans.queries import require_business_date
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes


class AreaRow(serializers.ModelSerializer[AreaRevaluation]):
    change_percent = serializers.DecimalField(max_digits=5, decimal_places=2)

    class Meta:
        model = AreaRevaluation
        fields = [
            "id", "district", "change_percent", "valued_on", "source", "maker", "made_at", "checker", "decided_at",
            "is_applied", "note",
        ]  # fmt: skip


class AreaReply(AreaRow):
    """What it would do while it waits, what it did once it is applied: homes, loans, loans past each limit."""

    homes = serializers.IntegerField()
    loans = serializers.IntegerField()
    past = serializers.DictField(child=serializers.IntegerField())

    class Meta(AreaRow.Meta):
        fields = [*AreaRow.Meta.fields, "homes", "loans", "past"]


class AreaForm(StrictSerializer):
    district = TextField(max_length=40)
    change_percent = serializers.DecimalField(max_digits=5, decimal_places=2)
    valued_on = DayField()
    source = TextField(max_length=120)  # type: ignore[assignment]


class AreaDecisionForm(StrictSerializer):
    approve = serializers.BooleanField()
    note = TextField(max_length=200, required=False, allow_blank=True, default="")


def _shown(area: AreaRevaluation) -> Response:
    if area.decided_at is None:
        found = area_outlook(
            district=area.district, change_percent=area.change_percent, valued_on=area.valued_on,
            limits=limits_looked_at(require_business_date()),
        )  # fmt: skip
        told: dict[str, Any] = {"homes": found.homes, "loans": found.loans, "past": found.past}
    else:
        told = {"homes": 0, "loans": 0, "past": {}, **area.counts}
    return Response({**AreaRow(area).data, **{name: told[name] for name in ("homes", "loans", "past")}})


class Areas(ListView):
    """Revaluations of areas; POST proposes one, which another person applies."""

    permission = {"GET": VIEWS, "POST": actions.PROPOSE_AREA}
    serializer_class = AreaRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[AreaRevaluation]:
        return AreaRevaluation.objects.all()

    @reads(AreaRow(many=True), operation_id="areas_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(AreaForm, AreaReply, status=201, operation_id="areas_propose")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(AreaForm)

        def effect() -> Response:
            reply = _shown(actions.propose_area(**asked, by=self.staff, at=self.at))
            reply.status_code = 201
            return reply

        return self.once(effect)


class AreaDetail(ApiView):
    """One revaluation, with what it would do or did."""

    permission = VIEWS

    @reads(AreaReply, operation_id="areas_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return _shown(self.visible(AreaRevaluation.objects.all(), pk=pk))


class AreaDecide(ApiView):
    """Applies it to every home of the area, or turns it down with a reason; never its maker."""

    permission = actions.APPROVE_AREA

    @writes(AreaDecisionForm, AreaReply, operation_id="areas_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(AreaDecisionForm)
        area = self.visible(AreaRevaluation.objects.all(), pk=pk)

        def effect() -> Response:
            return _shown(decided(area, **asked, by=self.staff, at=self.at))

        return self.once(effect)
