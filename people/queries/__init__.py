"""Reads of people: whose branches a person sees, what a person may do."""

from django.db import connection
from django.db.models import QuerySet

from people.models import Branch, Role, Scope, Staff

# What every page asks of the person who is signed in, in one statement: a row a role, each with the branch.
_MEMBER = """
SELECT b.id, b.code, b.name, b.parent_id, b.path, r.id, r.code, r.name, r.scope, r.permissions
FROM people_branch b LEFT JOIN people_staff_roles s ON s.staff_id = %(staff_id)s
LEFT JOIN people_role r ON r.id = s.role_id
WHERE b.id = %(branch_id)s ORDER BY r.code
"""
_BRANCH = ("id", "code", "name", "parent_id", "path")
_ROLE = ("id", "code", "name", "scope", "permissions")


def branch_ids_visible_to(staff: Staff) -> list[int]:
    """Ids of the branches whose loans this person sees; empty for administrators.

    Read once per request object: a changed role counts from the next request on.
    """
    cached = getattr(staff, "_visible_branch_ids", None)
    if cached is not None:
        return list(cached)
    scopes = {role.scope for role in roles_of(staff)} if staff.is_active else set()
    if sees_every_branch(staff):
        ids = list(Branch.objects.order_by("id").values_list("id", flat=True))
    elif Scope.SUBTREE in scopes:
        ids = list(
            Branch.objects.filter(path__startswith=staff.branch.path).order_by("id").values_list("id", flat=True)
        )
    elif Scope.BRANCH in scopes:
        ids = [staff.branch_id]
    else:
        ids = []
    staff._visible_branch_ids = ids  # type: ignore[attr-defined]
    return ids


def branches_visible_to(staff: Staff) -> QuerySet[Branch]:
    """The branches whose loans this person sees, each below its parent."""
    found = Branch.objects.order_by("path")
    return found if sees_every_branch(staff) else found.filter(pk__in=branch_ids_visible_to(staff))


def sees_every_branch(staff: Staff) -> bool:
    """True when a role reaches the whole bank: then no list of branches is needed to say what is seen."""
    return staff.is_active and any(role.scope == Scope.ALL for role in roles_of(staff))


def roles_of(staff: Staff) -> list[Role]:
    """The person's roles, read once per request object, and the branch with them."""
    known = getattr(staff, "_roles_read", None)
    if known is None:
        with connection.cursor() as cursor:
            cursor.execute(_MEMBER, {"staff_id": staff.pk, "branch_id": staff.branch_id})
            rows = cursor.fetchall()
        known = [Role.from_db(connection.alias, _ROLE, row[5:]) for row in rows if row[5] is not None]
        if rows and not Staff.branch.is_cached(staff):
            staff.branch = Branch.from_db(connection.alias, _BRANCH, rows[0][:5])
        staff._roles_read = known  # type: ignore[attr-defined]
    return list(known)


def may(staff: Staff, permission: str) -> bool:
    """True when one of the person's roles carries the permission and the account is active."""
    known = getattr(staff, "_permissions_read", None)
    if known is None:
        known = frozenset(each for role in roles_of(staff) for each in role.permissions)
        staff._permissions_read = known  # type: ignore[attr-defined]
    return staff.is_active and permission in known
