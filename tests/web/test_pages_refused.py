"""What pages say to what they refuse: hand-made addresses, faulty answers, a session that ended, other people's visits."""

import base64
import json

import pytest
from django.urls import reverse

from loans.models import Loan
from people.paging import Order, page_of
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

BY_NUMBER = Order("number", "number", ("loan_note_no", "id"))


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def cursor_of(text: str) -> str:
    return "n" + base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()


@pytest.mark.parametrize(
    "text",
    ["[" * 250, "[" * 2500, '["\\ud800",1]', '["\\u0000",1]', json.dumps(["x" * 500, 1]), '{"a":1}', "[1e999,1]"],
)
def test_a_hand_made_cursor_is_the_first_page(bank: Bank, text: str) -> None:
    first = page_of(Loan.objects.all(), BY_NUMBER, size=2).rows
    assert page_of(Loan.objects.all(), BY_NUMBER, cursor=cursor_of(text), size=2).rows == first
    for path in ("/", "/loans/", "/review/"):
        assert client_of(bank, "manager").get(path, {"cursor": cursor_of(text)}).status_code == 200


def test_a_cursor_of_the_list_itself_turns_the_page(bank: Bank) -> None:
    page = page_of(Loan.objects.all(), BY_NUMBER, size=1)
    assert page_of(Loan.objects.all(), BY_NUMBER, cursor=page.next, size=1).rows != page.rows


@pytest.mark.parametrize("named", [["9" * 5000], ["x"], [], ["0"]])
def test_assigning_nothing_says_so(bank: Bank, named: list[str]) -> None:
    reply = client_of(bank, "manager").post(
        reverse("followups:assign_many"), {"task": named, "officer": bank.staff["colleague"].staff_no}, follow=True
    )
    assert reply.status_code == 200
    assert "没有可分派的任务" in reply.content.decode()
