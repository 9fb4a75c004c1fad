"""A page that waits too long for a row says so with 503, and nothing is changed."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client, RequestFactory

from config.busy import BusyMiddleware
from journal.models import Entry
from tests.conftest import FreshBank, _as_owner
from tests.factories import book_loan, make_branch, make_staff


def unanswered(_request: Any) -> Any:
    raise AssertionError("not called")


@pytest.mark.parametrize("pgcode", ["55P03", "57014", "40P01", "40001"])
def test_a_passing_fault_of_the_database_is_a_busy_page(db: None, pgcode: str) -> None:
    request = RequestFactory().get("/")
    request.user = make_staff("LOAN_OFFICER", make_branch())
    fault = OperationalError("busy")
    fault.__cause__ = type("Cause", (Exception,), {"pgcode": pgcode})()
    response = BusyMiddleware(unanswered).process_exception(request, fault)
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert "系统繁忙" in response.content.decode()


def test_other_faults_are_left_alone(db: None) -> None:
    request = RequestFactory().get("/")
    assert BusyMiddleware(unanswered).process_exception(request, ValueError("no")) is None
    assert BusyMiddleware(unanswered).process_exception(request, OperationalError("gone")) is None


@pytest.fixture
def no_slot(fresh_bank: FreshBank) -> None:
    """A bank whose database lets nobody in any more."""
    _as_owner("postgres", f'ALTER DATABASE "{fresh_bank.name}" CONNECTION LIMIT 0')
    connection.close()


def test_without_a_connection_a_page_says_busy_and_asks_the_database_nothing(no_slot: None, client: Client) -> None:
    client.cookies["sessionid"] = "x" * 32
    response = client.get("/loans/")
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert "此刻使用的人太多" in response.content.decode()
    assert connection.connection is None


def test_without_a_connection_the_api_says_busy(no_slot: None, client: Client) -> None:
    response = client.get("/api/v1/loans/", headers={"Authorization": "Bearer " + "x" * 43})
    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert response.json()["error"]["code"] == "busy"
    assert connection.connection is None


def test_journal_entries_carry_the_id_of_their_request(client: Client, db: None) -> None:
    loan = book_loan()
    officer = make_staff("LOAN_OFFICER", loan.branch)
    client.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(f"/loans/{loan.pk}/reveal/", {"field": "phone", "reason": "客户来电核对"})
    entry = Entry.objects.get(kind="people.revealed")
    assert entry.request_id == response["X-Request-ID"]
    assert len(entry.request_id) == 16
