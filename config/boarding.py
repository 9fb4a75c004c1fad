"""Boards a loan tape: parse, check against the bank, book. One file is one transaction.

Rows stream through in chunks, so memory stays flat but for the ids already seen; every chunk is a
handful of set-based statements. A dry run does all of it and takes it back, so that it reports
exactly what an import would. One import runs at a time, and no business date closes under it.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from collateral.actions import TakenOver, take_over
from collateral.models import Charge, Property, Valuation
from config import boarding_words
from config.boarding_bank import Bank
from config.boarding_file import Record, Tape, TapeRefused, open_tape
from config.boarding_report import Report, refused_rows
from loans.actions import open_bank
from loans.models import (
    Account,
    ImportBatch,
    Installment,
    LedgerLine,
    Loan,
    Position,
    Posting,
    PostingKind,
    Terms,
)
from loans.queries import hold_business_date, open_business_date
from loans.rules import tape
from loans.rules.tape import Refusal, TapeRow
from people.models import Party

CHUNK = 500
_BULK_TABLES = (Party, Loan, Terms, Position, Installment, Posting, LedgerLine, Property, Charge, Valuation)
_ONE_IMPORT_AT_A_TIME = 0x616E6A75_74617065  # "anjutape"


class DoesNotReconcile(Exception):
    """What was booked differs from what came in: a fault of ours; everything is taken back."""


def board(
    path: Path,
    *,
    as_of: date | None,
    is_dry_run: bool,
    refused_to: Path | None,
    by: str,
    at: datetime,
    progress: Callable[[int, int], None] = lambda read, size: None,
) -> Report:
    """Imports one file, or raises TapeRefused with nothing written. `progress` is told bytes read and in all."""
    with open_tape(path) as source, refused_rows(refused_to, boarding_words.reason) as keep:
        if next(source.records(), None) is None:
            raise TapeRefused(_("文件只有表头，没有贷款。"))
        report = Report(
            file_name=source.name,
            encoding=source.encoding,
            as_of=as_of or _latest_appraisal(source),
            as_of_given=as_of is not None,
            is_dry_run=is_dry_run,
            surplus=source.header.surplus,
        )
        with transaction.atomic():
            _wait_for_others()
            _Boarding(source, report, keep, by=by, at=at).run(progress)
            if is_dry_run:
                transaction.set_rollback(True)
    if report.imported and not is_dry_run:
        _refresh_statistics()
    return report


def _latest_appraisal(source: Tape) -> date:
    """The as-of day of a file that was given none."""
    place = source.header.names.index("appraised_on")
    latest, last_text = date.min, ""
    for record in source.records():
        text = tape.trimmed(record.fields[place]) if len(record.fields) > place else ""
        if text == last_text:
            continue
        last_text = text
        with suppress(tape.Fault):
            latest = max(latest, tape.parse_day(text))
    if latest == date.min:
        raise TapeRefused(_("文件中没有可用的评估日期，请用 --as-of 指定数据日。"))
    return latest


def _wait_for_others() -> None:
    """Held to the end of the transaction: another import waits here."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_IMPORT_AT_A_TIME])


def _refresh_statistics() -> None:
    """After a bulk load the planner must not go on believing that the book is empty."""
    tables = [model._meta.db_table for model in _BULK_TABLES]
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_statistics(%s::regclass[])", [tables])


