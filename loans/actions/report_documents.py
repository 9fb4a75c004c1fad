"""Hands out reports as XLSX and CSV, and the whole book as CSV; who took what, and its hash, stand in the journal.

The book is written by the database itself (COPY) into a file on disk, so that a million loans cost no memory. Names are
masked for everyone: a file of many people's data does not leave with more.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import StringIO
from tempfile import TemporaryFile
from typing import Any

from django.db import connections, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from journal.actions import record
from journal.replica import read_written
from loans import statement_xlsx
from loans.actions import reports as asked_reports
from loans.actions.pricing_documents import CSV, DOCUMENT_LANGUAGE, XLSX
from loans.actions.reports import Aging, Collections, GeneralDay, Migration, ReportRefused
from loans.actions.statements import Document
from loans.models import Product
from loans.queries.bank import require_business_date
from loans.queries.general import account_words
from loans.queries.reports import CLASSES, SETTLED, WRITTEN_OFF, CellRow, Collected, scope_of
from loans.report_words import band_words, class_words
from loans.sql import reports as statements
from loans.statement_xlsx import Cell, Sheet
from people.actions import require
from people.models import Staff

AGING, MIGRATION, COLLECTIONS, GENERAL = "aging", "migration", "collections", "general"
KINDS = (AGING, MIGRATION, COLLECTIONS, GENERAL)
MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = b"\xef\xbb\xbf"


@transaction.atomic
def take_report(*, kind: str, form: str, asked: Mapping[str, str], by: Staff, at: datetime) -> Document:
    """A report as it is shown, as a file."""
    require(by, "loans.view_reports")
    today = require_business_date()
    with override(DOCUMENT_LANGUAGE):
        name, sheet = _SHEETS[kind](asked, by)
        content = _csv(sheet) if form == CSV else statement_xlsx.render(sheet, made_at=at)
    given = {key: asked[key] for key in ("on", "from", "to", "by", "branch", "product") if asked.get(key)}
    record(
        kind="loans.report_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at, business_date=today,
        data={"report": kind, "form": form, "asked": given, "sha256": hashlib.sha256(content).hexdigest()},
    )  # fmt: skip
    return Document(f"{name}.{form.lower()}", MEDIA_TYPES[form], content)


def _aging_sheet(asked: Mapping[str, str], by: Staff) -> tuple[str, Sheet]:
    found: Aging = asked_reports.aging(asked=asked, by=by)
    heads = [_("机构") if found.by == "branch" else _("产品")]
    for band in band_words():
        heads += [f"{band} {_('笔数')}", f"{band} {_('余额')}"]
    heads += [_("合计笔数"), _("合计余额")]
    rows = [(found.names.get(row.key, row.key), *_cells(row)) for row in found.table.rows]
    sums = (_("合计"), *_cells(found.table.total))
    facts = ((_("日终"), found.on),)
    return f"aging-{found.on:%Y%m%d}", Sheet(_("逾期账龄表"), facts, heads, rows, sums, ())


def _migration_sheet(asked: Mapping[str, str], by: Staff) -> tuple[str, Sheet]:
    found: Migration = asked_reports.migration(asked=asked, by=by)
    words = class_words()
    heads = [_("期初分类")]
    for name in (*CLASSES, SETTLED, WRITTEN_OFF):
        heads += [f"{words[name]} {_('笔数')}", f"{words[name]} {_('余额')}"]
    heads += [_("合计笔数"), _("合计余额")]
    rows = [(words[row.key], *_cells(row)) for row in found.table.rows]
    facts = ((_("期初"), found.from_on), (_("期末"), found.to_on))
    sheet = Sheet(_("五级分类迁徙表"), facts, heads, rows, (_("合计"), *_cells(found.table.total)), ())
    return f"migration-{found.from_on:%Y%m%d}-{found.to_on:%Y%m%d}", sheet


def _cells(row: CellRow) -> list[Cell]:
    return [value for cell in (*row.cells, row.total) for value in (cell.loans, cell.balance)]


def _collections_sheet(asked: Mapping[str, str], by: Staff) -> tuple[str, Sheet]:
    found: Collections = asked_reports.collections(asked=asked, by=by)
    heads = [
        _("月份") if found.by == "month" else _("机构"), _("应收"), _("已收回"), _("未收"), _("收回率（%）"),
        _("收回以前月份"),
    ]  # fmt: skip
    rows = [(found.names.get(row.key, row.key), *_amounts(row)) for row in found.rows]
    facts = ((_("月份"), f"{found.from_month} – {found.to_month}"),)
    sheet = Sheet(_("应收实收表"), facts, heads, rows, (_("合计"), *_amounts(found.total)), ())
    return f"collections-{found.from_month}-{found.to_month}", sheet


def _amounts(row: Collected) -> list[Cell]:
    return [row.due, row.received, row.unpaid, rate_of(row), row.recovered]


def rate_of(row: Collected) -> Decimal | None:
    """What came in of what fell due, in percent with two decimals; None where nothing fell due."""
    return (row.received * 100 / row.due).quantize(Decimal("0.01")) if row.due else None


def _general_sheet(asked: Mapping[str, str], by: Staff) -> tuple[str, Sheet]:
    found: GeneralDay = asked_reports.general_day(asked=asked, by=by)
    products, accounts = {code: str(label) for code, label in Product.choices}, account_words()
    heads = [_("机构号"), _("机构"), _("产品"), _("科目"), _("借方"), _("贷方")]
    rows = [
        (row.code, row.name, products[row.product], accounts[row.account], row.debit, row.credit) for row in found.rows
    ]
    sums = (_("合计"), None, None, None, found.debit, found.credit)
    return f"general-{found.on:%Y%m%d}", Sheet(_("总账日报"), ((_("日终"), found.on),), heads, rows, sums, ())


_SHEETS = {
    AGING: _aging_sheet, MIGRATION: _migration_sheet, COLLECTIONS: _collections_sheet, GENERAL: _general_sheet,
}  # fmt: skip


def _csv(sheet: Sheet) -> bytes:
    """UTF-8 with its mark; a text that begins like a formula is put behind an apostrophe."""
    text = StringIO()
    writer = csv.writer(text)
    for row in (sheet.heads, *sheet.rows, sheet.sums):
        writer.writerow([_plain(cell) for cell in row])
    return _MARK + text.getvalue().encode()


def _plain(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


# ── The whole book ───────────────────────────────────────────────────────────────────────────────


class OnDisk:
    """A file without a name that hashes what is written into it, to be read once; it goes with its last reader."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed with this object
        self.sha256 = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.sha256.update(content)
        return self._file.write(content)

    def rewind(self) -> int:
        """Back to the start; the size in bytes."""
        size = self._file.tell()
        self._file.seek(0)
        return size

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class BookFile:
    """The book, ready to be read from its start."""

    name: str
    file: OnDisk
    size: int
    loans: int


