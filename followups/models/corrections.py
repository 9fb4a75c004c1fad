"""更正: an approved report is mended by a later version that names it; the task stays closed all the while.

The visit keeps the approved answers until the correction is approved; what is typed meanwhile lies here.
"""

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Length, Trim
from django.db.models.lookups import GreaterThanOrEqual
from django.utils.translation import gettext_lazy as _

from followups.models.reports import VisitReport
from followups.models.visits import Visit
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, sees_every_branch

WORDS_LEAST = 5


class CorrectionReason(models.TextChoices):
    WRONG_ENTRY = "WRONG_ENTRY", _("录入有误")
    OMITTED = "OMITTED", _("遗漏事项")
    NEW_EVIDENCE = "NEW_EVIDENCE", _("取得新的佐证")
    OBJECTION = "OBJECTION", _("客户提出异议")
    INSPECTION = "INSPECTION", _("检查或审计发现")
    OTHER = "OTHER", _("其他")


class CorrectionState(models.TextChoices):
    OPEN = "OPEN", _("修改中")
    SUBMITTED = "SUBMITTED", _("待审核")
    APPROVED = "APPROVED", _("已更正")
    WITHDRAWN = "WITHDRAWN", _("已撤回")


LIVE = (CorrectionState.OPEN, CorrectionState.SUBMITTED)


class CorrectionQuerySet(models.QuerySet["ReportCorrection"]):
    def visible_to(self, staff: Staff) -> "CorrectionQuerySet":
        if sees_every_branch(staff):
            return self.all()
        return self.filter(branch_id__in=branch_ids_visible_to(staff))


class ReportCorrection(models.Model):
    """Opened by a reviewer, made by the officer, approved like any report; one at a time."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="corrections")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+")
    corrects = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="+", db_index=False)
    # Versions of the visit when it was opened; later ones are this correction's, until the next one is opened.
    after_version = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=12, choices=CorrectionReason.choices)
    words = models.CharField(max_length=300)
    opened_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    # Who makes it: who led the visit, else who keeps the loan now.
    officer = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_on = models.DateField()
    state = models.CharField(max_length=10, choices=CorrectionState.choices, default=CorrectionState.OPEN)
    # The answers as they were approved, and as they are being mended.
    before = models.JSONField()
    draft = models.JSONField()
    # The version that took the place of the corrected one.
    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    ended_words = models.CharField(max_length=300, blank=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["officer", "due_on", "id"], name="correction_to_do", condition=Q(state="OPEN")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["visit"], condition=Q(state__in=["OPEN", "SUBMITTED"]), name="one_live_correction_a_visit"
            ),
            models.CheckConstraint(condition=~Q(opened_by=F("officer")), name="correction_is_opened_by_another"),
            models.CheckConstraint(condition=Q(code__in=CorrectionReason.values), name="correction_has_a_known_reason"),
            models.CheckConstraint(
                condition=Q(GreaterThanOrEqual(Length(Trim("words")), Value(WORDS_LEAST))), name="correction_says_why"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["OPEN", "SUBMITTED"], ended_by__isnull=True, ended_at__isnull=True, report__isnull=True
                )
                | Q(state="APPROVED", ended_by__isnull=False, ended_at__isnull=False, report__isnull=False)
                | Q(state="WITHDRAWN", ended_by__isnull=False, ended_at__isnull=False, report__isnull=True)
                & ~Q(ended_words=""),
                name="ended_correction_says_how",
            ),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk} of {self.corrects_id}"
