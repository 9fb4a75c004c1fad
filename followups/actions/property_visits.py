"""A visit to the home alone (S2.3): asked for by a person, with a reason; only what concerns the home is asked.

It stands beside the loan's own follow-ups and takes none of their places. One is open at a time.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.methods import OF_A_HOME
from followups.actions.refusals import MethodWrong, WrongDate, WrongState
from followups.actions.tasks import add_event, checked_reason, tell
from followups.batch import policy_in_force
from followups.models import EventKind, Method, Subject, TaskKind, VisitTask
from followups.queries.assigning import is_kept_from_visits
from loans.models import Loan
from loans.queries import lock_positions, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import may

RULE = "PROPERTY"
REASON_LEAST = 4
_FURTHEST = timedelta(days=90)


@transaction.atomic
def ask_for_property_visit(
    *, loan_id: int, reason: str, due_on: date, method: str = Method.FIELD.value, by: Staff, at: datetime
) -> VisitTask:
    """Makes the task: with an officer who asks, open to all for who assigns. One already open is refused."""
    records = may(by, "followups.record_visit")
    if not records:
        require(by, "followups.assign")
    loan = Loan.objects.visible_to(by).select_related("branch", "position").get(pk=loan_id)
    words = checked_reason(reason, least=REASON_LEAST)
    today = require_business_date()
    if not today <= due_on <= today + _FURTHEST:
        raise WrongDate(_("应完成日须在今天起 90 天以内。"))
    if method not in OF_A_HOME:
        raise MethodWrong(_("仅查押品的回访只能实地走访或视频查看。"))
    lock_positions([loan.pk])
    earlier = VisitTask.objects.filter(loan=loan, rule=RULE)
    if earlier.still_open().exists():
        raise WrongState(_("该贷款已有未办结的押品回访。"))
    loan.position.refresh_from_db()
    if loan.position.settled_on is not None:
        raise WrongState(_("贷款已结清，无须再查押品。"))
    task = VisitTask.objects.create(
        loan=loan,
        branch_id=loan.branch_id,
        kind=TaskKind.IRREGULAR,
        rule=RULE,
        cycle=f"{today:%Y%m%d}-{earlier.count() + 1}",
        method=method,
        subject=Subject.PROPERTY,
        opens_on=today,
        due_on=due_on,
        assigned_to=by if records and not is_kept_from_visits(by.pk, today) else None,
        is_pinned=True,
        reason=[{"code": "PROPERTY_VISIT", "params": {"reason": words}}],
        policy_version=policy_in_force(today).version,
        policy_line=0,
        created_on=today,
    )
    add_event(task, EventKind.PLANNED, by=by.staff_no, at=at, due_on=due_on.isoformat(), method=method)
    tell(task, "followups.property_visit_asked", by=by, at=at, due_on=due_on.isoformat(), method=method)
    return task
