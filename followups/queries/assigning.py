"""Who has a role that a policy line asks for, which roles make visits, and who may be given none any more."""

from collections.abc import Collection
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from followups import sql
from followups.models import MergedTask, VisitTask
from loans.models import Loan
from people.models import Role, Scope, Staff

RECORDS = "followups.record_visit"
_GIVEN = f"SELECT s.id FROM people_staff s WHERE NOT {sql.IS_GATED} OR s.id IN {sql.CERTIFIED}".replace(  # noqa: S608
    "%(as_of)s", "%s"
)


def not_independent(loan: Loan) -> list[int]:
    """Who cannot be the second visitor of a loan: whose portfolio it is in, and who approved it."""
    return [pk for pk in (loan.portfolio_officer_id, loan.approver_id) if pk is not None]


def went_along(task: VisitTask) -> QuerySet[Any]:
    """Who was the second visitor of the visit of another branch that made this one too: they were there. Whoever names
    one makes sure that they see the task's branch; who sees the own alone is left out."""
    across = MergedTask.objects.filter(
        task=task, is_across=True, lead__visit__second_visitor__roles__scope__in=[Scope.SUBTREE, Scope.ALL]
    )
    return across.values("lead__visit__second_visitor")


def holders_of(roles: Collection[str]) -> dict[str, frozenset[int]]:
    """Role → the active staff who have it."""
    found: dict[str, set[int]] = {role: set() for role in roles}
    held = Staff.objects.filter(is_active=True, roles__code__in=roles).values_list("roles__code", "id")
    for role, staff_id in held:
        if role in found:
            found[role].add(staff_id)
    return {role: frozenset(ids) for role, ids in found.items()}


def is_kept_from_visits(staff_id: int, as_of: date) -> bool:
    """Has the person no certificate on the day, where the bank gives no visits to such any more?"""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sql.IS_GATED} AND NOT %(staff)s IN {sql.CERTIFIED}",  # noqa: S608 - constants
            {"as_of": as_of, "staff": staff_id},
        )
        return bool(cursor.fetchone()[0])


def given_visits(as_of: date) -> Q:
    """Condition of staff who may be newly given a visit on the day (decision 0014): all of them until the bank asks for
    certificates, then who has one."""
    return Q(pk__in=RawSQL(_GIVEN, [as_of] * _GIVEN.count("%s")))  # noqa: S611 - constants


def visiting_roles() -> dict[str, str]:
    """Code → name of the roles that may record visits; a line may ask for no other."""
    return dict(Role.objects.filter(permissions__contains=[RECORDS]).order_by("code").values_list("code", "name"))
