"""Files on the visit page: one is sent, put under the question it proves, taken out again, taken home.

What is sent is bounded while it comes in, so the form's token is read only after that bound is set.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from followups import actions
from followups.actions.attachments import thumbnail_bytes
from followups.forms import place_of
from followups.models import Visit, VisitTask
from followups.queries.attachments import attachments_visible_to, files_shown
from followups.queries.form import questions_of
from followups.uploads import bound_uploads, file_response, picture_response, sent_file
from followups.views.visit import VisitBase, may_work_on
from journal.errors import ActionRefused
from people.actions import NotAllowed
from people.web import PageView, no_store, visible_or_404


@method_decorator(csrf_exempt, name="dispatch")
class AddFile(VisitBase):
    """Takes one photo or PDF; the token is checked inside, once the bound is set."""

    permission = "followups.record_visit"
    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return super().dispatch(request, *args, **kwargs)
        bound_uploads(request)
        checked: HttpResponseBase = csrf_protect(super().dispatch)(request, *args, **kwargs)
        return checked

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, visit = self.task_and_visit(pk)
        try:
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
        except ActionRefused as refusal:
            return self.files(request, task, visit, refusal)
        return self.files(request, task, visit, None, _("已保存附件 %(name)s。") % {"name": row.name})

    def files(
        self, request: HttpRequest, task: VisitTask, visit: Visit, refusal: ActionRefused | None, done: str = ""
    ) -> HttpResponse:
        """The list and the files at each question for a page with scripts; else back to the page with a sentence."""
        htmx = getattr(request, "htmx", None)
        if not htmx:
            messages.error(request, refusal.message) if refusal else messages.success(request, done)
            return redirect("followups:visit", pk=task.pk)
        context = {
            "task": task,
            "may_attach": may_work_on(task, visit, self.staff),
            "file_fault": refusal.message if refusal else "",
            "consents": request.POST.get("consent") == "1",
            "wants_rows": True,
            "item_sent": request.POST.get("item", "") if refusal else "",
            **files_shown(visit, self.staff, questions_of(visit)),
        }
        status = 200 if refusal is None else 409 if refusal.conflict else 422
        return no_store(TemplateResponse(request, "followups/parts/files.html", context, status=status))


class RemoveFile(AddFile):
    """Takes a file out of an open visit."""

    permission = "followups.record_visit"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = visible_or_404(attachments_visible_to(self.staff), pk=pk)
        task, visit = self.task_and_visit(row.visit.task_id)
        try:
            actions.remove_file(attachment_id=row.pk, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.files(request, task, visit, refusal)
        return self.files(request, task, visit, None, _("已移除附件 %(name)s。") % {"name": row.name})


class AssignFile(AddFile):
    """Puts a file of an open visit under the question it proves."""

    permission = "followups.record_visit"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = visible_or_404(attachments_visible_to(self.staff), pk=pk)
        task, visit = self.task_and_visit(found.visit.task_id)
        item = str(request.POST.get("item", ""))
        try:
            row = actions.assign_file(attachment_id=found.pk, item=item, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.files(request, task, visit, refusal)
        return self.files(request, task, visit, None, _("已更改附件 %(name)s 佐证的问题。") % {"name": row.name})


class Thumbnail(PageView):
    """The small picture of a photo, for who may take the photo; looking at it is not taking it."""

    permission = "followups.view"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = visible_or_404(attachments_visible_to(self.staff), pk=pk)
        try:
            content = thumbnail_bytes(attachment=row, by=self.staff)
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        if content is None:
            raise Http404
        return no_store(picture_response(content))


class TakeFile(PageView):
    """Hands a file out, never to be opened inside the page, and keeps who took it."""

    permission = "followups.view"
    http_method_names = ["get"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = visible_or_404(attachments_visible_to(self.staff), pk=pk)
        try:
            content = actions.hand_out_file(attachment=row, by=self.staff, at=self.at)
        except NotAllowed as refusal:
            messages.error(request, refusal.message)
            return redirect("followups:task", pk=row.visit.task_id)
        return no_store(file_response(content, row.exhibit.media_type, row.name))
