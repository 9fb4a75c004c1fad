"""Reports on a real standby: it answers them, may cancel them, fall behind or be gone, and nothing else asks it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from django.conf import settings as bank_settings
from django.db import DatabaseError, connections
from django.test import Client
from django.urls import reverse

from config import day_end
from journal import replica
from loans.actions import ReceiptRow, post_receipts
from tests.crash.books import clock, today
from tests.crash.ground import leave
from tests.crash.processes import wait_for
from tests.crash.servers import Server, default_at
from tests.crash.standby import Pair, asked_by_the_bank, pair_of
from tests.web.api_bank import Bank, make_bank

pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash-standby")]
SLOW = "FROM loans_figure, pg_sleep(20)"
# Reports: address, what only its statement says, and whether it is told of closed dates alone.
REPORTS = (
    ("loans:report_aging", [], "), unpaid AS (", True),
    ("loans:report_migration", [], "array_agg(data ->> 'from'", True),
    ("loans:report_general", [], "FROM loans_general_line WHERE business_date =", True),
    ("loans:report_file", ["aging", "csv"], "), unpaid AS (", True),
    ("api:book-aging", [], "), unpaid AS (", True),
    ("loans:report_collections", [], "WITH cell AS (", False),
    ("loans:report_book_csv", [], "COPY (SELECT", False),
    ("followups:turn_around", [], "WITH closed AS (", False),
)


@pytest.fixture(scope="module")
def pair(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Pair]:
    with django_db_blocker.unblock():
        name = str(connections["default"].settings_dict["NAME"])
        leave()
        with (
            pair_of(name, tmp_path_factory.mktemp("pair")) as pair,
            default_at(pair.primary.port),
            _replica_at(pair.standby.port),
        ):
            yield pair


@contextmanager
def _replica_at(port: int) -> Iterator[None]:
    """As `config.settings` makes it of REPLICA_URL."""
    here = connections["default"].settings_dict
    options = {**here["OPTIONS"], **bank_settings.REPLICA_OPTIONS}
    bank_settings.DATABASES["replica"] = {**here, "PORT": port, "OPTIONS": options, "CONN_MAX_AGE": None}
    try:
        yield
    finally:
        connections["replica"].close()
        del connections["replica"]
        del bank_settings.DATABASES["replica"]


@contextmanager
def _without_replica() -> Iterator[None]:
    found = bank_settings.DATABASES.pop("replica")
    try:
        yield
    finally:
        bank_settings.DATABASES["replica"] = found


@pytest.fixture(scope="module")
def bank(pair: Pair) -> Bank:
    """With one date closed, and the standby there."""
    found = make_bank()
    close()
    assert pair.caught_up()
    return found


@pytest.fixture(autouse=True)
def _asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_away_until", 0.0)


def close() -> date:
    day = today()
    day_end.run(through=day, at_clock=clock)
    return day


def told(bank: Bank) -> str:
    client = Client()
    client.force_login(bank.staff["manager"], backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(reverse("dashboard"))
    assert response.status_code == 200
    text: str = response.content.decode()
    assert "截至" in text
    return text


def figures_read(server: Server) -> int:
    return sum("FROM loans_figure" in statement for statement in asked_by_the_bank(server))


def report(bank: Bank, name: str, given: list[str]) -> bytes:
    client = Client()
    client.force_login(bank.staff["manager"], backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(reverse(name, args=given))
    assert response.status_code == 200
    return re.sub(rb'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": )"[^"]*"', b"", b"".join(response))


def asked_of(pair: Pair, marked: str) -> tuple[int, int]:
    """How often the primary and the standby were asked for a report."""
    found = [sum(marked in each for each in asked_by_the_bank(server)) for server in (pair.primary, pair.standby)]
    return found[0], found[1]


def last_close() -> date:
    return today() - timedelta(days=1)


def says(text: str, day: date) -> bool:
    return f"截至 {day}" in text


def test_the_standby_answers_reports_and_nothing_else(pair: Pair, bank: Bank) -> None:
    before = figures_read(pair.primary), figures_read(pair.standby)
    assert says(told(bank), last_close())
    assert (figures_read(pair.primary), figures_read(pair.standby)) == (before[0], before[1] + 1)
    post_receipts(rows=[ReceiptRow(bank.loans["home"].loan_note_no, Decimal("50.00"), today(), "CORE", "R1")],
                  by=bank.staff["operations"], at=clock())  # fmt: skip
    close()
    # Besides, what a connection says when it begins.
    begins = ("SET ", "SELECT 1", "SELECT set_config", "SELECT oid, typarray FROM pg_type")
    said = [each for each in asked_by_the_bank(pair.standby) if not each.startswith(begins)]
    assert said and all("loans_figure" in each for each in said)


def test_every_report_is_read_on_the_standby_and_says_what_the_primary_says(pair: Pair, bank: Bank) -> None:
    assert pair.caught_up()
    for name, given, marked, _is_closed in REPORTS:
        here, there = asked_of(pair, marked)
        content = report(bank, name, given)
        assert asked_of(pair, marked) == (here, there + 1), name
        # The taking of a file is written: the standby has to come after it.
        assert pair.caught_up()
        with _without_replica():
            assert report(bank, name, given) == content, name
        assert asked_of(pair, marked) == (here + 1, there + 1), name


def test_reports_while_the_standby_is_behind(pair: Pair, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of closed dates goes on there until a date is closed; what counts up to now does not."""
    monkeypatch.setattr(replica, "WAITED_FOR", 0.1)
    assert pair.caught_up()
    pair.standby.ask("SELECT pg_wal_replay_pause()")
    try:
        pair.primary.ask("CREATE TABLE written (n int); DROP TABLE written")
        for name, given, marked, is_closed in REPORTS:
            here, there = asked_of(pair, marked)
            report(bank, name, given)
            assert asked_of(pair, marked) == ((here, there + 1) if is_closed else (here + 1, there)), name
        close()
        for name, given, marked, _is_closed in REPORTS:
            here, there = asked_of(pair, marked)
            report(bank, name, given)
            assert asked_of(pair, marked) == (here + 1, there), name
    finally:
        pair.resume()
    assert pair.caught_up()


