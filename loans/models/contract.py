"""The contract: the wide row, hardly ever written, the signed versions of its terms, its pricing and its parameters."""

from collections.abc import Collection

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from loans.models.bank import ImportBatch
from loans.models.money import money
from people.models import Branch, Party, Staff
from people.queries import branch_ids_visible_to, sees_every_branch


class RepaymentMethod(models.TextChoices):
    EQUAL_INSTALLMENT = "EQUAL_INSTALLMENT", _("等额本息")
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL", _("等额本金")
    INTEREST_ONLY = "INTEREST_ONLY", _("按月付息到期还本")


class Product(models.TextChoices):
    COMMERCIAL = "COMMERCIAL", _("商业性个人住房贷款")
    HOUSING_FUND = "HOUSING_FUND", _("公积金个人住房贷款")


class Combination(models.Model):
    """A combination loan (组合贷): two contracts, one collateral; each is served and posted by itself."""

    number = models.CharField(_("组合贷编号"), max_length=30, unique=True)
    made_on = models.DateField()

    def __str__(self) -> str:
        return self.number


# The branch as the positions hold it, the same as the loan's (a trigger keeps it); only beside the positions.
_HELD_BY: RawSQL = RawSQL("loans_position.branch_id", (), models.BigIntegerField())


class LoanQuerySet(models.QuerySet["Loan"]):
    def by_position(self) -> "LoanQuerySet":
        """For lists that walk an index of the positions: branches are then asked of these."""
        return self.filter(position__isnull=False).alias(held_by=_HELD_BY)

    def visible_to(self, staff: Staff) -> "LoanQuerySet":
        """The loans whose branch the staff member's roles reach; everything else does not exist."""
        if sees_every_branch(staff):
            return self.all()
        return self.of_branches(branch_ids_visible_to(staff))

    def of_branches(self, branch_ids: Collection[int]) -> "LoanQuerySet":
        """The loans of some branches."""
        held = "held_by" in self.query.annotations
        return self.filter(**{"held_by__in" if held else "branch_id__in": branch_ids})


class Loan(models.Model):
    """The contract: who, how much, from when to when. Written at booking and by transfers only."""

    loan_note_no = models.CharField(_("借据号"), max_length=30, unique=True)
    external_id = models.CharField(_("外部编号"), max_length=40, unique=True, null=True)
    borrower = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="loans")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="loans")
    portfolio_officer = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="portfolio")
    # Who approved the credit, where it is known: never the only visitor (`followups.actions.visits`).
    approver = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    product = models.CharField(
        max_length=20, choices=Product.choices, default=Product.COMMERCIAL, db_default=Product.COMMERCIAL
    )
    combination = models.ForeignKey(Combination, on_delete=models.PROTECT, null=True, related_name="loans")
    # The contract keeps the parameters of this day (新老划断); null: the day of disbursement.
    signed_on = models.DateField(_("签约日"), null=True)
    principal_original = money()
    disbursed_on = models.DateField(_("放款日"))
    matures_on = models.DateField(_("到期日"))
    due_day = models.PositiveSmallIntegerField(_("还款日"))
    repayment_method = models.CharField(max_length=20, choices=RepaymentMethod.choices)
    credit_score = models.PositiveSmallIntegerField(null=True)
    # The day at whose close the balances were taken over; null for loans disbursed here.
    baseline_on = models.DateField(null=True)
    baseline_days_past_due = models.PositiveIntegerField(default=0)
    # Last 24 months as in the bureau: one mark a month, oldest first (N, 1-7, * as in the tape).
    payment_record = models.CharField(max_length=24, blank=True)
    last_visit_on = models.DateField(null=True)
    import_batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, null=True)
    tape_line = models.PositiveIntegerField(null=True)
    tape_sha256 = models.CharField(max_length=64, blank=True)

    objects = LoanQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["branch", "id"], name="loan_by_branch"),
            # A branch's loans in the list's own order.
            models.Index(fields=["branch", "loan_note_no"], name="loan_branch_note"),
            models.Index(OpClass(F("loan_note_no"), name="varchar_pattern_ops"), name="loan_note_prefix"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(principal_original__gt=0), name="principal_original_positive"),
            models.CheckConstraint(condition=Q(matures_on__gt=F("disbursed_on")), name="matures_after_disbursement"),
            models.CheckConstraint(condition=Q(due_day__gte=1, due_day__lte=31), name="due_day_is_a_day"),
            models.CheckConstraint(
                condition=Q(signed_on__isnull=True) | Q(signed_on__lte=F("disbursed_on")),
                name="signed_before_disbursement",
            ),
            models.CheckConstraint(
                condition=Q(baseline_on__isnull=False) | Q(loan_note_no__regex=r"^ML[0-9A-Z]{4}[0-9]{14}$"),
                name="loan_note_number_is_formed",
            ),
        ]

    def __str__(self) -> str:
        return self.loan_note_no


