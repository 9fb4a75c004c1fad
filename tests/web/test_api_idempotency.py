"""One receipt, however often it is sent: replay, mismatch, other people's keys, refusals, crashes, races."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from django.db import connection, connections
from django.utils import timezone

from loans.models import Posting, Receipt
from people.api import idempotency
from people.models import IdempotencyKey
from people.tokens import issue_token
from tests.factories import book_loan, make_branch, make_staff
from tests.web.api_bank import Api, Bank, make_bank

BODY = {"amount": "3204.71", "value_on": "2026-11-01", "channel": "CORE", "serial": "20261101-000017"}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def body_for(bank: Bank, **changed: Any) -> dict[str, Any]:
    return {"loan": bank.loans["home"].loan_note_no, **BODY, **changed}


def test_a_receipt_sent_twice_under_one_key_is_one_receipt_and_one_reply(bank: Bank) -> None:
    api, body = bank.api("operations"), body_for(bank)
    first = api.post("receipts/", body, key="k1")
    assert first.status_code == 201 and first.json()["state"] == "POSTED" and "Idempotency-Replayed" not in first
    again = api.post("receipts/", body, key="k1")
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert Receipt.objects.count() == 1 and Posting.objects.filter(kind="RECEIPT").count() == 1


def test_the_same_key_for_something_else_is_refused(bank: Bank) -> None:
    api = bank.api("operations")
    assert api.post("receipts/", body_for(bank), key="k1").status_code == 201
    other = api.post("receipts/", body_for(bank, amount="3204.72"), key="k1")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert Receipt.objects.count() == 1


def test_the_key_is_required_and_has_limits(bank: Bank) -> None:
    for key in ("", "x" * 256, "with space"):
        reply = bank.api("operations").post("receipts/", body_for(bank), key=key)
        assert reply.status_code == 400 and "Idempotency-Key" in reply.json()["error"]["fields"]
    assert Receipt.objects.count() == 0 and IdempotencyKey.objects.count() == 0


def test_keys_of_different_people_never_meet(bank: Bank) -> None:
    second = make_staff("OPERATIONS", bank.home.parent or bank.home)
    other = Api(issue_token(staff=second, name="t", by="system", at=timezone.now())[0])
    assert bank.api("operations").post("receipts/", body_for(bank), key="k1").status_code == 201
    mine = other.post("receipts/", body_for(bank, serial="another"), key="k1")
    assert mine.status_code == 201 and "Idempotency-Replayed" not in mine


def test_the_same_serial_under_a_new_key_posts_nothing_more(bank: Bank) -> None:
    api = bank.api("operations")
    first = api.post("receipts/", body_for(bank), key="k1")
    repeated = api.post("receipts/", body_for(bank), key="k2")
    assert (repeated.status_code, repeated.json()) == (200, first.json())
    changed = api.post("receipts/", body_for(bank, amount="1.00"), key="k3")
    assert (changed.status_code, list(changed.json()["error"]["fields"])) == (409, ["serial"])
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


def test_a_refusal_by_the_rules_is_replayed_and_bad_input_is_not(bank: Bank) -> None:
    api = bank.api("operations")
    refused = api.post("receipts/", body_for(bank, value_on="2020-01-01"), key="k1")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (422, ["value_on"])
    again = api.post("receipts/", body_for(bank, value_on="2020-01-01"), key="k1")
    assert (again.content, again["Idempotency-Replayed"]) == (refused.content, "true")
    assert api.post("receipts/", body_for(bank, amount=12), key="k2").status_code == 400
    assert api.post("receipts/", body_for(bank), key="k2").status_code == 201


def test_a_crash_leaves_no_key_behind_and_the_retry_works(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    api = bank.api("operations")
    with monkeypatch.context() as patched:
        patched.setattr("loans.api.receipts.Receipt.objects.get", _broken)
        reply = api.post("receipts/", body_for(bank), key="k1")
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["fields"]) == (500, "internal_error", {})
    assert "Traceback" not in reply.content.decode() and "personal" not in reply.content.decode()
    assert IdempotencyKey.objects.count() == 0 and Receipt.objects.count() == 0
    assert api.post("receipts/", body_for(bank), key="k1").status_code == 201


def _broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("personal data in an exception")


def test_a_failure_at_any_statement_leaves_nothing_and_the_retry_works(bank: Bank) -> None:
    api, reply, statement = bank.api("operations"), None, 0
    while reply is None or reply.status_code != 201:
        with connection.execute_wrapper(_PowerCut(at=statement)):
            reply = api.post("receipts/", body_for(bank), key="k1")
        statement += 1
        if reply.status_code != 201:
            assert reply.status_code == 500
            assert IdempotencyKey.objects.count() == Receipt.objects.count() == 0
            assert not Posting.objects.filter(kind="RECEIPT").exists()
    assert statement > 12
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


class _PowerCut:
    """Fails at the n-th statement; those that frame a transaction do not count."""

    def __init__(self, *, at: int) -> None:
        self.left = at

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            self.left -= 1
            if self.left == -1:
                raise RuntimeError("power cut")
        return execute(sql, params, many, context)


def test_other_writes_honour_a_key_too(bank: Bank) -> None:
    api, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}/claim/"
    first, again = api.post(path, key="c1"), api.post(path, key="c1")
    assert first.content == again.content and again["Idempotency-Replayed"] == "true"
    reused = api.post(f"tasks/{bank.tasks['home'].pk}/start/", key="c1")
    assert reused.status_code == 422


def test_a_replay_still_asks_for_the_permission(bank: Bank) -> None:
    api = bank.api("operations")
    api.post("receipts/", body_for(bank), key="k1")
    bank.staff["operations"].roles.clear()
    assert api.post("receipts/", body_for(bank), key="k1").status_code == 403


def test_old_keys_are_forgotten(bank: Bank) -> None:
    bank.api("operations").post("receipts/", body_for(bank), key="k1")
    kept = IdempotencyKey.objects.get()
    assert idempotency.forget_keys(before=kept.created_at) == 0
    assert idempotency.forget_keys(before=kept.created_at + timedelta(seconds=1)) == 1


# ── Two connections ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def open_bank(fresh_bank: Any, django_db_blocker: Any) -> Any:
    """A bank whose commits are real: the key of one person of operations and a loan's number."""
    with django_db_blocker.unblock():
        branch = make_branch()
        loan = book_loan(branch)
        staff = make_staff("OPERATIONS", branch.parent or branch)
        key, _token = issue_token(staff=staff, name="t", by="system", at=timezone.now())
        yield key, staff, {"loan": loan.loan_note_no, **BODY}, fresh_bank


