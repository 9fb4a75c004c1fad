"""Borrowers who want no reminders (S1.14: opt-outs): recorded by whom, how and why; none is made, what waits goes."""

from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from correspondence.actions import ContactIsOpen, ContactIsStopped, ContactUnclear, resume_contact, stop_contact
from correspondence.batch import remind, remind_cuts
from correspondence.models import ContactPreference, Message
from journal.models import Entry
from loans.actions.breaks import NoteNeeded
from people.actions import NotAllowed
from tests.correspondence.rows import message_row
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_page_matrix import client_of

SAID = {"ground": "ASKED", "heard": "COUNTER", "reason": "客户到柜面要求停发"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def stop(bank: Bank, loan: Any, who: str = "officer", **changed: Any) -> ContactPreference:
    return stop_contact(loan_id=loan.pk, **{**SAID, **changed}, by=bank.staff[who], at=AT)


def resume(bank: Bank, loan: Any, who: str = "officer", **changed: Any) -> ContactPreference:
    given = {"heard": "PHONE", "reason": "客户要求恢复提醒", **changed}
    return resume_contact(loan_id=loan.pk, **given, by=bank.staff[who], at=AT)


@pytest.mark.parametrize("ground", ["ASKED", "NOT_THEIRS", "DECEASED"])
def test_who_wants_no_reminders_gets_none_for_any_loan(bank: Bank, ground: str) -> None:
    loan = book_loan(bank.home, days_past_due=6)
    second = book_loan(bank.home, borrower=loan.borrower, days_past_due=6)
    other = book_loan(bank.home, days_past_due=6)
    remind(as_of=TODAY, at=AT, loan_ids=[loan.pk])
    assert Message.objects.get(loan=loan).state == "WAITING"
    made = stop(bank, loan, ground=ground)
    assert (made.recorded_by, made.business_date, made.heard) == (bank.staff["officer"], TODAY, "COUNTER")
    message = Message.objects.get(loan=loan)
    assert (message.state, message.reason, message.ended_on) == ("CANCELLED", "UNWANTED", TODAY)
    remind(as_of=TODAY, at=AT)
    assert not Message.objects.filter(loan=second).exists()
    assert Message.objects.get(loan=other).state == "WAITING"
    entry = Entry.objects.get(kind="correspondence.contact_stopped")
    assert entry.data == {"channel": "SMS", "ground": ground, "heard": "COUNTER", "cancelled": 1}
    assert remind_cuts(as_of=TODAY, size=100).due == 0


def test_reminders_go_on_after_the_borrower_wants_them_again(bank: Bank) -> None:
    loan = book_loan(bank.home, days_past_due=6)
    stop(bank, loan)
    ended = resume(bank, loan)
    assert (ended.ended_by, ended.ended_on, ended.ended_reason) == (bank.staff["officer"], TODAY, "客户要求恢复提醒")
    remind(as_of=TODAY, at=AT)
    assert Message.objects.get(loan=loan).state == "WAITING"
    assert stop(bank, loan).pk != ended.pk
    assert ContactPreference.objects.filter(party=loan.borrower).count() == 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"ground": "MOOD"}, ContactUnclear),
        ({"heard": "DREAM"}, ContactUnclear),
        ({"channel": "PIGEON"}, ContactUnclear),
        ({"reason": "短"}, NoteNeeded),
        ({"who": "auditor"}, NotAllowed),
    ],
)
def test_what_is_unclear_is_not_recorded(bank: Bank, changed: dict[str, Any], error: type[Exception]) -> None:
    loan = bank.loans["home"]
    message_row(bank, "home")
    with pytest.raises(error):
        stop(bank, loan, **changed)
    assert not ContactPreference.objects.exists()
    assert Message.objects.get().state == "WAITING"
    assert not Entry.objects.filter(kind__startswith="correspondence.contact").exists()


def test_it_is_recorded_once_and_ended_once(bank: Bank) -> None:
    loan = bank.loans["home"]
    with pytest.raises(ContactIsOpen):
        resume(bank, loan)
    stop(bank, loan)
    with pytest.raises(ContactIsStopped):
        stop(bank, loan)
    resume(bank, loan)
    with pytest.raises(ContactIsOpen):
        resume(bank, loan)
    assert ContactPreference.objects.count() == 1


