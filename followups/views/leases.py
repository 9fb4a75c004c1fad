"""Which window writes on a visit: its beat, a take-over by a click, and letting go when it is shut."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from followups import actions
from followups.forms import tab_of
from followups.models import VisitTask
from journal.errors import ActionRefused
from people.web import PageView, no_store, visible_or_404


class HoldVisit(PageView):
    """A window says it is there; the reply says whether it may write, and if not, who does and since when."""

    permission = "followups.record_visit"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task = visible_or_404(VisitTask.objects.visible_to(self.staff), pk=pk)
        tab, takes = tab_of(request.POST), "take" in request.POST
        if "release" in request.POST:
            actions.let_go(task_id=task.pk, tab=tab, by=self.staff)
            return HttpResponse(status=204)
        try:
            lease = actions.hold_visit(task_id=task.pk, tab=tab, take=takes, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            if takes:
                messages.error(request, refusal.message)
                return redirect("followups:task", pk=task.pk)
            return HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8")
        if takes:
            return redirect("followups:visit", pk=task.pk)
        is_mine = lease.tab == tab and lease.by_id == self.staff.pk
        context = {"task": task, "lease": None if is_mine else lease, "tab": tab}
        return no_store(TemplateResponse(request, "followups/parts/lease.html", context))
