"""Reads of people: whose branches a person sees, what a person may do."""

from people.models import Branch, Scope, Staff


def branch_ids_visible_to(staff: Staff) -> list[int]:
    """Ids of the branches whose loans this person sees; empty for administrators.

    Read once per request object: a changed role counts from the next request on.
    """
    cached = getattr(staff, "_visible_branch_ids", None)
    if cached is not None:
        return list(cached)
    scopes = {role.scope for role in roles_of(staff)} if staff.is_active else set()
    if Scope.ALL in scopes:
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


def roles_of(staff: Staff) -> list:
    """The person's roles, read once per request object."""
    if not hasattr(staff, "_roles"):
        staff._roles = list(staff.roles.order_by("code"))  # type: ignore[attr-defined]
    return staff._roles


def may(staff: Staff, permission: str) -> bool:
    """True when one of the person's roles carries the permission and the account is active."""
    return staff.is_active and any(permission in role.permissions for role in roles_of(staff))
