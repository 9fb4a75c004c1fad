"""Pages of messages: what waits in the bank, what a loan's borrower is told, taking one back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from correspondence.actions import cancel_message, resume_contact, stop_contact
from correspondence.filters import STATES, MessageFilter
from correspondence.models import Ground, Heard, Message, MessageKind, MessageState
from correspondence.queries import messages_visible_to, preferences_of, shown
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from loans.views.files import NEWEST, answer
from loans.views.lists import filter_words
from people.paging import capped, counts_of, page_of
from people.queries import branches_visible_to, may
from people.web import PageView, no_store, visible_or_404

_OF_A_LOAN = 50


class MessageList(PageView):
    """What waits to be sent, and what became of what waited."""

    permission = "correspondence.view"
    template_name = "correspondence/messages.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        given = self.request.GET.copy()
        given.setdefault("state", MessageState.WAITING)
        narrowed = MessageFilter(given, queryset=messages_visible_to(self.staff), request=self.request)
        page = page_of(narrowed.qs, NEWEST, cursor=given.get("cursor", ""))
        today = open_business_date()
        branches = list(branches_visible_to(self.staff).values_list("code", "name"))
        return super().get_context_data(
            **kwargs,
            page=page,
            rows=shown(page.rows, self.staff, today),
            count=capped(counts_of({"all": narrowed.qs.order_by("-id")})["all"]),
            states=[{"code": code, "label": label, "is_on": given["state"] == code} for code, label in STATES],
            kinds=MessageKind.choices,
            branches=branches if len(branches) > 1 else [],
            filter_words=[word for word in filter_words(narrowed) if word["name"] in self.request.GET],
            business_date=today,
        )


class LoanMessages(PageView):
    """What the borrower of a loan was or will be told, and whether they want to be."""

    permission = "loans.view"
    template_name = "correspondence/loan_messages.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.answered(self.loan(pk))

    def loan(self, pk: int) -> Loan:
        found: Loan = visible_or_404(Loan.objects.visible_to(self.staff).select_related("borrower"), pk=pk)
        return found

    def answered(self, loan: Loan, refusal: ActionRefused | None = None) -> HttpResponse:
        today = open_business_date()
        found = messages_visible_to(self.staff).filter(loan=loan).order_by("-id")[:_OF_A_LOAN]
        preferences = list(preferences_of(loan)[:_OF_A_LOAN])
        context = self.get_context_data(
            loan=loan,
            name=borrower_name(loan, self.staff),
            rows=shown(found, self.staff, today),
            may_cancel=may(self.staff, "correspondence.cancel"),
            preferences=preferences,
            stopped=next((each for each in preferences if each.ended_at is None), None),
            may_record=may(self.staff, "correspondence.record_contact"),
            grounds=Ground.choices,
            ways=Heard.choices,
            refusal=refusal,
            typed=self.request.POST,
            business_date=today,
        )
        return answer(self, context, refusal)


class ContactPart(LoanMessages):
    """Records that the borrower is not written to any more, or is again."""

    permission = "correspondence.record_contact"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, posted = self.loan(pk), request.POST
        said: dict[str, Any] = {"heard": posted.get("heard", ""), "reason": posted.get("reason", "")}
        try:
            if posted.get("verb") == "resume":
                resume_contact(loan_id=loan.pk, **said, by=self.staff, at=self.at)
                messages.success(request, _("已恢复提醒，从下一条起发送。"))
            else:
                ground = posted.get("ground", "")
                stop_contact(loan_id=loan.pk, ground=ground, **said, by=self.staff, at=self.at)
                messages.success(request, _("已记录：不再向该借款人发送短信提醒，待发的已取消。"))
        except ActionRefused as refusal:
            return self.answered(loan, refusal)
        return redirect("correspondence:of_loan", pk=pk)


class CancelMessage(PageView):
    """One message with its words; taken back with a reason."""

    permission = "correspondence.view"
    acts_with = "correspondence.cancel"
    template_name = "correspondence/message.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self._found(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        message, reason = self._found(pk), request.POST.get("reason", "")
        try:
            cancel_message(message_id=message.pk, reason=reason, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self._shown(self._found(pk), refusal, reason=reason)
        messages.success(request, _("这条消息已取消，不会发出。"))
        return redirect("correspondence:message", pk=pk)

    def _found(self, pk: int) -> Message:
        found: Message = visible_or_404(messages_visible_to(self.staff), pk=pk)
        return found

    def _shown(self, message: Message, refusal: ActionRefused | None = None, **typed: Any) -> HttpResponse:
        today = open_business_date()
        (row,) = shown([message], self.staff, today)
        waits = message.state == MessageState.WAITING and not row.is_past
        context = self.get_context_data(
            row=row,
            message=message,
            loan=message.loan,
            may_cancel=waits and may(self.staff, "correspondence.cancel"),
            refused=refusal.message if refusal else "",
            business_date=today,
            **typed,
        )
        return answer(self, context, refusal)
