"""Views of the desk that a person keeps: saved from the address, renamed, dropped."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from followups.actions.desk_views import drop_view, rename_view, save_view
from followups.filters import view_query
from followups.models import SavedView
from followups.views.desk_list import id_of
from journal.errors import ActionRefused
from people.web import PageView


class KeepView(PageView):
    """`verb` says what: nothing saves, rename, drop; somebody else's view is missing."""

    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        query = ""
        try:
            query = self._done(request.POST)
        except SavedView.DoesNotExist:
            messages.error(request, _("没有这个视图，可能已删除。"))
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        return redirect(f"{reverse('followups:desk')}?{query}" if query else "followups:desk")

    def _done(self, given: QueryDict) -> str:
        """Does it; the filters to go on with."""
        name, view_id = given.get("name", ""), id_of(given.get("view", ""))
        if given.get("verb") == "drop":
            drop_view(view_id=view_id, by=self.staff, at=self.at)
            return ""
        if given.get("verb") == "rename":
            return rename_view(view_id=view_id, name=name, by=self.staff, at=self.at).query
        query = view_query(QueryDict(given.get("query", "")[:2000]))
        view = save_view(name=name, query=query, by=self.staff, at=self.at)
        messages.success(self.request, _("已存为视图“%(name)s”。") % {"name": view.name})
        return view.query
