"""A section that the visit does not ask is opened on the way, or a request noted that its form has no place for."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import InvalidAnswers
from followups.actions.visits import save_draft
from followups.models import Visit
from followups.rules.checklist import SECTIONS, more_of

# Where what the borrower asks for is written down.
NEEDS, REQUEST = "needs", "request"


@transaction.atomic
def open_section(
    *,
    task_id: int,
    version: int,
    draft: Mapping[str, Any],
    section: str,
    request: str = "",
    tab: str = "",
    by: Any,
    at: datetime,
) -> Visit:
    """Keeps the draft with one more section open; a request opens the borrower's needs and is answered there."""
    opened = NEEDS if request else section
    if opened not in [key for key, _zh, _en in SECTIONS]:
        raise InvalidAnswers({"more": ["not_a_choice"]}, {"more": _("更多")})
    wider = {**draft, "more": ",".join([key for key, _zh, _en in SECTIONS if key in (*more_of(draft), opened)])}
    visit = save_draft(task_id=task_id, version=version, draft=wider, tab=tab, by=by, at=at)
    if not request:
        return visit
    answers = {**(wider.get("answers") or {}), REQUEST: {"now": request}}
    asked = {**wider, "answers": answers}
    return save_draft(task_id=task_id, version=visit.version, draft=asked, tab=tab, by=by, at=at)
