"""A receipt is taken out again over the API and on its page: once, with a reason, and the timeline says so."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loans.models import Posting, Receipt
from tests.web.api_bank import Bank, make_bank, pay

REASON = {"reason": "渠道重复划款"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def operations(bank: Bank) -> Client:
    client = Client()
    client.force_login(bank.staff["operations"], backend="django.contrib.auth.backends.ModelBackend")
    return client


def texts(bank: Bank) -> list[str]:
    reply = bank.api("officer").get(f"loans/{bank.loans['home'].pk}/timeline/").json()
    return [row["text"] for row in reply["results"]]


def test_a_receipt_is_reversed_once_and_replayed_under_its_key(bank: Bank) -> None:
    receipt = pay(bank.loans["home"])
    api, path = bank.api("operations"), f"receipts/{receipt}/reverse/"
    first = api.post(path, REASON, key="r1")
    assert first.status_code == 200, first.content
    assert (first.json()["state"], first.json()["reversed_on"]) == ("REVERSED", "2026-11-01")
    again = api.post(path, REASON, key="r1")
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    refused = api.post(path, REASON)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "receipt_already_reversed")
    assert Posting.objects.filter(kind="REVERSAL").count() == 1
    assert any(REASON["reason"] in text for text in texts(bank)) and any("冲正，起息日" in text for text in texts(bank))


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_input"),
        ({"reason": 5}, 400, "invalid_input"),
        ({**REASON, "amount": "1.00"}, 400, "invalid_input"),
        ({"reason": "错"}, 422, "reversal_needs_reason"),
    ],
)
def test_a_reversal_without_a_reason_is_refused(bank: Bank, body: Any, status: int, code: str) -> None:
    reply = bank.api("operations").post(f"receipts/{pay(bank.loans['home'])}/reverse/", body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert Receipt.objects.get().state == "POSTED"


def test_the_page_asks_for_the_reason_and_keeps_what_was_typed(bank: Bank) -> None:
    receipt, client = pay(bank.loans["home"]), operations(bank)
    path = reverse("loans:reverse_receipt", args=[receipt])
    assert path in client.get(reverse("loans:receipts")).content.decode()
    assert "确认冲正" in client.get(path).content.decode()
    refused = client.post(path, {"reason": "错了"})
    assert refused.status_code == 422 and 'value="错了"' in refused.content.decode()
    done = client.post(path, REASON, follow=True).content.decode()
    assert "已冲正" in done and path not in done
    assert "确认冲正" not in client.get(path).content.decode()
    assert client.post(path, REASON).status_code == 422


def test_the_page_has_its_english(bank: Bank) -> None:
    receipt, client = pay(bank.loans["home"]), operations(bank)
    client.cookies["django_language"] = "en"
    page = client.get(reverse("loans:reverse_receipt", args=[receipt])).content.decode()
    assert "Reverse" in page and "冲正" not in page