@pytest.mark.parametrize(
    ("statement", "claim"),
    [
        ("UPDATE correspondence_contactpreference SET reason = 'other words'", "contact_preference_is_kept"),
        ("UPDATE correspondence_contactpreference SET party_id = party_id + 1", "contact_preference_is_kept"),
        ("DELETE FROM correspondence_contactpreference", "contact_preference_is_kept"),
        ("UPDATE correspondence_contactpreference SET ended_at = now()", "ended_contact_preference_says_why"),
    ],
)
def test_what_a_borrower_said_is_kept(bank: Bank, statement: str, claim: str) -> None:
    stop(bank, bank.loans["home"])
    with connection.cursor() as cursor, pytest.raises(Error, match=claim), transaction.atomic():
        cursor.execute(statement)
    resume(bank, bank.loans["home"])
    with connection.cursor() as cursor, pytest.raises(Error, match="contact_preference_is_kept"), transaction.atomic():
        cursor.execute("UPDATE correspondence_contactpreference SET ended_reason = 'other words'")


@pytest.mark.parametrize(
    ("more", "claim"),
    [
        ({}, "contact_preference_one_open"),
        ({"ground": "MOOD"}, "contact_preference_says_why"),
        ({"reason": ""}, "contact_preference_says_why"),
        ({"heard": ""}, "contact_preference_says_why"),
    ],
)
def test_a_preference_that_says_nothing_is_refused(bank: Bank, more: dict[str, Any], claim: str) -> None:
    made = stop(bank, bank.loans["home"])
    made.pk = None
    for name, value in more.items():
        setattr(made, name, value)
    with pytest.raises(IntegrityError, match=claim), transaction.atomic():
        made.save(force_insert=True)


def test_the_pages_record_it_and_the_loan_shows_it(bank: Bank) -> None:
    loan, officer = bank.loans["home"], client_of(bank, "officer")
    message_row(bank, "home")
    path, page = (reverse(f"correspondence:{name}", args=[loan.pk]) for name in ("contact", "of_loan"))
    assert "不发短信提醒" not in officer.get(reverse("loan_page", args=[loan.pk])).content.decode()
    assert officer.post(path, {**SAID, "verb": "stop", "ground": ""}).status_code == 422
    assert officer.post(path, {**SAID, "verb": "stop"}).status_code == 302
    shown = officer.get(page).content.decode()
    assert "客户到柜面要求停发" in shown and 'value="resume"' in shown and "借款人不再接收" in shown
    with CaptureQueriesContext(connection) as captured:
        assert "不发短信提醒" in officer.get(reverse("loan_page", args=[loan.pk])).content.decode()
    assert len(captured) <= 12
    assert officer.post(path, {**SAID, "verb": "stop"}).status_code == 409
    assert officer.post(path, {"verb": "resume", "heard": "PHONE", "reason": "客户要求恢复提醒"}).status_code == 302
    assert 'value="stop"' in officer.get(page).content.decode()
    auditor = client_of(bank, "auditor").get(page).content.decode()
    assert 'name="heard"' not in auditor and "客户到柜面要求停发" in auditor


def test_the_api_records_and_ends_it(bank: Bank) -> None:
    api, path = bank.api("manager"), f"loans/{bank.loans['home'].pk}/contact/"
    made = api.post(path, SAID)
    assert (made.status_code, made.json()["ended_on"]) == (201, None)
    assert (api.post(path, SAID).status_code, ContactPreference.objects.count()) == (409, 1)
    again = api.post(path + "resume/", {"heard": "PHONE", "reason": "客户要求恢复提醒"})
    assert (again.status_code, again.json()["ended_on"]) == (200, TODAY.isoformat())
    (row,) = api.get(path).json()["results"]
    assert row["recorded_by"]["staff_no"] == bank.staff["manager"].staff_no and row["ground"] == "ASKED"
    assert row["business_date"] == TODAY.isoformat()
