"""Rows of assignment that the role matrices walk."""

from datetime import timedelta

from people.leave import enter_leave
from people.models import Leave
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
