"""Taking a payment by hand: what was understood, what it would pay line by line, then posting it once.

The preview is a read with a fingerprint; the button sends it back, so that nobody posts another allocation than the
one on the screen. The serial is made when the form is first shown: pressed twice, the same serial posts once.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions import ReceiptRow, post_receipts
from loans.contract_wording import component_word
from loans.models import Loan
from loans.queries import require_business_date
from loans.queries.charges import AllocationPreview, AllocationRow, Owed, allocation_preview, charges_owed
from loans.rules.capitals import capital_amount
from loans.rules.money import AmountError
from loans.rules.receipts import FUTURE_DAYS
from loans.rules.typed_amount import typed_amount
from loans.views.one_loan import OneLoanPage, loan_head
from people.web import no_store

CHANNEL = "COUNTER"
PAGE_KEYS = (
    ("Enter", gettext_lazy("在表单里：预览分配；在按钮上：入账")),
    ("Tab", gettext_lazy("下一栏")),
    ("Shift Tab", gettext_lazy("上一栏")),
)
_SERIAL = re.compile(r"[A-Za-z0-9_./:-]{4,64}")
ZERO = Decimal("0.00")
_NOTHING = AllocationRow(0, ZERO, ZERO, ZERO, ZERO)


@dataclass
class Entry:
    """What was typed, what it means, and what is wrong with it by field."""

    amount_text: str
    value_text: str
    serial: str
    amount: Decimal | None = None
    value_on: date | None = None
    errors: dict[str, str] = field(default_factory=dict)
    # What stood in the way of posting, though nothing is wrong with what was typed.
    notice: str = ""

    @property
    def is_whole(self) -> bool:
        return not self.errors and self.amount is not None and self.value_on is not None


def read_entry(sent: QueryDict, loan: Loan, today: date, new_serial: str) -> Entry:
    """Reads the form; an empty amount is no error, the form is then only half filled in."""
    entry = Entry(sent.get("amount", "")[:40], sent.get("value_on") or str(today), sent.get("serial") or new_serial)
    if entry.amount_text.strip():
        try:
            entry.amount = typed_amount(entry.amount_text) or None
        except AmountError:
            entry.amount = None
        if entry.amount is None:
            entry.errors["amount"] = _("看不懂这个金额。请写成 12345.60 或 12,345.60，最多两位小数，大于零。")
    try:
        entry.value_on = date.fromisoformat(entry.value_text) if len(entry.value_text) == 10 else None
    except ValueError:
        entry.value_on = None
    since = loan.baseline_on or loan.disbursed_on
    if entry.value_on is None:
        entry.errors["value_on"] = _("日期请写成 YYYY-MM-DD。")
    elif entry.value_on < since:
        entry.errors["value_on"] = _("起息日早于贷款的基准日或放款日")
    elif (entry.value_on - today).days > FUTURE_DAYS:
        entry.errors["value_on"] = _("起息日晚于营业日期%(days)d天以上") % {"days": FUTURE_DAYS}
    if not _SERIAL.fullmatch(entry.serial):
        entry.errors["serial"] = _("流水号须为 4 至 64 位字母、数字或 _ . / : -。")
    return entry


def fingerprint(preview: AllocationPreview) -> str:
    """One word for an allocation, whatever its order is called: posting another one than was shown is refused."""
    return hashlib.sha256(repr(replace(preview, order=())).encode()).hexdigest()[:32]


def preview_rows(owed: Owed, preview: AllocationPreview) -> list[dict[str, Any]]:
    """Each installment that owes or is paid: owed, paid now, left."""
    paid = {row.number: row for row in preview.rows}
    due = {row.number: row for row in owed.installments}
    rows = []
    for number in sorted(paid.keys() | due.keys()):
        one, row = due.get(number), paid.get(number, _NOTHING)
        rows.append({"number": number, "owed": one, "paid": row, "left": one.total - row.total if one else None})
    return rows


class PaymentPage(OneLoanPage):
    permission = "loans.post_receipts"
    template_name = "loans/receipt_entry.html"
    part_template = "loans/parts/receipt_preview.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, today = self.loan(pk), require_business_date()
        return self.shown(loan, read_entry(request.GET, loan, today, self.new_serial()), today)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan, today = self.loan(pk), require_business_date()
        entry = read_entry(request.POST, loan, today, "")
        if entry.amount is None:
            entry.errors.setdefault("amount", _("请填写金额。"))
        if not entry.is_whole:
            return self.shown(loan, entry, today, status=422)
        assert entry.amount is not None and entry.value_on is not None
        try:
            preview = allocation_preview(loan, entry.amount, entry.value_on, today=today, says_order=False)
            if request.POST.get("seen") != fingerprint(preview) and not self.is_repeated(entry, loan):
                entry.notice = _("贷款在预览之后有变动，下面是新的分配，请核对后再入账。")
                return self.shown(loan, entry, today, status=409)
            row = ReceiptRow(loan.loan_note_no, entry.amount, entry.value_on, CHANNEL, entry.serial)
            (outcome,) = post_receipts(rows=[row], by=self.staff, at=self.at).outcomes
        except ActionRefused as refusal:
            entry.notice = refusal.message
            return self.shown(loan, entry, today, status=422)
        if outcome.state == "REFUSED":
            entry.errors[outcome.column or "amount"] = outcome.reason
            return self.shown(loan, entry, today, status=422)
        words = {
            "POSTED": _("已入账 %(amount)s 元，流水号 %(serial)s。"),
            "WAITING": _("已登记 %(amount)s 元，流水号 %(serial)s，到起息日入账。"),
            "DUPLICATE": _("流水号 %(serial)s 的 %(amount)s 元此前已入账，没有重复入账。"),
        }
        said = words[outcome.state] % {"amount": f"{entry.amount:,.2f}", "serial": entry.serial}
        messages.success(request, said)
        return redirect(self.after(loan, outcome.receipt_id))

    def is_repeated(self, entry: Entry, loan: Loan) -> bool:
        """The same form sent again finds the loan changed by itself; the serial says that it is the same."""
        found = loan.receipts.filter(channel=CHANNEL, serial=entry.serial).first()
        return found is not None and (found.amount, found.value_on) == (entry.amount, entry.value_on)

    def after(self, loan: Loan, receipt_id: int | None) -> str:
        path = reverse("loans:postings", args=[loan.pk])
        return f"{path}?receipt={receipt_id}" if receipt_id else path

    def new_serial(self) -> str:
        return f"C{timezone.localtime(self.at):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"

    def shown(self, loan: Loan, entry: Entry, today: date, *, status: int = 200) -> HttpResponse:
        context: dict[str, Any] = {
            **loan_head(self.request, loan, self.staff),
            "entry": entry,
            "today": today,
            "page_keys": PAGE_KEYS,
            "capitals": capital_amount(entry.amount) if entry.amount and get_language() == "zh-hans" else "",
        }
        if entry.value_on is not None and "value_on" not in entry.errors:
            context |= {"owed": charges_owed(loan, entry.value_on), "is_ahead": entry.value_on > today}
            if entry.amount is not None:
                context |= self.previewed(loan, entry.amount, entry.value_on, context["owed"])
        response = self.render_to_response(self.get_context_data(**context))
        response.status_code = status
        return no_store(response)

    def previewed(self, loan: Loan, amount: Decimal, value_on: date, owed: Owed) -> dict[str, Any]:
        try:
            preview = allocation_preview(loan, amount, value_on)
        except ActionRefused as refusal:
            return {"refused": refusal.message}
        return {
            "preview": preview,
            "rows": preview_rows(owed, preview),
            "order": [component_word(each) for each in ("fee", *preview.order)],
            "seen": fingerprint(preview),
        }
