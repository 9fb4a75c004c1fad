"""跨机构同户: two talks that belong in one visit but lie in branches which no officer of theirs sees together.

The machine keeps them where it looks at talks anyway, so that nobody has to search the book for them. Who sees both
branches has one visit made of them, or leaves them apart with a reason.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import VisitTask
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class AcrossWhy(models.TextChoices):
    """Why they belong together; the codes of `rules.talks`."""

    BORROWER = "BORROWER", _("同一借款人")
    RELATED = "RELATED", _("配偶或共同借款人")
    HOME = "HOME", _("同一房屋")


class AcrossQuerySet(models.QuerySet["AcrossPair"]):
    def visible_to(self, staff: Staff) -> "AcrossQuerySet":
        """Only who sees both branches knows that there is a pair."""
        if sees_every_branch(staff):
            return self.all()
        seen = branch_ids_visible_to(staff)
        return self.filter(one_branch_id__in=seen, other_branch_id__in=seen)


class AcrossPair(models.Model):
    """Two tasks, the smaller id first. `closed_on` says that nothing is to be decided any more."""

    one = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="+", db_index=False)
    other = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="+", db_index=False)
    one_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", db_index=False)
    other_branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", db_index=False)
    why = models.CharField(max_length=10, choices=AcrossWhy.choices)
    found_on = models.DateField()
    # From which morning it is told.
    tell_on = models.DateField()
    at = models.DateTimeField()
    closed_on = models.DateField(null=True)
    # 不合并: by whom, when and why.
    left_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    left_on = models.DateField(null=True)
    left_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    objects = AcrossQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["one_branch", "other_branch"], name="across_to_decide",
                condition=Q(closed_on__isnull=True, left_on__isnull=True),
            ),
            models.Index(fields=["-left_on", "-id"], name="across_left", condition=Q(left_on__isnull=False)),
        ]  # fmt: skip
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="across_pair_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="across_pair_is_of_two"),
            models.CheckConstraint(condition=~Q(one_branch=F("other_branch")), name="across_pair_is_of_two_branches"),
            models.CheckConstraint(condition=Q(why__in=AcrossWhy.values), name="across_pair_belongs_together"),
            models.CheckConstraint(
                condition=Q(tell_on__gte=F("found_on")), name="across_pair_is_told_after_it_is_found"
            ),
            models.CheckConstraint(
                condition=Q(left_by__isnull=True, left_on__isnull=True, left_at__isnull=True, reason="")
                | Q(left_by__isnull=False, left_on__isnull=False, left_at__isnull=False) & ~Q(reason=""),
                name="left_apart_by_somebody_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one_id} and {self.other_id}"
