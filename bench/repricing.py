"""The evening of a repricing day: one approved run over 70 % of the book, beside set-based SQL for the same end (B7).

The loans that reprice on 1 January get the measured day as theirs, as a missed day is made up for; the run is previewed
and approved once by the product and handed to every evening, ours and the floor's, as it stands then.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import nights
from bench.book import MEASURED_ON
from bench.measure import Cost
from bench.stand import Result, Stand
from bench.statements import statements

_RUN = ("loans_lprrate", "loans_repricingrun", "loans_repricingitem")
_HANDED = (*nights.HANDED, "loans_terms")
_TERMS = (
    "loan_id, version, effective_on, principal, annual_rate_percent, installment_amount, first_number, installments, "
    "plain_from, request, source, source_id, engine_version, schedule_sha256, principal_fen, interest_fen"
)
_KEPT = f"COPY (SELECT {_TERMS} FROM made_loans_terms ORDER BY id) TO STDOUT"  # noqa: S608 - our own column names


def repricing_day(stand: Stand) -> Iterator[Result]:
    """B7; what the preview of the run took stands in the note."""
    preview = _approved_run(stand)

    def once() -> None:
        _prepare(stand.cursor)
        nights.evening(stand)()

    stand.taken_back(once, keep=_HANDED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "terms"
        with path.open("w", encoding="utf-8") as file:
            stand.cursor.copy_expert(_KEPT, file)
        pairs = stand.compare(nights.evening(stand), lambda: _floor(stand.database, path), prepare=_prepare)
    found = pairs.result("B7")
    count, ours, other = preview.said["count"], pairs.ours[0], pairs.other[0]
    each = (found.ours or 0) / count * 1e6, (found.other or 0) / count * 1e6
    stages = ", ".join(f"{stage} {seconds * 1000:.0f}" for stage, seconds in other.said["stages"].items())
    found.note = found.note or (
        f"{ours.said['counts']['reprice']['repriced']} loans, {each[0]:.0f} µs a loan, floor {each[1]:.0f}; "
        f"floor by stage, ms: {stages}; WAL of the floor {other.wal_mb:.0f} MB; "
        f"preview {preview.seconds:.1f} s, {preview.rss_mb:.0f} MB"
    )
    yield found


def _approved_run(stand: Stand) -> Cost:
    """Previews and approves the run once; its rows are kept for `_prepare`."""

    def run() -> Cost:
        for name in ("rate", "day"):
            stand.cursor.execute(statements("floor/repricing.sql")[name], {"day": MEASURED_ON})
        preview = stand.cost(stand.ours("preview", day=str(MEASURED_ON)))
        stand.ours("approve")()
        return preview

    found: Cost = stand.taken_back(run, keep=_RUN)
    return found


def _prepare(cursor: Any) -> None:
    """The day's receipts wait, the run is approved, and its loans have their day."""
    nights.prepare(cursor)
    for table in _RUN:
        cursor.execute(f"INSERT INTO {table} SELECT * FROM made_{table}")  # noqa: S608 - our own table names
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")  # noqa: S608
    cursor.execute(statements("floor/repricing.sql")["day"], {"day": MEASURED_ON})
    cursor.execute("VACUUM (ANALYZE) loans_repricingitem, loans_position")


def _floor(database: str, path: Path) -> dict[str, Any]:
    """The floor of the night with the run between receipts and aging, one transaction."""

    def apply(cursor: Any) -> None:
        run = statements("floor/repricing.sql")
        cursor.execute("BEGIN")
        with path.open(encoding="utf-8") as file:
            cursor.copy_expert(f"COPY loans_terms ({_TERMS}) FROM STDIN", file)
        for name in ("positions", "items"):
            cursor.execute(run[name], {"day": MEASURED_ON})
        cursor.execute("COMMIT")

    return nights.floor(database, ahead_of={"age": apply})
