"""Warning signals over the API: the list, the chain of each, and the steps that people take."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.signals import close_signal
from followups.queries.signals import Chain, chains, chains_of_loan, signals_visible_to
from loans.api import StaffBrief
from loans.models import Loan
from loans.queries import require_business_date
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, ListView, reads, writes
from risk import actions
from risk.filters import SignalFilter
from risk.models import Signal, SignalAction, SignalLevel, SignalOutcome, SignalSource, SignalState, StepKind


class SignalRow(serializers.ModelSerializer[Signal]):
    """A signal with the rule that gave it (policy version and line) and what that looked at."""

    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    level = serializers.ChoiceField(choices=SignalLevel.choices)
    source = serializers.ChoiceField(choices=SignalSource.choices)  # type: ignore[assignment]
    state = serializers.ChoiceField(choices=SignalState.choices)
    outcome = serializers.ChoiceField(choices=SignalOutcome.choices, allow_blank=True)
    inputs = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Signal
        fields = [
            "id", "loan_id", "loan_note_no", "family", "code", "level", "policy_version", "line_number", "inputs",
            "source", "report_id", "raised_on", "raised_at", "raised_by", "answer_by", "state", "outcome", "closed_on",
            "version",
        ]  # fmt: skip


class SignalActionRow(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    words = serializers.CharField()
    owner = StaffBrief()
    due_on = serializers.DateField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()
    result = serializers.CharField(allow_blank=True)
    evidence = serializers.CharField(allow_blank=True)
    done_on = serializers.DateField(allow_null=True)
    done_by = serializers.CharField(allow_blank=True)


class SignalStepRow(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=StepKind.choices)
    words = serializers.CharField(allow_blank=True)
    action_id = serializers.IntegerField(allow_null=True)
    by = serializers.CharField()
    at = serializers.DateTimeField()


class ChainReply(serializers.Serializer[Any]):
    """A signal from its finding to its end: what people said, what is done about it, how it ended."""

    signal = SignalRow()
    what = serializers.CharField()
    is_late = serializers.BooleanField()
    actions = SignalActionRow(many=True)
    measures = serializers.ListField(child=serializers.IntegerField(), help_text="Measures of the report.")
    steps = SignalStepRow(many=True)


class ChainList(serializers.Serializer[Any]):
    results = ChainReply(many=True)


class SignalAnswerForm(StrictSerializer):
    version = WholeNumberField(min_value=1)
    is_true = serializers.BooleanField()
    words = TextField(max_length=actions.WORDS_MOST)


class SignalActionForm(StrictSerializer):
    version = WholeNumberField(min_value=1)
    words = TextField(max_length=actions.WORDS_MOST)
    owner = TextField(max_length=20, help_text="Staff number.")
    due_on = DayField()


class SignalResultForm(StrictSerializer):
    result = TextField(max_length=actions.WORDS_MOST)
    evidence = TextField(max_length=actions.EVIDENCE_MOST, required=False, allow_blank=True, default="")


class SignalCloseForm(StrictSerializer):
    version = WholeNumberField(min_value=1)
    words = TextField(max_length=actions.WORDS_MOST)


def as_json(chain: Chain) -> dict[str, Any]:
    return {
        "signal": chain.signal, "what": chain.what, "is_late": chain.is_late, "actions": chain.actions,
        "measures": [measure.pk for measure in chain.measures], "steps": chain.steps,
    }  # fmt: skip


class Signals(ListView):
    """Signals of loans one may see; `state` OPEN are those not closed, `late` those with a step nobody took in time."""

    permission = "followups.view"
    filterset_class = SignalFilter
    serializer_class = SignalRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Signal]:
        return signals_visible_to(self.staff)

    @reads(SignalRow(many=True), operation_id="signals_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class _OneSignal(ApiView, abstract=True):
    def one(self, pk: int) -> Signal:
        found: Signal = self.visible(signals_visible_to(self.staff), pk=pk)
        return found

    def chain(self, pk: int) -> Response:
        (found,) = chains([self.one(pk)], require_business_date())
        return Response(ChainReply(as_json(found)).data)


class SignalDetail(_OneSignal):
    permission = "followups.view"

    @reads(ChainReply, operation_id="signals_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return self.chain(pk)


class SignalAnswer(_OneSignal):
    """Says that a signal is true, or explains it away; orange and red only by who may close signals."""

    permission = actions.ANSWER

    @writes(SignalAnswerForm, ChainReply, operation_id="signals_answer")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, signal = self.sent(SignalAnswerForm), self.one(pk)

        def effect() -> Response:
            actions.answer_signal(signal_id=signal.pk, **asked, by=self.staff, at=self.at)
            return self.chain(pk)

        return self.once(effect)


class SignalActions(_OneSignal):
    """Names what is to be done about a confirmed signal, by whom and until when."""

    permission = actions.ANSWER

    @writes(SignalActionForm, ChainReply, operation_id="signals_act")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, signal = self.sent(SignalActionForm), self.one(pk)

        def effect() -> Response:
            actions.set_action(signal_id=signal.pk, **asked, by=self.staff, at=self.at)
            return self.chain(pk)

        return self.once(effect)


class SignalActionFinish(_OneSignal):
    """Says what came of an action; its owner, or who may close signals."""

    permission = actions.ANSWER

    @writes(SignalResultForm, ChainReply, operation_id="signal_actions_finish")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(SignalResultForm)
        action = self.visible(SignalAction.objects.filter(signal__in=Signal.objects.visible_to(self.staff)), pk=pk)

        def effect() -> Response:
            actions.finish_action(action_id=action.pk, **asked, by=self.staff, at=self.at)
            return self.chain(action.signal_id)

        return self.once(effect)


class SignalClose(_OneSignal):
    """Ends a signal whose actions are all done; never by an owner of one of them."""

    permission = actions.CLOSE

    @writes(SignalCloseForm, ChainReply, operation_id="signals_close")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, signal = self.sent(SignalCloseForm), self.one(pk)

        def effect() -> Response:
            close_signal(signal_id=signal.pk, **asked, by=self.staff, at=self.at)
            return self.chain(pk)

        return self.once(effect)


class LoanSignals(ApiView):
    """The chains of a loan's signals, open ones first."""

    permission = "followups.view"

    @reads(ChainList, operation_id="loans_signals_list")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        rows = [as_json(row) for row in chains_of_loan(loan.pk, require_business_date())]
        return Response(ChainList({"results": rows}).data)
