"""处置措施: the bank's catalogue of measures, and those that an approved report opened with owner and date."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from followups.models.reports import VisitReport
from loans.models import Loan
from people.models import Branch, Staff


class ResponseMeasure(models.Model):
    """A kind of measure as data: its words in both languages, for which conclusions, in how many workdays."""

    code = models.CharField(max_length=20, unique=True)
    name_zh = models.CharField(max_length=40)
    name_en = models.CharField(max_length=80)
    # Conclusions for which it is offered, the mildest first.
    conclusions = models.JSONField(default=list)
    workdays = models.PositiveSmallIntegerField()
    ordinal = models.PositiveSmallIntegerField()
    is_active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.code


class MeasureState(models.TextChoices):
    OPEN = "OPEN", _("办理中")
    DONE = "DONE", _("已落实")
    DROPPED = "DROPPED", _("不再需要")


class Measure(models.Model):
    """One measure on a loan, opened by the approval of a report; it ends once, with words, by who is responsible."""

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="measures")
    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="measures"
    )
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT)
    kind = models.ForeignKey(ResponseMeasure, on_delete=models.PROTECT)
    words = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="measures", db_index=False)
    due_on = models.DateField()
    state = models.CharField(max_length=8, choices=MeasureState.choices, default=MeasureState.OPEN)
    opened_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_on = models.DateField(null=True)
    ended_words = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["loan", "-id"], name="measure_by_loan"),
            models.Index(fields=["owner", "due_on", "id"], name="measure_to_do", condition=Q(state="OPEN")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["report", "kind"], name="measure_once_a_report_and_kind"),
            models.CheckConstraint(
                condition=Q(state="OPEN", ended_by__isnull=True, ended_at__isnull=True, ended_on__isnull=True)
                | ~Q(state="OPEN")
                & ~Q(ended_words="")
                & Q(ended_by__isnull=False, ended_at__isnull=False, ended_on__isnull=False),
                name="ended_measure_says_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.kind_id}"
