"""The benchmarks at a small size: equal ends, rows and statements, which no noise moves. Times are not judged here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from bench import bank, boarding, engine, money, nights, reports, repricing
from bench.book import Book, draw
from bench.stand import Result, Stand
from tests.conftest import FreshBank

# They share one book, made of the worker's own test database; kept together, no second worker makes another one.
pytestmark = pytest.mark.xdist_group("bench")

LOANS = 600
# Statements of an evening that do not depend on the book: stages × what a chunk of each needs.
MOST_STATEMENTS = 330


@pytest.fixture(scope="module")
def stand(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stand]:
    """A book of its own, made from the seeded test database and dropped afterwards."""
    connection = connections["default"]
    with django_db_blocker.unblock():
        connection.close()
        seeded = connection.settings_dict["NAME"]
    name = bank.name_of(Book(LOANS), seeded)
    bank.drop(name)
    found = Stand(Book(LOANS), 1, empty=seeded)
    yield found
    found.cursor.connection.close()
    bank.drop(name)


def by_id(results: Iterator[Result]) -> dict[str, Result]:
    return {result.id: result for result in results}


def test_a_night_ends_as_its_floor_does_and_writes_hardly_more_rows(stand: Stand) -> None:
    found = by_id(nights.ordinary(stand))
    night = found["B1"]
    assert night.equal, night.note
    assert found["B1w_rows"].ratio is not None and found["B1w_rows"].ratio <= 1.4
    assert night.statements is not None and night.statements <= MOST_STATEMENTS
    stand.check_clean()


def test_the_same_date_a_second_time_writes_nothing(stand: Stand) -> None:
    assert by_id(nights.again(stand))["B4_rows"].rows_written == 0


def test_a_night_that_was_killed_ends_as_an_undisturbed_one(stand: Stand) -> None:
    assert by_id(nights.killed(stand))["B6"].equal


def test_a_file_of_payments_ends_as_set_based_sql_does(stand: Stand) -> None:
    found = by_id(money.file_of_the_day(stand))["B8"]
    assert found.equal, found.note


def test_a_repricing_day_ends_as_its_floor_does_and_writes_hardly_more_rows(stand: Stand) -> None:
    found = by_id(repricing.repricing_day(stand))["B7"]
    assert found.equal, found.note
    assert found.rows_written is not None and found.rows_needed is not None
    assert found.rows_written <= found.rows_needed * 1.2
    stand.check_clean()


def test_reports_say_what_one_statement_says(stand: Stand) -> None:
    assert by_id(reports.reports(stand))["B14"].equal


def test_schedules_agree_with_fractions(stand: Stand) -> None:
    assert by_id(engine.single(stand))["B10"].equal


def test_the_same_seed_draws_the_same_book() -> None:
    first, second = (list(draw(Book(50, seed=3), 0)) for _ in range(2))
    assert first == second
    assert first != list(draw(Book(50, seed=4), 0))


def test_a_tape_of_the_book_is_boarded_whole(fresh_bank: FreshBank, tmp_path: Any) -> None:
    from config.boarding import board
    from tests.conftest import NOW

    path = tmp_path / "tape.csv"
    boarding.tape(path, 20)
    report = board(
        path, as_of=boarding.TAKEN_OVER_ON, is_dry_run=False, refused_to=None, by="system", at=NOW
    )  # fmt: skip
    assert report.imported == 20
