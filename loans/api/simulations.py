"""A contract's schedule over the API: the engine's own request and response, nothing stored.

The engine reads the request itself, so that this door and the command on standard input cannot
disagree; the serializers here describe it and are not used to read.
"""

from typing import Any

from drf_spectacular.utils import OpenApiExample, PolymorphicProxySerializer, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from loans.rules.day_count import DAY_COUNTS
from loans.rules.schedule import METHODS, ROUNDINGS
from loans.rules.simulation import answer
from loans.rules.simulation_request import EFFECTS, FIRST_PERIODS, MAX_INSTALLMENTS, VARIANTS
from loans.wording import errors_in_words
from people.api.fields import ErrorBody, ErrorReply
from people.api.views import ApiView, refusals

MAX_REQUESTS = 100


def _amount(**options: Any) -> serializers.RegexField:
    return serializers.RegexField(r"^\d{1,13}(\.\d{1,2})?$", **options)


def _rate() -> serializers.RegexField:
    return serializers.RegexField(r"^\d{1,3}(\.\d{1,4})?$", help_text="Percent a year, 0 to 36.")


class RateChangeForm(serializers.Serializer[Any]):
    effective_on = serializers.DateField(help_text="This day already bears the new rate.")
    annual_rate_percent = _rate()
    variant = serializers.ChoiceField(VARIANTS, required=False)


class PrepaymentForm(serializers.Serializer[Any]):
    paid_on = serializers.DateField()
    amount = _amount(help_text="Principal; between due dates its own interest comes on top.")
    effect = serializers.ChoiceField(EFFECTS)


class SimulationForm(serializers.Serializer[Any]):
    principal = _amount()
    annual_rate_percent = _rate()
    installments = serializers.IntegerField(min_value=1, max_value=MAX_INSTALLMENTS)
    method = serializers.ChoiceField(list(METHODS))
    disbursed_on = serializers.DateField()
    first_due_on = serializers.DateField(required=False)
    due_day = serializers.IntegerField(min_value=1, max_value=31, required=False)
    day_count = serializers.ChoiceField(list(DAY_COUNTS), required=False)
    first_period = serializers.ChoiceField(
        FIRST_PERIODS, required=False, help_text="Required when the first period is not one month."
    )
    installment_rounding = serializers.ChoiceField(list(ROUNDINGS), required=False)
    installment_amount = _amount(required=False)
    principal_grace_installments = serializers.IntegerField(min_value=0, max_value=479, required=False)
    rate_changes = RateChangeForm(many=True, required=False)
    prepayments = PrepaymentForm(many=True, required=False)
    interest_pauses = inline_serializer(
        "InterestPauseForm", {"from": serializers.DateField(), "to": serializers.DateField()}, many=True, required=False
    )


class SimulatedInstallment(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    due_on = serializers.DateField()
    principal = _amount()
    interest = _amount()
    amount = _amount()
    balance_after = _amount(help_text="After a prepayment on the same day, too.")


class SimulatedTotals(serializers.Serializer[Any]):
    principal = _amount()
    interest = _amount()
    amount = _amount()


class SimulatedPrepayment(serializers.Serializer[Any]):
    paid_on = serializers.DateField()
    principal = _amount()
    interest = _amount()
    balance_after = _amount()


class Simulation(serializers.Serializer[Any]):
    installments = SimulatedInstallment(many=True)
    totals = SimulatedTotals()
    prepayments = SimulatedPrepayment(many=True)
    engine_version = serializers.CharField()


def _one_or_many(name: str, serializer: type[serializers.Serializer[Any]]) -> PolymorphicProxySerializer:
    return PolymorphicProxySerializer(
        component_name=name, serializers=[serializer, serializer(many=True)], resource_type_field_name=None, many=False
    )


_ASKED = {
    "principal": "1000000.00",
    "annual_rate_percent": "3.60",
    "installments": 2,
    "method": "EQUAL_INSTALLMENT",
    "disbursed_on": "2026-01-08",
    "due_day": 20,
    "first_period": "BY_DAYS",
}
_ANSWERED = {
    "installments": [
        {
            "number": 1,
            "due_on": "2026-02-20",
            "principal": "499251.12",
            "interest": "4300.00",
            "amount": "503551.12",
            "balance_after": "500748.88",
        },
        {
            "number": 2,
            "due_on": "2026-03-20",
            "principal": "500748.88",
            "interest": "1502.25",
            "amount": "502251.13",
            "balance_after": "0.00",
        },
    ],
    "totals": {"principal": "1000000.00", "interest": "5802.25", "amount": "1005802.25"},
    "prepayments": [],
    "engine_version": "1",
}


# What the command writes (`errors`), beside the shape of every error.
_REFUSAL = inline_serializer(
    "SimulationRefusal",
    {
        "errors": serializers.DictField(child=serializers.ListField(child=serializers.CharField())),
        "error": ErrorBody(),
    },
)


class ScheduleSimulation(ApiView):
    """The schedule of a contract that need not exist. One object or an array of at most 100; stores nothing."""

    permission = "loans.view"

    @extend_schema(
        request=_one_or_many("SimulationRequest", SimulationForm),
        responses={
            200: _one_or_many("SimulationReply", Simulation),
            **refusals(writes=False),
            400: _REFUSAL,
            413: ErrorReply,
            415: ErrorReply,
        },
        operation_id="simulations_schedule",
        examples=[
            OpenApiExample("Broken first period, asked", _ASKED, request_only=True),
            OpenApiExample("Broken first period, answered", _ANSWERED, response_only=True, status_codes=["200"]),
        ],
    )
    def post(self, request: Request) -> Response:
        found, errors = answer(request.data, at_most=MAX_REQUESTS)
        if errors:
            raise ValidationError(dict(errors_in_words(errors)))
        return Response(found)

    def handle_exception(self, exc: Exception) -> Response:
        reply = super().handle_exception(exc)
        if reply.status_code == 400:
            error = reply.data["error"]
            reply.data = {"errors": error["fields"] or {"body": [error["message"]]}, **reply.data}
        return reply
