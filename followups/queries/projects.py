"""Reads of developments: the loans that stand in one, the visit they are in, what it found for each."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from collateral.models import Charge
from collateral.queries import homes_of_estate
from collateral.rules.address import estate_of
from followups.models import (
    EventFinding,
    EventVisit,
    Finding,
    MergedTask,
    ProjectLoan,
    ProjectVisit,
    TaskState,
    VisitReport,
    VisitTask,
)
from followups.rules import events as event_rules
from followups.rules.projects import is_of_the_project
from loans.models import Loan
from people.models import Staff


@dataclass(frozen=True)
class EstateLoan:
    """A loan of a development: the untouched task that a visit to it answers, and the open visit it is in already."""

    loan: Loan
    task: VisitTask | None
    project: ProjectVisit | None


@dataclass(frozen=True)
class Estate:
    """A development as the addresses of its homes name it, with its loans of one branch."""

    name: str
    loans: tuple[EstateLoan, ...]

    @property
    def balance(self) -> Decimal:
        return sum((row.loan.position.principal_balance for row in self.loans), Decimal(0))


def estate_name(loan: Loan) -> str:
    """The development that the loan's first home stands in; empty when its address names none."""
    home = Charge.objects.filter(loan=loan).select_related("property").order_by("id").first()
    return estate_of(home.property.address).whole if home else ""


def estate_around(loan: Loan, staff: Staff) -> Estate:
    """The loans not settled of the loan's development, of its branch, that this person sees: five statements."""
    name = estate_name(loan)
    charges = Charge.objects.filter(property__in=homes_of_estate(name)).values("loan_id")
    found = Loan.objects.visible_to(staff).filter(
        pk__in=charges, branch_id=loan.branch_id, position__settled_on__isnull=True
    )
    loans = list(found.select_related("borrower", "position", "portfolio_officer").order_by("loan_note_no"))
    ids = [each.pk for each in loans]
    tasks, projects = answerable(ids), open_projects(ids)
    return Estate(name, tuple(EstateLoan(each, tasks.get(each.pk), projects.get(each.pk)) for each in loans))


def answerable(loan_ids: list[int]) -> dict[int, VisitTask]:
    """Loan → its untouched task that only events of the development have made."""
    found = VisitTask.objects.filter(
        loan_id__in=loan_ids, state=TaskState.PLANNED, rule=event_rules.RULE, is_light=False
    ).exclude(pk__in=MergedTask.objects.filter(ended_at__isnull=True).values("task_id"))
    tasks = {task.pk: task for task in found.order_by("-id")}
    closed = EventFinding.objects.exclude(finding=Finding.UNVERIFIED).values("event_id")
    codes: dict[int, list[str]] = defaultdict(list)
    links = EventVisit.objects.filter(task_id__in=tasks).exclude(event_id__in=closed)
    for task_id, code in links.values_list("task_id", "event__code"):
        codes[task_id].append(code)
    return {task.loan_id: task for pk, task in tasks.items() if is_of_the_project(codes[pk])}


def open_projects(loan_ids: list[int]) -> dict[int, ProjectVisit]:
    """Loan → the visit to its development that is still being made."""
    found = ProjectLoan.objects.filter(loan_id__in=loan_ids, is_shared__isnull=True, project__lead__closed_on=None)
    return {row.loan_id: row.project for row in found.select_related("project__lead")}


def project_of(task: VisitTask) -> ProjectVisit | None:
    """The visit to a development that is made under this task, or that answers or answered it."""
    found = ProjectVisit.objects.select_related("lead", "branch", "started_by")
    own = found.filter(lead=task).first() if task.rule == event_rules.PROJECT_RULE else None
    return own or found.filter(loans__task=task).order_by("-id").first()


def members(project: ProjectVisit) -> list[ProjectLoan]:
    """Its loans with their tasks, by loan note."""
    found = ProjectLoan.objects.filter(project=project)
    return list(
        found.select_related("loan__borrower", "loan__position", "loan__portfolio_officer", "task").order_by(
            "loan__loan_note_no"
        )
    )


def report_of(project: ProjectVisit) -> VisitReport | None:
    """The last version of the joint report."""
    found = VisitReport.objects.filter(visit__task_id=project.lead_id).defer("content")
    return found.order_by("-version").first()


def shared_leads(loan_ids: list[int]) -> list[int]:
    """Tasks under which developments were visited whose finding these loans took."""
    found = ProjectLoan.objects.filter(loan_id__in=loan_ids, is_shared=True)
    return list(found.values_list("project__lead_id", flat=True).distinct())


def project_notes(task: VisitTask) -> list[str]:
    """Loan notes of the loans that a visit to a development is for; none for any other visit."""
    if task.rule != event_rules.PROJECT_RULE:
        return []
    found = ProjectLoan.objects.filter(project__lead=task).order_by("loan__loan_note_no")
    return list(found.values_list("loan__loan_note_no", flat=True))
