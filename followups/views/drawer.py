"""The drawer beside the desk: one task with why, its loan's record and what can be done at once."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from correspondence.models import Ground, MessageKind, MessageState
from followups.assignment_wording import why_of
from followups.event_wording import kind_words
from followups.models import ContactOutcome, Method, VisitTask
from followups.queries import desk, is_known_to, payment_strip, person_facts
from followups.queries.drawer import Contact, DrawerFacts, Finding, drawer_facts
from followups.rules import attempts as rules
from followups.rules.estates import Home, neighbors
from followups.signal_wording import signal_words
from followups.views.rows import desk_rows, home_name, name_for
from followups.views.task import (
    POLICY_LINE,
    STRIP_INSTALLMENTS,
    STRIP_MONTHS,
    TaskPage,
    dialogs_of,
    steps_open_to,
)
from followups.wording import why_lines
from loans.queries import LoanReads, OpenDay, installments_of, open_day
from people.models import Staff
from people.queries import may
from people.web import visible_or_404
from risk.models import SignalState

# Hours at which one may put off a call with one press.
EVENING, MORNING = time(19), time(10)
SATURDAY = 5


def slots_of(at: datetime) -> list[tuple[str, str]]:
    """Tonight, tomorrow, Saturday: what is still ahead, as a word and as the form takes it."""
    now = timezone.localtime(at)
    today = now.date()
    tomorrow, saturday = today + timedelta(days=1), today + timedelta(days=(SATURDAY - today.weekday()) % 7 or 7)
    found = [
        (_("今晚 19:00"), datetime.combine(today, EVENING, now.tzinfo)),
        (_("明天 10:00"), datetime.combine(tomorrow, MORNING, now.tzinfo)),
    ]
    if saturday != tomorrow:
        found.append((_("周六 10:00"), datetime.combine(saturday, MORNING, now.tzinfo)))
    return [(word, f"{hour:%Y-%m-%dT%H:%M}") for word, hour in found if hour > now]


def contact_line(contact: Contact) -> dict[str, Any]:
    """A contact as the drawer lists it."""
    if contact.is_message:
        result = MessageState(contact.result).label
        return {"at": contact.at, "what": _("短信"), "words": f"{MessageKind(contact.what).label}{_('，')}{result}"}
    words = str(ContactOutcome(contact.result).label)
    return {
        "at": contact.at,
        "what": Method(contact.what).label[:2],
        "words": f"{words}{_('，')}{contact.note}" if contact.note else words,
    }


def finding_line(finding: Finding) -> dict[str, Any]:
    """An event by its kind and what was told of it, a signal by its rule and how far it is."""
    if not finding.state:
        return {"finding": finding, "words": kind_words(finding.code), "more": finding.words}
    return {"finding": finding, "words": signal_words(finding.code), "more": SignalState(finding.state).label}


def _near(task: VisitTask, facts: DrawerFacts) -> tuple[Home, ...]:
    """Other homes of the estate among the visits of who has the task."""
    return neighbors(facts.homes).get(task.pk, ())


def drawer_context(task: VisitTask, staff: Staff, bank: OpenDay, at: datetime) -> dict[str, Any]:
    """What the drawer shows of one task of `queries.desk`: two statements."""
    today = bank.day
    facts, steps = drawer_facts(task, staff, today), steps_open_to(task, staff)
    (row,) = desk_rows([task], staff=staff, today=today, days=bank.days)
    reads = LoanReads(today, bank.days, bank.grace_days, (), tuple(installments_of(task.loan)[:STRIP_INSTALLMENTS]))
    return {
        "task": task,
        "row": row,
        "person": {**person_facts(task, staff, facts.is_second), "name": name_for(staff, task)},
        "why_lines": why_lines([reason for reason in task.reason if reason["code"] != POLICY_LINE]),
        "policy_lines": why_lines([reason for reason in task.reason if reason["code"] == POLICY_LINE]),
        "strip": payment_strip(task.loan, STRIP_MONTHS, reads),
        "today": today,
        "reports": facts.reports,
        "reach": facts.reach,
        "proposed_second": facts.proposed_second,
        "why_assigned": why_of(task, facts.assigned),
        "contacts": [contact_line(contact) for contact in facts.contacts],
        "findings": [finding_line(each) for each in facts.findings],
        "bans": [{"ban": ban, "words": Ground(ban.ground).label} for ban in facts.bans],
        "calling": {"from": rules.EARLIEST, "to": rules.LATEST},
        "slots": slots_of(at),
        "reassign": facts.reassign,
        "near": _near(task, facts) if is_known_to(task, staff, facts.is_second) else (),
        "near_estate": home_name(task),
        "may_dial": steps["may_attempt"] and is_known_to(task, staff, facts.is_second),
        "may_ask_reassign": steps["may_attempt"] and task.assigned_to_id is not None and facts.reassign is None,
        "may_decide_reassign": facts.reassign is not None
        and facts.reassign["asked_by"] != staff.pk
        and may(staff, "followups.assign"),
        **dialogs_of(task, today),
        **steps,
    }


class TaskDrawer(TaskPage):
    """The drawer alone, for the list's J and K."""

    template_name = "followups/parts/drawer.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        task = visible_or_404(desk(self.staff), pk=kwargs["pk"])
        bank = open_day()
        assert bank is not None
        return {"view": self, **drawer_context(task, self.staff, bank, self.at)}
