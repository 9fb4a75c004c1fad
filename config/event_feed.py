"""Reads a feed of events (docs/events.md): one CSV of one kind of data, judged row by row, looked at or taken in.

The file is read whole before a row of it is used. A row that cannot be right is refused in words and the others go
on; a row whose reference came before is a duplicate, so a file that is sent twice writes nothing the second time.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from django.utils.translation import gettext as _

from config.boarding_file import Header, Record, TapeRefused, open_tape, printable
from followups.actions.events import FeedRow, RowResult, take_feed
from followups.models import EventFeed
from loans.rules.money import AmountError, parse_amount
from people.models import Staff

COLUMNS = ("reference", "loan", "customer", "code", "happened_on", "monthly_income", "words")
MOST_ROWS = 5_000
SHOWN = 100
WORDS = ("TAKEN", "DUPLICATE", "BASELINE", "NOTHING", "REFUSED")
_REFERENCE = re.compile(r"[A-Za-z0-9_./:-]{1,60}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A refused row of the sheet (header = 1): column, value and reason in the reader's language."""

    row: int
    column: str
    value: str
    reason: str


@dataclass(slots=True)
class FeedReport:
    """What became of a feed, or would become of it."""

    feed: str
    name: str
    sha256: str
    is_preview: bool
    rows: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    @property
    def feed_word(self) -> str:
        return str(EventFeed(self.feed).label)


def read_feed(
    path: Path, *, feed: str, name: str, by: Staff, at: datetime, is_preview: bool, sha256: str = ""
) -> FeedReport:
    """Judges a file and, unless it is only looked at, keeps what it tells; TapeRefused when it is no such file."""
    with open_tape(path, _header) as source:
        if sha256 and sha256 != source.sha256:
            raise TapeRefused(_("这不是刚才预览的文件，请重新预览。"))
        rows = [_row(record, source.header.names) for record in _records(source.records())]
        report = FeedReport(feed, printable(name or source.name, 190), source.sha256, is_preview, len(rows))
    results = take_feed(feed=feed, rows=rows, by=by, at=at, is_preview=is_preview)
    _tell(report, rows, results)
    return report


def _header(fields: Sequence[str]) -> Header:
    names = [name.strip() for name in fields]
    if sorted(names) == sorted(COLUMNS):
        return Header(tuple(names), ())
    shown = printable(",".join(names[:20]), 200)
    raise TapeRefused(_("表头应为 %(expected)s，实为 %(names)s") % {"expected": ",".join(COLUMNS), "names": shown})


def _records(records: Iterable[Record]) -> list[Record]:
    found: list[Record] = []
    for record in records:
        if any("\x00" in value for value in record.fields):
            raise TapeRefused(_("第 %(row)d 行含有 NUL 字符：文件已损坏或不是文本。") % {"row": record.row})
        found.append(record)
        if len(found) > MOST_ROWS:
            raise TapeRefused(_("文件超过 %(most)d 行，请分成几个文件。") % {"most": MOST_ROWS})
    return found


def _row(record: Record, names: Sequence[str]) -> FeedRow:
    values = {name: value.strip() for name, value in zip(names, record.fields, strict=False)}
    if len(record.fields) > len(names):
        return FeedRow(record.row, values, column="+", fault=_("这一行比表头多出列。"))
    fault = _fault(values)
    if fault is not None:
        return FeedRow(record.row, values, column=fault[0], fault=fault[1])
    income = values.get("monthly_income", "")
    return FeedRow(
        record.row,
        values,
        external_id=values["reference"],
        loan=values.get("loan", ""),
        customer=values.get("customer", ""),
        code=values.get("code", ""),
        happened_on=date.fromisoformat(values["happened_on"]),
        words=values.get("words", ""),
        monthly_income=parse_amount(income) if income else None,
    )


def _fault(values: Mapping[str, str]) -> tuple[str, str] | None:
    """The first thing wrong with a row by itself: column and reason."""
    if not _REFERENCE.fullmatch(values.get("reference", "")):
        return "reference", _("须为来源方的编号：1 至 60 位字母、数字或 _ . / : -")
    if not values.get("loan") and not values.get("customer"):
        return "loan", _("借据号和客户身份证号至少填一项。")
    day = values.get("happened_on", "")
    if not _DATE.fullmatch(day) or not _is_day(day):
        return "happened_on", _("日期请写成 YYYY-MM-DD。")
    income = values.get("monthly_income", "")
    if bool(income) == bool(values.get("code")):
        return "code", _("事项代码和月收入须填其一。")
    if income:
        try:
            parse_amount(income)
        except AmountError:
            return "monthly_income", _("须为金额：数字，最多两位小数。")
    return None


def _is_day(text: str) -> bool:
    try:
        return 1900 <= date.fromisoformat(text).year <= 2199
    except ValueError:
        return False


def _tell(report: FeedReport, rows: Sequence[FeedRow], results: Sequence[RowResult]) -> None:
    by_line = {row.line: row for row in rows}
    counts = Counter(result.word for result in results)
    report.counts = {word: counts[word] for word in WORDS}
    report.events = dict(Counter(result.event for result in results if result.word == "TAKEN").most_common())
    for result in results:
        if result.word == "REFUSED" and len(report.problems) < SHOWN:
            value = by_line[result.line].values.get(result.column, "")
            # Whose number it is stays in the file.
            shown = f"{value[:3]}…{value[-4:]}" if result.column == "customer" and len(value) > 8 else value
            report.problems.append(RowProblem(result.line, result.column, printable(shown, 60), result.reason))
