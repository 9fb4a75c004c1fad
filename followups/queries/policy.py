"""Reads of follow-up policies: versions, their lines, what a draft's dry run found."""

from collections.abc import Collection
from datetime import date

from django.db.models import QuerySet

from followups.models.policy import FollowUpPolicy, PolicyRun, PolicyRunLoad, PolicyRunLoan, PolicyRunState
from followups.queries.assigning import visiting_roles
from followups.rules.policy_check import Finding, check
from followups.rules.policy_draft import content_sha256
from loans.models import Loan
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to
from people.rules.policy import Line, line_from


def policies() -> QuerySet[FollowUpPolicy]:
    """Every version there is; policies are the bank's and seen by whoever may see them at all."""
    return FollowUpPolicy.objects.all()


def lines_of(policy: FollowUpPolicy) -> tuple[Line, ...]:
    """The version's lines in order."""
    rows = policy.lines.order_by("number")
    return tuple(line_from(row.number, row.kind, row.conditions, row.result, row.note) for row in rows)


def findings_of(policy: FollowUpPolicy) -> tuple[Finding, ...]:
    return check(lines_of(policy), visiting_roles())


def in_force_on(day: date) -> FollowUpPolicy | None:
    """The approved version of a day."""
    return FollowUpPolicy.objects.exclude(checker="").filter(in_force__contains=day).first()


def run_of(policy: FollowUpPolicy, lines: tuple[Line, ...] | None = None) -> PolicyRun | None:
    """The newest finished dry run of exactly the lines that the version has now."""
    sha256 = content_sha256(lines if lines is not None else lines_of(policy))
    done = policy.runs.filter(state=PolicyRunState.DONE, content_sha256=sha256)
    return done.order_by("-id").first()


def runs() -> QuerySet[PolicyRun]:
    """Every dry run, seen by whoever may see policies."""
    return PolicyRun.objects.all()


def visible_loans(run: PolicyRun, staff: Staff) -> QuerySet[PolicyRunLoan]:
    """Loans one may see whose next visit the run changes."""
    return PolicyRunLoan.objects.filter(run=run, loan_id__in=Loan.objects.visible_to(staff).values("pk"))


def officers_in(run: PolicyRun, branch_ids: Collection[int]) -> QuerySet[Staff]:
    """Who has visits in the run, of loans of these branches."""
    loads = PolicyRunLoad.objects.filter(run=run, unit="W", branch_id__in=list(branch_ids)).exclude(officer_id=0)
    return Staff.objects.filter(pk__in=loads.values("officer_id"))


def branches_in(run: PolicyRun, branch_ids: Collection[int]) -> QuerySet[Branch]:
    """Those of these branches whose loans have visits in the run."""
    loads = PolicyRunLoad.objects.filter(run=run, unit="M", branch_id__in=list(branch_ids))
    return Branch.objects.filter(pk__in=loads.values("branch_id"))


def loads_of(run: PolicyRun, staff: Staff) -> QuerySet[PolicyRunLoad]:
    """Workload of the branches one may see."""
    return PolicyRunLoad.objects.filter(run=run, branch_id__in=list(branch_ids_visible_to(staff)))
