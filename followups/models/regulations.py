"""政策法规: what a regulator or the bank decreed, from when on, and what follows from it here."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.policy import FollowUpPolicy


class RegulationState(models.TextChoices):
    WAITING = "WAITING", _("待复核")
    APPROVED = "APPROVED", _("已登记")
    RETURNED = "RETURNED", _("已退回")
    WITHDRAWN = "WITHDRAWN", _("已撤回")


class Regulation(models.Model):
    """One item of the register, in force from `effective_on` until `ended_on`; entered by one, approved by another."""

    number = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    issuer = models.CharField(max_length=80)
    issued_on = models.DateField()
    effective_on = models.DateField()
    ended_on = models.DateField(null=True)
    summary = models.TextField()
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, db_index=False, related_name="followed")
    state = models.CharField(max_length=10, choices=RegulationState.choices, default=RegulationState.WAITING)
    content_sha256 = models.CharField(max_length=64)
    maker = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    checker = models.CharField(max_length=20, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    remark = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["number"], condition=Q(state__in=["WAITING", "APPROVED"]), name="regulation_number_once"
            ),
            models.CheckConstraint(condition=~Q(maker=F("checker")), name="regulation_is_decided_by_another"),
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_at__isnull=True)
                | ~Q(state="WAITING") & Q(decided_at__isnull=False) & (~Q(checker="") | Q(state="WITHDRAWN")),
                name="decided_regulation_says_by_whom",
            ),
            models.CheckConstraint(
                condition=Q(ended_on__isnull=True) | Q(ended_on__gte=F("effective_on")),
                name="regulation_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RegulationParameter(models.Model):
    """A value that a parameter takes because of it, from a day on; put in force by the approval."""

    regulation = models.ForeignKey(Regulation, on_delete=models.PROTECT, related_name="parameters")
    code = models.CharField(max_length=60)
    value = models.JSONField()
    from_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["regulation", "code"], name="parameter_once_a_regulation")]

    def __str__(self) -> str:
        return self.code


class RegulationPolicy(models.Model):
    """A version of the follow-up policy, or one line of it, that follows from the regulation. Append-only."""

    regulation = models.ForeignKey(Regulation, on_delete=models.PROTECT, related_name="policies")
    policy = models.ForeignKey(FollowUpPolicy, on_delete=models.PROTECT, related_name="regulations")
    line_number = models.PositiveIntegerField(null=True)
    by = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["regulation", "policy", "line_number"], nulls_distinct=False, name="policy_once_a_regulation"
            )
        ]

    def __str__(self) -> str:
        return f"{self.regulation_id} v{self.policy_id}"
