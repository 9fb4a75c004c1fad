"""文书: letters to borrowers as they were made, with their kept PDF, and how they arrived (送达); all append-only.

A letter is never changed. A delivery is a fact: a wrong one is undone by another that names it. A letter that should
not go out is withdrawn (作废), which is a fact too.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.measures import Measure
from followups.models.results import HeardBy
from followups.models.tasks import VisitTask
from journal.models import Exhibit
from loans.models import Loan
from people.models import Staff


class LetterKind(models.TextChoices):
    """The codes of `rules.letters`."""

    NOTICE = "NOTICE", _("回访告知书")
    RECTIFY = "RECTIFY", _("限期整改通知书")
    DEMAND = "DEMAND", _("逾期催收通知书")


class DeliveryWay(models.TextChoices):
    IN_PERSON = "IN_PERSON", _("当面送达")
    MAIL = "MAIL", _("邮寄签收")
    LEFT = "LEFT", _("留置送达")
    REFUSED = "REFUSED", _("拒收")
    RETURNED = "RETURNED", _("邮件退回")


class LetterQuerySet(models.QuerySet["Letter"]):
    def visible_to(self, staff: Staff) -> "LetterQuerySet":
        """A letter goes with its loan."""
        return self.filter(loan__in=Loan.objects.visible_to(staff))


class Letter(models.Model):
    """One letter: what it says (`content`, in the bank's language), the PDF that was made of it, by whom, for what."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="letters"
    )
    kind = models.CharField(max_length=8, choices=LetterKind.choices)
    # A notice announces the visit of a task; a rectification comes from a measure; a demand from the arrears.
    task = models.ForeignKey(VisitTask, on_delete=models.PROTECT, null=True, related_name="letters")
    measure = models.ForeignKey(Measure, on_delete=models.PROTECT, null=True, related_name="letters")
    # The day of the visit, or by when the borrower is to mend or to pay.
    answer_by = models.DateField()
    # What a demand asks for in all.
    total = models.DecimalField(max_digits=15, decimal_places=2, null=True)
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    pdf = models.ForeignKey(Exhibit, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    business_date = models.DateField()

    objects = LetterQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["loan", "-id"], name="letter_by_loan")]
        constraints = [
            models.UniqueConstraint(
                fields=["loan", "kind", "task", "measure", "business_date", "content_sha256"],
                nulls_distinct=False,
                name="letter_once_a_day_and_content",
            ),
            models.CheckConstraint(
                condition=Q(kind="NOTICE", task__isnull=False, measure__isnull=True, total__isnull=True)
                | Q(kind="RECTIFY", task__isnull=True, measure__isnull=False, total__isnull=True)
                | Q(kind="DEMAND", task__isnull=True, measure__isnull=True, total__isnull=False, total__gt=0),
                name="letter_has_its_cause",
            ),
            models.CheckConstraint(condition=Q(answer_by__gte=F("business_date")), name="letter_asks_for_later"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """TZ + business date + serial."""
        return f"TZ{self.business_date:%Y%m%d}{self.pk:07d}"


class LetterDelivery(models.Model):
    """How a letter was delivered, or with `undoes` the correction of that; append-only."""

    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    undoes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="undone_by")
    way = models.CharField(max_length=10, choices=DeliveryWay.choices, blank=True)
    # The day it was handed over, left, refused, signed for or came back.
    delivered_on = models.DateField(null=True)
    received_by = models.CharField(max_length=8, choices=HeardBy.choices, blank=True)
    # Who saw that it was left or refused: two at least.
    witnesses = models.CharField(max_length=60, blank=True)
    # What was seen, the number of the mail; of a correction why.
    words = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["letter", "id"], name="delivery_by_letter")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    undoes__isnull=True,
                    way__in=DeliveryWay.values,
                    delivered_on__isnull=False,
                    delivered_on__lte=F("business_date"),
                )
                | Q(undoes__isnull=False, way="", delivered_on__isnull=True, received_by="", witnesses="")
                & ~Q(words=""),
                name="delivery_says_how_and_when",
            ),
            models.CheckConstraint(
                condition=Q(way__in=("IN_PERSON", "MAIL")) & ~Q(received_by="")
                | ~Q(way__in=("IN_PERSON", "MAIL")) & Q(received_by=""),
                name="delivery_names_its_receiver",
            ),
            models.CheckConstraint(
                condition=Q(way__in=("LEFT", "REFUSED")) & ~Q(witnesses="")
                | ~Q(way__in=("LEFT", "REFUSED")) & Q(witnesses=""),
                name="delivery_names_its_witnesses",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter_id} {self.way}"


class LetterWithdrawal(models.Model):
    """That a letter which did not arrive is not to go out, and why; once and for good."""

    letter = models.OneToOneField(Letter, on_delete=models.PROTECT, related_name="withdrawal")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="withdrawal_says_why")]

    def __str__(self) -> str:
        return f"{self.letter_id} withdrawn"
