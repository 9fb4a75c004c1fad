"""Money: receipts, and append-only postings whose lines sum to zero; ledger lines are partitioned by month."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models.contract import Loan
from loans.models.money import money
from people.models import Staff


class ReceiptState(models.TextChoices):
    WAITING = "WAITING", _("待入账")
    POSTED = "POSTED", _("已入账")
    UNMATCHED = "UNMATCHED", _("未匹配")
    REVERSED = "REVERSED", _("已冲正")
    RETURNED = "RETURNED", _("已退回")


class Receipt(models.Model):
    """Money that came in, known by channel and serial; each serial posts once."""

    channel = models.CharField(_("渠道"), max_length=20)
    serial = models.CharField(_("流水号"), max_length=64)
    loan_ref = models.CharField(max_length=40)
    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True, related_name="receipts"
    )
    amount = money()
    value_on = models.DateField(_("起息日"))
    state = models.CharField(max_length=10, choices=ReceiptState.choices)
    received_at = models.DateTimeField()
    posted_on = models.DateField(null=True)
    reversed_on = models.DateField(null=True)
    # A receipt that named no loan of ours: who found its loan, or sent it back, and why.
    resolved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        indexes = [
            # In the order of chunks: the receipts of a file wait for one day, all of them.
            models.Index(fields=["loan", "value_on"], name="receipt_waiting", condition=Q(state="WAITING")),
            models.Index(fields=["loan", "-id"], name="receipt_by_loan"),
            models.Index(fields=["id"], name="receipt_unmatched", condition=Q(state="UNMATCHED")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["channel", "serial"], name="receipt_serial_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="receipt_amount_positive"),
            models.CheckConstraint(
                condition=Q(state="REVERSED", reversed_on__isnull=False, posted_on__isnull=False)
                | (~Q(state="REVERSED") & Q(reversed_on__isnull=True)),
                name="reversed_receipt_has_its_days",
            ),
            models.CheckConstraint(
                condition=~Q(state="RETURNED") | Q(resolved_by__isnull=False, resolved_at__isnull=False),
                name="returned_receipt_has_its_person",
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
    DISBURSEMENT = "DISBURSEMENT", _("放款")
    PREPAYMENT = "PREPAYMENT", _("提前还款")
    FEE = "FEE", _("收费")
    WAIVER = "WAIVER", _("减免")
    SUBSIDY = "SUBSIDY", _("贴息")
    REFUND = "REFUND", _("暂收退款")
    NON_ACCRUAL = "NON_ACCRUAL", _("利息表外调整")
    WRITE_OFF = "WRITE_OFF", _("核销")


class Posting(models.Model):
    """Header of a posting; its ledger lines sum to zero. Append-only, corrected by reversal only."""

    # Bulk tables carry no index twice: by loan there is `posting_by_loan`; a receipt's postings are found by its loan.
    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="postings"
    )
    kind = models.CharField(max_length=20, choices=PostingKind.choices)
    value_on = models.DateField()
    business_date = models.DateField()
    booked_at = models.DateTimeField()
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False)
    installment_number = models.PositiveSmallIntegerField(null=True)
    # Its unique index, `posting_reversed_once`, holds reversals only (migration 0010): hardly any posting is one.
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    # The reversal in whose place a receipt is posted again. With `receipt_posts_once` and one reversal a posting
    # this leaves a receipt no second live posting: each further one needs a reversal of its own.
    after_reversal = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, db_index=False, related_name="repostings"
    )
    # Id of the contract change, fee, refund that this posting carries out; by `kind`.
    source_id = models.BigIntegerField(null=True)

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
            models.UniqueConstraint(fields=["source_id"], condition=Q(kind="REFUND"), name="refund_posts_once"),
            models.UniqueConstraint(fields=["loan"], condition=Q(kind="DISBURSEMENT"), name="loan_is_disbursed_once"),
            models.UniqueConstraint(
                fields=["loan", "installment_number"], condition=Q(kind="SUBSIDY"), name="installment_is_borne_once"
            ),
            models.CheckConstraint(
                condition=~Q(kind="DISBURSEMENT") | Q(value_on=F("business_date")), name="disbursed_on_the_open_date"
            ),
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
    PENALTY_INCOME = "PENALTY_INCOME", _("罚息收入")
    COMPOUND_INCOME = "COMPOUND_INCOME", _("复利收入")
    FEE_RECEIVABLE = "FEE_RECEIVABLE", _("应收费用")
    FEE_INCOME = "FEE_INCOME", _("手续费收入")
    # Contra of INTEREST_RECEIVABLE: what of it does not count as income.
    INTEREST_OFF_BALANCE = "INTEREST_OFF_BALANCE", _("表外利息抵减")
    SUBSIDY_RECEIVABLE = "SUBSIDY_RECEIVABLE", _("应收财政贴息")
    WRITE_OFF = "WRITE_OFF", _("核销损失")
    WAIVER = "WAIVER", _("减免损失")


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
