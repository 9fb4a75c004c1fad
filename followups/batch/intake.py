"""Keeps events that were told, each once a source: what is there already is left as it is.

Whoever calls holds the positions of the loans, or lets the unique key be the judge of two at once.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from followups.models import Event
from followups.rules import events as rules
from journal.actions import record_many
from journal.models import Entry
from loans.models import Loan

# What people and feeds tell wakes the answer; what the answer itself noticed wakes nobody.
TOLD, NOTICED = "followups.event_recorded", "followups.event_noticed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as its source tells it, checked."""

    loan_id: int
    code: str
    happened_on: date
    source: str
    external_id: str
    feed: str = ""
    property_id: int | None = None
    words: str = ""
    evidence: str = ""
    is_baseline: bool = False

    @property
    def sha256(self) -> str:
        parts = [self.loan_id, self.code, self.happened_on.isoformat(), self.source, self.feed, self.words,
                 self.evidence]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def keep_events(told: Sequence[Told], *, by: str, at: datetime, as_of: date, fact: str = NOTICED) -> int:
    """Stores what is new and records a fact of each; how many were new."""
    if not told:
        return 0
    before = _kept(told)
    new = [one for one in told if (one.source, one.feed, one.external_id) not in before]
    borrowers = dict(Loan.objects.filter(pk__in={one.loan_id for one in new}).values_list("pk", "borrower_id"))
    rows = Event.objects.bulk_create([_row(one, borrowers[one.loan_id], by, at, as_of) for one in new])
    record_many(
        Entry(
            kind=fact,
            subject_type="event",
            subject_id=event.pk,
            loan_id=event.loan_id,
            actor=by,
            at=at,
            business_date=as_of,
            data={"event_id": event.pk, "code": event.code, "source": event.source, "sha256": event.content_sha256},
        )
        for event in rows
    )
    return len(rows)


def _kept(told: Sequence[Told]) -> set[tuple[str, str, str]]:
    found = Event.objects.filter(
        source__in={one.source for one in told}, external_id__in=[one.external_id for one in told]
    )
    return set(found.values_list("source", "feed", "external_id"))


def _row(one: Told, borrower_id: int, by: str, at: datetime, as_of: date) -> Event:
    kind = rules.BY_CODE[one.code]
    return Event(
        loan_id=one.loan_id,
        subject=kind.subject,
        customer_id=borrower_id,
        property_id=one.property_id if kind.subject == rules.PROPERTY else None,
        code=one.code,
        level=kind.level,
        happened_on=one.happened_on,
        known_on=as_of,
        source=one.source,
        feed=one.feed,
        external_id=one.external_id,
        words=one.words,
        evidence=one.evidence,
        is_baseline=one.is_baseline,
        content_sha256=one.sha256,
        recorded_by=by,
        at=at,
    )