class TermsSource(models.TextChoices):
    OPENING = "OPENING", _("期初")
    DISBURSEMENT = "DISBURSEMENT", _("放款")
    CHANGE = "CHANGE", _("合同变更")
    REPRICING = "REPRICING", _("利率重定价")


class Terms(models.Model):
    """A signed version of the terms with the schedule it means; every billing is checked against it."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="terms")
    version = models.PositiveSmallIntegerField()
    effective_on = models.DateField()
    principal = money()
    annual_rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    installment_amount = money()
    first_number = models.PositiveSmallIntegerField()
    installments = models.PositiveSmallIntegerField()
    # From this number on each row is one plain month at the position's rate and installment; the rows before it
    # (broken, split, paused, in grace) come from the stored request, stopped at their number.
    plain_from = models.PositiveSmallIntegerField(default=0, db_default=0)
    # The continuation request of the engine, numbered from `first_number`; null: plain months all the way.
    request = models.JSONField(null=True)
    source = models.CharField(
        max_length=20, choices=TermsSource.choices, default=TermsSource.OPENING, db_default=TermsSource.OPENING
    )
    # Id of the contract change or repricing item that signed this version.
    source_id = models.BigIntegerField(null=True)
    engine_version = models.CharField(max_length=20)
    schedule_sha256 = models.CharField(max_length=64)
    # Principal and interest in fen of installments first_number, first_number + 1, …
    principal_fen = ArrayField(models.BigIntegerField())
    interest_fen = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["loan", "version"], name="terms_version_once"),
            models.CheckConstraint(
                condition=Q(annual_rate_percent__gte=0, annual_rate_percent__lte=100), name="rate_within_limits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} v{self.version}"


class ContractParameter(models.Model):
    """What one contract agreed otherwise than the bank's parameter of its signing day, effective-dated."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="parameters")
    code = models.CharField(max_length=60)
    value = models.JSONField()
    in_force = DateRangeField()
    source = models.CharField(max_length=120)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="contract_parameter_one_value_at_a_time",
                expressions=[
                    ("loan", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    ("in_force", RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.code}"


class PricingKind(models.TextChoices):
    LPR = "LPR", _("LPR加点浮动")
    FIXED = "FIXED", _("固定利率")


class PricingAnchor(models.TextChoices):
    JANUARY_1 = "JANUARY_1", _("1月1日")
    LOAN_DAY = "LOAN_DAY", _("放款对应日")


class Pricing(models.Model):
    """How a contract's rate is made, effective-dated: LPR of a tenor plus a spread, repriced every so many months."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="pricings")
    in_force = DateRangeField()
    kind = models.CharField(max_length=10, choices=PricingKind.choices)
    tenor = models.CharField(max_length=4, default="", blank=True)
    # Basis points over the LPR, may be negative; 0.01 bp is the resolution of a rate in ppm.
    spread_bp = models.DecimalField(max_digits=7, decimal_places=2, default=0)
    cycle_months = models.PositiveSmallIntegerField(null=True)
    anchor = models.CharField(max_length=10, choices=PricingAnchor.choices, default="", blank=True)
    source = models.CharField(max_length=120)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="pricing_one_at_a_time",
                expressions=[("loan", RangeOperators.EQUAL), ("in_force", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(kind="FIXED", tenor="", cycle_months__isnull=True, anchor="")
                | Q(
                    kind="LPR",
                    tenor__in=("Y1", "Y5"),
                    cycle_months__in=(3, 6, 12),
                    anchor__in=("JANUARY_1", "LOAN_DAY"),
                ),
                name="pricing_is_complete",
            ),
            models.CheckConstraint(condition=Q(spread_bp__gte=-500, spread_bp__lte=2000), name="spread_within_limits"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.kind}"


class Subsidy(models.Model):
    """The fiscal interest subsidy of a first home (首套房贷贴息): it bears part of the interest for some years."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="subsidies")
    in_force = DateRangeField()
    annual_rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    # Interest on at most this much principal is borne.
    principal_cap = money()
    source = models.CharField(max_length=120)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="subsidy_one_at_a_time",
                expressions=[("loan", RangeOperators.EQUAL), ("in_force", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=Q(annual_rate_percent__gt=0, annual_rate_percent__lte=36), name="subsidy_rate_within_limits"
            ),
            models.CheckConstraint(condition=Q(principal_cap__gt=0), name="subsidy_cap_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} subsidy"
