"""Pricing on pages and over the API: rates, runs, decisions, notices, lists; what others see; how many queries."""

import csv
import io
import shutil
import subprocess
import zipfile
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.previews import preview_waiting
from journal.models import Entry
from loans.actions.repricing import ask_for_preview, decide_repricing, propose_repricing
from loans.batch import previews, reprice
from loans.models import LprRate, Position, Pricing, RepricingItem, RepricingRun
from people.models import Role, Scope
from tests.factories import AT, book_loan
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

NEW_YEAR = date(2027, 1, 1)
RATE = {"tenor": "Y5", "published_on": "2026-10-20", "rate_percent": "3.40", "source": "2026年10月公告"}


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    Pricing.objects.update(spread_bp=Decimal("-30"))
    return bank


def run_of(bank: Bank, *, is_approved: bool = False) -> RepricingRun:
    run = propose_repricing(from_on=NEW_YEAR, to_on=NEW_YEAR, by=bank.staff["operations"], at=AT)
    if is_approved:
        decide_repricing(
            run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=bank.staff["risk"], at=AT
        )
    return RepricingRun.objects.get(pk=run.pk)


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────


def test_a_rate_goes_from_the_form_to_its_approval(bank: Bank) -> None:
    maker, checker = client_of(bank, "operations"), client_of(bank, "risk")
    assert maker.post(reverse("loans:lpr"), RATE).status_code == 302
    row = LprRate.objects.get(published_on=date(2026, 10, 20))
    assert reverse("loans:lpr_decide", args=[row.pk]) not in maker.get(reverse("loans:lpr")).content.decode()
    page = checker.get(reverse("loans:lpr")).content.decode()
    assert reverse("loans:lpr_decide", args=[row.pk]) in page and "−10" in page
    assert checker.post(reverse("loans:lpr_decide", args=[row.pk]), {"verb": "approve"}).status_code == 302
    again = checker.post(reverse("loans:lpr_decide", args=[row.pk]), {"verb": "approve"})
    assert again.status_code == 409 and LprRate.objects.get(pk=row.pk).is_approved


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"rate_percent": "\u0663.40"}, "rate_percent"),
        ({"rate_percent": "3,40"}, "rate_percent"),
        ({"rate_percent": "1e1"}, "rate_percent"),
        ({"rate_percent": "3.47"}, "rate_percent"),
        ({"published_on": "20.10.2026"}, "published_on"),
        ({"published_on": "2026-02-30"}, "published_on"),
        ({"published_on": "2026-10-21"}, "published_on"),
        ({"source": ""}, "source"),
    ],
)
def test_a_wrong_rate_is_shown_again_with_its_field(bank: Bank, changed: dict[str, str], field: str) -> None:
    response = client_of(bank, "operations").post(reverse("loans:lpr"), {**RATE, **changed})
    assert response.status_code == 422
    assert f'name="{field}"' in response.content.decode() and 'aria-invalid="true"' in response.content.decode()
    assert not LprRate.objects.filter(proposed_by__isnull=False).exists()


def test_a_rate_typed_full_width_is_folded_and_the_page_says_what_it_understood(bank: Bank) -> None:
    client, typed = client_of(bank, "operations"), "\uff13\uff0e\uff14\uff10"
    part = client.get(
        reverse("loans:lpr"), {"tenor": "Y5", "rate_percent": typed}, headers={"HX-Request": "true"}
    ).content.decode()
    assert "3.40%" in part and "−10" in part and "<html" not in part
    wrong = client.get(reverse("loans:lpr"), {"tenor": "Y5", "rate_percent": "3,4"}, headers={"HX-Request": "true"})
    assert 'class="fault"' in wrong.content.decode()
    assert client.post(reverse("loans:lpr"), {**RATE, "rate_percent": typed}).status_code == 302
    assert LprRate.objects.get(published_on=date(2026, 10, 20)).rate_percent == Decimal("3.40")


