"""还款承诺: what a borrower promised to pay by a day, and whether the money came."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from followups.models.attempts import VisitAttempt
from loans.models import Loan


class PromiseState(models.TextChoices):
    OPEN = "OPEN", _("待履行")
    KEPT = "KEPT", _("已履行")
    BROKEN = "BROKEN", _("未履行")
    REPLACED = "REPLACED", _("另有新承诺")


class PromiseToPay(models.Model):
    """One promise, made when the borrower was reached; a loan has one open at a time."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="promises"
    )
    attempt = models.OneToOneField(VisitAttempt, on_delete=models.PROTECT, related_name="promise")
    amount = models.DecimalField(max_digits=15, decimal_places=2)
    made_on = models.DateField()
    promised_on = models.DateField()
    state = models.CharField(max_length=8, choices=PromiseState.choices, default=PromiseState.OPEN)
    decided_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["promised_on"], name="promise_open", condition=Q(state="OPEN"))]
        constraints = [
            models.UniqueConstraint(fields=["loan"], condition=Q(state="OPEN"), name="promise_one_open_a_loan"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="promise_amount_positive"),
            models.CheckConstraint(condition=Q(promised_on__gte=F("made_on")), name="promise_is_of_a_day_ahead"),
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_on__isnull=True) | ~Q(state="OPEN") & Q(decided_on__isnull=False),
                name="decided_promise_says_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.amount} {self.promised_on}"
