"""Posts a file of receipts (docs/receipts.md): bad rows are refused by line, good ones are posted.

Rows go in chunks, each one transaction; a file that stopped half way is simply sent again, for a
serial posts once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from config.boarding_file import Header, TapeRefused, open_tape, printable
from loans.actions import ReceiptOutcome, ReceiptRow, post_receipts
from loans.rules.receipts import COLUMNS, ParsedReceipt, Problem, parse_receipt

CHUNK = 2000
SHOWN = 100


class RefusedRow(NamedTuple):
    """A row of the sheet (header = 1) that was not taken, and why."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class ReceiptsReport:
    """What became of a file."""

    rows: int = 0
    posted: int = 0
    waiting: int = 0
    duplicate: int = 0
    unmatched: int = 0
    refused: int = 0
    amount_posted: Decimal = Decimal("0.00")
    # The first refused rows; `refused` counts them all.
    refusals: list[RefusedRow] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        names = ("rows", "posted", "waiting", "duplicate", "unmatched", "refused")
        return {**{name: getattr(self, name) for name in names}, "amount_posted": str(self.amount_posted)}

    def refuse(self, refused: RefusedRow) -> None:
        if len(self.refusals) < SHOWN:
            self.refusals.append(refused)


def _reason(code: str) -> str:
    return {
        "missing": _("必填项为空"),
        "malformed": _("含有不允许的字符或过长"),
        "not_positive": _("金额应大于零"),
        "not_an_amount": _("不是金额：只能是数字，至多两位小数"),
        "not_a_date": _("不是日期：应为 YYYY-MM-DD"),
        "surplus": _("本行的列数多于表头"),
    }[code]


def _read_header(fields: Sequence[str]) -> Header:
    names = [name.strip() for name in fields]
    expected = ",".join(COLUMNS)
    shown = printable(",".join(names[:20]), 200)
    if len(names) > len(COLUMNS) or sorted(names) != sorted(COLUMNS):
        raise TapeRefused(_("表头应为 %(expected)s，实为 %(names)s") % {"expected": expected, "names": shown})
    return Header(tuple(names), ())


def post_file(path: Path, *, by: str, clock: Callable[[], datetime]) -> ReceiptsReport:
    """Posts the receipts of a CSV; TapeRefused when the file itself is no such file."""
    report = ReceiptsReport()
    with open_tape(path, _read_header) as source:
        chunk: list[tuple[int, ReceiptRow]] = []
        for row, fields in ((record.row, record.fields) for record in source.records()):
            report.rows += 1
            parsed = _parse(row, source.header.names, fields, report)
            if parsed is not None:
                chunk.append((row, parsed))
            if len(chunk) == CHUNK:
                _post(chunk, report, by=by, at=clock())
                chunk = []
        if chunk:
            _post(chunk, report, by=by, at=clock())
    report.refusals.sort()
    return report


def _parse(row: int, names: Sequence[str], fields: Sequence[str], report: ReceiptsReport) -> ReceiptRow | None:
    values = dict(zip(names, fields, strict=False))
    surplus = len(fields) > len(names)
    parsed = (Problem("", "surplus"),) if surplus else parse_receipt(values)
    if isinstance(parsed, ParsedReceipt):
        return ReceiptRow(parsed.loan, parsed.amount, parsed.value_on, parsed.channel, parsed.serial)
    report.refused += 1
    for problem in parsed:
        value = printable(values.get(problem.column, ""), 60)
        report.refuse(RefusedRow(row, problem.column, value, _reason(problem.code)))
    return None


def _post(chunk: Sequence[tuple[int, ReceiptRow]], report: ReceiptsReport, *, by: str, at: datetime) -> None:
    result = post_receipts(rows=[row for _number, row in chunk], by=by, at=at)
    report.amount_posted += result.amount_posted
    for name in ("posted", "waiting", "duplicate", "unmatched", "refused"):
        setattr(report, name, getattr(report, name) + getattr(result, name))
    for (number, row), outcome in zip(chunk, result.outcomes, strict=True):
        if outcome.state == "REFUSED":
            report.refuse(RefusedRow(number, outcome.column, _value(row, outcome), outcome.reason))


def _value(row: ReceiptRow, outcome: ReceiptOutcome) -> str:
    return str(getattr(row, outcome.column))
