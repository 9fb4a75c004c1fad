"""Pages of pricing: published rates, missed repricings, loans whose spread may be renegotiated."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Lag
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal.errors import ActionRefused
from loans.actions.lpr import LprRefused, decide_lpr, propose_lpr
from loans.actions.pricing_documents import CSV, XLSX, take_wide_spreads
from loans.actions.repricing import make_up_for_missed
from loans.actions.statements import Document
from loans.filters import PricedLoanFilter
from loans.models import Loan, LprRate, RepricingItem, Tenor
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from loans.queries.pricing import above_new_loans, missed, spread_gap_bounds
from loans.repricing_wording import held_words
from loans.rules.typed_amount import typed_rate
from loans.views.days import asked_day
from loans.views.files import answer
from loans.views.lists import filter_words
from people.models import Branch
from people.paging import Order, page_of
from people.queries import branch_ids_visible_to, may
from people.web import PageView, no_store, visible_or_404

# Tab, URL name, permission.
PRICING_TABS = (
    (gettext_lazy("LPR"), "loans:lpr", "loans.view"),
    (gettext_lazy("重定价批次"), "loans:repricing_runs", "loans.view_repricing"),
    (gettext_lazy("漏重定价"), "loans:repricing_missed", "loans.view"),
    (gettext_lazy("加点协商"), "loans:wide_spreads", "loans.view"),
)
NEWEST_RATE = Order("new", gettext_lazy("最近公布"), ("-published_on", "-id"))
LONGEST_MISSED = Order("missed", gettext_lazy("最早"), ("position__next_repricing_on", "id"))
WIDEST = Order("wide", gettext_lazy("加点最高"), ("-spread_bp", "id"))


class PricingPage(PageView):
    """A page under the entry of rates: its tabs are those that the person may open."""

    permission = "loans.view"
    tab = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        tabs = [
            (label, name, name == self.tab) for label, name, permission in PRICING_TABS if may(self.staff, permission)
        ]
        return super().get_context_data(**{"pricing_tabs": tabs, **kwargs})


def typed_day(text: str, field: str) -> date:
    """A day as the browser's date field sends it."""
    labels = {"published_on": _("公布日"), "from_on": _("重定价日自"), "to_on": _("重定价日至")}
    return asked_day(text, field=field, label=labels[field], refused=LprRefused)


def asked_form(form: str) -> str:
    """The kind of file an address ends in; any other than the two is not there."""
    if form not in (CSV.lower(), XLSX.lower()):
        raise Http404
    return form.upper()


def handed_out(document: Document) -> HttpResponse:
    """A file for the person to keep."""
    response = HttpResponse(document.content, content_type=document.media_type)
    response["Content-Disposition"] = f'attachment; filename="{document.name}"'
    return no_store(response)


class LprTable(PricingPage):
    """Published rates with who entered and who checked them."""

    template_name = "loans/lpr.html"
    tab = "loans:lpr"

    def shown(self, refusal: ActionRefused | None = None, **more: Any) -> HttpResponse:
        before = Window(Lag("rate_percent"), partition_by=F("tenor"), order_by=F("published_on").asc())
        rates = LprRate.objects.select_related("proposed_by", "approved_by")
        wanted = self.request.GET.get("tenor", "")
        found = rates.filter(tenor=wanted) if wanted in Tenor.values else rates
        page = page_of(found, NEWEST_RATE, cursor=self.request.GET.get("cursor", ""))
        earlier = dict(LprRate.objects.annotate(before=before).values_list("id", "before"))
        context = self.get_context_data(
            page=page,
            rows=[{"rate": rate, "change": _change(rate, earlier)} for rate in page.rows],
            tenors=[{"code": code or None, "label": label, "is_on": wanted == code} for code, label in _tenors()],
            may_propose=may(self.staff, "loans.propose_repricing"),
            may_approve=may(self.staff, "loans.approve_repricing"),
            refused=refusal.message if refusal else "",
            field=refusal.field if refusal else "",
            understood=_understood(more.get("typed", {})),
            **more,
        )
        return answer(self, context, refusal)


