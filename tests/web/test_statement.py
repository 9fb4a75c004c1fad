"""The statement of account: opening, movements by value date, closing = position; its PDF and workbook; who took it."""

import io
import zipfile
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.models import Loan, Receipt
from loans.queries.statement import Standing, statement
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank, pay
from tests.web.test_page_matrix import client_of

BASELINE = date(2026, 10, 31)


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def of(loan: Loan, from_on: date = BASELINE, to_on: date = TODAY, **more: Any) -> Any:
    loan = Loan.objects.select_related("position").get(pk=loan.pk)
    return statement(loan, from_on=from_on, to_on=to_on, as_of=TODAY, **more)


def fetch(client: Client, name: str, loan: Loan, **query: str) -> Any:
    return client.get(reverse(f"loans:{name}", args=[loan.pk]), query)


def test_opening_plus_movements_is_closing_and_closing_is_the_position(bank: Bank) -> None:
    loan = bank.loans["home"]
    pay(loan, "8000.00")
    found = of(loan)
    assert found.opening == Standing()
    position = Loan.objects.get(pk=loan.pk).position
    assert found.closing.principal == position.principal_balance == found.movements[-1].balance
    assert found.closing.suspense == position.suspense
    assert found.position is not None and found.agrees
    later = of(loan, from_on=TODAY)
    assert later.opening.principal == found.movements[0].balance and later.closing == found.closing


def test_a_receipt_is_its_parts(bank: Bank) -> None:
    loan = bank.loans["home"]
    pay(loan, "8000.00")
    (paid,) = [each for each in of(loan).movements if each.receipt_id]
    parts = (paid.principal, paid.interest, paid.penalty, paid.compound, paid.fee, paid.suspense)
    assert paid.credit == Decimal("8000.00") == sum(parts)
    assert paid.debit == 0 and paid.interest > 0


def test_a_reversed_pair_is_left_out_and_shown_when_asked_for(bank: Bank) -> None:
    loan = bank.loans["home"]
    before = of(loan)
    receipt = pay(loan, "100.00")
    reverse_receipt(receipt_id=receipt, reason="渠道重复划款", by=bank.staff["operations"], at=AT)
    after = of(loan)
    assert (after.movements, after.closing, after.hidden) == (before.movements, before.closing, 2)
    whole = of(loan, with_undone=True)
    assert [each.credit for each in whole.movements if each.is_undone] == [Decimal("100.00"), Decimal("-100.00")]
    assert (whole.closing, whole.hidden) == (before.closing, 0)
    page = fetch(client_of(bank, "officer"), "statement", loan, pairs="1").content.decode()
    assert "冲正：还款" in page and "−100.00" in page


def test_columns_add_up_to_their_sums(bank: Bank) -> None:
    loan = bank.loans["home"]
    pay(loan, "8000.00")
    totals = of(loan).totals
    parts = ("principal", "interest", "penalty", "compound", "fee", "suspense")
    assert totals["credit"] == sum(totals[name] for name in parts) == Decimal("8000.00")


@pytest.mark.parametrize(
    ("query", "words"),
    [({"from": "2026-11-02"}, "开始日晚于"), ({"from": "2026-10-31", "to": "2026-10-01"}, "结束日早于"),
     ({"to": "2099-01-01"}, "结束日晚于营业日期"),
     ({"from": "1.1.2026"}, "开始日请写成"), ({"to": "9999-12-31"}, "结束日须在"),
     ({"from": "2026-02-30"}, "开始日请写成"),
     ({"from": "0001-01-01"}, "开始日须在 1990-01-01"), ({"to": "2026-W05-1"}, "结束日请写成"),
     ({"from": "\uff12\uff10\uff12\uff16-01-01"}, "开始日请写成"), ({"to": "0000-00-00"}, "结束日请写成")],
)  # fmt: skip
def test_a_wrong_period_is_refused_in_words_everywhere(bank: Bank, query: dict[str, str], words: str) -> None:
    loan, client = bank.loans["home"], client_of(bank, "officer")
    for name in ("statement", "statement_pdf", "statement_xlsx"):
        reply = fetch(client, name, loan, **query)
        assert reply.status_code == 422 and words in reply.content.decode(), name
    assert not Entry.objects.filter(kind="loans.statement_taken").exists()


