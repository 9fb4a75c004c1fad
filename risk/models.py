"""Grade and signal policies as data; grades and warning signals, each with the line and inputs that made it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loans.models import Loan
from people.models import ApprovablePolicy, PolicyLineBase, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class GradePolicy(ApprovablePolicy):
    """How score, loan-to-value and payment record become a grade."""


class GradePolicyLine(PolicyLineBase):
    policy = models.ForeignKey(GradePolicy, on_delete=models.PROTECT, related_name="lines")


class GradeLevel(models.TextChoices):
    LOW = "LOW", _("低风险")
    MEDIUM = "MEDIUM", _("中风险")
    HIGH = "HIGH", _("高风险")


class ScorePolicy(ApprovablePolicy):
    """How many points each part of the composite score gives, and from where it is low (`rules.score`)."""


class ScorePolicyLine(PolicyLineBase):
    policy = models.ForeignKey(ScorePolicy, on_delete=models.PROTECT, related_name="lines")


class Score(models.Model):
    """The composite score that a version of a visit report gave, with all it rests on. Added to, never changed."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="scores")
    visit_id = models.BigIntegerField()
    report_id = models.BigIntegerField(unique=True)
    policy_version = models.PositiveIntegerField()
    points = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=10, choices=GradeLevel.choices)
    # A red signal made it high.
    is_forced = models.BooleanField()
    # [{code, points, most, line, inputs}], and the facts: enough to score again.
    parts = models.JSONField()
    facts = models.JSONField()
    scored_on = models.DateField()
    scored_at = models.DateTimeField()
    scored_by = models.CharField(max_length=20)

    class Meta:
        indexes = [models.Index(fields=["loan", "-id"], name="score_by_loan")]
        constraints = [
            models.CheckConstraint(condition=Q(points__lte=100), name="score_within_100"),
            models.CheckConstraint(condition=Q(level__in=GradeLevel.values), name="score_has_a_level"),
            models.CheckConstraint(condition=Q(is_forced=False) | Q(level="HIGH"), name="forced_score_is_high"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.points}"


class Grade(models.Model):
    """A loan's grade from a day on; the one not superseded is in force."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="grades")
    level = models.CharField(max_length=10, choices=GradeLevel.choices)
    graded_on = models.DateField()
    superseded_on = models.DateField(null=True)
    policy_version = models.PositiveIntegerField()
    line_number = models.PositiveIntegerField()
    inputs = models.JSONField()

    class Meta:
        indexes = [
            models.Index(fields=["policy_version"], name="grade_of_policy", condition=Q(superseded_on__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["loan"], condition=Q(superseded_on__isnull=True), name="one_grade_in_force_a_loan"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.level}"


class SignalPolicy(ApprovablePolicy):
    """Which facts warn of a loan, and how urgently (default: `rules.signals.DEFAULT_LINES`)."""


class SignalPolicyLine(PolicyLineBase):
    policy = models.ForeignKey(SignalPolicy, on_delete=models.PROTECT, related_name="lines")


class SignalLevel(models.IntegerChoices):
    RED = 1, _("红")
    ORANGE = 2, _("橙")
    YELLOW = 3, _("黄")


class SignalSource(models.TextChoices):
    VISIT = "VISIT", _("回访")
    DAY_END = "DAY_END", _("日终")
    VALUATION = "VALUATION", _("估值")


class SignalState(models.TextChoices):
    NEW = "NEW", _("待核实")
    CONFIRMED = "CONFIRMED", _("属实待处置")
    ACTING = "ACTING", _("处置中")
    CLOSED = "CLOSED", _("已关闭")


class SignalOutcome(models.TextChoices):
    """How a signal ended; there is no other way out."""

    EXPLAINED = "EXPLAINED", _("已排除")
    RESOLVED = "RESOLVED", _("已处置")
    CURED = "CURED", _("已还清逾期")
    ESCALATED = "ESCALATED", _("并入更高级别预警")
    REVISED = "REVISED", _("报告更正后不再成立")
    SETTLED = "SETTLED", _("贷款已结清")


class SignalQuerySet(models.QuerySet["Signal"]):
    def visible_to(self, staff: Staff) -> "SignalQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(loan__branch_id__in=branch_ids_visible_to(staff))

    def still_open(self) -> "SignalQuerySet":
        return self.filter(closed_on__isnull=True)


class Signal(models.Model):
    """A warning of a loan: the rule, version and line that gave it, and what they looked at. Only its state changes."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="signals"
    )
    # Lines of one family never stand beside each other for a loan: the worse one takes the milder one's place.
    family = models.CharField(max_length=40)
    code = models.CharField(max_length=60)
    level = models.PositiveSmallIntegerField(choices=SignalLevel.choices)
    policy_version = models.PositiveIntegerField()
    line_number = models.PositiveIntegerField()
    inputs = models.JSONField()
    source = models.CharField(max_length=10, choices=SignalSource.choices)
    # What it was raised on: the same occasion warns once, however often it is looked at.
    occasion = models.CharField(max_length=60)
    # The report that found it, for those of visits.
    report_id = models.BigIntegerField(null=True)
    raised_on = models.DateField()
    raised_at = models.DateTimeField()
    raised_by = models.CharField(max_length=20)
    answer_by = models.DateField()
    state = models.CharField(
        max_length=10, choices=SignalState.choices, default=SignalState.NEW, db_default=SignalState.NEW
    )
    outcome = models.CharField(max_length=10, choices=SignalOutcome.choices, blank=True, default="", db_default="")
    closed_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)

    objects = SignalQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["loan", "-id"], name="signal_by_loan"),
            models.Index(fields=["answer_by", "id"], name="signal_open", condition=Q(closed_on__isnull=True)),
            models.Index(fields=["-raised_on", "-id"], name="signal_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "code", "occasion"], name="signal_once_an_occasion"),
            models.UniqueConstraint(
                fields=["loan", "family"], condition=Q(closed_on__isnull=True), name="signal_one_open_a_family"
            ),
            models.CheckConstraint(
                condition=Q(state="CLOSED", closed_on__isnull=False) & ~Q(outcome="")
                | ~Q(state="CLOSED") & Q(closed_on__isnull=True, outcome=""),
                name="closed_signal_says_how",
            ),
            models.CheckConstraint(condition=Q(level__in=SignalLevel.values), name="signal_has_a_level"),
            models.CheckConstraint(
                condition=Q(source="VISIT", report_id__isnull=False) | ~Q(source="VISIT"),
                name="signal_of_a_visit_names_its_report",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.code}"


class StepKind(models.TextChoices):
    CONFIRMED = "CONFIRMED", _("核实属实")
    EXPLAINED = "EXPLAINED", _("排除")
    ACTION = "ACTION", _("确定措施")
    DONE = "DONE", _("措施完成")
    CLOSED = "CLOSED", _("关闭")
    CURED = "CURED", _("逾期已还清")
    ESCALATED = "ESCALATED", _("并入更高级别")
    REVISED = "REVISED", _("报告更正")
    SETTLED = "SETTLED", _("贷款结清")


class SignalAction(models.Model):
    """What somebody is to do about a confirmed signal by a day; done only with a result."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="actions")
    words = models.CharField(max_length=200)
    owner = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    set_by = models.CharField(max_length=20)
    set_at = models.DateTimeField()
    result = models.CharField(max_length=200, blank=True, default="", db_default="")
    evidence = models.CharField(max_length=80, blank=True, default="", db_default="")
    done_on = models.DateField(null=True)
    done_by = models.CharField(max_length=20, blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["due_on"], name="signal_action_open", condition=Q(done_on__isnull=True))]
        constraints = [
            models.CheckConstraint(
                condition=Q(done_on__isnull=True, done_by="", result="")
                | Q(done_on__isnull=False) & ~Q(done_by="") & ~Q(result=""),
                name="done_action_says_what_came_of_it",
            ),
            models.CheckConstraint(condition=~Q(words=""), name="action_says_what"),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} {self.words}"


class SignalStep(models.Model):
    """What became of a signal, step by step; append-only."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=StepKind.choices)
    action = models.ForeignKey(SignalAction, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    words = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=20)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind__in=["CONFIRMED", "EXPLAINED", "CLOSED"]) | ~Q(words=""), name="answer_has_its_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signal_id} {self.kind}"
