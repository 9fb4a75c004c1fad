"""政策法规: the register, one item with what follows from it, and the steps from entry to a policy of its own."""

import json
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups.actions import regulations as actions
from followups.models import Regulation, RegulationState
from followups.policy_wording import CHANGE_WORDS, STATE_WORDS
from followups.queries.regulations import PolicyImpact, names_of, parameter_changes, policy_impacts, register
from followups.views.desk_list import id_of
from followups.views.leave import day_of
from journal.errors import ActionRefused
from loans.models import Parameter
from loans.queries import open_business_date
from loans.views.files import answer
from people.queries import may
from people.web import PageView, no_store, visible_or_404

VIEWS = "followups.view_policy"


class RegulationList(PageView):
    """The register; entering an item."""

    permission = VIEWS
    acts_with = actions.PROPOSE
    template_name = "followups/regulations/page.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context()))

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            regulation = self._enter()
        except ActionRefused as refusal:
            return no_store(answer(self, self._context(refused=refusal.message, field=refusal.field), refusal))
        return redirect("followups:regulation", pk=regulation.pk)

    def _enter(self) -> Regulation:
        sent = self.request.POST
        given: dict[str, Any] = {
            name: sent.get(name, "") for name in ("number", "title", "issuer", "summary", "replaces")
        }
        given |= {name: _day(sent.get(name, ""), name) for name in ("issued_on", "effective_on")}
        parameters: list[tuple[str, Any, date]] = []
        if sent.get("code", "").strip():
            from_on = _day(sent.get("from_on", "") or sent.get("effective_on", ""), "from_on")
            parameters.append((sent["code"].strip(), _value(sent.get("value", "")), from_on))
        return actions.enter_regulation(**given, parameters=parameters, by=self.staff, at=self.at)

    def _context(self, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        codes = Parameter.objects.filter(in_force__endswith=None).order_by("code").values_list("code", flat=True)
        return self.get_context_data(
            rows=register(),
            may_enter=may(self.staff, actions.PROPOSE),
            codes=list(codes),
            typed=self.request.POST,
            business_date=today,
            tomorrow=today + timedelta(days=1) if today else None,
            **more,
        )


class RegulationPage(PageView):
    """One item: parameters and policies that follow from it, how many plans change, who did what."""

    permission = VIEWS
    acts_with = actions.PROPOSE
    template_name = "followups/regulations/one.html"

    def regulation(self) -> Regulation:
        found: Regulation = visible_or_404(Regulation.objects.select_related("replaces"), pk=self.kwargs["pk"])
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self._context(self.regulation())))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        regulation = self.regulation()
        try:
            led_to = self._step(regulation, request.POST.get("verb", ""))
        except ActionRefused as refusal:
            return no_store(answer(self, self._context(self.regulation(), refused=refusal.message), refusal))
        if led_to:
            return redirect("followups:policy", led_to)
        messages.success(request, _("已登记。"))
        return redirect("followups:regulation", pk=regulation.pk)

    def _step(self, regulation: Regulation, verb: str) -> int | None:
        sent = self.request.POST
        who: dict[str, Any] = {"regulation_id": regulation.pk, "by": self.staff, "at": self.at}
        if verb in ("approve", "return"):
            actions.decide_regulation(
                approve=verb == "approve", content_sha256=sent.get("content_sha256", ""),
                remark=sent.get("remark", ""), **who,
            )  # fmt: skip
        elif verb == "withdraw":
            actions.withdraw_regulation(reason=sent.get("remark", ""), **who)
        elif verb == "draft":
            return actions.draft_from(from_on=_day(sent.get("from_on", ""), "from_on"), **who).pk
        else:
            line = sent.get("line_number", "").strip()
            actions.link_policy(
                version=id_of(sent.get("version", "")), line_number=id_of(line) if line else None, **who
            )
        return None

    def _context(self, regulation: Regulation, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        is_waiting = regulation.state == RegulationState.WAITING
        is_own = regulation.maker == self.staff.staff_no
        return self.get_context_data(
            regulation=regulation,
            names=names_of(regulation),
            parameters=[
                (row, _words(row.before), _words(row.parameter.value)) for row in parameter_changes(regulation)
            ],
            impacts=[_shown(impact) for impact in policy_impacts(regulation)],
            may_decide=is_waiting and not is_own and may(self.staff, actions.APPROVE),
            may_withdraw=is_waiting and is_own,
            may_draft=regulation.state == RegulationState.APPROVED and may(self.staff, actions.PROPOSE),
            business_date=today,
            tomorrow=today + timedelta(days=1) if today else None,
            **more,
        )


def _shown(impact: PolicyImpact) -> dict[str, Any]:
    changes = [(code, words, impact.changes.get(code, 0)) for code, words in CHANGE_WORDS.items()]
    return {"impact": impact, "state": STATE_WORDS[impact.policy.state], "changes": changes}


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value(text: str) -> Any:
    """What was typed as JSON (480, true, ["a"]); anything else, and a number in quotes, is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def _day(text: str, field: str) -> date:
    found = day_of(text)
    if found is None:
        raise actions.RegulationUnclear(_("请填写有效日期，如 2026-10-30"), field=field)
    return found
