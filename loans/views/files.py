"""Pages of files of money and of the break queue. Sending a file in reads CSV and stands in `config/files_page.py`."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal.errors import ActionRefused
from loans.actions import (
    close_break,
    debit_content,
    decide_return,
    make_debits,
    match_receipt,
    propose_return,
)
from loans.break_reasons import reason_in_words
from loans.filters import BreakFilter, DebitFilter, MoneyFileFilter
from loans.models import (
    BreakState,
    DebitInstruction,
    DebitResult,
    MoneyFile,
    MoneyFileKind,
    MoneyReturn,
    Receipt,
    ReceiptBreak,
    ReceiptState,
    ReturnState,
)
from loans.queries import open_business_date
from loans.queries.files import (
    alike,
    breaks_visible_to,
    files_visible_to,
    find_loan,
    loan_meant_by,
    receipts_visible_to,
    returns_to_decide,
    unanswered_debits,
    unmatched_without_a_break,
    work_of_files,
)
from loans.queries.names import borrower_name
from loans.rules.debit_file import ANSWER_COLUMNS
from loans.rules.receipts import COLUMNS
from loans.views.lists import filter_words
from people.paging import Order, page_of
from people.queries import may
from people.web import PageView, no_store, visible_or_404

NEWEST = Order("new", gettext_lazy("最近"), ("-id",))
OLDEST = Order("old", gettext_lazy("最早"), ("id",))
_SHOWN_BREAKS = 10
_SHOWN_RETURNS = 20
_DECISIONS = ("approve", "reject")


class MoneyFileList(PageView):
    """Files that went out and came in, with what is still to be done for each."""

    permission = "loans.view_receipts"
    template_name = "loans/files.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = files_visible_to(self.staff)
        narrowed = MoneyFileFilter(self.request.GET, queryset=seen, request=self.request)
        page = page_of(narrowed.qs, NEWEST, cursor=self.request.GET.get("cursor", ""))
        work = work_of_files([file.pk for file in page.rows])
        today = open_business_date()
        active = self.request.GET.get("kind", "")
        return super().get_context_data(
            **kwargs,
            page=page,
            rows=[{"file": file, "work": work[file.pk]} for file in page.rows],
            kinds=_pills(MoneyFileKind.choices, active),
            filter_words=filter_words(narrowed),
            unanswered=unanswered_debits(),
            made_today=today is not None and seen.filter(kind=MoneyFileKind.DEBITS_OUT, business_date=today).exists(),
            tab="files",
        )


def _pills(choices: list[tuple[str, Any]], active: str) -> list[dict[str, Any]]:
    rest = [{"code": code, "label": label, "is_on": active == code} for code, label in choices]
    return [{"code": None, "label": _("全部"), "is_on": not active}, *rest]


class MakeDebits(PageView):
    """The button that makes the debits of the open business date."""

    permission = "loans.post_receipts"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            file, is_new = make_debits(by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("loans:files")
        words = {"rows": file.counts["rows"], "amount": file.counts["amount"]}
        said = (
            _("已生成扣款指令 %(rows)s 笔，合计 %(amount)s 元。") if is_new else _("当日扣款文件已生成过，没有变化。")
        )
        messages.success(request, said % words)
        return redirect("loans:file", pk=file.pk)


class MoneyFilePage(PageView):
    """One file: its counts, its hash, its first open breaks; of debits what became of each."""

    permission = "loans.view_receipts"
    template_name = "loans/file.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        file: MoneyFile = visible_or_404(files_visible_to(self.staff), pk=pk)
        work = work_of_files([file.pk])[file.pk]
        breaks = ReceiptBreak.objects.filter(file=file).select_related("receipt", "file").order_by("line")
        context = self.get_context_data(
            file=file,
            work=work,
            is_out=file.kind == MoneyFileKind.DEBITS_OUT,
            breaks=[shown(row) for row in breaks[:_SHOWN_BREAKS]],
            break_count=breaks.count(),
            tab="files",
            **(self._debits(file) if file.kind == MoneyFileKind.DEBITS_OUT else {}),
        )
        return no_store(self.render_to_response(context))

    def _debits(self, file: MoneyFile) -> dict[str, Any]:
        """The debits of the file, page by page, and the core bank's answers."""
        asked = DebitInstruction.objects.filter(file=file).select_related("loan")
        narrowed = DebitFilter(self.request.GET, queryset=asked, request=self.request)
        page = page_of(narrowed.qs, OLDEST, cursor=self.request.GET.get("cursor", ""))
        return {"page": page, "results": _pills(DebitResult.choices, self.request.GET.get("result", ""))}


