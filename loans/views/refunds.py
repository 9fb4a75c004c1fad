"""Pages of refunds: ask for one on a loan, the list, the decision of a second person."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions import decide_refund, propose_refund
from loans.actions.refunds import refund_warnings
from loans.filters import RefundFilter
from loans.models import Loan, Receipt, ReceiptState, Refund, RefundState
from loans.queries import future_schedule
from loans.queries.files import refunds_visible_to
from loans.queries.names import borrower_name
from loans.rules.capitals import capital_amount
from loans.rules.money import AmountError
from loans.rules.typed_amount import typed_amount
from loans.views.files import NEWEST, answer
from loans.views.lists import filter_words
from people.paging import page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

_SHOWN = 5


class RefundList(PageView):
    permission = "loans.view_receipts"
    template_name = "loans/refunds.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = refunds_visible_to(self.staff).select_related("loan", "proposed_by", "decided_by")
        narrowed = RefundFilter(self.request.GET, queryset=seen, request=self.request)
        page = page_of(narrowed.qs, NEWEST, cursor=self.request.GET.get("cursor", ""))
        active = self.request.GET.get("state", "")
        rest = [{"code": code, "label": label, "is_on": active == code} for code, label in RefundState.choices]
        return super().get_context_data(
            **kwargs,
            page=page,
            states=[{"code": None, "label": _("全部"), "is_on": not active}, *rest],
            filter_words=filter_words(narrowed),
            tab="refunds",
        )


class ProposeRefund(PageView):
    """A loan's money in suspense, where it came from, and the form that asks for a refund."""

    permission = "loans.post_receipts"
    template_name = "loans/refund_propose.html"
    part_template = "loans/parts/refund_understood.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self._found(pk), amount=request.GET.get("amount", ""))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self._found(pk)
        typed = {"amount": request.POST.get("amount", ""), "reason": request.POST.get("reason", "")}
        try:
            try:
                amount = typed_amount(typed["amount"])
            except AmountError:
                raise ActionRefused(_("金额须为最多 13 位整数、最多两位小数的数字。"), field="amount") from None
            refund = propose_refund(loan_id=loan.pk, amount=amount, reason=typed["reason"], by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self._shown(loan, refusal=refusal, **typed)
        messages.success(request, _("已提出退款 %(amount)s 元，待另一人复核。") % {"amount": f"{amount:,.2f}"})
        return redirect("loans:refund", pk=refund.pk)

    def _found(self, pk: int) -> Loan:
        seen = Loan.objects.visible_to(self.staff).select_related("borrower", "position", "branch")
        loan: Loan = visible_or_404(seen, pk=pk)
        return loan

    def _shown(self, loan: Loan, refusal: ActionRefused | None = None, **typed: Any) -> HttpResponse:
        receipts = Receipt.objects.filter(loan=loan, state=ReceiptState.POSTED).order_by("-id")
        refunds = Refund.objects.filter(loan=loan).select_related("proposed_by", "decided_by").order_by("-id")
        past = list(refunds[:_SHOWN])
        coming = future_schedule(loan, limit=1)
        context = self.get_context_data(
            loan=loan,
            name=borrower_name(loan, self.staff),
            suspense=loan.position.suspense,
            next_amount=coming[0].amount if coming else None,
            receipts=list(receipts[:_SHOWN]),
            refunds=past,
            warnings=refund_warnings(loan.pk, loan.position.suspense),
            understood=_understood(typed.get("amount", "")),
            waiting=next((each for each in past if each.state == RefundState.PROPOSED), None),
            refused=refusal.message if refusal else "",
            field=refusal.field if refusal else "",
            tab="refunds",
            **typed,
        )
        return answer(self, context, refusal)


def _understood(text: str) -> dict[str, Any]:
    """What a typed amount is read as: `amount` with its capitals, or that it cannot be read; empty while nothing is."""
    if not text.strip():
        return {}
    try:
        amount = typed_amount(text[:40])
    except AmountError:
        return {"fault": _("看不懂这个金额。请写成 12345.60 或 12,345.60，最多两位小数，大于零。")}
    return {"amount": amount, "capitals": capital_amount(amount) if get_language() == "zh-hans" else ""}


class RefundPage(PageView):
    """One refund with what the loan has in suspense now; a second person decides."""

    permission = "loans.view_receipts"
    acts_with = "loans.post_receipts"
    template_name = "loans/refund.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self._found(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        refund = self._found(pk)
        note, approve = request.POST.get("note", ""), request.POST.get("verb") == "approve"
        try:
            done = decide_refund(refund_id=refund.pk, approve=approve, note=note, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self._shown(self._found(pk), refusal=refusal, note=note)
        messages.success(request, _("这笔退款：%(state)s。") % {"state": done.get_state_display()})
        return redirect("loans:refund", pk=done.pk)

    def _found(self, pk: int) -> Refund:
        seen = refunds_visible_to(self.staff)
        found: Refund = visible_or_404(
            seen.select_related("loan__borrower", "loan__position", "proposed_by", "decided_by"), pk=pk
        )
        return found

    def _shown(self, refund: Refund, refusal: ActionRefused | None = None, **typed: Any) -> HttpResponse:
        is_open = refund.state == RefundState.PROPOSED
        context = self.get_context_data(
            refund=refund,
            loan=refund.loan,
            name=borrower_name(refund.loan, self.staff),
            suspense=refund.loan.position.suspense,
            is_own=refund.proposed_by_id == self.staff.pk,
            may_decide=is_open and refund.proposed_by_id != self.staff.pk and may(self.staff, "loans.approve_refund"),
            is_open=is_open,
            warnings=refund_warnings(refund.loan_id, refund.loan.position.suspense, refund.amount) if is_open else [],
            too_much=is_open and refund.amount > refund.loan.position.suspense,
            refused=refusal.message if refusal else "",
            tab="refunds",
            **typed,
        )
        return answer(self, context, refusal)
