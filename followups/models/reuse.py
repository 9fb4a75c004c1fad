"""Who looked at which approved report when deciding what; append-only."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from followups.models.reports import VisitReport
from loans.models import Loan
from people.models import Staff


class Decision(models.TextChoices):
    """What was being decided when past visits were looked at."""

    CHANGE = "CHANGE", _("合同变更")
    PREPAYMENT = "PREPAYMENT", _("提前还款")
    REVIEW = "REVIEW", _("报告审核")
    REFUND = "REFUND", pgettext_lazy("one", "退款")
    WAIVER = "WAIVER", _("费用减免")
    SIGNAL = "SIGNAL", _("预警处置")
    SKIP = "SKIP", _("免访")
    REASSIGN = "REASSIGN", _("改派")
    RESUME = "RESUME", _("恢复计时")
    LOAN = "LOAN", _("查看贷款")


# What is decided on is there before anybody decides.
ALREADY_ASKED = ("REVIEW", "WAIVER", "SIGNAL", "SKIP", "REASSIGN", "RESUME")


class ReportReference(models.Model):
    """An approved report that was opened for a decision on a loan: once a person, decision and day.

    `decision_id` is the change, report, refund, fee, signal or task decided on; null while a change, a prepayment or a
    refund is only being tried out.
    """

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="references")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision.choices)
    decision_id = models.BigIntegerField(null=True)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["report", "loan", "decision", "decision_id", "by", "business_date"],
                nulls_distinct=False,
                name="reference_once_a_person_and_day",
            ),
            models.CheckConstraint(condition=Q(decision__in=Decision.values), name="reference_of_a_known_decision"),
            models.CheckConstraint(
                condition=~Q(decision="LOAN") | Q(decision_id__isnull=True), name="looking_at_a_loan_decides_nothing"
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=ALREADY_ASKED) | Q(decision_id__isnull=False),
                name="what_is_decided_on_is_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} for {self.decision} {self.decision_id or ''}"
