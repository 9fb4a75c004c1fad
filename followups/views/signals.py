"""预警: signals by branch and as a list, the chain of a loan's signals, and the steps that people take."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.actions.signals import close_signal
from followups.queries.score import score_shown
from followups.queries.signals import Figure, chains, chains_of_loan, figures, signals_visible_to
from followups.views.desk_list import id_of
from followups.views.leave import day_of
from followups.views.visit import in_language
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from loans.queries.names import borrower_name
from loans.views.files import answer
from people.models import Staff
from people.paging import Order, capped, counts_of, page_of
from people.queries import branches_visible_to, may
from people.web import PageView, no_store, visible_or_404
from risk import actions
from risk.filters import OPEN, STATES, SignalFilter
from risk.models import Signal, SignalAction, SignalLevel
from risk.queries import grade_of

PERIOD = timedelta(days=90)
NEWEST = Order("newest", gettext_lazy("最新在前"), ("-id",))


def asked_signals(request: HttpRequest, staff: Staff) -> SignalFilter:
    """The signals that the address asks for, those still open where it names no state and no days."""
    given = request.GET.copy()
    if not any(given.get(name) for name in ("state", "raised_from", "closed_from")):
        given["state"] = OPEN
    return SignalFilter(given, queryset=signals_visible_to(staff), request=request)


class SignalList(PageView):
    """Figures by branch, each leading to the signals behind it, and the list."""

    permission = "followups.view"
    template_name = "followups/signals/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return super().get_context_data(**kwargs, is_closed=True)
        narrowed = asked_signals(self.request, self.staff)
        given = narrowed.data
        page = page_of(narrowed.qs, NEWEST, cursor=given.get("cursor", ""))
        first = today - PERIOD
        return super().get_context_data(
            **kwargs,
            page=page,
            rows=[(chain, borrower_name(chain.signal.loan, self.staff)) for chain in chains(page.rows, today)],
            count=capped(counts_of({"all": narrowed.qs.order_by("-id")})["all"]),
            figures=[_linked(figure, first.isoformat()) for figure in figures(self.staff, first, today, today)],
            states=[{"code": code, "label": label, "is_on": given.get("state") == code} for code, label in STATES],
            levels=SignalLevel.choices,
            branches=list(branches_visible_to(self.staff).values_list("code", "name")),
            first=first,
            is_late=given.get("late") == "true",
            business_date=today,
        )


def _linked(figure: Figure, first: str) -> dict[str, Any]:
    """A figure with the query that each of its numbers leads to."""
    behind = {
        "found": {"raised_from": first},
        "handled": {"closed_from": first},
        "open": {"state": OPEN},
        "late": {"state": OPEN, "late": "true"},
    }
    queries = {name: urlencode({"branch": figure.code, **query}) for name, query in behind.items()}
    return {"figure": figure, "queries": queries}


class LoanSignals(PageView):
    """The chain of each signal of a loan: what was found, what warned, what is done about it, how it ended."""

    permission = "followups.view"
    acts_with = actions.ANSWER
    template_name = "followups/signals/loan.html"

    def loan(self) -> Loan:
        found: Loan = visible_or_404(
            Loan.objects.visible_to(self.staff).select_related("borrower", "branch", "position"), pk=self.kwargs["pk"]
        )
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context(self.loan())))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan()
        signal = visible_or_404(Signal.objects.visible_to(self.staff), pk=id_of(request.POST.get("signal", "")),
                                loan=loan)  # fmt: skip
        try:
            self._step(signal, request.POST.get("verb", ""))
        except ActionRefused as refusal:
            context = self._context(loan, refused=refusal.message, refused_at=signal.pk, field=refusal.field)
            return no_store(answer(self, context, refusal))
        messages.success(request, _("已登记。"))
        return redirect("followups:loan_signals", pk=loan.pk)

    def _step(self, signal: Signal, verb: str) -> None:
        sent = self.request.POST
        who: dict[str, Any] = {"by": self.staff, "at": self.at}
        version = id_of(sent.get("version", ""))
        if verb in ("confirm", "explain"):
            actions.answer_signal(
                signal_id=signal.pk, version=version, is_true=verb == "confirm", words=sent.get("words", ""), **who
            )
        elif verb == "act":
            due_on = day_of(sent.get("due_on", ""))
            if due_on is None:
                raise actions.SignalUnclear(_("请填写有效日期，如 2026-10-30"), field="due_on")
            actions.set_action(
                signal_id=signal.pk, version=version, words=sent.get("words", ""), owner=sent.get("owner", ""),
                due_on=due_on, **who,
            )  # fmt: skip
        elif verb == "done":
            action = visible_or_404(SignalAction.objects.filter(signal=signal), pk=id_of(sent.get("action", "")))
            actions.finish_action(
                action_id=action.pk, result=sent.get("result", ""), evidence=sent.get("evidence", ""), **who
            )
        else:
            close_signal(signal_id=signal.pk, version=version, words=sent.get("words", ""), **who)

    def _context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        rows = chains_of_loan(loan.pk, today) if today else []
        return self.get_context_data(
            **{
                "loan": loan,
                "name": borrower_name(loan, self.staff),
                "rows": rows,
                "open_count": sum(row.signal.closed_on is None for row in rows),
                "grade": grade_of(loan.pk),
                "score": in_language(shown) if (shown := score_shown(loan.pk)) else None,
                "may_answer": may(self.staff, actions.ANSWER),
                "may_close": may(self.staff, actions.CLOSE),
                "business_date": today,
                "typed": self.request.POST,
                **more,
            }
        )
