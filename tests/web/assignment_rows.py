"""Rows of assignment that the role matrices walk."""

from datetime import timedelta

from followups.actions.events import record_event
from followups.models import Event, HandOver
from people.actions.leave import enter_leave
from people.models import Certificate, Leave
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank


def leave_in(bank: Bank, place: str) -> int:
    """A leave of the place's officer; an id that nothing has for any other place."""
    who = {"home": "officer", "other": "stranger"}.get(place)
    if who is None:
        return 987654321
    staff = bank.staff[who]
    known = Leave.objects.filter(staff=staff).first()
    day = TODAY + timedelta(days=30)
    return (known or enter_leave(staff=staff, first=day, last=day, deputy=None, reason="年休假", by=staff, at=AT)).pk


def certificate_in(bank: Bank, place: str) -> int:
    """A certificate of the place's officer; an id that nothing has for any other place."""
    who = {"home": "officer", "other": "stranger"}.get(place)
    if who is None:
        return 987654321
    staff = bank.staff[who]
    known = Certificate.objects.filter(staff=staff).first()
    valid = (TODAY, TODAY + timedelta(days=300))
    return (known or Certificate.objects.create(staff=staff, code="VISITS", valid=valid)).pk


def handover_in(bank: Bank, place: str) -> int:
    """A hand-over of the place's branch; an id that nothing has for any other place."""
    branch = {"home": bank.home, "other": bank.other}.get(place)
    if branch is None:
        return 987654321
    known = HandOver.objects.filter(branch=branch).first()
    staff = bank.staff["officer" if place == "home" else "stranger"]
    return (
        known
        or HandOver.objects.create(
            officer=staff, branch=branch, reason="离职移交", decided_by=staff, at=AT, business_date=TODAY,
            content_sha256="0" * 64,
        )
    ).pk  # fmt: skip


def event_in(bank: Bank, place: str) -> int:
    """An event of the place's loan; an id that nothing has for any other place."""
    who = {"home": "officer", "other": "stranger"}.get(place)
    if who is None:
        return 987654321
    loan = bank.loans[place]
    known = Event.objects.filter(loan=loan).first()
    if known is not None:
        return known.pk
    event, _is_new = record_event(
        loan_id=loan.pk, code="JOB_CHANGE", happened_on=TODAY, words="客户来电告知", by=bank.staff[who], at=AT
    )
    return event.pk
