"""Contracts coming in over the API: terms as the engine reads them, pricing, what was agreed otherwise.

The terms are the very request of the schedule engine, read by the engine itself, so that a simulation, a disclosure
and a disbursement cannot understand the same bytes differently. What is not understood is a 400 by field; what the
bank's limits do not allow is a 422 by field.
"""

import re
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from loans.actions.disbursement import NewContract
from loans.api.fields import LoanRow, MoneyField, money
from loans.api.refunds import YesNoField
from loans.api.simulations import SimulationForm
from loans.models import PricingAnchor, PricingKind, Product, Tenor
from loans.rules.contract import NewPricing
from loans.rules.money import fen
from loans.rules.simulation_request import Request, parse_request
from loans.rules.subsidy import FirstHome
from loans.wording import errors_in_words
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.rules.identity import has_unseen_characters

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")


@extend_schema_field({"type": "string"})
class PatternField(serializers.Field[str, str, str, Any]):
    """Text of one pattern, whole and in ASCII; a JSON number is refused."""

    def __init__(self, pattern: str, sentence: Any, **options: Any) -> None:
        super().__init__(**options)
        self.pattern, self.sentence = re.compile(pattern, re.ASCII), sentence

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not self.pattern.fullmatch(data):
            raise serializers.ValidationError(str(self.sentence))
        return data

    def to_representation(self, value: Any) -> str:
        return str(value)


class SeenTextField(TextField):
    """Text without characters that cannot be seen."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if has_unseen_characters(text):
            raise serializers.ValidationError(_("含有不可见或控制字符。"))
        return text


@extend_schema_field(SimulationForm)
class TermsField(serializers.Field[Request, Any, Any, Any]):
    """The engine's request; every fault by its path."""

    def to_internal_value(self, data: Any) -> Request:
        found = parse_request(data)
        if isinstance(found, Request):
            return found
        raise serializers.ValidationError({name: list(reasons) for name, reasons in errors_in_words(found).items()})

    def to_representation(self, value: Any) -> Any:
        return value


@extend_schema_field({"type": "string", "pattern": r"^-?\d{1,4}(\.\d{1,2})?$", "example": "-30.00"})
class SpreadField(PatternField):
    def __init__(self, **options: Any) -> None:
        super().__init__(r"-?[0-9]{1,4}(\.[0-9]{1,2})?", _lazy('加点请用字符串，例如 "-30"。'), **options)


class PricingForm(StrictSerializer):
    """A fixed rate is `{"kind": "FIXED"}`; one that follows the LPR names everything."""

    kind = serializers.ChoiceField(PricingKind.choices)
    tenor = serializers.ChoiceField(Tenor.choices, required=False)
    spread_bp = SpreadField(required=False)
    cycle_months = WholeNumberField(required=False, min_value=1, max_value=120)
    anchor = serializers.ChoiceField(PricingAnchor.choices, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = ("tenor", "spread_bp", "cycle_months", "anchor")
        if attrs["kind"] == PricingKind.LPR:
            missing = {name: [_("此项必填。")] for name in needed if name not in attrs}
        else:
            missing = {name: [_("固定利率没有此项。")] for name in needed if name in attrs}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class AgreedForm(StrictSerializer):
    """What this contract agreed otherwise than the bank."""

    grace_days = WholeNumberField(required=False, min_value=0, max_value=60)
    penalty_multiplier_overdue = PatternField(
        r"[0-9](\.[0-9]{1,3})?", _lazy('倍数请用字符串，例如 "1.5"。'), required=False
    )


class FirstHomeForm(StrictSerializer):
    """What is claimed for the interest subsidy of a first home."""

    area = PatternField(r"[0-9]{1,4}(\.[0-9]{1,2})?", _lazy('面积请用字符串，例如 "89.5"。'), help_text="m²")
    price = MoneyField()
    is_first_home = YesNoField()
    is_refinancing = YesNoField()


class ContractPart(StrictSerializer):
    """One contract: what it says of money."""

    external_id = PatternField(_NUMBER.pattern, _lazy("编号须为最多 40 个字母、数字或 . _ / -。"))
    terms = TermsField()
    pricing = PricingForm(required=False)
    agreed = AgreedForm(required=False)
    disclosure = TextField(max_length=30, required=False, allow_blank=True, default="")
    first_home = FirstHomeForm(required=False)
    credit_score = WholeNumberField(required=False, min_value=0, max_value=2000)


class SignedContract(ContractPart):
    """A single contract: its product and the day on which it was signed."""

    product = serializers.ChoiceField(Product.choices, required=False, default=Product.COMMERCIAL)
    signed_on = DayField()


class DisbursedLoan(LoanRow):
    """A loan that was paid out."""

    product = serializers.ChoiceField(Product.choices)
    combination = serializers.CharField(source="combination.number", allow_null=True, default=None)
    next_repricing_on = serializers.DateField(source="position.next_repricing_on", allow_null=True)
    subsidy = serializers.SerializerMethodField()

    class Meta(LoanRow.Meta):
        fields = [*LoanRow.Meta.fields, "product", "signed_on", "combination", "next_repricing_on", "subsidy"]

    @extend_schema_field(money(allow_null=True))
    def get_subsidy(self, loan: Any) -> str | None:
        """The principal on which part of the interest is borne; null without a subsidy."""
        found = loan.subsidies.first()
        return None if found is None else f"{found.principal_cap:.2f}"


def pricing_of(sent: dict[str, Any] | None) -> NewPricing:
    if sent is None or sent["kind"] != PricingKind.LPR:
        return NewPricing()
    return NewPricing(**{**sent, "spread_bp": Decimal(sent["spread_bp"])})


def first_home_of(sent: dict[str, Any] | None) -> FirstHome | None:
    if sent is None:
        return None
    return FirstHome(Decimal(sent["area"]), fen(sent["price"]), sent["is_first_home"], sent["is_refinancing"])


def contract_from(sent: dict[str, Any], **known: Any) -> NewContract:
    """The contract that a serializer understood, with what the caller looked up."""
    return NewContract(
        **known,
        external_id=sent["external_id"],
        request=sent["terms"],
        pricing=pricing_of(sent.get("pricing")),
        agreed=dict(sent.get("agreed") or {}),
        disclosure=sent["disclosure"],
        first_home=first_home_of(sent.get("first_home")),
        credit_score=sent.get("credit_score"),
    )
