"""Versioned wordings, and messages: rows that wait to be sent. A row holds no personal data; whoever sends it fills the
fields, and looks again whether what it speaks of still stands and whether the borrower may be written to."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from correspondence.rules import reminders
from loans.models import Loan
from people.models import Staff
from people.queries import sees_every_branch


class MessageKind(models.TextChoices):
    DUE = reminders.DUE, _("还款提醒")
    OVERDUE = reminders.OVERDUE, _("逾期提醒")


class Channel(models.TextChoices):
    SMS = "SMS", _("短信")


class MessageState(models.TextChoices):
    WAITING = "WAITING", _("待发")
    SENT = "SENT", _("已发")
    CANCELLED = "CANCELLED", _("已取消")


class Reason(models.TextChoices):
    """Why a message is not sent any more."""

    PAID = "PAID", _("已还清逾期")
    PARTLY_PAID = "PARTLY_PAID", _("最早一期已还")
    CHANGED = "CHANGED", _("还款日已变")
    ENDED = "ENDED", _("贷款已结清、提前到期或核销")
    BY_PERSON = "BY_PERSON", _("人工取消")


class Template(models.Model):
    """A wording with named fields: proposed by one, approved by another, one in force for a kind and channel."""

    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    version = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    in_force = DateRangeField()
    maker = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    checker = models.CharField(max_length=20, blank=True)
    checked_at = models.DateTimeField(null=True)
    content_sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "channel", "version"], name="template_version_once"),
            models.CheckConstraint(condition=~Q(maker=F("checker")), name="template_maker_is_not_checker"),
            models.CheckConstraint(
                condition=Q(checker="", checked_at__isnull=True) | (~Q(checker="") & Q(checked_at__isnull=False)),
                name="template_checked_by_someone",
            ),
            ExclusionConstraint(
                name="template_one_in_force",
                expressions=[
                    ("kind", RangeOperators.EQUAL),
                    ("channel", RangeOperators.EQUAL),
                    ("in_force", RangeOperators.OVERLAPS),
                ],
                condition=~Q(checker=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} v{self.version}"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, staff: Staff) -> "MessageQuerySet":
        """Messages about loans whose branch the staff member's roles reach."""
        if sees_every_branch(staff):
            return self.all()
        return self.filter(loan__in=Loan.objects.visible_to(staff))


class Message(models.Model):
    """A reminder of one step about one day of a loan. One that nobody sent by `expires_on` is past, without a write."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="messages"
    )
    kind = models.CharField(max_length=10, choices=MessageKind.choices)
    # The due day, or the day since which the loan is overdue.
    about = models.DateField()
    # Days past due of the reminder; 0 before the due day.
    step = models.PositiveSmallIntegerField()
    amount = models.DecimalField(max_digits=15, decimal_places=2)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    template_version = models.PositiveSmallIntegerField()
    business_date = models.DateField()
    not_before = models.DateTimeField()
    expires_on = models.DateField()
    state = models.CharField(
        max_length=10, choices=MessageState.choices, default=MessageState.WAITING, db_default=MessageState.WAITING
    )
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True, default="", db_default="")
    ended_on = models.DateField(null=True)
    # Who cancelled it and why, when it was a person.
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes = [
            # Reminders of arrears are looked at again every evening while they may go.
            models.Index(
                fields=["expires_on"], name="message_overdue_waiting", condition=Q(kind="OVERDUE", state="WAITING")
            ),
            models.Index(fields=["-id"], name="message_cancelled", condition=Q(state="CANCELLED")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "kind", "about", "step"], name="message_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="message_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind="DUE", step=0) | Q(kind="OVERDUE", step__gt=0), name="message_step_is_its_kinds"
            ),
            models.CheckConstraint(condition=Q(expires_on__gte=F("about")), name="message_expires_after_its_day"),
            models.CheckConstraint(
                condition=Q(state="CANCELLED", ended_on__isnull=False) & ~Q(reason="")
                | ~Q(state="CANCELLED") & Q(reason=""),
                name="cancelled_message_says_why",
            ),
            models.CheckConstraint(
                condition=Q(reason="BY_PERSON", ended_by__isnull=False) & ~Q(note="")
                | ~Q(reason="BY_PERSON") & Q(ended_by__isnull=True, note=""),
                name="message_cancelled_by_a_person_names_them",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.kind} {self.about} {self.step}"
