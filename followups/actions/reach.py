"""Dialling and finding the way without showing the number or address on the screen; each time on record."""

from datetime import datetime
from typing import Final
from urllib.parse import quote

from django.db import transaction
from django.utils.translation import gettext as _

from collateral.models import Charge
from followups.actions.refusals import NotYours, TaskAlreadyEnded
from followups.actions.tasks import tell
from followups.models import VisitTask
from followups.queries.facts import is_known_to
from followups.rules.states import ENDED
from journal.errors import ActionRefused
from people.actions import require
from people.models import Staff

DIAL: Final = "dial"
NAVIGATE: Final = "navigate"


class NothingToReach(ActionRefused):
    """There is no number, or no address."""

    code = "nothing_to_reach"


@transaction.atomic
def reach(*, task_id: int, how: str, by: Staff, at: datetime) -> str:
    """An address for the device: `tel:…` or `geo:…`; for who works on the task alone, of an open task."""
    require(by, "followups.record_visit")
    task = VisitTask.objects.visible_to(by).select_related("loan__borrower", "assigned_to").get(pk=task_id)
    if task.state in ENDED:
        raise TaskAlreadyEnded
    if not is_known_to(task, by):
        raise NotYours(task.assigned_to.name if task.assigned_to else "")
    found = _phone(task) if how == DIAL else _home(task)
    tell(task, "followups.dialled" if how == DIAL else "followups.navigated", by=by, at=at)
    return found


def _phone(task: VisitTask) -> str:
    digits = "".join(char for char in task.loan.borrower.phone if char.isascii() and (char.isdigit() or char == "+"))
    if not digits:
        raise NothingToReach(_("没有登记联系电话。"))
    return f"tel:{digits}"


def _home(task: VisitTask) -> str:
    charge = Charge.objects.filter(loan_id=task.loan_id).select_related("property").order_by("id").first()
    if charge is None or not charge.property.address:
        raise NothingToReach(_("没有登记房屋坐落。"))
    return f"geo:0,0?q={quote(charge.property.address)}"
