"""What a feed told that asks for no visit by itself; off-site checks look at it. Added to, never changed."""

from django.db import models
from django.db.models import F, Q

from followups.models.events import EventFeed
from loans.models import Loan
from people.models import Party


class OutsideRecord(models.Model):
    """One line of a feed: of the loan (money at the payee), or of its borrower (bureau summary)."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="+", db_index=False)
    customer = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", db_index=False)
    feed = models.CharField(max_length=10, choices=EventFeed.choices)
    code = models.CharField(max_length=30)
    happened_on = models.DateField()
    known_on = models.DateField()
    external_id = models.CharField(max_length=80)
    words = models.CharField(max_length=200, blank=True)
    recorded_by = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["loan", "feed"], name="outside_by_loan"),
            models.Index(fields=["customer", "feed"], name="outside_by_customer"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["feed", "external_id"], name="outside_once_a_feed"),
            models.CheckConstraint(condition=~Q(external_id=""), name="outside_has_its_sources_number"),
            models.CheckConstraint(condition=Q(happened_on__lte=F("known_on")), name="outside_happened_before"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.loan_id}"
