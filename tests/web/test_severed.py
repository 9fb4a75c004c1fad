"""The database ends the session of a request in the middle, at every statement: 503 in words, nothing half done.

The server really ends the session (`pg_terminate_backend`), as a restart or a failover does. What the web server does
before the next request, looking after its connections, is done here too.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from django.db import close_old_connections, connections
from django.test import Client
from django.urls import reverse

from loans.models import Receipt
from people.models import IdempotencyKey
from tests.conftest import FreshBank
from tests.crash.points import Points
from tests.crash.state import state
from tests.web.api_bank import TODAY, Bank, make_bank

Request = Callable[[], Any]
PAGE = ("没有任何改动", "可能已经保存，也可能没有")
API = ('"busy"', '"in_doubt"')


@pytest.fixture
def bank(fresh_bank: FreshBank, django_db_blocker: Any) -> Iterator[Bank]:
    with django_db_blocker.unblock():
        yield make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(bank.staff[who], backend="django.contrib.auth.backends.ModelBackend")
    return client


def severed(request: Request, at: int = 0) -> tuple[Any, list[str]]:
    """The reply to a request whose session ends before point `at`, and the points it met."""
    close_old_connections()
    points = Points(at, "sever")
    with points.watching():
        response = request()
    close_old_connections()
    return response, [what for _place, what in points.labels]


def everywhere(request: Request, words: tuple[str, str], status: int) -> Any:
    """Severed at every point nothing changes and the reply is a 503; the next one goes through. Its reply.

    Words are those of what did not happen, and those of a COMMIT without an answer.
    """
    before = state()
    for at in range(1, 200):
        response, met = severed(request, at)
        if response.status_code == status and len(met) < at:
            assert at > 4
            return response
        text = response.content.decode()
        assert (response.status_code, response["Retry-After"]) == (503, "2"), (at, response.status_code, text[:300])
        assert words[met[at - 1] == "COMMIT"] in text, at
        if "COMMIT" in met[: at - 1]:
            # What the page did is done, and said to be in doubt; only what it shows was not read.
            assert words[0] == words[1]
            before = state()
        assert state() == before, at
    raise AssertionError("the request never goes through")


def test_a_page_is_read_again(bank: Bank) -> None:
    page = client_of(bank, "manager")
    everywhere(lambda: page.get(reverse("loans:list")), PAGE, 200)
    everywhere(lambda: page.get(reverse("dashboard")), PAGE, 200)


def test_a_page_that_posts_leaves_nothing_half_done(bank: Bank) -> None:
    page = client_of(bank, "officer")
    loan = bank.loans["home"]
    sent = {"field": "phone", "reason": "客户来电核对"}
    everywhere(lambda: page.post(f"/loans/{loan.pk}/reveal/", sent), (PAGE[1], PAGE[1]), 200)


def test_the_api_is_read_again(bank: Bank) -> None:
    everywhere(lambda: bank.api("manager").get("loans/"), API, 200)


def receipt(bank: Bank) -> Request:
    body = {
        "loan": bank.loans["home"].loan_note_no, "amount": "120.07", "value_on": str(TODAY), "channel": "CORE",
        "serial": "S1",
    }  # fmt: skip
    return lambda: bank.api("operations").post("receipts/", body, key="severed-1")


def test_a_receipt_over_the_api_is_posted_once(bank: Bank) -> None:
    first = everywhere(receipt(bank), API, 201)
    second, _met = severed(receipt(bank))
    assert second.content == first.content
    assert Receipt.objects.filter(serial="S1").count() == IdempotencyKey.objects.filter(key="severed-1").count() == 1


@pytest.fixture
def lost_after_commit(bank: Bank) -> Iterator[None]:
    """The server commits and is gone before it says so."""
    here = connections["default"]
    commit = here._commit

    def _commit() -> None:
        commit()
        here._commit = commit  # type: ignore[method-assign]
        here.connection.close()
        with here.wrap_database_errors:
            raise psycopg2.OperationalError("server closed the connection unexpectedly")

    here._commit = _commit  # type: ignore[method-assign]
    yield
    here._commit = commit  # type: ignore[method-assign]


def test_a_commit_without_an_answer_is_said_to_be_in_doubt(bank: Bank, lost_after_commit: None) -> None:
    first = receipt(bank)()
    assert (first.status_code, first.json()["error"]["code"], first["Retry-After"]) == (503, "in_doubt", "2")
    close_old_connections()
    assert receipt(bank)().status_code == 201
    assert Receipt.objects.filter(serial="S1").count() == 1


def test_a_page_says_so_too(bank: Bank, lost_after_commit: None) -> None:
    page = Client(raise_request_exception=False)
    sent = {"username": bank.staff["officer"].staff_no, "password": "not-this-one"}
    response = page.post(reverse("people:sign_in"), sent)
    assert response.status_code == 503 and PAGE[1] in response.content.decode()
