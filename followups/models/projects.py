"""楼盘走访: one visit to a development, and the loans its finding is for."""

from django.db import models
from django.db.models import Q

from followups.models.tasks import VisitTask
from loans.models import Loan
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class ProjectQuerySet(models.QuerySet["ProjectVisit"]):
    def visible_to(self, staff: Staff) -> "ProjectQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch__in=branch_ids_visible_to(staff))


class ProjectVisit(models.Model):
    """A visit to a development for loans of one branch; `lead` is the task under which it is made."""

    estate = models.CharField(max_length=200)
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    lead = models.OneToOneField(VisitTask, on_delete=models.PROTECT, related_name="project")
    reason = models.CharField(max_length=300)
    started_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    business_date = models.DateField()

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(estate=""), name="project_has_a_name")]

    def __str__(self) -> str:
        return f"project {self.pk}"


class ProjectLoan(models.Model):
    """A loan of the development. Its task is the one the visit answers, or the one made when its finding came.

    `is_shared` is null until the report is approved; then true where the loan took the finding.
    """

    project = models.ForeignKey(ProjectVisit, on_delete=models.PROTECT, related_name="loans")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, null=True, related_name="in_projects")
    is_shared = models.BooleanField(null=True)

    class Meta:
        indexes = [models.Index(fields=["loan"], name="project_by_loan")]
        constraints = [
            models.UniqueConstraint(fields=["project", "loan"], name="loan_once_a_project"),
            models.CheckConstraint(
                condition=~Q(is_shared=True) | Q(task__isnull=False), name="shared_finding_closed_a_task"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.loan_id}"
