"""The register of regulations over the API: items with what follows from each, and their steps."""

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions import regulations as actions
from followups.models import Regulation, RegulationState
from followups.queries.regulations import parameter_changes, policy_impacts
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, ListView, reads, writes

VIEWS = "followups.view_policy"


class RegulationRow(serializers.ModelSerializer[Regulation]):
    state = serializers.ChoiceField(choices=RegulationState.choices)
    replaces = serializers.CharField(source="replaces.number", allow_null=True, default=None)

    class Meta:
        model = Regulation
        fields = [
            "id", "number", "title", "issuer", "issued_on", "effective_on", "ended_on", "summary", "replaces", "state",
            "content_sha256", "maker", "made_at", "checker", "decided_at", "remark",
        ]  # fmt: skip


class RegulationParameterRow(serializers.Serializer[Any]):
    """A parameter that follows from it: its value the day before, and from the day on."""

    code = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    value = serializers.JSONField()
    from_on = serializers.DateField()


class RegulationPolicyRow(serializers.Serializer[Any]):
    """A version of the policy that follows from it; `changes` are loans by how their next visit changes."""

    policy_id = serializers.IntegerField()
    version = serializers.IntegerField()
    state = serializers.CharField()
    lines = serializers.ListField(child=serializers.IntegerField())
    dry_run = serializers.IntegerField(allow_null=True)
    changes = serializers.DictField(child=serializers.IntegerField())


class RegulationReply(serializers.Serializer[Any]):
    regulation = RegulationRow()
    parameters = RegulationParameterRow(many=True)
    policies = RegulationPolicyRow(many=True)


class RegulationParameterForm(StrictSerializer):
    code = TextField(max_length=60)
    value = serializers.JSONField()
    from_on = DayField()


class RegulationForm(StrictSerializer):
    number = TextField(max_length=80)
    title = TextField(max_length=200)
    issuer = TextField(max_length=80)
    issued_on = DayField()
    effective_on = DayField()
    summary = TextField(max_length=actions.SUMMARY_MOST)
    replaces = TextField(max_length=80, required=False, allow_blank=True, default="", help_text="Its number.")
    parameters = RegulationParameterForm(many=True, required=False)


class RegulationDecisionForm(StrictSerializer):
    approve = serializers.BooleanField()
    content_sha256 = TextField(max_length=64)
    remark = TextField(max_length=200, required=False, allow_blank=True, default="")


class RegulationWithdrawal(StrictSerializer):
    reason = TextField(max_length=200)


class RegulationLinkForm(StrictSerializer):
    version = WholeNumberField(min_value=1)
    line_number = WholeNumberField(min_value=1, required=False, allow_null=True, default=None)


class RegulationDraftForm(StrictSerializer):
    from_on = DayField()


def _shown(regulation: Regulation, status: int = 200) -> Response:
    changes = [
        {"code": row.parameter.code, "before": row.before, "value": row.parameter.value,
         "from_on": row.parameter.from_on}
        for row in parameter_changes(regulation)
    ]  # fmt: skip
    policies = [
        {"policy_id": row.policy.pk, "version": row.policy.version, "state": row.policy.state, "lines": row.lines,
         "dry_run": row.run.pk if row.run else None, "changes": row.changes}
        for row in policy_impacts(regulation)
    ]  # fmt: skip
    reply = RegulationReply({"regulation": regulation, "parameters": changes, "policies": policies})
    return Response(reply.data, status=status)


class Regulations(ListView):
    """The register; POST enters an item, which another person approves."""

    permission = {"GET": VIEWS, "POST": actions.PROPOSE}
    serializer_class = RegulationRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Regulation]:
        return Regulation.objects.select_related("replaces")

    @reads(RegulationRow(many=True), operation_id="regulations_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(RegulationForm, RegulationReply, status=201, operation_id="regulations_enter")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(RegulationForm)
        parameters = [(each["code"], each["value"], each["from_on"]) for each in asked.pop("parameters", [])]

        def effect() -> Response:
            made = actions.enter_regulation(**asked, parameters=parameters, by=self.staff, at=self.at)
            return _shown(made, 201)

        return self.once(effect)


class _OneRegulation(ApiView, abstract=True):
    def one(self, pk: int) -> Regulation:
        found: Regulation = self.visible(Regulation.objects.select_related("replaces"), pk=pk)
        return found


class RegulationDetail(_OneRegulation):
    """One item with what follows from it."""

    permission = VIEWS

    @reads(RegulationReply, operation_id="regulations_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return _shown(self.one(pk))


class RegulationDecide(_OneRegulation):
    """Approves exactly what was read: its parameters take force on their days and all staff are told; or returns it."""

    permission = actions.APPROVE

    @writes(RegulationDecisionForm, RegulationReply, operation_id="regulations_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, found = self.sent(RegulationDecisionForm), self.one(pk)

        def effect() -> Response:
            actions.decide_regulation(regulation_id=found.pk, **asked, by=self.staff, at=self.at)
            return _shown(self.one(pk))

        return self.once(effect)


class RegulationWithdraw(_OneRegulation):
    """Takes back what waits; its maker does that."""

    permission = actions.PROPOSE

    @writes(RegulationWithdrawal, RegulationReply, operation_id="regulations_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, found = self.sent(RegulationWithdrawal), self.one(pk)

        def effect() -> Response:
            actions.withdraw_regulation(regulation_id=found.pk, **asked, by=self.staff, at=self.at)
            return _shown(self.one(pk))

        return self.once(effect)


class RegulationPolicies(_OneRegulation):
    """Says that a version of the policy, or a line of it, follows from it."""

    permission = actions.PROPOSE

    @writes(RegulationLinkForm, RegulationReply, operation_id="regulations_link")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, found = self.sent(RegulationLinkForm), self.one(pk)

        def effect() -> Response:
            actions.link_policy(regulation_id=found.pk, **asked, by=self.staff, at=self.at)
            return _shown(self.one(pk))

        return self.once(effect)


class RegulationDraft(_OneRegulation):
    """A draft of the policy because of it, with the lines of the newest approved version."""

    permission = actions.PROPOSE

    @writes(RegulationDraftForm, RegulationReply, status=201, operation_id="regulations_draft")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked, found = self.sent(RegulationDraftForm), self.one(pk)

        def effect() -> Response:
            actions.draft_from(regulation_id=found.pk, **asked, by=self.staff, at=self.at)
            return _shown(self.one(pk), 201)

        return self.once(effect)