class LprPage(LprTable):
    """The table; a new rate is entered here."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "htmx", None) and "rate_percent" in request.GET:
            understood = {"understood": _understood(request.GET)}
            return no_store(render(request, "loans/parts/lpr_understood.html", understood))
        return self.shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = {
            name: request.POST.get(name, "").strip() for name in ("tenor", "published_on", "rate_percent", "source")
        }
        try:
            row = propose_lpr(
                tenor=typed["tenor"],
                published_on=typed_day(typed["published_on"], "published_on"),
                rate_percent=_typed_rate(typed["rate_percent"]),
                source=typed["source"],
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            return self.shown(refusal, typed=typed)
        messages.success(request, _("%(day)s 的 LPR 已录入，待另一人复核。") % {"day": row.published_on})
        return redirect("loans:lpr")


def _typed_rate(text: str) -> Decimal:
    try:
        return typed_rate(text)
    except ValueError:
        raise LprRefused(_("利率须为百分数，最多四位小数，不带符号。"), field="rate_percent") from None


def _understood(typed: Mapping[str, str]) -> dict[str, Any]:
    """What a typed rate is read as, and how far it lies from the latest of its tenor; empty while nothing is typed."""
    text, tenor = typed.get("rate_percent", ""), typed.get("tenor", "")
    if not text.strip():
        return {}
    try:
        rate = _typed_rate(text)
    except LprRefused as refusal:
        return {"fault": refusal.message}
    newest = LprRate.objects.filter(tenor=tenor) if tenor in Tenor.values else LprRate.objects.none()
    before = newest.order_by("-published_on").values_list("rate_percent", flat=True).first()
    return {"rate": rate, "change": None if before is None else (rate - before) * 100}


def _tenors() -> list[tuple[str, Any]]:
    return [("", _("全部")), *Tenor.choices]


def _change(rate: LprRate, earlier: dict[int, Decimal | None]) -> Decimal | None:
    """Basis points against the publication before it."""
    before = earlier.get(rate.pk)
    return None if before is None else (rate.rate_percent - before) * 100


class DecideLpr(LprTable):
    """A second person's word on a rate."""

    permission = "loans.approve_repricing"

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = visible_or_404(LprRate.objects.all(), pk=pk)
        approve = request.POST.get("verb") == "approve"
        try:
            decide_lpr(lpr_id=row.pk, approve=approve, by=self.staff, at=self.at)
        except ActionRefused as refusal:
            return self.shown(refusal)
        messages.success(request, _("LPR 已复核，开始计入重定价。") if approve else _("已退回，可重新录入。"))
        return redirect("loans:lpr")


class LoanListPage(PricingPage):
    """A list of loans under the entry of rates."""

    order: Order

    def get(self, request: HttpRequest) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def found(self, seen: QuerySet[Loan], today: date) -> QuerySet[Loan]:
        raise NotImplementedError

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        seen = Loan.objects.visible_to(self.staff).select_related("borrower", "branch", "portfolio_officer", "position")
        today = open_business_date()
        found = self.found(seen, today) if today else seen.none()
        narrowed = PricedLoanFilter(self.request.GET, queryset=found, request=self.request)
        page = page_of(narrowed.qs, self.order, cursor=self.request.GET.get("cursor", ""))
        ids = branch_ids_visible_to(self.staff)
        return super().get_context_data(
            **kwargs,
            page=page,
            rows=self.rows(page.rows),
            filter_words=filter_words(narrowed),
            branches=list(Branch.objects.filter(pk__in=ids).order_by("path")) if len(ids) > 1 else [],
            today=today,
        )

    def rows(self, loans: list[Loan]) -> list[dict[str, Any]]:
        return [{"loan": loan, "name": borrower_name(loan, self.staff)} for loan in loans]


class MissedRepricings(LoanListPage):
    """Loans whose repricing day has passed without effect, and why the last run held them back."""

    template_name = "loans/repricing_missed.html"
    tab = "loans:repricing_missed"
    order = LONGEST_MISSED

    def found(self, seen: QuerySet[Loan], today: date) -> QuerySet[Loan]:
        return missed(seen, today)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            may_see_runs=may(self.staff, "loans.view_repricing"),
            may_make_up=may(self.staff, "loans.propose_repricing"),
            **kwargs,
        )

    def rows(self, loans: list[Loan]) -> list[dict[str, Any]]:
        newest = RepricingItem.objects.filter(loan__in=loans).select_related("run")
        last = {item.loan_id: item for item in newest.order_by("loan_id", "-id").distinct("loan_id")}
        rows = super().rows(loans)
        for row in rows:
            item = last.get(row["loan"].pk)
            row["item"], row["reason"] = item, _standing_words(item)
        return rows


def _standing_words(item: RepricingItem | None) -> str:
    """Why a loan is not repriced yet: held, waiting with its run, or in none."""
    if item is None:
        return _("没有批次")
    return held_words(item.reason) if item.state == "HELD" else str(item.run.get_state_display())


class MakeUpForMissed(MissedRepricings):
    """Gives missed loans a new repricing day."""

    permission = "loans.propose_repricing"
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in ("to_on", "reason")}
        try:
            day = typed_day(typed["to_on"], "to_on")
            count = make_up_for_missed(to_on=day, reason=typed["reason"], by=self.staff, at=self.at)
        except ActionRefused as refusal:
            context = self.get_context_data(refused=refusal.message, field=refusal.field, typed=typed)
            return answer(self, context, refusal)
        messages.success(request, _("%(count)d 笔改在 %(day)s 重定价，请试算批次。") % {"count": count, "day": day})
        return redirect("loans:repricing_missed")


class WideSpreads(LoanListPage):
    """Loans that may be renegotiated; a change of the spread is asked for from here."""

    template_name = "loans/wide_spreads.html"
    tab = "loans:wide_spreads"
    order = WIDEST

    def found(self, seen: QuerySet[Loan], today: date) -> QuerySet[Loan]:
        return above_new_loans(seen, today)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        average, most = spread_gap_bounds(today) if today else (None, None)
        may_change = may(self.staff, "loans.propose_change")
        return super().get_context_data(**kwargs, average=average, most=most, may_change=may_change)


class WideSpreadsFile(PageView):
    """The list as a file; the taking is recorded."""

    permission = "loans.view"

    def get(self, request: HttpRequest, form: str) -> HttpResponse:
        try:
            document = take_wide_spreads(form=asked_form(form), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
            return redirect("loans:wide_spreads")
        return handed_out(document)
