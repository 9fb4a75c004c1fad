"""The follow-up policy over the API: versions, a draft's lines, checker, dry run, the decision of another person."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from followups.actions.policy import (
    decide_policy,
    draft_policy,
    reschedule_policy,
    save_lines,
    submit_policy,
    withdraw_policy,
)
from followups.actions.policy_refusals import read_sent
from followups.actions.policy_runs import ask_for_dry_run
from followups.models.policy import FollowUpPolicy
from followups.policy_wording import conditions_words, finding_words, result_words
from followups.queries.assigning import visiting_roles
from followups.queries.policy import lines_of, policies, run_of
from followups.rules.default_policy import KINDS
from followups.rules.policy_check import Finding, check
from people.api.fields import DayField, StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, ListView, reads, writes
from people.rules.policy import OPERATORS, Line, conditions_as_json

MOST_VERSION = 1_000_000
_READ, _PROPOSE, _APPROVE = "followups.view_policy", "followups.propose_policy", "followups.approve_policy"


class PolicyRow(serializers.ModelSerializer[FollowUpPolicy]):
    """A version. `state` is DRAFT, SUBMITTED, APPROVED or WITHDRAWN; `until` is the first day of the next version."""

    state = serializers.CharField()
    from_on = serializers.DateField(source="in_force.lower")
    until = serializers.DateField(source="in_force.upper", allow_null=True)

    class Meta:
        model = FollowUpPolicy
        fields = [
            "id", "version", "name", "state", "purpose", "based_on", "from_on", "until", "maker", "made_at",
            "submitted_at", "checker", "checked_at", "withdrawn_at", "remark", "content_sha256", "row_version",
        ]  # fmt: skip


class PolicyCondition(StrictSerializer):
    """A comparison of a fact; percentages and amounts are written as text."""

    fact = TextField(max_length=40)
    op = serializers.ChoiceField(choices=OPERATORS)
    value = serializers.JSONField(required=False, allow_null=True)


class PolicyLineForm(StrictSerializer):
    kind = serializers.ChoiceField(choices=KINDS)
    conditions = PolicyCondition(many=True)
    result = serializers.DictField(child=serializers.JSONField())
    note = TextField(max_length=200, allow_blank=True)


class PolicyLineRow(serializers.Serializer[Any]):
    """A line; `words` says its conditions, method and limit."""

    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=KINDS)
    conditions = PolicyCondition(many=True)
    result = serializers.DictField(child=serializers.JSONField())
    note = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField())


class PolicyFinding(serializers.Serializer[Any]):
    """What the checker found; an ERROR keeps the draft from being submitted."""

    code = serializers.CharField()
    weight = serializers.ChoiceField(choices=["ERROR", "WARNING", "NOTE"])
    lines = serializers.ListField(child=serializers.IntegerField())
    words = serializers.CharField()


class PolicyChecked(serializers.Serializer[Any]):
    findings = PolicyFinding(many=True)


class PolicyFull(PolicyRow):
    """A version with its lines, what the checker says, and the dry run of exactly these lines."""

    lines = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField()
    dry_run = serializers.SerializerMethodField()

    class Meta(PolicyRow.Meta):
        fields = [*PolicyRow.Meta.fields, "lines", "findings", "dry_run"]

    @extend_schema_field(PolicyLineRow(many=True))
    def get_lines(self, policy: FollowUpPolicy) -> Any:
        return [_line(line) for line in lines_of(policy)]

    @extend_schema_field(PolicyFinding(many=True))
    def get_findings(self, policy: FollowUpPolicy) -> Any:
        return [_finding(each) for each in check(lines_of(policy), visiting_roles())]

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_dry_run(self, policy: FollowUpPolicy) -> int | None:
        run = run_of(policy)
        return run.pk if run else None


def _line(line: Line) -> dict[str, Any]:
    return {
        "number": line.number, "kind": line.kind, "conditions": conditions_as_json(line), "result": dict(line.result),
        "note": line.note, "words": [conditions_words(line), *map(str, result_words(line))],
    }  # fmt: skip


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "code": found.code, "weight": found.weight, "lines": list(found.lines), "words": finding_words(found)
    }  # fmt: skip


class PolicyDraftForm(StrictSerializer):
    based_on = WholeNumberField(min_value=1, max_value=MOST_VERSION, help_text="The version whose lines are copied.")
    purpose = TextField(max_length=200)
    from_on = DayField()


class PolicyLinesForm(StrictSerializer):
    """All lines of the draft, in order; numbers follow from it."""

    row_version = WholeNumberField(min_value=1)
    lines = PolicyLineForm(many=True)


class PolicyCheckForm(StrictSerializer):
    lines = PolicyLineForm(many=True)


class PolicyVersionForm(StrictSerializer):
    row_version = WholeNumberField(min_value=1)


class PolicyDayForm(StrictSerializer):
    row_version = WholeNumberField(min_value=1)
    from_on = DayField()


class PolicyDecision(StrictSerializer):
    """Approves or returns exactly the lines that `content_sha256` names; a return needs a remark."""

    approve = serializers.BooleanField()
    content_sha256 = TextField(max_length=64)
    remark = TextField(max_length=200, required=False, allow_blank=True)


class PolicyWithdrawal(StrictSerializer):
    reason = TextField(max_length=200)


class PolicyNothing(StrictSerializer):
    """A request without fields."""


class Policies(ListView):
    """Every version, the newest first; a draft begins as a copy of one."""

    permission = {"GET": _READ, "POST": _PROPOSE}
    serializer_class = PolicyRow
    orderings = {"version": ("version", "id"), "id": ("id",)}
    default_ordering = "-version"

    def rows(self) -> QuerySet[FollowUpPolicy]:
        return policies()

    @reads(PolicyRow(many=True), operation_id="policies_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(PolicyDraftForm, PolicyFull, status=201, operation_id="policies_draft")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(PolicyDraftForm)

        def effect() -> Response:
            return Response(PolicyFull(draft_policy(**asked, by=self.staff, at=self.at)).data, status=201)

        return self.once(effect)


class PolicyStep(ApiView, abstract=True):
    """A step of one version; the reply is the version as it is then."""

    def step(self, pk: int, act: Callable[[int], Any]) -> HttpResponseBase:
        policy = self.visible(policies(), pk=pk)

        def effect() -> Response:
            act(policy.pk)
            return Response(PolicyFull(FollowUpPolicy.objects.get(pk=policy.pk)).data)

        return self.once(effect)


class PolicyDetail(ApiView):
    """One version."""

    permission = _READ

    @reads(PolicyFull, operation_id="policies_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return Response(PolicyFull(self.visible(policies(), pk=pk)).data)


class PolicyLines(PolicyStep):
    """Puts these lines in the place of the draft's own; `row_version` is the one that was read."""

    permission = _PROPOSE

    @writes(PolicyLinesForm, PolicyFull, operation_id="policies_lines")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PolicyLinesForm)
        return self.step(pk, lambda policy: save_lines(policy_id=policy, **asked, by=self.staff, at=self.at))


