"""Changes of contract: the list, one change with what it does, its steps, its file, and a print for signing."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from journal.errors import ActionRefused
from loans.actions import changes as actions
from loans.actions.changes import ChangePreview, preview_of
from loans.change_wording import sentence
from loans.changing import why_stale
from loans.filters import ChangeFilter
from loans.forms import in_order, label_of, value_words
from loans.models import ChangeKind, ChangeState, ContractChange, FiveClass, Loan
from loans.models.changes import OPEN_CHANGE_STATES
from loans.queries import FutureRow, require_business_date
from loans.queries.change_lists import steps_of, visible_changes, waiting_for
from loans.queries.changes import change_facts
from loans.queries.charges import charges_owed
from loans.queries.names import borrower_name
from loans.rules.changes import LoanState, state_from_json
from loans.rules.money import yuan
from loans.views.contract import number_of
from loans.views.lists import filter_words
from loans.views.one_loan import loan_head
from people.paging import Order, page_of
from people.web import PageView, no_store, visible_or_404

CHANGE_ORDER = Order("new", gettext_lazy("最近提交"), ("-id",))
ROWS_SHOWN = 24
LIST_KEYS = (("J", gettext_lazy("下一行")), ("K", gettext_lazy("上一行")), ("Enter", gettext_lazy("打开")))


class ChangeList(PageView):
    permission = "loans.view"
    template_name = "loans/change_list.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        today = require_business_date()
        waiting = waiting_for(self.staff, today)
        seen = visible_changes(self.staff)
        is_mine = request.GET.get("mine") == "1"
        if is_mine:
            seen = seen.filter(pk__in=waiting)
        narrowed = ChangeFilter(request.GET, queryset=seen, request=request)
        page = page_of(narrowed.qs, CHANGE_ORDER, cursor=request.GET.get("cursor", ""))
        context = self.get_context_data(
            page=page,
            rows=[{"change": change, "name": borrower_name(change.loan, self.staff)} for change in page.rows],
            waiting=set(waiting),
            is_mine=is_mine,
            kinds=ChangeKind.choices,
            states=self._states(),
            filter_words=filter_words(narrowed),
            page_keys=LIST_KEYS,
        )
        return no_store(self.render_to_response(context))

    def _states(self) -> list[dict[str, Any]]:
        active = self.request.GET.get("state", "")
        rest = [{"code": code, "label": label, "is_on": active == code} for code, label in ChangeState.choices]
        is_all = not active and self.request.GET.get("mine") != "1"
        return [{"code": None, "label": _("全部"), "is_on": is_all}, *rest]


class ChangesWaiting(PageView):
    """The number of changes that wait for the person, for the menu; loaded when it is opened."""

    permission = "loans.view"
    template_name = "loans/parts/changes_waiting.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        count = len(waiting_for(self.staff, require_business_date()))
        return no_store(self.render_to_response({"count": count}))


def visible_change(view: PageView, pk: int) -> ContractChange:
    seen = ContractChange.objects.filter(loan__in=Loan.objects.visible_to(view.staff)).select_related(
        "loan__borrower", "loan__position", "loan__branch", "loan__portfolio_officer", "loan__combination",
        "proposed_by", "decided_by", "ended_by",
    )  # fmt: skip
    change: ContractChange = visible_or_404(seen, pk=pk)
    return change


def paired_rows(preview: ChangePreview) -> list[tuple[int, FutureRow | None, FutureRow | None]]:
    """Rows before and after by number."""
    before = {row.number: row for row in preview.rows_before}
    after = {row.number: row for row in preview.rows_after}
    return [(number, before.get(number), after.get(number)) for number in sorted(before.keys() | after.keys())]


def _state_words(state: LoanState) -> dict[str, str]:
    five_class = FiveClass(state.five_class).label if state.five_class in FiveClass.values else state.five_class
    return {
        _("条款版本"): str(state.terms_version),
        _("下一期"): str(state.number) if state.number is not None else "–",
        _("未出账本金"): f"{yuan(state.unbilled_fen):,.2f}",
        _("贷款余额"): f"{yuan(state.balance_fen):,.2f}",
        _("逾期起始日"): str(state.overdue_since) if state.overdue_since else "–",
        _("五级分类"): str(five_class),
    }


def compared_states(then: LoanState, now: LoanState) -> list[dict[str, Any]]:
    """The loan when it was simulated and as it is now, line by line."""
    old, new = _state_words(then), _state_words(now)
    return [{"label": label, "then": old[label], "now": new[label], "moved": old[label] != new[label]} for label in old]


def change_context(change: ContractChange, view: PageView) -> dict[str, Any]:
    """Everything the page of a change shows."""
    today = require_business_date()
    preview = preview_of(change)
    is_open = change.state in OPEN_CHANGE_STATES
    context: dict[str, Any] = {}
    if is_open:
        facts = change_facts(change.loan_id, as_of=today, effective_on=change.effective_on)
        context = {
            "states": compared_states(state_from_json(change.loan_state), facts.state),
            "stale": [sentence(reason) for reason in why_stale(change, facts)],
        }
    return {
        **loan_head(view.request, change.loan, view.staff),
        **context,
        "change": change,
        "preview": preview,
        "pricing": pricing_rows(preview),
        "off": written_off(change.loan, state_from_json(change.loan_state), change.kind, today),
        "asked": [
            (label_of(change.kind, name), value_words(name, str(value)))
            for name, value in in_order(change.kind, change.asked)
        ],
        "steps": steps_of(change, view.staff, today),
        "is_open": is_open,
        "today": today,
    }


def written_off(loan: Loan, state: LoanState, kind: str, on: date) -> dict[str, Any] | None:
    """Of a write-off the balance that leaves the books, and the claim that stays; None for any other kind."""
    if kind != ChangeKind.WRITE_OFF:
        return None
    return {"balance": yuan(state.balance_fen), "left": yuan(0), "owed": charges_owed(loan, on)}


def pricing_rows(preview: ChangePreview) -> list[tuple[str, Any, Any]]:
    """What of the rate's making changes: label, before, after."""
    labels = {
        "spread_bp": _("加点（基点）"), "cycle_months": _("重定价周期（月）"), "anchor": _("重定价日"),
        "next_repricing_on": _("下次重定价"),
    }  # fmt: skip
    before, after = preview.pricing_before, preview.pricing_after
    if not before or not after:
        return []
    return [
        (label, value_words(name, str(before.get(name) or "–")), value_words(name, str(after.get(name) or "–")))
        for name, label in labels.items()
    ]


