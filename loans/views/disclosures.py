"""Cost disclosures on screen: the list, one as it was said (made for printing), its document, and a calculator."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from journal.errors import ActionRefused
from journal.queries import exhibit_bytes
from loans.actions.disclosure import NewDisclosure, cost_in_short, void_disclosure
from loans.disclosure_wording import shown
from loans.models import CostDisclosure, DisclosureState, RepaymentMethod
from loans.queries import open_business_date
from loans.queries.disclosures import visible_disclosures
from loans.rules.disclosure import CostFee
from loans.rules.money import AmountError, fen, parse_amount
from loans.rules.simulation_request import Request, parse_request
from loans.rules.typed_amount import typed_amount
from loans.views.files import answer
from loans.wording import errors_in_words
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

NEWEST = Order("new", _lazy("最近出具"), ("-id",))


class DisclosureList(PageView):
    """Disclosures one may see, the newest first; those that no contract has used yet apart."""

    permission = "loans.view"
    template_name = "loans/disclosures.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = visible_disclosures(self.staff).select_related("loan", "made_by")
        is_waiting = self.request.GET.get("waiting") == "1"
        is_voided = not is_waiting and self.request.GET.get("voided") == "1"
        if is_waiting:
            found = found.filter(loan__isnull=True, voided_at__isnull=True)
        elif is_voided:
            found = found.filter(voided_at__isnull=False)
        page = page_of(found, NEWEST, cursor=self.request.GET.get("cursor", ""))
        return super().get_context_data(**kwargs, page=page, is_waiting=is_waiting, is_voided=is_voided)


class DisclosurePage(PageView):
    """One disclosure, everything that it says."""

    permission = "loans.view"
    template_name = "loans/disclosure.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.shown(pk)

    def shown(self, pk: int, refusal: ActionRefused | None = None, reason: str = "") -> HttpResponse:
        seen = visible_disclosures(self.staff).select_related("loan", "made_by", "voided_by", "exhibit")
        found: CostDisclosure = visible_or_404(seen, pk=pk)
        context = self.get_context_data(
            disclosure=found,
            said=shown(found.content),
            printed_at=self.at,
            is_waiting=found.state == DisclosureState.WAITING,
            may_void=found.state == DisclosureState.WAITING and may(self.staff, "loans.disclose"),
            refused=refusal.message if refusal else "",
            reason=reason,
        )
        return answer(self, context, refusal)


class VoidDisclosure(DisclosurePage):
    """Voids a disclosure that no contract used."""

    permission = "loans.disclose"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        found: CostDisclosure = visible_or_404(visible_disclosures(self.staff), pk=pk)
        reason = request.POST.get("reason", "")
        try:
            void_disclosure(disclosure_id=found.pk, reason=reason, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.shown(pk, refusal, reason)
        messages.success(request, _("明示表 %(number)s 已作废。") % {"number": found.number})
        return redirect("loans:disclosure", pk=pk)


class DisclosureDocument(PageView):
    """The document as it was made, byte for byte."""

    permission = "loans.view"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        found: CostDisclosure = visible_or_404(visible_disclosures(self.staff).select_related("exhibit"), pk=pk)
        if found.exhibit is None:
            raise Http404
        response = HttpResponse(exhibit_bytes(found.exhibit), content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
        response["X-Content-Type-Options"] = "nosniff"
        return no_store(response)


_DEFAULTS = {"principal": "1000000.00", "annual_rate_percent": "3.05", "installments": "360", "fee": "0"}


class CostCalculator(PageView):
    """What a loan would cost in all; nothing is stored, everything is reckoned on the server."""

    permission = "loans.view"
    template_name = "loans/cost.html"
    part_template = "loans/parts/cost_result.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        typed = {name: request.GET.get(name, default)[:30] for name, default in _DEFAULTS.items()}
        typed["method"] = request.GET.get("method", RepaymentMethod.EQUAL_INSTALLMENT)[:30]
        context = self.get_context_data(typed=typed, methods=RepaymentMethod.choices, **self._reckoned(typed))
        response = self.render_to_response(context)
        response.status_code = 422 if context["faults"] else 200
        return no_store(response)

    def _reckoned(self, typed: dict[str, str]) -> dict[str, Any]:
        """The cost of what was typed, or every fault by its field."""
        request, fee_fen, faults = _understood(typed, open_business_date() or timezone.localdate(self.at))
        if faults or request is None:
            return {"faults": faults}
        fees = (CostFee("FEE", "", "", fee_fen),) if fee_fen else ()
        try:
            return {"faults": {}, **cost_in_short(NewDisclosure(request=request, fees=fees))}
        except ActionRefused as refused:
            return {"faults": {"fee" if refused.field == "fees" else "principal": [refused.message]}}


def _understood(typed: dict[str, str], day: Any) -> tuple[Request | None, int, dict[str, list[str]]]:
    """What was typed as the engine's request and a fee in fen; amounts may be full-width or grouped."""
    asked: dict[str, Any] = {
        "principal": _folded(typed["principal"]),
        "annual_rate_percent": typed["annual_rate_percent"].strip(),
        "installments": _whole(typed["installments"]),
        "method": typed["method"],
        "disbursed_on": str(day),
    }
    found = parse_request(asked)
    faults = {} if isinstance(found, Request) else {name: list(each) for name, each in errors_in_words(found).items()}
    fee_fen = 0
    try:
        fee_fen = fen(parse_amount(_folded(typed["fee"]))) if typed["fee"].strip() else 0
    except AmountError:
        faults["fee"] = [str(_("金额须为最多 13 位整数、最多两位小数的数字。"))]
    return (found if isinstance(found, Request) else None), fee_fen, faults


def _folded(text: str) -> str:
    try:
        return f"{typed_amount(text):.2f}"
    except AmountError:
        return text


def _whole(text: str) -> object:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text
