"""Booking a signed contract on screen, single or combination: typed in, looked at with its schedule, then paid out.

It stands in the composition root because a contract is written into three rooms. The form is read by the API's own
serializers; what stands against the contract is asked of the actions themselves before anything is written.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from collateral.actions import NewHome
from collateral.models import ChargeKind, PropertyType
from config import contracting
from config.contract_api import CombinationForm, LoanForm
from config.contract_fields import (
    AGREED,
    AMOUNT,
    CHOICE,
    DAY,
    FIRST_HOME,
    PRICING,
    PRODUCT,
    TERMS,
    TEXT,
    WHOLE,
    YES_NO,
    Asked,
    Group,
    body_of,
    faults_of,
    group,
    in_page_words,
    named,
    placed,
    read,
    shown,
)
from config.disclosed_contract import disclosed_fields
from journal.errors import ActionRefused
from loans.actions.disbursement import ContractRefused, NewContract
from loans.api.contracts import contract_from
from loans.queries import require_business_date
from loans.rules.capitals import capital_amount
from loans.rules.continuation import Plan
from loans.rules.money import yuan
from people.models import Staff
from people.queries import branches_visible_to
from people.web import PageView, led_once, new_form_key, no_store

SINGLE, COMBINATION = "single", "combination"
ROWS_SHOWN, OFFICERS_OFFERED = 12, 300
_PARTS = {SINGLE: ("",), COMBINATION: ("fund.", "commercial.")}
_WHO = (
    Asked("branch", _lazy("经办机构"), CHOICE),
    Asked("portfolio_officer", _lazy("管户客户经理工号"), TEXT, is_optional=True, most=20),
    Asked("approver", _lazy("审批人工号"), TEXT, is_optional=True, most=20),
    Asked("signed_on", _lazy("签约日"), DAY),
    Asked("borrower.id_no", _lazy("借款人身份证号"), TEXT, most=18, size="wide"),
    Asked("borrower.name", _lazy("借款人姓名"), TEXT, most=50),
    Asked("borrower.phone", _lazy("借款人手机"), TEXT, is_optional=True, most=20),
)
_KINDS = tuple(
    (value, _lazy("尚未登记") if value == ChargeKind.NOT_RECORDED else label) for value, label in ChargeKind.choices
)
_HOME = (
    Asked("home.address", _lazy("房屋坐落"), TEXT, most=200, size="wide"),
    Asked("home.property_type", _lazy("房屋类型"), CHOICE, tuple(PropertyType.choices), PropertyType.CONDO),
    Asked("home.value", _lazy("房屋价值（元）"), AMOUNT, hint=_lazy("成交价与评估价取低")),
    Asked("home.valued_on", _lazy("估值日"), DAY),
    Asked(
        "home.is_owner_occupied", _lazy("自住"), YES_NO,
        (("", _lazy("不清楚")), ("yes", _lazy("是")), ("no", _lazy("否"))), is_optional=True,
    ),
    Asked("home.kind", _lazy("抵押登记"), CHOICE, _KINDS, ChargeKind.NOT_RECORDED),
    Asked("home.registration_no", _lazy("登记证明号"), TEXT, is_optional=True, most=80, size="wide"),
    Asked("home.registered_on", _lazy("登记日"), DAY, is_optional=True),
)  # fmt: skip
_PART = (
    Asked("external_id", _lazy("合同编号"), TEXT, most=40),
    Asked("disclosure", _lazy("明示表编号"), TEXT, most=30, size="wide"),
    *TERMS,
    *PRICING,
    Asked("credit_score", _lazy("信用评分"), WHOLE, is_optional=True, is_more=True),
    *AGREED,
    *FIRST_HOME,
)


def fields_of(kind: str) -> tuple[Asked, ...]:
    """Every field of a form: who and where, one contract or two, the home."""
    parts = tuple(field for prefix in _PARTS[kind] for field in named(prefix, _PART))
    return (*_WHO, *((PRODUCT,) if kind == SINGLE else ()), *parts, *_HOME)


def contracts_of(kind: str, asked: Mapping[str, Any]) -> contracting.Contracts:
    """The contracts that a form says, once it is known who they are with."""

    def made(known: dict[str, Any]) -> dict[str, NewContract]:
        who = {**known, "signed_on": asked["signed_on"]}
        if kind == SINGLE:
            return {"": contract_from(dict(asked), product=str(asked["product"]), **who)}
        return {
            "fund.": contract_from(asked["fund"], product="HOUSING_FUND", **who),
            "commercial.": contract_from(asked["commercial"], product="COMMERCIAL", **who),
        }

    return made


def fingerprint(kind: str, asked: Mapping[str, Any]) -> str:
    """One word for what was understood: paying out another contract than was shown is refused."""
    return hashlib.sha256(repr((kind, asked)).encode()).hexdigest()[:32]


class NewContractPage(PageView):
    permission = "loans.disburse"
    template_name = "loans/contract_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = COMBINATION if request.GET.get("kind") == COMBINATION else SINGLE
        found = disclosed_fields(request.GET.get("disclosure", "")[:30], self.staff)
        if found is not None:
            kind = COMBINATION if found.is_combination else SINGLE
        typed = read({}, fields_of(kind), is_fresh=True)
        today = str(require_business_date())
        typed |= {"signed_on": today}
        typed |= {f"{prefix}terms.disbursed_on": today for prefix in _PARTS[kind]}
        if kind == COMBINATION:
            typed["fund.pricing.kind"] = "FIXED"
        typed |= {name: value for name, value in (found.typed if found else {}).items() if name in typed}
        return self.answer(kind, typed, status=200)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        kind = COMBINATION if request.POST.get("kind") == COMBINATION else SINGLE
        typed = read(request.POST, fields_of(kind), is_fresh=False)
        asked, faults = self.understood(kind, typed)
        if asked is None:
            return self.answer(kind, typed, faults=faults, status=422)
        if request.POST.get("verb") == "pay_out" and request.POST.get("seen") == fingerprint(kind, asked):
            try:
                effect = partial(self.paid_out, kind, asked)
                return redirect(led_once(request=request, staff=self.staff, at=self.at, effect=effect))
            except ActionRefused as refusal:
                status = 409 if refusal.conflict else 422
                return self.answer(kind, typed, faults=faults_in(refusal), status=status)
        try:
            plans = contracting.foresee(**self.call(kind, asked))
        except ActionRefused as refusal:
            return self.answer(kind, typed, faults=faults_in(refusal), status=422)
        if request.POST.get("verb") != "pay_out":
            return self.answer(kind, typed, asked=asked, plans=plans, status=200)
        words = _("内容在预览之后有改动，下面是新的预览，请核对后再放款。")
        return self.answer(kind, typed, asked=asked, plans=plans, notice=words, status=409)

    def understood(self, kind: str, typed: Mapping[str, str]) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """What the form says, or every fault by field."""
        body = body_of(fields_of(kind), typed)
        body.setdefault("borrower", {})
        form = (LoanForm if kind == SINGLE else CombinationForm)(data=body)
        if form.is_valid():
            return dict(form.validated_data), {}
        missing = [f"{prefix}disclosure" for prefix in _PARTS[kind] if not typed[f"{prefix}disclosure"].strip()]
        faults = {name: _("请填写另一人为这份合同出具的明示表编号。") for name in missing}
        return None, faults | in_page_words(faults_of(form.errors), typed, body)

    def call(self, kind: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "contracts": contracts_of(kind, asked),
            "person": contracting.Borrower(**asked["borrower"]),
            "branch_code": asked["branch"],
            "officer_no": asked["portfolio_officer"],
            "approver_no": asked["approver"],
            "by": self.staff,
        }

    def paid_out(self, kind: str, asked: Mapping[str, Any]) -> str:
        home = NewHome(**asked["home"]) if "home" in asked else None
        loans = contracting.pay_out_typed(**self.call(kind, asked), home=home, at=self.at)
        numbers = _("、").join(loan.loan_note_no for loan in loans)
        messages.success(self.request, _("已放款，借据 %(numbers)s。") % {"numbers": numbers})
        return reverse("loans:contract", args=[loans[-1].pk if kind == COMBINATION else loans[0].pk])

    def answer(
        self,
        kind: str,
        typed: dict[str, str],
        *,
        faults: Mapping[str, str] | None = None,
        asked: Mapping[str, Any] | None = None,
        plans: Mapping[str, Plan] | None = None,
        notice: str = "",
        status: int,
    ) -> HttpResponse:
        fields = fields_of(kind)
        at_field, elsewhere = placed(faults or {}, fields)
        branches = list(branches_visible_to(self.staff).filter(parent__isnull=False))
        officers = Staff.objects.filter(branch__in=branches, is_active=True, roles__code="LOAN_OFFICER")
        context: dict[str, Any] = {
            "kind": kind,
            "groups": groups(kind, typed, at_field),
            "branches": branches,
            "officers": list(officers.select_related("branch").order_by("staff_no")[:OFFICERS_OFFERED]),
            "faulty": [each for each in shown(fields, typed, at_field) if each.fault],
            "elsewhere": elsewhere,
            "notice": notice,
            "form_key": new_form_key(),
        }
        if asked is not None and plans is not None:
            context |= {"previews": previews(asked, plans), "seen": fingerprint(kind, asked)}
        response = self.render_to_response(self.get_context_data(**context))
        response.status_code = status
        return no_store(response)


def faults_in(refusal: ActionRefused) -> dict[str, str]:
    """What an action refuses, by field."""
    if isinstance(refusal, ContractRefused):
        return refusal.sentences
    return {refusal.field or "": refusal.message}


def part_title(prefix: str) -> str:
    return {"": _("贷款"), "fund.": _("公积金部分"), "commercial.": _("商业性部分")}[prefix]


def previews(asked: Mapping[str, Any], plans: Mapping[str, Plan]) -> list[dict[str, Any]]:
    """Each contract as the engine sees it: totals, the first rows and the last."""
    found = []
    for prefix, plan in plans.items():
        part = asked[prefix.rstrip(".")] if prefix else asked
        amount = yuan(part["terms"].principal_fen)
        rows = [
            (row.number, row.due_on, yuan(row.principal_fen), yuan(row.interest_fen),
             yuan(row.principal_fen + row.interest_fen), yuan(row.balance_fen))
            for row in plan.rows
        ]  # fmt: skip
        found.append(
            {
                "title": part_title(prefix),
                "amount": amount,
                "capitals": capital_amount(amount) if get_language() == "zh-hans" else "",
                "rate": part["terms"].rate_ppm,
                "rows": rows[:ROWS_SHOWN],
                "last": rows[-1] if len(rows) > ROWS_SHOWN else None,
                "count": len(rows),
                "first": rows[0],
                "matures_on": plan.matures_on,
                "interest": yuan(sum(plan.interest_fen)),
                "disclosure": part["disclosure"],
            }
        )
    return found


def groups(kind: str, typed: Mapping[str, str], faults: Mapping[str, str]) -> list[Group]:
    """The parts of the form."""
    note = _("条款须与明示表一致：从明示表进入时已填好。")
    found = [group(_("签约人与机构"), _WHO, typed, faults)]
    if kind == SINGLE:
        found.append(group(_("合同"), (PRODUCT, *_PART), typed, faults, note))
    else:
        for prefix in _PARTS[kind]:
            found.append(group(part_title(prefix), named(prefix, _PART), typed, faults, note))
    title = _("抵押物") if kind == SINGLE else _("共同抵押物")
    return [*found, group(title, _HOME, typed, faults, _("全部留空表示暂无抵押物。"))]
