"""Pages of reports: aging, class migration, collections; their files, and the whole book as CSV."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from journal.errors import ActionRefused
from loans.actions import report_documents as documents
from loans.actions import reports
from loans.book_response import BookResponse
from loans.models import Product
from loans.queries.general import account_words
from loans.queries.reports import CLASSES, SETTLED, WRITTEN_OFF, CellRow, CellTable, Collected
from loans.report_words import band_words, class_words
from loans.rules.bar_chart import BarChart, bar_chart
from loans.rules.money import fen
from loans.views.files import answer
from loans.views.pricing import asked_form, handed_out
from people.queries import branches_visible_to, may
from people.web import PageView, no_store

# Tab, URL name.
TABS = (
    (_("逾期账龄"), "loans:report_aging"),
    (_("分类迁徙"), "loans:report_migration"),
    (_("应收实收"), "loans:report_collections"),
    (_("总账日报"), "loans:report_general"),
    (_("全部贷款"), "loans:report_book"),
)
# A chart of more groups cannot be read.
_MOST_GROUPS = 24
_NAMES = ("on", "from", "to", "by", "branch", "product")


def asked_of(request: HttpRequest) -> dict[str, str]:
    """What the filters of a report were set to."""
    return {name: request.GET.get(name, "").strip()[:40] for name in _NAMES}


class ReportPage(PageView):
    """A report under its tab; a date that cannot be meant is told beside the filters, and nothing is counted."""

    permission = "loans.view_reports"
    tab = ""

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """What the page shows."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        asked = asked_of(request)
        context: dict[str, Any] = {"asked": asked}
        try:
            context |= self.found(asked)
        except ActionRefused as refusal:
            context |= {"refused": refusal.message, "field": refusal.field}
            return no_store(answer(self, self.get_context_data(**context), refusal))
        return no_store(self.render_to_response(self.get_context_data(**context)))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tabs = [(label, name, name == self.tab) for label, name in TABS]
        return super().get_context_data(
            **{
                "report_tabs": tabs,
                "branches": list(branches_visible_to(self.staff)),
                "products": Product.choices,
                "kind": self.tab.removeprefix("loans:report_"),
                "query": self.request.GET.urlencode(),
                **kwargs,
            }
        )


class AgingPage(ReportPage):
    """Balances by days past due at the close of a date."""

    template_name = "loans/report_aging.html"
    tab = "loans:report_aging"

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        report = reports.aging(asked=asked, by=self.staff)
        words = band_words()
        late = list(zip(words, (fen(cell.balance) for cell in report.table.total.cells), strict=True))[1:]
        chart = bar_chart([(label, (_rounded(value),)) for label, value in late])
        rows = [_shown(report.names.get(row.key, row.key), row, words) for row in report.table.rows]
        sums = _shown("", report.table.total, words)
        share = late_share(report.table)
        return {"report": report, "heads": words, "rows": rows, "sums": sums, "chart": chart, "late_share": share}


def _shown(label: str, row: CellRow, heads: list[str], own: int | None = None) -> dict[str, Any]:
    """A row as the table shows it: each cell with the head of its column; `own` is the column of those that stayed."""
    cells = [
        {"head": head, "cell": cell, "is_own": place == own}
        for place, (head, cell) in enumerate(zip(heads, row.cells, strict=True))
    ]
    return {"label": label, "cells": cells, "total": row.total}


def _rounded(amount_fen: int) -> int:
    """To a tenth of ten thousand yuan, as a chart's label says it."""
    return (amount_fen + 50_000) // 100_000 * 100_000


def late_share(table: CellTable) -> Decimal | None:
    """What of the balance is past due, in percent."""
    whole = table.total.total.balance
    return (whole - table.total.cells[0].balance) * 100 / whole if whole else None


class MigrationPage(ReportPage):
    """Loans by class at two closes."""

    template_name = "loans/report_migration.html"
    tab = "loans:report_migration"

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        report = reports.migration(asked=asked, by=self.staff)
        words = class_words()
        heads = [words[code] for code in (*CLASSES, SETTLED, WRITTEN_OFF)]
        rows = [
            _shown(words[row.key], row, heads, place if row.key in CLASSES else None)
            for place, row in enumerate(report.table.rows)
        ]
        return {"report": report, "heads": heads, "rows": rows, "sums": _shown("", report.table.total, heads)}


class CollectionsPage(ReportPage):
    """Due against received by month or branch, and what of earlier months was settled."""

    template_name = "loans/report_collections.html"
    tab = "loans:report_collections"

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        report = reports.collections(asked=asked, by=self.staff)
        rows = [{"label": report.names.get(row.key, row.key), **_told(row)} for row in report.rows]
        return {"report": report, "rows": rows, "total": _told(report.total), "chart": _chart(rows)}


def _told(row: Collected) -> dict[str, Any]:
    return {"row": row, "rate": documents.rate_of(row)}


def _chart(rows: list[dict[str, Any]]) -> BarChart | None:
    if len(rows) > _MOST_GROUPS:
        return None
    return bar_chart([(each["label"][-5:], (fen(each["row"].due), fen(each["row"].received))) for each in rows])


class GeneralPage(ReportPage):
    """The general ledger of a date, by branch, product and account."""

    template_name = "loans/report_general.html"
    tab = "loans:report_general"

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        report = reports.general_day(asked=asked, by=self.staff)
        products, accounts = dict(Product.choices), account_words()
        rows = [{"row": row, "product": products[row.product], "account": accounts[row.account]} for row in report.rows]
        return {"report": report, "rows": rows}


class ReportFile(PageView):
    """A report as XLSX or CSV; the taking is recorded."""

    permission = "loans.view_reports"

    def get(self, request: HttpRequest, kind: str, form: str) -> HttpResponse:
        if kind not in documents.KINDS:
            raise Http404
        form = asked_form(form)
        try:
            found = documents.take_report(kind=kind, form=form, asked=asked_of(request), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        return handed_out(found)


class BookPage(ReportPage):
    """What the file of all loans holds, and the way to it."""

    template_name = "loans/report_book.html"
    tab = "loans:report_book"

    def found(self, asked: Mapping[str, str]) -> dict[str, Any]:
        return {"heads": documents.book_heads(), "may_export": may(self.staff, "loans.export_book")}


class BookCsv(PageView):
    """Every open loan that the person sees; the taking is recorded."""

    permission = "loans.export_book"

    def get(self, request: HttpRequest) -> HttpResponseBase:  # type: ignore[override]
        try:
            book = documents.take_book(asked=asked_of(request), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        return BookResponse(book)
