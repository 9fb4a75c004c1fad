"""Who holds a task today: the officer it is assigned to, and while that officer is away the deputy (代管)."""

from datetime import date

from django.db.models import Q

from followups.models import OPEN_STATES, VisitTask
from loans.models import Loan
from people.models import Staff
from people.queries.leave import absences_between, covered_ids
from people.rules.leave import Held, holder_on


def held_by(staff: Staff) -> Q:
    """Condition of the tasks a person has to make today: own ones and those of officers they stand in for."""
    covered = covered_ids(staff)
    return Q(assigned_to__in=[staff.pk, *covered]) if covered else Q(assigned_to=staff)


def covers(task: VisitTask, staff: Staff) -> bool:
    """Does the person hold somebody else's task today?"""
    return task.assigned_to_id is not None and task.assigned_to_id in covered_ids(staff)


def is_held_by(task: VisitTask, staff: Staff) -> bool:
    """May the person work on the task: it is the own one (also while on leave), or one they stand in for."""
    return task.assigned_to_id == staff.pk or covers(task, staff)


def knows_borrower(loan: Loan, staff: Staff) -> bool:
    """Whose portfolio it is in, or who holds an open task of it, today: there the name is shown in full."""
    if loan.portfolio_officer_id in {staff.pk, *covered_ids(staff)}:
        return True
    return VisitTask.objects.filter(held_by(staff), loan=loan, state__in=OPEN_STATES).exists()


def holder_of(task: VisitTask, day: date) -> Held | None:
    """Who holds the task on the day; None while nobody is assigned."""
    if task.assigned_to_id is None:
        return None
    return holder_on(task.assigned_to_id, day, absences_between(day, day))