def test_a_run_goes_from_preview_to_approval_and_notices(bank: Bank) -> None:
    maker, checker = client_of(bank, "operations"), client_of(bank, "risk")
    page = maker.get(reverse("loans:repricing_runs")).content.decode()
    assert 'value="2027-01-01"' in page
    made = maker.post(reverse("loans:repricing_propose"), {"from_on": "2027-01-01", "to_on": "2027-01-01"})
    run = RepricingRun.objects.get()
    path = made.headers["Location"]
    assert path == reverse("loans:repricing_run", args=[run.pk]) and run.state == "PREVIEWING"
    assert "/ 2" in maker.get(path).content.decode() and "停止试算" in maker.get(path).content.decode()
    assert maker.get(f"{path}?previewing=1", headers={"HX-Request": "true"}).headers.get("HX-Refresh") is None
    again = maker.post(reverse("loans:repricing_propose"), {"from_on": "2027-01-01", "to_on": "2027-01-01"})
    assert again.status_code == 409 and "正在试算" in again.content.decode()
    early = checker.post(reverse("loans:repricing_decide", args=[run.pk]), {"verb": "approve", "content_sha256": ""})
    assert early.status_code == 409
    assert preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    assert maker.get(f"{path}?previewing=1", headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert reverse("loans:repricing_decide", args=[run.pk]) not in maker.get(made.headers["Location"]).content.decode()
    shown = checker.get(made.headers["Location"]).content.decode()
    assert run.content_sha256 in shown
    for loan in bank.loans.values():
        item = RepricingItem.objects.get(loan=loan)
        assert loan.loan_note_no in shown and f"{item.new_installment:,.2f}" in shown
    early = maker.get(reverse("loans:repricing_notices", args=[run.pk, "csv"]))
    assert early.status_code == 302
    decided = {"verb": "approve", "content_sha256": run.content_sha256}
    assert checker.post(reverse("loans:repricing_decide", args=[run.pk]), decided).status_code == 302
    assert checker.post(reverse("loans:repricing_decide", args=[run.pk]), decided).status_code == 409
    reply = maker.get(reverse("loans:repricing_notices", args=[run.pk, "csv"]))
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert {row["借据号"] for row in rows} == {loan.loan_note_no for loan in bank.loans.values()}
    assert all("**" in row["客户"] for row in rows)
    named = maker.get(reverse("loans:repricing_notices", args=[run.pk, "csv"]) + "?names=1").content.decode("utf-8-sig")
    assert all(loan.borrower.name in named for loan in bank.loans.values())
    told = Entry.objects.filter(kind="loans.repricing_notices_taken").order_by("id")
    assert [(entry.data["with_names"], entry.data["notices"]) for entry in told] == [(False, 2), (True, 2)]
    refused = checker.get(reverse("loans:repricing_notices", args=[run.pk, "csv"]) + "?names=1")
    assert refused.status_code == 302 and told.count() == 2
    one = RepricingItem.objects.get(loan=bank.loans["home"])
    mine = next(row for row in rows if row["借据号"] == bank.loans["home"].loan_note_no)
    assert (mine["原月供"], mine["新月供"]) == (f"{one.old_installment}", f"{one.new_installment}")
    assert (mine["该期应还"], mine["新月供自"]) == (f"{one.first_amount}", str(one.regular_on))
    book = maker.get(reverse("loans:repricing_notices", args=[run.pk, "xlsx"]))
    assert zipfile.ZipFile(io.BytesIO(book.content)).testzip() is None
    assert maker.get(reverse("loans:repricing_notices", args=[run.pk, "exe"])).status_code == 404
    assert maker.get(reverse("loans:wide_spreads_file", args=["exe"])).status_code == 404
    assert Entry.objects.filter(kind="loans.repricing_notices_taken").count() == 3


def asked(bank: Bank) -> RepricingRun:
    return ask_for_preview(from_on=NEW_YEAR, to_on=NEW_YEAR, by=bank.staff["operations"], at=AT)


def test_a_preview_may_be_stopped(bank: Bank) -> None:
    run, client = asked(bank), client_of(bank, "operations")
    stop = reverse("loans:repricing_cancel", args=[run.pk])
    assert client.post(stop, {"reason": ""}).status_code == 422
    assert client.post(stop, {"reason": "等待下月公布"}).status_code == 302
    assert preview_waiting(at_clock=lambda: AT)
    assert RepricingRun.objects.get().state == "CANCELLED" and not RepricingItem.objects.exists()


def test_a_loan_that_cannot_be_computed_is_held_and_the_others_go_on(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, bad = asked(bank), bank.loans["home"].pk
    real = previews.outcomes

    def failing(days: Any, market: Any) -> Any:
        if bad in days:
            raise ZeroDivisionError
        return real(days, market)

    monkeypatch.setattr(previews, "outcomes", failing)
    assert preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    held = RepricingItem.objects.get(loan_id=bad)
    assert (run.state, run.totals["count"], run.totals["held"], held.reason) == ("PROPOSED", 2, 1, "cannot_preview")
    assert "请运维核查" in client_of(bank, "risk").get(reverse("loans:repricing_run", args=[run.pk])).content.decode()


def test_a_preview_that_fails_again_and_again_is_given_up_and_says_so(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asked(bank)

    def failing(run_id: int) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(previews, "run_sha256", failing)
    assert preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    assert (run.state, run.failure, run.failures) == ("FAILED", "broken", 3)
    assert not RepricingItem.objects.filter(state="PENDING").exists()
    assert "已停止" in client_of(bank, "operations").get(reverse("loans:repricing_run", args=[run.pk])).content.decode()
    assert "已停止" in bank.api("operations").get(f"repricing-runs/{run.pk}/").json()["failure"]
    monkeypatch.undo()
    assert run_of(bank).state == "PROPOSED"


def test_a_window_whose_loans_went_meanwhile_comes_to_nothing(bank: Bank) -> None:
    run = asked(bank)
    Position.objects.update(next_repricing_on=date(2027, 4, 1))
    assert preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    assert (run.state, run.failure) == ("FAILED", "nothing_left")


def test_a_command_previews_without_a_worker(bank: Bank) -> None:
    run = asked(bank)
    call_command("preview_repricings")
    run.refresh_from_db()
    assert (run.state, run.previewed) == ("PROPOSED", 2)


def text_of(pdf: bytes) -> str:
    """The text on the paper where a reader of PDF is installed."""
    if not shutil.which("pdftotext"):
        return ""
    return subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True).stdout.decode()


def test_a_borrower_is_told_on_paper_what_was_approved(bank: Bank) -> None:
    run, loan = run_of(bank), bank.loans["home"]
    item = RepricingItem.objects.get(run=run, loan=loan)
    page, paper = (reverse(f"loans:{name}", args=[item.pk]) for name in ("repricing_notice", "repricing_notice_pdf"))
    officer, colleague, counter = (client_of(bank, who) for who in ("officer", "risk", "operations"))
    early = officer.get(page)
    assert early.status_code == 409 and "批次获批后" in early.content.decode()
    assert officer.get(paper).status_code == 302
    assert bank.api("officer").get(f"repricing-items/{item.pk}/notice/").status_code == 409
    assert not Entry.objects.filter(kind="loans.repricing_notice_taken").exists()
    decide_repricing(
        run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=bank.staff["risk"], at=AT
    )
    assert page in client_of(bank, "risk").get(reverse("loans:repricing_run", args=[run.pk])).content.decode()
    mine, masked = officer.get(page).content.decode(), colleague.get(page).content.decode()
    assert loan.borrower.name in mine and loan.borrower.name not in masked and loan.borrower.id_no not in mine
    english = counter.get(page, headers={"Accept-Language": "en"}).content.decode()
    assert loan.borrower.name in english and "尊敬的" in english and "执行利率" in english
    printed = Entry.objects.filter(kind="loans.repricing_notice_printed", loan_id=loan.pk).order_by("id")
    assert [entry.data["is_name_full"] for entry in printed] == [True, False, True]
    for shown in (f"{item.old_installment:,.2f}", f"{item.new_installment:,.2f}", f"{item.first_due_on}", "3.20%"):
        assert shown in mine and shown in masked, shown
    assert item.period_from and f"{(NEW_YEAR - item.period_from).days} 天 × " in mine
    assert "−30 个基点" in mine and f"{item.lpr_published_on}" in mine
    document = officer.get(paper)
    assert (document["Content-Type"], document.content[:5]) == ("application/pdf", b"%PDF-")
    words = text_of(document.content)
    for shown in (loan.loan_note_no, f"{item.new_installment:,.2f}", f"{item.first_amount:,.2f}", "3.20%", "−30"):
        assert not words or shown in words, shown
    assert "\u200b" not in words
    over_the_api = bank.api("officer").get(f"repricing-items/{item.pk}/notice/")
    assert over_the_api.content[:5] == b"%PDF-"
    taken = Entry.objects.filter(kind="loans.repricing_notice_taken", loan_id=loan.pk)
    assert taken.count() == 2 and taken.latest("id").data["sha256"] == sha256(over_the_api.content).hexdigest()
    assert client_of(bank, "stranger").get(page).content == client_of(bank, "stranger").get(
        reverse("loans:repricing_notice", args=[987654321])
    ).content.replace(b"987654321", str(item.pk).encode())


def test_a_loan_held_back_has_no_notice(bank: Bank) -> None:
    run, loan = run_of(bank, is_approved=True), bank.loans["home"]
    RepricingItem.objects.filter(run=run, loan=loan).update(state="HELD", reason="loan_ended")
    reply = client_of(bank, "officer").get(
        reverse("loans:repricing_notice", args=[RepricingItem.objects.get(loan=loan).pk])
    )
    assert reply.status_code == 409 and "搁置" in reply.content.decode()


def test_a_refused_decision_keeps_what_was_typed(bank: Bank) -> None:
    run, checker = run_of(bank), client_of(bank, "risk")
    path = reverse("loans:repricing_decide", args=[run.pk])
    short = checker.post(path, {"verb": "reject", "note": "不"})
    assert short.status_code == 422 and 'value="不"' in short.content.decode()
    other = checker.post(path, {"verb": "approve", "content_sha256": "0" * 64})
    assert other.status_code == 409
    assert RepricingRun.objects.get().state == "PROPOSED"


def test_a_window_without_loans_is_refused_on_the_page(bank: Bank) -> None:
    response = client_of(bank, "operations").post(
        reverse("loans:repricing_propose"), {"from_on": "2026-12-01", "to_on": "2026-12-02"}
    )
    assert response.status_code == 422 and 'value="2026-12-01"' in response.content.decode()
    assert not RepricingRun.objects.exists()


def test_held_loans_show_their_reason_on_the_run_and_on_the_list_of_missed_ones(bank: Bank) -> None:
    run = run_of(bank, is_approved=True)
    home = bank.loans["home"]
    Pricing.objects.filter(loan=home).update(spread_bp=Decimal("-45"))
    Position.objects.filter(pk=home.pk).update(next_due_on=date(2027, 1, 20))
    reprice(as_of=NEW_YEAR, at=AT, loan_ids=[home.pk])
    reason = "加点由 -30.00 变为 -45.00 个基点"
    held = (
        client_of(bank, "risk").get(reverse("loans:repricing_run", args=[run.pk]), {"state": "HELD"}).content.decode()
    )
    assert reason in held and bank.loans["other"].loan_note_no not in held
    Position.objects.filter(pk=home.pk).update(next_repricing_on=date(2026, 10, 1))
    assert reason in client_of(bank, "officer").get(reverse("loans:repricing_missed")).content.decode()
    stranger = client_of(bank, "stranger").get(reverse("loans:repricing_missed")).content.decode()
    assert home.loan_note_no not in stranger


def test_wide_spreads_list_whom_to_ask_and_link_to_the_change(bank: Bank) -> None:
    home, other = bank.loans["home"], bank.loans["other"]
    Pricing.objects.filter(loan__in=[home, other]).update(spread_bp=Decimal("0.01"))
    steady = book_loan(bank.home)
    Pricing.objects.filter(loan=steady).update(spread_bp=Decimal("0"))
    page = client_of(bank, "officer").get(reverse("loans:wide_spreads")).content.decode()
    assert home.loan_note_no in page and "30.01" in page and "?kind=SPREAD" in page
    assert other.loan_note_no not in page and steady.loan_note_no not in page
    reply = client_of(bank, "officer").get(reverse("loans:wide_spreads_file", args=["csv"]))
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert [row["借据号"] for row in rows] == [home.loan_note_no]
    assert Entry.objects.get(kind="loans.wide_spreads_taken").data["loans"] == 1


def test_a_narrow_scope_sees_its_own_part_of_a_run(bank: Bank) -> None:
    run = run_of(bank)
    Role.objects.filter(code="OPERATIONS").update(scope=Scope.BRANCH)
    bank.staff["operations"].branch = bank.home
    bank.staff["operations"].save(update_fields=["branch"])
    page = client_of(bank, "operations").get(reverse("loans:repricing_run", args=[run.pk])).content.decode()
    assert bank.loans["home"].loan_note_no in page and bank.loans["other"].loan_note_no not in page
    # A branch's code may stand by chance inside a loan's number.
    assert bank.other.name not in page and f">{bank.other.code}<" not in page
    found = bank.api("operations").get(f"repricing-runs/{run.pk}/").json()
    assert found["totals"]["count"] == 1 and [each["code"] for each in found["totals"]["branches"]] == [bank.home.code]
    items = bank.api("operations").get(f"repricing-runs/{run.pk}/items/").json()["results"]
    assert [each["loan_id"] for each in items] == [bank.loans["home"].pk]


# ── How many queries ─────────────────────────────────────────────────────────────────────────────


def queries_of(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_pages_cost_the_same_whatever_they_list(bank: Bank) -> None:
    client = client_of(bank, "risk")
    run = run_of(bank)
    paths = [
        reverse("loans:lpr"), reverse("loans:repricing_runs"), reverse("loans:repricing_run", args=[run.pk]),
        reverse("loans:repricing_missed"), reverse("loans:wide_spreads"),
    ]  # fmt: skip
    Pricing.objects.update(spread_bp=Decimal("55"))
    Position.objects.update(next_repricing_on=date(2026, 10, 1))
    before = [queries_of(client, path) for path in paths]
    for _ in range(12):
        book_loan(bank.home)
    Pricing.objects.update(spread_bp=Decimal("55"))
    more = propose_repricing(from_on=NEW_YEAR, to_on=NEW_YEAR, by=bank.staff["operations"], at=AT)
    Position.objects.update(next_repricing_on=date(2026, 10, 1))
    paths[2] = reverse("loans:repricing_run", args=[more.pk])
    after = [queries_of(client, path) for path in paths]
    assert after == before
    assert max(after) <= 16, after


def test_lists_over_the_api_cost_the_same_whatever_they_list(bank: Bank) -> None:
    run, api = run_of(bank), bank.api("risk")
    paths = [
        "lpr/", "repricing-runs/", f"repricing-runs/{run.pk}/items/", "repricing-missed/", "spread-gaps/",
        f"loans/{bank.loans['home'].pk}/pricing/",
    ]  # fmt: skip

    def counted() -> list[int]:
        found = []
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                assert api.get(path).status_code == 200
            found.append(len(queries))
        return found

    Pricing.objects.update(spread_bp=Decimal("55"))
    Position.objects.update(next_repricing_on=date(2026, 10, 1))
    counted()
    before = counted()
    for _ in range(8):
        book_loan(bank.home)
    Pricing.objects.update(spread_bp=Decimal("55"))
    more = propose_repricing(from_on=NEW_YEAR, to_on=NEW_YEAR, by=bank.staff["operations"], at=AT)
    paths[2] = f"repricing-runs/{more.pk}/items/"
    Position.objects.update(next_repricing_on=date(2026, 10, 1))
    assert counted() == before


# ── API ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_over_the_api(bank: Bank) -> None:
    maker, checker = bank.api("operations"), bank.api("risk")
    window = {"from_on": "2027-01-01", "to_on": "2027-01-01"}
    assert maker.post("repricing-runs/", window).status_code == 400
    made = maker.post("repricing-runs/", window, key="run-1")
    assert made.status_code == 201
    assert maker.post("repricing-runs/", window, key="run-1").json() == made.json()
    assert RepricingRun.objects.count() == 1
    begun = made.json()
    assert (begun["state"], begun["to_preview"], begun["previewed"]) == ("PREVIEWING", 2, 0)
    other = maker.post("repricing-runs/", window, key="run-2")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "repricing_conflict")
    assert preview_waiting(at_clock=lambda: AT)
    run = maker.get(f"repricing-runs/{begun['id']}/").json()
    assert (run["state"], run["totals"]["count"], run["progress"]["PENDING"]) == ("PROPOSED", 2, 2)
    items = maker.get(f"repricing-runs/{run['id']}/items/", direction="down", with_count="1").json()
    assert items["count"] == 2 and items["results"][0]["new_rate_percent"] == "3.2000"
    assert maker.get(f"repricing-runs/{run['id']}/items/", direction="sideways").status_code == 400
    wrong = checker.post(
        f"repricing-runs/{run['id']}/decide/", {"approve": True, "content_sha256": "0" * 64}, key="d-0"
    )
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (409, "repricing_conflict")
    yes = {"approve": True, "content_sha256": run["content_sha256"]}
    assert checker.post(f"repricing-runs/{run['id']}/decide/", {**yes, "approve": "yes"}, key="d-1").status_code == 400
    done = checker.post(f"repricing-runs/{run['id']}/decide/", yes, key="d-2")
    assert (done.status_code, done.json()["state"]) == (200, "APPROVED")
    late = checker.post(f"repricing-runs/{run['id']}/decide/", yes, key="d-3")
    assert late.status_code == 409
    stopped = maker.post(f"repricing-runs/{run['id']}/cancel/", {"reason": "等待下月公布"}, key="c-1")
    assert (stopped.json()["state"], stopped.json()["progress"]["HELD"]) == ("CANCELLED", 2)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"rate_percent": 3.4}, 400),
        ({"rate_percent": "3.40001"}, 400),
        ({"rate_percent": "+3.40"}, 400),
        ({"rate_percent": "NaN"}, 400),
        ({"rate_percent": "٣.40"}, 400),
        ({"published_on": "20261020"}, 400),
        ({"tenor": "Y3"}, 400),
        ({"surplus": "1"}, 400),
        ({"rate_percent": "0"}, 422),
        ({"rate_percent": "3.41"}, 422),
        ({"published_on": "2026-10-22"}, 422),
    ],
)
def test_a_wrong_rate_is_refused_over_the_api(bank: Bank, changed: dict[str, Any], status: int) -> None:
    assert bank.api("operations").post("lpr/", {**RATE, **changed}).status_code == status
    assert not LprRate.objects.filter(proposed_by__isnull=False).exists()


def test_a_rate_over_the_api_and_its_checker(bank: Bank) -> None:
    row = bank.api("operations").post("lpr/", RATE).json()
    assert (row["rate_percent"], row["is_approved"]) == ("3.4000", False)
    assert bank.api("operations").post("lpr/", RATE).status_code == 409
    done = bank.api("risk").post(f"lpr/{row['id']}/decide/", {"approve": True}).json()["rate"]
    assert done["is_approved"] and done["approved_by"]["staff_no"] == bank.staff["risk"].staff_no
    assert bank.api("risk").get("lpr/").json()["results"][0]["id"] == row["id"]


def test_a_loans_pricing_and_what_runs_said_of_it(bank: Bank) -> None:
    run_of(bank)
    found = bank.api("officer").get(f"loans/{bank.loans['home'].pk}/pricing/").json()
    assert found["next_repricing_on"] == "2027-01-01"
    assert (found["pricings"][0]["kind"], found["pricings"][0]["spread_bp"]) == ("LPR", "-30.00")
    assert found["repricings"][0]["state"] == "PENDING"
