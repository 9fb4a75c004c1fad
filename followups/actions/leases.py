"""Which window writes on a visit: one holds it while it beats, every other reads until it takes over by a click.

Beats are no facts; taking a visit from a window that still beats is one.
"""

import re
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.corrections import require_writable, require_writer
from followups.actions.refusals import HeldElsewhere, WrongState
from followups.actions.tasks import tell
from followups.models import Visit, VisitLease, VisitTask
from followups.queries.leases import LAPSES
from people.actions import require
from people.models import Staff

_TAB = re.compile(r"[A-Za-z0-9-]{8,40}", re.ASCII)


@transaction.atomic
def hold_visit(*, task_id: int, tab: str, take: bool = False, by: Staff, at: datetime) -> VisitLease:
    """Keeps or takes the visit for a window; the reply says who holds it now, which may be another one."""
    require(by, "followups.record_visit")
    task = VisitTask.objects.visible_to(by).get(pk=task_id)
    require_writable(task)
    visit = Visit.objects.filter(task=task).first()
    if visit is None or not _TAB.fullmatch(tab):
        raise WrongState(_("回访尚未开始。"))
    require_writer(task, by)
    lease, is_new = VisitLease.objects.select_for_update().get_or_create(
        visit=visit, defaults={"tab": tab, "by": by, "since": at, "seen_at": at}
    )
    if is_new:
        return lease
    if (lease.tab, lease.by_id) == (tab, by.pk):
        return _write(lease, seen_at=at)
    is_alive = lease.seen_at > at - timedelta(seconds=LAPSES)
    if is_alive and not take:
        return lease
    if is_alive:
        tell(task, "followups.visit_taken_over", by=by, at=at, held_by=lease.by.staff_no)
    return _write(lease, tab=tab, by=by, since=at, seen_at=at)


@transaction.atomic
def let_go(*, task_id: int, tab: str, by: Staff) -> None:
    """A window that is shut lets its visit go; any other window's stays."""
    require(by, "followups.record_visit")
    VisitLease.objects.filter(
        visit__task__in=VisitTask.objects.visible_to(by), visit__task_id=task_id, tab=tab, by=by
    ).delete()


def require_own_window(visit: Visit, tab: str, by: Staff, at: datetime) -> None:
    """Refuses a save by a window that does not hold the visit; one that says no window is held by its version alone."""
    if not tab:
        return
    lease = VisitLease.objects.select_related("by").filter(visit=visit).first()
    if lease is None or (lease.tab, lease.by_id) == (tab, by.pk):
        return
    if lease.seen_at > at - timedelta(seconds=LAPSES):
        raise HeldElsewhere(lease.by.name, lease.since)


def _write(lease: VisitLease, **fields: object) -> VisitLease:
    VisitLease.objects.filter(pk=lease.pk).update(**fields)
    for name, value in fields.items():
        setattr(lease, name, value)
    return lease
