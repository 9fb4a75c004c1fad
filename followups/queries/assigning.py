"""Who has a role that a policy line asks for, and which roles make visits."""

from collections.abc import Collection

from loans.models import Loan
from people.models import Role, Staff

RECORDS = "followups.record_visit"


def not_independent(loan: Loan) -> list[int]:
    """Who cannot be the second visitor of a loan: whose portfolio it is in, and who approved it."""
    return [pk for pk in (loan.portfolio_officer_id, loan.approver_id) if pk is not None]


def holders_of(roles: Collection[str]) -> dict[str, frozenset[int]]:
    """Role → the active staff who have it."""
    found: dict[str, set[int]] = {role: set() for role in roles}
    held = Staff.objects.filter(is_active=True, roles__code__in=roles).values_list("roles__code", "id")
    for role, staff_id in held:
        if role in found:
            found[role].add(staff_id)
    return {role: frozenset(ids) for role, ids in found.items()}


def visiting_roles() -> dict[str, str]:
    """Code → name of the roles that may record visits; a line may ask for no other."""
    return dict(Role.objects.filter(permissions__contains=[RECORDS]).order_by("code").values_list("code", "name"))
