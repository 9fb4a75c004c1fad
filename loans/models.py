"""Tables of a loan: the wide contract row, hardly ever written, and the narrow servicing row.

`Position` is the lock of everything under a loan and carries what is hot. Bulk tables carry a
loan id without a database foreign key to the wide row (an FK trebles inserts); `check_invariants`
proves that there are no orphans. Postings and ledger lines are append-only; ledger lines are
partitioned by month in the migration. Days past due are derived, never stored.
"""

from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from people.models import Branch, Party, Staff
from people.queries import branch_ids_visible_to


def money(**kwargs: Any) -> models.DecimalField:
    return models.DecimalField(max_digits=15, decimal_places=2, **kwargs)


class BusinessDate(models.Model):
    """The bank's days. Exactly one is open; the rest are closed, each once, in order."""

    day = models.DateField(primary_key=True)
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    totals = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_open"], condition=Q(is_open=True), name="one_open_business_date"),
            models.CheckConstraint(
                condition=Q(is_open=True, closed_at__isnull=True) | Q(is_open=False, closed_at__isnull=False),
                name="closed_business_date_has_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.day)


class Workday(models.Model):
    """The workday calendar: weekends, holidays, make-up workdays. Unconfirmed years are guesses."""

    day = models.DateField(primary_key=True)
    is_workday = models.BooleanField()
    name = models.CharField(max_length=40, blank=True)
    is_confirmed = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"{self.day} {self.is_workday}"


class Parameter(models.Model):
    """A regulatory or house number, effective-dated, with its source (domain register)."""

    code = models.CharField(max_length=60)
    value = models.JSONField()
    in_force = DateRangeField()
    source = models.CharField(max_length=120)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="parameter_one_value_at_a_time",
                expressions=[("code", RangeOperators.EQUAL), ("in_force", RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ImportBatch(models.Model):
    """One imported file with what became of it."""

    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    as_of = models.DateField()
    actor = models.CharField(max_length=40)
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.file_name


class RepaymentMethod(models.TextChoices):
    EQUAL_INSTALLMENT = "EQUAL_INSTALLMENT", _("等额本息")


class LoanQuerySet(models.QuerySet["Loan"]):
    def visible_to(self, staff: Staff) -> "LoanQuerySet":
        """The loans whose branch the staff member's roles reach; everything else does not exist."""
        ids = branch_ids_visible_to(staff)
        return self.filter(branch_id__in=ids)


class Loan(models.Model):
    """The contract: who, how much, from when to when. Written at booking and by transfers only."""

    loan_note_no = models.CharField(_("借据号"), max_length=30, unique=True)
    external_id = models.CharField(_("外部编号"), max_length=40, unique=True, null=True)
    borrower = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="loans")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="loans")
    portfolio_officer = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="portfolio")
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
            models.Index(OpClass(F("loan_note_no"), name="varchar_pattern_ops"), name="loan_note_prefix"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(principal_original__gt=0), name="principal_original_positive"),
            models.CheckConstraint(condition=Q(matures_on__gt=F("disbursed_on")), name="matures_after_disbursement"),
            models.CheckConstraint(condition=Q(due_day__gte=1, due_day__lte=31), name="due_day_is_a_day"),
        ]

    def __str__(self) -> str:
        return self.loan_note_no


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


class FiveClass(models.TextChoices):
    PASS = "PASS", _("正常")
    SPECIAL_MENTION = "SPECIAL_MENTION", _("关注")
    SUBSTANDARD = "SUBSTANDARD", _("次级")
    DOUBTFUL = "DOUBTFUL", _("可疑")
    LOSS = "LOSS", _("损失")


class Position(models.Model):
    """The servicing state of a loan: the lock, and all that changes often."""

    loan = models.OneToOneField(
        Loan, on_delete=models.PROTECT, primary_key=True, db_constraint=False, related_name="position"
    )
    principal_balance = money()
    # Principal not billed yet; the balance is this plus the unpaid principal of billed installments.
    unbilled_principal = money()
    suspense = money(default=0)
    annual_rate_percent = models.DecimalField(max_digits=7, decimal_places=4)
    installment_amount = money()
    next_number = models.PositiveSmallIntegerField(null=True)
    next_due_on = models.DateField(null=True)
    last_number = models.PositiveSmallIntegerField()
    overdue_since = models.DateField(null=True)
    five_class = models.CharField(max_length=20, choices=FiveClass.choices, default=FiveClass.PASS)
    settled_on = models.DateField(null=True)

    class Meta:
        db_table = "loans_position"
        indexes = [
            models.Index(fields=["next_due_on"], name="position_due", condition=Q(next_due_on__isnull=False)),
            models.Index(fields=["overdue_since"], name="position_overdue", condition=Q(overdue_since__isnull=False)),
            models.Index(fields=["loan"], name="position_in_suspense", condition=Q(suspense__gt=0)),
            models.Index(fields=["overdue_since"], name="position_not_pass", condition=~Q(five_class="PASS")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(principal_balance__gte=0), name="principal_balance_not_negative"),
            models.CheckConstraint(
                condition=Q(unbilled_principal__gte=0, unbilled_principal__lte=F("principal_balance")),
                name="unbilled_principal_inside_balance",
            ),
            models.CheckConstraint(condition=Q(suspense__gte=0), name="suspense_not_negative"),
        ]

    def __str__(self) -> str:
        return f"position {self.loan_id}"


