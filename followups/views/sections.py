"""更多: a section opened, or a request noted, while the visit is being made; what was typed comes along."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from followups.actions.sections import open_section
from followups.forms import tab_of, version_of
from followups.views.visit import VisitBase
from journal.errors import ActionRefused
from people.web import no_store


class OpenSection(VisitBase):
    permission = "followups.record_visit"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        task, visit = self.task_and_visit(pk)
        draft, asked = self.draft(task, visit), request.POST.get("request", "")
        section = request.POST.get("section", "")
        try:
            open_section(
                task_id=task.pk,
                version=version_of(request.POST),
                draft=draft,
                section=section,
                request=asked,
                tab=tab_of(request.POST),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            visit.draft = draft
            status = 409 if refusal.conflict else 422
            context = self.context(task, visit, refusal)
            return no_store(TemplateResponse(request, self.template_name, context, status=status))
        return redirect(f"{reverse('followups:visit', args=[task.pk])}#{'i-request_note' if asked else f's-{section}'}")
