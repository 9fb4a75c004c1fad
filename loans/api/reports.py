"""Reports over the API: the same figures as on the pages, and the whole book as CSV."""

from collections.abc import Mapping
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans.actions import report_documents as documents
from loans.actions import reports
from loans.api.fields import money
from loans.book_response import BookResponse
from loans.models import Product
from loans.queries.reports import BANDS, CLASSES, SETTLED, WRITTEN_OFF, CellRow
from people.api.views import ApiView, reads
from people.models import Branch


def _text(name: str, words: str, choices: tuple[str, ...] = ()) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, description=words, enum=choices or None)


_SCOPE = (_text("branch", "A branch's code."), _text("product", "", tuple(Product.values)))


class CellReply(serializers.Serializer[Any]):
    """Loans and their balance in one column."""

    column = serializers.CharField()
    loans = serializers.IntegerField()
    balance = money()


class CellRowReply(serializers.Serializer[Any]):
    """One row of a table; the last one of a reply is the sum and has no key."""

    key = serializers.CharField(help_text="A branch's code, a product or a class; empty in the sum.")
    name = serializers.CharField()
    cells = CellReply(many=True)
    loans = serializers.IntegerField()
    balance = money()


class AgingReply(serializers.Serializer[Any]):
    """Columns are the first days past due of their band: 0, 1, 31, 61, 91, 181, 361."""

    on = serializers.DateField()
    by = serializers.CharField()
    rows = CellRowReply(many=True)


class MigrationReply(serializers.Serializer[Any]):
    """Rows are classes at `from` (or NEW), columns classes at `to` (or SETTLED, WRITTEN_OFF)."""

    from_on = serializers.DateField()
    to_on = serializers.DateField()
    rows = CellRowReply(many=True)


class CollectedReply(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="A month as YYYY-MM or a branch's code; empty in the sum.")
    name = serializers.CharField()
    due = money()
    received = money()
    unpaid = money()
    rate_percent = serializers.DecimalField(7, 2, allow_null=True)
    recovered = money(help_text="Installments of earlier months that were settled in the months.")


class CollectionsReply(serializers.Serializer[Any]):
    from_month = serializers.CharField()
    to_month = serializers.CharField()
    by = serializers.CharField()
    rows = CollectedReply(many=True)


class GeneralRowReply(serializers.Serializer[Any]):
    """What an account of a branch and product was debited and credited with."""

    branch = serializers.CharField(help_text="A branch's code.")
    product = serializers.ChoiceField(Product.choices)
    account = serializers.CharField()
    debit = money()
    credit = money()


class GeneralReply(serializers.Serializer[Any]):
    """The general ledger of a closed date; debit and credit of all rows are equal."""

    on = serializers.DateField()
    rows = GeneralRowReply(many=True)
    debit = money()
    credit = money()


def _told(row: CellRow, key: str, name: str, columns: tuple[Any, ...]) -> dict[str, Any]:
    cells = [
        {"column": str(column), "loans": cell.loans, "balance": cell.balance}
        for column, cell in zip(columns, row.cells, strict=True)
    ]
    return {"key": key, "name": name, "cells": cells, "loans": row.total.loans, "balance": row.total.balance}


def _codes(keys: list[str], by: str) -> Mapping[str, str]:
    """What a key of a report is called outside: a branch's code, a month, a product."""
    if by != "branch":
        return {key: key[:7] if by == "month" else key for key in keys}
    found = Branch.objects.filter(pk__in=[int(key) for key in keys]).values_list("pk", "code")
    return {str(pk): code for pk, code in found}


class ReportView(ApiView, abstract=True):
    """A report; its parameters are texts, and those that cannot be meant are refused with their name."""

    permission = "loans.view_reports"

    def asked(self) -> dict[str, str]:
        return {name: str(self.request.query_params[name]) for name in self.request.query_params}


class AgingReport(ReportView):
    """Balances by days past due at the close of a date."""

    query_parameters = ("on", "by", "branch", "product")

    @reads(
        AgingReply, operation_id="book_aging", more_refusals=(422,),
        parameters=[_text("on", "A closed date; the last one."), _text("by", "", ("branch", "product")), *_SCOPE],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found = reports.aging(asked=self.asked(), by=self.staff)
        codes = _codes([row.key for row in found.table.rows], found.by)
        rows = [_told(row, codes[row.key], found.names[row.key], BANDS) for row in found.table.rows]
        rows.append(_told(found.table.total, "", "", BANDS))
        return Response(AgingReply({"on": found.on, "by": found.by, "rows": rows}).data)


class GeneralReport(ReportView):
    """The general ledger of a date: postings added up by branch, product and account, and interest accrued."""

    query_parameters = ("on", "branch", "product")

    @reads(
        GeneralReply, operation_id="book_general", more_refusals=(422,),
        parameters=[_text("on", "A closed date; the last one."), *_SCOPE],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found = reports.general_day(asked=self.asked(), by=self.staff)
        rows = [{**row._asdict(), "branch": row.code} for row in found.rows]
        told = {"on": found.on, "rows": rows, "debit": found.debit, "credit": found.credit}
        return Response(GeneralReply(told).data)


class MigrationReport(ReportView):
    """Loans by class at the close of two dates."""

    query_parameters = ("from", "to", "branch", "product")

    @reads(
        MigrationReply, operation_id="book_migration", more_refusals=(422,),
        parameters=[_text("from", "A closed date."), _text("to", "A closed date; the last one."), *_SCOPE],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found = reports.migration(asked=self.asked(), by=self.staff)
        columns = (*CLASSES, SETTLED, WRITTEN_OFF)
        rows = [_told(row, row.key, row.key, columns) for row in (*found.table.rows, found.table.total)]
        return Response(MigrationReply({"from_on": found.from_on, "to_on": found.to_on, "rows": rows}).data)


class CollectionsReport(ReportView):
    """What fell due in some months against what came in."""

    query_parameters = ("from", "to", "by", "branch", "product")

    @reads(
        CollectionsReply, operation_id="book_collections", more_refusals=(422,),
        parameters=[_text("from", "YYYY-MM."), _text("to", "YYYY-MM."), _text("by", "", ("month", "branch")), *_SCOPE],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        found = reports.collections(asked=self.asked(), by=self.staff)
        codes = {**_codes([row.key for row in found.rows], found.by), "": ""}
        rows = [
            {
                "key": codes[row.key], "name": found.names.get(row.key, ""), "due": row.due, "received": row.received,
                "unpaid": row.unpaid, "rate_percent": documents.rate_of(row), "recovered": row.recovered,
            }
            for row in (*found.rows, found.total)
        ]  # fmt: skip
        months = {"from_month": found.from_month, "to_month": found.to_month}
        return Response(CollectionsReply({**months, "by": found.by, "rows": rows}).data)


class BookCsv(ReportView):
    """Every open loan that the caller sees as CSV, names masked; the taking is recorded."""

    permission = "loans.export_book"
    query_parameters = ("branch", "product")

    @reads(
        OpenApiTypes.BINARY, media_type="text/csv", operation_id="book_csv", more_refusals=(422,),
        parameters=list(_SCOPE),
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponseBase:
        return BookResponse(documents.take_book(asked=self.asked(), by=self.staff, at=self.at))
