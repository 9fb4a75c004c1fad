"""楼盘走访: one visit to a development for all its loans; begun by a person, its finding shared when it is approved."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.refusals import WrongDate
from followups.actions.tasks import add_event, checked_reason, tell
from followups.batch import policy_in_force
from followups.batch.projects import share_findings
from followups.models import (
    EventKind,
    Level,
    Method,
    ProjectLoan,
    ProjectVisit,
    Subject,
    TaskKind,
    VisitReport,
    VisitTask,
)
from followups.queries.assigning import is_kept_from_visits
from followups.queries.projects import EstateLoan, estate_around
from followups.rules import projects as rules
from followups.rules.checklist import answer_of
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import hold_business_date, lock_positions, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import may

REASON_LEAST, REASON_MOST = 4, 200
_FURTHEST = timedelta(days=90)


class ProjectRefused(ActionRefused):
    code = "project_refused"


@transaction.atomic
def start_project_visit(
    *, loan_id: int, loan_ids: Sequence[int], reason: str, due_on: date, by: Staff, at: datetime
) -> ProjectVisit:
    """Makes the task of one visit to the loan's development, for these loans of it: with who records visits and asks,
    open to all for who assigns. Only loans of the same branch that stand in the development may be named."""
    records = may(by, "followups.record_visit")
    if not records:
        require(by, "followups.assign")
    today = hold_business_date()
    loan = Loan.objects.visible_to(by).get(pk=loan_id)
    words = checked_reason(reason, least=REASON_LEAST)[:REASON_MOST]
    if not today <= due_on <= today + _FURTHEST:
        raise WrongDate(_("应完成日须在今天起 90 天以内。"))
    goes = records and not is_kept_from_visits(by.pk, today)
    # Whoever begins one for any of these loans waits here, so that no loan is in two.
    lock_positions(sorted({loan.pk, *loan_ids}))
    estate = estate_around(loan, by)
    if not estate.name:
        raise ProjectRefused(_("该贷款的房屋地址看不出楼盘。"))
    rows = _chosen(estate.loans, {loan.pk, *loan_ids})
    task = _lead(loan, estate.name, rows, words, due_on, by if goes else None, today)
    project = ProjectVisit.objects.create(
        estate=estate.name, branch_id=loan.branch_id, lead=task, reason=words, started_by=by, at=at, business_date=today
    )
    ProjectLoan.objects.bulk_create(ProjectLoan(project=project, loan=row.loan, task=row.task) for row in rows)
    add_event(task, EventKind.PLANNED, by=by.staff_no, at=at, due_on=due_on.isoformat(), method=task.method)
    numbers = ",".join(str(row.loan.pk) for row in rows)
    tell(task, "followups.project_visit_started", by=by, at=at, project=project.pk, loans=len(rows),
         loans_sha256=hashlib.sha256(numbers.encode()).hexdigest())  # fmt: skip
    return project


def _chosen(offered: Sequence[EstateLoan], wanted: set[int]) -> list[EstateLoan]:
    rows = [row for row in offered if row.loan.pk in wanted]
    if len(rows) != len(wanted):
        raise ProjectRefused(_("只能选择同一楼盘、同一机构、未结清的贷款。"), field="loan")
    taken = next((row.project for row in rows if row.project), None)
    if taken is not None:
        raise ProjectRefused(_("所选贷款已在楼盘走访 %(number)s 中。") % {"number": taken.lead.number}, field="loan")
    if not rules.LOANS_LEAST <= len(rows) <= rules.LOANS_MOST:
        raise ProjectRefused(_("楼盘走访至少涉及 2 笔贷款。"), field="loan")
    return rows


def _lead(
    loan: Loan, estate: str, rows: Sequence[EstateLoan], reason: str, due_on: date, officer: Staff | None, today: date
) -> VisitTask:
    """As urgent as the most urgent task it answers, and due no later."""
    tasks = [row.task for row in rows if row.task]
    earlier = VisitTask.objects.filter(loan=loan, rule=rules.RULE).count()
    due_on = max(today, min([due_on, *(task.due_on for task in tasks)]))
    return VisitTask.objects.create(
        loan=loan,
        branch_id=loan.branch_id,
        kind=TaskKind.IRREGULAR,
        rule=rules.RULE,
        cycle=f"{today:%Y%m%d}-{earlier + 1}",
        method=Method.FIELD,
        subject=Subject.PROJECT,
        level=min([Level.NONE, *(task.level for task in tasks)]),
        opens_on=today,
        due_on=due_on,
        assigned_to=officer,
        is_pinned=True,
        reason=[{"code": "PROJECT_VISIT", "params": {"estate": estate, "loans": len(rows), "reason": reason}}],
        policy_version=policy_in_force(today).version,
        policy_line=0,
        created_on=today,
    )


def share_project(task: VisitTask, report: VisitReport, *, by: Staff, at: datetime) -> int:
    """Hands what an approved report found of a development to its loans; called in the approval. How many took it."""
    project = ProjectVisit.objects.filter(lead=task).first() if task.rule == rules.RULE else None
    if project is None:
        return 0
    visit = report.visit
    return share_findings(
        project=project,
        report=report,
        state=rules.state_found(visit.draft.get("answers") or {}, visit.known),
        is_bankrupt=answer_of(visit.draft, "developer_bankrupt").get("now") == "YES",
        by=by.staff_no,
        at=at,
        as_of=require_business_date(),
    )
