"""Reads of people: whose branches a person sees, what a person may do."""

from django.db.models import QuerySet

from people.models import Branch, Role, Scope, Staff


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
    """The person's roles, read once per request object."""
    known = getattr(staff, "_roles_read", None)
    if known is None:
        known = list(staff.roles.order_by("code"))
        staff._roles_read = known  # type: ignore[attr-defined]
    return list(known)


def may(staff: Staff, permission: str) -> bool:
    """True when one of the person's roles carries the permission and the account is active."""
    return staff.is_active and any(permission in role.permissions for role in roles_of(staff))
