"""The drawer beside the desk: one task with why, its loan's record and what can be done at once."""

from typing import Any

from followups.assignment_wording import why_of
from followups.models import VisitTask
from followups.queries import desk, payment_strip, person_facts
from followups.queries.drawer import drawer_facts
from followups.views.rows import desk_rows, name_for
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
from people.web import visible_or_404


def drawer_context(task: VisitTask, staff: Staff, bank: OpenDay) -> dict[str, Any]:
    """What the drawer shows of one task of `queries.desk`: two statements."""
    today = bank.day
    facts = drawer_facts(task, staff, today)
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
        **dialogs_of(task, today),
        **steps_open_to(task, staff),
    }


class TaskDrawer(TaskPage):
    """The drawer alone, for the list's J and K."""

    template_name = "followups/parts/drawer.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        task = visible_or_404(desk(self.staff), pk=kwargs["pk"])
        bank = open_day()
        assert bank is not None
        return {"view": self, **drawer_context(task, self.staff, bank)}
