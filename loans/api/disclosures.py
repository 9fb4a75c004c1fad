"""Cost disclosures over the API: make one before signing, read what was said, fetch the document."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from journal.queries import exhibit_bytes
from loans.actions.disclosure import ContingentFee, NewDisclosure, make_disclosure, void_disclosure
from loans.api.contracts import (
    AgreedForm,
    FirstHomeForm,
    PatternField,
    PricingForm,
    SeenTextField,
    TermsField,
    first_home_of,
    pricing_of,
)
from loans.api.fields import MoneyField, StaffBrief, money
from loans.api.refunds import YesNoField
from loans.models import CostDisclosure, CostItem, CostKind, DisclosureState, Product
from loans.queries.disclosures import visible_disclosures
from loans.rules.disclosure import DUES, FEE_CODE, CostFee
from loans.rules.money import fen
from people.api.fields import StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes
from people.filters import TruthFilter

MOST_ITEMS = 40


class DisclosureFilter(django_filters.FilterSet):
    number = django_filters.CharFilter(label=_lazy("编号"))
    loan = django_filters.NumberFilter(label=_lazy("贷款"), field_name="loan_id")
    waiting = TruthFilter(label=_lazy("未放款"), method="filter_waiting")
    voided = TruthFilter(label=_lazy("已作废"), field_name="voided_at", lookup_expr="isnull", exclude=True)

    def filter_waiting(self, rows: QuerySet[CostDisclosure], name: str, value: bool) -> QuerySet[CostDisclosure]:
        """Of no contract yet, and of use for one."""
        of_use = Q(loan_id__isnull=True, voided_at__isnull=True)
        return rows.filter(of_use) if value else rows.exclude(of_use)

    class Meta:
        model = CostDisclosure
        fields: list[str] = []


class CostItemRow(serializers.ModelSerializer[CostItem]):
    kind = serializers.ChoiceField(choices=CostKind.choices)
    amount = money(allow_null=True)

    class Meta:
        model = CostItem
        fields = ["code", "kind", "label", "charged_by", "amount", "basis", "due"]


class DisclosureRow(serializers.ModelSerializer[CostDisclosure]):
    """A disclosure in a list."""

    loan_id = serializers.IntegerField(allow_null=True)
    annualised_percent = serializers.DecimalField(9, 4)
    made_by = StaffBrief()
    state = serializers.ChoiceField(choices=DisclosureState.choices)
    voided_by = StaffBrief(allow_null=True)
    pdf_sha256 = serializers.CharField(source="exhibit.sha256", allow_null=True, default=None)

    class Meta:
        model = CostDisclosure
        fields = [
            "id", "number", "state", "loan_id", "annualised_percent", "content_sha256", "pdf_sha256", "made_by",
            "made_at", "voided_by", "voided_at", "void_reason",
        ]  # fmt: skip


class DisclosureFull(DisclosureRow):
    """A disclosure with everything that it says; `content_sha256` is of `content`."""

    items = serializers.SerializerMethodField()
    content = serializers.SerializerMethodField()

    class Meta(DisclosureRow.Meta):
        fields = [*DisclosureRow.Meta.fields, "items", "content"]

    @extend_schema_field(CostItemRow(many=True))
    def get_items(self, disclosure: CostDisclosure) -> Any:
        return CostItemRow(disclosure.items.order_by("id"), many=True).data

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_content(self, disclosure: CostDisclosure) -> Any:
        return disclosure.content


class FeeForm(StrictSerializer):
    """A fee in normal performance: the amount of each time."""

    code = PatternField(FEE_CODE, _lazy("代码须为大写字母、数字和下划线。"))
    label = SeenTextField(max_length=80)  # type: ignore[assignment]
    charged_by = SeenTextField(max_length=80)
    amount = MoneyField()
    due = serializers.ChoiceField(DUES, required=False, default=DUES[0])


class ContingentForm(StrictSerializer):
    """A cost that arises only if something happens: its highest amount, or in words how it is reckoned."""

    code = PatternField(FEE_CODE, _lazy("代码须为大写字母、数字和下划线。"))
    label = SeenTextField(max_length=80)  # type: ignore[assignment]
    charged_by = SeenTextField(max_length=80)
    amount = MoneyField(required=False)
    basis = SeenTextField(max_length=200, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "amount" not in attrs and not attrs["basis"]:
            raise serializers.ValidationError({"basis": [_("请给出最高金额或计算方法。")]})
        return attrs


class DisclosureForm(StrictSerializer):
    product = serializers.ChoiceField(Product.choices, required=False, default=Product.COMMERCIAL)
    terms = TermsField()
    pricing = PricingForm(required=False)
    fees = FeeForm(many=True, required=False, max_length=MOST_ITEMS)  # type: ignore[call-arg]
    contingent = ContingentForm(many=True, required=False, max_length=MOST_ITEMS)  # type: ignore[call-arg]
    agreed = AgreedForm(required=False)
    is_combination_part = YesNoField(required=False, default=False)
    partner = TextField(max_length=30, required=False, allow_blank=True, default="")
    first_home = FirstHomeForm(required=False)


def _fee(sent: dict[str, Any]) -> CostFee:
    return CostFee(sent["code"], sent["label"], sent["charged_by"], fen(sent["amount"]), sent["due"])


def _contingent(sent: dict[str, Any]) -> ContingentFee:
    amount = fen(sent["amount"]) if "amount" in sent else None
    return ContingentFee(sent["code"], sent["label"], sent["charged_by"], amount, sent["basis"])


def asked_from(sent: dict[str, Any]) -> NewDisclosure:
    """What is to be disclosed, as the serializer understood it."""
    return NewDisclosure(
        request=sent["terms"],
        product=sent["product"],
        pricing=pricing_of(sent.get("pricing")),
        fees=tuple(map(_fee, sent.get("fees", ()))),
        contingent=tuple(map(_contingent, sent.get("contingent", ()))),
        agreed=dict(sent.get("agreed") or {}),
        is_combination_part=sent["is_combination_part"],
        partner=sent["partner"],
        first_home=first_home_of(sent.get("first_home")),
    )


class Disclosures(ListView):
    """Disclosures one may see; a new one is made before the contract is signed."""

    permission = {"GET": "loans.view", "POST": "loans.disclose"}
    filterset_class = DisclosureFilter
    serializer_class = DisclosureRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[CostDisclosure]:
        return (
            visible_disclosures(self.staff)
            .select_related("made_by", "voided_by", "exhibit")
            .defer("content", "request")
        )

    @reads(DisclosureRow(many=True), operation_id="disclosures_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(DisclosureForm, DisclosureFull, status=201, key_required=True, operation_id="disclosures_create")
    def post(self, request: Request) -> HttpResponseBase:
        asked = asked_from(self.sent(DisclosureForm))

        def effect() -> Response:
            made = make_disclosure(asked=asked, by=self.staff, at=self.at)
            return Response(DisclosureFull(made).data, status=201)

        return self.once(effect, required=True)


class DisclosureDetail(ApiView):
    """One disclosure with all that it says."""

    permission = "loans.view"

    @reads(DisclosureFull, operation_id="disclosures_retrieve")
    def get(self, request: Request, pk: int) -> Response:
        seen = visible_disclosures(self.staff).select_related("made_by", "voided_by", "exhibit")
        return Response(DisclosureFull(self.visible(seen, pk=pk)).data)


class VoidForm(StrictSerializer):
    reason = TextField(max_length=200)


class DisclosureVoid(ApiView):
    """Voids a disclosure that no contract used."""

    permission = "loans.disclose"

    @writes(VoidForm, DisclosureFull, key_required=True, operation_id="disclosures_void")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        found = self.visible(visible_disclosures(self.staff), pk=pk)
        reason = self.sent(VoidForm)["reason"]

        def effect() -> Response:
            voided = void_disclosure(disclosure_id=found.pk, reason=reason, by=self.staff, at=self.at)
            return Response(DisclosureFull(voided).data)

        return self.once(effect, required=True)


class DisclosurePdf(ApiView):
    """The document as it was made, byte for byte."""

    permission = "loans.view"

    @reads(OpenApiTypes.BINARY, media_type="application/pdf", operation_id="disclosures_pdf")
    def get(self, request: Request, pk: int) -> HttpResponse:
        found = self.visible(visible_disclosures(self.staff).select_related("exhibit"), pk=pk)
        if found.exhibit is None:
            raise NotFound
        return HttpResponse(
            exhibit_bytes(found.exhibit),
            content_type="application/pdf",
            headers={"Content-Disposition": f'attachment; filename="{found.number}.pdf"'},
        )
