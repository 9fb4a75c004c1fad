"""All that the drawer beside the desk shows of one task besides its row and its installments: one statement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from followups.models import Visit, VisitAttempt, VisitReport, VisitTask
from followups.queries.attempts import told_of
from followups.queries.merging import ALONE
from followups.rules.attempts import LEAST
from followups.rules.estates import Home
from followups.sql import CERTIFIED, IS_GATED
from people.models import Staff

REPORTS, CONTACTS, EVENTS, HOMES = 5, 5, 20, 200
_FACTS = f"""
SELECT jsonb_build_object(
 'attempts', (SELECT jsonb_agg(to_jsonb(q) ORDER BY q.id DESC) FROM (
    SELECT a.id, a.at, a.outcome, a.note, a.recording, a.next_at, s.name FROM followups_visitattempt a
      JOIN people_staff s ON s.id = a.by_id WHERE a.task_id = %(task)s) q),
 'least', (SELECT value FROM loans_parameter WHERE code = 'unreachable_attempts' AND in_force @> %(today)s::date),
 'assigned', (SELECT data FROM followups_taskevent WHERE task_id = %(task)s AND kind = 'ASSIGNED'
    ORDER BY id DESC LIMIT 1),
 'second', (SELECT name FROM people_staff WHERE id = %(second)s),
 'joins', EXISTS (SELECT FROM followups_visit WHERE task_id = %(task)s AND second_visitor_id = %(staff)s),
 'reports', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    SELECT r.id, r.submitted_on, r.conclusion, r.state, v.method FROM followups_visitreport r
      JOIN followups_visit v ON v.id = r.visit_id JOIN followups_visittask t ON t.id = v.task_id
     WHERE t.loan_id = %(loan)s ORDER BY r.submitted_at DESC, r.id DESC LIMIT %(reports)s) q),
 'contacts', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    (SELECT a.at, 'attempt' AS sort, a.method AS what, a.outcome AS result, a.note, a.next_at
       FROM followups_visitattempt a JOIN followups_visittask t ON t.id = a.task_id
      WHERE t.loan_id = %(loan)s ORDER BY a.id DESC LIMIT %(contacts)s)
    UNION ALL
    (SELECT m.not_before, 'message', m.kind, m.state, '', NULL FROM correspondence_message m
      WHERE m.loan_id = %(loan)s AND m.state <> 'CANCELLED' ORDER BY m.not_before DESC LIMIT %(contacts)s)
    ORDER BY 1 DESC LIMIT %(contacts)s) q),
 'events', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    SELECT e.code, e.level, e.happened_on, e.words FROM followups_event e
     WHERE e.id IN (SELECT id FROM followups_event WHERE loan_id = %(loan)s UNION ALL
                    SELECT id FROM followups_event WHERE customer_id = %(borrower)s AND subject = 'CUSTOMER' UNION ALL
                    SELECT h.id FROM followups_event h JOIN collateral_charge c ON c.property_id = h.property_id
                     WHERE c.loan_id = %(loan)s AND h.subject = 'PROPERTY')
       AND NOT e.is_baseline
       AND NOT EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id AND f.finding <> 'UNVERIFIED')
     ORDER BY e.level, e.happened_on DESC, e.id DESC LIMIT %(events)s) q),
 'signals', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    SELECT s.code, s.level, s.raised_on, s.state FROM risk_signal s WHERE s.loan_id = %(loan)s AND s.closed_on IS NULL
     ORDER BY s.level, s.id DESC LIMIT %(events)s) q),
 'bans', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    SELECT p.channel, p.ground, p.business_date FROM correspondence_contactpreference p
     WHERE p.party_id = %(borrower)s AND p.ended_at IS NULL ORDER BY p.id) q),
 'reassign', (SELECT to_jsonb(q) FROM (
    SELECT r.id, r.reason, r.asked_at, r.asked_by_id AS asked_by, s.name, (
       SELECT jsonb_agg(to_jsonb(w) ORDER BY w.name, w.staff_no) FROM (
          SELECT DISTINCT v.staff_no, v.name FROM people_staff v JOIN people_staff_roles x ON x.staff_id = v.id
            JOIN people_role y ON y.id = x.role_id WHERE v.is_active AND v.branch_id = %(branch)s
             AND 'followups.record_visit' = ANY(y.permissions) AND v.id IS DISTINCT FROM %(officer)s
             AND (NOT {IS_GATED} OR v.id IN {CERTIFIED})) w) AS officers
      FROM followups_reassignrequest r
      JOIN people_staff s ON s.id = r.asked_by_id WHERE r.task_id = %(task)s AND r.state = 'WAITING') q),
 'homes', (SELECT jsonb_agg(to_jsonb(q)) FROM (
    SELECT t.id, t.due_on, h.district, h.address FROM followups_visittask t, LATERAL (
       SELECT p.district, p.address FROM collateral_charge c JOIN collateral_property p ON p.id = c.property_id
        WHERE c.loan_id = t.loan_id ORDER BY c.id LIMIT 1) h
     WHERE t.assigned_to_id = %(officer)s AND t.branch_id = %(branch)s AND t.closed_on IS NULL
       AND t.state IN ('PLANNED', 'IN_PROGRESS', 'RETURNED') AND NOT t.is_light AND t.method <> 'OFF_SITE'
       AND t.due_on BETWEEN %(due)s::date - 30 AND %(due)s::date + 30 AND {ALONE}
     ORDER BY t.due_on, t.id LIMIT %(homes)s) q)
)
"""  # noqa: S608 - joined from constants


@dataclass(frozen=True)
class Contact:
    """A word with the borrower or a try at it, of any of the loan's visits, or a message."""

    at: datetime
    is_message: bool
    what: str
    result: str
    note: str


