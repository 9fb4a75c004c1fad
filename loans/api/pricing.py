"""Pricing over the API: published rates, repricing runs with their items, missed repricings, wide spreads."""

import re
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loans import queries
from loans.actions.lpr import decide_lpr, propose_lpr
from loans.actions.pricing_documents import take_notice
from loans.actions.repricing import ask_for_preview, cancel_repricing, decide_repricing, make_up_for_missed
from loans.api.fields import BranchBrief, MaskedBorrower, StaffBrief, money, visible_loans
from loans.filters import ITEM_STATES, PricedLoanFilter, RepricingItemFilter
from loans.models import Loan, LprRate, Pricing, PricingAnchor, PricingKind, RepricingItem, RepricingRun, Tenor
from loans.models import RepricingState as RunState
from loans.queries import pricing as pricings
from loans.queries import repricing as runs
from loans.repricing_wording import failure_words, held_words
from people.api.fields import DayField, StrictSerializer, TextField
from people.api.views import ApiView, ListView, reads, writes

_RATE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,4})?")


@extend_schema_field({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,4})?$", "example": "3.50"})
class RateField(serializers.Field[Decimal, str, str, Any]):
    """A rate in percent coming in: a string of digits with at most four decimals."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str):
            raise serializers.ValidationError(_('利率请用字符串，例如 "3.60"。'))
        if not _RATE.fullmatch(data):
            raise serializers.ValidationError(_("利率须为百分数，最多四位小数，不带符号。"))
        return Decimal(data)

    def to_representation(self, value: Decimal) -> str:
        return f"{value:.4f}"


class YesNoField(serializers.BooleanField):
    """A JSON true or false, not a word or a number for one."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


# ── Published rates ──────────────────────────────────────────────────────────────────────────────


class LprRow(serializers.ModelSerializer[LprRate]):
    tenor = serializers.ChoiceField(choices=Tenor.choices)
    proposed_by = StaffBrief(allow_null=True)
    approved_by = StaffBrief(allow_null=True)

    class Meta:
        model = LprRate
        fields = [
            "id", "tenor", "published_on", "rate_percent", "source", "is_approved", "proposed_by", "proposed_at",
            "approved_by", "approved_at",
        ]  # fmt: skip


class LprForm(StrictSerializer):
    tenor = serializers.ChoiceField(choices=Tenor.choices)
    published_on = DayField()
    rate_percent = RateField()
    source = TextField(max_length=120, help_text="The announcement.")  # type: ignore[assignment]


class LprDecision(StrictSerializer):
    approve = YesNoField(help_text="false takes the proposal back; the day may then be entered anew.")


class LprDecided(serializers.Serializer[Any]):
    """The rate as it counts now; null when it was sent back."""

    rate = LprRow(allow_null=True)