def _post(key: str, body: dict[str, Any], under: str) -> tuple[int, str, bytes]:
    try:
        reply = Api(key).post("receipts/", body, key=under)
        return reply.status_code, reply.headers.get("Idempotency-Replayed", ""), reply.content
    finally:
        connections.close_all()


def test_a_key_in_flight_is_refused_at_once(open_bank: Any) -> None:
    key, staff, body, fresh = open_bank
    number = int.from_bytes(hashlib.sha256(f"idempotency:{staff.pk}:k1".encode()).digest()[:8], "big", signed=True)
    held = psycopg2.connect(fresh.env["DATABASE_URL"])
    with held.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
        status, _replayed, content = _post(key, body, "k1")
        assert status == 409 and b"idempotency_key_in_flight" in content
    held.close()
    assert _post(key, body, "k1")[0] == 201


def test_a_busy_loan_is_said_and_the_retry_works(open_bank: Any) -> None:
    key, _staff, body, fresh = open_bank
    held = psycopg2.connect(fresh.env["DATABASE_URL"])
    with held.cursor() as holder, connections["default"].cursor() as cursor:
        holder.execute("SELECT 1 FROM loans_position FOR UPDATE")
        cursor.execute("SET lock_timeout = '200ms'")
        reply = Api(key).post("receipts/", body, key="k1")
        assert (reply.status_code, reply.json()["error"]["code"], reply["Retry-After"]) == (503, "busy", "2")
    held.close()
    assert IdempotencyKey.objects.count() == 0
    assert _post(key, body, "k1")[0] == 201


def test_sixteen_at_once_post_one_receipt(open_bank: Any) -> None:
    key, _staff, body, _fresh = open_bank
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _n: _post(key, body, "k1"), range(16)))
    made = [reply for reply in replies if reply[0] == 201 and not reply[1]]
    assert len(made) == 1
    assert all(status == 409 or (status == 201 and content == made[0][2]) for status, _replayed, content in replies)
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


def test_without_the_guard_the_race_shows(open_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: with the lock off both find the key new, and one falls through to the database's last word."""
    key, _staff, body, _fresh = open_bank
    gate, look_up = threading.Barrier(2), IdempotencyKey.objects.filter

    def both_look(**given: Any) -> Any:
        found = look_up(**given).first()
        gate.wait(30)
        return SimpleNamespace(first=lambda: found)

    monkeypatch.setattr(idempotency, "_lock", lambda staff_id, under: True)
    monkeypatch.setattr(IdempotencyKey.objects, "filter", both_look)
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _n: _post(key, body, "k1"), range(2)))
    assert sorted(reply[0] for reply in replies) == [201, 500]
    assert Posting.objects.filter(kind="RECEIPT").count() == 1
