"""What may arrive from outside: every hostile input ends in a documented status, and none reaches SQL text."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from config.api_urls import routes
from loans.actions.debits import make_debits
from loans.models import Receipt
from people.api.parsing import parse_strictly
from people.api.views import ListView
from people.queries import may
from tests.factories import AT, book_loan
from tests.web.api_bank import ROLES, Api, Bank, make_bank, pricing_rows
from tests.web.policy_rows import policy_rows

DOCUMENTED = {200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429}
AMOUNTS = [
    "-0", "-1", "0", "0.00", "0.001", "1e2", "1E2", "NaN", "Infinity", "-Infinity", "1_000", "１２", "٣", "0x10",
    "1,234.56", "+1", " 1", "1 ", "1.", ".5", "1.234", "", "12345678901234", "9" * 400, "1\u200b", "¥5", 1, 1.5, -1, 0,
    True, None, [], {}, ["1.00"], 10**38,
]  # fmt: skip
DAYS = [
    "0001-01-01", "9999-12-31", "2026-02-29", "2026-02-30", "1582-10-10", "2026-13-01", "20261101", "2026-W45-7",
    "2026-11-01T00:00:00+14:00", "01/11/2026", "", 20261101, None, "２０２６-11-01", "2026-11-1", "2026-11-01 ",
]  # fmt: skip
TEXTS = [
    "\u202e倒", "\u2066x", "a\u200bb", "e" + "\u0301" * 10_000, "𠀀", "·", "😀", "x" * 100_000, "{{7*7}}",
    "{0.__class__}", "%s%s%n", "'; DROP TABLE loans_loan;--", "../../etc/passwd", "\r\nX-Evil: 1",
    "<script>alert(1)</script>",
]  # fmt: skip
VALUES = [
    "", " ", "'", '"', "\\", "%", "_", "-1", "0", "1e999", "NaN", "9" * 400, "9999-12-31", "0001-01-01", "2026-02-30",
    "true", "null", "[]", "\u202e", "\ud7ff", "x" * 5000, "a\x00b", "__class__", "id__gt", "1 OR 1=1", "١", "1.5",
    "-9223372036854775809",
]  # fmt: skip


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def receipt(bank: Bank, **changed: Any) -> dict[str, Any]:
    fields = {"amount": "1.00", "value_on": "2026-11-01", "channel": "CORE", "serial": "S1"}
    return {"loan": bank.loans["home"].loan_note_no, **fields, **changed}


def refused(reply: Any, *statuses: int) -> dict[str, Any]:
    assert reply.status_code in (statuses or (400,)), (reply.status_code, reply.content[:300])
    error: dict[str, Any] = reply.json()["error"]
    assert set(error) == {"code", "message", "fields", "request_id"} and error["message"]
    return error


# ── Bodies ───────────────────────────────────────────────────────────────────────────────────────

BODIES = {
    "depth": b"[" * 100_000,
    "closed depth": b"[" * 40 + b"]" * 40,
    "objects in depth": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "duplicate keys": b'{"loan": "a", "loan": "b"}',
    "inner duplicate keys": b'{"loan": {"a": 1, "a": 1}}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": -Infinity}',
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "invalid UTF-8": b'{"a": "\xff\xfe"}',
    "surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "lone surrogate": b'{"loan": "\\ud800"}',
    "surrogate in a key": b'{"\\udfff": 1}',
    "NUL": b'{"loan": "a\\u0000b"}',
    "raw NUL": b'{"loan": "a\x00b"}',
    "long number": b'{"amount": ' + b"9" * 100_000 + b"}",
    "long fraction": b'{"amount": 1.' + b"9" * 100_000 + b"}",
    "huge exponent": b'{"amount": 1e999999999}',
    "not JSON": b"loan=1&amount=2",
    "cut": b'{"loan": "a',
    "list": b"[]",
    "text": b'"x"',
    "null": b"null",
    "nothing": b"",
    "many keys": json.dumps({str(n): 0 for n in range(150_000)}).encode(),
    "escaped quotes": b'\\"' * 500_000,
}


def test_a_malformed_body_is_refused_with_the_reason(bank: Bank) -> None:
    for name, body in BODIES.items():
        error = refused(bank.api("operations").post("receipts/", raw=body, key="k"))
        assert error["code"] in ("malformed", "invalid_input"), name
    assert Receipt.objects.count() == 0


def test_bodies_too_large_packed_or_of_another_type_are_refused(bank: Bank) -> None:
    api = bank.api("operations")
    large = b'{"loan": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    assert refused(api.post("receipts/", raw=large, key="k"), 413)["code"] == "too_large"
    packed = gzip.compress(b"{}" + b" " * 10_000_000)
    assert refused(api.post("receipts/", raw=packed, key="k", **{"Content-Encoding": "gzip"}), 415)
    good = json.dumps(receipt(bank)).encode()
    for media_type in (
        "text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data",
        "multipart/form-data; boundary=x", "application/json; charset=gbk", "", "json", "application/json/x",
    ):  # fmt: skip
        error = refused(api.post("receipts/", raw=good, key="k", content_type=media_type), 415)
        assert error["code"] == "unsupported_media_type"
    assert api.post("receipts/", raw=good, key="k", content_type="application/json; charset=UTF-8").status_code == 201


def test_a_form_sent_with_a_session_is_refused_before_it_is_read(bank: Bank) -> None:
    from django.test import Client

    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(bank.staff["operations"], backend="django.contrib.auth.backends.ModelBackend")
    reply = client.post("/api/v1/receipts/", b"--broken", content_type="multipart/form-data; boundary=")
    assert reply.status_code in (400, 403, 415) and "error" in reply.json()


TEXT = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SIMPLE = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | TEXT


@given(
    st.recursive(
        SIMPLE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
    )
)
def test_what_is_well_formed_is_read_as_it_was_written(value: Any) -> None:
    assert parse_strictly(json.dumps(value).encode()) == value
    assert parse_strictly(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_parse_error(body: bytes) -> None:
    with suppress(ParseError):
        parse_strictly(body)


# ── Fields ───────────────────────────────────────────────────────────────────────────────────────


def test_only_plain_amounts_are_taken(bank: Bank) -> None:
    for amount in AMOUNTS:
        error = refused(bank.api("operations").post("receipts/", receipt(bank, amount=amount), key="k"))
        assert list(error["fields"]) == ["amount"], amount
    assert Receipt.objects.count() == 0


def test_only_plain_days_are_taken(bank: Bank) -> None:
    for day in DAYS:
        reply = bank.api("operations").post("receipts/", receipt(bank, value_on=day), key="k")
        assert list(refused(reply, 400, 422)["fields"]) == ["value_on"], day
    assert Receipt.objects.count() == 0


def test_odd_text_is_refused_or_harmless(bank: Bank) -> None:
    path = f"tasks/{bank.tasks['home'].pk}"
    for text in TEXTS:
        for name in ("loan", "channel", "serial"):
            if name == "serial" and text == "../../etc/passwd":
                continue  # dots and slashes are part of serials; they are data, never a path
            refused(bank.api("operations").post("receipts/", receipt(bank, **{name: text}), key=f"k{name}"), 400, 422)
        for where, body in (("assign", {"officer": text}), ("reschedule", {"to": "2026-11-20", "reason": text})):
            assert bank.api("manager").post(f"{path}/{where}/", body).status_code in DOCUMENTED, text
    assert Receipt.objects.count() == 0


def test_fields_that_nobody_declared_are_refused(bank: Bank) -> None:
    model_fields = [field.name for field in Receipt._meta.get_fields() if field.name not in receipt(bank)]
    for name in [*model_fields, "id", "pk", "loan_id", "loan__branch", "__class__", "state", "posted_on"]:
        error = refused(bank.api("operations").post("receipts/", receipt(bank, **{name: "1"}), key="k"))
        assert name in error["fields"]
    for path, body in (
        ("claim", {"assigned_to": 1}),
        ("draft", {"version": 1, "draft": {"answers": {}}, "lead_visitor": 1}),
        ("draft", {"version": 1, "draft": {"answers": {"income": {"choice": "SAME", "known": "1"}}}}),
        ("draft", {"version": 1, "draft": {"answers": {}, "saved_by": "x"}}),
    ):
        refused(bank.api("officer").post(f"tasks/{bank.tasks['home'].pk}/{path}/", body))


def test_odd_drafts_change_nothing(bank: Bank) -> None:
    officer, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}"
    visit = officer.post(f"{path}/start/").json()
    item = visit["sections"][0]["items"][0]["key"]
    drafts: list[Any] = [
        None, [], "x", 1, {"answers": []}, {"answers": {item: []}}, {"answers": {item: {"choice": 1}}},
        {"answers": {item: {"now": 12}}}, {"answers": {item: {"now": "x" * 301}}},
        {"answers": {item: {"choice": "MAYBE"}}},
        {"answers": {"nobody_asked": {"now": "x"}}}, {"answers": {item: {"now": "a\u202eb"}}}, {"conclusion": "FINE"},
        {"suggested_class": ["PASS"]}, {"second_visitor": {}}, {"conclusion_text": "x" * 1001},
        {"answers": {str(n): {"now": "x" * 300} for n in range(1000)}},
    ]  # fmt: skip
    for draft in drafts:
        for action in ("draft", "submit"):
            refused(officer.post(f"{path}/{action}/", {"version": visit["version"], "draft": draft}), 400, 422)
    for version in ("1", 1.0, None, -1, True, 10**30, []):
        refused(officer.post(f"{path}/draft/", {"version": version, "draft": {}}), 400, 409)
    assert officer.get(f"visits/{bank.tasks['home'].pk}/").json()["version"] == visit["version"]


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────

LISTS = {route.name: route.callback.view_class for route in routes if issubclass(route.callback.view_class, ListView)}  # type: ignore[attr-defined]


def paths(bank: Bank) -> Iterator[tuple[str, type[ListView]]]:
    run, dry_run = pricing_rows(bank)["repricing"], policy_rows()["dryrun"]
    debits, _is_new = make_debits(by=bank.staff["operations"], at=AT)
    for route in routes:
        if route.name in LISTS:
            kept = {"repricing": run, "money-file": debits.pk, "money_file": debits.pk, "dryrun": dry_run}
            pk = next((pk for name, pk in kept.items() if route.name.startswith(name)), bank.loans["home"].pk)
            yield str(route.pattern).replace("<int:pk>", str(pk)), LISTS[route.name]


def kind_of(view: type[ListView], name: str) -> tuple[Any, ...]:
    """What reads a parameter: the paging of all lists, a kind of filter, or a method of the list's own."""
    found = view.filterset_class.base_filters.get(name) if view.filterset_class else None
    if found is None:
        return ("own", view, name) if name in view.query_parameters else ("paging", name)
    method = getattr(found, "_method", None)
    return (view.filterset_class, name) if method else (type(found), found.lookup_expr)


