"""The contract page and the ledger of a loan: what is signed, billed and paid, and where each amount comes from."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.channel_words import channel_word
from loans.models import Combination, Installment, Loan, Posting, Terms
from loans.queries import future_schedule
from tests.factories import AT, book_loan
from tests.web.api_bank import Bank, make_bank, pay
from tests.web.test_page_matrix import client_of


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def text_of(client: Client, name: str, loan: Loan, **query: Any) -> str:
    reply = client.get(reverse(f"loans:{name}", args=[loan.pk]), query)
    assert reply.status_code == 200
    assert "no-store" in reply.headers["Cache-Control"]
    return str(reply.content.decode())


def test_the_contract_page_says_terms_parameters_and_the_schedule(bank: Bank) -> None:
    loan = bank.loans["home"]
    page = text_of(client_of(bank, "officer"), "contract", loan)
    terms = Terms.objects.get(loan_id=loan.pk)
    for shown in (
        "3.60%",
        "合同利率的 1.5 倍",
        "5.40%",
        "费用 → 罚息 → 复利 → 利息 → 本金",
        terms.schedule_sha256[:16],
    ):
        assert shown in page
    billed = Installment.objects.filter(loan_id=loan.pk).order_by("number").first()
    assert billed is not None
    assert f"{billed.principal:,.2f}" in page and f"{billed.interest:,.2f}" in page
    assert f"{reverse('loans:postings', args=[loan.pk])}?number={billed.number}" in page


def test_the_name_is_whole_for_the_portfolio_officer_and_masked_for_others(bank: Bank) -> None:
    loan = bank.loans["home"]
    assert loan.borrower.name in text_of(client_of(bank, "officer"), "contract", loan)
    for who in ("colleague", "manager", "operations"):
        for name in ("contract", "postings", "contract_schedule"):
            assert loan.borrower.name not in text_of(client_of(bank, who), name, loan), (who, name)


def test_the_schedule_is_one_list_of_billed_and_future_rows(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "officer")
    position = loan.position
    shown = text_of(client, "contract_schedule", loan)
    assert f">{position.next_number}</td>" in shown and "未到期" in shown
    last = text_of(client, "contract_schedule", loan, **{"from": position.last_number})
    assert f">{position.last_number}</td>" in last and "回到当期" in last
    assert str(loan.matures_on) in last
    for odd in ("0", "-1", "99999", "x", "１２", "9999"):
        assert "还款计划" in text_of(client, "contract_schedule", loan, **{"from": odd})


def test_every_row_of_the_schedule_has_a_cell_below_each_head_and_future_ones_their_balance(bank: Bank) -> None:
    loan = bank.loans["home"]
    page = text_of(client_of(bank, "officer"), "contract_schedule", loan)
    table = page[page.index("<thead>") : page.index("</tbody>")]
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", table)
    column = heads.index("期后未出账本金")
    future = {row.number: row for row in future_schedule(loan)}
    rows = [re.findall(r"<td([^>]*)>(.*?)</td>", row) for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)[1:]]
    wide = [sum(int((re.findall(r'colspan="(\d+)"', opening) or ["1"])[0]) for opening, _text in row) for row in rows]
    assert set(wide) == {len(heads)}
    for row in rows[:-2]:
        number = int(row[0][1])
        shown = f"{future[number].balance:,.2f}" if number in future else "–"
        assert row[column][1] == shown, number
    assert any(int(row[0][1]) in future for row in rows[:-2])


def test_sums_below_the_schedule_are_of_all_rows_not_of_the_page(bank: Bank) -> None:
    loan = bank.loans["home"]
    terms = Terms.objects.get(loan_id=loan.pk)
    page = text_of(client_of(bank, "officer"), "contract_schedule", loan, **{"from": loan.position.last_number})
    future = sum(terms.principal_fen[loan.position.next_number - terms.first_number :])
    assert f"{Decimal(future).scaleb(-2):,.2f}" in page
    billed = sum(row.principal for row in Installment.objects.filter(loan_id=loan.pk))
    assert f"{billed:,.2f}" in page


def test_a_partial_payment_is_seen_with_its_day(bank: Bank) -> None:
    loan = bank.loans["home"]
    pay(loan, "100.00")
    page = text_of(client_of(bank, "officer"), "contract", loan)
    row = Installment.objects.filter(loan_id=loan.pk).order_by("number").first()
    assert row is not None and row.interest_paid + row.principal_paid > 0
    assert (
        "2026-11-01" in page
        and f"欠 {row.principal + row.interest - row.principal_paid - row.interest_paid:,.2f}" in page
    )


def test_the_part_alone_answers_htmx(bank: Bank) -> None:
    loan = bank.loans["home"]
    path = reverse("loans:contract_schedule", args=[loan.pk])
    part = client_of(bank, "officer").get(path, {"from": 1}, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="contract-schedule">') and "<html" not in part


def test_both_contracts_of_a_combination_are_linked_when_both_are_seen(bank: Bank) -> None:
    loan, partner = bank.loans["home"], book_loan(bank.home, officer=bank.staff["officer"])
    away = book_loan(bank.other)
    together = Combination.objects.create(number="ZH2026000001", made_on=date(2026, 10, 1))
    Loan.objects.filter(pk__in=[loan.pk, partner.pk, away.pk]).update(combination=together)
    page = text_of(client_of(bank, "officer"), "contract", loan)
    assert together.number in page and partner.loan_note_no in page
    assert away.loan_note_no not in page


def test_a_posting_shows_its_lines_and_a_reversal_both_of_them(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    receipt = pay(loan, "100.00")
    original = Posting.objects.get(receipt_id=receipt)
    assert reverse("loans:reverse_receipt", args=[receipt]) in text_of(client, "postings", loan)
    reverse_receipt(receipt_id=receipt, reason="渠道重复划款", by=bank.staff["operations"], at=AT)
    reversal = Posting.objects.get(reverses=original)
    page = text_of(client, "postings", loan, receipt=receipt)
    assert f"冲正 {original.value_on} 的还款" in page and f"已于 {reversal.business_date} 冲正" in page
    assert f'href="#p{original.pk}"' in page and f'href="#p{reversal.pk}"' in page
    serial = original.receipt.serial
    assert f"还款 {channel_word(original.receipt.channel)} {serial}" in page and f"还款 {receipt} " not in page
    assert page.count("100.00") == 2
    assert reverse("loans:reverse_receipt", args=[receipt]) not in page


def test_postings_are_narrowed_by_installment_kind_and_receipt(bank: Bank) -> None:
    loan, client = bank.loans["home"], client_of(bank, "operations")
    receipt = pay(loan, "100.00")
    first = Installment.objects.filter(loan_id=loan.pk).order_by("number").first()
    assert first is not None
    assert f"P{loan.pk}" in text_of(client, "postings", loan, number=first.number)
    assert f"P{loan.pk}" not in text_of(client, "postings", loan, kind="OPENING")
    assert f"P{loan.pk}" in text_of(client, "postings", loan, receipt=receipt)
    assert "没有符合条件的分录" in text_of(client, "postings", loan, receipt=receipt + 1)
    for odd in ({"number": "x"}, {"kind": "x"}, {"receipt": "9" * 40}, {"source": "-1"}, {"cursor": "nonsense"}):
        assert f"P{loan.pk}" in text_of(client, "postings", loan, **odd)


def test_the_pages_ask_the_same_number_of_queries_however_long_the_loan_is(bank: Bank) -> None:
    short, long = bank.loans["home"], book_loan(bank.home, officer=bank.staff["officer"], days_past_due=400)
    rows = [
        ReceiptRow(long.loan_note_no, Decimal("5.00"), date(2026, 11, 1), "CORE", f"L{serial}") for serial in range(30)
    ]
    post_receipts(rows=rows, by="system", at=AT)
    pay(short)
    client = client_of(bank, "officer")
    for name, most in (("contract", 24), ("contract_schedule", 18), ("postings", 9)):
        counts = []
        for loan in (short, long):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                text_of(client, name, loan)
            counts.append(len(queries))
        assert counts[0] == counts[1] <= most, (name, counts)
