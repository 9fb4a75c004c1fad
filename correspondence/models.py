"""Versioned wordings, what borrowers do not want, and messages: rows that wait to be sent. A message holds no personal
data; whoever sends it fills the fields, and looks again whether what it speaks of still stands and whether the borrower
may be written to."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from correspondence.rules import reminders
from loans.models import Loan
from people.models import Party, Staff
from people.queries import sees_every_branch


class MessageKind(models.TextChoices):
    DUE = reminders.DUE, _("还款提醒")
    OVERDUE = reminders.OVERDUE, _("逾期提醒")
    APPOINTMENT = "APPOINTMENT", _("回访预约")


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
    COVERED = "COVERED", _("暂收款已够，或没有要还的")
    ENDED = "ENDED", _("贷款已结清、提前到期或核销")
    UNWANTED = "UNWANTED", _("借款人不再接收")
    BY_PERSON = "BY_PERSON", _("人工取消")


class Template(models.Model):
    """A wording with named fields: proposed by one, approved by another, one in force for a kind and channel.

    Its words never change (a trigger holds that, and that the hash is theirs); an approved one's period may be closed.
    """

    kind = models.CharField(max_length=12, choices=MessageKind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    version = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=300)
    in_force = DateRangeField()
    maker = models.CharField(max_length=20)
    made_at = models.DateTimeField()
    checker = models.CharField(max_length=20, blank=True)
    checked_at = models.DateTimeField(null=True)
    content_sha256 = models.CharField(max_length=64)
    purpose = models.CharField(max_length=200, blank=True, default="", db_default="")
    # What the checker said, or why it was withdrawn.
    remark = models.CharField(max_length=200, blank=True, default="", db_default="")
    # Sent back by another person or withdrawn by its maker: it never comes into force.
    ended_by = models.CharField(max_length=20, blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "channel", "version"], name="template_version_once"),
            models.UniqueConstraint(
                fields=["kind", "channel"],
                condition=Q(checker="", ended_at__isnull=True),
                name="template_one_waits",
            ),
            models.CheckConstraint(
                condition=Q(ended_by="", ended_at__isnull=True)
                | ~Q(ended_by="") & Q(ended_at__isnull=False, checker=""),
                name="template_in_force_stays",
            ),
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

    @property
    def state(self) -> str:
        """WAITING for another person, APPROVED, RETURNED or WITHDRAWN."""
        if self.checker:
            return "APPROVED"
        if self.ended_at is None:
            return "WAITING"
        return "WITHDRAWN" if self.ended_by == self.maker else "RETURNED"


class Ground(models.TextChoices):
    """Why a borrower is not written to."""

    ASKED = "ASKED", _("借款人要求")
    NOT_THEIRS = "NOT_THEIRS", _("号码不是本人的")
    DECEASED = "DECEASED", _("借款人身故")


class Heard(models.TextChoices):
    """How the bank came to know."""

    COUNTER = "COUNTER", _("柜面")
    PHONE = "PHONE", _("电话")
    VISIT = "VISIT", _("回访")
    WRITTEN = "WRITTEN", _("书面")
    REPLY = "REPLY", _("短信回复")


class ContactPreference(models.Model):
    """That a borrower is not written to through a channel, from when to when, by whose word and record.

    It counts for all loans of the borrower. A row is ended, never changed or taken out (a trigger holds that).
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="contact_preferences")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    ground = models.CharField(max_length=10, choices=Ground.choices)
    heard = models.CharField(max_length=10, choices=Heard.choices)
    reason = models.CharField(max_length=200)
    business_date = models.DateField()
    recorded_by = models.ForeignKey(Staff, on_delete=models.PROTECT, db_index=False, related_name="+")
    recorded_at = models.DateTimeField()
    ended_on = models.DateField(null=True)
    ended_heard = models.CharField(max_length=10, choices=Heard.choices, blank=True, default="", db_default="")
    ended_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # What the evening looks at again: those recorded since the close before.
            models.Index(fields=["business_date"], name="contact_preference_new", condition=Q(ended_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["party", "channel"], condition=Q(ended_at__isnull=True), name="contact_preference_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & Q(ground__in=Ground.values, heard__in=Heard.values),
                name="contact_preference_says_why",
            ),
            models.CheckConstraint(
                condition=Q(
                    ended_at__isnull=True, ended_on__isnull=True, ended_by__isnull=True, ended_heard="", ended_reason=""
                )
                | Q(ended_at__isnull=False, ended_on__isnull=False, ended_by__isnull=False)
                & Q(ended_heard__in=Heard.values)
                & ~Q(ended_reason=""),
                name="ended_contact_preference_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party_id} {self.channel}"


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, staff: Staff) -> "MessageQuerySet":
        """Messages about loans whose branch the staff member's roles reach."""
        if sees_every_branch(staff):
            return self.all()
        return self.filter(loan__in=Loan.objects.visible_to(staff))


class Message(models.Model):
    """A reminder of one step about one day of a loan, or the announcement of a visit. One that nobody sent by
    `expires_on` is past, without a write."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="messages"
    )
    kind = models.CharField(max_length=12, choices=MessageKind.choices)
    # The due day, the day since which the loan is overdue, or the day of the visit.
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
                fields=["expires_on", "loan"],
                name="message_overdue_waiting",
                condition=Q(kind="OVERDUE", state="WAITING"),
            ),
            models.Index(fields=["-id"], name="message_cancelled", condition=Q(state="CANCELLED")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "kind", "about", "step"], name="message_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) | Q(kind="APPOINTMENT", amount=0), name="message_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["DUE", "APPOINTMENT"], step=0) | Q(kind="OVERDUE", step__gt=0),
                name="message_step_is_its_kinds",
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
