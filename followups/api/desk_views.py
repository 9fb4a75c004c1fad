"""Views of the desk that a person keeps under a name, over the API: own ones alone."""

from typing import Any

from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.desk_views import LONGEST_QUERY, drop_view, rename_view, save_view
from followups.filters import TaskFilter, unknown_of_view, view_query, wrong_of_view
from followups.models import SavedView, VisitTask
from followups.queries.desk_head import views_of
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, reads, writes


class SavedViewRow(serializers.ModelSerializer[SavedView]):
    """`query` is what stands behind the address of the desk, and behind `tasks/` less `scope` and `sort`."""

    class Meta:
        model = SavedView
        fields = ["id", "name", "query", "made_at"]


class SavedViewList(serializers.Serializer[Any]):
    results = SavedViewRow(many=True)


class SavedViewEntry(StrictSerializer):
    """The same name again replaces what it stood for; places in the list (`cursor`) are left out."""

    name = TextField(max_length=60)
    query = TextField(max_length=LONGEST_QUERY, allow_blank=True, help_text="Filters of the desk: chip=urgent&sort=due")

    def validate_query(self, query: str) -> str:
        asked = QueryDict(query)
        unknown = unknown_of_view(asked)
        if unknown:
            raise serializers.ValidationError(_("没有这些筛选：%(names)s。") % {"names": ", ".join(unknown)})
        wrong = wrong_of_view(asked)
        if wrong:
            raise serializers.ValidationError(_("这些筛选的值无效：%(names)s。") % {"names": ", ".join(wrong)})
        narrowed = TaskFilter(asked, queryset=VisitTask.objects.none())
        if not narrowed.is_valid():
            names = ", ".join(sorted(narrowed.errors))
            raise serializers.ValidationError(_("这些筛选的值无效：%(names)s。") % {"names": names})
        return view_query(asked)


class SavedViewName(StrictSerializer):
    name = TextField(max_length=60)


class SavedViews(ApiView):
    """The own views, the oldest first; POST keeps one."""

    permission = "followups.view"

    @reads(SavedViewList, operation_id="views_list")
    def get(self, request: Request) -> Response:
        return Response(SavedViewList({"results": list(views_of(self.staff))}).data)

    @writes(SavedViewEntry, SavedViewRow, status=201, operation_id="views_save")
    def post(self, request: Request) -> HttpResponseBase:
        asked: dict[str, Any] = self.sent(SavedViewEntry)

        def effect() -> Response:
            made = save_view(**asked, by=self.staff, at=self.at)
            return Response(SavedViewRow(views_of(self.staff).get(pk=made.pk)).data, status=201)

        return self.once(effect)


class OneSavedView(ApiView):
    """DELETE drops it; somebody else's is missing."""

    permission = "followups.view"

    @writes(None, None, status=204, operation_id="views_drop")
    def delete(self, request: Request, pk: int) -> Response:
        view = self.visible(views_of(self.staff), pk=pk)
        drop_view(view_id=view.pk, by=self.staff, at=self.at)
        return Response(status=204)


class RenameSavedView(ApiView):
    """Gives it another name."""

    permission = "followups.view"

    @writes(SavedViewName, SavedViewRow, operation_id="views_rename")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(SavedViewName)
        view = self.visible(views_of(self.staff), pk=pk)

        def effect() -> Response:
            rename_view(view_id=view.pk, name=asked["name"], by=self.staff, at=self.at)
            return Response(SavedViewRow(views_of(self.staff).get(pk=pk)).data)

        return self.once(effect)
