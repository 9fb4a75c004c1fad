"""What must be true of the stored book after whatever happened (docs/house.md 3): one query a claim.

A check's statement returns what breaks the claim as (subject, detail), so an empty result is proof.
Statements read the tables directly, not through the code that wrote them. Constraints and triggers
hold most claims already; this is the second, independent look.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.db import connection

from config.invariants.claims import SHOWN, Finding
from config.invariants.ledger import LEDGER
from config.invariants.loans import LOANS
from config.invariants.work import DATES_AND_WORK
from followups.models import VisitReport
from followups.rules.report import content_sha256
from journal.models import Exhibit, Run
from journal.queries import exhibit_bytes
from loans.models import BusinessDate
from loans.queries import calendar, overdue_grace_days
from loans.rules.aging import crossing_dates, recognised_due_until

CHECKS = LEDGER + LOANS + DATES_AND_WORK


def findings() -> Iterator[Finding]:
    """Runs every check; all see one state when the caller's transaction is repeatable read."""
    values = _values()
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(check.subjects)
            looked_at = cursor.fetchone()[0]
            statement = f"SELECT count(*) OVER (), q.* FROM ({check.offenders}) q LIMIT {SHOWN}"  # noqa: S608 - ours
            cursor.execute(statement, values)
            rows = cursor.fetchall()
            first = tuple(f"{subject}: {detail}" for _count, subject, detail in rows)
            yield Finding(check.code, check.claim, looked_at, rows[0][0] if rows else 0, first)
    yield _exhibits_are_their_hash()
    yield _reports_are_their_hash()


def _values() -> dict[str, Any]:
    """Days that the statements compare with: the open day, and what the last aging recognised."""
    open_day = BusinessDate.objects.filter(is_open=True).values_list("day", flat=True).first() or date.max
    aged = _as_of(open_day, "age")
    days = calendar(aged - timedelta(days=40), aged)
    until = recognised_due_until(aged, overdue_grace_days(aged), days)
    return {"open_day": open_day, "recognised_until": until, **crossing_dates(_as_of(open_day, "classify"))}


def _as_of(open_day: date, stage: str) -> date:
    """The date whose close the rows of a stage stand at: the open one when its evening got that far."""
    has_run = Run.objects.filter(business_date=open_day, stage=stage, counts__last=True).exists()
    return open_day if has_run else open_day - timedelta(days=1)


def _exhibits_are_their_hash(read: Callable[[Exhibit], bytes] = exhibit_bytes) -> Finding:
    broken, looked_at = [], 0
    for exhibit in Exhibit.objects.order_by("id").iterator():
        looked_at += 1
        try:
            is_same = sha256(read(exhibit)).hexdigest() == exhibit.sha256
        except OSError:
            is_same = False
        if not is_same:
            broken.append(f"exhibit {exhibit.pk}: {exhibit.sha256[:12]}")
    claim = "Each stored file has the hash under which it is kept"
    return Finding("file_is_its_hash", claim, looked_at, len(broken), tuple(broken[:SHOWN]))


def _reports_are_their_hash() -> Finding:
    broken, looked_at = [], 0
    for pk, content, digest in (
        VisitReport.objects.order_by("id").values_list("pk", "content", "content_sha256").iterator()
    ):
        looked_at += 1
        if content_sha256(content) != digest:
            broken.append(f"report {pk}: {digest[:12]}")
    claim = "Each submitted report has the content that its hash names"
    return Finding("report_is_its_hash", claim, looked_at, len(broken), tuple(broken[:SHOWN]))
