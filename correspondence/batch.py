"""The evening's reminders: what is to be told waits as a row, what has ended is taken back.

Nobody is locked: a message only waits, and whoever sends it looks again at the loan, under its lock.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from psycopg2.extras import DateRange

from correspondence import sql
from correspondence.models import Channel, MessageKind, Template
from correspondence.queries import contact_hours, rhythm, versions_in_force
from correspondence.rules.reminders import Days, Rhythm, days_of
from correspondence.rules.wording import FIRST_TEXTS, content_sha256
from loans.queries import calendar, overdue_grace_days
from loans.queries.evening import Cuts, cut
from loans.rules.aging import recognised_due_until
from loans.sql import array, rows, run

# What may move or end a due day or what falls due on it, or bring arrears back that were paid.
MOVES_A_DUE_DAY = (
    "loans.settled", "loans.change_applied", "loans.change_reversed", "loans.restructured", "loans.accelerated",
    "loans.written_off", "loans.receipt_reversed", "loans.refund_approved", "loans.rebuilt",
)  # fmt: skip
# Moves what falls due, of a large part of the book at once.
REPRICED = "loans.repriced"


@transaction.atomic
def install_first_templates(*, at: datetime) -> None:
    """Seeds version 1 of each wording; does nothing for a kind that has one."""
    known = set(Template.objects.values_list("kind", flat=True))
    since = date(2000, 1, 1)
    Template.objects.bulk_create(
        Template(
            kind=kind, channel=Channel.SMS, version=1, text=text, in_force=DateRange(since, None, "[)"),
            maker="P0001", made_at=at, checker="P0002", checked_at=at,
            content_sha256=content_sha256(kind, Channel.SMS, since, text),
        )
        for kind, text in FIRST_TEXTS.items()
        if kind not in known
    )  # fmt: skip


def remind_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with something to tell or to take back."""
    return cut(sql.CANDIDATES, _scope(as_of, 0, None, None), size)


@transaction.atomic
def remind(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Iterable[int] | None = None,
    found: Iterable[int] | None = None,
) -> dict[str, int]:
    """Makes the messages of a close wait, brings those that wait up to date, and cancels those about what ended.

    With ids it also tells these loans what an earlier close should have; what `remind_cuts` `found` is not searched for
    again.
    """
    versions = versions_in_force(as_of)
    scope = {
        **_scope(as_of, after, up_to, loan_ids),
        **({} if found is None else {"loan_ids": array(found)}),
        "not_before": opens_at(as_of + timedelta(days=1)),
        "due_version": versions[MessageKind.DUE],
        "overdue_version": versions[MessageKind.OVERDUE],
    }
    ((cancelled, updated),) = rows(sql.BRING_UP_TO_DATE, scope)
    return {
        "due_told": run(sql.REMIND_DUE, scope),
        "overdue_told": run(sql.REMIND_OVERDUE, scope),
        "cancelled": cancelled,
        "updated": updated,
    }


def opens_at(day: date) -> datetime:
    """When messages may go on a day, in the bank's time."""
    return datetime.combine(day, time.fromisoformat(contact_hours(day)["from"]), timezone.get_default_timezone())


def looked_for(as_of: date, *, catching_up: bool) -> Days:
    """The days that bring a reminder at this close, by the parameters in force."""
    return _looked_for(as_of, rhythm(as_of), catching_up)


def _looked_for(as_of: date, beats: Rhythm, catching_up: bool) -> Days:
    if catching_up:
        return days_of(as_of, beats, None)
    days, grace = calendar(as_of - timedelta(days=40), as_of), overdue_grace_days(as_of)
    before, until = (recognised_due_until(day, grace, days) for day in (as_of - timedelta(days=1), as_of))
    return days_of(as_of, beats, (before, until))


def _scope(as_of: date, after: int, up_to: int | None, loan_ids: Iterable[int] | None) -> dict[str, Any]:
    beats = rhythm(as_of)
    days, again = _looked_for(as_of, beats, loan_ids is not None), days_of(as_of, beats, None)
    return {
        "as_of": as_of,
        "after": after,
        "up_to": up_to,
        "loan_ids": None if loan_ids is None else array(loan_ids),
        "due_after": days.due_after,
        "due_up_to": days.due_up_to,
        "since": array(each.since for each in days.overdue),
        "step": array(each.step for each in days.overdue),
        "expires_on": array(each.expires_on for each in days.overdue),
        "again_since": array(each.since for each in again.overdue),
        "again_step": array(each.step for each in again.overdue),
        "again_expires_on": array(each.expires_on for each in again.overdue),
        "facts": array(MOVES_A_DUE_DAY),
        "repriced": REPRICED,
    }