class DebitDownload(PageView):
    """The very bytes of a file of debits, as often as wanted."""

    permission = "loans.post_receipts"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        out = files_visible_to(self.staff).filter(kind=MoneyFileKind.DEBITS_OUT)
        file: MoneyFile = visible_or_404(out, pk=pk)
        try:
            content = debit_content(file)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("loans:file", pk=file.pk)
        response = HttpResponse(content, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{file.name}"'
        return no_store(response)


# ── The break queue ──────────────────────────────────────────────────────────────────────────────


def shown(row: ReceiptBreak) -> dict[str, Any]:
    """A break with its words: the row as it came, the amount and day where they can be seen."""
    receipt = row.receipt
    return {
        "row": row,
        "reason": reason_in_words(row.reason),
        "came": ", ".join(row.row[name] for name in _in_order(row.row) if row.row[name]),
        "fault": row.row.get(row.column, ""),
        "amount": receipt.amount if receipt else None,
        "value_on": receipt.value_on if receipt else None,
        "holds_money": receipt is not None and receipt.state == ReceiptState.UNMATCHED,
        "outcome": receipt.get_state_display() if receipt and receipt.state != ReceiptState.UNMATCHED else "",
    }


def _in_order(cells: dict[str, str]) -> list[str]:
    """Columns as the file's description has them; the database keeps them in an order of its own."""
    columns = ANSWER_COLUMNS if "result" in cells else COLUMNS
    return [name for name in columns if name in cells] + sorted(set(cells) - set(columns))


class BreakList(PageView):
    """The queue: the oldest open break first; settled ones the newest first."""

    permission = "loans.view_receipts"
    template_name = "loans/breaks.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET.copy()
        asked["state"] = asked.get("state") or BreakState.OPEN
        seen = breaks_visible_to(self.staff).select_related("file", "receipt__loan", "resolved_by")
        narrowed = BreakFilter(asked, queryset=seen, request=self.request)
        is_open = asked["state"] == BreakState.OPEN
        page = page_of(narrowed.qs, OLDEST if is_open else NEWEST, cursor=self.request.GET.get("cursor", ""))
        return super().get_context_data(
            **kwargs,
            page=page,
            rows=[shown(row) for row in page.rows],
            states=[{"code": code, "label": label, "is_on": asked["state"] == code} for code, label in _states()],
            filter_words=[word for word in filter_words(narrowed) if word["name"] != "state"],
            kinds=[choice for choice in MoneyFileKind.choices if choice[0] != MoneyFileKind.DEBITS_OUT],
            is_open=is_open,
            elsewhere=unmatched_without_a_break(self.staff) if is_open else 0,
            returns=list(returns_to_decide(self.staff)[:_SHOWN_RETURNS]) if is_open else [],
            tab="breaks",
        )


def _states() -> list[tuple[str, Any]]:
    return list(BreakState.choices)


class CloseBreak(PageView):
    """A row without money: what it said, why it was not taken, and the note that closes it."""

    permission = "loans.view_receipts"
    acts_with = "loans.post_receipts"
    template_name = "loans/break.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self._found(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = self._found(pk)
        note = request.POST.get("note", "")
        try:
            close_break(break_id=found.pk, note=note, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self._shown(self._found(pk), refusal=refusal, note=note)
        messages.success(request, _("这一行已了结。"))
        return redirect("loans:breaks")

    def _found(self, pk: int) -> ReceiptBreak:
        seen = breaks_visible_to(self.staff).select_related("file", "receipt__loan", "resolved_by")
        row: ReceiptBreak = visible_or_404(seen, pk=pk)
        return row

    def _shown(self, row: ReceiptBreak, refusal: ActionRefused | None = None, **more: Any) -> HttpResponse:
        context = self.get_context_data(
            each=shown(row),
            row=row,
            cells=[(name, row.row[name]) for name in _in_order(row.row)],
            is_open=row.state == BreakState.OPEN,
            refused=refusal.message if refusal else "",
            tab="breaks",
            **more,
        )
        return answer(self, context, refusal)


class SettleReceipt(PageView):
    """An unmatched receipt: find its loan and post it, or ask that it goes back; another person decides on that.

    One that waits to be posted can go back as well.
    """

    permission = "loans.view_receipts"
    acts_with = "loans.post_receipts"
    template_name = "loans/receipt_settle.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(self._found(pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        receipt = self._found(pk)
        note, verb = request.POST.get("note", ""), request.POST.get("verb", "match")
        try:
            if verb == "return":
                return self._asked(propose_return(receipt_id=receipt.pk, note=note, by=self.staff, at=self.at))
            done = self._decided(receipt, verb, note) if verb in _DECISIONS else self._matched(receipt, note)
        except ActionRefused as refusal:
            return self._shown(self._found(pk), refusal=refusal, note=note, verb=verb)
        words = {"serial": done.serial, "state": done.get_state_display()}
        messages.success(request, _("流水 %(serial)s：%(state)s。") % words)
        return redirect("loans:breaks")

    def _asked(self, asked: MoneyReturn) -> HttpResponse:
        messages.success(self.request, _("已提出退回，待另一人复核。"))
        return redirect("loans:settle_receipt", pk=asked.receipt_id)

    def _matched(self, receipt: Receipt, note: str) -> Receipt:
        loan = find_loan(self.request.POST.get("loan", ""), self.staff)
        if loan is None:
            raise ActionRefused(_("没有这笔贷款。"), field="loan")
        return match_receipt(receipt_id=receipt.pk, loan_id=loan.pk, note=note, by=self.staff, at=self.at)

    def _decided(self, receipt: Receipt, verb: str, note: str) -> Receipt:
        """The newest return of the receipt is what the page showed."""
        newest = receipt.returns.order_by("-id").first()
        if newest is None:
            raise ActionRefused(_("没有待复核的退回。"))
        decide_return(return_id=newest.pk, approve=verb == "approve", note=note, by=self.staff, at=self.at)
        return self._found(receipt.pk)

    def _found(self, pk: int) -> Receipt:
        seen: QuerySet[Receipt] = receipts_visible_to(self.staff).select_related("loan", "resolved_by")
        receipt: Receipt = visible_or_404(seen, pk=pk)
        return receipt

    def _shown(self, receipt: Receipt, refusal: ActionRefused | None = None, **more: Any) -> HttpResponse:
        is_open = receipt.state == ReceiptState.UNMATCHED
        returns = list(receipt.returns.select_related("proposed_by", "decided_by").order_by("-id"))
        waiting = next((asked for asked in returns if asked.state == ReturnState.PROPOSED), None)
        is_own = waiting is not None and waiting.proposed_by_id == self.staff.pk
        context = self.get_context_data(
            receipt=receipt,
            breaks=[shown(row) for row in ReceiptBreak.objects.filter(receipt=receipt).select_related("file")],
            is_open=is_open,
            is_waiting=receipt.state == ReceiptState.WAITING,
            returns=returns,
            waiting=waiting,
            is_own=is_own,
            may_decide=waiting is not None and not is_own and may(self.staff, "loans.approve_refund"),
            refused=refusal.message if refusal else "",
            tab="breaks",
            **(self._meant(receipt) if is_open and waiting is None else {}),
            **more,
        )
        return answer(self, context, refusal)

    def _meant(self, receipt: Receipt) -> dict[str, Any]:
        """The loan that was looked for, or that the money seems to be meant for."""
        meant = loan_meant_by(receipt)
        text = (self.request.POST.get("loan") or self.request.GET.get("loan") or meant).strip()
        loan = find_loan(text, self.staff)
        return {
            "text": text,
            "meant": meant,
            "loan": loan,
            "name": borrower_name(loan, self.staff) if loan else "",
            "alike": list(alike(receipt, loan)[:3]) if loan else [],
        }


def answer(view: PageView, context: dict[str, Any], refusal: ActionRefused | None) -> HttpResponse:
    """The page, or the page again with what was refused: 409 when somebody got there first, else 422."""
    response = view.render_to_response(context)
    if refusal is not None:
        response.status_code = 409 if refusal.conflict else 422
    return no_store(response)
