"""Takes back what a run wrote, so that both sides start from the same rows without a copy of the database.

Before: the last number of every table and the rows that a run may change. After: new rows are deleted, changed ones put
back, sequences set back, the tables vacuumed. What came before the last `remember` is never touched. A run that was cut
off leaves its notes in the database, so that the next one begins by taking it back.
"""

# ruff: noqa: S608 - table names are those of the catalogue and of the constants below.
from typing import Any

# Tables whose rows change, and which of them may; of all others only new rows are looked for.
_MAY_CHANGE = {
    "loans_position": "true",
    "loans_installment": "settled_on IS NULL OR penalty_left > 0 OR compound_left > 0",
    "loans_receipt": "state IN ('WAITING', 'UNMATCHED')",
    "loans_businessdate": "true",
    "loans_parameter": "true",
    "loans_repricingrun": "true",
    "loans_repricingitem": "state = 'PENDING'",
    "loans_pricing": "upper_inf(in_force)",
    "loans_contractchange": "true",
    "followups_visittask": "closed_on IS NULL",
    "followups_mergedtask": "ended_at IS NULL",
    "followups_acrosspair": "closed_on IS NULL",
    "risk_grade": "superseded_on IS NULL",
    "risk_signal": "closed_on IS NULL",
    "correspondence_message": "state = 'WAITING'",
    "journal_pending": "true",
    "journal_heldback": "true",
}
_KEYS = {"loans_position": "loan_id", "loans_businessdate": "day"}
_TABLES = """
SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND c.column_name = 'id' AND t.table_type = 'BASE TABLE' AND c.data_type = 'bigint'
AND split_part(c.table_name, '_', 1) = ANY(ARRAY[
    'loans', 'people', 'journal', 'collateral', 'correspondence', 'risk', 'followups'])
"""
_LINES = "loans_ledger_line"
_DEAD = "SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > 0 AND relname NOT LIKE 'undo%%' ORDER BY relname"


def _new(table: str) -> str:
    """The condition under which a row was not there before."""
    if table == _LINES:
        return "t.posting_id > (SELECT last FROM undo_last WHERE name = 'loans_posting')"
    if key := _KEYS.get(table):
        return f"NOT EXISTS (SELECT FROM undo_{table} u WHERE u.{key} = t.{key})"
    return f"t.id > (SELECT last FROM undo_last WHERE name = '{table}')"


