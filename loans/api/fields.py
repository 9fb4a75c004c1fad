"""Fields and brief rows that the loans' endpoints share; borrowers are masked here."""

from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loans.models import (
    FiveClass,
    Loan,
    RepaymentMethod,
)
from loans.rules.aging import days_past_due
from loans.rules.money import AmountError, parse_amount
from people.api.views import ApiView
from people.rules.masking import mask_id, mask_name, mask_phone


def money(**options: Any) -> serializers.DecimalField:
    """An amount going out: always a string with two decimals."""
    return serializers.DecimalField(max_digits=15, decimal_places=2, **options)


@extend_schema_field({"type": "string", "pattern": r"^\d{1,13}(\.\d{1,2})?$", "example": "3204.71"})
class MoneyField(serializers.Field[Decimal, str, str, Any]):
    """An amount coming in: a string of digits with at most two decimals, above zero; JSON numbers are refused."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str):
            raise serializers.ValidationError(_('金额请用字符串，例如 "3204.71"。'))
        try:
            amount = parse_amount(data)
        except AmountError:
            raise serializers.ValidationError(_("金额须为最多 13 位整数、最多两位小数的数字。")) from None
        if amount <= 0:
            raise serializers.ValidationError(_("金额须大于零。"))
        return amount

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.2f}"


class BranchBrief(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class StaffBrief(serializers.Serializer[Any]):
    staff_no = serializers.CharField()
    name = serializers.CharField()


class MaskedBorrower(serializers.Serializer[Any]):
    """A borrower as shown to those who have not asked with a reason."""

    name = serializers.SerializerMethodField()
    id_no = serializers.SerializerMethodField()
    phone = serializers.SerializerMethodField()

    def get_name(self, party: Any) -> str:
        return mask_name(party.name)

    def get_id_no(self, party: Any) -> str:
        return mask_id(party.id_no)

    def get_phone(self, party: Any) -> str:
        return mask_phone(party.phone)


class LoanRow(serializers.ModelSerializer[Loan]):
    """A loan as it stands on the open business date (`as_of` in the serializer's context)."""

    borrower = MaskedBorrower()
    branch = BranchBrief()
    portfolio_officer = StaffBrief(allow_null=True)
    repayment_method = serializers.ChoiceField(choices=RepaymentMethod.choices)
    principal_balance = money(source="position.principal_balance")
    annual_rate_percent = serializers.DecimalField(7, 4, source="position.annual_rate_percent")
    installment_amount = money(source="position.installment_amount")
    next_due_on = serializers.DateField(source="position.next_due_on", allow_null=True)
    overdue_since = serializers.DateField(source="position.overdue_since", allow_null=True)
    days_past_due = serializers.SerializerMethodField()
    five_class = serializers.ChoiceField(choices=FiveClass.choices, source="position.five_class")
    settled_on = serializers.DateField(source="position.settled_on", allow_null=True)

    class Meta:
        model = Loan
        fields = [
            "id", "loan_note_no", "external_id", "borrower", "branch", "portfolio_officer", "principal_original",
            "principal_balance", "annual_rate_percent", "installment_amount", "repayment_method", "disbursed_on",
            "matures_on", "due_day", "next_due_on", "overdue_since", "days_past_due", "five_class", "settled_on",
            "credit_score", "last_visit_on",
        ]  # fmt: skip

    def get_days_past_due(self, loan: Loan) -> int:
        as_of = self.context.get("as_of")
        return days_past_due(loan.position.overdue_since, as_of) if as_of else 0


def visible_loans(view: ApiView) -> QuerySet[Loan]:
    """The loans this person may see, with what a row shows."""
    rows = Loan.objects.visible_to(view.staff)
    return rows.select_related("borrower", "branch", "portfolio_officer", "position")
