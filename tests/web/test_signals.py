"""Pages and API of warnings: the list with its figures, the chain of a loan, each step by page and API."""

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from followups.batch.alerts import tell_signals
from followups.models import ResponseMeasure
from risk.batch.signals import Raise, raise_signals
from risk.models import Signal
from risk.rules.signals import Warned
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend=BACKEND)
    return client


def warn(loan: Any, level: int = 3, family: str = "INCOME", on: date = TODAY) -> Signal:
    code = {1: "ARREARS_91", 2: "INCOME_DOWN_40", 3: "INCOME_DOWN_20"}[level]
    warned = Warned(family, code, level, 11, {"income_change_percent": "-25", "income": "15000"})
    raise_signals([Raise(loan.pk, warned, "DAY_END", family)], version=1, by="system", as_of=on, at=AT)
    return Signal.objects.get(loan=loan, family=family)


def step(client: Client, signal: Signal, verb: str, **more: str) -> Any:
    signal.refresh_from_db()
    sent = {"signal": str(signal.pk), "version": str(signal.version), "verb": verb, **more}
    return client.post(reverse("followups:loan_signals", args=[signal.loan_id]), sent)


# S2.5 S2.16
def test_the_chain_is_walked_from_the_page_and_shows_who_and_when(bank: Bank) -> None:
    signal = warn(bank.loans["home"])
    officer, manager = client_of(bank, "officer"), client_of(bank, "manager")
    page = officer.get(reverse("followups:loan_signals", args=[signal.loan_id])).content.decode()
    for words in ("收入下降20%及以上", "预警规则 v1 第 11 行", "INCOME_DOWN_20", "家庭月收入变动 -25%", "待核实"):
        assert words in page
    assert step(officer, signal, "confirm", words="电话核实，收入确已下降").status_code == 302
    done = {"words": "与客户商定延期三个月", "owner": bank.staff["officer"].staff_no, "due_on": "2026-11-10"}
    assert step(officer, signal, "act", **done).status_code == 302
    action = signal.actions.get()
    assert step(officer, signal, "done", action=str(action.pk), result="已签延期协议").status_code == 302
    assert step(officer, signal, "close", words="自己关闭").status_code in (409, 422)
    assert step(manager, signal, "close", words="措施落实，风险可控").status_code == 302
    page = officer.get(reverse("followups:loan_signals", args=[signal.loan_id])).content.decode()
    for words in ("已处置", "措施落实，风险可控", "已签延期协议", bank.staff["manager"].name, "与客户商定延期三个月"):
        assert words in page


def test_a_refusal_is_said_beside_the_signal_and_keeps_what_was_typed(bank: Bank) -> None:
    signal = warn(bank.loans["home"], level=2)
    reply = step(client_of(bank, "officer"), signal, "explain", words="客户说没事")
    assert reply.status_code == 422 and "橙色、红色预警须由主管或风险经理排除。" in reply.content.decode()
    stale = client_of(bank, "officer").post(
        reverse("followups:loan_signals", args=[signal.loan_id]),
        {"signal": signal.pk, "version": 9, "verb": "confirm", "words": "旧窗口提交"},
    )
    assert stale.status_code == 409
    signal.refresh_from_db()
    assert (signal.state, signal.steps.count()) == ("NEW", 0)


def test_a_signal_of_another_loan_is_not_answered_through_this_one(bank: Bank) -> None:
    signal = warn(bank.loans["other"])
    sent = {"signal": signal.pk, "version": 1, "verb": "confirm", "words": "电话核实属实"}
    url = reverse("followups:loan_signals", args=[bank.loans["home"].pk])
    assert client_of(bank, "officer").post(url, sent).status_code == 404


# S2.5
def test_each_figure_opens_the_signals_behind_it(bank: Bank) -> None:
    loans = [book_loan(bank.home, bank.staff["officer"]) for _n in range(4)]
    open_now, late, closed = warn(loans[0]), warn(loans[1], on=date(2026, 10, 1)), warn(loans[2], level=2)
    warn(bank.loans["other"])
    client = client_of(bank, "manager")
    step(client, closed, "explain", words="流水证明收入未降")
    page = client.get(reverse("followups:signals")).content.decode()
    row = re.search(rf"<tr><td>{bank.home.name}</td>.*?</tr>", page)
    assert row is not None
    links = re.findall(r'href="(\?[^"]*)">(\d+)</a>', row[0])
    assert [int(count) for _query, count in links] == [3, 1, 2, 1]
    behind = []
    for query, count in links:
        shown = client.get(reverse("followups:signals") + query.replace("&amp;", "&")).content.decode()
        found = {int(pk) for pk in re.findall(r"#signal-(\d+)", shown)}
        assert len(found) == int(count)
        behind.append(found)
    assert behind[1:] == [{closed.pk}, {open_now.pk, late.pk}, {late.pk}]
    assert bank.other.name not in page


