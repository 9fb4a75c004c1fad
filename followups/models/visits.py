"""Visits: what was asked and answered."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.policy import Checklist
from followups.models.tasks import Method, VisitTask
from people.models import Staff

if TYPE_CHECKING:
    from followups.models.corrections import ReportCorrection


class Conclusion(models.TextChoices):
    NO_CONCERN = "NO_CONCERN", _("未见异常")
    WATCH = "WATCH", _("需关注")
    AT_RISK = "AT_RISK", _("存在风险")


class Visit(models.Model):
    """The making of a visit: who, how, the draft answers. One a task; `version` refuses stale forms."""

    task = models.OneToOneField(VisitTask, on_delete=models.PROTECT, related_name="visit")
    checklist = models.ForeignKey(Checklist, on_delete=models.PROTECT)
    method = models.CharField(max_length=12, choices=Method.choices)
    lead_visitor = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="visits_led")
    second_visitor = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="visits_joined")
    started_at = models.DateTimeField()
    # Facts known at the start: {item key: {"value", "source", "on"}}; what is asked is compared with these.
    known = models.JSONField(default=dict)
    draft = models.JSONField(default=dict)
    saved_at = models.DateTimeField()
    saved_by = models.CharField(max_length=20)
    version = models.PositiveIntegerField(default=1)
    # The correction being made, where one is open: `queries.corrections.amended` puts its draft in place of this one's.
    correction: "ReportCorrection | None" = None

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(second_visitor__isnull=True) | ~Q(lead_visitor=F("second_visitor")),
                name="second_visitor_is_someone_else",
            ),
        ]

    def __str__(self) -> str:
        return f"visit {self.task_id}"


class SecondOpinion(models.Model):
    """What the second visitor thinks of a visit, signed in an own session over exactly these answers; append-only."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="second_opinions")
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="second_opinions")
    conclusion = models.CharField(max_length=12, choices=Conclusion.choices)
    text = models.CharField(max_length=1000, blank=True)
    answers_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["visit", "id"], name="opinion_by_visit")]
        constraints = [
            models.CheckConstraint(
                condition=Q(conclusion="NO_CONCERN") | ~Q(text=""), name="second_concern_is_in_words"
            ),
        ]

    def __str__(self) -> str:
        return f"opinion {self.visit_id} {self.conclusion}"


class VisitLease(models.Model):
    """Which window writes on a visit now. A beat of that window keeps it; others read only until it is let go."""

    visit = models.OneToOneField(Visit, on_delete=models.CASCADE, primary_key=True, related_name="lease")
    tab = models.CharField(max_length=40)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"lease {self.visit_id}"
