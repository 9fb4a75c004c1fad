"""Attempts to reach a borrower: every ring, knock and appointment, kept as it happened."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from followups.models.tasks import Method, VisitTask
from people.models import Staff


class ContactOutcome(models.TextChoices):
    """接通结果; the same codes as `rules.checklist.CONTACT_OUTCOMES`."""

    REACHED = "REACHED", _("接通本人")
    NO_ANSWER = "NO_ANSWER", _("无人接")
    SWITCHED_OFF = "SWITCHED_OFF", _("关机")
    NOT_IN_SERVICE = "NOT_IN_SERVICE", _("空号")
    WRONG_PERSON = "WRONG_PERSON", _("非本人")
    REFUSED = "REFUSED", _("拒绝")
    APPOINTED = "APPOINTED", _("约时间")


class VisitAttempt(models.Model):
    """One attempt, append-only: when, how, by whom, how it ended, and when to try again."""

    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, related_name="attempts")
    at = models.DateTimeField()
    business_date = models.DateField()
    method = models.CharField(max_length=12, choices=Method.choices)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="attempts")
    outcome = models.CharField(max_length=16, choices=ContactOutcome.choices)
    note = models.CharField(max_length=300, blank=True)
    recording = models.CharField(_("录音编号"), max_length=40, blank=True)
    # Proposed by `rules.attempts`, or agreed with the borrower (约时间).
    next_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="attempt_by_task")]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=ContactOutcome.values), name="attempt_ends_in_a_known_way"),
            models.CheckConstraint(condition=~Q(outcome="REFUSED") | ~Q(note=""), name="refusal_has_a_reason"),
            models.CheckConstraint(
                condition=~Q(outcome="APPOINTED") | Q(next_at__isnull=False), name="appointment_has_an_hour"
            ),
            models.CheckConstraint(
                condition=Q(next_at__isnull=True) | Q(next_at__gt=models.F("at")), name="next_attempt_is_later"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.outcome}"