def test_who_closed_a_date_sees_it_though_the_standby_is_behind(pair: Pair, bank: Bank) -> None:
    assert pair.caught_up()
    pair.standby.ask("SELECT pg_wal_replay_pause()")
    try:
        day, asked = close(), figures_read(pair.standby)
        assert says(told(bank), day)
        assert figures_read(pair.standby) == asked + 1
    finally:
        pair.resume()
    assert pair.caught_up()
    asked = figures_read(pair.primary)
    assert says(told(bank), day) and figures_read(pair.primary) == asked


def test_a_report_that_is_cancelled_for_what_is_replayed_is_read_where_everything_is(pair: Pair, bank: Bank) -> None:
    assert pair.caught_up()
    codes: list[str] = []

    def slowly(execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        if "loans_figure" not in statement:
            return execute(statement, values, many, context)
        thread = threading.Thread(target=_in_the_way, args=[pair])
        thread.start()
        try:
            return execute(statement.replace("FROM loans_figure", SLOW, 1), values, many, context)
        except DatabaseError as error:
            codes.append(getattr(error.__cause__, "pgcode", ""))
            raise
        finally:
            thread.join()

    with connections["replica"].execute_wrapper(slowly):
        assert says(told(bank), last_close())
    assert codes == ["40001"]
    assert replica.report_database() == "replica"
    asked = figures_read(pair.primary)
    assert says(told(bank), last_close()) and figures_read(pair.primary) == asked


def _in_the_way(pair: Pair) -> None:
    """Once the report is at work, what it reads is locked on the primary, and the standby replays that."""
    asked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    assert wait_for(lambda: pair.standby.ask(asked), 10)
    pair.primary.ask("BEGIN; LOCK TABLE loans_figure IN ACCESS EXCLUSIVE MODE; SELECT pg_switch_wal(); COMMIT")


def test_nothing_is_written_whatever_the_url_leads_to(pair: Pair, bank: Bank) -> None:
    for port in (pair.standby.port, pair.primary.port):
        connections["replica"].close()
        connections["replica"].settings_dict["PORT"] = port
        with pytest.raises(DatabaseError) as refused, connections["replica"].cursor() as cursor:
            cursor.execute("INSERT INTO journal_night (business_date, through, asked_at) VALUES (now(), now(), now())")
        assert isinstance(refused.value.__cause__, psycopg2.errors.ReadOnlySqlTransaction)
    connections["replica"].close()
    connections["replica"].settings_dict["PORT"] = pair.standby.port


def test_a_standby_that_is_gone_takes_nothing_with_it(pair: Pair, bank: Bank) -> None:
    assert says(told(bank), last_close())
    pair.standby.kill()
    for name, given, marked, _is_closed in REPORTS:
        replica._away_until = 0.0
        here, there = asked_of(pair, marked)
        report(bank, name, given)
        assert asked_of(pair, marked) == (here + 1, there)
    replica._away_until = 0.0
    assert says(told(bank), last_close())
    assert replica.report_database() == "default"
    ready = Client().get("/readyz")
    assert (ready.status_code, ready.json()["replica"]) == (200, "down")
    day = close()
    assert says(told(bank), day)
    pair.standby.start()
    assert pair.caught_up()
    replica._away_until = 0.0
    asked = figures_read(pair.primary)
    assert says(told(bank), day) and figures_read(pair.primary) == asked