def test_no_parameter_value_breaks_a_list(bank: Bank) -> None:
    """Each kind of parameter is given every value once, and every fourth wherever else it is asked."""
    asked = 0
    known: set[tuple[Any, ...]] = set()
    for path, view in paths(bank):
        asked_for = view.permission["GET"] if isinstance(view.permission, dict) else view.permission
        who = next(who for who in ("auditor", *ROLES) if may(bank.staff[who], asked_for))
        for name in sorted(view().known_parameters()):
            kind = kind_of(view, name)
            values = list(VALUES)[asked % 4 :: 4] if kind in known else VALUES
            known.add(kind)
            for value in values:
                reply = bank.api(who).get(path, **{name: value})
                # A branch that is not there is missing, as everywhere.
                wanted = (200, 400, 404) if name == "branch" else (200, 400)
                assert reply.status_code in wanted, (path, name, value, reply.content[:300])
                asked += 1
    assert asked > 1000


def test_a_page_is_between_1_and_200_rows(bank: Bank) -> None:
    for size in ("0", "-1", "201", "999999999999", "1e2", "１２", "x", "50.0"):
        assert "page_size" in refused(bank.api("auditor").get("loans/", page_size=size))["fields"], size


def test_only_named_orderings_are_taken(bank: Bank) -> None:
    for name in ("borrower__id_no", "password", "tape_sha256", "position__suspense", "?", "--id", "id,branch", "pk"):
        assert "ordering" in refused(bank.api("auditor").get("loans/", ordering=name))["fields"], name


