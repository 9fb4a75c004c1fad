"""质量分: how a report was made, scored when it is handed in, and again when a hint comes to it afterwards."""

from django.db import models
from django.db.models import Q

from followups.models.reports import VisitReport


class ReportQuality(models.Model):
    """The score with the lines it is made of, by a version of the rule (`rules.quality`)."""

    report = models.OneToOneField(VisitReport, on_delete=models.PROTECT, primary_key=True, related_name="quality")
    score = models.PositiveSmallIntegerField()
    rule_version = models.PositiveSmallIntegerField()
    # [{"code", "most", "got", "facts"}, …]
    lines = models.JSONField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(score__lte=100), name="quality_is_of_a_hundred"),
            models.CheckConstraint(condition=Q(rule_version__gte=1), name="quality_names_its_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.report_id} {self.score}"
