"""Reads of events: those of a loan with what became of each, and what the form of a visit asks because of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q

from collateral.models import Charge
from followups.event_wording import kind_words
from followups.models import OPEN_STATES, Event, EventFinding, EventVisit, Finding, Subject, Visit, VisitTask
from followups.queries.merging import members_of
from followups.rules import events as rules
from followups.rules.checklist import Item, more_of, that_may_follow, with_more
from loans.models import Loan

# Loans that belong together: of one borrower, or secured by one home; and theirs in turn.
_TOGETHER = """
WITH RECURSIVE together(root, loan_id) AS (
    SELECT id, id FROM unnest(%(ids)s::bigint[]) AS id
    UNION
    SELECT t.root, n.id FROM together t CROSS JOIN LATERAL (
        SELECT m.id FROM loans_loan l JOIN loans_loan m ON m.borrower_id = l.borrower_id WHERE l.id = t.loan_id
        UNION
        SELECT d.loan_id FROM collateral_charge c JOIN collateral_charge d ON d.property_id = c.property_id
         WHERE c.loan_id = t.loan_id) n(id)
)
SELECT root, array_agg(loan_id ORDER BY loan_id) FROM together GROUP BY root
"""

_HAS_MORE = """
SELECT EXISTS (SELECT FROM followups_eventvisit WHERE task_id = %(task)s),
       EXISTS (SELECT FROM followups_mergedtask WHERE lead_id = %(task)s AND ended_at IS NULL)
"""


def together(loan_ids: Collection[int]) -> list[tuple[int, ...]]:
    """Groups of loans of the same people and homes that the given ones belong to, each once."""
    if not loan_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_TOGETHER, {"ids": list(loan_ids)})
        return sorted({tuple(loans) for _root, loans in cursor.fetchall()})


@dataclass(frozen=True)
class EventRow:
    """An event as a page shows it: what it was, which visits answer it, what became of it."""

    event: Event
    what: str
    visits: tuple[EventVisit, ...]
    findings: tuple[EventFinding, ...]

    @property
    def end(self) -> EventFinding | None:
        """The finding that closed it."""
        return next((one for one in self.findings if one.finding != Finding.UNVERIFIED), None)

    @property
    def is_open(self) -> bool:
        return self.end is None and not self.event.is_baseline


def events_of(loan: Loan, most: int | None = 50) -> list[EventRow]:
    """Events of the loan, its borrower and its homes, the newest first; the caller has checked access to the loan."""
    homes = Charge.objects.filter(loan=loan).values("property_id")
    found = Event.objects.filter(
        Q(loan=loan)
        | Q(subject=rules.CUSTOMER, customer_id=loan.borrower_id)
        | Q(subject=rules.PROPERTY, property_id__in=homes)
    )
    return rows_of(list(found.order_by("-id")[:most]))


def rows_of(events: list[Event]) -> list[EventRow]:
    """Rows of events: three statements whatever their number."""
    ids = [event.pk for event in events]
    visits: dict[int, list[EventVisit]] = {pk: [] for pk in ids}
    findings: dict[int, list[EventFinding]] = {pk: [] for pk in ids}
    if ids:
        for link in EventVisit.objects.filter(event__in=ids).select_related("task").order_by("id"):
            visits[link.event_id].append(link)
        for one in EventFinding.objects.filter(event__in=ids).select_related("report").order_by("id"):
            findings[one.event_id].append(one)
    return [
        EventRow(event, kind_words(event.code), tuple(visits[event.pk]), tuple(findings[event.pk])) for event in events
    ]


def events_on(task: VisitTask) -> list[EventRow]:
    """The events that a task answers or that were noted on it, in the order they came."""
    found = Event.objects.filter(visits__task=task).distinct().order_by("id")
    return rows_of(list(found))


def linked_events(task_ids: Collection[int]) -> list[tuple[Event, bool]]:
    """Events that visits of these tasks have to answer, each with whether it is still open.

    One that was only noted on a visit in progress is left to the visit that was made for it, if there is one.
    """
    links = EventVisit.objects.filter(task_id__in=list(task_ids)).select_related("event").order_by("event_id")
    events = {link.event_id: link.event for link in links}
    noted = {link.event_id for link in links if link.is_note} - {link.event_id for link in links if not link.is_note}
    elsewhere = set(
        EventVisit.objects.filter(event_id__in=noted, is_note=False, task__state__in=OPEN_STATES)
        .values_list("event_id", flat=True)
    )  # fmt: skip
    closed = set(
        EventFinding.objects.filter(event_id__in=list(events))
        .exclude(finding=Finding.UNVERIFIED)
        .values_list("event_id", flat=True)
    )
    return [(event, pk not in closed) for pk, event in events.items() if pk not in elsewhere]


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a task: those done along with it in one report, and the events that the visit answers, each
    with whether it is open; `has_events` also where all of them are left to other visits, `has_links` also where what
    is done along gets reports of its own."""

    members: Sequence[VisitTask] = ()
    events: Sequence[tuple[Event, bool]] = ()
    has_events: bool = False
    has_links: bool = False


