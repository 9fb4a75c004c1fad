"""Noting how far a person has read the notices."""

from datetime import datetime

from django.db import connection, transaction

from followups.queries.alerts import alerts_for
from followups.queries.notices import every_notice_for
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff

_READ = """
INSERT INTO followups_noticesread (staff_id, up_to, alerts_up_to, at) VALUES (%(staff)s, %(up_to)s, %(alerts)s, %(at)s)
ON CONFLICT (staff_id) DO UPDATE SET up_to = greatest(followups_noticesread.up_to, excluded.up_to), at = excluded.at,
    alerts_up_to = greatest(followups_noticesread.alerts_up_to, excluded.alerts_up_to)
"""


@transaction.atomic
def mark_read(*, up_to: int, alerts_up_to: int = 0, by: Staff, at: datetime) -> None:
    """Everything up to the notice and the alert is read; one that is not told to the person marks nothing."""
    require(by, "followups.view")
    today = require_business_date()
    up_to = up_to if any(rows.filter(pk=up_to).exists() for rows in every_notice_for(by, today)) else 0
    if alerts_up_to and not alerts_for(by, today).filter(pk=alerts_up_to).exists():
        alerts_up_to = 0
    if up_to or alerts_up_to:
        with connection.cursor() as cursor:
            cursor.execute(_READ, {"staff": by.pk, "up_to": up_to, "alerts": alerts_up_to, "at": at})