def test_the_list_and_the_chain_ask_no_more_for_more_rows(bank: Bank) -> None:
    client = client_of(bank, "manager")

    def statements(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    loan = bank.loans["home"]
    warn(loan)
    pages = (reverse("followups:signals"), reverse("followups:loan_signals", args=[loan.pk]))
    few = [statements(url) for url in pages]
    for number in range(8):
        other = warn(book_loan(bank.home, bank.staff["officer"]))
        step(client, other, "confirm", words="电话核实属实")
        warn(loan, family=f"FINDING_{number}")
    # Steps and names are read once there are any; beyond that more rows ask no more.
    assert all(statements(url) <= count + 2 for url, count in zip(pages, few, strict=True))
    assert max(few) <= 24


def test_the_bell_and_the_notices_hold_signals_until_they_are_read(bank: Bank) -> None:
    signal = warn(bank.loans["home"])
    tell_signals(as_of=TODAY, at=AT, loan_ids=[signal.loan_id])
    client = client_of(bank, "officer")
    before = client.get(reverse("followups:notices_count")).content.decode()
    page = client.get(reverse("followups:notices")).content.decode()
    assert f"/loans/{signal.loan_id}/signals/#signal-{signal.pk}" in page and "收入下降20%及以上" in page
    last = re.findall(r'name="alerts_up_to" value="(\d+)"', page)[0]
    up_to = re.findall(r'name="up_to" value="(\d+)"', page)[0]
    client.post(reverse("followups:notices_read"), {"up_to": up_to, "alerts_up_to": last})
    assert client.get(reverse("followups:notices_count")).content.decode() != before
    reply = bank.api("officer").get("notices/").json()
    assert [(row["signal_id"], row["code"], row["is_new"]) for row in reply["alerts"]] == [(signal.pk, "SIGNAL", False)]


# S2.16
def test_the_api_lists_answers_and_closes_as_the_page_does(bank: Bank) -> None:
    signal = warn(bank.loans["home"])
    api, path = bank.api("officer"), f"signals/{signal.pk}/"
    listed = api.get("signals/", state="OPEN").json()["results"]
    assert [(row["id"], row["code"], row["policy_version"], row["line_number"]) for row in listed] == [
        (signal.pk, "INCOME_DOWN_20", 1, 11),
    ]  # fmt: skip
    assert listed[0]["inputs"] == {"income_change_percent": "-25", "income": "15000"}
    told = api.post(f"{path}answer/", {"version": 1, "is_true": True, "words": "电话核实属实"}).json()
    owner = bank.staff["officer"].staff_no
    asked = {"version": 2, "words": "与客户商定延期", "owner": owner, "due_on": "2026-11-10"}
    told = api.post(f"{path}actions/", asked).json()
    action = told["actions"][0]["id"]
    told = api.post(f"signal-actions/{action}/finish/", {"result": "已签延期协议"}).json()
    version = told["signal"]["version"]
    assert bank.api("manager").post(f"{path}close/", {"version": version - 1, "words": "措施落实"}).status_code == 409
    told = bank.api("manager").post(f"{path}close/", {"version": version, "words": "措施落实"}).json()
    assert (told["signal"]["state"], told["signal"]["outcome"]) == ("CLOSED", "RESOLVED")
    assert [one["kind"] for one in told["steps"]] == ["CONFIRMED", "ACTION", "DONE", "CLOSED"]
    chain = api.get(f"loans/{signal.loan_id}/signals/").json()["results"]
    assert [one["signal"]["id"] for one in chain] == [signal.pk]


def test_html_in_words_is_shown_as_text(bank: Bank) -> None:
    signal = warn(bank.loans["home"])
    client = client_of(bank, "officer")
    step(client, signal, "confirm", words="<script>alert(1)</script>")
    page = client.get(reverse("followups:loan_signals", args=[signal.loan_id])).content.decode()
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page


def test_measures_of_a_warnings_report_are_named_in_the_readers_language(bank: Bank) -> None:
    signal = warn(bank.loans["home"])
    said = SimpleNamespace(kind=ResponseMeasure.objects.get(code="PROOF"), words="", due_on=TODAY)
    chain = SimpleNamespace(measures=[said], names={}, steps=(), actions=(), report=None)
    with translation.override("en"):
        page = render_to_string("followups/signals/chain.html", {"signal": signal, "chain": chain})
    assert "Collect missing proof" in page and "佐证材料" not in page