class LprRates(ListView):
    """Published rates, the newest first; those not approved do not count yet."""

    permission = {"GET": "loans.view", "POST": "loans.propose_repricing"}
    serializer_class = LprRow
    orderings = {"published_on": ("published_on", "id")}
    default_ordering = "-published_on"

    def rows(self) -> QuerySet[LprRate]:
        return LprRate.objects.select_related("proposed_by", "approved_by")

    @reads(LprRow(many=True), operation_id="lpr_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(LprForm, LprRow, status=201, operation_id="lpr_propose")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(LprForm)
        return self.once(lambda: Response(LprRow(propose_lpr(**asked, by=self.staff, at=self.at)).data, status=201))


class LprDecide(ApiView):
    """A second person compares a rate with the announcement."""

    permission = "loans.approve_repricing"

    @writes(LprDecision, LprDecided, operation_id="lpr_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        row = self.visible(LprRate.objects.all(), pk=pk)
        approve = self.sent(LprDecision)["approve"]

        def effect() -> Response:
            done = decide_lpr(lpr_id=row.pk, approve=approve, by=self.staff, at=self.at)
            return Response(LprDecided({"rate": done}).data)

        return self.once(effect)


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────


class BranchTotals(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    count = serializers.IntegerField()
    held = serializers.IntegerField()
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    change = money(help_text="Sum of the changes of the monthly payments.")


class RateUsed(serializers.Serializer[Any]):
    tenor = serializers.ChoiceField(choices=Tenor.choices)
    published_on = serializers.DateField()
    rate_percent = serializers.CharField()
    count = serializers.IntegerField()


class RunTotals(BranchTotals):
    code = name = None  # type: ignore[assignment]
    elsewhere = serializers.IntegerField(help_text="Loans of the window that wait in another run.")
    awaits_publication = serializers.BooleanField(help_text="Another LPR comes out before the last repricing day.")
    branches = BranchTotals(many=True)
    rates = RateUsed(many=True)


class RunRow(serializers.ModelSerializer[RepricingRun]):
    state = serializers.ChoiceField(choices=RunState.choices)
    totals = serializers.SerializerMethodField()
    failure = serializers.SerializerMethodField(help_text="Why the preview was given up.")
    proposed_by = StaffBrief()
    decided_by = StaffBrief(allow_null=True)

    class Meta:
        model = RepricingRun
        fields = [
            "id", "from_on", "to_on", "state", "to_preview", "previewed", "failure", "totals", "content_sha256",
            "proposed_by", "proposed_at", "decided_by", "decided_at", "decision_note",
        ]  # fmt: skip

    def get_failure(self, run: RepricingRun) -> str:
        return failure_words(run.failure) if run.failure else ""

    @extend_schema_field(RunTotals)
    def get_totals(self, run: RepricingRun) -> Any:
        return RunTotals(runs.totals_seen(run, self.context["codes"])).data


class Progress(serializers.Serializer[Any]):
    PENDING = serializers.IntegerField()
    APPLIED = serializers.IntegerField()
    UNCHANGED = serializers.IntegerField()
    HELD = serializers.IntegerField()


class RunReply(RunRow):
    """A run and how far it has got."""

    progress = serializers.SerializerMethodField()

    class Meta(RunRow.Meta):
        fields = [*RunRow.Meta.fields, "progress"]

    @extend_schema_field(Progress)
    def get_progress(self, run: RepricingRun) -> Any:
        return runs.progress_of(run)


class WindowForm(StrictSerializer):
    from_on = DayField()
    to_on = DayField()


class RunDecisionForm(StrictSerializer):
    approve = YesNoField()
    content_sha256 = TextField(max_length=64, help_text="Of the run as it was seen.")
    note = TextField(max_length=200, default="", allow_blank=True, help_text="Required when rejecting.")


class RunReasonForm(StrictSerializer):
    reason = TextField(max_length=200)


class RunList(ListView):
    """Repricing runs; a new one asks for a preview of the whole book over a window of days.

    The preview goes on behind the reply: the run is PREVIEWING, `previewed` of `to_preview` tell how far it is, until
    it is PROPOSED with its totals and `content_sha256`, or FAILED with the reason in `failure`.
    """

    permission = {"GET": "loans.view_repricing", "POST": "loans.propose_repricing"}
    serializer_class = RunRow
    orderings = {"id": ("id",)}
    default_ordering = "-id"

    def rows(self) -> QuerySet[RepricingRun]:
        return RepricingRun.objects.select_related("proposed_by", "decided_by")

    def get_serializer_context(self) -> dict[str, Any]:
        codes = set() if getattr(self, "swagger_fake_view", False) else runs.branch_codes_seen(self.staff)
        return {**super().get_serializer_context(), "codes": codes}

    @reads(RunRow(many=True), operation_id="repricing_runs_list")
    def get(self, request: Request) -> Response:
        return self.listed()

    @writes(WindowForm, RunReply, status=201, key_required=True, operation_id="repricing_runs_propose")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(WindowForm)

        def effect() -> Response:
            run = ask_for_preview(**asked, by=self.staff, at=self.at)
            return Response(RunReply(run, context={"codes": runs.branch_codes_seen(self.staff)}).data, status=201)

        return self.once(effect, required=True)


class OneRun(ApiView, abstract=True):
    """A run by its number."""

    def run(self, pk: int) -> RepricingRun:
        run: RepricingRun = self.visible(RepricingRun.objects.select_related("proposed_by", "decided_by"), pk=pk)
        return run

    def shown(self, run: RepricingRun) -> Response:
        return Response(RunReply(run, context={"codes": runs.branch_codes_seen(self.staff)}).data)


class RunDetail(OneRun):
    permission = "loans.view_repricing"

    @reads(RunReply, operation_id="repricing_run")
    def get(self, request: Request, pk: int) -> Response:
        return self.shown(self.run(pk))


class RunDecide(OneRun):
    """A second person's word on exactly the content that was seen."""

    permission = "loans.approve_repricing"

    @writes(RunDecisionForm, RunReply, key_required=True, operation_id="repricing_run_decide")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        run, asked = self.run(pk), self.sent(RunDecisionForm)
        return self.once(
            lambda: self.shown(decide_repricing(run_id=run.pk, **asked, by=self.staff, at=self.at)), required=True
        )


class RunCancel(OneRun):
    """Takes back what is not applied yet."""

    permission = "loans.propose_repricing"

    @writes(RunReasonForm, RunReply, key_required=True, operation_id="repricing_run_cancel")
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        run, reason = self.run(pk), self.sent(RunReasonForm)["reason"]
        return self.once(
            lambda: self.shown(cancel_repricing(run_id=run.pk, reason=reason, by=self.staff, at=self.at)),
            required=True,
        )


STRETCH = ("first_number", "last_number", "first_due_on", "last_due_on", "amount", "is_interest_only")


class StretchRow(serializers.Serializer[Any]):
    """Installments of one amount in a row."""

    first_number = serializers.IntegerField()
    last_number = serializers.IntegerField()
    first_due_on = serializers.DateField()
    last_due_on = serializers.DateField()
    amount = money()
    is_interest_only = serializers.BooleanField()


class ItemRow(serializers.ModelSerializer[RepricingItem]):
    """One loan of a run: what its borrower is told."""

    loan_id = serializers.IntegerField()
    loan_note_no = serializers.CharField(source="loan.loan_note_no")
    branch = BranchBrief(source="loan.branch")
    tenor = serializers.ChoiceField(choices=Tenor.choices)
    state = serializers.ChoiceField(choices=ITEM_STATES)
    until_regular = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    class Meta:
        model = RepricingItem
        fields = [
            "id", "loan_id", "loan_note_no", "branch", "effective_on", "tenor", "lpr_percent", "lpr_published_on",
            "spread_bp", "old_rate_percent", "new_rate_percent", "old_installment", "new_installment", "first_number",
            "first_due_on", "first_amount", "period_from", "until_regular", "regular_on", "next_repricing_on",
            "schedule_sha256", "state", "reason", "applied_on",
        ]  # fmt: skip

    @extend_schema_field(StretchRow(many=True))
    def get_until_regular(self, item: RepricingItem) -> Any:
        """Installments between the first at the new rate and the regular one."""
        return [dict(zip(STRETCH, each, strict=True)) for each in item.until_regular or ()]

    def get_reason(self, item: RepricingItem) -> str:
        return held_words(item.reason) if item.reason else ""


class RunItems(ListView):
    """Items of a run, of loans one may see."""

    permission = "loans.view_repricing"
    filterset_class = RepricingItemFilter
    serializer_class = ItemRow
    orderings = {"loan_id": ("loan_id",)}

    def rows(self) -> QuerySet[RepricingItem]:
        run = self.visible(RepricingRun.objects.all(), pk=self.kwargs["pk"])
        return runs.items_seen(run, self.staff)

    @reads(ItemRow(many=True), operation_id="repricing_run_items")
    def get(self, request: Request, pk: int) -> Response:
        return self.listed()


class ItemNotice(ApiView):
    """What one borrower is told of a repricing, as a PDF; once the run was approved."""

    permission = "loans.view"

    @reads(OpenApiTypes.BINARY, media_type="application/pdf", more_refusals=(409,), operation_id="repricing_notice")
    def get(self, request: Request, pk: int) -> HttpResponse:
        item: RepricingItem = self.visible(runs.notices_visible_to(self.staff), pk=pk)
        document = take_notice(item=item, by=self.staff, at=self.at)
        response = HttpResponse(document.content, content_type=document.media_type)
        response["Content-Disposition"] = f'attachment; filename="{document.name}"'
        return response


# ── Loans ────────────────────────────────────────────────────────────────────────────────────────


class PricedLoanRow(serializers.ModelSerializer[Loan]):
    borrower = MaskedBorrower()
    branch = BranchBrief()
    portfolio_officer = StaffBrief(allow_null=True)
    principal_balance = money(source="position.principal_balance")
    annual_rate_percent = serializers.DecimalField(7, 4, source="position.annual_rate_percent")
    next_repricing_on = serializers.DateField(source="position.next_repricing_on", allow_null=True)

    class Meta:
        model = Loan
        fields = [
            "id", "loan_note_no", "borrower", "branch", "portfolio_officer", "principal_balance",
            "annual_rate_percent", "next_repricing_on",
        ]  # fmt: skip


class WideSpreadRow(PricedLoanRow):
    spread_bp = serializers.DecimalField(7, 2)
    gap_bp = serializers.DecimalField(9, 2, help_text="Above the average of new loans.")

    class Meta(PricedLoanRow.Meta):
        fields = [*PricedLoanRow.Meta.fields, "spread_bp", "gap_bp"]


class MissedRepricings(ListView):
    """Loans whose repricing day has passed without effect."""

    permission = "loans.view"
    filterset_class = PricedLoanFilter
    serializer_class = PricedLoanRow
    orderings = {"next_repricing_on": ("position__next_repricing_on", "id")}

    def rows(self) -> QuerySet[Loan]:
        return pricings.missed(visible_loans(self), queries.require_business_date())

    @reads(PricedLoanRow(many=True), operation_id="repricing_missed")
    def get(self, request: Request) -> Response:
        return self.listed()


class MakeUpForm(StrictSerializer):
    to_on = DayField(
        help_text="The new repricing day of every missed loan: the open business date or up to 31 days on."
    )
    reason = TextField(max_length=200)


class MakeUpReply(serializers.Serializer[Any]):
    loans = serializers.IntegerField()


class MakeUpForMissed(ApiView):
    """Gives missed loans a new repricing day, on which a run may take them."""

    permission = "loans.propose_repricing"

    @writes(MakeUpForm, MakeUpReply, key_required=True, operation_id="repricing_make_up")
    def post(self, request: Request) -> HttpResponseBase:
        asked = self.sent(MakeUpForm)
        return self.once(
            lambda: Response(MakeUpReply({"loans": make_up_for_missed(**asked, by=self.staff, at=self.at)}).data),
            required=True,
        )


class WideSpreads(ListView):
    """Loans whose spread is further above that of new loans than the bank's parameter: they may renegotiate."""

    permission = "loans.view"
    filterset_class = PricedLoanFilter
    serializer_class = WideSpreadRow
    orderings = {"spread_bp": ("spread_bp", "id")}
    default_ordering = "-spread_bp"

    def rows(self) -> QuerySet[Loan]:
        return pricings.above_new_loans(visible_loans(self), queries.require_business_date())

    @reads(WideSpreadRow(many=True), operation_id="spread_gaps")
    def get(self, request: Request) -> Response:
        return self.listed()


class PricingRow(serializers.ModelSerializer[Pricing]):
    kind = serializers.ChoiceField(choices=PricingKind.choices)
    tenor = serializers.CharField()
    anchor = serializers.ChoiceField(choices=[("", ""), *PricingAnchor.choices])
    from_on = serializers.DateField(source="in_force.lower")
    until = serializers.DateField(source="in_force.upper", allow_null=True)

    class Meta:
        model = Pricing
        fields = ["kind", "tenor", "spread_bp", "cycle_months", "anchor", "from_on", "until", "source"]


class LoanPricingReply(serializers.Serializer[Any]):
    next_repricing_on = serializers.DateField(allow_null=True)
    pricings = PricingRow(many=True)
    repricings = ItemRow(many=True)


class LoanPricing(ApiView):
    """How a loan's rate is made, and what runs said of it; the newest first."""

    permission = "loans.view"

    @reads(LoanPricingReply, operation_id="loans_pricing")
    def get(self, request: Request, pk: int) -> Response:
        loan = self.visible(visible_loans(self), pk=pk)
        found = {
            "next_repricing_on": loan.position.next_repricing_on,
            "pricings": Pricing.objects.filter(loan_id=loan.pk).order_by("-id"),
            "repricings": pricings.repricings_of(loan).select_related("loan", "loan__branch")[:100],
        }
        return Response(LoanPricingReply(found).data)
