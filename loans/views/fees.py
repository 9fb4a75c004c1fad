"""Fees of a loan on screen: what was charged and paid, charging one, and waiving one that another person charged.

Charging is shown before it is done, with what was understood and what the cost disclosure still allows; the ledger
refuses what the disclosure does not name, whatever the page says.
"""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions import charge_fee, waive_fee
from loans.fee_words import fee_word
from loans.models import Fee, Loan
from loans.queries.charges import fees_visible_to
from loans.queries.fees import DisclosedFee, agreed_codes, disclosed_fees, fee_totals, needs_disclosure, staff_names
from loans.queries.names import borrower_name
from loans.rules.capitals import capital_amount
from loans.rules.money import AmountError
from loans.rules.typed_amount import typed_amount
from loans.views.one_loan import OneLoanPage, loan_head
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, led_once, new_form_key, no_store, visible_or_404

NEWEST = Order("new", "", ("-id",))


def fee_rows(fees: list[Fee], items: list[DisclosedFee], by: str, *, may_charge: bool) -> list[dict[str, Any]]:
    """Fees as the list shows them: in words, with who charged, and whether this person may waive."""
    labels = {item.code: item.label for item in items}
    names = staff_names(fee.charged_by for fee in fees)
    rows = []
    for fee in fees:
        rest = fee.amount - fee.paid - fee.waived
        is_open = fee.settled_on is None and rest > 0
        rows.append(
            {
                "fee": fee,
                "label": labels.get(fee.code) or fee_word(fee.code),
                "who": names.get(fee.charged_by, fee.charged_by),
                "rest": rest,
                "is_open": is_open,
                "may_waive": is_open and may_charge and fee.charged_by != by,
                "is_own": is_open and may_charge and fee.charged_by == by,
            }
        )
    return rows


def label_of(fee: Fee) -> str:
    """The fee as its disclosure calls it, else by its usual name."""
    return next((item.label for item in disclosed_fees(fee.loan) if item.code == fee.code), fee_word(fee.code))


class FeeList(OneLoanPage):
    """Every fee of a loan, the newest first, and what its disclosure allows."""

    template_name = "loans/fees.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        items, may_charge = disclosed_fees(loan), may(self.staff, "loans.charge_fee")
        page = page_of(Fee.objects.filter(loan_id=loan.pk), NEWEST, cursor=request.GET.get("cursor", ""))
        context = self.get_context_data(
            **loan_head(request, loan, self.staff),
            page=page,
            rows=fee_rows(page.rows, items, self.staff.staff_no, may_charge=may_charge),
            items=items,
            totals=fee_totals(loan),
            must_be_named=needs_disclosure(loan),
            may_charge=may_charge and loan.position.settled_on is None,
        )
        return no_store(self.render_to_response(context))


@dataclass
class Entry:
    """What was typed of a fee, what it means, and what is wrong with it by field."""

    code: str
    amount_text: str
    reason: str
    amount: Decimal | None = None
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""


def read_entry(sent: QueryDict) -> Entry:
    """Reads the form; what is still empty is no error."""
    entry = Entry(sent.get("code", "").strip()[:60], sent.get("amount", "")[:40], sent.get("reason", "")[:400])
    if entry.amount_text.strip():
        try:
            entry.amount = typed_amount(entry.amount_text) or None
        except AmountError:
            entry.amount = None
        if entry.amount is None:
            entry.errors["amount"] = _("看不懂这个金额。请写成 12345.60 或 12,345.60，最多两位小数，大于零。")
    return entry


def foreseen(entry: Entry, items: list[DisclosedFee], agreed: tuple[str, ...], *, must_be_named: bool) -> str:
    """Why the fee would be refused for what disclosure or contract say; empty when it would not."""
    item = next((each for each in items if each.code == entry.code), None)
    if not entry.code or entry.code in agreed or (item is not None and not must_be_named):
        return ""
    if not must_be_named:
        return _("合同没有约定“%(code)s”这项费用，不能收取。") % {"code": fee_word(entry.code)}
    if item is None:
        return _("综合融资成本明示表没有列明“%(code)s”，不能收取。") % {"code": fee_word(entry.code)}
    if entry.amount is not None and item.left is not None and entry.amount > item.left:
        return _("明示表列明“%(label)s”最多 %(most)s 元，已收 %(charged)s 元，还可收 %(left)s 元。") % {
            "label": item.label,
            "most": f"{item.most:,.2f}",
            "charged": f"{item.charged:,.2f}",
            "left": f"{item.left:,.2f}",
        }
    return ""


