"""A page that waits too long for a row says so with 503, and nothing is changed."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory

from config.busy import BusyMiddleware
from journal.models import Entry
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


def test_journal_entries_carry_the_id_of_their_request(client: Client, db: None) -> None:
    loan = book_loan()
    officer = make_staff("LOAN_OFFICER", loan.branch)
    client.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    response = client.post(f"/loans/{loan.pk}/reveal/", {"field": "phone", "reason": "客户来电核对"})
    entry = Entry.objects.get(kind="people.revealed")
    assert entry.request_id == response["X-Request-ID"]
    assert len(entry.request_id) == 16
