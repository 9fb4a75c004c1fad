"""Files of money between the bank's core and here: debits asked for, their results, and the rows that did not match."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models.contract import Loan
from loans.models.ledger import Receipt
from loans.models.money import money
from people.models import Staff


class MoneyFileKind(models.TextChoices):
    DEBITS_OUT = "DEBITS_OUT", _("扣款指令")
    DEBITS_BACK = "DEBITS_BACK", _("扣款结果")
    RECEIPTS = "RECEIPTS", _("还款文件")


class MoneyFile(models.Model):
    """A file that went out or came in, by its hash; the same file comes in once."""

    kind = models.CharField(max_length=20, choices=MoneyFileKind.choices)
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    business_date = models.DateField()
    actor = models.CharField(max_length=40)
    at = models.DateTimeField()
    counts = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["-id"], name="money_file_new")]
        constraints = [
            models.UniqueConstraint(
                fields=["sha256"], condition=~Q(kind="DEBITS_OUT"), name="money_file_comes_in_once"
            ),
            models.UniqueConstraint(
                fields=["business_date"], condition=Q(kind="DEBITS_OUT"), name="debits_asked_once_a_date"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DebitResult(models.TextChoices):
    PENDING = "PENDING", _("待回盘")
    PAID = "PAID", _("扣款成功")
    PARTIAL = "PARTIAL", _("部分扣款")
    FAILED = "FAILED", _("扣款失败")


class DebitInstruction(models.Model):
    """One debit asked of the core bank: so much from the borrower's account for a loan on a day."""

    file = models.ForeignKey(MoneyFile, on_delete=models.PROTECT, related_name="instructions")
    serial = models.CharField(_("指令号"), max_length=40, unique=True)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="debits")
    amount = money()
    value_on = models.DateField()
    result = models.CharField(max_length=10, choices=DebitResult.choices, default=DebitResult.PENDING)
    paid = money(default=0)
    failure = models.CharField(max_length=80, blank=True)
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, null=True, db_constraint=False, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["loan", "-id"], name="debit_by_loan"),
            models.Index(fields=["loan"], name="debit_pending", condition=Q(result="PENDING")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="debit_amount_positive"),
            models.CheckConstraint(condition=Q(paid__gte=0), name="debit_paid_not_negative"),
        ]

    def __str__(self) -> str:
        return self.serial


class BreakState(models.TextChoices):
    OPEN = "OPEN", _("待处理")
    RESOLVED = "RESOLVED", _("已处理")


class ReceiptBreak(models.Model):
    """A row of an incoming file that could not be used as it is, with the reason; a person settles it."""

    file = models.ForeignKey(MoneyFile, on_delete=models.PROTECT, related_name="breaks")
    line = models.PositiveIntegerField()
    # The row as it came: column names and texts (no personal data by the file's definition).
    row = models.JSONField()
    column = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, null=True, db_constraint=False, related_name="+")
    state = models.CharField(max_length=10, choices=BreakState.choices, default=BreakState.OPEN)
    resolved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)
    resolution = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="break_open", condition=Q(state="OPEN")),
            models.Index(fields=["receipt"], name="break_of_receipt", condition=Q(receipt__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["file", "line"], name="break_once_a_line"),
            models.CheckConstraint(
                condition=Q(state="OPEN", resolved_by__isnull=True)
                | Q(state="RESOLVED", resolved_by__isnull=False, resolved_at__isnull=False),
                name="resolved_break_has_its_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.line}"


class ReturnState(models.TextChoices):
    PROPOSED = "PROPOSED", _("待复核")
    APPROVED = "APPROVED", _("已退回")
    REJECTED = "REJECTED", _("已驳回")


class MoneyReturn(models.Model):
    """Money that named no loan goes back to its sender; one proposes, another approves."""

    receipt = models.ForeignKey(Receipt, on_delete=models.PROTECT, related_name="returns")
    reason = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=ReturnState.choices, default=ReturnState.PROPOSED)
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="return_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(state="PROPOSED", decided_by__isnull=True, decided_at__isnull=True)
                | Q(state__in=("APPROVED", "REJECTED"), decided_by__isnull=False, decided_at__isnull=False),
                name="decided_return_has_its_checker",
            ),
            models.UniqueConstraint(
                fields=["receipt"], condition=Q(state__in=("PROPOSED", "APPROVED")), name="one_return_a_receipt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.receipt_id} {self.state}"
