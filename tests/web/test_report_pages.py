"""Reports on pages, over the API and as files: the same figures, masked names, no formulas, few queries."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import day_end
from journal.models import Entry
from loans.models import Loan
from people.models import Branch, Party
from tests.factories import AT, book_loan
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

CLOSED = date(2026, 11, 1)
# Session, person, roles, branches, business date, closed dates, calendar, grace, the report itself, names, frame.
MOST_QUERIES = 16


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    day_end.run(through=CLOSED, at_clock=lambda: AT)
    return bank


def read(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "name", ["report_aging", "report_migration", "report_collections", "report_general", "report_book"]
)
def test_a_page_reads_as_often_for_many_loans_as_for_two(bank: Bank, name: str) -> None:
    client = client_of(bank, "auditor")
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(reverse(f"loans:{name}")).status_code == 200
        counts.append(len(queries))
        for place in (bank.home, bank.other):
            book_loan(place, officer=bank.staff["officer"])
    assert counts[0] == counts[1] <= MOST_QUERIES, counts


def test_the_general_ledger_of_a_date_balances_on_page_file_and_api(bank: Bank) -> None:
    auditor = client_of(bank, "auditor")
    told = bank.api("auditor").get("book/general/").json()
    assert told["on"] == str(CLOSED) and told["debit"] == told["credit"] != "0.00"
    accrued = [row for row in told["rows"] if row["account"] == "ACCRUED_INTEREST"]
    assert {row["branch"] for row in accrued} == {bank.home.code, bank.other.code}
    page = auditor.get(reverse("loans:report_general")).content.decode()
    rows = read(auditor.get(reverse("loans:report_file", args=["general", "csv"])).content)
    assert rows[-1][-2:] == [told["debit"], told["credit"]] and len(rows) == len(told["rows"]) + 2
    assert f"{Decimal(told['debit']):,}" in page
    seen = client_of(bank, "manager").get(reverse("loans:report_general")).content.decode()
    assert bank.other.code not in seen and bank.home.code in seen


def test_page_file_and_api_tell_the_same(bank: Bank) -> None:
    auditor = client_of(bank, "auditor")
    told = bank.api("auditor").get("book/aging/").json()
    assert told["on"] == str(CLOSED) and len(told["rows"]) == 3
    whole = told["rows"][-1]["balance"]
    assert Decimal(whole) == Decimal("1800000.00")
    page = auditor.get(reverse("loans:report_aging")).content.decode()
    assert f"{Decimal(whole):,}" in page and "<svg" in page
    rows = read(auditor.get(reverse("loans:report_file", args=["aging", "csv"])).content)
    assert rows[-1][-1] == whole
    workbook = auditor.get(reverse("loans:report_file", args=["migration", "xlsx"]))
    assert workbook.content.startswith(b"PK")
    taken = Entry.objects.filter(kind="loans.report_taken").order_by("id")
    assert [entry.data["report"] for entry in taken] == ["aging", "migration"]
    collected = bank.api("auditor").get("book/collections/").json()
    assert collected["rows"][-1]["key"] == ""
    moved = bank.api("auditor").get("book/migration/").json()
    assert [row["key"] for row in moved["rows"]][-2:] == ["NEW", ""]


def test_a_date_out_of_range_is_told_with_its_field_and_nothing_is_taken(bank: Bank) -> None:
    before = Entry.objects.count()
    auditor = client_of(bank, "auditor")
    page = auditor.get(reverse("loans:report_aging"), {"on": "2020-01-01"})
    assert page.status_code == 422 and 'role="alert"' in page.content.decode()
    assert auditor.get(reverse("loans:report_file", args=["aging", "csv"]), {"on": "2020-01-01"}).status_code == 422
    assert auditor.get(reverse("loans:report_book_csv"), {"product": "CAR"}).status_code == 422
    refused = bank.api("auditor").get("book/migration/", **{"from": "2026-11-02"})
    assert refused.status_code == 422 and "from" in refused.json()["error"]["fields"]
    assert auditor.get("/book/anything.csv").status_code == 404
    assert auditor.get("/book/aging.pdf").status_code == 404
    assert Entry.objects.count() == before


def test_the_book_leaves_masked_defused_and_recorded(bank: Bank) -> None:
    loan = bank.loans["home"]
    Party.objects.filter(pk=loan.borrower_id).update(name="=cmd|calc")
    Branch.objects.filter(pk=bank.other.pk).update(name="+SUM(A1)")
    Loan.objects.filter(pk=loan.pk).update(loan_note_no='ML","\n=1')
    settled = book_loan(bank.home, officer=bank.staff["officer"])
    settled.position.__class__.objects.filter(pk=settled.pk).update(
        settled_on=CLOSED, principal_balance=0, unbilled_principal=0
    )
    response = client_of(bank, "auditor").get(reverse("loans:report_book_csv"))
    content = b"".join(response.streaming_content)
    assert int(response["Content-Length"]) == len(content)
    heads, *rows = read(content)
    assert len(rows) == 2 and all(len(row) == len(heads) for row in rows)
    by_note = {row[0]: row for row in rows}
    assert by_note['ML","\n=1'][5] == "'=**"
    other = by_note[bank.loans["other"].loan_note_no]
    assert other[2] == "'+SUM(A1)"
    phones = set(Party.objects.values_list("phone", "id_no"))
    assert not any(each and each.encode() in content for pair in phones for each in pair)
    assert Decimal(other[11]) == Decimal("900000.00")
    taken = Entry.objects.get(kind="loans.book_taken")
    assert (
        taken.data["loans"] == 2 and len(taken.data["sha256"]) == 64 and taken.actor == bank.staff["auditor"].staff_no
    )


def test_a_manager_takes_the_own_branch_and_an_officer_nothing(bank: Bank) -> None:
    _heads, *rows = read(b"".join(bank.api("manager").get("book/loans.csv").streaming_content))
    assert [row[0] for row in rows] == [bank.loans["home"].loan_note_no]
    _heads, *none = read(b"".join(bank.api("manager").get("book/loans.csv", branch=bank.other.code).streaming_content))
    assert none == []
    assert bank.api("officer").get("book/loans.csv").status_code == 403
    assert client_of(bank, "officer").get(reverse("loans:report_book_csv")).status_code == 403
    assert b"/book/aging/" not in client_of(bank, "officer").get(reverse("loans:list")).content
    assert b"/book/aging/" in client_of(bank, "manager").get(reverse("loans:list")).content
