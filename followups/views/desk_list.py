"""What a desk is asked for by its address: scope, filters, order; the page, its file and saved views read it alike."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from followups.filters import SCOPES, TaskFilter
from followups.models import VisitTask
from followups.queries.cover import held_by
from followups.queries.merging import alone
from followups.views.desk_page import ORDERS, Asked
from people.models import Staff
from people.queries import may
from people.queries.leave import covered_ids

# Who looks for a customer or a loan is shown what another visit does along too.
_SEARCHES = ("q", "loan", "loan_note_no")


def id_of(text: str) -> int:
    """The id that a text from outside names; 0, which no row has, when it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def scopes_of(staff: Staff) -> dict[str, str]:
    words = {"mine": _("我的"), "branch": _("机构全部"), "unassigned": _("未分派")}
    if not may(staff, "followups.record_visit"):
        del words["mine"]
    return words


def scope_of(staff: Staff, asked: Mapping[str, Any]) -> str:
    """Officers start with their own work, the others with everything they see."""
    default = "mine" if may(staff, "followups.record_visit") else "branch"
    scope = str(asked.get("scope", ""))
    return scope if scope in SCOPES else default


def asked_of(request: HttpRequest, staff: Staff, today: date) -> tuple[TaskFilter, Asked]:
    """The filters, and what they ask for."""
    scope = scope_of(staff, request.GET)
    seen = VisitTask.objects.visible_to(staff).still_open()
    work = seen.filter(alone(staff))
    scopes = {code: _scoped(work, code, staff) for code in scopes_of(staff)}
    scopes.setdefault(scope, _scoped(work, scope, staff))
    is_search = any(request.GET.get(name) for name in _SEARCHES)
    listed = _scoped(seen, scope, staff) if is_search else scopes[scope]
    narrowed = TaskFilter(request.GET, queryset=listed, request=request)
    order = next((order for order in ORDERS if order.code == request.GET.get("sort")), ORDERS[0])
    cursor = request.GET.get("cursor", "")
    return narrowed, Asked(scopes, scope, narrowed.qs, today, order, cursor, covered_ids(staff))


def _scoped(tasks: QuerySet[VisitTask], scope: str, staff: Staff) -> QuerySet[VisitTask]:
    if scope == "mine":
        return tasks.filter(held_by(staff))
    return tasks.filter(assigned_to__isnull=True) if scope == "unassigned" else tasks