def behind(task: VisitTask) -> Behind:
    """Most visits have nothing behind them: one statement says so. Whoever holds the task reads it once."""
    with connection.cursor() as cursor:
        cursor.execute(_HAS_MORE, {"task": task.pk})
        has_events, has_links = cursor.fetchone()
    members = members_of(task) if has_links else []
    events = linked_events([task.pk, *(each.pk for each in members)]) if has_events or members else []
    return Behind(members, events, has_events, has_links)


def items_of(task: VisitTask, visit: Visit, known: Behind | None = None) -> list[Item]:
    """The items of this visit: those of its kind, of the tasks done along with it, and of the events it answers.

    `known` is what stands behind the task, where that is read already.
    """
    known = known or behind(task)
    linked = known.events
    if visit.correction and (known.has_events or known.has_links):
        linked = _answered(visit)
    asked = [rules.Asked(event.pk, event.code, event.happened_on, event.words, is_open) for event, is_open in linked]
    served = [(one.kind, one.subject, one.checklist) for one in (task, *known.members)]
    items = rules.form_items(served, visit.method, visit.checklist.items, asked)
    if task.subject == Subject.LOAN:
        items = with_more(items, visit.checklist.items, visit.method, more_of(visit.draft))
    return that_may_follow(items, visit.known)


def _answered(visit: Visit) -> list[tuple[Event, bool]]:
    """The events that the visit's report answered, asked again when it is corrected as they were then: open."""
    found = Event.objects.filter(findings__report__visit=visit).distinct().order_by("id")
    return [(event, True) for event in found]


def open_on(loan_ids: Collection[int]) -> list[Event]:
    """Events of these loans that nothing has closed yet, the first recorded first; baseline left out."""
    ended = EventFinding.objects.exclude(finding=Finding.UNVERIFIED).values("event_id")
    found = Event.objects.filter(loan_id__in=list(loan_ids), is_baseline=False).exclude(pk__in=ended)
    return list(found.order_by("id"))


def as_json(row: EventRow) -> dict[str, Any]:
    """A row as the API gives it."""
    event, end = row.event, row.end
    return {
        "id": event.pk,
        "code": event.code,
        "what": row.what,
        "subject": event.subject,
        "level": event.level,
        "happened_on": _day(event.happened_on),
        "known_on": _day(event.known_on),
        "source": event.source,
        "feed": event.feed,
        "words": event.words,
        "evidence": event.evidence,
        "is_baseline": event.is_baseline,
        "is_open": row.is_open,
        "tasks": [link.task_id for link in row.visits],
        "finding": end.finding if end else "",
        "report_id": end.report_id if end else None,
    }


def _day(day: date) -> str:
    return day.isoformat()
