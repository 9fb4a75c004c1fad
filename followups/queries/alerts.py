"""Which alerts a person is told: of own loans and covered ones, as manager of a branch, as head above it, as staff."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from followups.models import Alert, AlertAudience, AlertCode, NoticesRead
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.queries.leave import covered_ids
from risk.models import SignalState

MOST = 100
# How long new rules stay among what is told.
NEWS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ToldAlert:
    alert: Alert
    is_new: bool


def alerts_for(staff: Staff, today: date) -> QuerySet[Alert]:
    """Alerts told by today that still hold: the signal is open and the step they are about was not taken."""
    branches = branch_ids_visible_to(staff)
    owners = [staff.pk, *covered_ids(staff, today)]
    mine = Q(audience=AlertAudience.OFFICER, signal__loan__portfolio_officer__in=owners)
    if may(staff, "followups.assign"):
        mine |= Q(audience=AlertAudience.MANAGER)
    if may(staff, "followups.review"):
        mine |= Q(audience=AlertAudience.BRANCH_HEAD) & ~Q(branch=staff.branch_id)
    news = Q(audience=AlertAudience.EVERYONE, raised_on__gte=today - NEWS)
    found = Alert.objects.filter(mine & Q(branch__in=branches, signal__closed_on__isnull=True) | news)
    done = Q(code=AlertCode.SIGNAL_LATE) & ~Q(signal__state__in=[SignalState.NEW, SignalState.CONFIRMED])
    return found.filter(tell_on__lte=today).exclude(done)


def unread_alerts(staff: Staff, today: date, most: int) -> int:
    """How many signals and new rules have something new, at most `most`."""
    new = (
        alerts_for(staff, today)
        .filter(pk__gt=_read(staff))
        .values("signal_id", "policy_id", "regulation_id")
        .distinct()
    )
    return new[:most].count()


def _read(staff: Staff) -> int:
    return NoticesRead.objects.filter(staff=staff).values_list("alerts_up_to", flat=True).first() or 0


def told_alerts(staff: Staff, today: date, most: int = MOST) -> list[ToldAlert]:
    """The newest alerts, of a signal only the latest, the most severe first."""
    read = _read(staff)
    rows = alerts_for(staff, today).select_related(
        "signal__loan__borrower", "signal__loan__branch", "policy", "regulation"
    )  # fmt: skip
    found: dict[tuple[int | None, ...], ToldAlert] = {}
    for alert in rows.order_by("-id")[: most * 3]:
        key = (alert.signal_id, alert.policy_id, alert.regulation_id)
        kept = found.get(key)
        if kept is None:
            found[key] = ToldAlert(alert, alert.pk > read)
        elif alert.pk > read and not kept.is_new:
            found[key] = ToldAlert(kept.alert, True)
    ordered = sorted(found.values(), key=lambda one: (_level(one.alert), one.alert.due_on, one.alert.pk))
    return ordered[:most]


def _level(alert: Alert) -> int:
    return alert.signal.level if alert.signal is not None else 9
