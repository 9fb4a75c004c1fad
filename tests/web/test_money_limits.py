"""Money that cannot be taken in and money that is needed elsewhere: what the API and the pages say of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.actions.changes import decide_change, propose_change, sign_change
from loans.models import ContractChange, Loan, Receipt, Refund
from people.models import Staff
from tests.factories import AT, book_loan, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
MOST = "9999999999999.99"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def receipt(loan: Loan, amount: str, serial: str, **more: Any) -> dict[str, Any]:
    return {
        "loan": loan.loan_note_no, "amount": amount, "value_on": str(TODAY), "channel": "CORE", "serial": serial, **more
    }  # fmt: skip


def browser(staff: Staff) -> Client:
    found = Client()
    found.force_login(staff)
    return found


def test_more_than_suspense_holds_is_a_fault_of_the_amount(bank: Bank) -> None:
    loan, api = book_loan(bank.home), bank.api("operations")
    assert api.post("receipts/", receipt(loan, MOST, "1"), key="a").status_code == 201
    refused = api.post("receipts/", receipt(loan, MOST, "2"), key="b")
    assert refused.status_code == 422
    error = refused.json()["error"]
    assert (error["code"], error["fields"]) == ("receipt_refused", {"amount": ["超出可记账的最大金额"]})
    assert Receipt.objects.count() == 1


def test_a_receipt_that_waits_can_be_sent_back_on_its_page(bank: Bank) -> None:
    loan, teller = book_loan(bank.home), bank.staff["operations"]
    day = str(TODAY + timedelta(days=1))
    pk = bank.api("operations").post("receipts/", receipt(loan, "5.00", "1", value_on=day), key="a").json()["id"]
    path = reverse("loans:settle_receipt", args=[pk])
    assert path in browser(teller).get(reverse("loans:receipts")).content.decode()
    page = browser(teller).get(path).content.decode()
    assert "退回原因与去向" in page and "匹配到贷款" not in page
    assert browser(teller).post(path, {"verb": "return", "note": "登记有误退回"}).status_code == 302
    second = browser(make_staff("OPERATIONS", teller.branch, "田野"))
    assert "复核前已入账的不再退回" in browser(teller).get(path).content.decode()
    assert second.post(path, {"verb": "approve"}).status_code == 302
    assert Receipt.objects.get().state == "RETURNED"
    assert "已退回" in second.get(path).content.decode()


def prepaying(bank: Bank, loan: Loan) -> ContractChange:
    """An approved prepayment of 100,000.00 with 150,000.00 in suspense."""
    officer, manager = bank.staff["officer"], bank.staff["manager"]
    bank.api("operations").post("receipts/", receipt(loan, "150000.00", "1"), key="a")
    asked = {"amount": "100000.00", "effect": "SHORTEN_TERM"}
    change = propose_change(
        loan_id=loan.pk, kind="PREPAYMENT", asked=asked, reason="客户申请办理", evidence=None, by=officer, at=AT
    )
    return decide_change(change_id=change.pk, approve=True, note="", version=1, by=manager, at=AT)


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_refund_of_money_that_a_change_needs_is_warned_of_and_not_forbidden(bank: Bank, is_signed: bool) -> None:
    loan: Loan = book_loan(bank.home, officer=bank.staff["officer"])
    change = prepaying(bank, loan)
    if is_signed:
        sign_change(change_id=change.pk, note="柜面签署协议", version=2, by=bank.staff["officer"], at=AT)
    needed = Decimal(change.result["taken"])
    words = f"变更 {change.pk} 号（部分提前还款，{'待生效' if is_signed else '待签署'}"
    api, teller = bank.api("operations"), bank.staff["operations"]
    asked = browser(teller).get(reverse("loans:propose_refund", args=[loan.pk])).content.decode()
    assert words in asked and f"退款超过 {150000 - needed:,.2f} 元" in asked
    body = {"loan": loan.loan_note_no, "amount": "90000.00", "reason": "客户多还退回"}
    made = api.post("refunds/", body, key="r").json()
    assert len(made["warnings"]) == 1 and words in made["warnings"][0]
    assert api.get(f"refunds/{made['id']}/").json()["warnings"] == made["warnings"]
    second = browser(make_staff("OPERATIONS", teller.branch, "田野"))
    path = reverse("loans:refund", args=[made["id"]])
    assert words in second.get(path).content.decode()
    assert second.post(path, {"verb": "approve"}).status_code == 302
    assert Refund.objects.get().state == "APPROVED"
    assert api.get(f"refunds/{made['id']}/").json()["warnings"] == []


def test_a_refund_that_leaves_enough_is_not_warned_of(bank: Bank) -> None:
    loan: Loan = book_loan(bank.home, officer=bank.staff["officer"])
    prepaying(bank, loan)
    body = {"loan": loan.loan_note_no, "amount": "1000.00", "reason": "客户多还退回"}
    assert bank.api("operations").post("refunds/", body, key="r").json()["warnings"] == []
