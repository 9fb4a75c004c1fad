"""LPR and repricing: published rates, and runs that reprice many loans at once after a second person's approval."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models.contract import Loan
from loans.models.money import money
from people.models import Staff


class Tenor(models.TextChoices):
    ONE_YEAR = "Y1", _("1年期")
    FIVE_YEARS = "Y5", _("5年期以上")


class LprRate(models.Model):
    """A published loan prime rate; it counts once a second person has compared it with the announcement."""

    tenor = models.CharField(max_length=4, choices=Tenor.choices)
    published_on = models.DateField(_("公布日"))
    rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    source = models.CharField(max_length=120)
    # Null for what came with the seed.
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    is_approved = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenor", "published_on"], name="lpr_published_once"),
            models.CheckConstraint(condition=Q(rate_percent__gt=0, rate_percent__lte=36), name="lpr_within_limits"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("proposed_by")),
                name="lpr_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(is_approved=False, approved_by__isnull=True)
                | Q(is_approved=True, approved_by__isnull=False)
                | Q(is_approved=True, proposed_by__isnull=True),
                name="approved_lpr_has_its_checker",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenor} {self.published_on}"


class RepricingState(models.TextChoices):
    PREVIEWING = "PREVIEWING", _("试算中")
    PROPOSED = "PROPOSED", _("待审批")
    APPROVED = "APPROVED", _("已批准")
    REJECTED = "REJECTED", _("已驳回")
    CANCELLED = "CANCELLED", _("已撤回")
    FAILED = "FAILED", _("试算未成")


class RepricingRun(models.Model):
    """Repricing of all loans whose repricing day lies in a window; previewed, approved, applied on each loan's day."""

    from_on = models.DateField()
    to_on = models.DateField()
    state = models.CharField(max_length=10, choices=RepricingState.choices, default=RepricingState.PROPOSED)
    # Counts and sums of the preview, and the rates it used.
    totals = models.JSONField(default=dict)
    content_sha256 = models.CharField(max_length=64)
    # How far the preview is: loans found when it was asked for, loans looked at, the last of their ids.
    to_preview = models.PositiveIntegerField(default=0, db_default=0)
    previewed = models.PositiveIntegerField(default=0, db_default=0)
    previewed_up_to = models.BigIntegerField(default=0, db_default=0)
    # Times in a row that a chunk could not be previewed, and why the preview was given up (a code).
    failures = models.PositiveSmallIntegerField(default=0, db_default=0)
    failure = models.CharField(max_length=40, blank=True, default="", db_default="")
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(to_on__gte=F("from_on")), name="repricing_window_is_a_window"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(state="APPROVED") | ~Q(decided_by=F("proposed_by")),
                name="repricing_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("PREVIEWING", "PROPOSED", "FAILED"), decided_by__isnull=True)
                | (~Q(state__in=("PREVIEWING", "PROPOSED", "FAILED")) & Q(decided_by__isnull=False)),
                name="decided_repricing_has_its_checker",
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="PREVIEWING"), name="one_repricing_preview_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("PROPOSED", "APPROVED", "REJECTED")) | ~Q(content_sha256=""),
                name="proposed_repricing_was_previewed",
            ),
            models.CheckConstraint(
                condition=Q(state="FAILED") & ~Q(failure="") | ~Q(state="FAILED") & Q(failure=""),
                name="failed_repricing_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_on}…{self.to_on}"


class RepricingItem(models.Model):
    """One loan of a run: what was previewed is what is applied, and what its borrower is told."""

    run = models.ForeignKey(RepricingRun, on_delete=models.PROTECT, related_name="items")
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="repricings")
    effective_on = models.DateField()
    lpr_percent = models.DecimalField(max_digits=7, decimal_places=4)
    spread_bp = models.DecimalField(max_digits=7, decimal_places=2)
    old_rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    new_rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    old_installment = money()
    new_installment = money()
    # The first installment that the new rate touches, its day and amount, and from when the new amount is regular.
    first_number = models.PositiveSmallIntegerField(null=True)
    first_due_on = models.DateField(null=True)
    first_amount = money(null=True)
    regular_on = models.DateField(null=True)
    # The start of the period that the day splits; installments between the first and the regular one, as
    # [first number, last number, first due day, last due day, amount, only interest or not].
    period_from = models.DateField(null=True)
    until_regular = models.JSONField(null=True)
    tenor = models.CharField(max_length=4, choices=Tenor.choices, default="", db_default="")
    lpr_published_on = models.DateField(null=True)
    # The terms version previewed from; another one at the time of applying makes the item stale.
    terms_version = models.PositiveSmallIntegerField()
    schedule_sha256 = models.CharField(max_length=64)
    next_repricing_on = models.DateField(null=True)
    # PENDING, APPLIED, HELD (with its reason), UNCHANGED (same rate: only the next repricing day moves).
    state = models.CharField(max_length=10, default="PENDING", db_default="PENDING")
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    applied_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["effective_on", "loan"], name="repricing_pending", condition=Q(state="PENDING")),
            models.Index(fields=["loan", "-id"], name="repricing_by_loan"),
            models.Index(fields=["run", "id"], name="repricing_held", condition=Q(state="HELD")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["run", "loan", "effective_on"], name="repriced_once_a_run"),
            models.UniqueConstraint(fields=["loan"], condition=Q(state="PENDING"), name="one_pending_repricing_a_loan"),
            models.CheckConstraint(
                condition=Q(state__in=("APPLIED", "UNCHANGED"), applied_on__isnull=False)
                | Q(state__in=("PENDING", "HELD"), applied_on__isnull=True),
                name="applied_repricing_has_its_day",
            ),
            models.CheckConstraint(
                condition=Q(new_rate_percent__gte=0, new_rate_percent__lte=36), name="new_rate_within_limits"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("PENDING", "APPLIED", "HELD", "UNCHANGED")), name="repricing_item_state"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.effective_on}"
