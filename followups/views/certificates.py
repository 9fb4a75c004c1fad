"""回访证书: who has one until when, who has none, and from which day it keeps people from new work."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups.batch.assigning import gate_of
from followups.forms import visitors_of
from followups.models import TaskState
from followups.rules.period import day_of
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.views.files import answer
from people.actions import certificates
from people.models import Certificate
from people.queries import branch_ids_visible_to, may
from people.queries.certificates import ENTERS, certificates_visible_to
from people.web import PageView, no_store, visible_or_404

_NAMES = ("staff", "first", "last")
_OPEN = Q(tasks__closed_on__isnull=True, tasks__is_light=False) & ~Q(tasks__state=TaskState.SUBMITTED)


class CertificatesPage(PageView):
    permission = "followups.view"
    acts_with = ENTERS
    template_name = "followups/certificates.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in _NAMES}
        try:
            made = self._enter(typed)
        except ActionRefused as refusal:
            context = self.get_context_data(refused=refusal.message, field=refusal.field, typed=typed)
            return no_store(answer(self, context, refusal))
        messages.success(request, _("已登记%(name)s的证书。") % {"name": made.staff.name})
        return redirect("followups:certificates")

    def _enter(self, typed: dict[str, str]) -> Certificate:
        staff = self._people().filter(staff_no=typed["staff"]).first()
        if staff is None:
            raise certificates.CertificateRefused(_("请从名单中选择持证人。"), field="staff")
        first, last = day_of(typed["first"]), day_of(typed["last"])
        if first is None or last is None:
            raise certificates.CertificateRefused(
                _("请填写有效日期，如 2026-10-30"), field="last" if first else "first"
            )
        return certificates.enter_certificate(staff=staff, first=first, last=last, by=self.staff, at=self.at)

    def _people(self) -> Any:
        return visitors_of(branch_ids_visible_to(self.staff))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**{"is_closed": True, "typed": {}, **kwargs})
        found = list(certificates_visible_to(self.staff).filter(valid__isempty=False).order_by("-valid"))
        held = {one.staff_id for one in found if _holds(one, today)}
        people = list(self._people().annotate(open_tasks=Count("tasks", filter=_OPEN, distinct=True)))
        return super().get_context_data(
            **{
                "gate": gate_of(today),
                "rows": [(one, _last(one), _holds(one, today)) for one in found[:200]],
                "missing": [person for person in people if person.pk not in held],
                "people": people,
                "may_enter": may(self.staff, ENTERS),
                "business_date": today,
                "typed": {},
                **kwargs,
            }
        )


def _holds(one: Certificate, today: Any) -> bool:
    return bool(one.valid.lower <= today and (one.valid.upper is None or today < one.valid.upper))


def _last(one: Certificate) -> Any:
    """The last day on which it is valid."""
    return type(one.valid.upper).fromordinal(one.valid.upper.toordinal() - 1) if one.valid.upper else None


class EndCertificate(PageView):
    """Ends a certificate."""

    permission = ENTERS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        made = visible_or_404(certificates_visible_to(self.staff), pk=pk)
        try:
            certificates.end_certificate(certificate_id=made.pk, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("证书已终止。"))
        return redirect("followups:certificates")
