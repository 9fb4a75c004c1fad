"""What a view asks of the person: one permission, one of several, one a method, any signed-in person, or nothing."""

from typing import Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from people.models import Staff
from people.queries import may

# Words a view may declare instead of a permission's name.
ANYONE: Final = "*"
SIGNED_IN: Final = "signed-in"


class HasPermission(BasePermission):
    """Lets the person through when a role carries what the view declares; a view that declares nothing is shut."""

    def has_permission(self, request: Request, view: Any) -> bool:
        wanted = getattr(view, "permission", None)
        if isinstance(wanted, dict):
            # A method the view does not have is answered with 405, not with 403.
            wanted = wanted.get("GET" if request.method == "HEAD" else request.method, SIGNED_IN)
        if not wanted:
            return False
        if wanted == ANYONE:
            return True
        staff = request.user
        if not isinstance(staff, Staff) or not staff.is_active:
            return False
        if isinstance(wanted, tuple):
            return any(may(staff, one) for one in wanted)
        return wanted == SIGNED_IN or may(staff, wanted)
