"""Reads a file of money and takes it in (docs/receipts.md): the header says whether it brings receipts or answers to
debits.

The whole file is read once before a row of it is used, so that a file that was cut off, is no text, or holds NUL is
refused as a whole. Then rows go in chunks, each one transaction (`loans.actions.files`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from config.boarding_file import Header, Record, Tape, TapeRefused, open_tape, printable
from loans.actions import FileRow, ReceiptRow, RowOutcome, added, finish_file, judge_rows, receive_file, take_chunk
from loans.break_reasons import reason_in_words
from loans.models import MoneyFile, MoneyFileKind
from loans.rules.debit_file import ANSWER_COLUMNS, CONTROL, Answer, control_fault, is_control, parse_answer
from loans.rules.receipts import COLUMNS, ParsedReceipt, parse_receipt
from people.models import Staff

CHUNK = 2000
LOOKED_AT = 50_000
SHOWN = 100
_COLUMNS = {MoneyFileKind.RECEIPTS: COLUMNS, MoneyFileKind.DEBITS_BACK: ANSWER_COLUMNS}


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A row of the sheet (header = 1) that became a break, and why, in the reader's language."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class FileReport:
    """What became of a file, or would become of it."""

    kind: str
    name: str
    sha256: str
    encoding: str
    is_preview: bool
    counts: dict[str, Any] = field(default_factory=dict)
    # The first rows that are breaks; `counts` counts them all.
    problems: list[ProblemRow] = field(default_factory=list)
    file: MoneyFile | None = None
    # The file as it came in before, when it did.
    before: MoneyFile | None = None

    def as_json(self) -> dict[str, Any]:
        words = {
            MoneyFileKind.RECEIPTS: ("rows", "posted", "waiting", "duplicate", "unmatched", "refused"),
            MoneyFileKind.DEBITS_BACK: ("rows", "posted", "waiting", "duplicate", "failed", "breaks"),
        }[MoneyFileKind(self.kind)]
        return {name: self.counts[name] for name in (*words, "amount_posted")}


def preview(path: Path, *, name: str = "", kind: str = "", most_rows: int | None = None) -> FileReport:
    """What taking the file in would do now; nothing is written. TapeRefused when it is no such file."""
    with open_tape(path, _header_of(kind)) as source:
        report = _report(source, name, is_preview=True)
        rows = _rows(source, report.kind, _checked(source, report.kind, most_rows))
        report.counts = added({}, ())
        # Serials are compared inside a part; a file that pages take is one part.
        while part := list(islice(rows, LOOKED_AT)):
            outcomes = judge_rows(kind=report.kind, rows=part)
            _note_problems(report, part, outcomes)
            report.counts = added(report.counts, outcomes)
        report.before = taken_before(report.sha256)
        return report


def taken_before(sha256: str) -> MoneyFile | None:
    """The file with these bytes, when all of it was taken in."""
    return MoneyFile.objects.exclude(kind=MoneyFileKind.DEBITS_OUT).filter(sha256=sha256, counts__finished=True).first()


def take_in(
    path: Path,
    *,
    by: Staff | str,
    clock: Callable[[], datetime],
    name: str = "",
    kind: str = "",
    sha256: str = "",
    most_rows: int | None = None,
) -> FileReport:
    """Takes a file in, once; TapeRefused when it is no such file, or not the one previewed (`sha256`)."""
    with open_tape(path, _header_of(kind)) as source:
        report = _report(source, name, is_preview=False)
        if sha256 and sha256 != report.sha256:
            raise TapeRefused(_("这不是刚才预览的文件，请重新预览。"))
        count = _checked(source, report.kind, most_rows)
        file = receive_file(kind=report.kind, name=report.name, sha256=report.sha256, by=by, at=clock())
        chunk: list[FileRow] = []
        for row in _rows(source, report.kind, count):
            chunk.append(row)
            if len(chunk) == CHUNK:
                _take(file, chunk, report, by=by, at=clock())
                chunk = []
        if chunk:
            _take(file, chunk, report, by=by, at=clock())
        report.file = finish_file(file_id=file.pk, by=by, at=clock())
        report.counts = report.file.counts
        return report


def _take(file: MoneyFile, chunk: Sequence[FileRow], report: FileReport, *, by: Staff | str, at: datetime) -> None:
    outcomes = take_chunk(file_id=file.pk, rows=chunk, by=by, at=at)
    if outcomes is not None:
        _note_problems(report, chunk, outcomes)


def _report(source: Tape, name: str, *, is_preview: bool) -> FileReport:
    kind = MoneyFileKind.RECEIPTS if set(source.header.names) == set(COLUMNS) else MoneyFileKind.DEBITS_BACK
    return FileReport(kind, printable(name or source.name, 190), source.sha256, source.encoding, is_preview)


def _header_of(kind: str) -> Callable[[Sequence[str]], Header]:
    """Judges the first line: that of one kind of file, or of any."""
    allowed = [_COLUMNS[MoneyFileKind(kind)]] if kind else list(_COLUMNS.values())

    def read(fields: Sequence[str]) -> Header:
        names = [name.strip() for name in fields]
        if any(sorted(names) == sorted(columns) for columns in allowed):
            return Header(tuple(names), ())
        expected = _(" 或 ").join(",".join(columns) for columns in allowed)
        shown = printable(",".join(names[:20]), 200)
        raise TapeRefused(_("表头应为 %(expected)s，实为 %(names)s") % {"expected": expected, "names": shown})

    return read


def _checked(source: Tape, kind: str, most_rows: int | None) -> int:
    """How many rows the file holds, once all of it was read and nothing speaks against it as a whole."""
    count, paid, last = 0, Decimal(0), Record(1, ())
    readable = True
    for record in source.records():
        if any("\x00" in value for value in record.fields):
            raise TapeRefused(_("第 %(row)d 行含有 NUL 字符：文件已损坏或不是文本。") % {"row": record.row})
        count += 1
        if most_rows is not None and count > most_rows + 1:
            raise TapeRefused(_("文件超过 %(most)d 行，请分成几个文件，或请运维用命令导入。") % {"most": most_rows})
        last = record
        if kind == MoneyFileKind.DEBITS_BACK and not is_control(record.fields):
            answer = parse_answer(dict(zip(source.header.names, record.fields, strict=False)))
            readable = readable and isinstance(answer, Answer)
            paid += answer.paid if isinstance(answer, Answer) else 0
    if kind == MoneyFileKind.RECEIPTS:
        return count
    fault = control_fault(last.fields, rows=count - 1, paid=paid if readable else None)
    if fault:
        raise TapeRefused(
            {
                "no_control": _("文件末行不是 %(control)s 控制行：文件可能不完整。"),
                "count_differs": _("控制行的笔数与文件不符（实有 %(count)d 笔）：文件可能不完整。"),
                "total_differs": _("控制行的合计金额与文件不符（实为 %(paid)s 元）。"),
            }[fault]
            % {"control": CONTROL, "count": count - 1, "paid": paid}
        )
    return count - 1


def _rows(source: Tape, kind: str, count: int) -> Iterator[FileRow]:
    """The first `count` rows, parsed."""
    for number, record in enumerate(source.records(), start=1):
        if number > count:
            return
        yield _row(record, source.header.names, kind)


def _row(record: Record, names: Sequence[str], kind: str) -> FileRow:
    values = dict(zip(names, record.fields, strict=False))
    surplus = record.fields[len(names) :]
    if surplus:
        return FileRow(record.row, {**values, "+": ",".join(surplus)}, None, "", "surplus")
    found = parse_receipt(values) if kind == MoneyFileKind.RECEIPTS else parse_answer(values)
    if isinstance(found, ParsedReceipt):
        row = ReceiptRow(found.loan, found.amount, found.value_on, found.channel, found.serial)
        return FileRow(record.row, values, row)
    if isinstance(found, Answer):
        return FileRow(record.row, values, found)
    return FileRow(record.row, values, None, found[0].column, found[0].code)


def _note_problems(report: FileReport, rows: Sequence[FileRow], outcomes: Sequence[RowOutcome]) -> None:
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome.word in ("unmatched", "refused") and len(report.problems) < SHOWN:
            value = printable(row.values.get(outcome.column, ""), 60)
            report.problems.append(ProblemRow(row.line, outcome.column, value, reason_in_words(outcome.reason)))
