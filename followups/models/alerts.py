"""What is told to people beside follow-ups that run late: warning signals, late steps of their chain, new rules."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from followups.models.policy import FollowUpPolicy
from followups.models.regulations import Regulation
from people.models import Branch
from risk.models import Signal


class AlertCode(models.TextChoices):
    SIGNAL = "SIGNAL", pgettext_lazy("one", "预警")
    SIGNAL_LATE = "SIGNAL_LATE", _("预警超时限未处理")
    ACTION_LATE = "ACTION_LATE", _("措施到期未完成")
    SIGNAL_READY = "SIGNAL_READY", _("措施已完成，待关闭")
    POLICY = "POLICY", _("新回访策略")
    REGULATION = "REGULATION", _("新政策法规")


class AlertAudience(models.TextChoices):
    OFFICER = "OFFICER", _("客户经理")
    MANAGER = "MANAGER", _("主管")
    BRANCH_HEAD = "BRANCH_HEAD", _("分行负责人")
    EVERYONE = "EVERYONE", _("全员")


class Alert(models.Model):
    """One thing told to one audience from `tell_on` on, once. Append-only."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, null=True, db_index=False, related_name="alerts")
    policy = models.ForeignKey(
        FollowUpPolicy, on_delete=models.PROTECT, null=True, db_index=False, related_name="alerts"
    )
    regulation = models.ForeignKey(
        Regulation, on_delete=models.PROTECT, null=True, db_index=False, related_name="alerts"
    )
    # Whose branch it is about; null is everybody's.
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    code = models.CharField(max_length=12, choices=AlertCode.choices)
    audience = models.CharField(max_length=12, choices=AlertAudience.choices)
    # The day it is about: until when to answer or act, or from when the rules are in force.
    due_on = models.DateField()
    raised_on = models.DateField()
    tell_on = models.DateField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["branch", "audience", "-id"], name="alert_by_branch")]
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "code", "audience", "due_on"], name="alert_once_a_signal",
                condition=Q(signal__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["policy", "code"], name="alert_once_a_policy", condition=Q(policy__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["regulation", "code"], name="alert_once_a_regulation", condition=Q(regulation__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(signal__isnull=False, policy__isnull=True, regulation__isnull=True, branch__isnull=False)
                | Q(signal__isnull=True, branch__isnull=True, audience="EVERYONE")
                & (Q(policy__isnull=False, regulation__isnull=True) | Q(policy__isnull=True, regulation__isnull=False)),
                name="alert_is_about_one_thing",
            ),
            models.CheckConstraint(condition=Q(tell_on__gte=F("raised_on")), name="alert_is_told_after_it_is_raised"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.code} {self.audience}"
