"""综合融资成本明示表: every item of cost, who charges it, the annualised total, and what default would cost.

金规〔2026〕2号, for contracts signed from 2026-08-01 on. The document is kept by its hash; a fee that it does not name
cannot be charged.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from journal.models import Exhibit
from loans.models.contract import Loan
from loans.models.money import money
from people.models import Staff


class CostKind(models.TextChoices):
    INTEREST = "INTEREST", _("利息")
    FEE = "FEE", _("费用")
    CONTINGENT = "CONTINGENT", _("违约等或有成本")


class DisclosureState(models.TextChoices):
    WAITING = "WAITING", _("未放款")
    USED = "USED", _("已放款")
    VOIDED = "VOIDED", _("已作废")


class CostDisclosure(models.Model):
    """One disclosure; made before signing, and tied to the loan at disbursement or voided."""

    number = models.CharField(_("编号"), max_length=30, unique=True)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, null=True, db_constraint=False, related_name="disclosures")
    # The engine's request that the figures come from.
    request = models.JSONField()
    # Everything the document says, amounts and rates as text; the hash is of this.
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    annualised_percent = models.DecimalField(max_digits=9, decimal_places=4)
    exhibit = models.ForeignKey(Exhibit, on_delete=models.PROTECT, null=True, related_name="+")
    made_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    # Of no use for a contract any more.
    voided_at = models.DateTimeField(null=True)
    voided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    void_reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["loan"], name="disclosure_by_loan", condition=Q(loan__isnull=False))]
        constraints = [
            models.CheckConstraint(
                condition=Q(loan__isnull=True) | Q(voided_at__isnull=True), name="voided_disclosure_has_no_loan"
            ),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True, voided_by__isnull=True, void_reason="")
                | Q(voided_at__isnull=False, voided_by__isnull=False) & ~Q(void_reason=""),
                name="voided_disclosure_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def state(self) -> DisclosureState:
        if self.voided_at is not None:
            return DisclosureState.VOIDED
        return DisclosureState.WAITING if self.loan_id is None else DisclosureState.USED


class CostItem(models.Model):
    """An item of a disclosure. For a fee the amount is the most that may be charged under its code in all."""

    disclosure = models.ForeignKey(CostDisclosure, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=CostKind.choices)
    label = models.CharField(max_length=80)
    charged_by = models.CharField(_("收取方"), max_length=80)
    amount = money(null=True)
    # How a contingent cost is reckoned, in words; empty where the amount says it.
    basis = models.CharField(max_length=200, blank=True)
    due = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["disclosure", "code"], name="cost_item_once"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gte=0), name="cost_not_negative"),
            models.CheckConstraint(condition=Q(amount__isnull=False) | ~Q(basis=""), name="cost_has_amount_or_basis"),
        ]

    def __str__(self) -> str:
        return self.code
