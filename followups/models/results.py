"""告知客户: the result of an approved visit that the customer is to be told, and every telling of it.

A telling is a fact: it is never changed or deleted, a wrong one is undone by another that names it.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.reports import VisitReport
from followups.models.tasks import VisitTask
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class TellWhy(models.TextChoices):
    """Why a result is told; the codes of `rules.telling`."""

    FINDINGS = "FINDINGS", _("有发现")
    REQUEST = "REQUEST", _("客户有诉求")
    ASKED = "ASKED", _("客户要求告知")
    EVERY = "EVERY", _("本行一律告知")


class TellChannel(models.TextChoices):
    PHONE = "PHONE", _("电话")
    COUNTER = "COUNTER", _("网点面告")
    FIELD = "FIELD", _("上门")
    VIDEO = "VIDEO", _("视频")
    LETTER = "LETTER", _("书面函件")
    APP = "APP", _("手机银行")


class HeardBy(models.TextChoices):
    """Who heard it: nobody else is told of somebody's debts."""

    BORROWER = "BORROWER", _("借款人本人")
    AGENT = "AGENT", _("受托代理人")


class ResultQuerySet(models.QuerySet["CustomerResult"]):
    def visible_to(self, staff: Staff) -> "ResultQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))

    def untold(self) -> "ResultQuerySet":
        return self.filter(told__isnull=True)


class CustomerResult(models.Model):
    """A result that is to be told: since when, by when, why; `told` is the telling that stands."""

    task = models.OneToOneField(VisitTask, on_delete=models.PROTECT, related_name="result")
    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="+", db_index=False)
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", db_index=False)
    why = models.JSONField(default=list)
    since = models.DateField()
    tell_by = models.DateField()
    told = models.OneToOneField("ResultTelling", on_delete=models.PROTECT, null=True, related_name="+")
    told_on = models.DateField(null=True)

    objects = ResultQuerySet.as_manager()

    class Meta:
        indexes = [
            # What nobody has told yet is little; the evening and the desk read no other.
            models.Index(fields=["branch", "tell_by", "id"], name="result_untold", condition=Q(told__isnull=True)),
            models.Index(fields=["told_on", "id"], name="result_told", condition=Q(told__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(tell_by__gte=F("since")), name="result_is_told_after_approval"),
            models.CheckConstraint(
                condition=Q(told__isnull=True, told_on__isnull=True) | Q(told__isnull=False, told_on__isnull=False),
                name="told_result_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return f"result {self.task_id}"


class ResultTelling(models.Model):
    """One telling, or with `undoes` the correction of one; append-only."""

    result = models.ForeignKey(CustomerResult, on_delete=models.PROTECT, related_name="tellings", db_index=False)
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    channel = models.CharField(max_length=8, choices=TellChannel.choices, blank=True)
    heard_by = models.CharField(max_length=8, choices=HeardBy.choices, blank=True)
    # When the customer was told; nothing for a correction.
    told_at = models.DateTimeField(null=True)
    # What was said; of a correction why.
    words = models.CharField(max_length=300)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["result", "id"], name="telling_by_result")]
        constraints = [
            models.CheckConstraint(
                condition=Q(undoes__isnull=True, told_at__isnull=False, told_at__lte=F("at"))
                & ~Q(channel="")
                & ~Q(heard_by="")
                | Q(undoes__isnull=False, told_at__isnull=True, channel="", heard_by=""),
                name="telling_says_how_and_when",
            ),
            models.CheckConstraint(condition=~Q(words=""), name="telling_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.result_id} {self.channel}"
