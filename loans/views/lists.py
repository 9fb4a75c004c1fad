"""Lists of loans and receipts. A loan's own page shows rooms above this one and stands in `config/loan_page.py`."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from journal.errors import ActionRefused
from loans.actions import reverse_receipt
from loans.filters import (
    MANY_NUMBERS,
    LoanFilter,
    OverdueChoice,
    ReceiptFilter,
    begins_many_numbers,
    is_one_letter,
)
from loans.models import FiveClass, Loan, PostingKind, Receipt, ReceiptState
from loans.queries import open_business_date, require_business_date
from loans.queries.accounts import Life
from loans.queries.postings import reversal_of
from loans.queries.reallocation import life_of, reallocated
from loans.queries.ways import leads_to
from loans.replay import fold
from loans.rules.aging import days_past_due
from loans.rules.replay import MoneyIsGone
from people.models import Branch, Staff
from people.paging import Order, Part, page_of
from people.queries import branch_ids_visible_to, branches_visible_to
from people.rules.masking import mask_name
from people.web import PageView, no_store, visible_or_404

# Any day at all: said as a range and not as "not null", so that beside a band's range the planner counts it once.
_SOME_DAY = Q(position__overdue_since__gte=date.min)
LOAN_ORDERS = (
    Order("number", _("借据号"), ("loan_note_no",)),
    Order(
        "overdue",
        _("逾期最久"),
        parts=(
            Part(_SOME_DAY, ("position__overdue_since", "position__loan_id")),
            Part(Q(position__overdue_since__isnull=True), ("id",)),
        ),
    ),
    Order("balance", _("余额最大"), ("-position__principal_balance", "position__loan_id")),
)
# The fewest loans of the book are sorted by their numbers in less than it takes to look for them along the numbers of
# all. The empty text keeps the planner from that index; a cursor of the one order is good for the other.
OF_FEWEST = Order("number", LOAN_ORDERS[0].label, ("own_number",))
_FEWEST = (FiveClass.DOUBTFUL, FiveClass.LOSS)
OWN_NUMBER = Concat(F("loan_note_no"), Value(""))
# What a row of the list shows, and what the orders sort by; the branches' names are read for the filter.
_BESIDE = ("borrower", "portfolio_officer", "position")
_SHOWN = (
    *("loan_note_no", "principal_original", "matures_on", "branch_id", "borrower__name", "portfolio_officer__name"),
    *("position__principal_balance", "position__annual_rate_percent", "position__overdue_since"),
    *("position__five_class", "position__next_due_on"),
)
_CLASS_WORDS = dict(FiveClass.choices)
# With more branches than these to choose from, officers are offered once a branch is chosen.
FEW_BRANCHES = 12
RECEIPT_ORDER = Order("new", _("最近收到"), ("-id",))


class LoanList(PageView):
    permission = "loans.view"
    template_name = "loans/list.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if address := leads_to(request.GET.get("q", ""), self.staff):
            return redirect(address)
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        order = next((order for order in LOAN_ORDERS if order.code == self.request.GET.get("sort")), LOAN_ORDERS[0])
        loans = Loan.objects.all() if order is LOAN_ORDERS[0] else Loan.objects.by_position()
        seen = loans.visible_to(self.staff).select_related(*_BESIDE).only(*_SHOWN)
        narrowed = LoanFilter(self.request.GET, queryset=seen, request=self.request)
        branches = list(branches_visible_to(self.staff).values_list("id", "code", "name"))
        # Each loan has its position; saying so lets the database begin with it.
        found = narrowed.qs.filter(position__isnull=False)
        if order.code == OF_FEWEST.code and self.request.GET.get("five_class") in _FEWEST:
            found, order = found.annotate(own_number=OWN_NUMBER), OF_FEWEST
        word = self.request.GET.get("q", "")
        is_wide = order is LOAN_ORDERS[2] and not self.request.GET.get("branch") and begins_many_numbers(word)
        if is_wide:
            # Along all balances few of them are far, and collected they are many: in their own order any page is near.
            order = LOAN_ORDERS[0]
        page = page_of(found, order, cursor=self.request.GET.get("cursor", ""))
        today = open_business_date()
        names = {pk: name for pk, _code, name in branches}
        address = reverse("loan_page", args=[0]).replace("/0/", "/{}/")
        rows = [{"url": address.format(loan.pk), **_shown(loan, self.staff, names, today)} for loan in page.rows]
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=order,
            orders=LOAN_ORDERS,
            filter_words=filter_words(narrowed),
            search_note=_search_note(word, is_wide),
            classes=FiveClass.choices,
            bands=OverdueChoice.BANDS,
            branches=[(code, name) for _id, code, name in branches] if len(branches) > 1 else [],
            officers=list(_officers(branches, self.request.GET)),
            # The frame shows it too.
            business_date=today,
        )


def _search_note(word: str, is_wide: bool) -> str:
    """What of a search was not done as asked."""
    if is_one_letter(word):
        return str(_("姓名首字母请至少输入两个；一个字母只按借据号开头查找。"))
    if is_wide:
        told = {"most": MANY_NUMBERS}
        return str(_("以此开头的借据超过 %(most)s 笔，已按借据号排列；要按余额排列，请选择机构。") % told)
    return ""


def _officers(branches: list[tuple[int, str, str]], given: Mapping[str, str]) -> QuerySet[Staff, tuple[str, str]]:
    """Those who look after a loan: of the chosen branch, of all where they are few; and always the one chosen."""
    ids = [pk for pk, _code, _name in branches]
    chosen = [pk for pk, code, _name in branches if code == given.get("branch")] or ids
    asked = Q(branch__in=chosen if len(chosen) <= FEW_BRANCHES else [])
    if given.get("officer"):
        asked |= Q(staff_no=given["officer"], branch__in=ids)
    has_loans = Exists(Loan.objects.filter(portfolio_officer=OuterRef("pk")))
    return Staff.objects.filter(asked).filter(has_loans).order_by("name", "id").values_list("staff_no", "name")


def _shown(loan: Loan, staff: Staff, names: Mapping[int, str], today: date | None) -> dict[str, Any]:
    """What a row shows, so that the template of many rows looks up nothing twice."""
    position, officer = loan.position, loan.portfolio_officer
    own = officer is not None and officer.pk == staff.pk
    return {
        "loan": loan,
        "number": loan.loan_note_no,
        "principal": loan.principal_original,
        "balance": position.principal_balance,
        "rate": position.annual_rate_percent,
        "next_due_on": position.next_due_on,
        "matures_on": loan.matures_on,
        "name": loan.borrower.name if own else mask_name(loan.borrower.name),
        "days_past_due": days_past_due(position.overdue_since, today) if today else 0,
        "five_class": _CLASS_WORDS[position.five_class],
        "officer": officer.name if officer else "",
        "branch": names[loan.branch_id],
    }


def filter_words(narrowed: Any) -> list[dict[str, Any]]:
    """The filters in force as removable words."""
    given = narrowed.data or {}
    return [
        {"name": name, "label": narrowed.filters[name].label, "value": given.get(name)}
        for name in narrowed.filters
        if given.get(name)
    ]


class ReceiptList(PageView):
    permission = "loans.view_receipts"
    template_name = "loans/receipts.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = self._visible()
        narrowed = ReceiptFilter(self.request.GET, queryset=seen.select_related("loan"), request=self.request)
        page = page_of(narrowed.qs, RECEIPT_ORDER, cursor=self.request.GET.get("cursor", ""))
        return super().get_context_data(
            **kwargs, page=page, order=RECEIPT_ORDER, states=self._states(), filter_words=filter_words(narrowed)
        )

    def _visible(self) -> QuerySet[Receipt]:
        """Receipts of loans one sees; unmatched ones belong to no loan and are for those who see the whole bank."""
        mine = Receipt.objects.filter(loan__in=Loan.objects.visible_to(self.staff))
        sees_all = len(branch_ids_visible_to(self.staff)) == Branch.objects.count()
        return Receipt.objects.all() if sees_all else mine

    def _states(self) -> list[dict[str, Any]]:
        active = self.request.GET.get("state", "")
        rest = [{"code": code, "label": label, "is_on": active == code} for code, label in ReceiptState.choices]
        return [{"code": None, "label": _("全部"), "is_on": not active}, *rest]


class ReverseReceipt(PageView):
    """Asks for the reason, then takes a posted receipt out again."""

    permission = "loans.view_receipts"
    acts_with = "loans.post_receipts"
    template_name = "loans/receipt_reversal.html"

    def receipt(self, pk: int) -> Receipt:
        seen = Receipt.objects.filter(loan__in=Loan.objects.visible_to(self.staff)).select_related("loan")
        receipt: Receipt = visible_or_404(seen, pk=pk)
        return receipt

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self.receipt(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        receipt = self.receipt(pk)
        reason = request.POST.get("reason", "")
        try:
            reverse_receipt(receipt_id=receipt.pk, reason=reason, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self._shown(receipt, refused=refusal.message, reason=reason)
        messages.success(request, _("流水 %(serial)s 已冲正。") % {"serial": receipt.serial})
        return redirect("loans:receipts")

    def _shown(self, receipt: Receipt, **more: Any) -> HttpResponse:
        may_reverse = receipt.state == ReceiptState.POSTED
        moved = _moved(receipt) if may_reverse else {}
        undone = reversal_of(receipt) if receipt.state == ReceiptState.REVERSED else None
        context = self.get_context_data(receipt=receipt, may_reverse=may_reverse, undone=undone, **moved, **more)
        response = self.render_to_response(context)
        response.status_code = 422 if "refused" in more else 200
        return no_store(response)


def _moved(receipt: Receipt) -> dict[str, Any]:
    """Which other payments a reversal spreads anew, by the fold that does it; or why it cannot be."""
    assert receipt.loan_id is not None
    life = life_of(receipt.loan_id, require_business_date())
    try:
        before, after = fold(life), fold(life, taken_out=[receipt.pk])
    except ActionRefused as refusal:
        return {"moved_refused": refusal.message, "used_by": _used_by(life, refusal)}
    return {"moved": reallocated(before.takings, after.takings, without=receipt.pk)}


def _used_by(life: Life, refusal: ActionRefused) -> int | None:
    """The change of contract that took the money out of suspense, so that the page leads there."""
    gone = refusal.__cause__
    if not isinstance(gone, MoneyIsGone):
        return None
    kind, source, _on = life.sources[gone.used.posting_id]
    return source if kind == PostingKind.PREPAYMENT else None