def test_unknown_and_repeated_parameters_are_refused(bank: Bank) -> None:
    for query in ("borrower__phone=1", "limit=1", "id__in=1", "page_size=1&page_size=2", "branch=a&branch=b"):
        reply = bank.api("auditor").client.get(f"/api/v1/loans/?{query}", headers=bank.api("auditor").headers)
        refused(reply)
    both = "/api/v1/tasks/?state=PLANNED&state=RETURNED"
    assert bank.api("auditor").client.get(both, headers=bank.api("auditor").headers).status_code == 200


def test_a_cursor_cannot_be_made_or_moved_elsewhere(bank: Bank) -> None:
    auditor = bank.api("auditor")
    cursor = auditor.get("loans/", page_size=1).json()["next"]
    assert cursor
    assert auditor.get("loans/", page_size=1, cursor=cursor).status_code == 200
    for path, parameters in (
        ("loans/", {"cursor": cursor[:-1] + ("A" if cursor[-1] != "A" else "B")}),
        ("loans/", {"cursor": "x"}),
        ("loans/", {"cursor": "é:1:2"}),
        ("loans/", {"cursor": cursor, "ordering": "loan_note_no"}),
        ("tasks/", {"cursor": cursor}),
    ):
        assert refused(auditor.get(path, **parameters))["code"] == "bad_cursor"


