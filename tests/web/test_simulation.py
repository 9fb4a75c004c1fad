"""The engine's two doors: the command on standard input and the API say the same, and store nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from journal.models import Entry
from people.tokens import issue_token
from tests.factories import AT, make_branch, make_staff
from tests.rules.contracts import PLAIN, contract, response
from tests.web.api_bank import Api, Bank, make_bank
from tests.web.test_api_schema import faults

HOME = Path(__file__).resolve().parents[2]
GARBAGE = {
    "nothing": b"",
    "no JSON": b"principal=1",
    "NaN": b'{"principal": NaN}',
    "twice": b'{"principal": "1.00", "principal": "2.00"}',
    "depth": b"[" * 50_000,
    "BOM": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"principal": "\xff"}',
    "half a character": b'{"principal": "\\ud800"}',
    "NUL": b'{"principal": "\\u0000"}',
    "long number": b'{"principal": ' + b"9" * 5000 + b"}",
}


def command(sent: bytes, **env: str) -> tuple[int, Any, bytes]:
    """Exit status, what came out as JSON, and standard error; no database address is known to it."""
    without = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "SECRET", "REDIS"))
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "simulate_schedule"],
        cwd=HOME, input=sent, capture_output=True, timeout=60, check=False,
        env={**without, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing", "DEBUG": "0", **env},
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout.decode()), done.stderr


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def test_the_command_answers_an_object_and_an_array() -> None:
    assert command(json.dumps(PLAIN).encode()) == (0, response(PLAIN), b"")
    both = [PLAIN, contract(method="EQUAL_PRINCIPAL", installments=480)]
    assert command(json.dumps(both).encode()) == (0, [response(one) for one in both], b"")
    assert command(b"[]") == (0, [], b"")


def test_the_command_names_wrong_fields_and_ends_with_two() -> None:
    status, found, said = command(json.dumps({**PLAIN, "principal": 1000, "term": 5}).encode())
    assert (status, set(found["errors"]), said) == (2, {"principal", "term"}, b"")
    assert found["errors"]["term"] == ["没有这个字段。"]
    status, found, said = command(json.dumps([PLAIN, {**PLAIN, "installments": 481}]).encode())
    assert (status, found) == (2, {"errors": {"1.installments": ["请填 1 至 480 的整数。"]}})


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE)
def test_the_command_refuses_what_is_not_plain_json(sent: bytes) -> None:
    status, found, said = command(sent)
    assert (status, list(found["errors"]), said) == (2, ["body"], b"")


def test_the_command_writes_where_there_is_no_utf8() -> None:
    status, found, _said = command(b"{}", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    assert (status, found["errors"]["principal"]) == (2, ["此项必填。"])


def test_the_api_gives_what_the_command_gives(bank: Bank) -> None:
    entries = Entry.objects.count()
    event = {"paid_on": "2027-01-30", "amount": "200000.00", "effect": "SHORTEN_TERM"}
    for sent in (PLAIN, contract(prepayments=[event]), [PLAIN, contract(installments=1)], []):
        reply = bank.api("officer").post("simulations/schedule/", sent)
        assert reply.status_code == 200
        expected = [response(one) for one in sent] if isinstance(sent, list) else response(sent)
        assert reply.json() == expected
    assert Entry.objects.count() == entries


def test_the_api_names_the_same_fields_as_the_command_and_in_its_one_shape(bank: Bank) -> None:
    for sent in ({**PLAIN, "principal": 1000, "term": 5}, [PLAIN, {**PLAIN, "installments": 481}], 5, "x", [1]):
        reply = bank.api("officer").post("simulations/schedule/", sent)
        error = reply.json()["error"]
        assert (reply.status_code, error["code"]) == (400, "invalid_input")
        assert error["fields"] == reply.json()["errors"] == command(json.dumps(sent).encode())[1]["errors"]
    too_many = bank.api("officer").post("simulations/schedule/", [PLAIN] * 101)
    assert too_many.json()["error"]["fields"] == {"body": ["最多 100 项。"]}


def test_the_api_speaks_english(bank: Bank) -> None:
    reply = bank.api("officer").post("simulations/schedule/", {}, **{"Accept-Language": "en"})
    assert reply.json()["error"]["fields"]["principal"] == ["This field is required."]


@pytest.mark.parametrize("sent", GARBAGE.values(), ids=GARBAGE)
def test_the_api_refuses_what_is_not_plain_json(db: None, sent: bytes) -> None:
    staff = make_staff("LOAN_OFFICER", make_branch())
    key, _token = issue_token(staff=staff, name="x", by=staff.staff_no, at=AT)
    reply = Api(key).post("simulations/schedule/", raw=sent)
    assert reply.status_code == 400
    # without a body nothing was asked: the API misses the fields, the command its input
    assert reply.json()["errors"] if not sent else reply.json()["errors"] == command(sent)[1]["errors"]


def test_the_reply_keeps_to_the_description(bank: Bank) -> None:
    description = Api().get("schema/", format="json").json()
    path = "/api/v1/simulations/schedule/"
    sent = contract(
        rate_changes=[{"effective_on": "2026-03-01", "annual_rate_percent": "3.00"}],
        prepayments=[{"paid_on": "2027-01-30", "amount": "200000.00", "effect": "SHORTEN_TERM"}],
    )
    for body in (sent, [sent]):
        assert faults(description, path, "post", bank.api("officer").post("simulations/schedule/", body)) == []
    examples = description["paths"][path]["post"]
    asked = next(iter(examples["requestBody"]["content"]["application/json"]["examples"].values()))["value"]
    answered = next(iter(examples["responses"]["200"]["content"]["application/json"]["examples"].values()))["value"]
    assert response(asked) == answered
    fields = description["components"]["schemas"]["SimulationForm"]["properties"]
    assert len(fields) == 15
    assert set(description["components"]["schemas"]["InterestPauseForm"]["properties"]) == {"from", "to"}


def test_a_simulation_asks_the_database_only_who_is_asking(bank: Bank) -> None:
    officer = bank.api("officer")
    with CaptureQueriesContext(connection) as plain:
        officer.get("business-date/")
    with CaptureQueriesContext(connection) as simulated:
        officer.post("simulations/schedule/", PLAIN)
    assert len(simulated) < len(plain)