@dataclass(frozen=True)
class Finding:
    """What happened and is not yet cleared up: an event, or a warning signal with its state."""

    code: str
    level: int
    on: date
    words: str
    state: str = ""


@dataclass(frozen=True)
class Ban:
    """That the borrower is not written to, why and since when."""

    channel: str
    ground: str
    since: date


@dataclass(frozen=True)
class DrawerFacts:
    reach: Mapping[str, Any]
    # What the newest assignment says of itself; None when nobody was ever assigned by an event.
    assigned: Mapping[str, Any] | None
    proposed_second: str
    is_second: bool
    reports: list[VisitReport] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    bans: list[Ban] = field(default_factory=list)
    # The request for somebody else that waits: id, reason, asked_by, asked_at, name.
    reassign: Mapping[str, Any] | None = None
    # Where the other visits of who has the task go, within 30 days.
    homes: list[Home] = field(default_factory=list)


def drawer_facts(task: VisitTask, staff: Staff, today: date) -> DrawerFacts:
    """The caller has checked that the task is visible."""
    asked: dict[str, Any] = {
        "task": task.pk, "loan": task.loan_id, "borrower": task.loan.borrower_id, "staff": staff.pk, "today": today,
        "as_of": today,
        "second": task.proposed_second_id, "reports": REPORTS, "contacts": CONTACTS, "events": EVENTS,
        "officer": task.assigned_to_id, "branch": task.branch_id, "due": task.due_on, "homes": HOMES,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, asked)
        found: Mapping[str, Any] = json.loads(cursor.fetchone()[0])
    attempts = [_attempt(row) for row in found["attempts"] or ()]
    return DrawerFacts(
        reach=told_of(attempts, int(found["least"] or LEAST)),
        assigned=found["assigned"],
        proposed_second=found["second"] or "",
        is_second=found["joins"],
        reports=[_report(row) for row in found["reports"] or ()],
        contacts=[
            Contact(_instant(row["at"]), row["sort"] == "message", row["what"], row["result"], row["note"])
            for row in found["contacts"] or ()
        ],
        findings=_findings(found),
        bans=[
            Ban(row["channel"], row["ground"], date.fromisoformat(row["business_date"])) for row in found["bans"] or ()
        ],
        reassign=found["reassign"],
        homes=[
            Home(row["id"], date.fromisoformat(row["due_on"]), row["district"], row["address"])
            for row in found["homes"] or ()
        ],
    )


def _findings(found: Mapping[str, Any]) -> list[Finding]:
    """The worst first."""
    events = [
        Finding(row["code"], row["level"], date.fromisoformat(row["happened_on"]), row["words"])
        for row in found["events"] or ()
    ]
    signals = [
        Finding(row["code"], row["level"], date.fromisoformat(row["raised_on"]), "", row["state"])
        for row in found["signals"] or ()
    ]
    return sorted([*events, *signals], key=lambda one: (one.level, -one.on.toordinal()))


def _instant(text: str) -> datetime:
    return timezone.localtime(datetime.fromisoformat(text))


def _attempt(row: Mapping[str, Any]) -> VisitAttempt:
    next_at = _instant(row["next_at"]) if row["next_at"] else None
    return VisitAttempt(
        pk=row["id"], at=_instant(row["at"]), outcome=row["outcome"], note=row["note"], recording=row["recording"],
        next_at=next_at, by=Staff(name=row["name"]),
    )  # fmt: skip


def _report(row: Mapping[str, Any]) -> VisitReport:
    return VisitReport(
        pk=row["id"], submitted_on=date.fromisoformat(row["submitted_on"]), conclusion=row["conclusion"],
        state=row["state"], visit=Visit(method=row["method"]),
    )  # fmt: skip