class Installment(models.Model):
    """A billed installment. Future ones are computed from the terms, not stored."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="installments")
    number = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    principal = money()
    interest = money()
    principal_paid = money(default=0)
    interest_paid = money(default=0)
    # The day from which days past due count: the due day, or the tape's word for opening arrears.
    overdue_from = models.DateField()
    settled_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["loan", "number"], name="installment_unpaid", condition=Q(settled_on__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["loan", "number"], name="installment_billed_once"),
            models.CheckConstraint(
                condition=Q(principal__gte=0, interest__gte=0), name="installment_parts_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(principal_paid__gte=0, principal_paid__lte=F("principal")), name="principal_paid_within_due"
            ),
            models.CheckConstraint(
                condition=Q(interest_paid__gte=0, interest_paid__lte=F("interest")), name="interest_paid_within_due"
            ),
            models.CheckConstraint(
                condition=Q(settled_on__isnull=True) | Q(principal_paid=F("principal"), interest_paid=F("interest")),
                name="settled_installment_is_paid",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}/{self.number}"


class ReceiptState(models.TextChoices):
    WAITING = "WAITING", _("待入账")
    POSTED = "POSTED", _("已入账")
    UNMATCHED = "UNMATCHED", _("未匹配")
    REVERSED = "REVERSED", _("已冲正")


class Receipt(models.Model):
    """Money that came in, known by channel and serial; each serial posts once."""

    channel = models.CharField(_("渠道"), max_length=20)
    serial = models.CharField(_("流水号"), max_length=64)
    loan_ref = models.CharField(max_length=40)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, null=True, related_name="receipts")
    amount = money()
    value_on = models.DateField(_("起息日"))
    state = models.CharField(max_length=10, choices=ReceiptState.choices)
    received_at = models.DateTimeField()
    posted_on = models.DateField(null=True)
    reversed_on = models.DateField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["value_on", "id"], name="receipt_waiting", condition=Q(state="WAITING")),
            models.Index(fields=["loan", "-id"], name="receipt_by_loan"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["channel", "serial"], name="receipt_serial_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="receipt_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="REVERSED", reversed_on__isnull=False, posted_on__isnull=False)
                | (~Q(state="REVERSED") & Q(reversed_on__isnull=True)),
                name="reversed_receipt_has_its_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.serial}"


class PostingKind(models.TextChoices):
    OPENING = "OPENING", _("期初")
    BILLING = "BILLING", _("出账")
    RECEIPT = "RECEIPT", _("还款")
    SUSPENSE_USED = "SUSPENSE_USED", _("暂收抵扣")
    REVERSAL = "REVERSAL", _("冲正")
    REPOSTING = "REPOSTING", _("重新入账")


class Posting(models.Model):
    """Header of a posting; its ledger lines sum to zero. Append-only, corrected by reversal only."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="postings")
    kind = models.CharField(max_length=20, choices=PostingKind.choices)
    value_on = models.DateField()
    business_date = models.DateField()
    booked_at = models.DateTimeField()
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, null=True, db_constraint=False)
    installment_number = models.PositiveSmallIntegerField(null=True)
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    # The reversal in whose place a receipt is posted again. With `receipt_posts_once` and one reversal a posting
    # this leaves a receipt no second live posting: each further one needs a reversal of its own.
    after_reversal = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, db_index=False, related_name="repostings"
    )

    class Meta:
        indexes = [models.Index(fields=["loan", "-id"], name="posting_by_loan")]
        constraints = [
            models.UniqueConstraint(
                fields=["receipt"], condition=Q(kind="RECEIPT", reverses__isnull=True), name="receipt_posts_once"
            ),
            models.UniqueConstraint(
                fields=["loan", "installment_number"], condition=Q(kind="BILLING"), name="installment_posts_once"
            ),
            models.UniqueConstraint(fields=["loan"], condition=Q(kind="OPENING"), name="loan_opens_once"),
            models.UniqueConstraint(
                fields=["after_reversal"], condition=Q(after_reversal__isnull=False), name="reversal_is_followed_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="REVERSAL", reverses__isnull=False) | (~Q(kind="REVERSAL") & Q(reverses__isnull=True)),
                name="reversal_names_its_original",
            ),
            models.CheckConstraint(
                condition=Q(kind="REPOSTING", after_reversal__isnull=False, receipt__isnull=False)
                | (~Q(kind="REPOSTING") & Q(after_reversal__isnull=True)),
                name="reposting_names_its_reversal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Account(models.TextChoices):
    PRINCIPAL = "PRINCIPAL", _("贷款本金")
    INTEREST_RECEIVABLE = "INTEREST_RECEIVABLE", _("应收利息")
    INTEREST_INCOME = "INTEREST_INCOME", _("利息收入")
    CASH = "CASH", _("待清算资金")
    SUSPENSE = "SUSPENSE", _("暂收款")
    TAKEOVER = "TAKEOVER", _("期初过渡")


class LedgerLine(models.Model):
    """One signed line of a posting: debit positive, credit negative. Partitioned by month."""

    pk = models.CompositePrimaryKey("business_date", "posting_id", "line")
    business_date = models.DateField()
    posting_id = models.BigIntegerField()
    line = models.PositiveSmallIntegerField()
    loan_id = models.BigIntegerField()
    account = models.CharField(max_length=20, choices=Account.choices)
    installment_number = models.PositiveSmallIntegerField(null=True)
    amount = money()

    class Meta:
        db_table = "loans_ledger_line"

    def __str__(self) -> str:
        return f"{self.posting_id}/{self.line}"
