"""What every page's frame needs: business date, who is signed in, the entries of the top bar."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config.addresses import address
from loans.queries import open_business_date
from people.models import Staff
from people.queries import may, roles_of


@dataclass(frozen=True)
class NavEntry:
    """One entry of the top bar."""

    label: str
    url: str
    is_current: bool


# At most seven entries by role: URL name, label, permission.
_NAV = (
    ("followups:review", gettext_noop("审核台"), "followups.review"),
    ("followups:desk", gettext_noop("我的工作台"), "followups.view"),
    ("dashboard", gettext_noop("管理看板"), "loans.view_figures"),
    ("loans:list", gettext_noop("贷款"), "loans.view"),
    ("loans:changes", gettext_noop("合同变更"), "loans.view"),
    ("loans:receipts", gettext_noop("还款入账"), "loans.view_receipts"),
    ("loans:lpr", gettext_noop("利率管理"), "loans.view"),
    ("operations", gettext_noop("运行"), "operations.view"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Template variables of the frame; nothing is read from the database unless the page shows it."""
    staff = getattr(request, "user", None)
    member = staff if isinstance(staff, Staff) else None
    return {
        "business_date": SimpleLazyObject(open_business_date),
        "staff_member": member,
        "role_names": ", ".join(_(role.name) for role in roles_of(member)) if member else "",
        "nav": _entries(request, member),
        "is_demo": settings.DEMO,
    }


def _entries(request: HttpRequest, staff: Staff | None) -> list[NavEntry]:
    if staff is None:
        return []
    entries = []
    for name, label, permission in _NAV:
        if not may(staff, permission):
            continue
        try:
            url = address(name)
        except NoReverseMatch:
            continue
        current = request.path == url if url == "/" else request.path.startswith(url)
        entries.append(NavEntry(_(label), url, current))
    return entries
