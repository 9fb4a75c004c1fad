"""Noting how far a person has read the notices."""

from datetime import datetime

from django.db import connection, transaction

from followups.queries.notices import notices_for
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff

_READ = """
INSERT INTO followups_noticesread (staff_id, up_to, at) VALUES (%(staff)s, %(up_to)s, %(at)s)
ON CONFLICT (staff_id) DO UPDATE SET up_to = greatest(followups_noticesread.up_to, excluded.up_to), at = excluded.at
"""


@transaction.atomic
def mark_read(*, up_to: int, by: Staff, at: datetime) -> None:
    """Everything up to the notice is read; one that is not told to the person marks nothing."""
    require(by, "followups.view")
    if notices_for(by, require_business_date()).filter(pk=up_to).exists():
        with connection.cursor() as cursor:
            cursor.execute(_READ, {"staff": by.pk, "up_to": up_to, "at": at})
