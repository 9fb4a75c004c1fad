"""Decides which period figures are asked for: what is no day or no group counts as not asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

PERIOD_DAYS = 90
_LONGEST = timedelta(days=366 * 2)
_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which figures: days of closing, by what, of which branch."""

    first: date
    last: date
    by: str
    branch: str

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it."""
        found = {"from": self.first.isoformat(), "to": self.last.isoformat(), "by": self.by}
        return {**found, "branch": self.branch} if self.branch else found


def asked_of(given: Mapping[str, str], today: date, groups: Collection[str]) -> Asked:
    """The last 90 days by the first group where nothing else is asked; two years at most."""
    last = day_of(given.get("to", "")) or today
    first = day_of(given.get("from", "")) or last - timedelta(days=PERIOD_DAYS - 1)
    by = given.get("by", "")
    first = max(min(first, last), last - _LONGEST)
    return Asked(first, last, by if by in groups else next(iter(groups)), given.get("branch", "").strip()[:20])


def day_of(text: str) -> date | None:
    """The day that a text names, within the years of the calendar."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST and len(text) == len("2026-01-01") else None
