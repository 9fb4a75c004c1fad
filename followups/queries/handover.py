"""What an officer has to hand over, and who could receive it."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet

from followups.models import HandOver, VisitTask
from followups.rules.assignment import Candidate
from followups.rules.handover import Parcel
from people.models import Staff
from people.queries import branch_ids_visible_to

TO_MOVE = ("PLANNED", "IN_PROGRESS", "RETURNED")
# Loans of the own portfolio that run, and loans of others on which the officer has an open task.
_PARCELS = """
SELECT l.id, l.borrower_id, coalesce(min(h.district), '')
  FROM loans_loan l
  JOIN loans_position p ON p.loan_id = l.id
  LEFT JOIN collateral_charge c ON c.loan_id = l.id LEFT JOIN collateral_property h ON h.id = c.property_id
 WHERE l.branch_id = ANY(%(branches)s) AND (
       (l.portfolio_officer_id = %(officer)s AND p.settled_on IS NULL)
       OR EXISTS (SELECT 1 FROM followups_visittask t WHERE t.loan_id = l.id AND t.assigned_to_id = %(officer)s
                     AND t.closed_on IS NULL AND t.state <> 'SUBMITTED'))
 GROUP BY l.id, l.borrower_id ORDER BY l.id
"""
_KNOWS = """
SELECT l.portfolio_officer_id, h.district, count(*)
  FROM loans_loan l JOIN collateral_charge c ON c.loan_id = l.id JOIN collateral_property h ON h.id = c.property_id
 WHERE l.portfolio_officer_id = ANY(%(officers)s) AND h.district <> '' GROUP BY 1, 2 ORDER BY 1, 2
"""
_OPEN = """
SELECT assigned_to_id, count(*) FROM followups_visittask
 WHERE assigned_to_id = ANY(%(officers)s) AND closed_on IS NULL AND state <> 'SUBMITTED' GROUP BY 1
"""


def parcels_of(officer: Staff, by: Staff) -> list[Parcel]:
    """The officer's running loans, and loans on which they have open tasks, as far as `by` sees them."""
    with connection.cursor() as cursor:
        cursor.execute(_PARCELS, {"officer": officer.pk, "branches": branch_ids_visible_to(by)})
        return [Parcel(*row) for row in cursor.fetchall()]


def candidates(officers: Iterable[Staff]) -> list[Candidate]:
    """Receivers with the districts that their portfolios lie in and how much they have open."""
    found = list(officers)
    ids = [one.pk for one in found]
    knows = districts_known_to(ids)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"officers": ids})
        planned = dict(cursor.fetchall())
    return [
        Candidate(one.pk, one.branch_id, planned=planned.get(one.pk, 0), districts=tuple(knows.get(one.pk, ())))
        for one in found
    ]


def districts_known_to(officer_ids: Iterable[int]) -> dict[int, list[tuple[str, int]]]:
    """Districts that each portfolio lies in, with how many loans."""
    knows: dict[int, list[tuple[str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWS, {"officers": list(officer_ids)})
        for officer, district, count in cursor.fetchall():
            knows.setdefault(officer, []).append((district, count))
    return knows


def open_tasks_of(officer: Staff, loan_ids: Iterable[int]) -> QuerySet[VisitTask]:
    """The officer's tasks on these loans that are still to be made."""
    return VisitTask.objects.filter(
        assigned_to=officer, loan_id__in=list(loan_ids), closed_on__isnull=True, state__in=TO_MOVE
    )


def handovers(staff: Staff) -> QuerySet[HandOver]:
    """Visible hand-overs, the newest first."""
    found = HandOver.objects.visible_to(staff).select_related("officer", "branch", "decided_by", "reverses")
    return found.order_by("-id")
