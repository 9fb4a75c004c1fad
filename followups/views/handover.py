"""管户移交: choose who leaves and who receives, look at the proposal, decide; the list to print, and taking it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups.actions import handover
from followups.forms import visitors_of
from followups.models import HandOver
from followups.queries.handover import handovers
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from loans.views.files import answer
from people.models import Staff
from people.queries import branch_ids_visible_to
from people.rules.masking import mask_name
from people.web import PageView, no_store, visible_or_404

MOST_RECEIVERS = 30


class HandOverPage(PageView):
    permission = handover.ASSIGNS
    template_name = "followups/capacity/handover.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            context = self._context(request.GET.get("officer", ""), request.GET.getlist("receiver"))
        except ActionRefused as refusal:
            return self._refused(refusal)
        return no_store(self.render_to_response(context))

    def post(self, request: HttpRequest) -> HttpResponse:
        officer_no, numbers = request.POST.get("officer", ""), request.POST.getlist("receiver")
        people = self._people()
        officer = people.get(officer_no)
        try:
            if officer is None:
                raise handover.HandOverRefused(_("请从名单中选择移交人。"), field="officer")
            made = handover.hand_over(
                officer=officer, receivers=_of(people, numbers), sha256=request.POST.get("content_sha256", ""),
                reason=request.POST.get("reason", ""), by=self.staff, at=self.at,
            )  # fmt: skip
        except ActionRefused as refusal:
            return self._refused(refusal)
        messages.success(request, _("已移交，清单号 %(number)s。") % {"number": made.number})
        return redirect("followups:handover_list", pk=made.pk)

    def _refused(self, refusal: ActionRefused) -> HttpResponse:
        context = self._context("", [], refused=refusal.message, field=refusal.field)
        return no_store(answer(self, context, refusal))

    def _people(self) -> dict[str, Staff]:
        """Who may give: also those who are no longer active but still hold a portfolio."""
        ids = branch_ids_visible_to(self.staff)
        gone = Staff.objects.filter(is_active=False, branch_id__in=ids, portfolio__isnull=False)
        found = [*visitors_of(ids), *gone.select_related("branch").distinct().order_by("name", "id")]
        return {one.staff_no: one for one in found}

    def _context(self, officer_no: str, numbers: list[str], **more: Any) -> dict[str, Any]:
        people = self._people()
        officer = people.get(officer_no)
        same = [one for one in people.values() if officer and one.branch_id == officer.branch_id and one.is_active]
        receivers = [one for one in same if officer and one.pk != officer.pk]
        chosen = [one for one in receivers if one.staff_no in numbers]
        found = handover.preview(officer=officer, receivers=chosen, by=self.staff) if officer and chosen else None
        return self.get_context_data(
            people=list(people.values()),
            officer=officer,
            receivers=receivers,
            chosen=chosen,
            found=found,
            shares=[(one, found.loans_of(one.pk), found.tasks_of(one.pk)) for one in chosen] if found else [],
            done=list(handovers(self.staff)[:20]),
            business_date=open_business_date(),
            **more,
        )


def _of(people: dict[str, Staff], numbers: list[str]) -> list[Staff]:
    return [people[number] for number in sorted(set(numbers))[:MOST_RECEIVERS] if number in people]


class HandOverList(PageView):
    """The printed list (移交清单), with places to sign."""

    permission = handover.ASSIGNS
    template_name = "followups/capacity/handover_list.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        made: HandOver = visible_or_404(handovers(self.staff), pk=kwargs["pk"])
        items = list(made.items.select_related("to_officer").order_by("to_officer__name", "loan_id"))
        loans = Loan.objects.select_related("borrower", "position").in_bulk([item.loan_id for item in items])
        rows = [(item, loans[item.loan_id], mask_name(loans[item.loan_id].borrower.name)) for item in items]
        undone = HandOver.objects.filter(reverses=made).first()
        return no_store(
            self.render_to_response(
                self.get_context_data(
                    made=made, rows=rows, undone=undone, tasks=sum(item.tasks for item in items),
                    business_date=open_business_date(),
                )
            )
        )  # fmt: skip


class ReverseHandOver(PageView):
    """Takes a hand-over back by a reverse one."""

    permission = handover.ASSIGNS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        made = visible_or_404(handovers(self.staff), pk=pk)
        try:
            handover.reverse_hand_over(
                hand_over_id=made.pk, reason=request.POST.get("reason", ""), by=self.staff, at=self.at
            )
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("已撤回移交。"))
        return redirect("followups:handover_list", pk=made.pk)
