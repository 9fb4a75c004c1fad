"""Grade policy as data and the history of grades, each with the line and inputs that made it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loans.models import Loan
from people.models import ApprovablePolicy, PolicyLineBase


class GradePolicy(ApprovablePolicy):
    """How score, loan-to-value and payment record become a grade."""


class GradePolicyLine(PolicyLineBase):
    policy = models.ForeignKey(GradePolicy, on_delete=models.PROTECT, related_name="lines")


class GradeLevel(models.TextChoices):
    LOW = "LOW", _("低风险")
    MEDIUM = "MEDIUM", _("中风险")
    HIGH = "HIGH", _("高风险")


class Grade(models.Model):
    """A loan's grade from a day on; the one not superseded is in force."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="grades")
    level = models.CharField(max_length=10, choices=GradeLevel.choices)
    graded_on = models.DateField()
    superseded_on = models.DateField(null=True)
    policy_version = models.PositiveIntegerField()
    line_number = models.PositiveIntegerField()
    inputs = models.JSONField()

    class Meta:
        indexes = [
            models.Index(fields=["policy_version"], name="grade_of_policy", condition=Q(superseded_on__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["loan"], condition=Q(superseded_on__isnull=True), name="one_grade_in_force_a_loan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.level}"
