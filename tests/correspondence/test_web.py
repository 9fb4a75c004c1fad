"""Messages on pages and over the API: masked, few statements, filters that agree, taken back once with a reason."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from correspondence.actions import MessageDoesNotWait, cancel_message
from correspondence.batch import remind
from correspondence.models import Message
from journal.models import Entry
from loans.actions.breaks import NoteNeeded
from people.actions import NotAllowed
from tests.correspondence.rows import message_row
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_page_matrix import client_of

MOST_STATEMENTS = 14


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    for place in ("home", "other"):
        message_row(bank, place)
    return bank


def more_messages(bank: Bank) -> None:
    for _ in range(6):
        book_loan(bank.home, officer=bank.staff["officer"], days_past_due=6)
    remind(as_of=TODAY, at=AT)


@pytest.mark.parametrize("page", ["correspondence:messages", "correspondence:of_loan"])
def test_pages_take_few_statements_however_many_messages_there_are(bank: Bank, page: str) -> None:
    client, counts = client_of(bank, "manager"), []
    path = reverse(page, args=[bank.loans["home"].pk] if page.endswith("of_loan") else [])
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        counts.append(len(captured))
        more_messages(bank)
    assert counts[0] == counts[1] <= MOST_STATEMENTS


def test_the_api_list_takes_few_statements_however_many_messages_there_are(bank: Bank) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            assert bank.api("manager").get("messages/").status_code == 200
        counts.append(len(captured))
        more_messages(bank)
    assert counts[0] == counts[1] <= MOST_STATEMENTS


def test_the_words_are_shown_with_the_name_masked_but_for_its_officer(bank: Bank) -> None:
    loan = bank.loans["home"]
    path = reverse("correspondence:of_loan", args=[loan.pk])
    seen = {who: client_of(bank, who).get(path).content.decode() for who in ("manager", "officer")}
    assert loan.borrower.name not in seen["manager"] and f"{loan.borrower.name[:1]}**，您好" in seen["manager"]
    assert f"{loan.borrower.name}，您好" in seen["officer"]
    assert f"尾号{loan.loan_note_no[-4:]}" in seen["manager"] and "1.00元" in seen["manager"]


def test_what_nobody_sent_in_time_is_past_and_waits_no_more(bank: Bank) -> None:
    operations = bank.api("operations")
    Message.objects.filter(loan=bank.loans["other"]).update(expires_on=date(2026, 10, 31))
    found = {
        state: [row["loan_id"] for row in operations.get("messages/", state=state).json()["results"]]
        for state in ("WAITING", "PAST", "CANCELLED")
    }
    assert found == {"WAITING": [bank.loans["home"].pk], "PAST": [bank.loans["other"].pk], "CANCELLED": []}
    page = client_of(bank, "operations").get(reverse("correspondence:messages")).content.decode()
    assert bank.loans["home"].loan_note_no in page and bank.loans["other"].loan_note_no not in page
    past = Message.objects.get(loan=bank.loans["other"])
    refused = operations.post(f"messages/{past.pk}/cancel/", {"reason": "客户要求不再提醒"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "message_does_not_wait")
    past.refresh_from_db()
    assert past.state == "WAITING"


def test_a_filter_by_branch_or_kind_knows_nothing_of_another_branch(bank: Bank) -> None:
    manager = bank.api("manager")
    assert manager.get("messages/", branch=bank.other.code).json()["results"] == []
    assert len(manager.get("messages/", branch=bank.home.code, kind="OVERDUE").json()["results"]) == 1
    assert manager.get("messages/", kind="DUE").json()["results"] == []


def test_a_person_takes_a_message_back_once_with_a_reason(bank: Bank) -> None:
    message = Message.objects.get(loan=bank.loans["home"])
    path, manager = reverse("correspondence:message", args=[message.pk]), client_of(bank, "manager")
    assert manager.post(path, {"reason": "客户要求不再提醒"}).status_code == 302
    message.refresh_from_db()
    assert (message.state, message.reason, message.note) == ("CANCELLED", "BY_PERSON", "客户要求不再提醒")
    assert message.ended_by == bank.staff["manager"] and message.ended_on == TODAY
    entry = Entry.objects.get(kind="correspondence.message_cancelled")
    assert (entry.loan_id, entry.data["reason"]) == (bank.loans["home"].pk, "客户要求不再提醒")
    assert manager.post(path, {"reason": "再取消一次看看"}).status_code == 409
    assert Entry.objects.filter(kind="correspondence.message_cancelled").count() == 1
    told: dict[str, Any] = bank.api("operations").get(f"messages/{message.pk}/").json()
    assert told["state"] == "CANCELLED" and told["ended_by"]["staff_no"] == bank.staff["manager"].staff_no


@pytest.mark.parametrize(
    ("who", "reason", "error"), [("manager", "no", NoteNeeded), ("officer", "客户要求", NotAllowed)]
)
def test_without_a_reason_or_the_permission_nothing_changes(
    bank: Bank, who: str, reason: str, error: type[Exception]
) -> None:
    message = Message.objects.get(loan=bank.loans["home"])
    before = list(Message.objects.filter(pk=message.pk).values())
    with pytest.raises(error):
        cancel_message(message_id=message.pk, reason=reason, by=bank.staff[who], at=AT)
    assert list(Message.objects.filter(pk=message.pk).values()) == before
    assert not Entry.objects.filter(kind="correspondence.message_cancelled").exists()
    assert issubclass(MessageDoesNotWait, Exception)


def test_a_message_taken_back_by_a_person_is_not_made_again(bank: Bank) -> None:
    loan = book_loan(bank.home, days_past_due=6)
    remind(as_of=TODAY, at=AT)
    message = Message.objects.get(loan=loan)
    cancel_message(message_id=message.pk, reason="客户已来行说明", by=bank.staff["manager"], at=AT)
    remind(as_of=TODAY, at=AT)
    assert [each.state for each in Message.objects.filter(loan=loan)] == ["CANCELLED"]
