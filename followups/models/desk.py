"""What stands on a desk besides tasks: views kept under a name, and asking that a task goes to somebody else."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import VisitTask
from people.models import Staff


class SavedView(models.Model):
    """Filters and order of the desk under a name of one's own; `query` is what stands in the address."""

    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="desk_views", db_index=False)
    name = models.CharField(max_length=20)
    query = models.CharField(max_length=500)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["staff", "name"], name="view_name_once_a_person"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(query=""), name="view_has_a_name_and_filters"),
        ]

    def __str__(self) -> str:
        return self.name


class ReassignState(models.TextChoices):
    WAITING = "WAITING", _("待决定")
    APPROVED = "APPROVED", _("已改派")
    REFUSED = "REFUSED", _("不同意改派")


class ReassignRequest(models.Model):
    """Asking that a task goes to somebody else; another person decides, and says to whom."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="reassigns")
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=ReassignState.choices, default=ReassignState.WAITING)
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    decided_at = models.DateTimeField(null=True)
    given_to = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state="WAITING"), name="reassign_asked_once_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="reassign_has_a_reason"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")), name="reassign_decided_by_another"
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="WAITING") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_reassign_says_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(state="APPROVED", given_to__isnull=False) | ~Q(state="APPROVED") & Q(given_to__isnull=True),
                name="approved_reassign_says_to_whom",
            ),
            models.CheckConstraint(condition=~Q(state="REFUSED") | ~Q(note=""), name="refused_reassign_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.state}"