class ChargeFee(OneLoanPage):
    """The form of a fee: what the disclosure allows, what was understood, then charging it once."""

    permission = "loans.charge_fee"
    template_name = "loans/fee_charge.html"
    part_template = "loans/parts/fee_preview.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.shown(self.loan(pk), read_entry(request.GET))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, entry = self.loan(pk), read_entry(request.POST)
        if entry.amount is None:
            entry.errors.setdefault("amount", _("请填写金额。"))
        if not entry.code:
            entry.errors["code"] = _("请选择费用项目。")
        if entry.errors:
            return self.shown(loan, entry, status=422)
        if request.POST.get("seen") != self.fingerprint(entry):
            entry.notice = _("内容在预览之后有改动，请核对后再收取。")
            return self.shown(loan, entry, status=409)
        try:
            address = led_once(request=request, staff=self.staff, at=self.at, effect=lambda: self.charged(loan, entry))
        except ActionRefused as refusal:
            entry.errors[refusal.field or "code"] = refusal.message
            return self.shown(loan, entry, status=409 if refusal.conflict else 422)
        return redirect(address)

    def charged(self, loan: Loan, entry: Entry) -> str:
        assert entry.amount is not None
        fee = charge_fee(
            loan_id=loan.pk, code=entry.code, amount=entry.amount, reason=entry.reason, by=self.staff, at=self.at
        )
        words = (
            _("已收取 %(code)s %(amount)s 元，其中已由暂收款付清 %(paid)s 元。")
            if fee.paid
            else _("已记收 %(code)s %(amount)s 元，待借款人缴纳。")
        )
        said = {"code": label_of(fee), "amount": f"{fee.amount:,.2f}", "paid": f"{fee.paid:,.2f}"}
        messages.success(self.request, words % said)
        return reverse("loans:fees", args=[loan.pk])

    def fingerprint(self, entry: Entry) -> str:
        return hashlib.sha256(repr((entry.code, entry.amount)).encode()).hexdigest()[:32]

    def shown(self, loan: Loan, entry: Entry, *, status: int = 200) -> HttpResponse:
        items, must = disclosed_fees(loan), needs_disclosure(loan)
        agreed = () if must else agreed_codes(loan)
        against = foreseen(entry, items, agreed, must_be_named=must)
        if against:
            # Says more than the ledger's own refusal.
            entry.errors["code"] = against
        is_open = loan.position.settled_on is None
        is_ready = bool(is_open and entry.code and entry.amount and not against and "amount" not in entry.errors)
        response = self.render_to_response(
            self.get_context_data(
                **loan_head(self.request, loan, self.staff),
                entry=entry,
                items=items,
                item=next((each for each in items if each.code == entry.code), None),
                must_be_named=must,
                agreed=[(code, fee_word(code)) for code in agreed if code not in {each.code for each in items}],
                is_ready=is_ready,
                seen=self.fingerprint(entry) if is_ready else "",
                form_key=new_form_key(),
                capitals=capital_amount(entry.amount) if entry.amount and get_language() == "zh-hans" else "",
            )
        )
        response.status_code = status
        return no_store(response)


class WaiveFee(PageView):
    """One fee, what is left of it, and the form by which somebody else than who charged it waives the rest."""

    permission = "loans.charge_fee"
    template_name = "loans/fee_waive.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.shown(self.found(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        fee = self.found(pk)
        reason = request.POST.get("reason", "")[:400]
        try:
            done = waive_fee(fee_id=fee.pk, reason=reason, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.shown(self.found(pk), refusal=refusal, reason=reason)
        messages.success(
            request, _("已减免 %(code)s %(amount)s 元。") % {"code": label_of(fee), "amount": f"{done.waived:,.2f}"}
        )
        return redirect("loans:fees", pk=fee.loan_id)

    def found(self, pk: int) -> Fee:
        seen = fees_visible_to(self.staff).select_related("loan__borrower", "loan__position")
        fee: Fee = visible_or_404(seen, pk=pk)
        return fee

    def shown(self, fee: Fee, *, refusal: ActionRefused | None = None, reason: str = "") -> HttpResponse:
        loan = fee.loan
        (row,) = fee_rows([fee], disclosed_fees(loan), self.staff.staff_no, may_charge=True)
        response = self.render_to_response(
            self.get_context_data(
                loan=loan,
                name=borrower_name(loan, self.staff),
                row=row,
                fee=fee,
                reason=reason,
                refused=refusal.message if refusal else "",
                field=refusal.field if refusal else "",
            )
        )
        if refusal is not None:
            response.status_code = 409 if refusal.conflict else 422
        return no_store(response)
