"""Files and visits for the matrices of pages and API."""

from io import BytesIO
from typing import Any

from followups import actions
from followups.models import ProjectVisit, SavedView, Visit, VisitAttachment
from tests import pictures
from tests.factories import AT
from tests.web.api_bank import Bank

NOTHING = 987654321


def attached(bank: Bank, place: str, who: str) -> int:
    """A photo with the visit of the place's task, before it is handed in; its id."""
    task = bank.tasks[place]
    return actions.attach_file(
        task_id=task.pk, file=BytesIO(pictures.jpeg()), name="门牌.jpg", by=bank.staff[who], at=AT
    ).pk


def attachment_in(bank: Bank, place: str) -> int:
    """The photo of the place's visit; no id of any where there is none."""
    task: Any = bank.tasks.get(place)
    visit = Visit.objects.filter(task=task).first() if task is not None else None
    found = VisitAttachment.objects.filter(visit=visit).first() if visit is not None else None
    return found.pk if found is not None else NOTHING


def project_in(bank: Bank, place: str) -> int:
    """A visit to the development of the place's loan; no id of any where there is none."""
    if place not in bank.loans:
        return NOTHING
    task, loan = bank.tasks[place], bank.loans[place]
    found = ProjectVisit.objects.filter(lead=task).first() or ProjectVisit.objects.create(
        estate="江城市滨江区江岸新城", branch_id=loan.branch_id, lead=task, reason="媒体报道停工",
        started_by=bank.staff["officer"], at=AT, business_date=AT.date(),
    )  # fmt: skip
    return found.pk


def view_of(bank: Bank, who: str) -> int:
    """A view of the desk that the person keeps."""
    told = {"query": "chip=today", "made_at": AT}
    return SavedView.objects.get_or_create(staff=bank.staff[who], name="今天的", defaults=told)[0].pk
