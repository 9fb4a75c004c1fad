"""Damage done on purpose, with triggers and limits out of the way: each is found, by the claim that speaks of it.

The bank is one where everything of the money happened once. Each damage is done by the role that owns the tables, in
a transaction that is rolled back.
"""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import override_settings

from config.invariants import CHECKS, findings
from tests.conftest import _as_owner, _become, _drop, _owner_parameters
from tests.damages import ALL
from tests.rich_bank import RichBank


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> str:
    return str(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def rich(django_db_setup: None, django_db_blocker: Any, folder: str) -> Iterator[RichBank]:
    """A bank of its own, in which the connection is the owner's."""
    connection = connections["default"]
    template, role = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    password = connection.settings_dict.get("PASSWORD", "")
    name = f"{template}_{uuid.uuid4().hex[:8]}"
    with django_db_blocker.unblock():
        connection.close()
        _as_owner("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            connection.settings_dict["NAME"] = name
            with override_settings(MEDIA_ROOT=folder):
                found = RichBank().live()
            connection.close()
            owner = _owner_parameters(name)
            _become(connection, owner["user"], owner["password"])
            yield found
        finally:
            connection.close()
            _become(connection, role, password)
            connection.settings_dict["NAME"] = template
            _drop(name)


@pytest.fixture
def bank(rich: RichBank, django_db_blocker: Any, folder: str, settings: Any) -> Iterator[RichBank]:
    """Whatever a test does to it is gone afterwards."""
    settings.MEDIA_ROOT = folder
    with django_db_blocker.unblock(), transaction.atomic():
        yield rich
        transaction.set_rollback(True)


def damage(bank: RichBank, statement: str) -> None:
    """`<quiet>` stands for a loan's id; triggers of the table are off while the statement runs."""
    statement = re.sub(r"<(\w+)>", lambda found: str(bank.id(found.group(1))), statement)
    with connections["default"].cursor() as cursor:
        for part in statement.split(";"):
            table = next(iter(re.findall(r"(?:UPDATE|FROM|INTO) (\w+)", part)))
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('c', 'f', 'x', 'u')",
                [table],
            )
            gone = [name for (name,) in cursor.fetchall()]
            cursor.execute(
                "SELECT indexrelid::regclass::text FROM pg_index x WHERE indrelid = %s::regclass AND indisunique"
                " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)",
                [table],
            )
            indexes = [name for (name,) in cursor.fetchall()]
            cursor.execute(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE confrelid = %s::regclass", [table]
            )
            named = cursor.fetchall()
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for constraint in gone:
                cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{constraint}" CASCADE')
            for other, constraint in named:
                if other != table:
                    cursor.execute(f'ALTER TABLE {other} DROP CONSTRAINT IF EXISTS "{constraint}"')
            for index in indexes:
                cursor.execute(f"DROP INDEX {index}")
            cursor.execute(part)
            assert cursor.rowcount, part
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def found_by(bank: RichBank) -> set[str]:
    return {each.code for each in findings() if not each.is_ok}


def test_the_sound_bank_breaks_nothing(bank: RichBank) -> None:
    assert [(each.code, each.first) for each in findings() if not each.is_ok] == []


def test_nearly_every_claim_speaks_of_something_here(bank: RichBank) -> None:
    empty = {each.code for each in findings() if not each.looked_at}
    assert empty <= {
        "agreed_values_do_not_overlap", "nothing_waits_past_its_day", "held_back_loans_are_named",
        "approved_visit_is_closed", "nobody_reviews_own_report", "report_is_its_hash", "told_result_stands",
        "quality_is_its_lines", "corrected_report_has_successor", "correction_is_where_its_versions_are",
    }  # fmt: skip


def test_each_claim_is_named_once_and_has_its_number() -> None:
    codes = [check.code for check in CHECKS]
    assert len(codes) == len(set(codes))
    assert [check.code for check in CHECKS if not re.match(r"B\d+[ :]", check.claim)] == []


@pytest.mark.parametrize(("code", "statement"), ALL)
def test_damage_is_found_by_its_claim(bank: RichBank, code: str, statement: str) -> None:
    damage(bank, statement)
    assert code in found_by(bank)


@pytest.mark.parametrize("table", ["loans_posting", "loans_ledger_line", "loans_terms", "journal_entry"])
def test_a_guard_that_is_off_is_found(bank: RichBank, table: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER history_is_kept")
    assert "history_is_guarded" in found_by(bank)


def test_every_claim_is_hurt_by_some_damage() -> None:
    """What no damage speaks of says why it is left out."""
    never = {check.code for check in CHECKS} - {code for code, _statement in ALL}
    assert never == {
        "history_is_guarded",  # above
        "settled_loan_has_no_task", "approved_visit_is_closed", "nobody_reviews_own_report",  # no visits here
        "told_result_stands", "quality_is_its_lines",  # hurt where there are some: test_telling
        "corrected_report_has_successor", "correction_is_where_its_versions_are",  # the same: test_corrections
    }  # fmt: skip
