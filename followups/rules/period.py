"""Decides which period figures are asked for, and what cannot be answered: no day, no group, one that runs back."""

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


class WrongPeriod(ValueError):
    """What is asked cannot be answered: `fault` is no_day, no_group, runs_back or too_long, of a field."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"{field}: {fault}")
        self.field, self.fault = field, fault


def asked_of(given: Mapping[str, str], today: date, groups: Collection[str]) -> Asked:
    """The last 90 days by the first group where nothing else is asked; two years at most. Empty is not asked."""
    days: dict[str, date] = {}
    for name in ("to", "from"):
        if given.get(name, ""):
            found = day_of(given[name])
            if found is None:
                raise WrongPeriod(name, "no_day")
            days[name] = found
    last = days.get("to", today)
    first = days.get("from", last - timedelta(days=PERIOD_DAYS - 1))
    if first > last:
        raise WrongPeriod("to" if "to" in days else "from", "runs_back")
    if last - first > _LONGEST:
        raise WrongPeriod("from", "too_long")
    by = given.get("by", "") or next(iter(groups))
    if by not in groups:
        raise WrongPeriod("by", "no_group")
    # No code holds the character that a database cannot even be asked for: it names no branch.
    return Asked(first, last, by, given.get("branch", "").strip()[:20].replace("\x00", "\ufffd"))


def day_of(text: str) -> date | None:
    """The day that a text names, within the years of the calendar."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST and len(text) == len("2026-01-01") else None
