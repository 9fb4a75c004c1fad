"""What the book amounted to at each close: a few rows a branch, so that no page has to add up the loans."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loans.models.bank import ImportBatch
from loans.models.contract import Loan, Product
from loans.models.money import money
from loans.models.servicing import FiveClass
from people.models import Branch


class DaysBand(models.IntegerChoices):
    """Days past due at the close, by the first of the band; the list of loans is narrowed by the same bands."""

    NONE = 0, _("未逾期")
    UP_TO_30 = 1, "1–30"
    UP_TO_90 = 31, "31–90"
    BEYOND = 91, "91+"


class Figure(models.Model):
    """Open loans of a branch and product at the close of a date, of one class and one band of days past due."""

    business_date = models.DateField()
    # A close writes some thousand at once, of branches it has just read: no look-up for each.
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    product = models.CharField(
        max_length=20, choices=Product.choices, default=Product.COMMERCIAL, db_default=Product.COMMERCIAL
    )
    five_class = models.CharField(max_length=20, choices=FiveClass.choices)
    days_band = models.PositiveSmallIntegerField(choices=DaysBand.choices)
    loans = models.PositiveIntegerField()
    principal = money()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "branch", "product", "five_class", "days_band"], name="figure_once_a_close"
            ),
            models.CheckConstraint(condition=Q(principal__gte=0), name="figure_not_negative"),
            models.CheckConstraint(condition=Q(days_band__in=DaysBand.values), name="figure_in_a_band"),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.branch_id} {self.five_class} {self.days_band}"


class GeneralAccount(models.TextChoices):
    """Accounts of the general ledger that are posted by branch and product, not loan by loan."""

    ACCRUED_INTEREST = "ACCRUED_INTEREST", _("应计利息")
    INTEREST_INCOME = "INTEREST_INCOME", _("利息收入")
    # What had accrued before a book was taken over is no income of this bank's ledger.
    TAKEOVER = "TAKEOVER", _("期初过渡")


class GeneralLine(models.Model):
    """What accrued interest of a branch and product moved by since the close before: debit positive, credit negative.

    Written by the close itself, against income; or, with its batch, when a book is taken over, against the take-over.
    The lines of a date sum to zero; all lines up to a close are what has accrued on it.
    """

    business_date = models.DateField()
    # A close writes some thousand at once, of branches it has just read: no look-up for each.
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    product = models.CharField(max_length=20, choices=Product.choices)
    account = models.CharField(max_length=30, choices=GeneralAccount.choices)
    amount = money()
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")

    class Meta:
        db_table = "loans_general_line"
        constraints = [
            models.UniqueConstraint(
                fields=["business_date", "branch", "product", "account"],
                condition=Q(batch__isnull=True),
                name="general_line_once_a_close",
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="general_line_moves_something"),
            models.CheckConstraint(
                condition=Q(account="ACCRUED_INTEREST")
                | Q(account="INTEREST_INCOME", batch__isnull=True)
                | Q(account="TAKEOVER", batch__isnull=False),
                name="general_line_of_close_or_takeover",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.business_date} {self.branch_id} {self.product} {self.account}"


class FormerBranch(models.Model):
    """Where a loan stood before it changed branch or product: written by the database when a loan moves.

    So that control totals and reports of a date name the branch of that date: until the day before `left_on`, unless an
    earlier row says otherwise.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, db_constraint=False, related_name="+")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, db_index=False, related_name="+")
    product = models.CharField(max_length=20, choices=Product.choices)
    left_on = models.DateField(db_index=True)

    def __str__(self) -> str:
        return f"{self.loan_id} {self.branch_id} {self.left_on}"
