"""Two people at once on one refund, one receipt, one file: one wins and the other is told; with the lock off the
database still refuses, or the counts are wrong."""

import threading
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import QuerySet

from config import money_file
from loans.actions import (
    FileAlreadyTaken,
    ReceiptIsSettled,
    ReceiptRow,
    RefundIsDecided,
    decide_refund,
    files,
    make_debits,
    match_receipt,
    post_receipts,
    propose_refund,
    refunds,
)
from loans.models import DebitInstruction, MoneyFile, Position, Posting, Receipt, ReceiptBreak, Refund
from tests.database.test_visit_races import at_once
from tests.factories import AT, book_loan, make_branch, make_staff

DAY = date(2026, 11, 1)
NOTE = "付款附言写错借据号"


def two_clerks() -> list[Any]:
    branch = make_branch()
    return [make_staff("OPERATIONS", branch, name) for name in ("唐二", "唐三")]


# ── One refund, two who decide ───────────────────────────────────────────────────────────────────


def decisions_at_once() -> tuple[Any, list[Any]]:
    loan, maker = book_loan(), make_staff("OPERATIONS", make_branch(), "唐一")
    row = ReceiptRow(loan.loan_note_no, Decimal("900.00"), DAY, "CNAPS", "1")
    post_receipts(rows=[row], by="system", at=AT)
    refund = propose_refund(loan_id=loan.pk, amount=Decimal("300.00"), reason="客户多还退回", by=maker, at=AT)
    calls = [
        lambda who=who: decide_refund(refund_id=refund.pk, approve=True, note="", by=who, at=AT)  # type: ignore[misc]
        for who in two_clerks()
    ]
    return loan, at_once(*calls)


def test_of_two_decisions_at_once_exactly_one_wins_and_the_other_is_told_by_whom(fresh_bank: Any) -> None:
    loan, found = decisions_at_once()
    winner = next(each for each in found if isinstance(each, Refund))
    loser = next(each for each in found if isinstance(each, RefundIsDecided))
    assert loser.conflict and winner.decided_by.name in loser.message
    assert Posting.objects.filter(kind="REFUND").count() == 1
    assert Position.objects.get(loan=loan).suspense == Decimal("600.00")


def test_without_the_lock_only_the_database_stops_the_second_refund(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Barrier(2)

    def unlocked(loan_ids: Any) -> dict[int, Position]:
        return {row.loan_id: row for row in Position.objects.filter(loan_id__in=loan_ids)}

    pay = refunds._pay

    def both_read(*given: Any, **named: Any) -> None:
        gate.wait(30)
        pay(*given, **named)

    monkeypatch.setattr(refunds, "_pay", both_read)
    # Proposing is not what is tried here.
    monkeypatch.setattr(refunds, "lock_positions", unlocked)
    _loan, found = decisions_at_once()
    assert sum(isinstance(each, DatabaseError) for each in found) == 1
    assert Posting.objects.filter(kind="REFUND").count() == 1


# ── One receipt, two loans ───────────────────────────────────────────────────────────────────────


def matches_at_once() -> list[Any]:
    one, two = book_loan(days_past_due=40), book_loan(days_past_due=40)
    row = ReceiptRow("WRONG-1", Decimal("500.00"), DAY, "CNAPS", "1")
    post_receipts(rows=[row], by="system", at=AT)
    receipt = Receipt.objects.get()
    calls = [
        lambda who=who, loan=loan: match_receipt(  # type: ignore[misc]
            receipt_id=receipt.pk, loan_id=loan.pk, note=NOTE, by=who, at=AT
        )
        for who, loan in zip(two_clerks(), (one, two), strict=True)
    ]
    return at_once(*calls)


def test_a_receipt_that_two_give_to_two_loans_at_once_goes_to_one(fresh_bank: Any) -> None:
    found = matches_at_once()
    winner = next(each for each in found if isinstance(each, Receipt))
    loser = next(each for each in found if isinstance(each, ReceiptIsSettled))
    assert winner.resolved_by.name in loser.message
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


def test_without_the_lock_the_receipt_would_go_to_both_but_for_the_database(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from loans.actions import breaks

    gate = threading.Barrier(2)
    settle = breaks.settle

    def both_read(*given: Any) -> None:
        gate.wait(30)
        settle(*given)

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_given: self)
    monkeypatch.setattr(breaks, "settle", both_read)
    found = matches_at_once()
    # Both were told that it worked, or the database refused the second posting: the lock is what makes the answer true.
    assert sum(isinstance(each, ReceiptIsSettled) for each in found) == 0
    assert Posting.objects.filter(kind="RECEIPT").count() == 1


# ── One file, two who send it; one date, two who make its debits ─────────────────────────────────


def uploads_at_once(tmp_path: Path, rows: int = 40) -> list[Any]:
    loan = book_loan(days_past_due=40)
    text = "loan,amount,value_on,channel,serial\n"
    text += "".join(f"{loan.loan_note_no},1.00,2026-11-01,CNAPS,{n}\n" for n in range(rows))
    path = tmp_path / "receipts.csv"
    path.write_text(text + "nobody,1.00,2026-11-01,CNAPS,x\n", encoding="utf-8")
    calls = [
        lambda who=who: money_file.take_in(path, by=who, clock=lambda: AT)  # type: ignore[misc]
        for who in two_clerks()
    ]
    return at_once(*calls)


def test_a_file_that_two_send_at_once_counts_once(
    fresh_bank: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(money_file, "CHUNK", 7)
    found = uploads_at_once(tmp_path)
    assert sum(isinstance(each, FileAlreadyTaken) for each in found) == 1
    report = next(each for each in found if isinstance(each, money_file.FileReport))
    assert (report.counts["rows"], report.counts["posted"], report.counts["duplicate"]) == (41, 40, 0)
    assert MoneyFile.objects.get().counts == report.counts
    assert (Receipt.objects.filter(state="POSTED").count(), ReceiptBreak.objects.count()) == (40, 1)


def test_without_the_lock_on_the_file_both_take_its_rows(
    fresh_bank: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, words = threading.Barrier(2), []
    take = files._take_receipts

    def both_begin(*given: Any) -> Any:
        gate.wait(30)
        outcomes = take(*given)
        words.append({each.word for each in outcomes})
        return outcomes

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_given: self)
    monkeypatch.setattr(files, "_take_receipts", both_begin)
    uploads_at_once(tmp_path)
    # Serials still post once, but one of the two took the rows for duplicates: the file's counts are anybody's guess.
    assert Receipt.objects.filter(state="POSTED").count() == 40
    assert sorted(words, key=sorted) == [{"duplicate"}, {"posted", "unmatched"}]


def test_two_who_make_the_debits_of_a_date_get_one_file(fresh_bank: Any) -> None:
    book_loan(days_past_due=40)
    calls = [lambda who=who: make_debits(by=who, at=AT) for who in two_clerks()]  # type: ignore[misc]
    found = at_once(*calls)
    assert sorted(is_new for _file, is_new in found) == [False, True]
    assert (MoneyFile.objects.count(), DebitInstruction.objects.count()) == (1, 1)
