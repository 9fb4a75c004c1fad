"""What is told to whom about a follow-up that runs late, once each; how far a person has read; asking to skip one."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import VisitTask
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to


class NoticeCode(models.TextChoices):
    LIMIT_80 = "LIMIT_80", _("时限已用 80%")
    LIMIT_100 = "LIMIT_100", _("时限已到未办")
    LIMIT_120 = "LIMIT_120", _("超时限 20% 未办")
    RED = "RED", _("红色任务")
    FIRST_75 = "FIRST_75", _("首次回访：放款第 75 天未完成")
    FIRST_85 = "FIRST_85", _("首次回访：放款第 85 天未完成")
    FIRST_90 = "FIRST_90", _("首次回访：放款第 90 天未完成")
    NOBODY = "NOBODY", _("无人可派")
    TELL_80 = "TELL_80", _("结果待告知：时限已用 80%")
    TELL_100 = "TELL_100", _("结果待告知：时限已到")
    TELL_120 = "TELL_120", _("结果待告知：超时限 20%")
    # A step past its own limit (`rules.step_limits`); the words with the days are `followups.step_wording`.
    STEP_VISIT = "STEP_VISIT", _("回访已超时限")
    STEP_MEND = "STEP_MEND", _("修改已超时限")
    STEP_REVIEW = "STEP_REVIEW", _("审核已超时限")
    # An approved report that a reviewer opened for correction; one that came back from review.
    CORRECT = "CORRECT", _("报告待更正")
    CORRECT_BACK = "CORRECT_BACK", _("报告更正被退回")
    REASSIGN = "REASSIGN", _("申请改派，待决定")
    ANSWERED = "ANSWERED", _("改派申请已有答复")


class Audience(models.TextChoices):
    OFFICER = "OFFICER", _("主办人")
    MANAGER = "MANAGER", _("主管")
    BRANCH_HEAD = "BRANCH_HEAD", _("分行负责人")
    REVIEWER = "REVIEWER", _("审核人")


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, staff: Staff) -> "NoticeQuerySet":
        return self.filter(branch_id__in=branch_ids_visible_to(staff))


class Notice(models.Model):
    """A task reached a step of its limit on a day; told from `tell_on` on (digest, weekly). Append-only."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="notices", db_index=False)
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=12, choices=NoticeCode.choices)
    audience = models.CharField(max_length=12, choices=Audience.choices)
    # The limit that it is about: a new limit is told anew.
    due_on = models.DateField()
    raised_on = models.DateField()
    tell_on = models.DateField()
    at = models.DateTimeField()

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["branch", "audience", "-id"], name="notice_by_branch")]
        constraints = [
            models.UniqueConstraint(fields=["task", "code", "audience", "due_on"], name="notice_once_a_limit"),
            models.CheckConstraint(condition=Q(tell_on__gte=F("raised_on")), name="notice_is_told_after_it_is_raised"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.code} {self.audience}"

    @property
    def is_of_correction(self) -> bool:
        """Of a report that its officer has to amend, whoever holds the task."""
        return self.code.startswith("CORRECT")

    @property
    def is_of_step(self) -> bool:
        """Of one step's own limit, which is another day than that of the whole."""
        return self.code.startswith("STEP")


class NoticesRead(models.Model):
    """Up to which notice a person has read."""

    staff = models.OneToOneField(Staff, on_delete=models.PROTECT, related_name="+")
    up_to = models.BigIntegerField()
    alerts_up_to = models.BigIntegerField(default=0, db_default=0)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.staff_id} {self.up_to}"


class SkipState(models.TextChoices):
    WAITING = "WAITING", _("待批准")
    APPROVED = "APPROVED", _("已批准免访")
    REFUSED = "REFUSED", _("不同意免访")


class SkipRequest(models.Model):
    """Asking that a first follow-up need not be made; somebody else decides about exactly what was asked."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="skips")
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    content_sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=SkipState.choices, default=SkipState.WAITING)
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task"], condition=Q(state="WAITING"), name="skip_asked_once_at_a_time"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("asked_by")), name="skip_is_decided_by_another"
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="WAITING") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_skip_says_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.state}"
