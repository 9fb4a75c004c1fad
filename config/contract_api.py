"""Loans and combination loans come in over the API: the addresses that write into several rooms at once."""

from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from collateral.actions import NewHome
from collateral.models import ChargeKind, PropertyType
from collateral.queries import collateral_values, loan_to_value
from config import contracting
from loans.api import LoanList, LoanRow, MoneyField, visible_loans
from loans.api.contracts import ContractPart, DisbursedLoan, SeenTextField, SignedContract, contract_from
from loans.api.refunds import YesNoField
from loans.models import Combination, Loan
from loans.queries import open_business_date
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, reads, writes
from people.rules.identity import identity_fault, is_phone, name_fault


class BorrowerForm(StrictSerializer):
    """Who signed: a person the bank knows by the identity number, or a new one."""

    id_no = TextField(max_length=18)
    name = TextField(max_length=50)
    phone = TextField(max_length=20, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        faults = {}
        if identity_fault(attrs["id_no"]):
            faults["id_no"] = [_("身份证号有误。")]
        if name_fault(attrs["name"]) or attrs["name"] != attrs["name"].strip():
            faults["name"] = [_("姓名须为 2 至 50 个可见字符。")]
        if attrs["phone"] and not is_phone(attrs["phone"]):
            faults["phone"] = [_("手机或固定电话号码有误。")]
        if faults:
            raise serializers.ValidationError(faults)
        return attrs


class HomeForm(StrictSerializer):
    """The home that secures the contract; a combination has one for both."""

    address = SeenTextField(max_length=200)
    property_type = serializers.ChoiceField(PropertyType.choices)
    value = MoneyField(help_text="The lower of price and appraisal.")
    valued_on = DayField()
    is_owner_occupied = YesNoField(required=False, allow_null=True, default=None)
    kind = serializers.ChoiceField(ChargeKind.choices, required=False, default=ChargeKind.NOT_RECORDED)
    registration_no = SeenTextField(max_length=80, required=False, allow_blank=True, default="")
    registered_on = DayField(required=False, allow_null=True, default=None)


class LoanForm(SignedContract):
    """A signed contract with its borrower and home."""

    branch = TextField(max_length=20, help_text="Code of the branch.")
    portfolio_officer = TextField(max_length=20, required=False, allow_blank=True, default="")
    approver = TextField(
        max_length=20, required=False, allow_blank=True, default="", help_text="Staff number of who approved the loan."
    )
    borrower = BorrowerForm()
    home = HomeForm(required=False)


class CombinationForm(StrictSerializer):
    """Two contracts on one home, signed by one borrower on one day: the fund's part and the bank's."""

    branch = TextField(max_length=20, help_text="Code of the branch.")
    portfolio_officer = TextField(max_length=20, required=False, allow_blank=True, default="")
    approver = TextField(
        max_length=20, required=False, allow_blank=True, default="", help_text="Staff number of who approved the loan."
    )
    signed_on = DayField()
    borrower = BorrowerForm()
    home = HomeForm(required=False)
    fund = ContractPart()
    commercial = ContractPart()


class CombinationReply(serializers.Serializer[Any]):
    """A combination with its loans, the fund's part first, and their loan-to-value together."""

    number = serializers.CharField()
    made_on = serializers.DateField()
    loan_to_value = serializers.DecimalField(9, 2, allow_null=True)
    loans = DisbursedLoan(many=True)


def _known(asked: dict[str, Any], view: ApiView) -> dict[str, Any]:
    """Those whom a contract names, looked up or registered."""
    return contracting.register(
        person=contracting.Borrower(**asked["borrower"]),
        branch_code=asked["branch"],
        officer_no=asked["portfolio_officer"],
        approver_no=asked["approver"],
        by=view.staff,
    )


def _home(asked: dict[str, Any]) -> NewHome | None:
    return NewHome(**asked["home"]) if "home" in asked else None


class Loans(LoanList):
    """Loans one may see; a signed contract becomes one more, paid out on the open business date.

    Answers 201, and 200 with the same loan when the same contract is handed in again under its external number.
    """

    permission = {"GET": "loans.view", "POST": "loans.disburse"}  # type: ignore[assignment]

    @reads(LoanRow(many=True), operation_id="loans_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(LoanForm, DisbursedLoan, status=201, key_required=True, operation_id="loans_create")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(LoanForm)

        @transaction.atomic
        def effect() -> Response:
            known = Loan.objects.filter(external_id=asked["external_id"]).exists()
            contract = contract_from(
                asked, product=str(asked["product"]), signed_on=asked["signed_on"], **_known(asked, self)
            )
            made = contracting.open_loan(contract=contract, home=_home(asked), by=self.staff, at=self.at)
            loan = visible_loans(self).select_related("combination").get(pk=made.pk)
            reply = DisbursedLoan(loan, context={"as_of": open_business_date()})
            return Response(reply.data, status=200 if known else 201)

        return self.once(effect, required=True)


class Combinations(ApiView):
    """A combination loan is paid out: both of its contracts, or neither."""

    permission = "loans.disburse"

    @writes(CombinationForm, CombinationReply, status=201, key_required=True, operation_id="combinations_create")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(CombinationForm)

        @transaction.atomic
        def effect() -> Response:
            external = [asked[part]["external_id"] for part in ("fund", "commercial")]
            known = Loan.objects.filter(external_id__in=external).exists()
            who = {**_known(asked, self), "signed_on": asked["signed_on"]}
            made = contracting.open_combination(
                fund=contract_from(asked["fund"], product="HOUSING_FUND", **who),
                commercial=contract_from(asked["commercial"], product="COMMERCIAL", **who),
                home=_home(asked),
                by=self.staff,
                at=self.at,
            )
            return Response(_reply(made, self), status=200 if known else 201)

        return self.once(effect, required=True)


def _reply(made: Combination, view: ApiView) -> Any:
    loans = list(visible_loans(view).filter(combination=made).select_related("combination").order_by("id"))
    first = loans[0]
    value = collateral_values([first.pk]).get(first.pk, (None, None))[0]
    secured = sum((loan.position.principal_balance for loan in loans), start=first.position.principal_balance * 0)
    found = {
        "number": made.number,
        "made_on": made.made_on,
        "loan_to_value": loan_to_value(secured, value),
        "loans": loans,
    }
    return CombinationReply(found, context={"as_of": open_business_date()}).data
