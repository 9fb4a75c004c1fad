"""Wordings proposed by one and approved by another: what is refused leaves everything, what is approved is used."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.urls import reverse
from psycopg2.extras import DateRange

from correspondence.actions import (
    OwnWording,
    WordingChanged,
    WordingDecided,
    WordingNotFit,
    WordingWaits,
    WordingWrongDate,
    decide_wording,
    propose_wording,
    withdraw_wording,
)
from correspondence.batch import remind
from correspondence.models import Message, Template
from correspondence.queries import versions_in_force
from correspondence.rules.wording import FIRST_TEXTS, content_sha256, faults
from journal.models import Entry
from loans.actions.breaks import NoteNeeded
from people.actions import NotAllowed
from tests.correspondence.rows import message_row
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_page_matrix import client_of

FROM = TODAY + timedelta(days=3)
TEXT = "【{bank}】{name}您好，您尾号{note_tail}的房贷{about}应还{amount}元。有疑问请拨{hotline}。"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def proposed(bank: Bank, who: str = "operations", **changed: Any) -> Template:
    given = {"kind": "DUE", "text": TEXT, "from_on": FROM, "reason": "文字更短更清楚", **changed}
    return propose_wording(**given, by=bank.staff[who], at=AT)


def decided(bank: Bank, wording: Template, who: str = "risk", **changed: Any) -> Template:
    given = {"approve": True, "content_sha256": wording.content_sha256, **changed}
    return decide_wording(wording_id=wording.pk, **given, by=bank.staff[who], at=AT)


def stored() -> list[dict[str, Any]]:
    return [*Template.objects.order_by("pk").values(), *Entry.objects.filter(subject_type="wording").values()]


def test_a_new_wording_is_used_from_its_first_day_and_the_old_one_until_then(bank: Bank) -> None:
    wording = proposed(bank)
    assert (wording.version, wording.state) == (2, "WAITING")
    assert versions_in_force(FROM)["DUE"] == 1
    approved = decided(bank, wording, remark="同意，已核对字段")
    assert (approved.state, approved.checker) == ("APPROVED", bank.staff["risk"].staff_no)
    before = Template.objects.get(kind="DUE", version=1)
    assert before.in_force == DateRange(date(2000, 1, 1), FROM, "[)")
    assert versions_in_force(FROM - timedelta(days=1)) == {"APPOINTMENT": 1, "DUE": 1, "OVERDUE": 1}
    assert versions_in_force(FROM) == {"APPOINTMENT": 1, "DUE": 2, "OVERDUE": 1}
    kinds = Entry.objects.filter(subject_type="wording").order_by("id").values_list("kind", "actor")
    assert [kind for kind, _actor in kinds] == ["correspondence.wording_proposed", "correspondence.wording_approved"]
    assert Entry.objects.filter(subject_type="wording").latest("id").data["content_sha256"] == wording.content_sha256


def test_a_reminder_is_made_with_the_version_of_its_evening(bank: Bank) -> None:
    decided(bank, proposed(bank))
    early, late = book_loan(bank.home, due_day=6), book_loan(bank.home, due_day=8)
    for day in (date(2026, 11, 2), FROM):
        remind(as_of=day, at=AT)
    found = dict(Message.objects.filter(loan__in=[early, late]).values_list("loan_id", "template_version"))
    assert found == {early.pk: 1, late.pk: 2}


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"text": TEXT.replace("{amount}", "")}, WordingNotFit),
        ({"text": TEXT + "{iban}"}, WordingNotFit),
        ({"text": TEXT + "}"}, WordingNotFit),
        ({"text": TEXT + "请" * 300}, WordingNotFit),
        ({"text": TEXT + "\u202e"}, WordingNotFit),
        ({"kind": "SALE"}, WordingNotFit),
        ({"from_on": TODAY}, WordingWrongDate),
        ({"reason": "短"}, NoteNeeded),
        ({"who": "risk"}, NotAllowed),
        ({"who": "officer"}, NotAllowed),
    ],
)
def test_what_cannot_be_sent_is_not_proposed(bank: Bank, changed: dict[str, Any], error: type[Exception]) -> None:
    before = stored()
    with pytest.raises(error):
        proposed(bank, **changed)
    assert stored() == before


def test_one_version_of_a_kind_waits_at_a_time(bank: Bank) -> None:
    proposed(bank)
    with pytest.raises(WordingWaits):
        proposed(bank, from_on=FROM + timedelta(days=1))
    assert proposed(bank, kind="OVERDUE", text=FIRST_TEXTS["OVERDUE"] + "谢谢。").version == 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"content_sha256": "0" * 64}, WordingChanged),
        ({"who": "operations"}, NotAllowed),
        ({"approve": False, "remark": ""}, NoteNeeded),
    ],
)
def test_a_decision_that_is_refused_changes_nothing(
    bank: Bank, changed: dict[str, Any], error: type[Exception]
) -> None:
    wording = proposed(bank)
    before = stored()
    with pytest.raises(error):
        decided(bank, wording, **changed)
    assert stored() == before


def test_the_maker_does_not_check_whatever_the_roles_say(bank: Bank) -> None:
    bank.staff["risk"].roles.add(bank.staff["operations"].roles.get())
    wording = proposed(bank, who="risk")
    with pytest.raises(OwnWording):
        decided(bank, wording)
    with pytest.raises(OwnWording):
        withdraw_wording(wording_id=wording.pk, reason="由他人撤回", by=bank.staff["operations"], at=AT)
    with pytest.raises(IntegrityError, match="template_maker_is_not_checker"), transaction.atomic():
        Template.objects.filter(pk=wording.pk).update(checker=wording.maker, checked_at=AT)
    wording.refresh_from_db()
    assert wording.state == "WAITING"


def test_a_version_is_decided_once_and_a_returned_one_makes_room(bank: Bank) -> None:
    returned = decided(bank, proposed(bank), approve=False, remark="语气过于生硬")
    assert (returned.state, returned.remark) == ("RETURNED", "语气过于生硬")
    with pytest.raises(WordingDecided):
        decided(bank, returned)
    withdrawn = proposed(bank)
    withdraw_wording(wording_id=withdrawn.pk, reason="写错了日期", by=bank.staff["operations"], at=AT)
    withdrawn.refresh_from_db()
    assert (withdrawn.version, withdrawn.state) == (3, "WITHDRAWN")
    decided(bank, proposed(bank))
    with pytest.raises(WordingWrongDate):
        proposed(bank)
    assert versions_in_force(FROM)["DUE"] == 4


@pytest.mark.parametrize(
    ("statement", "claim"),
    [
        ("UPDATE correspondence_template SET text = text || '!'", "wording_is_its_hash"),
        ("UPDATE correspondence_template SET maker = 'P0009'", "wording_is_kept"),
        ("UPDATE correspondence_template SET checker = 'P0009'", "wording_is_kept"),
        ("UPDATE correspondence_template SET in_force = daterange('2001-01-01', NULL)", "wording_is_its_hash"),
        ("DELETE FROM correspondence_template", "never taken out"),
        ("UPDATE correspondence_template SET ended_by = 'P0001', ended_at = now()", "template_in_force_stays"),
    ],
)
def test_an_approved_wording_never_changes(db: None, statement: str, claim: str) -> None:
    with connection.cursor() as cursor, pytest.raises(Error, match=claim), transaction.atomic():
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("more", "claim"),
    [
        ({"checker": "P0001"}, "template_maker_is_not_checker"),
        ({}, "template_one_in_force"),
        ({"checked_at": None}, "template_checked_by_someone"),
        ({"ended_by": "P0002", "ended_at": AT}, "template_in_force_stays"),
        ({"version": 1, "in_force": DateRange(date(1999, 1, 1), date(1999, 2, 1))}, "template_version_once"),
        ({"content_sha256": "0" * 64}, "wording_is_its_hash"),
    ],
)
def test_a_wording_needs_a_second_person_and_is_alone_in_force(db: None, more: dict[str, Any], claim: str) -> None:
    made = Template.objects.get(kind="DUE")
    made.pk, made.version = None, 2
    for name, value in more.items():
        setattr(made, name, value)
    if "content_sha256" not in more:
        made.content_sha256 = content_sha256(made.kind, made.channel, made.in_force.lower, made.text)
    with pytest.raises(IntegrityError, match=claim), transaction.atomic():
        made.save(force_insert=True)


def test_faults_are_told_once_each() -> None:
    assert faults(TEXT) == ()
    missing = [f"missing:{name}" for name in ("note_tail", "amount", "about", "hotline")]
    assert faults("{x}{x}{bank}") == ("unknown:x", *missing)
    assert faults(TEXT + "{")[0] == "brace"


def test_a_page_proposes_previews_on_a_masked_loan_and_another_person_decides(bank: Bank) -> None:
    message_row(bank, "home")
    party = bank.loans["home"].borrower
    operations, risk = client_of(bank, "operations"), client_of(bank, "risk")
    path = reverse("correspondence:wordings")
    typed = {"kind": "OVERDUE", "text": TEXT, "from_on": str(FROM), "reason": "文字更短更清楚"}
    seen = operations.post(path, {**typed, "verb": "preview"}).content.decode()
    assert f"{party.name[:1]}**您好" in seen and party.name not in seen
    assert bank.loans["home"].loan_note_no[-4:] in seen and "应还1.00元" in seen
    assert not Template.objects.filter(version=2).exists()
    assert operations.post(path, {**typed, "text": "请还款", "verb": "preview"}).status_code == 422
    assert operations.post(path, typed).status_code == 302
    wording = Template.objects.get(version=2)
    page = reverse("correspondence:wording", args=[wording.pk])
    assert 'value="approve"' not in operations.get(page).content.decode()
    shown = risk.get(page).content.decode()
    assert 'value="approve"' in shown and f"{party.name[:1]}**您好" in shown and party.name not in shown
    sent = {"verb": "approve", "content_sha256": wording.content_sha256}
    assert risk.post(page, {**sent, "content_sha256": "0" * 64}).status_code == 409
    assert risk.post(page, sent).status_code == 302
    wording.refresh_from_db()
    assert wording.state == "APPROVED"
    assert risk.post(page, sent).status_code == 409


def test_the_api_proposes_reads_and_decides(bank: Bank) -> None:
    body = {"kind": "DUE", "text": TEXT, "from_on": str(FROM), "reason": "文字更短更清楚"}
    made = bank.api("operations").post("wordings/", body)
    assert (made.status_code, made.json()["state"], made.json()["version"]) == (201, "WAITING", 2)
    assert "5,000.00元" in made.json()["preview"]
    refused = bank.api("operations").post("wordings/", {**body, "text": "请还款"})
    assert refused.status_code in (409, 422)
    path = f"wordings/{made.json()['id']}/"
    answer = bank.api("risk").post(path + "decide/", {"approve": True, "content_sha256": made.json()["content_sha256"]})
    assert (answer.status_code, answer.json()["state"]) == (200, "APPROVED")
    assert bank.api("auditor").get(path).json()["checker"] == bank.staff["risk"].staff_no
    gone = bank.api("operations").post(path + "withdraw/", {"reason": "不再需要了"})
    assert (gone.status_code, gone.json()["error"]["code"]) == (409, "wording_decided")
    assert [row["version"] for row in bank.api("auditor").get("wordings/").json()["results"]][0] == 2