def test_pages_join_without_gap_or_repetition_there_and_back(bank: Bank) -> None:
    for days in (0, 5, 0, 5, 40):
        book_loan(bank.home, days_past_due=days)
    auditor = bank.api("auditor")
    for ordering in ("id", "-id", "overdue_since", "-overdue_since", "next_due_on", "-principal_balance"):
        whole = [row["id"] for row in auditor.get("loans/", ordering=ordering).json()["results"]]
        pages = [auditor.get("loans/", ordering=ordering, page_size=2).json()]
        while pages[-1]["next"]:
            pages.append(auditor.get("loans/", ordering=ordering, page_size=2, cursor=pages[-1]["next"]).json())
        assert [row["id"] for page in pages for row in page["results"]] == whole and len(whole) == 7, ordering
        back, before = pages[-1], []
        while back["previous"]:
            back = auditor.get("loans/", ordering=ordering, page_size=2, cursor=back["previous"]).json()
            before.append([row["id"] for row in back["results"]])
        assert before == [[row["id"] for row in page["results"]] for page in reversed(pages[:-1])], ordering


def test_a_count_is_given_only_when_asked_for(bank: Bank) -> None:
    assert "count" not in bank.api("auditor").get("loans/").json()
    counted = bank.api("auditor").get("loans/", with_count="1").json()
    assert (counted["count"], counted["count_is_capped"]) == (2, False)


# ── SQL ──────────────────────────────────────────────────────────────────────────────────────────

CANARY = "zqcanary7'\";--"


@contextmanager
def no_canary_in_sql() -> Iterator[list[str]]:
    """Fails when the canary stands in the text of a statement; as a bound parameter it is welcome."""
    found: list[str] = []

    def look(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if "zqcanary7" in str(sql):
            found.append(str(sql))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield found
    assert found == []


def test_no_text_of_a_user_becomes_sql(bank: Bank) -> None:
    with no_canary_in_sql():
        for path, view in paths(bank):
            for name in [*sorted(view().known_parameters()), CANARY]:
                bank.api("auditor").get(path, **{name: CANARY})
        for name in receipt(bank):
            bank.api("operations").post("receipts/", receipt(bank, **{name: CANARY}), key="canary")
        bank.api("operations").post("receipts/", receipt(bank), key="zqcanary7';--")
        Api().post("tokens/", {"staff_no": "zqcanary7'--", "password": CANARY, "name": CANARY})
        Api(Authorization=f"Bearer {CANARY}").get("loans/")
        path = f"tasks/{bank.tasks['home'].pk}"
        bank.api("manager").post(f"{path}/assign/", {"officer": CANARY, "reason": CANARY})
        bank.api("manager").post(f"{path}/reschedule/", {"to": "2026-11-20", "reason": CANARY})
        with transaction.atomic():
            version = bank.api("officer").post(f"{path}/start/").json()["version"]
        draft = {"answers": {CANARY: {"now": CANARY}}, "conclusion_text": CANARY}
        bank.api("officer").post(f"{path}/draft/", {"version": version, "draft": draft})
