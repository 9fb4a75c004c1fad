"""Tasks of one customer or one home that are done in one visit: which one is made, which ones it does along."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import VisitTask


class MergeMode(models.TextChoices):
    """What the one talk leaves behind."""

    JOINT = "JOINT", _("合并报告")
    EACH = "EACH", _("各出一份报告")


class MergedTask(models.Model):
    """A task done along with the visit of another, until a person takes it out or either of them ends."""

    lead = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="merged")
    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="merged_into")
    mode = models.CharField(max_length=5, choices=MergeMode.choices)
    merged_by = models.CharField(max_length=20)
    at = models.DateTimeField()
    business_date = models.DateField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    # What the visit was before it did the task along, what it became, and whose the task was: {"own", "given", "from"}.
    undo = models.JSONField(null=True)
    # The two lie in different branches: made by who sees both, and only as long as that is so.
    is_across = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["lead"], name="merged_by_lead", condition=Q(ended_at__isnull=True)),
            models.Index(fields=["lead"], name="merged_across", condition=Q(ended_at__isnull=True, is_across=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(ended_at__isnull=True), name="task_merged_into_one_visit"
            ),
            models.CheckConstraint(condition=~Q(lead=F("task")), name="task_merged_into_another"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="") | Q(ended_at__isnull=False) & ~Q(ended_by=""),
                name="merge_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} with {self.lead_id}"
