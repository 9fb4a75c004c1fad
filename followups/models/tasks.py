"""Tasks, and the append-only events their clocks run on."""

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loans.models import Loan
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class TaskKind(models.TextChoices):
    FIRST = "FIRST", _("首次回访")
    PERIODIC = "PERIODIC", _("定期回访")
    IRREGULAR = "IRREGULAR", _("不定期回访")


class Method(models.TextChoices):
    OFF_SITE = "OFF_SITE", _("非现场检查")
    PHONE = "PHONE", _("电话回访")
    FIELD = "FIELD", _("实地走访")
    VIDEO = "VIDEO", _("视频回访")
    COUNTER = "COUNTER", _("网点面谈")
    # The borrower fills the form in by himself; an officer enters what came in.
    SELF_SERVICE = "SELF_SERVICE", _("自助填报")


class Subject(models.TextChoices):
    """What a visit looks at; the codes of `rules.checklist`."""

    LOAN = "LOAN", _("借款人和押品")
    PROPERTY = "PROPERTY", _("仅押品")
    PROJECT = "PROJECT", _("楼盘")


class Level(models.IntegerChoices):
    """Sorts by urgency: the smaller, the more urgent."""

    RED = 1, _("红")
    ORANGE = 2, _("橙")
    YELLOW = 3, _("黄")
    NONE = 9, _("无")


class TaskState(models.TextChoices):
    PLANNED = "PLANNED", _("待办")
    IN_PROGRESS = "IN_PROGRESS", _("进行中")
    SUBMITTED = "SUBMITTED", _("待审核")
    RETURNED = "RETURNED", _("退回修改")
    CLOSED = "CLOSED", _("办结")
    CANCELLED = "CANCELLED", _("撤销")


class Outcome(models.TextChoices):
    """How a closed or cancelled task ended."""

    APPROVED = "APPROVED", _("审核通过")
    CLEAN = "CLEAN", _("非现场无异常，自动办结")
    PAID = "PAID", _("已还清逾期，自动办结")
    MERGED = "MERGED", _("并入更高级别任务")
    REPLANNED = "REPLANNED", _("策略调整")
    SETTLED = "SETTLED", _("贷款已结清")
    SUSPECTED_LOST = "SUSPECTED_LOST", _("疑似失联")
    WITHDRAWN = "WITHDRAWN", _("触发事项撤回")
    SKIPPED = "SKIPPED", _("经批准免访")
    ANSWERED = "ANSWERED", _("已由同期回访办结")


class PauseReason(models.TextChoices):
    """Why the clock may stand still (计时暂停)."""

    BORROWER_AWAY = "BORROWER_AWAY", _("客户外出")
    HOSPITAL = "HOSPITAL", _("客户住院")
    DISASTER = "DISASTER", _("灾害或疫情")
    DOCUMENTS = "DOCUMENTS", _("等待客户材料")
    REGISTRY = "REGISTRY", _("等待登记机构")
    COURT = "COURT", _("司法程序中")


OPEN_STATES = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.SUBMITTED, TaskState.RETURNED)


class TaskQuerySet(models.QuerySet["VisitTask"]):
    def visible_to(self, staff: Staff) -> "TaskQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))

    def still_open(self) -> "TaskQuerySet":
        return self.filter(closed_on__isnull=True)


# Open and for people to do; read by an index each time.
_FOR_PEOPLE = Q(closed_on__isnull=True, is_light=False) & (~Q(method="OFF_SITE") | Q(evidence__isnull=False))
NOT_LOOKED_AT = date(1970, 1, 1)


