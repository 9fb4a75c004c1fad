"""The demo's tapes and days are good before anybody loads them; what is missing of its situations is named."""

import csv
import io
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config.demo import book, situations
from loans.rules.tape import check_row


def rows_of(text: str, as_of: date) -> list[dict[str, str]]:
    found = list(csv.DictReader(io.StringIO(text)))
    refused = [row.refusals for number, each in enumerate(found) if (row := check_row(each, number, as_of)).refusals]
    assert refused == []
    return found


def test_every_row_of_the_tapes_is_accepted_and_the_book_is_whole() -> None:
    as_of = book.Span().tape_day
    rows = rows_of(book.book_tape(as_of, book.LOANS), as_of)
    for day, serials in book.new_loans(as_of, book.LOANS).items():
        rows += rows_of(book.tape(day, serials), day)
    assert len({row["external_id"] for row in rows}) == len(rows) == book.LOANS
    assert len({row["borrower_id_no"] for row in rows}) == len(rows)
    assert sum(book.AREA in row["property_address"] for row in rows) == 138
    assert sum(book.STALLED in row["property_address"] for row in rows) == 46


def test_every_scene_is_lived_even_in_the_shortest_past() -> None:
    first = book.Span(book.LEAST_MONTHS).tape_day
    assert all(first < day < book.BUSINESS_DATE and day.weekday() < 5 for day in situations.scenes())


@pytest.mark.django_db
def test_situations_are_looked_up_and_the_missing_ones_named() -> None:
    with pytest.raises(CommandError, match="停工楼盘，一次项目走访"):
        call_command("demo_situations", stdout=StringIO())
