"""Receipts: once per serial, what is refused, and the file as a whole."""

import json
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts
from loans.models import Installment, Position, Posting, Receipt
from loans.queries import NoBusinessDate
from tests.factories import AT, book_loan

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def row(
    loan: str, amount: str = "100.00", value_on: date = DAY, channel: str = "CNAPS", serial: str = "1"
) -> ReceiptRow:
    return ReceiptRow(loan, Decimal(amount), value_on, channel, serial)


def post(*rows: ReceiptRow) -> Any:
    return post_receipts(rows=rows, by="system", at=AT)


def test_a_serial_posts_once_however_often_it_comes() -> None:
    loan = book_loan(days_past_due=40)
    one = row(loan.loan_note_no)
    assert [each.state for each in post(one, one).outcomes] == ["POSTED", "DUPLICATE"]
    before = list(Entry.objects.values_list("id", flat=True))
    # The external id is the same loan.
    assert [each.state for each in post(one, row(loan.external_id)).outcomes] == ["DUPLICATE", "DUPLICATE"]
    assert Posting.objects.filter(kind="RECEIPT").count() == 1
    assert list(Entry.objects.values_list("id", flat=True)) == before


def test_a_serial_used_for_another_payment_is_refused() -> None:
    loan, other = book_loan(days_past_due=40), book_loan()
    post(row(loan.loan_note_no))
    for changed in (
        row(loan.loan_note_no, "100.01"),
        row(other.loan_note_no),
        row(loan.loan_note_no, value_on=date(2026, 11, 2)),
    ):
        outcome = post(changed).outcomes[0]
        assert (outcome.state, outcome.column) == ("REFUSED", "serial")
    assert Receipt.objects.count() == 1


def test_an_unknown_loan_is_kept_and_counted() -> None:
    book_loan()
    result = post(row("NOBODY"))
    assert (result.unmatched, result.amount_posted) == (1, 0)
    assert Receipt.objects.get().state == "UNMATCHED"


def test_a_value_date_outside_what_can_be_true_is_refused() -> None:
    loan = book_loan()
    for value_on in (date(2026, 10, 30), date(2027, 12, 7)):
        outcome = post(row(loan.loan_note_no, value_on=value_on)).outcomes[0]
        assert (outcome.state, outcome.column) == ("REFUSED", "value_on")
    assert not Receipt.objects.exists()


def test_nothing_is_taken_before_the_bank_is_open() -> None:
    with pytest.raises(NoBusinessDate):
        post(row("X"))


def run(path: Path) -> tuple[str, dict[str, Any]]:
    out = StringIO()
    call_command("post_receipts", str(path), "--json", stdout=out)
    lines = out.getvalue().splitlines()
    return "\n".join(lines[:-1]), json.loads(lines[-1])


def test_a_file_posts_its_good_rows_and_names_the_bad_ones(tmp_path: Path) -> None:
    loan = book_loan(days_past_due=40)
    path = tmp_path / "receipts.csv"
    path.write_text(
        "loan,amount,value_on,channel,serial\n"
        f"{loan.loan_note_no},100.00,2026-11-01,CNAPS,1\n"
        f"{loan.loan_note_no},1e2,2026-11-01,CNAPS,2\n"
        f"{loan.loan_note_no},100.00,2026-11-05,CNAPS,3\n"
        f"{loan.loan_note_no},100.00,2026-11-01,CNAPS,1\n"
        "nobody,100.00,2026-11-01,CNAPS,4\n"
        f"{loan.loan_note_no},100.00,2026-02-30,CNAPS,5\n"
        f"{loan.loan_note_no},100.00,2020-01-01,CNAPS,6\n",
        encoding="utf-8",
    )
    text, counts = run(path)
    assert counts == {
        "rows": 7, "posted": 1, "waiting": 1, "duplicate": 1, "unmatched": 1, "refused": 3, "amount_posted": "100.00",
    }  # fmt: skip
    for line, column, value in ((3, "amount", "1e2"), (7, "value_on", "2026-02-30"), (8, "value_on", "2020-01-01")):
        assert f"第 {line} 行 {column} “{value}”" in text
    _text, again = run(path)
    assert (again["posted"], again["waiting"], again["duplicate"]) == (0, 0, 4)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"loan,amount\n",
        b"loan,amount,value_on,channel,serial,more\n",
        b"PK\x03\x04xx",
        "贷款,金额".encode("utf-16"),
    ],
)
def test_a_file_that_is_no_receipts_file_is_refused_as_a_whole(tmp_path: Path, content: bytes) -> None:
    book_loan()
    path = tmp_path / "receipts.csv"
    path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        call_command("post_receipts", str(path))
    assert caught.value.returncode == 2


def test_made_receipts_are_the_same_for_a_seed_and_post_clean(tmp_path: Path) -> None:
    from tests.loan_books import book

    book(80)
    files = [tmp_path / name for name in ("a.csv", "b.csv", "c.csv")]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        call_command("make_receipts", "--through=2026-12-31", f"--seed={seed}", f"--out={path}", stderr=StringIO())
    assert files[0].read_bytes() == files[1].read_bytes() != files[2].read_bytes()
    _text, counts = run(files[0])
    assert (counts["refused"], counts["unmatched"]) == (0, 0)
    assert counts["posted"] + counts["waiting"] + counts["duplicate"] == counts["rows"] > 100


def test_made_receipts_pay_what_lateness_costs() -> None:
    from config.receipts_made import make_receipts
    from tests.database.test_loans_reversal import close
    from tests.loan_books import book

    book(150)
    told = make_receipts(open_day=DAY, through=date(2026, 12, 15), seed=3)
    rows = [row(each.loan, each.amount, each.value_on, each.channel, each.serial) for each in told]
    post_receipts(rows=rows, by="system", at=AT)
    for offset in range(60):
        close(DAY + timedelta(days=offset))
    late = Installment.objects.filter(penalty_paid__gt=0, settled_on__isnull=False)
    assert late.count() > 5
    # Nobody who paid late to the end is left with a rest, and nobody paid too much.
    assert not late.filter(penalty_left__gt=0).exists()
    whole = Position.objects.filter(loan_id__in=late.values("loan_id"), overdue_since__isnull=True)
    assert whole.exists() and not whole.filter(suspense__gt=0).exists()
