"""每日摘要: what each person was told on a workday's morning, with the figures as they stood. Append-only."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import Staff


class DigestCode(models.TextChoices):
    """The codes of `rules.digest`."""

    DUE_TODAY = "DUE_TODAY", _("今日到期")
    PAST_LIMIT = "PAST_LIMIT", _("已超时限")
    RETURNED = "RETURNED", _("退回修改")
    CORRECT = "CORRECT", _("待更正")
    URGENT = "URGENT", _("红/橙任务")
    SIGNALS = "SIGNALS", _("管户红/橙预警")
    INBOX = "INBOX", _("客户来件")
    TO_TELL = "TO_TELL", _("待告知客户")
    REACHED_100 = "REACHED_100", _("新到时限未办")
    REACHED_120 = "REACHED_120", _("新超时限 20% 未办")
    TELL_LATE = "TELL_LATE", _("告知客户已超时限")
    SIGNALS_LATE = "SIGNALS_LATE", _("预警超时限未处理")
    ACROSS = "ACROSS", _("新发现跨机构同户")
    REVIEW = "REVIEW", _("待我审核")
    REVIEW_LATE = "REVIEW_LATE", _("审核已超时限")
    WEEKLY_120 = "WEEKLY_120", _("下属机构新超时限 20%")


class DigestRun(models.Model):
    """The morning of a workday: what was told after `since` is new in it."""

    day = models.DateField(unique=True)
    since = models.DateField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(since__lt=F("day")), name="digest_looks_back")]

    def __str__(self) -> str:
        return f"digests of {self.day}"


class Digest(models.Model):
    """What a person was told: [{"code": …, "parts": [[branch, officer or null, count], …]}, …]."""

    run = models.ForeignKey(DigestRun, on_delete=models.PROTECT, related_name="digests", db_index=False)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    figures = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["staff", "day"], name="digest_once_a_person_and_day")]

    def __str__(self) -> str:
        return f"{self.staff_id} {self.day}"
