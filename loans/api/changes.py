"""Changes of contract over the API: preview, propose, decide, sign, apply, withdraw, reverse; lists and one change."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from loans.actions import changes as actions
from loans.api.fields import StaffBrief, money
from loans.change_wording import sentence
from loans.filters import ChangeFilter
from loans.models import ChangeKind, ChangeState, ContractChange, Loan
from loans.rules.change_asked import COUNTS
from loans.rules.simulation_request import Reason
from people.api.fields import StrictSerializer, TextField, WholeNumberField
from people.api.views import ApiView, ListView, reads, writes


class FiguresReply(serializers.Serializer[Any]):
    installment = money()
    next_amount = money()
    annual_rate_percent = serializers.DecimalField(7, 4)
    installments_left = serializers.IntegerField()
    first_due_on = serializers.DateField(allow_null=True)
    matures_on = serializers.DateField(allow_null=True)
    interest_left = money()
    balance = money()
    method = serializers.CharField()
    due_day = serializers.IntegerField()


class ChangeRowReply(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    due_on = serializers.DateField()
    principal = money()
    interest = money()
    amount = money()
    balance = money()


class PricingReply(serializers.Serializer[Any]):
    spread_bp = serializers.CharField()
    cycle_months = serializers.IntegerField()
    anchor = serializers.CharField()
    next_repricing_on = serializers.DateField(allow_null=True)


class ChangePreviewReply(serializers.Serializer[Any]):
    """Before and after, and what is paid by part; `needed` has to be on the account by the effective day."""

    loan_id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    effective_on = serializers.DateField()
    expires_on = serializers.DateField()
    before = FiguresReply()
    after = FiguresReply()
    principal = money()
    interest = money()
    charges = money()
    fee = money()
    total = money()
    due_first = money()
    needed = money()
    interest_saved = money()
    months_saved = serializers.IntegerField()
    is_restructuring = serializers.BooleanField()
    class_floor = serializers.CharField(allow_blank=True)
    pricing_before = serializers.SerializerMethodField()
    pricing_after = serializers.SerializerMethodField()
    warnings = serializers.ListField(child=serializers.CharField())
    rows_before = ChangeRowReply(many=True)
    rows_after = ChangeRowReply(many=True)

    @extend_schema_field(PricingReply(allow_null=True))
    def get_pricing_before(self, preview: actions.ChangePreview) -> PricingReply | None:
        return PricingReply(preview.pricing_before).data if preview.pricing_before else None  # type: ignore[return-value]

    @extend_schema_field(PricingReply(allow_null=True))
    def get_pricing_after(self, preview: actions.ChangePreview) -> PricingReply | None:
        return PricingReply(preview.pricing_after).data if preview.pricing_after else None  # type: ignore[return-value]


class ChangeRow(serializers.ModelSerializer[ContractChange]):
    loan_id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    state = serializers.ChoiceField(choices=ChangeState.choices)
    proposed_by = StaffBrief()
    decided_by = StaffBrief(allow_null=True)

    class Meta:
        model = ContractChange
        fields = [
            "id", "loan_id", "kind", "state", "version", "effective_on", "expires_on", "principal", "interest",
            "charges", "fee", "is_restructuring", "proposed_by", "proposed_at", "decided_by", "decided_at", "signed_on",
            "applied_on", "ended_on", "observed_from", "observed_until",
        ]  # fmt: skip


class ChangeFull(ChangeRow):
    """A change with what it was asked with and what it does."""

    ended_by = StaffBrief(allow_null=True, help_text="Who withdrew or reversed it.")
    preview = serializers.SerializerMethodField()
    asked = serializers.DictField(child=serializers.CharField())

    class Meta(ChangeRow.Meta):
        fields = [
            *ChangeRow.Meta.fields, "asked", "reason", "decision_note", "signature_note", "ended_by", "end_reason",
            "evidence_name", "evidence_sha256", "result_sha256", "preview",
        ]  # fmt: skip

    def get_preview(self, change: ContractChange) -> ChangePreviewReply:
        return ChangePreviewReply(actions.preview_of(change)).data  # type: ignore[return-value]


@extend_schema_field({"type": "object", "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "integer"}]}})
class AskedField(serializers.DictField):
    """Text by name; a count may be a JSON integer as well."""

    child = TextField(max_length=40, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict):
            counts = {name: data[name] for name in COUNTS if name in data and not isinstance(data[name], str)}
            wrong = [name for name, count in counts.items() if isinstance(count, bool) or not isinstance(count, int)]
            if wrong:
                raise serializers.ValidationError({name: [sentence(Reason("not_whole"))] for name in wrong})
            data = {**data, **{name: str(count) for name, count in counts.items()}}
        found: dict[str, str] = super().to_internal_value(data)
        return found


class AskedForm(StrictSerializer):
    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    asked = AskedField(
        required=False,
        default=dict,
        help_text="Text by name (counts also as integers); which names a kind takes stands in docs/changes.md. "
        "`effective_on` is always one.",
    )


class EvidenceForm(StrictSerializer):
    name = TextField(max_length=200)
    content_base64 = TextField(max_length=2_000_000, help_text="A PDF, PNG or JPEG file.")


class ProposeForm(AskedForm):
    reason = TextField(max_length=400)
    evidence = EvidenceForm(required=False, allow_null=True, default=None)


class DecideForm(StrictSerializer):
    version = WholeNumberField(min_value=1, help_text="As read; 409 when the change has moved since.")
    approve = serializers.BooleanField()
    note = TextField(max_length=200, allow_blank=True, required=False, default="")


class SignForm(StrictSerializer):
    version = WholeNumberField(min_value=1)
    note = TextField(max_length=200, help_text="How and where the borrower signed.")


class ChangeReasonForm(StrictSerializer):
    reason = TextField(max_length=400)


class NothingForm(StrictSerializer):
    """An empty object."""


def _visible(view: ApiView) -> QuerySet[ContractChange]:
    rows = ContractChange.objects.filter(loan__in=Loan.objects.visible_to(view.staff))
    return rows.select_related("proposed_by", "decided_by", "ended_by")


def _full(change: ContractChange, status: int = 200) -> Response:
    return Response(ChangeFull(change).data, status=status)


class LoanChangePreview(ApiView):
    """What a change would do; stores nothing."""

    permission = "loans.propose_change"

    @writes(AskedForm, ChangePreviewReply, operation_id="loans_changes_preview")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        sent = self.sent(AskedForm)

        def effect() -> Response:
            found = actions.preview_change(loan_id=loan.pk, **sent, by=self.staff, at=self.at)
            return Response(ChangePreviewReply(found).data)

        return self.once(effect)


class LoanChanges(ApiView):
    """Proposes a change of one loan; a second person decides it."""

    permission = "loans.propose_change"

    @writes(ProposeForm, ChangeFull, status=201, key_required=True, operation_id="loans_changes_create")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        loan = self.visible(Loan.objects.visible_to(self.staff), pk=pk)
        sent = self.sent(ProposeForm)
        evidence = _file(sent.pop("evidence"))

        def effect() -> Response:
            change = actions.propose_change(loan_id=loan.pk, **sent, evidence=evidence, by=self.staff, at=self.at)
            return _full(change, 201)

        return self.once(effect, required=True)


def _file(sent: Any) -> tuple[str, bytes] | None:
    if sent is None:
        return None
    try:
        return sent["name"], base64.b64decode(sent["content_base64"], validate=True)
    except (binascii.Error, ValueError):
        raise serializers.ValidationError({"evidence": {"content_base64": [_("不是 Base64。")]}}) from None


class ChangeList(ListView):
    """Changes of loans one may see."""

    permission = "loans.view"
    filterset_class = ChangeFilter
    serializer_class = ChangeRow
    orderings = {"id": ("id",), "effective_on": ("effective_on", "id")}
    default_ordering = "-id"

    def rows(self) -> QuerySet[ContractChange]:
        return _visible(self)

    @reads(ChangeRow(many=True), operation_id="changes_list")
    def get(self, request: Request) -> Response:
        return self.listed()


class ChangeDetail(ApiView):
    """One change with its rows before and after."""

    permission = "loans.view"

    @reads(ChangeFull, operation_id="changes_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        return _full(self.visible(_visible(self), pk=pk))


class ChangeEvidence(ApiView):
    """The file that a change was proposed with, recorded as taken; 404 where there is none."""

    permission = "loans.view"

    @reads(OpenApiTypes.BINARY, media_type="application/octet-stream", operation_id="changes_evidence")
    def get(self, request: Request, pk: int) -> HttpResponse:
        change = self.visible(_visible(self), pk=pk)
        try:
            file = actions.take_evidence(change=change, by=self.staff, at=self.at)
        except actions.NoEvidence:
            raise NotFound from None
        return HttpResponse(
            file.content,
            content_type=file.media_type,
            headers={"Content-Disposition": f'attachment; filename="change-{change.pk}"'},
        )


class _ChangeStep(ApiView, abstract=True):
    """One step of one change."""

    permission = "loans.propose_change"

    def step(self, pk: int, run: Callable[..., ContractChange], *, required: bool = False, **sent: Any) -> Any:
        change = self.visible(_visible(self), pk=pk)

        def effect() -> Response:
            return _full(run(change_id=change.pk, **sent, by=self.staff, at=self.at))

        return self.once(effect, required=required)


class ChangeDecide(_ChangeStep):
    """Approves or rejects; never by who proposed it, and not above one's authority."""

    permission = "loans.approve_change"

    @writes(DecideForm, ChangeFull, operation_id="changes_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        return self.step(pk, actions.decide_change, **self.sent(DecideForm))


class ChangeSign(_ChangeStep):
    """The borrower has signed."""

    permission = "loans.propose_change"

    @writes(SignForm, ChangeFull, operation_id="changes_sign")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        return self.step(pk, actions.sign_change, **self.sent(SignForm))


class ChangeApply(_ChangeStep):
    """Applies at once what is signed and ready; else the evening does."""

    permission = "loans.propose_change"

    @writes(NothingForm, ChangeFull, key_required=True, operation_id="changes_apply")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        self.sent(NothingForm)
        return self.step(pk, actions.apply_change, required=True)


class ChangeWithdraw(_ChangeStep):
    """Takes an open change back."""

    permission = "loans.propose_change"

    @writes(ChangeReasonForm, ChangeFull, operation_id="changes_withdraw")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        return self.step(pk, actions.withdraw_change, **self.sent(ChangeReasonForm))


class ChangeReverse(_ChangeStep):
    """Undoes an applied prepayment or settlement while nothing was billed since."""

    permission = "loans.approve_change"

    @writes(ChangeReasonForm, ChangeFull, key_required=True, operation_id="changes_reverse")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        return self.step(pk, actions.reverse_change, required=True, **self.sent(ChangeReasonForm))