class PolicyCheck(ApiView):
    """What the checker would say of these lines; nothing is kept."""

    permission = _READ

    @writes(PolicyCheckForm, PolicyChecked, operation_id="policies_check")
    def post(self, request: Request) -> Response:
        lines = read_sent(self.sent(PolicyCheckForm)["lines"])
        return Response({"findings": [_finding(each) for each in check(lines, visiting_roles())]})


class PolicyReschedule(PolicyStep):
    """Another first day for a draft."""

    permission = _PROPOSE

    @writes(PolicyDayForm, PolicyFull, operation_id="policies_reschedule")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PolicyDayForm)
        return self.step(pk, lambda policy: reschedule_policy(policy_id=policy, **asked, by=self.staff, at=self.at))


class PolicyTry(PolicyStep):
    """Asks for a dry run of the draft's lines over the whole book; `dry_run` is set when it has ended."""

    permission = _PROPOSE

    @writes(PolicyNothing, PolicyFull, operation_id="policies_try")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(PolicyNothing)
        return self.step(pk, lambda policy: ask_for_dry_run(policy_id=policy, by=self.staff, at=self.at))


class PolicySubmit(PolicyStep):
    """Asks another person to approve; refused while the checker finds faults or the lines were not tried."""

    permission = _PROPOSE

    @writes(PolicyVersionForm, PolicyFull, operation_id="policies_submit")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PolicyVersionForm)
        return self.step(pk, lambda policy: submit_policy(policy_id=policy, **asked, by=self.staff, at=self.at))


class PolicyDecide(PolicyStep):
    """Approves or returns a version that waits; never its maker."""

    permission = _APPROVE

    @writes(PolicyDecision, PolicyFull, operation_id="policies_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PolicyDecision)
        return self.step(pk, lambda policy: decide_policy(policy_id=policy, **asked, by=self.staff, at=self.at))


class PolicyWithdraw(PolicyStep):
    """Ends an own draft or a version of one's own that waits."""

    permission = _PROPOSE

    @writes(PolicyWithdrawal, PolicyFull, operation_id="policies_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        asked = self.sent(PolicyWithdrawal)
        return self.step(pk, lambda policy: withdraw_policy(policy_id=policy, **asked, by=self.staff, at=self.at))
