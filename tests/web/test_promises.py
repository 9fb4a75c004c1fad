"""A promise to pay: entered beside the call that brought it, shown with what became of it, over the API too."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from followups import actions
from followups.batch import answering
from followups.models import PromiseToPay, VisitAttempt
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank

pytestmark = pytest.mark.django_db
PROMISE = {"outcome": "REACHED", "promise_amount": "5000.00", "promise_on": "2026-11-05"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


@pytest.fixture
def client(bank: Bank) -> Client:
    client = Client()
    client.force_login(bank.staff["officer"], backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, bank: Bank) -> str:
    return client.get(reverse("followups:task", args=[bank.tasks["home"].pk])).content.decode()


# S1.18
def test_a_promise_is_entered_with_the_call_and_shown_until_it_is_broken(bank: Bank, client: Client) -> None:
    url = reverse("followups:attempt", args=[bank.tasks["home"].pk])
    assert client.post(url, PROMISE).status_code == 302
    shown = page(client, bank)
    assert "承诺 2026-11-05 前还 5,000.00 元" in shown and "待履行" in shown
    answering.answer_evening(as_of=date(2026, 11, 5), at=AT)
    assert "未履行" in page(client, bank)


def test_an_amount_without_a_day_is_refused_and_nothing_is_kept(bank: Bank, client: Client) -> None:
    url = reverse("followups:attempt", args=[bank.tasks["home"].pk])
    for wrong, words in (
        ({"promise_on": ""}, "还款承诺须写明金额"),
        ({"outcome": "NO_ANSWER"}, "只有接通本人才能登记还款承诺"),
        ({"promise_amount": "x"}, "承诺金额"),
        ({"promise_on": "2027-01-05"}, "承诺日须在营业日起"),
    ):
        told = client.post(url, {**PROMISE, **wrong}, follow=True)
        assert any(words in str(message) for message in told.context["messages"]), wrong
    assert not VisitAttempt.objects.exists() and not PromiseToPay.objects.exists()


def test_more_promises_ask_no_more_statements(bank: Bank, client: Client) -> None:
    def statements() -> int:
        page(client, bank)
        with CaptureQueriesContext(connection) as seen:
            page(client, bank)
        return len(seen)

    def reach(hours: int, **more: Any) -> None:
        at: datetime = timezone.now() + timedelta(hours=hours)
        actions.record_attempt(
            task_id=bank.tasks["home"].pk, outcome="REACHED", by=bank.staff["officer"], at=at, **more
        )

    reach(0)
    few = statements()
    for hours in range(1, 4):
        reach(hours, promise_amount=Decimal(1000 * hours), promise_on=date(2026, 11, 5))
    assert statements() <= few


def test_the_api_keeps_and_tells_it(bank: Bank) -> None:
    api, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}/attempts/"
    reply = api.post(path, PROMISE, key="promise-1")
    told = {"amount": "5000.00", "promised_on": "2026-11-05", "state": "OPEN", "decided_on": None}
    assert (reply.status_code, reply.json()["promise"]) == (201, told)
    api.post(path, {"outcome": "NO_ANSWER"}, key="promise-2")
    rows = api.get(path).json()
    assert [row["promise"] for row in rows] == [told, None]
    refused = api.post(path, {**PROMISE, "promise_on": "2027-11-05"}, key="promise-3")
    assert refused.status_code == 422 and PromiseToPay.objects.count() == 1
