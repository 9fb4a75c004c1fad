"""What a run costs the database: seconds, rows written, WAL; and whether two runs end in the same state."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bench.statements import statements

_ROWS = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
WHERE relname NOT LIKE 'undo\\_%' AND relname NOT LIKE 'made\\_%' AND relname NOT LIKE 'changed\\_%'
"""
_HASH = "SELECT count(*), coalesce(sum(hashtextextended(x::text, 0)::numeric), 0) FROM ({query}) x"


@dataclass
class Cost:
    """One run. Statements and memory are those of the Python process, where there is one."""

    seconds: float
    wal_mb: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    statements: int = 0
    rss_mb: float = 0.0
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def rows_written(self) -> int:
        return sum(self.rows.values())


def cost_of(cursor: Any, work: Callable[[], dict[str, Any]]) -> Cost:
    """Runs some work after a checkpoint and says what it cost; `work` may tell its own seconds, statements, memory."""
    before = _rows(cursor)
    checkpoint(cursor)
    start, lsn = time.perf_counter(), _lsn(cursor)
    said = dict(work())
    seconds, end = time.perf_counter() - start, _lsn(cursor)
    rows = {name: count - before.get(name, 0) for name, count in _rows(cursor).items()}
    cursor.execute("SELECT pg_wal_lsn_diff(%s, %s)", [end, lsn])
    return Cost(
        seconds=said.pop("seconds", seconds),
        wal_mb=round(int(cursor.fetchone()[0]) / 1e6, 2),
        rows={name: count for name, count in rows.items() if count},
        statements=said.pop("statements", 0),
        rss_mb=said.pop("rss_mb", 0.0),
        said=said,
    )


def flush_statistics(cursor: Any) -> None:
    """Tells the counters of rows what this connection wrote; at its end it would do so at its leisure."""
    cursor.execute("SELECT pg_stat_force_next_flush()")


def checkpoint(cursor: Any) -> None:
    """So that both sides pay for their first touch of each page."""
    cursor.execute("SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE')")
    if cursor.fetchone()[0]:
        cursor.execute("CHECKPOINT")


def _lsn(cursor: Any) -> str:
    cursor.execute("SELECT pg_current_wal_insert_lsn()")
    return str(cursor.fetchone()[0])


def _rows(cursor: Any) -> dict[str, int]:
    flush_statistics(cursor)
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute(_ROWS)
    return dict(cursor.fetchall())


def state_of(cursor: Any, day: date, *names: str) -> dict[str, tuple[int, int]]:
    """Rows and sum of hashes of each part of the state (`state.sql`), by name; all parts when none is named."""
    queries = statements("state.sql")
    found = {}
    # Thirty days of rows that nobody has counted yet are joined as if they were none, in all the memory there is.
    cursor.execute("ANALYZE loans_posting, loans_receipt, loans_ledger_line")
    for name in names or queries:
        cursor.execute(_HASH.replace("{query}", queries[name]), {"day": day})
        count, total = cursor.fetchone()
        found[name] = (int(count), int(total))
    return found