class _Boarding:
    """One file on its way into the bank; lives for one transaction."""

    def __init__(self, source: Tape, report: Report, keep: Callable[[Refusal], None], *, by: str, at: datetime) -> None:
        self._source = source
        self._report = report
        self._keep = keep
        self._by, self._at = by, at
        self._bank = Bank(as_of=report.as_of, by=by, at=at)
        self._batch: ImportBatch | None = None
        self._rows_by_id: dict[str, int] = {}

    def run(self, progress: Callable[[int, int], None]) -> None:
        records = self._source.records()
        while chunk := list(islice(records, CHUNK)):
            self._report.rows += len(chunk)
            self._board_chunk([self._check(record) for record in chunk])
            progress(self._source.position(), self._source.size)
        self._report.empty_rows = self._source.empty_rows
        if self._batch:
            self._reconcile(self._batch)

    def _check(self, record: Record) -> tape.Checked:
        names, fields = self._source.header.names, record.fields
        if len(fields) < len(names) or any(map(tape.trimmed, fields[len(names) :])):
            code = "too_few_fields" if len(fields) < len(names) else "too_many_fields"
            params = {"given": str(len(fields)), "expected": str(len(names))}
            return tape.Checked(None, (Refusal(record.row, "", "", code, params),), ())
        raw = dict(zip(names, fields, strict=False))
        external_id = tape.trimmed(raw["external_id"])
        first_row = self._rows_by_id.setdefault(external_id, record.row) if external_id else record.row
        checked = tape.check_row(raw, record.row, self._report.as_of)
        if first_row == record.row:
            return checked
        repeated = Refusal(record.row, "external_id", external_id, "repeated_id", {"first_row": str(first_row)})
        return tape.Checked(None, (repeated, *checked.refusals), ())

    def _refuse(self, refusals: Sequence[Refusal]) -> None:
        self._report.refuse(refusals)
        for refusal in refusals:
            self._keep(refusal)

    def _board_chunk(self, rows: Sequence[tape.Checked]) -> None:
        """Refuses what the file or the bank speaks against, passes over what the bank has, books the rest."""
        standing = self._bank.standing([each.loan for each in rows if each.loan])
        fresh: list[TapeRow] = []
        for each in rows:
            if each.loan is None:
                self._refuse(each.refusals)
            elif each.loan.external_id in standing.unchanged:
                self._report.unchanged += 1
            elif each.loan.external_id in standing.refusals:
                self._refuse([standing.refusals[each.loan.external_id]])
            else:
                fresh.append(each.loan)
                self._report.warn(each.warnings)
        if fresh:
            self._book(fresh)

    def _book(self, rows: Sequence[TapeRow]) -> None:
        batch = self._batch = self._batch or self._begin()
        booking = self._bank.book(rows, batch)
        take_over(rows=[_home(row, booking.loan_ids[row.external_id]) for row in rows], by=self._by, at=self._at)
        if self._is_first_of_an_empty_bank():
            # The rest is planned for a bank that has loans; believed empty, look-ups would walk whole tables.
            _refresh_statistics()
        self._report.warn(booking.warnings)
        self._report.branches += booking.branches
        self._report.imported += len(rows)
        self._report.principal_in += sum((row.principal_outstanding for row in rows), Decimal(0))

    def _is_first_of_an_empty_bank(self) -> bool:
        return self._report.opened_on is not None and self._report.imported == 0

    def _begin(self) -> ImportBatch:
        """At the first row to book: the bank's day must fit and cannot close now; an empty bank is opened."""
        as_of = self._report.as_of
        open_on = hold_business_date() if open_business_date() else None
        if open_on is None:
            self._report.opened_on = as_of + timedelta(days=1)
            open_bank(day=self._report.opened_on, by=self._by, at=self._at)
        elif as_of != open_on - timedelta(days=1):
            raise TapeRefused(
                _(
                    "数据日 %(as_of)s 与营业日不符：营业日为 %(open_on)s，"
                    "只能导入 %(expected)s 日终的余额（余额确为该日的，请用 --as-of %(expected)s）。"
                )
                % {"as_of": as_of, "open_on": open_on, "expected": open_on - timedelta(days=1)}
            )
        return ImportBatch.objects.create(
            file_name=self._source.name[:200], sha256=self._source.sha256, as_of=as_of, actor=self._by, at=self._at
        )

    def _reconcile(self, batch: ImportBatch) -> None:
        """Reads back from the ledger what the opening postings say, and holds it against the file."""
        as_of = self._report.as_of
        postings = Posting.objects.filter(kind=PostingKind.OPENING, loan__import_batch=batch)
        booked = LedgerLine.objects.filter(
            business_date__in=[as_of, as_of + timedelta(days=1)],
            account=Account.PRINCIPAL,
            posting_id__in=postings.values("id"),
        ).aggregate(total=Sum("amount"))["total"] or Decimal("0.00")
        self._report.principal_booked = booked
        if booked != self._report.principal_in:
            raise DoesNotReconcile(f"booked {booked}, came in {self._report.principal_in}")
        ImportBatch.objects.filter(pk=batch.pk).update(counts=self._report.as_json())


def _home(row: TapeRow, loan_id: int) -> TakenOver:
    return TakenOver(
        loan_id=loan_id,
        address=row.property_address,
        property_type=row.property_type,
        is_owner_occupied=row.owner_occupied,
        value=row.appraised_value,
        valued_on=row.appraised_on if row.appraised_value is not None else None,
        registration_no=row.registration_no,
        registered_on=row.registered_on,
    )
