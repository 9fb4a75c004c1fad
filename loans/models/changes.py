"""A change of contract: simulated, approved by authority, signed, applied, watched. One object for every kind."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models.contract import Loan
from loans.models.money import money
from people.models import Staff


class ChangeKind(models.TextChoices):
    PREPAYMENT = "PREPAYMENT", _("部分提前还款")
    SETTLEMENT = "SETTLEMENT", _("提前结清")
    EXTENSION = "EXTENSION", _("展期")
    METHOD = "METHOD", _("变更还款方式")
    DUE_DAY = "DUE_DAY", _("变更还款日")
    REPRICING_CYCLE = "REPRICING_CYCLE", _("变更重定价周期")
    SPREAD = "SPREAD", _("调整加点")
    INTEREST_PAUSE = "INTEREST_PAUSE", _("停息")
    DEFERRAL = "DEFERRAL", _("延期还本")
    RESTRUCTURING = "RESTRUCTURING", _("重组")
    ACCELERATION = "ACCELERATION", _("宣布提前到期")
    WRITE_OFF = "WRITE_OFF", _("核销")


class ChangeState(models.TextChoices):
    PROPOSED = "PROPOSED", _("待审批")
    APPROVED = "APPROVED", _("待签署")
    SIGNED = "SIGNED", _("待生效")
    APPLIED = "APPLIED", _("已生效")
    OBSERVED = "OBSERVED", _("观察期")
    REJECTED = "REJECTED", _("已驳回")
    WITHDRAWN = "WITHDRAWN", _("已撤回")
    EXPIRED = "EXPIRED", _("已失效")
    REVERSED = "REVERSED", _("已冲正")


OPEN_CHANGE_STATES = ("PROPOSED", "APPROVED", "SIGNED")
DONE_CHANGE_STATES = ("APPLIED", "OBSERVED", "REVERSED")


class ContractChange(models.Model):
    """What was previewed is stored here and applied verbatim; history is never reset by it."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="changes")
    kind = models.CharField(max_length=20, choices=ChangeKind.choices)
    state = models.CharField(max_length=10, choices=ChangeState.choices, default=ChangeState.PROPOSED)
    # What was asked, as sent; amounts as text.
    asked = models.JSONField(default=dict)
    effective_on = models.DateField()
    # A quote binds until the close of this date.
    expires_on = models.DateField()
    # What the loan was when this was simulated; a difference at applying is named to the person.
    loan_state = models.JSONField(default=dict)
    # The engine's request and what it gave: rows as arrays, payment parts, figures before and after.
    request = models.JSONField(null=True)
    result = models.JSONField(default=dict)
    result_sha256 = models.CharField(max_length=64)
    # What the borrower pays on the effective day, by part; zero where nothing is paid.
    principal = money(default=0)
    interest = money(default=0)
    charges = money(default=0)
    fee = money(default=0)
    reason = models.CharField(max_length=400)
    evidence_sha256 = models.CharField(max_length=64, blank=True)
    evidence_name = models.CharField(max_length=200, blank=True)
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    signed_on = models.DateField(null=True)
    signature_note = models.CharField(max_length=200, blank=True)
    applied_on = models.DateField(null=True)
    ended_on = models.DateField(null=True)
    end_reason = models.CharField(max_length=400, blank=True)
    # Who withdrew or reversed it; nobody where an evening or a rejection ended it.
    ended_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    # Restructuring: the observation period (at least two periods and a year) restarts with a missed payment.
    is_restructuring = models.BooleanField(default=False)
    observed_from = models.DateField(null=True)
    observed_until = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["loan", "-id"], name="change_by_loan"),
            models.Index(fields=["effective_on"], name="change_to_apply", condition=Q(state="SIGNED")),
            models.Index(fields=["loan"], name="change_observed", condition=Q(state="OBSERVED")),
            models.Index(fields=["state", "-id"], name="change_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["loan"], condition=Q(state__in=OPEN_CHANGE_STATES), name="one_open_change_a_loan"
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(state__in=("WITHDRAWN", "EXPIRED"))
                | ~Q(decided_by=F("proposed_by")),
                name="change_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("PROPOSED", "WITHDRAWN", "EXPIRED")) | Q(decided_by__isnull=False),
                name="decided_change_has_its_checker",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("SIGNED", *DONE_CHANGE_STATES)) | Q(signed_on__isnull=False),
                name="signed_change_has_its_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=DONE_CHANGE_STATES, applied_on__isnull=False)
                | (~Q(state__in=DONE_CHANGE_STATES) & Q(applied_on__isnull=True)),
                name="applied_change_has_its_day",
            ),
            models.CheckConstraint(
                condition=~Q(state="REVERSED") | (Q(ended_by__isnull=False) & ~Q(ended_by=F("proposed_by"))),
                name="reversed_change_has_another_person",
            ),
            models.CheckConstraint(
                condition=~Q(state="OBSERVED") | Q(observed_from__isnull=False, observed_until__isnull=False),
                name="observed_change_has_its_period",
            ),
            models.CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0, charges__gte=0, fee__gte=0),
                name="change_parts_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