class VisitTask(models.Model):
    """One follow-up to be made: which loan, by which rule and cycle, how, by when, by whom, why."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="tasks")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=TaskKind.choices)
    rule = models.CharField(max_length=40)
    cycle = models.CharField(max_length=40)
    # 逾期跟踪: closes itself on payment, needs no visit.
    is_light = models.BooleanField(default=False)
    method = models.CharField(max_length=12, choices=Method.choices)
    subject = models.CharField(
        max_length=8, choices=Subject.choices, default=Subject.LOAN, db_default=Subject.LOAN.value
    )
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NONE)
    # Chosen by the policy line: what the visit asks beside the usual, and the role of who may be given it.
    checklist = models.CharField(max_length=20, blank=True, default="", db_default="")
    role = models.CharField(max_length=30, blank=True, default="", db_default="")
    opens_on = models.DateField()
    due_on = models.DateField(_("应完成日"))
    assigned_to = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="tasks")
    # Who should go along on a field or red visit, by the rule; who really goes is named in the visit.
    proposed_second = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    state = models.CharField(max_length=12, choices=TaskState.choices, default=TaskState.PLANNED)
    # A person fixed the date; the machine leaves it alone.
    is_pinned = models.BooleanField(default=False)
    # 计时暂停: the clock stands from the day of the pause up to and including this day.
    paused_until = models.DateField(null=True)
    # Why: [{"code": …, "params": {…}}, …], rendered by followups.wording.
    reason = models.JSONField(default=list)
    policy_version = models.PositiveIntegerField()
    policy_line = models.PositiveIntegerField()
    created_on = models.DateField()
    closed_on = models.DateField(null=True)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    evidence = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=1)
    # On which evening it is looked at next for what people are told of; whatever moves its time sets it back.
    look_on = models.DateField(default=NOT_LOOKED_AT, db_default=NOT_LOOKED_AT, editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["branch", "level", "due_on", "id"], name="task_desk_branch", condition=Q(closed_on__isnull=True)
            ),
            models.Index(
                fields=["assigned_to", "level", "due_on", "id"],
                name="task_desk_officer",
                condition=Q(closed_on__isnull=True),
            ),
            # The desk of who sees every branch; and the few that wait for a decision or a correction.
            models.Index(fields=["level", "due_on", "id"], name="task_desk", condition=Q(closed_on__isnull=True)),
            models.Index(
                fields=["state", "branch"], name="task_in_review", condition=Q(state__in=("SUBMITTED", "RETURNED"))
            ),
            # What the evening looks through for steps past their own limit.
            models.Index(
                fields=["branch"], name="task_in_hand", condition=Q(state__in=("IN_PROGRESS", "RETURNED", "SUBMITTED"))
            ),
            models.Index(fields=["due_on", "id"], name="task_due", condition=Q(closed_on__isnull=True)),
            models.Index(fields=["loan", "-id"], name="task_by_loan"),
            # Loans for which nothing regular lies ahead are what this does not hold, read without the rows.
            models.Index(
                fields=["loan"], name="task_ahead", condition=Q(closed_on__isnull=True) & ~Q(kind="IRREGULAR")
            ),
            # What the evening asks of the steps of arrears, it reads here without their rows.
            models.Index(
                fields=["loan"],
                include=["rule", "cycle", "closed_on"],
                name="task_steps",
                condition=Q(kind="IRREGULAR"),
            ),
            # Checks that the evening makes by itself.
            models.Index(
                fields=["due_on", "loan"],
                name="task_off_site",
                condition=Q(closed_on__isnull=True, state="PLANNED", method="OFF_SITE", evidence__isnull=True),
            ),
            models.Index(fields=["closed_on", "id"], name="task_closed", condition=Q(closed_on__isnull=False)),
            # What people have to make, by week, and what nobody has: read without the rows.
            models.Index(
                fields=["due_on"],
                include=["branch", "assigned_to", "proposed_second", "method", "level", "kind", "opens_on"],
                name="task_visits",
                condition=_FOR_PEOPLE,
            ),
            # An officer's visits by their limits: what levelling spreads over weeks.
            models.Index(fields=["assigned_to", "due_on"], name="task_of_officer", condition=_FOR_PEOPLE),
            models.Index(
                fields=["look_on"],
                include=["branch"],
                name="task_to_tell",
                condition=_FOR_PEOPLE & ~Q(state="SUBMITTED"),
            ),
            # What the evening looks for somebody for.
            models.Index(
                fields=["due_on"],
                include=["branch"],
                name="task_to_give",
                condition=_FOR_PEOPLE
                & Q(state="PLANNED")
                & (Q(assigned_to__isnull=True) | Q(proposed_second__isnull=True) & (Q(method="FIELD") | Q(level=1))),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "rule", "cycle"], name="task_once_a_loan_rule_and_cycle"),
            models.CheckConstraint(
                condition=Q(state__in=["CLOSED", "CANCELLED"], closed_on__isnull=False) & ~Q(outcome="")
                | ~Q(state__in=["CLOSED", "CANCELLED"]) & Q(closed_on__isnull=True, outcome=""),
                name="ended_task_has_day_and_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """Task number shown to people: HF + business date of creation + serial."""
        return f"HF{self.created_on:%Y%m%d}{self.pk:07d}"


class EventKind(models.TextChoices):
    PLANNED = "PLANNED", _("生成任务")
    BROUGHT_FORWARD = "BROUGHT_FORWARD", _("提前")
    RESCHEDULED = "RESCHEDULED", _("改约")
    ASSIGNED = "ASSIGNED", _("分派")
    STARTED = "STARTED", _("开始回访")
    SUBMITTED = "SUBMITTED", _("提交报告")
    RETURNED = "RETURNED", _("退回修改")
    APPROVED = "APPROVED", _("审核通过")
    CLOSED = "CLOSED", _("办结")
    CANCELLED = "CANCELLED", _("撤销")
    HANDED_TO_PERSON = "HANDED_TO_PERSON", _("转人工")
    ATTEMPTED = "ATTEMPTED", _("联系客户")
    METHOD_CHANGED = "METHOD_CHANGED", _("改变方式")
    SECOND_SIGNED = "SECOND_SIGNED", _("协办人签署意见")
    FILE_ADDED = "FILE_ADDED", _("添加附件")
    FILE_REMOVED = "FILE_REMOVED", _("移除附件")
    PAUSED = "PAUSED", _("计时暂停")
    RESUMED = "RESUMED", _("恢复计时")
    SECOND_PROPOSED = "SECOND_PROPOSED", _("建议协办人")
    LEVELLED = "LEVELLED", _("均衡提前")
    ALARMED = "ALARMED", _("首次回访告警")
    SKIP_ASKED = "SKIP_ASKED", _("申请免访")
    SKIP_REFUSED = "SKIP_REFUSED", _("不同意免访")
    REASSIGN_ASKED = "REASSIGN_ASKED", _("申请改派")
    REASSIGN_REFUSED = "REASSIGN_REFUSED", _("不同意改派")
    ENDORSED = "ENDORSED", _("主管审核，待风险审核")
    TO_TELL = "TO_TELL", _("结果待告知客户")
    TOLD = "TOLD", _("已告知客户")
    TOLD_UNDONE = "TOLD_UNDONE", _("更正：尚未告知")
    JOINED = "JOINED", _("并入一次回访")
    SPLIT = "SPLIT", _("拆开办理")
    # 更正 of an approved report: the task stays closed, and its clock does not read these.
    CORRECTION_OPENED = "CORRECTION_OPENED", _("发起更正")
    CORRECTION_SUBMITTED = "CORRECTION_SUBMITTED", _("提交更正")
    CORRECTION_RETURNED = "CORRECTION_RETURNED", _("退回更正")
    CORRECTION_WITHDRAWN = "CORRECTION_WITHDRAWN", _("撤回更正")
    CORRECTED = "CORRECTED", _("更正生效")


class TaskEvent(models.Model):
    """One step of a task, append-only; every clock is recomputed from these."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, db_index=False, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField()
    business_date = models.DateField()
    actor = models.CharField(max_length=40)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="event_by_task")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.kind}"
