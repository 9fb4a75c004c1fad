"""Loan tapes for tests: a sheet of good rows to be spoiled, the command's run, and what it left behind."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from loans.rules import tape
from tests.factories import identity_no

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT.parent / "shared" / "data" / "loan_book.csv"


class Sheet:
    """Rows of a tape; every row is good until changed."""

    def __init__(self, columns: tuple[str, ...] = tape.HEADER_NAMES) -> None:
        self.columns = columns
        self.rows: list[dict[str, str]] = []

    def add(self, **changes: str) -> "Sheet":
        serial = len(self.rows) + 1
        row = {
            "external_id": f"T{serial:05d}",
            "borrower_name": "孙丽华",
            "borrower_id_no": identity_no(serial),
            "borrower_phone": f"199{serial:08d}",
            "branch_code": "4201",
            "principal_original": "1000000.00",
            "principal_outstanding": f"{900000 + serial}.00",
            "annual_rate_percent": "3.6000",
            "repayment_method": "EQUAL_INSTALLMENT",
            "disbursed_on": "2023-01-20",
            "matures_on": "2053-01-20",
            "due_day": "20",
            "days_past_due": "0",
            "credit_score": "720",
            "property_type": "CONDO",
            "owner_occupied": "Y",
            "property_address": f"武汉市武昌区示例路{serial}号",
            "appraised_value": "2000000.00",
            "appraised_on": "2026-10-31",
        }
        self.rows.append({**dict.fromkeys(self.columns, ""), **row, **changes})
        return self

    def text(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, self.columns, lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()


class Outcome:
    """What a run of the command gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.json["imported"], self.json["unchanged"], self.json["refused"]


def importer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Gives a function that writes the tape (sheet, text or bytes) to a file and imports it."""

    def import_(content: Sheet | str | bytes | Path, *arguments: str) -> Outcome:
        if isinstance(content, Path):
            path = content
        else:
            text = content.text() if isinstance(content, Sheet) else content
            path = tmp_path / "book.csv"
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        code = 0
        try:
            call_command("import_loans", str(path), "--json", *arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return import_


def everything() -> dict[str, int]:
    """Row counts of every table of ours."""
    names = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        counts = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            counts[name] = cursor.fetchone()[0]
    return counts


def reasons(path: Path) -> list[tuple[str, str, str]]:
    """Row, column, reason of a file of refused rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(each["row"], each["column"], each["reason"]) for each in csv.DictReader(file)]