def rows_page(preview: ChangePreview, text: str) -> dict[str, Any]:
    """Some of the rows before and after, from a number on."""
    rows = paired_rows(preview)
    first, last = (rows[0][0], rows[-1][0]) if rows else (1, 0)
    start = min(max(number_of(text) or first, first), max(first, last))
    stop = start + ROWS_SHOWN
    return {
        "rows": [row for row in rows if start <= row[0] < stop],
        "earlier": max(first, start - ROWS_SHOWN) if start > first else 0,
        "later": stop if stop <= last else 0,
        "rows_count": len(rows),
    }


class ChangePage(PageView):
    permission = "loans.view"
    template_name = "loans/change.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.shown(visible_change(self, pk))

    def shown(self, change: ContractChange, *, status: int = 200, **more: Any) -> HttpResponse:
        context = change_context(change, self)
        context |= rows_page(context["preview"], self.request.GET.get("from", ""))
        response = self.render_to_response(self.get_context_data(**context, **more))
        response.status_code = status
        return no_store(response)


class ChangeRows(ChangePage):
    """The rows before and after alone, page by page."""

    part_template = "loans/parts/change_rows.html"


class ChangePrint(ChangePage):
    """The change on paper: what was agreed, all rows, places to sign; it names the borrower who signs it."""

    template_name = "loans/change_print.html"

    def shown(self, change: ContractChange, *, status: int = 200, **more: Any) -> HttpResponse:
        context = change_context(change, self)
        context |= {"rows": paired_rows(context["preview"]), "printed_at": self.at}
        context["name"] = actions.take_print(change=change, by=self.staff, at=self.at)
        return no_store(self.render_to_response(self.get_context_data(**context, **more)))


class ChangeEvidence(PageView):
    """The file that a change was proposed with; who takes it stands in the journal."""

    permission = "loans.view"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        change = visible_change(self, pk)
        try:
            file = actions.take_evidence(change=change, by=self.staff, at=self.at)
        except actions.NoEvidence:
            raise Http404 from None
        response = HttpResponse(file.content, content_type=file.media_type)
        response["Content-Disposition"] = f'attachment; filename="{file.name}"'
        response["X-Content-Type-Options"] = "nosniff"
        return no_store(response)


class ChangeStep(ChangePage):
    """A button of a change: one action; a refusal comes back with what was typed."""

    permission = "loans.propose_change"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        change = visible_change(self, pk)
        try:
            self.step(change)
        except ActionRefused as refusal:
            typed = {name: request.POST.get(name, "")[:400] for name in ("note", "reason")}
            status = 409 if refusal.conflict else 422
            return self.shown(
                visible_change(self, pk), status=status, refused=refusal.message, typed=typed, at_step=self.name
            )
        return redirect("loans:change", pk=change.pk)

    name = ""

    def step(self, change: ContractChange) -> None:
        raise NotImplementedError

    @property
    def version(self) -> int:
        """The version on the form; 0, which none has, where it cannot be read."""
        text = self.request.POST.get("version", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    @property
    def sent(self) -> Mapping[str, str]:
        return self.request.POST.dict()


class DecideChange(ChangeStep):
    permission = "loans.approve_change"
    name = "decide"

    def step(self, change: ContractChange) -> None:
        actions.decide_change(
            change_id=change.pk,
            approve=self.sent.get("decision") == "approve",
            note=self.sent.get("note", ""),
            version=self.version,
            by=self.staff,
            at=self.at,
        )


class SignChange(ChangeStep):
    name = "sign"

    def step(self, change: ContractChange) -> None:
        note = self.sent.get("note", "")
        actions.sign_change(change_id=change.pk, note=note, version=self.version, by=self.staff, at=self.at)


class ApplyChange(ChangeStep):
    name = "apply"

    def step(self, change: ContractChange) -> None:
        actions.apply_change(change_id=change.pk, by=self.staff, at=self.at)


class WithdrawChange(ChangeStep):
    name = "withdraw"

    def step(self, change: ContractChange) -> None:
        reason = self.sent.get("reason", "")
        actions.withdraw_change(change_id=change.pk, reason=reason, by=self.staff, at=self.at)


class ReverseChange(ChangeStep):
    permission = "loans.approve_change"
    name = "reverse"

    def step(self, change: ContractChange) -> None:
        reason = self.sent.get("reason", "")
        actions.reverse_change(change_id=change.pk, reason=reason, by=self.staff, at=self.at)
