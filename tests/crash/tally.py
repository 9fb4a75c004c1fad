"""What trials came to: lost, doubled, stuck, states that differ; each with its seed and what was seen first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from config.invariants import findings
from tests.crash.state import State, differing, state

MOST_KEPT = 20
# Who holds up what: sessions of this database that are at something, nights that were stopped, chunks that wait.
_HELD_BY = """
SELECT format('%s %s %s/%s for %s s blocked by %s: %s', pid, state, wait_event_type, wait_event,
              round(extract(epoch FROM clock_timestamp() - coalesce(xact_start, state_change))),
              pg_blocking_pids(pid), left(query, 120))
FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
UNION ALL SELECT format('advisory %s %s of %s', classid, objid, pid) FROM pg_locks
          WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL SELECT format('night %s stopped %s times, at %s: %s', business_date, failures, failed_at, error)
          FROM journal_night WHERE failures > 0
UNION ALL SELECT format('%s chunks of %s, %s', count(*), business_date, stage) FROM journal_chunk
          GROUP BY business_date, stage
"""
_LEFT = """
SELECT 'chunks', count(*) FROM journal_chunk
UNION ALL SELECT 'reactions', count(*) FROM journal_pending
UNION ALL SELECT 'nights stopped', count(*) FROM journal_night WHERE failures > 0
UNION ALL SELECT 'receipts', count(*) FROM loans_receipt r JOIN loans_businessdate d ON d.is_open
          WHERE r.state = 'WAITING' AND r.loan_id IS NOT NULL AND r.value_on < d.day
"""


@dataclass
class Tally:
    """One class of faults. `found` says, of the first trials that went wrong, what was seen."""

    name: str
    trials: int = 0
    crashes: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    differs: int = 0
    broken: int = 0
    found: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return self.trials > 0 and not (self.lost or self.doubled or self.stuck or self.differs or self.broken)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def _say(self, what: str, trial: str) -> None:
        if len(self.found) < MOST_KEPT:
            self.found.append(f"{trial}: {what}")

    def judge(self, trial: str, expected: State, found: State) -> bool:
        """Compares a state; True when it is as expected."""
        parts = differing(expected, found)
        if parts:
            self.differs += 1
            self.lost += any(rows < 0 for rows in parts.values())
            self.doubled += any(rows > 0 for rows in parts.values())
            self._say(f"differs in {parts}", trial)
        return not parts

    def hang(self, trial: str, what: str) -> None:
        """Work that should have ended, or ended in an error."""
        self.stuck += 1
        self._say(f"{what} {holding()}", trial)

    def miss(self, trial: str, what: str, more: int) -> None:
        """Something is too few times there, or too many."""
        self.lost += more < 0
        self.doubled += more > 0
        self._say(what, trial)

    def after(self, trial: str, expected: State, *, cut: bool = True, but: tuple[str, ...] = ()) -> None:
        """The end of a trial: nothing left open, the same state, no invariant broken."""
        self.trials += 1
        if left := stuck():
            self.hang(trial, f"left open: {left}")
        self.judge(trial, expected, state(cut=cut, but=but))
        self.look(trial)

    def look(self, trial: str) -> None:
        """Every invariant of the stored book."""
        if wrong := broken():
            self.broken += 1
            self._say(f"broken: {wrong}", trial)


def stuck() -> Mapping[str, int]:
    """What should be finished and is not."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT)
        return {name: count for name, count in cursor.fetchall() if count}


def holding() -> list[str]:
    """What is at work or stopped in the bank, in words for whoever reads why a trial did not end.

    Nothing where the trial's bank has been left already: the database that is open then may hold none.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('journal_night') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(_HELD_BY)
        return [text for (text,) in cursor.fetchall()]


def broken() -> list[str]:
    return [f"{each.code}: {each.first}" for each in findings() if not each.is_ok]
