"""The ledger of one loan, posting by posting: where every amount on its pages can be followed to."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from loans.channel_words import channel_word
from loans.fee_words import fee_word
from loans.models import Fee, Loan, Posting, PostingKind
from loans.queries.postings import lines_of, postings_of, touching
from loans.views.contract import number_of
from loans.views.one_loan import OneLoanPage, loan_head
from people.paging import Order, page_of
from people.queries import may
from people.web import no_store

POSTING_ORDER = Order("new", gettext_lazy("最近入账"), ("-id",))


def _id_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 16 else None


class PostingsPage(OneLoanPage):
    template_name = "loans/postings.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        page = page_of(self.narrowed(loan), POSTING_ORDER, cursor=request.GET.get("cursor", ""))
        lines = lines_of(loan, page.rows)
        context = self.get_context_data(
            **loan_head(request, loan, self.staff),
            page=page,
            rows=[_row(posting, lines.get(posting.pk, [])) for posting in page.rows],
            kinds=PostingKind.choices,
            filter_words=self.words(loan),
            may_post=may(self.staff, "loans.post_receipts"),
        )
        return no_store(self.render_to_response(context))

    def narrowed(self, loan: Loan) -> QuerySet[Posting]:
        """By installment, kind, receipt or one posting with its reversal; what cannot be read narrows nothing."""
        query, found = self.request.GET, postings_of(loan)
        number = number_of(query.get("number", ""))
        if number is not None:
            found = touching(found, loan, number)
        if query.get("kind") in PostingKind.values:
            found = found.filter(kind=query["kind"])
        receipt = _id_of(query.get("receipt", ""))
        if receipt is not None:
            found = found.filter(receipt_id=receipt)
        source = _id_of(query.get("source", ""))
        if source is not None:
            found = found.filter(source_id=source)
        return found

    def words(self, loan: Loan) -> list[dict[str, Any]]:
        """The filters in force as removable words."""
        query = self.request.GET
        labels = {"number": _("期"), "kind": _("种类"), "receipt": _("还款"), "source": _("来源")}
        found = []
        for name, label in labels.items():
            if query.get(name):
                found.append({"name": name, "label": label, "value": self.word(loan, name, query[name])})
        return found

    def word(self, loan: Loan, name: str, value: str) -> str:
        """What a filter narrows to, as people know it: a receipt by its serial, a fee by code, day and amount."""
        if name == "kind" and value in PostingKind.values:
            return str(PostingKind(value).label)
        if name == "receipt" and (receipt := loan.receipts.filter(pk=_id_of(value) or 0).first()):
            return f"{channel_word(receipt.channel)} {receipt.serial}"
        if name == "source" and self.request.GET.get("kind") == PostingKind.PREPAYMENT:
            return _("合同变更 #%(number)s") % {"number": value}
        if name == "source" and (fee := Fee.objects.filter(loan_id=loan.pk, pk=_id_of(value) or 0).first()):
            return f"{fee_word(fee.code)} {fee.charged_on} {fee.amount:,.2f}"
        return value


def _row(posting: Posting, lines: list[Any]) -> dict[str, Any]:
    """A posting with its lines; `reversed_by` is the reversal that took it out again."""
    return {"posting": posting, "lines": lines, "reversed_by": getattr(posting, "posting", None)}
