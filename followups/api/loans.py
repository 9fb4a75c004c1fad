"""One loan as a whole: the contract and its money from below, grade, loan-to-value and visits from here."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from collateral.models import ChargeKind, PropertyType
from collateral.queries import balances_beside, charges_of, collateral_values, loan_to_value
from followups import queries
from followups.api.tasks import TaskRow, row_context
from loans.api import LoanRow, money, visible_loans
from loans.models import Loan, Product
from loans.queries import LoanFacts, loan_facts
from loans.queries.contract import partners_of
from people.api.views import ApiView, reads
from people.queries import may
from people.rules.masking import mask_address
from risk.models import GradeLevel
from risk.queries import grade_of

LAST_TASKS = 10


class FactsRow(serializers.Serializer[Any]):
    """The money of a loan on the open business date, and the ratios that follow from it."""

    as_of = serializers.DateField(allow_null=True)
    principal_balance = money()
    principal_repaid = money()
    unpaid_principal = money()
    unpaid_interest = money()
    overdue_amount = money()
    overdue_installments = serializers.IntegerField()
    days_past_due = serializers.IntegerField()
    suspense = money()
    next_due_on = serializers.DateField(allow_null=True)
    next_amount = money(allow_null=True)
    installments_left = serializers.IntegerField()
    annual_rate_percent = serializers.DecimalField(7, 4)
    five_class = serializers.CharField()


class HomeRow(serializers.Serializer[Any]):
    """A mortgaged home; the address down to the district."""

    address = serializers.SerializerMethodField()
    property_type = serializers.ChoiceField(choices=PropertyType.choices, source="property.property_type")
    value = money(source="property.value", allow_null=True)
    valued_on = serializers.DateField(source="property.valued_on", allow_null=True)
    charge_kind = serializers.ChoiceField(choices=ChargeKind.choices, source="kind")
    registered_on = serializers.DateField(allow_null=True)

    def get_address(self, charge: Any) -> str:
        return mask_address(charge.property.address)


class PartnerRow(serializers.ModelSerializer[Loan]):
    """The other contract of a combination loan, as far as one may see it."""

    product = serializers.ChoiceField(choices=Product.choices)
    principal_balance = money(source="position.principal_balance")
    annual_rate_percent = serializers.DecimalField(7, 4, source="position.annual_rate_percent")
    installment_amount = money(source="position.installment_amount")

    class Meta:
        model = Loan
        fields = ["id", "loan_note_no", "product", "principal_balance", "annual_rate_percent", "installment_amount"]


class LoanFull(LoanRow):
    """A loan with its facts, homes and last follow-up tasks."""

    facts = serializers.SerializerMethodField()
    grade = serializers.SerializerMethodField()
    product = serializers.ChoiceField(choices=Product.choices)
    combination = serializers.CharField(source="combination.number", allow_null=True, default=None)
    partners = serializers.SerializerMethodField()
    loan_to_value = serializers.SerializerMethodField()
    homes = serializers.SerializerMethodField()
    last_tasks = serializers.SerializerMethodField()

    class Meta(LoanRow.Meta):
        fields = [
            *LoanRow.Meta.fields, "baseline_on", "signed_on", "product", "combination", "partners", "facts", "grade",
            "loan_to_value", "homes", "last_tasks",
        ]  # fmt: skip

    @extend_schema_field(PartnerRow(many=True))
    def get_partners(self, loan: Loan) -> Any:
        found = list(partners_of(loan).visible_to(self.context["staff"])) if loan.combination_id else []
        return PartnerRow(found, many=True).data

    @extend_schema_field(FactsRow)
    def get_facts(self, loan: Loan) -> Any:
        return FactsRow(self.context["facts"]).data

    @extend_schema_field(serializers.ChoiceField(choices=GradeLevel.choices, allow_null=True))
    def get_grade(self, loan: Loan) -> str | None:
        grade = grade_of(loan.pk)
        return grade.level if grade else None

    @extend_schema_field(serializers.DecimalField(9, 2, allow_null=True))
    def get_loan_to_value(self, loan: Loan) -> str | None:
        value, _oldest = collateral_values([loan.pk]).get(loan.pk, (None, None))
        beside = balances_beside([loan.pk]).get(loan.pk, Decimal(0))
        ratio = loan_to_value(loan.position.principal_balance + beside, value)
        return None if ratio is None else f"{ratio:.2f}"

    @extend_schema_field(HomeRow(many=True))
    def get_homes(self, loan: Loan) -> Any:
        return HomeRow(charges_of(loan.pk), many=True).data

    @extend_schema_field(TaskRow(many=True))
    def get_last_tasks(self, loan: Loan) -> Any:
        if not may(self.context["staff"], "followups.view"):
            return []
        tasks = list(queries.desk(self.context["staff"]).filter(loan_id=loan.pk).order_by("-id")[:LAST_TASKS])
        return TaskRow(tasks, many=True, context=row_context(tasks, self.context["staff"])).data


class LoanDetail(ApiView):
    """One loan."""

    permission = "loans.view"

    @reads(LoanFull, operation_id="loans_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(visible_loans(self).select_related("combination"), pk=pk)
        facts: LoanFacts = loan_facts(loan)
        context = {"facts": facts, "as_of": facts.as_of, "staff": self.staff}
        return Response(LoanFull(loan, context=context).data)


class TimelineEntry(serializers.Serializer[Any]):
    on = serializers.DateField()
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(choices=[(kind, kind) for kind in ("task", "report", "receipt", "posting", "fact")])
    text = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    ref = serializers.IntegerField(help_text="Id of the row that speaks, by kind; 0 for none.")
    actor = serializers.CharField(allow_blank=True)


class TimelineReply(serializers.Serializer[Any]):
    results = TimelineEntry(many=True)


class LoanTimeline(ApiView):
    """What happened to a loan, the newest first: tasks, reports, receipts, postings, facts."""

    permission = "followups.view"

    @reads(TimelineReply, operation_id="loans_timeline")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(visible_loans(self), pk=pk)
        return Response(TimelineReply({"results": queries.timeline(loan)}).data)
