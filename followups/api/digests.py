"""每日摘要 over the API: the own digests, the newest first, with the figures as they stood."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.filters import DigestFilter
from followups.models import Digest, DigestCode
from followups.queries.digests import digests_of, names_of, seen
from followups.rules.digest import Figure
from loans.api import BranchBrief, StaffBrief
from people.api.views import ListView, reads


class DigestPart(serializers.Serializer[Any]):
    """So much of a branch and an officer; null where nobody has it, or where it is not told by officer."""

    branch = BranchBrief()
    beside = BranchBrief(allow_null=True, help_text="The other one, of what lies in two branches at once.")
    officer = StaffBrief(allow_null=True)
    count = serializers.IntegerField()


class DigestFigure(serializers.Serializer[Any]):
    code = serializers.ChoiceField(choices=DigestCode.choices)
    count = serializers.IntegerField()
    parts = DigestPart(many=True)


class DigestRow(serializers.ModelSerializer[Digest]):
    """What the person was told on the morning of a workday; what was told after `since` is new in it.

    Parts of a branch that the person no longer sees are left out.
    """

    since = serializers.DateField(source="run.since")
    figures = serializers.SerializerMethodField()

    class Meta:
        model = Digest
        fields = ["day", "at", "since", "figures"]

    @extend_schema_field(DigestFigure(many=True))
    def get_figures(self, digest: Digest) -> Any:
        return self.context["figures"][digest.pk]


class Digests(ListView):
    """The person's own digests; reading one marks nothing read."""

    permission = "followups.view"
    filterset_class = DigestFilter
    serializer_class = DigestRow
    orderings = {"day": ("day", "id")}
    default_ordering = "-day"

    def rows(self) -> QuerySet[Digest]:
        return digests_of(self.staff)

    @reads(DigestRow(many=True), operation_id="digests_list")
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        kept = {digest.pk: seen(digest, self.staff) for digest in page}
        names = names_of(figure for figures in kept.values() for figure in figures)

        def shown(figure: Figure) -> Any:
            parts = [
                {
                    "branch": names.branches[part.branch_id],
                    "beside": names.branches.get(part.beside_id or 0),
                    "officer": names.officers.get(part.officer_id or 0),
                    "count": part.count,
                }
                for part in figure.parts
            ]
            return DigestFigure({"code": figure.code, "count": figure.count, "parts": parts}).data

        context = {"figures": {pk: [shown(figure) for figure in figures] for pk, figures in kept.items()}}
        return self.get_paginated_response(DigestRow(page, many=True, context=context).data)
