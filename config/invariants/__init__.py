"""What must be true of the stored book after whatever happened (docs/house.md 3): one query a claim.

A check's statement returns what breaks the claim as (subject, detail), so an empty result is proof.
Statements read the tables directly, not through the code that wrote them. Constraints and triggers
hold most claims already; this is the second, independent look. A comparison with something that is
missing counts as broken (`IS NOT TRUE`, `IS DISTINCT FROM`). Claims begin with their numbers in the
list of invariants (B 1 to 28); B 15 and 16 compare banks with one another and are tests of day end.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from config.invariants.balances import BALANCES
from config.invariants.changes import CHANGES
from config.invariants.claims import SHOWN, Check, Finding
from config.invariants.computed import computed_findings
from config.invariants.evenings import EVENINGS
from config.invariants.figures import FIGURES
from config.invariants.ledger import LEDGER
from config.invariants.messages import MESSAGES
from config.invariants.receipts import RECEIPTS
from config.invariants.terms import TERMS
from config.invariants.work import WORK
from journal.models import Run
from loans.models import BusinessDate
from loans.queries import calendar, overdue_grace_days, parameter
from loans.rules.aging import crossing_dates, recognised_due_until

CHECKS = LEDGER + BALANCES + TERMS + RECEIPTS + CHANGES + EVENINGS + FIGURES + WORK + MESSAGES


def findings() -> Iterator[Finding]:
    """Runs every check; all see one state when the caller's transaction is repeatable read."""
    yield from stated_findings(CHECKS)
    yield from computed_findings()


def stated_findings(checks: tuple[Check, ...]) -> Iterator[Finding]:
    """The claims that are one statement each."""
    values = _values()
    with connection.cursor() as cursor:
        for check in checks:
            cursor.execute(check.subjects)
            looked_at = cursor.fetchone()[0]
            statement = f"SELECT count(*) OVER (), q.* FROM ({check.offenders}) q LIMIT {SHOWN}"  # noqa: S608 - ours
            cursor.execute(statement, values)
            rows = cursor.fetchall()
            first = tuple(f"{subject}: {detail}" for _count, subject, detail in rows)
            yield Finding(check.code, check.claim, looked_at, rows[0][0] if rows else 0, first)


def _values() -> dict[str, Any]:
    """Days that the statements compare with: the open day, and what the last evening did up to when."""
    open_day = BusinessDate.objects.filter(is_open=True).values_list("day", flat=True).first() or date.max
    aged, classified, accrued = (_as_of(open_day, stage) for stage in ("age", "classify", "non_accrual"))
    days = calendar(aged - timedelta(days=40), aged)
    until = recognised_due_until(aged, overdue_grace_days(aged), days)
    most_days = int(parameter("non_accrual_dpd", accrued, default=90))
    return {
        "application": settings.DATABASE_APP_ROLE or connection.settings_dict["USER"],
        "open_day": open_day,
        "recognised_until": until,
        "classified_on": classified,
        "accrued_on": accrued,
        "has_accrual_run": Run.objects.filter(stage="non_accrual", business_date=accrued).exists(),
        "reminded_on": _as_of(open_day, "remind"),
        "planned_on": _as_of(open_day, "replan"),
        "overdue_before": accrued - timedelta(days=most_days),
        **crossing_dates(classified),
    }


def _as_of(open_day: date, stage: str) -> date:
    """The date whose close the rows of a stage stand at: the open one when its evening got that far."""
    has_run = Run.objects.filter(business_date=open_day, stage=stage, counts__last=True).exists()
    return open_day if has_run else open_day - timedelta(days=1)