@transaction.atomic
def take_book(*, asked: Mapping[str, str], by: Staff, at: datetime) -> BookFile:
    """Every open loan that a person sees as CSV, narrowed by `branch` and `product`; the taking is recorded."""
    require(by, "loans.export_book")
    today = require_business_date()
    product = asked.get("product", "")
    if product and product not in Product.values:
        raise ReportRefused(_("没有这种产品。"), field="product")
    values = {**scope_of(by, asked.get("branch", ""), product).values(), "day": today}
    file, loans = read_written(lambda using: _book(values, using))
    given = {key: asked[key] for key in ("branch", "product") if asked.get(key)}
    record(
        kind="loans.book_taken", subject_type="report", subject_id=None, by=by.staff_no, at=at, business_date=today,
        data={"loans": loans, "asked": given, "sha256": file.sha256.hexdigest()},
    )  # fmt: skip
    return BookFile(f"book-{today:%Y%m%d}.csv", file, file.rewind(), loans)


def _book(values: Mapping[str, Any], using: str) -> tuple[OnDisk, int]:
    """The file with its heads, and how many loans are in it."""
    file, where = OnDisk(), connections[using]
    with override(DOCUMENT_LANGUAGE):
        file.write(_MARK + ",".join(book_heads()).encode() + b"\r\n")
    with where.cursor() as cursor, where.wrap_database_errors:
        # COPY takes no parameters of its own: the driver writes them in, quoted.
        query = cursor.mogrify(statements.BOOK, values).decode()
        cursor.copy_expert(f"COPY ({query}) TO STDOUT WITH (FORMAT csv)", file)
        return file, int(cursor.rowcount)


def book_heads() -> Sequence[str]:
    """Heads of the columns of `statements.BOOK`; none needs quoting."""
    return (
        _("借据号"), _("机构号"), _("机构"), _("产品"), _("还款方式"), _("客户"), _("管户工号"), _("放款日"),
        _("到期日"), _("还款日"), _("贷款金额"), _("余额"), _("年利率"), _("月供"), _("下一还款日"), _("逾期起始日"),
        _("逾期天数"), _("五级分类"), _("表外应收利息"), _("暂收款"), _("应收费用"),
    )  # fmt: skip
