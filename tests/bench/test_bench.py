"""The benchmarks at 10,000 loans: equal ends, rows and statements, which no noise moves. Times are not judged here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from bench import bank, boarding, engine, money, nights, reports, repricing
from bench.book import MEASURED_ON, Book, draw
from bench.stand import Result, Stand, say
from tests.conftest import FreshBank

# They share one book, made of the worker's own test database; kept together, no second worker makes another one.
pytestmark = pytest.mark.xdist_group("bench")

LOANS = 10_000
# Evenings of a catch-up; the bench itself catches up thirty.
MISSED_DAYS = 3
# Statements of an evening that do not depend on the book: stages × what a chunk of each needs.
MOST_STATEMENTS = 330


@pytest.fixture(autouse=True)
def _without_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an evening takes in a bank of a few loans is a time, and needs a bank of its own."""
    monkeypatch.setattr(nights, "_GROWS_FROM", LOANS + 1)


@pytest.fixture(scope="session")
def stand(django_db_setup: None, django_db_blocker: Any) -> Iterator[Stand]:
    """A book of its own, made from the seeded test database and dropped afterwards."""
    connection = connections["default"]
    with django_db_blocker.unblock():
        connection.close()
        seeded = connection.settings_dict["NAME"]
    name = bank.name_of(Book(LOANS), seeded)
    bank.drop(name)
    _give_people_something_to_do(bank.template_of(Book(LOANS), say, empty=seeded))
    found = Stand(Book(LOANS), 1, empty=seeded, missed_days=MISSED_DAYS)
    yield found
    found.cursor.connection.close()
    bank.drop(name)


# What the last stages of an evening answer: follow-ups that nobody has, an officer whose week is too full, and an event
# without a visit, which the first evening of a book does not leave.
_UNASSIGNED = """
UPDATE followups_visittask SET assigned_to_id = NULL, due_on = %(day)s::date + 14, method = 'PHONE', evidence = '{}'
WHERE id IN (SELECT id FROM followups_visittask WHERE closed_on IS NULL AND NOT is_light ORDER BY id LIMIT 20)
"""
_CROWDED = """
WITH one AS (SELECT assigned_to_id AS officer, branch_id FROM followups_visittask
             WHERE assigned_to_id IS NOT NULL AND closed_on IS NULL ORDER BY id DESC LIMIT 1)
UPDATE followups_visittask t SET assigned_to_id = one.officer, branch_id = one.branch_id, level = 9, evidence = '{}',
       opens_on = %(day)s, due_on = %(day)s::date + 35, method = 'PHONE'
FROM one WHERE t.id IN (SELECT id FROM followups_visittask
                        WHERE closed_on IS NULL AND NOT is_light AND state = 'PLANNED' ORDER BY id DESC LIMIT 14)
"""
_EVENT = """
INSERT INTO followups_event ({columns})
SELECT {values} FROM followups_event e JOIN loans_position p ON p.loan_id = e.loan_id AND p.settled_on IS NULL
ORDER BY e.id LIMIT 1
"""


def _give_people_something_to_do(name: str) -> None:
    cursor = bank.connect(name, owner=True).cursor()
    for statement in (_UNASSIGNED, _CROWDED):
        cursor.execute(statement, {"day": MEASURED_ON})
        assert cursor.rowcount > 10
    cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'followups_event'")
    changed = {"is_baseline": "false", "external_id": "'bench'", "content_sha256": "repeat('b', 64)"}
    values = {column: changed.get(column, f"e.{column}") for (column,) in cursor.fetchall() if column != "id"}
    cursor.execute(_EVENT.format(columns=", ".join(values), values=", ".join(values.values())))
    assert cursor.rowcount == 1
    cursor.connection.close()


def by_id(results: Iterator[Result]) -> dict[str, Result]:
    return {result.id: result for result in results}


def test_a_night_ends_as_its_floor_does_and_writes_hardly_more_rows(stand: Stand) -> None:
    found = by_id(nights.ordinary(stand))
    night = found["B1"]
    assert night.equal, night.note
    assert found["B1w_rows"].ratio is not None and found["B1w_rows"].ratio <= 1.4
    assert night.statements is not None and night.statements <= MOST_STATEMENTS
    stand.check_clean()


def test_the_night_gives_people_their_work(stand: Stand) -> None:
    """So that what ends equal has had something to do at every stage."""

    def evening() -> dict[str, dict[str, int]]:
        nights.prepare(stand.cursor)
        counts: dict[str, dict[str, int]] = nights.evening(stand)()["counts"]
        return counts

    counts = stand.taken_back(evening)
    done = {**counts["answer_events"], **counts["share_out"], **counts["remind"]}
    wanted = ("looked_at", "noticed", "joined", "assigned", "levelled", "told", "due_told", "overdue_told")
    assert {name for name in wanted if not done[name]} == set(), done


def test_missed_days_caught_up_end_as_evenings_one_by_one(stand: Stand) -> None:
    found = by_id(nights.missed(stand))["B5"]
    assert found.equal, found.note
    assert found.rows_written == found.rows_needed


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
