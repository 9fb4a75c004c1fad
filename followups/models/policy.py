"""Policy and checklist as versioned data, and what a dry run of a draft found.

A version is a draft until it is submitted, and waits until another person approves it: whoever checked it stands in
`checker`. Lines of an approved version never change (a trigger holds that); its period may only be closed.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from people.models import ApprovablePolicy, PolicyLineBase


class FollowUpPolicy(ApprovablePolicy):
    """When, how and why a loan is followed up (default: `rules.default_policy`)."""

    purpose = models.CharField(max_length=200, blank=True, db_default="")
    based_on = models.PositiveIntegerField(null=True)
    # Counts every change of the draft, so that an old window is told.
    row_version = models.PositiveIntegerField(default=1, db_default=1)
    submitted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    # What the checker said, or why the version was withdrawn or sent back.
    remark = models.CharField(max_length=200, blank=True, db_default="")

    class Meta(ApprovablePolicy.Meta):
        constraints = [
            *ApprovablePolicy.Meta.constraints,
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(checker=""), name="policy_in_force_stays"
            ),
        ]

    @property
    def state(self) -> str:
        """DRAFT, SUBMITTED, APPROVED or WITHDRAWN."""
        if self.checker:
            return "APPROVED"
        if self.withdrawn_at:
            return "WITHDRAWN"
        return "SUBMITTED" if self.submitted_at else "DRAFT"


class FollowUpPolicyLine(PolicyLineBase):
    policy = models.ForeignKey(FollowUpPolicy, on_delete=models.PROTECT, related_name="lines")


class PolicyRunState(models.TextChoices):
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


class PolicyRun(models.Model):
    """A dry run of a draft over the whole book; counts only for lines with this hash."""

    policy = models.ForeignKey(FollowUpPolicy, on_delete=models.PROTECT, related_name="runs")
    content_sha256 = models.CharField(max_length=64)
    against_version = models.PositiveIntegerField()
    as_of = models.DateField()
    state = models.CharField(max_length=8, choices=PolicyRunState.choices)
    asked_by = models.CharField(max_length=20)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    summary = models.JSONField(default=dict)
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy"], condition=Q(state="RUNNING"), name="policy_run_one_at_a_time")
        ]

    def __str__(self) -> str:
        return f"dry run {self.pk} of policy {self.policy_id}"


class PolicyRunPart(models.Model):
    """A range of loan ids, above `after` and up to `up_to`: the piece of work of one worker.

    Its visits are arrays side by side (whose, from which day on, which of six counts, how many): as rows they would
    be more than there are loans. The end of the run groups them and empties them.
    """

    run = models.ForeignKey(PolicyRun, on_delete=models.CASCADE, related_name="parts")
    after = models.BigIntegerField()
    up_to = models.BigIntegerField()
    loans = models.PositiveIntegerField(null=True)
    totals = models.JSONField(null=True)
    load_branches = ArrayField(models.BigIntegerField(), null=True)
    load_officers = ArrayField(models.BigIntegerField(), null=True)
    load_starts = ArrayField(models.DateField(), null=True)
    load_places = ArrayField(models.SmallIntegerField(), null=True)
    load_counts = ArrayField(models.IntegerField(), null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "after"], name="policy_run_part_once")]

    def __str__(self) -> str:
        return f"part {self.after} to {self.up_to}"


class PolicyRunLoad(models.Model):
    """Visits of an officer in a week (W) or a branch in a month (M), before and after; officer 0 is nobody's."""

    # Written by COPY in a run's own transaction; a foreign key would look the run up for each row.
    run = models.ForeignKey(
        PolicyRun, on_delete=models.CASCADE, related_name="loads", db_constraint=False, db_index=False
    )
    unit = models.CharField(max_length=1)
    branch_id = models.BigIntegerField()
    officer_id = models.BigIntegerField()
    starts_on = models.DateField()
    phone_before = models.PositiveIntegerField()
    field_before = models.PositiveIntegerField()
    off_site_before = models.PositiveIntegerField()
    phone_after = models.PositiveIntegerField()
    field_after = models.PositiveIntegerField()
    off_site_after = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "unit", "branch_id", "officer_id", "starts_on"],
                name="policy_run_load_once",
            )
        ]

    def __str__(self) -> str:
        return f"load {self.unit} {self.starts_on}"


class PolicyRunLoan(models.Model):
    """A loan whose next visit the draft changes. There may be as many as there are loans, as with the loads above."""

    run = models.ForeignKey(
        PolicyRun, on_delete=models.CASCADE, related_name="loans", db_constraint=False, db_index=False
    )
    loan_id = models.BigIntegerField()
    change = models.CharField(max_length=10)
    before_on = models.DateField(null=True)
    before_method = models.CharField(max_length=12, blank=True)
    before_line = models.PositiveIntegerField(null=True)
    after_on = models.DateField(null=True)
    after_method = models.CharField(max_length=12, blank=True)
    after_line = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "loan_id"], name="policy_run_loan_once")]

    def __str__(self) -> str:
        return f"{self.change} {self.loan_id}"


class Checklist(models.Model):
    """A version of the questions; a visit keeps the version it was made with."""

    version = models.PositiveIntegerField(unique=True)
    items = models.JSONField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checklist v{self.version}"
