"""Taking a payment by hand: understood, previewed, posted once; and what a reversal would spread anew."""

import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts
from loans.channel_words import channel_word
from loans.models import Installment, LedgerLine, Loan, Position, Posting, Receipt
from loans.queries.charges import allocation_preview, charges_owed
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank, pay
from tests.web.test_page_matrix import client_of


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def path(loan: Loan) -> str:
    return reverse("loans:payment", args=[loan.pk])


def hidden(page: str) -> dict[str, str]:
    """The fields of the button below a preview."""
    form = page[page.index('class="row-flex confirm"') :]
    return dict(re.findall(r'<input type="hidden" name="(amount|value_on|serial|seen)" value="([^"]*)"', form))


def previewed(client: Client, loan: Loan, amount: str, **more: str) -> tuple[str, dict[str, str]]:
    page = client.get(path(loan), {"amount": amount, **more}).content.decode()
    return page, hidden(page)


def test_full_width_digits_and_commas_are_read_and_said_back(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    page, sent = previewed(client, loan, "１２，３４５．６")
    assert "12,345.60" in page and "壹万贰仟叁佰肆拾伍元陆角" in page
    assert sent["amount"] == "12345.60"


@pytest.mark.parametrize(
    "amount", ["1,5", "-5", "0", "1e3", "٣", "NaN", "abc", "1.234", "99999999999999", "<b>", "\x00"]
)
def test_what_is_no_amount_has_no_button_and_posts_nothing(bank: Bank, amount: str) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    page = client.get(path(loan), {"amount": amount}).content.decode()
    assert "看不懂这个金额" in page and "confirm" not in page and "<b></b>" not in page
    sent = {"amount": amount, "value_on": str(TODAY), "serial": "C-0001", "seen": ""}
    assert client.post(path(loan), sent).status_code == 422
    assert not Receipt.objects.exists()


def test_the_preview_is_what_is_posted(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    preview = allocation_preview(loan, Decimal("8000.00"), TODAY)
    page, sent = previewed(client, loan, "8000")
    for row in preview.rows:
        assert f"{row.total:,.2f}" in page
    reply = client.post(path(loan), sent, follow=True)
    assert "已入账 8,000.00 元" in reply.content.decode()
    receipt = Receipt.objects.get()
    assert (receipt.channel, receipt.serial, receipt.state) == ("COUNTER", sent["serial"], "POSTED")
    paid = {(each.installment_number, each.account): -each.amount for each in LedgerLine.objects.filter(loan_id=loan.pk)
            if each.posting_id == Posting.objects.get(receipt=receipt).pk}  # fmt: skip
    for row in preview.rows:
        assert paid.get((row.number, "INTEREST_RECEIVABLE"), 0) == row.interest
        assert paid.get((row.number, "PRINCIPAL"), 0) == row.principal
        assert paid.get((row.number, "PENALTY_INCOME"), 0) == row.penalty
    assert paid.get((None, "SUSPENSE"), 0) == preview.rest
    taken = Entry.objects.filter(kind="loans.receipts_taken").get()
    assert taken.actor == bank.staff["operations"].staff_no


@pytest.mark.parametrize(("is_late", "most"), [(True, 22), (False, 15)])
def test_posting_looks_at_what_was_seen_with_few_statements(bank: Bank, *, is_late: bool, most: int) -> None:
    """Who asks, the loan, the allocation seen, the posting and its fact, savepoints apart; late, the terms of both."""
    loan, client = bank.loans["home"], client_of(bank, "operations")
    if not is_late:
        Installment.objects.filter(loan=loan, settled_on=None).update(due_on=TODAY, overdue_from=TODAY)
        Position.objects.filter(loan=loan).update(overdue_since=None)
    _page, sent = previewed(client, loan, "8000")
    with CaptureQueriesContext(connection) as captured:
        assert client.post(path(loan), sent).status_code == 302
    asked = [each["sql"] for each in captured if "SAVEPOINT" not in each["sql"]]
    assert len(asked) <= most, "\n".join(asked)


def test_pressed_twice_it_posts_once(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    _page, sent = previewed(client, loan, "8000")
    client.post(path(loan), sent)
    again = client.post(path(loan), sent, follow=True)
    assert "没有重复入账" in again.content.decode()
    assert Receipt.objects.count() == 1 and Posting.objects.filter(kind="RECEIPT").count() == 1


def test_another_allocation_than_the_one_seen_is_not_posted(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    _page, sent = previewed(client, loan, "8000")
    pay(loan, "100.00")
    reply = client.post(path(loan), sent)
    assert reply.status_code == 409
    page = reply.content.decode()
    assert "有变动" in page and hidden(page)["seen"] != sent["seen"]
    assert Receipt.objects.count() == 1
    assert client.post(path(loan), hidden(page)).status_code == 302


def test_a_serial_used_for_other_money_is_refused_and_the_form_is_kept(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    row = ReceiptRow(loan.loan_note_no, Decimal("5.00"), TODAY, "COUNTER", "C-USED")
    post_receipts(rows=[row], by="system", at=AT)
    _page, sent = previewed(client, loan, "8000", serial="C-USED")
    reply = client.post(path(loan), sent)
    assert reply.status_code == 422
    assert "流水号已用于另一笔还款" in reply.content.decode() and 'value="C-USED"' in reply.content.decode()
    assert Receipt.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value_on", "2020-01-01"),
        ("value_on", "9999-12-31"),
        ("value_on", "1.2.2026"),
        ("serial", "a b"),
        ("serial", "流水"),
    ],
)
def test_a_wrong_day_or_serial_is_said_and_posts_nothing(bank: Bank, field: str, value: str) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    page = client.get(path(loan), {"amount": "8000", field: value}).content.decode()
    assert 'role="alert"' in page and "confirm" not in page
    sent = {"amount": "8000", "value_on": str(TODAY), "serial": "C-0001", "seen": "", field: value}
    assert client.post(path(loan), sent).status_code == 422
    assert not Receipt.objects.exists()


def test_a_day_ahead_is_registered_and_waits(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    page, sent = previewed(client, loan, "8000", value_on="2026-11-03")
    assert "到日入账" in page
    client.post(path(loan), sent)
    assert Receipt.objects.get().state == "WAITING"


def test_what_is_owed_is_offered_as_the_amount(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    total = charges_owed(loan, TODAY).total
    page = client.get(path(loan)).content.decode()
    assert f"amount={total:.2f}" in page
    client.post(path(loan), previewed(client, loan, str(total))[1])
    assert not Installment.objects.filter(loan_id=loan.pk, settled_on__isnull=True).exists()
    assert charges_owed(loan, TODAY).total == 0


def test_the_help_lists_the_keys_of_the_form(bank: Bank) -> None:
    page = client_of(bank, "operations").get(path(bank.loans["home"])).content.decode()
    listed = page[page.index('<dl class="keylist">') :].split("</dl>")[0]
    for key in ("Enter", "Tab", "Shift Tab", "/", "?", "Esc"):
        assert f"<kbd>{key}</kbd>" in listed, key


def test_the_part_alone_answers_htmx(bank: Bank) -> None:
    reply = client_of(bank, "operations").get(path(bank.loans["home"]), {"amount": "1"}, headers={"HX-Request": "true"})
    part = reply.content.decode()
    assert part.lstrip().startswith('<div id="receipt-preview"') and "<html" not in part


def test_a_reversal_shows_which_payments_it_spreads_anew(bank: Bank) -> None:
    loan, client = book_loan(bank.home, days_past_due=70), client_of(bank, "operations")
    rows = [
        ReceiptRow(loan.loan_note_no, Decimal(amount), TODAY, "CORE", serial)
        for serial, amount in (("R1", "6000.00"), ("R2", "3000.00"))
    ]
    first = post_receipts(rows=rows, by="system", at=AT).outcomes[0].receipt_id
    address = reverse("loans:reverse_receipt", args=[first])
    page, core = client.get(address).content.decode(), channel_word("CORE")
    assert (
        "这些还款会重新分配" in page
        and f"{core} R2" in page
        and f"{core} R1" not in page.split("这些还款会重新分配")[1]
    )
    assert Receipt.objects.get(serial="R2").state == "POSTED" and not Posting.objects.filter(kind="REVERSAL").exists()
    client.post(address, {"reason": "渠道重复划款"})
    moved = Posting.objects.filter(kind="REPOSTING").values_list("receipt__serial", flat=True)
    assert list(moved) == ["R2"]


def test_a_reversal_that_touches_nothing_else_says_so(bank: Bank) -> None:
    receipt = pay(bank.loans["home"], "100.00")
    page = client_of(bank, "operations").get(reverse("loans:reverse_receipt", args=[receipt])).content.decode()
    assert "没有其他还款受影响" in page


def test_the_page_asks_the_same_number_of_queries_however_much_is_owed(bank: Bank) -> None:
    short, long = bank.loans["home"], book_loan(bank.home, days_past_due=400)
    client, counts = client_of(bank, "operations"), []
    for loan in (short, long):
        with CaptureQueriesContext(connection) as queries:
            client.get(path(loan), {"amount": "9000"})
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20, counts


def test_the_form_carries_no_day_of_its_own(bank: Bank) -> None:
    page = client_of(bank, "operations").get(path(bank.loans["home"])).content.decode()
    assert f'value="{date(2026, 11, 1)}"' in page
