"""Pages of fees: the list of a loan, charging what the disclosure names, waiving by another person."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from journal.models import Entry
from loans.actions import ReceiptRow, charge_fee, post_receipts
from loans.actions.disbursement import disburse
from loans.actions.disclosure import ContingentFee
from loans.models import Fee, Loan, Posting
from loans.rules.disclosure import CostFee
from loans.views import fees
from loans.views.fees import ChargeFee, read_entry
from people.models import IdempotencyKey
from tests.contracts import contract_of, disclosed
from tests.factories import AT, make_staff
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_page_matrix import client_of

APPRAISAL = CostFee("APPRAISAL", "押品评估费", "江城评估有限公司", 300_000)
LEGAL = ContingentFee("LEGAL", "诉讼费", "人民法院", None, "按法院收费标准")
COUNTED = (Fee, Posting, Entry, IdempotencyKey)


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


@pytest.fixture
def loan(bank: Bank) -> Loan:
    by = bank.staff["operations"]
    contract = disclosed(contract_of(bank.home), by, fees=(APPRAISAL,), contingent=(LEGAL,))
    return disburse(contract=contract, by=by, at=AT)


def counts() -> list[int]:
    return [model.objects.count() for model in COUNTED]  # type: ignore[attr-defined]


def typed(**changed: str) -> dict[str, str]:
    return {"code": "APPRAISAL", "amount": "1,200.00", "reason": "评估报告已出具", **changed}


def preview(client: Client, loan: Loan, **changed: str) -> Any:
    return client.get(reverse("loans:fee_charge", args=[loan.pk]), typed(**changed))


def charge(client: Client, loan: Loan, **changed: str) -> Any:
    """Looks at the form as typed and presses its button."""
    shown = preview(client, loan, **changed).context
    sent = {**typed(**changed), "seen": shown["seen"], "form_key": shown["form_key"]}
    return client.post(reverse("loans:fee_charge", args=[loan.pk]), sent)


def test_a_fee_is_previewed_charged_and_listed(bank: Bank, loan: Loan) -> None:
    client = client_of(bank, "operations")
    page = preview(client, loan, amount="１，２００")
    text = page.content.decode()
    assert page.status_code == 200 and "按 <b>1,200.00</b> 元理解" in text and "壹仟贰佰元整" in text
    assert "江城评估有限公司" in text and "收取 1,200.00" in text
    assert Fee.objects.filter(loan=loan).count() == 0
    done = charge(client, loan, amount="１，２００")
    assert (done.status_code, done.headers["Location"]) == (302, reverse("loans:fees", args=[loan.pk]))
    fee = Fee.objects.get(loan=loan)
    assert (fee.code, fee.amount, fee.charged_by) == ("APPRAISAL", 1200, bank.staff["operations"].staff_no)
    listed = client.get(reverse("loans:fees", args=[loan.pk])).content.decode()
    assert "押品评估费" in listed and "1,200.00" in listed and "1,800.00" in listed and "未付" in listed
    assert "减免须另一人" in listed and reverse("loans:fee_waive", args=[fee.pk]) not in listed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"code": "COPY"}, "明示表没有列明“资料工本费”"),
        ({"amount": "3000.01"}, "最多 3,000.00 元"),
        ({"amount": "1e3"}, "看不懂这个金额"),
        ({"amount": "0"}, "看不懂这个金额"),
        ({"amount": ""}, "请填写金额"),
        ({"code": ""}, "请选择费用项目"),
        ({"reason": "补"}, "至少 4 个字"),
        ({"reason": "补打合同\u200b副本"}, "不可见"),
        ({"code": "A" * 41}, "明示表没有列明"),
    ],
)
def test_a_refused_fee_says_why_keeps_what_was_typed_and_changes_nothing(
    bank: Bank, loan: Loan, changed: dict[str, str], words: str
) -> None:
    client = client_of(bank, "operations")
    path, before = reverse("loans:fee_charge", args=[loan.pk]), counts()
    shown = preview(client, loan).context
    sent = {**typed(**changed), "form_key": shown["form_key"]}
    # The button of a form that says just this: only the ledger stands in the way.
    query = QueryDict(mutable=True)
    query.update(sent)
    page = client.post(path, {**sent, "seen": ChargeFee().fingerprint(read_entry(query))})
    text = page.content.decode()
    assert page.status_code == 422 and words in text
    assert counts() == before
    if len(changed.get("amount", "x")) > 1:
        assert f'value="{changed.get("amount", "1,200.00")}"' in text


def test_the_ledger_s_own_refusal_is_shown_in_words(bank: Bank, loan: Loan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fees, "foreseen", lambda *given, **named: "")
    before = counts()
    page = charge(client_of(bank, "operations"), loan, code="COPY")
    assert page.status_code == 422 and "没有列明这项费用" in page.content.decode()
    assert counts() == before


def test_pressed_twice_a_fee_is_charged_once(bank: Bank, loan: Loan) -> None:
    client = client_of(bank, "operations")
    shown = preview(client, loan).context
    sent = {**typed(), "seen": shown["seen"], "form_key": shown["form_key"]}
    path = reverse("loans:fee_charge", args=[loan.pk])
    first, second = client.post(path, sent), client.post(path, sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.headers["Location"] == second.headers["Location"] and Fee.objects.filter(loan=loan).count() == 1
    # Another form with the same words is another fee.
    again = client.post(path, {**sent, "form_key": preview(client, loan).context["form_key"]})
    assert again.status_code == 302 and Fee.objects.filter(loan=loan).count() == 2


def test_another_amount_than_the_one_shown_is_not_charged(bank: Bank, loan: Loan) -> None:
    client, before = client_of(bank, "operations"), counts()
    shown = preview(client, loan).context
    page = client.post(
        reverse("loans:fee_charge", args=[loan.pk]),
        {**typed(amount="2500"), "seen": shown["seen"], "form_key": shown["form_key"]},
    )
    assert page.status_code == 409 and "2,500.00" in page.content.decode() and counts() == before


def test_another_person_waives_what_is_not_paid(bank: Bank, loan: Loan) -> None:
    charge(client_of(bank, "operations"), loan)
    fee = Fee.objects.get(loan=loan)
    row = ReceiptRow(loan.loan_note_no, Decimal("200.00"), TODAY, "COUNTER", "F-1")
    post_receipts(rows=[row], by="system", at=AT)
    bank.staff["checker"] = make_staff("OPERATIONS", bank.home, name="checker")
    path, before = reverse("loans:fee_waive", args=[fee.pk]), counts()
    own = client_of(bank, "operations")
    assert "请由另一人办理" in own.get(path).content.decode()
    refused = own.post(path, {"reason": "客户关系维护"})
    assert refused.status_code == 422 and counts() == before
    checker = client_of(bank, "checker")
    assert "减免 1,000.00" in checker.get(path).content.decode()
    short = checker.post(path, {"reason": "补"})
    assert short.status_code == 422 and 'value="补"' in short.content.decode() and counts() == before
    done = checker.post(path, {"reason": "客户关系维护"})
    assert done.status_code == 302
    fee.refresh_from_db()
    assert (fee.paid, fee.waived, fee.settled_on) == (200, 1000, TODAY)
    again = checker.post(path, {"reason": "客户关系维护"})
    assert again.status_code == 409 and "已缴清或已减免" in again.content.decode()
    listed = own.get(reverse("loans:fees", args=[loan.pk])).content.decode()
    assert "减免 1,000.00" in listed and "200.00" in listed
    # Only the waived part may be charged again: 3,000 less the 200 that were paid.
    assert "2,800.00" in listed
    before = counts()
    over = charge(own, loan, amount="2800.01")
    assert over.status_code in (409, 422) and "还可收 2,800.00 元" in over.content.decode() and counts() == before
    assert charge(own, loan, amount="2800").status_code == 302


def test_who_may_not_charge_sees_no_button(bank: Bank, loan: Loan) -> None:
    charge(client_of(bank, "operations"), loan)
    for who in ("officer", "manager", "risk", "auditor"):
        text = client_of(bank, who).get(reverse("loans:fees", args=[loan.pk])).content.decode()
        assert "押品评估费" in text
        assert reverse("loans:fee_charge", args=[loan.pk]) not in text and "/waive/" not in text


def test_a_loan_taken_over_may_be_charged_without_a_disclosure(bank: Bank) -> None:
    loan = bank.loans["home"]
    client = client_of(bank, "operations")
    assert "按合同收费" in client.get(reverse("loans:fees", args=[loan.pk])).content.decode()
    done = charge(client, loan, code="COPY", amount="20")
    assert done.status_code == 302 and Fee.objects.get(loan=loan).amount == 20


def test_the_list_asks_the_same_number_of_queries_however_many_fees_there_are(bank: Bank) -> None:
    few, many = bank.loans["home"], bank.loans["other"]
    for loan, count in ((few, 1), (many, 30)):
        for _number in range(count):
            charge_fee(
                loan_id=loan.pk, code="COPY", amount=Decimal("1.00"), reason="补打合同副本",
                by=bank.staff["operations"], at=AT,
            )  # fmt: skip
    client, asked = client_of(bank, "operations"), []
    for loan in (few, many):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("loans:fees", args=[loan.pk])).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1] <= 13, asked