class Undo:
    """What a database was before a run."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def is_needed(self) -> bool:
        """Whether a run left notes."""
        return bool(self._value("SELECT to_regclass('undo_last') IS NOT NULL"))

    def remember(self) -> None:
        """Notes what must be there afterwards."""
        run = self._cursor.execute
        run("CREATE UNLOGGED TABLE undo_last (name text, last bigint, next bigint, is_called boolean)")
        for table in self._tables():
            last = self._value(f"SELECT coalesce(max(id), 0) FROM {table}")
            run(
                f"INSERT INTO undo_last SELECT %s, %s, last_value, is_called FROM {self._sequence(table)}",
                [table, last],
            )
        for table, condition in _MAY_CHANGE.items():
            run(f"CREATE UNLOGGED TABLE undo_{table} AS SELECT * FROM {table} WHERE {condition}")
            run(f"CREATE INDEX ON undo_{table} ({_KEYS.get(table, 'id')})")

    def keep_made(self, *tables: str) -> None:
        """Keeps the rows that a run made (`made_…`) and changed (`changed_…`), to be handed to a floor."""
        for table in tables:
            key = _KEYS.get(table, "id")
            self._cursor.execute(f"DROP TABLE IF EXISTS made_{table}, changed_{table}")
            self._cursor.execute(f"CREATE UNLOGGED TABLE made_{table} AS SELECT t.* FROM {table} t WHERE {_new(table)}")
            for name in self._columns(table, are_reckoned=True):
                self._cursor.execute(f"ALTER TABLE made_{table} DROP COLUMN {name}")
            self._cursor.execute(f"GRANT SELECT ON made_{table} TO PUBLIC")
            if table in _MAY_CHANGE:
                self._cursor.execute(
                    f"CREATE UNLOGGED TABLE changed_{table} AS SELECT t.* FROM {table} t JOIN undo_{table} u "
                    f"ON u.{key} = t.{key} WHERE ROW(t.*) IS DISTINCT FROM ROW(u.*)"
                )
                self._cursor.execute(f"GRANT SELECT ON changed_{table} TO PUBLIC")
            self._cursor.execute(f"ANALYZE made_{table}")

    def writes_of(self, *tables: str) -> tuple[str, ...]:
        """The statements that write what was kept of these tables: one for new rows, one for changed ones."""
        found = []
        for table in tables:
            key, columns = _KEYS.get(table, "id"), self._columns(table)
            names, values = ", ".join(columns), ", ".join(f"c.{name}" for name in columns)
            found.append(f"INSERT INTO {table} ({key}, {names}) SELECT {key}, {names} FROM made_{table}")
            if table in _MAY_CHANGE:
                found.append(
                    f"UPDATE {table} t SET ({names}) = ROW({values}) FROM changed_{table} c WHERE t.{key} = c.{key}"
                )
        return tuple(found)

    def take_back(self) -> None:
        """Makes the tables what they were."""
        run = self._cursor.execute
        run("SELECT name, last, next, is_called FROM undo_last")
        tables = self._cursor.fetchall()
        touched = [*_MAY_CHANGE, _LINES, *(name for name, *_numbers in tables)]
        run("BEGIN")
        # Rows that name others go with them: their keys are checked at the end of the transaction, or not at all.
        run("SET CONSTRAINTS ALL DEFERRED")
        for table in sorted(set(touched)):
            run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        first_day = self._value("SELECT coalesce(min(day), '1900-01-01') FROM undo_loans_businessdate WHERE is_open")
        run(f"DELETE FROM {_LINES} t WHERE business_date >= %s AND {_new(_LINES)}", [first_day])
        run("DELETE FROM loans_position t WHERE " + _new("loans_position"))
        for name, last, following, is_called in tables:
            run(f"DELETE FROM {name} WHERE id > %s", [last])
            # A number that was never given is given first again, else the two sides would number differently.
            run("SELECT setval(%s, %s, %s)", [self._sequence(name), following, is_called])
        run("DELETE FROM loans_businessdate WHERE day NOT IN (SELECT day FROM undo_loans_businessdate)")
        for table in _MAY_CHANGE:
            # A table that came since the run began held nothing then.
            if self._value("SELECT to_regclass(%s)", [f"undo_{table}"]):
                self._put_back(table)
        run("SET CONSTRAINTS ALL IMMEDIATE")
        for table in sorted(set(touched)):
            run(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        run("COMMIT")
        self._vacuum()
        self.forget()

    def _vacuum(self) -> None:
        """Tables with rows that nobody sees any more."""
        self._cursor.execute("SELECT pg_stat_force_next_flush()")
        self._cursor.execute("SELECT pg_stat_clear_snapshot()")
        self._cursor.execute(_DEAD)
        if names := [name for (name,) in self._cursor.fetchall()]:
            self._cursor.execute(f"VACUUM {', '.join(names)}")

    def forget(self) -> None:
        for table in _MAY_CHANGE:
            self._cursor.execute(f"DROP TABLE IF EXISTS undo_{table}")
        self._cursor.execute("DROP TABLE undo_last")

    def _put_back(self, table: str) -> None:
        key = _KEYS.get(table, "id")
        # What a run of an earlier schema remembered lacks the columns that came since.
        known = set(self._columns(f"undo_{table}"))
        columns = [name for name in self._columns(table) if name in known]
        names, values = ", ".join(columns), ", ".join(f"u.{name}" for name in columns)
        there = ", ".join(f"t.{name}" for name in columns)
        self._cursor.execute(
            f"UPDATE {table} t SET ({names}) = ROW({values}) FROM undo_{table} u "
            f"WHERE t.{key} = u.{key} AND ROW({there}) IS DISTINCT FROM ROW({values})"
        )
        self._cursor.execute(
            f"INSERT INTO {table} ({key}, {names}) SELECT u.{key}, {values} FROM undo_{table} u "
            f"LEFT JOIN {table} t ON t.{key} = u.{key} WHERE t.{key} IS NULL"
        )

    def _columns(self, table: str, *, are_reckoned: bool = False) -> list[str]:
        """What is written besides the key; or what the database reckons itself."""
        self._cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attidentity <> 'a' AND attgenerated = %s AND attname <> %s ORDER BY attnum",
            [table, "s" if are_reckoned else "", _KEYS.get(table, "id")],
        )
        return [f'"{row[0]}"' for row in self._cursor.fetchall()]

    def _tables(self) -> list[str]:
        self._cursor.execute(_TABLES)
        return sorted(name for (name,) in self._cursor.fetchall())

    def _sequence(self, table: str) -> str:
        return str(self._value("SELECT pg_get_serial_sequence(%s, 'id')", [table]))

    def _value(self, statement: str, values: list[Any] | None = None) -> Any:
        self._cursor.execute(statement, values)
        return self._cursor.fetchone()[0]
