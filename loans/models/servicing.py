"""What changes while a loan is served: the narrow position, which is the lock of everything under a loan, and billed
installments. Days past due are derived, never stored."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from loans.models.contract import Loan
from loans.models.money import money
from people.models import Staff


class FiveClass(models.TextChoices):
    PASS = "PASS", _("正常")
    SPECIAL_MENTION = "SPECIAL_MENTION", _("关注")
    SUBSTANDARD = "SUBSTANDARD", _("次级")
    DOUBTFUL = "DOUBTFUL", _("可疑")
    LOSS = "LOSS", _("损失")


class Position(models.Model):
    """The servicing state of a loan: the lock, and all that changes often.

    The table also holds the loan's branch and product, for the control totals; triggers of the database keep them.
    """

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
    next_repricing_on = models.DateField(null=True)
    # A restructured loan under observation is not better than this, whatever its days past due.
    class_floor = models.CharField(max_length=20, choices=FiveClass.choices, default="", db_default="", blank=True)
    accelerated_on = models.DateField(null=True)
    # Written off: the balance is off the books, the claim stays with the unpaid installments.
    written_off_on = models.DateField(null=True)
    # Billed interest that does not count as income while the loan is non-accrual (表外应收利息).
    off_balance_interest = money(default=0, db_default=0)
    # Fees charged and not paid.
    fees_due = money(default=0, db_default=0)
    # The day up to which interest of the running period is reckoned, and that interest where the rate changed inside.
    # Null: nothing is left to bill; or, with a next number, only the signed terms can tell (a pause, a waiting rate).
    accrues_from = models.DateField(null=True)
    accrued_before = money(default=0, db_default=0)
    # The rate at which the running period is charged to its end, where another one waits for the next; else null.
    # What a day adds at it stands beside it as `day_product`, which the database reckons.
    accrual_rate_percent = models.DecimalField(max_digits=7, decimal_places=4, null=True)

    class Meta:
        db_table = "loans_position"
        indexes = [
            # With the loan, so that a chunk of an evening reads its own part of a day and nothing of the others.
            models.Index(fields=["next_due_on", "loan"], name="position_due", condition=Q(next_due_on__isnull=False)),
            models.Index(fields=["overdue_since"], name="position_overdue", condition=Q(overdue_since__isnull=False)),
            # The list of loans from the longest overdue and from the largest balance on.
            models.Index(
                fields=["overdue_since", "loan"], name="position_overdue_list", condition=Q(overdue_since__isnull=False)
            ),
            models.Index(fields=["-principal_balance", "loan"], name="position_balance_list"),
            models.Index(fields=["five_class", "loan"], name="position_class_list", condition=~Q(five_class="PASS")),
            models.Index(fields=["loan"], name="position_in_suspense", condition=Q(suspense__gt=0)),
            # A class that is not that of its days past due is a range of this, read without the rows.
            models.Index(
                fields=["five_class", "overdue_since"],
                include=["loan", "class_floor"],
                name="position_class_since",
                condition=Q(overdue_since__isnull=False) | ~Q(five_class="PASS"),
            ),
            models.Index(
                fields=["next_repricing_on"], name="position_repricing", condition=Q(next_repricing_on__isnull=False)
            ),
            models.Index(fields=["loan"], name="position_class_floor", condition=~Q(class_floor="")),
            # `position_apart`, made in SQL for its branch and product: loans overdue or not PASS, with what every
            # evening asks of them. And who holds something without being one of them.
            models.Index(
                fields=["loan"],
                name="position_holds_no_more",
                condition=Q(off_balance_interest__gt=0, overdue_since__isnull=True, five_class="PASS"),
            ),
            models.Index(
                fields=["loan"],
                name="position_accrues_by_terms",
                condition=Q(accrues_from__isnull=True, next_number__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(principal_balance__gte=0), name="principal_balance_not_negative"),
            models.CheckConstraint(
                condition=Q(unbilled_principal__gte=0, unbilled_principal__lte=F("principal_balance")),
                name="unbilled_principal_inside_balance",
            ),
            models.CheckConstraint(condition=Q(suspense__gte=0), name="suspense_not_negative"),
            models.CheckConstraint(condition=Q(off_balance_interest__gte=0), name="off_balance_interest_not_negative"),
            models.CheckConstraint(condition=Q(fees_due__gte=0), name="fees_due_not_negative"),
            models.CheckConstraint(
                condition=Q(annual_rate_percent__gte=0, annual_rate_percent__lte=100),
                name="position_rate_within_limits",
            ),
            models.CheckConstraint(
                condition=Q(written_off_on__isnull=True) | Q(principal_balance=0), name="written_off_balance_is_zero"
            ),
            models.CheckConstraint(
                condition=Q(accrued_before=0) | Q(accrued_before__gt=0, accrues_from__isnull=False),
                name="accrued_before_a_day",
            ),
            models.CheckConstraint(
                condition=Q(accrual_rate_percent__isnull=True)
                | Q(accrual_rate_percent__gte=0, accrual_rate_percent__lte=100, accrues_from__isnull=False),
                name="accrual_rate_of_a_running_period",
            ),
        ]

    def __str__(self) -> str:
        return f"position {self.loan_id}"


class Installment(models.Model):
    """A billed installment. Future ones are computed from the terms, not stored."""

    loan = models.ForeignKey(
        Loan, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="installments"
    )
    number = models.PositiveSmallIntegerField()
    due_on = models.DateField()
    principal = money()
    interest = money()
    principal_paid = money(default=0)
    interest_paid = money(default=0)
    # Penalty and compound interest paid, and what is left of them once principal and interest are paid.
    penalty_paid = money(default=0, db_default=0)
    compound_paid = money(default=0, db_default=0)
    penalty_left = money(default=0, db_default=0)
    compound_left = money(default=0, db_default=0)
    # What was paid late bore penalty for its days: fen x days x ppm x thousandths, exact (loans.rules.penalty).
    late_principal_units = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    late_interest_units = models.DecimalField(max_digits=30, decimal_places=0, default=0, db_default=0)
    # The day from which days past due count: the due day, or the tape's word for opening arrears.
    overdue_from = models.DateField()
    settled_on = models.DateField(null=True)

    class Meta:
        indexes = [
            # What the evening asks of unpaid installments, it reads here without their rows.
            models.Index(
                fields=["loan", "number"],
                include=["due_on", "overdue_from", "interest", "interest_paid"],
                name="installment_unpaid",
                condition=Q(settled_on__isnull=True),
            ),
            models.Index(
                fields=["loan", "number"],
                name="installment_owes_charges",
                condition=Q(penalty_left__gt=0) | Q(compound_left__gt=0),
            ),
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
            models.CheckConstraint(
                condition=Q(penalty_paid__gte=0, compound_paid__gte=0, penalty_left__gte=0, compound_left__gte=0)
                & Q(late_principal_units__gte=0, late_interest_units__gte=0),
                name="charges_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(settled_on__isnull=False) | Q(penalty_left=0, compound_left=0),
                name="charges_left_after_settlement",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}/{self.number}"


class Fee(models.Model):
    """A fee charged to a loan. One that its cost disclosure does not name is refused by a trigger."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="fees")
    code = models.CharField(_("费用项目"), max_length=40)
    amount = money()
    paid = money(default=0)
    charged_on = models.DateField()
    settled_on = models.DateField(null=True)
    reason = models.CharField(max_length=200)
    charged_by = models.CharField(max_length=40)
    # What of it need not be paid any more, and since when.
    waived = money(default=0, db_default=0)
    waived_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["loan", "id"], name="fee_unpaid", condition=Q(settled_on__isnull=True))]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="fee_amount_positive"),
            models.CheckConstraint(condition=Q(paid__gte=0, paid__lte=F("amount")), name="fee_paid_within_amount"),
            models.CheckConstraint(
                condition=Q(settled_on__isnull=True) | Q(paid=F("amount") - F("waived")),
                name="settled_fee_is_paid",
            ),
            models.CheckConstraint(
                condition=Q(waived__gte=0, waived__lte=F("amount") - F("paid")), name="fee_waived_within_rest"
            ),
            models.CheckConstraint(
                condition=Q(waived=0, waived_on__isnull=True) | Q(waived__gt=0, waived_on__isnull=False),
                name="waived_fee_has_its_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.code}"


class RefundState(models.TextChoices):
    PROPOSED = "PROPOSED", _("待复核")
    APPROVED = "APPROVED", _("已退款")
    REJECTED = "REJECTED", _("已驳回")


class Refund(models.Model):
    """Money in suspense that goes back to where it came from; one proposes, another approves."""

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="refunds")
    amount = money()
    reason = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=RefundState.choices, default=RefundState.PROPOSED)
    proposed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(Staff, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    refunded_on = models.DateField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("proposed_by")),
                name="refund_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(state="PROPOSED", decided_by__isnull=True, decided_at__isnull=True)
                | Q(state__in=("APPROVED", "REJECTED"), decided_by__isnull=False, decided_at__isnull=False),
                name="decided_refund_has_its_checker",
            ),
            models.CheckConstraint(
                condition=Q(state="APPROVED", refunded_on__isnull=False)
                | (~Q(state="APPROVED") & Q(refunded_on__isnull=True)),
                name="approved_refund_has_its_day",
            ),
            models.UniqueConstraint(fields=["loan"], condition=Q(state="PROPOSED"), name="one_open_refund"),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id} {self.amount}"
