"""What review keeps beside a report: who opened it before deciding, quality hints, the text's bands. Append-only."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from followups.models.reports import VisitReport
from people.models import Staff


class HintCode(models.TextChoices):
    """走过场 of a kind; the codes of `rules.review`."""

    QUICK = "QUICK", _("作答过快")
    LATE_HOUR = "LATE_HOUR", _("深夜录入")
    MONTH_END = "MONTH_END", _("月末集中")
    NO_RECORDING = "NO_RECORDING", _("无录音")
    LOOK_ALIKE = "LOOK_ALIKE", _("文字雷同")
    PHOTO_REUSED = "PHOTO_REUSED", _("照片重复")
    PHOTO_ALIKE = "PHOTO_ALIKE", _("照片相似")
    PHOTO_FAR = "PHOTO_FAR", _("拍摄地点远")


# Hints about a photo; their proof is the photo, beside the other where there is one.
PHOTO_HINTS = (HintCode.PHOTO_REUSED, HintCode.PHOTO_ALIKE, HintCode.PHOTO_FAR)


class ReportHint(models.Model):
    """A reason to look closer at a report, with the figures it rests on; `other` is the report it looks like."""

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="hints", db_index=False)
    code = models.CharField(max_length=12, choices=HintCode.choices)
    data = models.JSONField(default=dict)
    other = models.ForeignKey(VisitReport, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["report", "id"], name="hint_by_report")]
        constraints = [
            models.CheckConstraint(condition=models.Q(code__in=HintCode.values), name="hint_is_a_known_one"),
            models.CheckConstraint(
                condition=models.Q(code="LOOK_ALIKE", other__isnull=False)
                | ~models.Q(code="LOOK_ALIKE") & models.Q(other__isnull=True),
                name="look_alike_names_its_other",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.code}"


class ReportOpening(models.Model):
    """A reviewer had the report before the eyes; only then may it be approved together with others."""

    report = models.ForeignKey(VisitReport, on_delete=models.PROTECT, related_name="openings", db_index=False)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["report", "by"], name="report_opened_once_a_person")]

    def __str__(self) -> str:
        return f"{self.report_id} {self.by_id}"


class ReportText(models.Model):
    """The bands of a report's words (`rules.similarity`): only reports that share one are compared."""

    report = models.OneToOneField(VisitReport, on_delete=models.PROTECT, primary_key=True, related_name="words")
    bands = ArrayField(models.BigIntegerField())

    class Meta:
        indexes = [GinIndex(fields=["bands"], name="report_text_bands")]

    def __str__(self) -> str:
        return f"words of {self.report_id}"