def test_a_document_is_recorded_with_who_took_it_and_its_hash(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    pdf, xlsx = fetch(client, "statement_pdf", loan), fetch(client, "statement_xlsx", loan)
    assert pdf.content.startswith(b"%PDF") and xlsx.content.startswith(b"PK")
    for reply in (pdf, xlsx):
        assert "attachment" in reply.headers["Content-Disposition"]
        assert (reply.headers["X-Content-Type-Options"], reply.headers["Cache-Control"]) == ("nosniff", "no-store")
    entries = Entry.objects.filter(kind="loans.statement_taken", loan_id=loan.pk).order_by("id")
    assert [(e.actor, e.data["form"]) for e in entries] == [
        (bank.staff["operations"].staff_no, x) for x in ("PDF", "XLSX")
    ]
    assert all(len(e.data["sha256"]) == 64 for e in entries)


def texts_of(content: bytes) -> tuple[list[str], list[str], bytes]:
    """Shared texts, numbers and the sheet's XML of a workbook."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        words = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        sheet = book.read("xl/worksheets/sheet1.xml")
    cells = ElementTree.fromstring(sheet).iter(f"{space}c")
    numbers = [c.findtext(f"{space}v") or "" for c in cells if c.get("t") is None]
    return ["".join(t.text or "" for t in si.iter(f"{space}t")) for si in words], numbers, sheet


@pytest.mark.parametrize("serial", ["=HYPERLINK(A1)", "+1+1", "-2+3", "@SUM(A1)", "＝1+1", "https://example.com"])
def test_the_workbook_holds_amounts_as_numbers_and_never_a_formula(bank: Bank, serial: str) -> None:
    loan = bank.loans["home"]
    row = ReceiptRow(loan.loan_note_no, Decimal("8000.10"), TODAY, "=CORE", serial)
    post_receipts(rows=[row], by="system", at=AT)
    assert Receipt.objects.filter(loan=loan, serial=serial).exists()
    words, numbers, sheet = texts_of(fetch(client_of(bank, "officer"), "statement_xlsx", loan).content)
    assert any(serial in each for each in words)
    assert "8000.10" in numbers
    assert b"<f>" not in sheet and b"<hyperlink" not in sheet


def test_the_documents_name_the_borrower_by_rule(bank: Bank) -> None:
    loan = bank.loans["home"]
    whole = texts_of(fetch(client_of(bank, "officer"), "statement_xlsx", loan).content)[0]
    counter = texts_of(fetch(client_of(bank, "operations"), "statement_xlsx", loan).content)[0]
    masked = texts_of(fetch(client_of(bank, "risk"), "statement_xlsx", loan).content)[0]
    told = Entry.objects.filter(kind="loans.statement_taken", loan_id=loan.pk).order_by("id")
    assert [entry.data["is_name_full"] for entry in told] == [True, True, False]
    assert loan.borrower.name in whole and loan.borrower.name in counter
    on_screen = fetch(client_of(bank, "operations"), "statement", loan).content.decode()
    assert loan.borrower.name not in on_screen
    assert loan.borrower.name not in masked and f"{loan.borrower.name[0]}**" in masked


def test_the_document_is_chinese_for_an_english_reader(bank: Bank) -> None:
    client = client_of(bank, "officer")
    client.cookies["django_language"] = "en"
    # The request leaves its language behind; what comes after is none of its business.
    with override("zh-hans"):
        assert "对账单" in texts_of(fetch(client, "statement_xlsx", bank.loans["home"]).content)[0]


def test_the_page_asks_the_same_number_of_queries_however_many_movements(bank: Bank) -> None:
    short, long = bank.loans["home"], book_loan(bank.home, officer=bank.staff["officer"], days_past_due=400)
    rows = [ReceiptRow(long.loan_note_no, Decimal("5.00"), TODAY, "CORE", f"L{serial}") for serial in range(60)]
    post_receipts(rows=rows, by="system", at=AT)
    client, counts = client_of(bank, "officer"), []
    for loan in (short, long):
        with CaptureQueriesContext(connection) as queries:
            reply = fetch(client, "statement", loan)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9, counts
    page = reply.content.decode()
    assert "2 / 2" in page and "更早" in page
    assert "1 / 2" in fetch(client, "statement", long, page="1").content.decode()
