"""Tables of follow-ups: policy as data, tasks, visits, reports, and the events their clocks run on.

A task exists exactly once per (loan, rule, cycle). Legal state changes are held by a trigger as
well as by `rules.states`. Events and approved content are append-only.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from journal.models import Exhibit
from loans.models import FiveClass, Loan
from people.models import ApprovablePolicy, Branch, PolicyLineBase, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class FollowUpPolicy(ApprovablePolicy):
    """When, how and why a loan is followed up (default: `rules.default_policy`)."""


class FollowUpPolicyLine(PolicyLineBase):
    policy = models.ForeignKey(FollowUpPolicy, on_delete=models.PROTECT, related_name="lines")


class Checklist(models.Model):
    """A version of the questions; a visit keeps the version it was made with."""

    version = models.PositiveIntegerField(unique=True)
    items = models.JSONField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"checklist v{self.version}"


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


OPEN_STATES = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.SUBMITTED, TaskState.RETURNED)


class TaskQuerySet(models.QuerySet["VisitTask"]):
    def visible_to(self, staff: Staff) -> "TaskQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))

    def still_open(self) -> "TaskQuerySet":
        return self.filter(closed_on__isnull=True)


class VisitTask(models.Model):
    """One follow-up to be made: which loan, by which rule and cycle, how, by when, by whom, why."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="tasks")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=TaskKind.choices)
    rule = models.CharField(max_length=40)
    cycle = models.CharField(max_length=40)
    # 逾期跟踪: closes itself on payment, needs no visit.
    is_light = models.BooleanField(default=False)
    method = models.CharField(max_length=10, choices=Method.choices)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NONE)
    opens_on = models.DateField()
    due_on = models.DateField(_("应完成日"))
    assigned_to = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="tasks")
    state = models.CharField(max_length=12, choices=TaskState.choices, default=TaskState.PLANNED)
    # A person fixed the date; the machine leaves it alone.
    is_pinned = models.BooleanField(default=False)
    # Why: [{"code": …, "params": {…}}, …], rendered by followups.wording.
    reason = models.JSONField(default=list)
    policy_version = models.PositiveIntegerField()
    policy_line = models.PositiveIntegerField()
    created_on = models.DateField()
    closed_on = models.DateField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    evidence = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=1)

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


class TaskEvent(models.Model):
    """One step of a task, append-only; every clock is recomputed from these."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20, choices=EventKind.choices)
    at = models.DateTimeField()
    business_date = models.DateField()
    actor = models.CharField(max_length=40)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="event_by_task")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.kind}"


class Conclusion(models.TextChoices):
    NO_CONCERN = "NO_CONCERN", _("未见异常")
    WATCH = "WATCH", _("需关注")
    AT_RISK = "AT_RISK", _("存在风险")


class Visit(models.Model):
    """The making of a visit: who, how, the draft answers. One a task; `version` refuses stale forms."""

    task = models.OneToOneField(VisitTask, on_delete=models.PROTECT, related_name="visit")
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT)
    method = models.CharField(max_length=10, choices=Method.choices)
    lead_visitor = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="visits_led")
    second_visitor = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="visits_joined")
    started_at = models.DateTimeField()
    # Facts known at the start: {item key: {"value", "source", "on"}}; what is asked is compared with these.
    known = models.JSONField(default=dict)
    draft = models.JSONField(default=dict)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=20)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(second_visitor__isnull=True) | ~Q(lead_visitor=F("second_visitor")),
                name="second_visitor_is_someone_else",
            ),
        ]

    def __str__(self) -> str:
        return f"visit {self.task_id}"


class ReportState(models.TextChoices):
    SUBMITTED = "SUBMITTED", _("待审核")
    RETURNED = "RETURNED", _("退回修改")
    APPROVED = "APPROVED", _("审核通过")


class ReportQuerySet(models.QuerySet["VisitReport"]):
    def visible_to(self, staff: Staff) -> "ReportQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))


class VisitReport(models.Model):
    """A submitted version of a visit's report. Content never changes; a return makes a new version."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="reports")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT)
    version = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.SUBMITTED)
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices)
    suggested_class = models.CharField(max_length=20, choices=FiveClass.choices)
    difference_count = models.PositiveSmallIntegerField()
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.NONE)
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    submitted_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="reports_submitted")
    submitted_at = models.DateTimeField()
    submitted_on = models.DateField()
    decide_by = models.DateField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="reports_decided")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.TextField(blank=True)
    pdf = models.ForeignKey(Exhibit, on_delete=models.PROTECT, null=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["branch", "level", "decide_by", "id"], name="report_queue", condition=Q(state="SUBMITTED")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["visit", "version"], name="report_version_once"),
            models.UniqueConstraint(fields=["visit"], condition=~Q(state="RETURNED"), name="one_live_report_a_visit"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("submitted_by")), name="reviewer_is_not_author"
            ),
            models.CheckConstraint(
                condition=Q(state="SUBMITTED", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="SUBMITTED") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="decided_report_has_reviewer",
            ),
            models.CheckConstraint(
                condition=~Q(state="RETURNED") | ~Q(decision_note=""), name="returned_report_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """Report number: HFBG + submission business date + serial + version."""
        return f"HFBG{self.submitted_on:%Y%m%d}{self.visit_id:07d}-{self.version}"


class Difference(models.Model):
    """A fact that changed, as found on a visit: before, after, how it was verified."""

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="differences")
    section = models.CharField(max_length=30)
    item = models.CharField(max_length=40)
    before = models.CharField(max_length=300, blank=True)
    before_source = models.CharField(max_length=60, blank=True)
    before_on = models.DateField(null=True)
    after = models.CharField(max_length=300)
    verified_by = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "item"], name="difference_once_a_report_and_item")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.item}"
