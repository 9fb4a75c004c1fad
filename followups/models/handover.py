"""Hand-overs of a portfolio: who gave which loans to whom, by whose decision; undone only by a reverse one."""

from django.db import models
from django.db.models import F, Q

from loans.models import Loan
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to


class HandOverQuerySet(models.QuerySet["HandOver"]):
    def visible_to(self, staff: Staff) -> "HandOverQuerySet":
        return self.filter(branch_id__in=branch_ids_visible_to(staff))


class HandOver(models.Model):
    """A decision to move an officer's loans and open tasks."""

    officer = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="handovers")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=200)
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    business_date = models.DateField()
    content_sha256 = models.CharField(max_length=64)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")

    objects = HandOverQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["branch", "-id"], name="handover_by_branch")]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """Number on the printed list."""
        return f"YJ{self.business_date:%Y%m%d}{self.pk:05d}"


class HandOverItem(models.Model):
    """A loan that changed hands, with how many open tasks went along."""

    hand_over = models.ForeignKey(HandOver, on_delete=models.PROTECT, related_name="items")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    from_officer = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    to_officer = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    tasks = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hand_over", "loan"], name="loan_once_a_hand_over"),
            models.CheckConstraint(condition=~Q(from_officer=F("to_officer")), name="handed_to_someone_else"),
        ]

    def __str__(self) -> str:
        return f"{self.hand_over_id} {self.loan_id}"
