"""Cost disclosure (综合融资成本明示表, 金规〔2026〕2号): made before signing, kept as said, tied at disbursement.

The figures come from the engine's request of the contract, so that the disclosure and the contract cannot disagree:
what goes out later must be the same request. A fee that is not on it is refused by a trigger of the ledger. The
document speaks Chinese whatever the language of who makes it; its content is stored, hashed and set as a PDF, which is
kept by its own hash. It names no borrower: whoever signs writes the name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from journal.actions import record, store_exhibit
from journal.errors import ActionRefused
from loans import disclosure_wording as words
from loans import pdf, sql
from loans.actions.contract_limits import agreed_faults, pricing_faults, rate_faults
from loans.actions.term_limits import term_faults
from loans.models import CostDisclosure, CostItem, CostKind, Product, RepaymentMethod
from loans.queries import hold_business_date, parameter, require_business_date
from loans.queries.disclosures import visible_disclosures
from loans.rules import contract as contract_rules
from loans.rules.continuation import Plan, from_json, plan_of, to_json
from loans.rules.contract import NewPricing
from loans.rules.disclosure import (
    Cost,
    CostFee,
    CostRefused,
    cost_of,
    default_cost,
    penalty_rate_ppm,
)
from loans.rules.money import yuan
from loans.rules.schedule import ENGINE_VERSION, Row
from loans.rules.simulation import SimulationRefused
from loans.rules.simulation_request import Request
from loans.rules.subsidy import FirstHome, refusals, scheme_of, subsidy_fen
from loans.wording import errors_in_words
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

LANGUAGE = "zh-hans"
# A contract that agrees on a fee for prepaying names it as a contingent cost.
PREPAYMENT_FEE = "PREPAYMENT_FEE"
LEAST_REASON, MOST_REASON = 4, 200


@dataclass(frozen=True, slots=True)
class ContingentFee:
    """A cost that arises only if something happens: the most it can be, or in words how it is reckoned."""

    code: str
    label: str
    charged_by: str
    amount_fen: int | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDisclosure:
    """A contract before signing, with all that it will cost."""

    request: Request
    product: str = Product.COMMERCIAL.value
    pricing: NewPricing = field(default_factory=NewPricing)
    fees: tuple[CostFee, ...] = ()
    contingent: tuple[ContingentFee, ...] = ()
    agreed: Mapping[str, Any] = field(default_factory=dict)
    # Part of a combination loan; `partner` is the number of the other part's disclosure once that is made.
    is_combination_part: bool = False
    partner: str = ""
    first_home: FirstHome | None = None


class DisclosureRefused(ActionRefused):
    """There is no disclosure that can say this, or none that says what the contract says."""

    code = "disclosure_refused"


class DisclosureUsed(ActionRefused):
    """A contract was paid out by it, or it is voided already."""

    code = "disclosure_used"
    conflict = True


class Contract(Protocol):
    """What a disclosure is held against."""

    @property
    def request(self) -> Request: ...
    @property
    def product(self) -> str: ...
    @property
    def pricing(self) -> NewPricing: ...
    @property
    def agreed(self) -> Mapping[str, Any]: ...
    @property
    def signed_on(self) -> date: ...
    @property
    def disclosure(self) -> str: ...
    @property
    def first_home(self) -> FirstHome | None: ...


@transaction.atomic
def make_disclosure(*, asked: NewDisclosure, by: Staff, at: datetime) -> CostDisclosure:
    """Makes and keeps a disclosure with its PDF; DisclosureRefused when the figures cannot be."""
    require(by, "loans.disclose")
    day = require_business_date()
    with override(LANGUAGE):
        content = content_of(asked, day=day, by=by)
    pk = int(sql.rows("SELECT nextval(pg_get_serial_sequence('loans_costdisclosure', 'id'))")[0][0])
    content["number"] = contract_rules.formed_number("MS", by.branch.code, day, pk)
    sha256 = contract_rules.sha256_of(content)
    document = pdf.render("cost_disclosure.typ", {**content, "content_sha256": sha256})
    exhibit = store_exhibit(content=document, media_type="application/pdf", at=at)
    made = CostDisclosure.objects.create(
        pk=pk,
        number=content["number"],
        request=to_json(asked.request),
        content=content,
        content_sha256=sha256,
        annualised_percent=Decimal(content["annualised_percent"]),
        exhibit=exhibit,
        made_by=by,
        made_at=at,
    )
    CostItem.objects.bulk_create(
        CostItem(
            disclosure=made, code=item["code"], kind=item["kind"], label=item["label"], charged_by=item["charged_by"],
            amount=item["amount"], basis=item["basis"], due=item["due"],
        )
        for item in content["items"]
    )  # fmt: skip
    record(
        kind="loans.disclosure_made", subject_type="cost_disclosure", subject_id=made.pk, by=by.staff_no, at=at,
        business_date=day,
        data={"number": made.number, "content_sha256": sha256, "pdf_sha256": exhibit.sha256,
              "annualised_percent": content["annualised_percent"]},
    )  # fmt: skip
    return made


@transaction.atomic
def void_disclosure(*, disclosure_id: int, reason: str, by: Staff, at: datetime) -> CostDisclosure:
    """Voids a disclosure that no contract used; it stays as it was said and serves none any more.

    The caller has checked that the disclosure is visible.
    """
    require(by, "loans.disclose")
    day = hold_business_date()
    found = CostDisclosure.objects.select_for_update().get(pk=disclosure_id)
    if found.loan_id is not None:
        raise DisclosureUsed(_("这份明示表已用于一笔贷款，不能作废。"))
    if found.voided_at is not None:
        raise DisclosureUsed(_("这份明示表已作废。"))
    reason = reason.strip()
    if not LEAST_REASON <= len(reason) <= MOST_REASON or has_unseen_characters(reason):
        raise DisclosureRefused(_("请写明作废原因（4 至 200 个字，不含不可见字符）。"), field="reason")
    found.voided_at, found.voided_by, found.void_reason = at, by, reason
    found.save(update_fields=["voided_at", "voided_by", "void_reason"])
    record(
        kind="loans.disclosure_voided", subject_type="cost_disclosure", subject_id=found.pk, by=by.staff_no, at=at,
        business_date=day,
        data={"number": found.number, "content_sha256": found.content_sha256, "reason": reason},
    )  # fmt: skip
    return found


def content_of(asked: NewDisclosure, *, day: date, by: Staff) -> dict[str, Any]:
    """All that the document says but its number; amounts and rates as text."""
    _check_codes(asked)
    plan, cost = figures_of(asked)
    faults = term_faults(asked.request, plan.matures_on, on=day) | rate_faults(asked.request, day)
    faults |= pricing_faults(asked, plan, day) | agreed_faults(asked)
    for name, sentence in faults.items():
        raise DisclosureRefused(sentence, field=name)
    multiplier = effective_penalty(day, asked.agreed)
    default = _default_cost(asked.request, plan.rows, multiplier, day)
    return {
        "engine_version": ENGINE_VERSION,
        "made_on": str(day),
        "bank": by.branch.name,
        "made_by": by.staff_no,
        "product": asked.product,
        "product_text": str(Product(asked.product).label),
        "terms": _terms_of(asked.request, plan),
        "pricing": asked.pricing.as_json(),
        "totals": {
            "received": f"{yuan(cost.received_fen)}",
            "interest": f"{yuan(cost.interest_fen)}",
            "fees": f"{yuan(cost.fees_fen)}",
            "cost": f"{yuan(cost.interest_fen + cost.fees_fen)}",
            "paid": f"{yuan(cost.paid_fen)}",
        },
        "annualised_percent": percent(cost.annualised_ppm),
        "items": _items_of(asked, plan, cost, default),
        "default": default,
        "prepayment_fee": any(each.code == PREPAYMENT_FEE for each in asked.contingent),
        "is_combination_part": asked.is_combination_part,
        "partner": _partner_of(asked, by),
        "subsidy": _subsidy_of(asked, plan),
    }


def figures_of(asked: NewDisclosure) -> tuple[Plan, Cost]:
    """The plan and its cost; DisclosureRefused where the contract or its cost cannot be."""
    if contract_rules.has_events(asked.request):
        raise DisclosureRefused(_("放款时的合同不能含有利率变更、提前还款或停息。"), field="terms")
    try:
        plan = plan_of(asked.request, 1)
    except SimulationRefused as refused:
        name, reasons = next(iter(errors_in_words(refused.errors).items()))
        raise DisclosureRefused(str(reasons[0]), field=f"terms.{name}") from None
    try:
        return plan, cost_of(asked.request, plan.rows, asked.fees)
    except CostRefused as refused:
        sentences = {
            "fees_reach_the_loan": _("放款时收取的费用不少于贷款金额，借款人到手为零。"),
            "cost_beyond_limit": _("年化综合融资成本过高，无法列示。"),
        }
        raise DisclosureRefused(sentences[refused.code], field="fees") from None


def cost_in_short(asked: NewDisclosure) -> dict[str, Any]:
    """What a calculator shows of a contract that need not exist; nothing is written."""
    plan, cost = figures_of(asked)
    return {
        "annualised": Decimal(percent(cost.annualised_ppm)),
        "first": Decimal(_amount_of(plan.rows[0])),
        "last": Decimal(_amount_of(plan.rows[-1])),
        "received": yuan(cost.received_fen),
        "interest": yuan(cost.interest_fen),
        "paid": yuan(cost.paid_fen),
        "principal": yuan(asked.request.principal_fen),
        "count": len(plan.rows),
    }


def percent(ppm: int) -> str:
    """Percent a year with four decimals."""
    return f"{Decimal(ppm).scaleb(-4):.4f}"


def effective_penalty(on: date, agreed: Mapping[str, Any]) -> dict[str, Any]:
    """Multiplier and days of grace of a contract: what it agreed, else the bank's parameter of the day."""
    codes: dict[str, Any] = {"penalty_multiplier_overdue": "1.5", "grace_days": 3}
    return {code: agreed.get(code, parameter(code, on, default=value)) for code, value in codes.items()}


def _check_codes(asked: NewDisclosure) -> None:
    codes = [fee.code for fee in asked.fees] + [each.code for each in asked.contingent]
    for code in codes:
        if words.own_label(code) or codes.count(code) > 1:
            raise DisclosureRefused(_("费用项目 %(code)s 重复或为系统保留。") % {"code": code}, field="fees")


def _terms_of(request: Request, plan: Plan) -> dict[str, Any]:
    rows = plan.rows
    return {
        "principal": f"{yuan(request.principal_fen)}",
        "annual_rate_percent": percent(request.rate_ppm),
        "installments": len(rows),
        "method": request.method,
        "method_text": str(RepaymentMethod(request.method).label),
        "day_count": request.day_count,
        "due_day": request.due_day,
        "grace_installments": request.grace_installments,
        "disbursed_on": str(request.disbursed_on),
        "first_due_on": str(rows[0].due_on),
        "matures_on": str(plan.matures_on),
        "first_amount": _amount_of(rows[0]),
        "regular_amount": _amount_of(rows[1] if len(rows) > 2 else rows[0]),
        "last_amount": _amount_of(rows[-1]),
    }


def _amount_of(row: Row) -> str:
    return f"{yuan(row.principal_fen + row.interest_fen)}"


def _default_cost(request: Request, rows: Sequence[Row], penalty: Mapping[str, Any], day: date) -> dict[str, Any]:
    """What late payment costs: multiplier, rate, grace, and one installment reckoned through."""
    thousandths = int(Decimal(penalty["penalty_multiplier_overdue"]) * 1000)
    misuse = Decimal(parameter("penalty_multiplier_misuse", day, default="2.0"))
    late = default_cost(rows, request.rate_ppm, thousandths)
    return {
        **penalty,
        "penalty_rate_percent": percent(penalty_rate_ppm(request.rate_ppm, thousandths)),
        "misuse_multiplier": f"{misuse}",
        "misuse_rate_percent": percent(penalty_rate_ppm(request.rate_ppm, int(misuse * 1000))),
        "example_days": late.days,
        "example_principal": f"{yuan(late.principal_fen)}",
        "example_interest": f"{yuan(late.interest_fen)}",
        "example_penalty": f"{yuan(late.penalty_fen)}",
        "example_compound": f"{yuan(late.compound_fen)}",
    }


def _items_of(asked: NewDisclosure, plan: Plan, cost: Cost, default: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every item: interest, fees in normal performance, contingent costs."""
    lender, kind, rows = words.lender_words(asked.product), asked.pricing.kind, len(plan.rows)

    def own(code: str, of_kind: CostKind, amount: Decimal | None) -> dict[str, Any]:
        return _item(code, of_kind, words.own_label(code), lender, amount, words.own_basis(code, default, kind), "")

    items = [own(words.INTEREST, CostKind.INTEREST, yuan(cost.interest_fen))]
    for fee in asked.fees:
        times = fee.times(rows)
        basis = words.times_words(yuan(fee.amount_fen), times)
        whole = yuan(fee.amount_fen * times)
        items.append(_item(fee.code, CostKind.FEE, fee.label, fee.charged_by, whole, basis, fee.due))
    items += [own(code, CostKind.CONTINGENT, None) for code in (words.PENALTY, words.COMPOUND, words.MISUSE)]
    for each in asked.contingent:
        most = None if each.amount_fen is None else yuan(each.amount_fen)
        items.append(_item(each.code, CostKind.CONTINGENT, each.label, each.charged_by, most, each.basis, ""))
    return items


def _item(
    code: str, kind: CostKind, label: str, charged_by: str, amount: Decimal | None, basis: str, due: str
) -> dict[str, Any]:
    return {
        "code": code,
        "kind": kind.value,
        "label": label,
        "charged_by": charged_by,
        "amount": None if amount is None else f"{amount}",
        "basis": basis,
        "due": due,
    }


def _partner_of(asked: NewDisclosure, by: Staff) -> dict[str, Any] | None:
    """The other part of a combination loan, as its own disclosure says it."""
    if not asked.partner:
        return None
    found = visible_disclosures(by).filter(number=asked.partner).first()
    is_of_use = found is not None and found.voided_at is None and found.content["is_combination_part"]
    if found is None or not is_of_use or not asked.is_combination_part:
        raise DisclosureRefused(_("没有这份组合贷明示表。"), field="partner")
    if found.content["product"] == asked.product:
        raise DisclosureRefused(_("组合贷的两份明示表须分别为公积金贷款和商业性贷款。"), field="partner")
    said = found.content
    other = from_json(found.request)
    together = plan_of(other, 1).rows[0]
    first = plan_of(asked.request, 1).rows[0]
    amount = together.principal_fen + together.interest_fen + first.principal_fen + first.interest_fen
    return {
        "number": found.number,
        "product_text": said["product_text"],
        "principal": said["terms"]["principal"],
        "annual_rate_percent": said["terms"]["annual_rate_percent"],
        "first_amount": said["terms"]["first_amount"],
        "annualised_percent": said["annualised_percent"],
        "principal_together": f"{yuan(other.principal_fen + asked.request.principal_fen)}",
        "first_amount_together": f"{yuan(amount)}",
    }


def _subsidy_of(asked: NewDisclosure, plan: Plan) -> dict[str, Any] | None:
    """What the treasury is expected to bear, an estimate of the first installment; the cost above is without it."""
    if asked.first_home is None:
        return None
    value = parameter("interest_subsidy", asked.request.disbursed_on, default=None)
    scheme = None if value is None else scheme_of(value)
    is_commercial_part = asked.is_combination_part and asked.product == Product.COMMERCIAL
    if scheme is None or refusals(asked.first_home, scheme, is_commercial_part=is_commercial_part):
        raise DisclosureRefused(_("不符合首套房贷贴息条件。"), field="first_home")
    row = plan.rows[0]
    borne = subsidy_fen(
        row.interest_fen, asked.request.principal_fen, (asked.request.rate_ppm, 1), scheme.rate_ppm, scheme.cap_fen
    )
    return {
        "rate_percent": percent(scheme.rate_ppm),
        "years": scheme.years,
        "principal_cap": f"{yuan(scheme.cap_fen)}",
        "first_installment": f"{yuan(borne)}",
    }


# ── At disbursement ──────────────────────────────────────────────────────────────────────────────


def disclosure_that_says(contract: Contract, *, is_part: bool, by: Staff) -> CostDisclosure | None:
    """The disclosure that says what the contract says, locked; None where none is required and none is named."""
    if not contract.disclosure:
        if parameter("cost_disclosure_required", contract.signed_on, default=False):
            raise DisclosureRefused(_("签约前须有综合融资成本明示表，请填写其编号。"), field="disclosure")
        return None
    seen = visible_disclosures(by).filter(number=contract.disclosure).values("pk")
    found = CostDisclosure.objects.select_for_update().filter(pk__in=seen).first()
    if found is None:
        raise DisclosureRefused(_("没有这份明示表。"), field="disclosure")
    if found.loan_id is not None:
        raise DisclosureRefused(_("这份明示表已用于另一笔贷款。"), field="disclosure", conflict=True)
    if found.voided_at is not None:
        raise DisclosureRefused(_("这份明示表已作废。"), field="disclosure", conflict=True)
    differing = _differences(found, contract, is_part)
    if differing:
        raise DisclosureRefused(
            _("合同与明示表 %(number)s 不一致：%(what)s。") % {"number": found.number, "what": _("、").join(differing)},
            field="disclosure",
        )
    return found


def _differences(found: CostDisclosure, contract: Contract, is_part: bool) -> list[str]:
    """In which respects a disclosure says something else than the contract."""
    said = found.content
    penalty = effective_penalty(contract.signed_on, contract.agreed)
    differs = (
        (_("还款计划"), found.request != to_json(contract.request)),
        (_("贷款种类"), said["product"] != contract.product),
        (_("定价"), said["pricing"] != contract.pricing.as_json()),
        (_("罚息和宽限期"), any(said["default"][code] != value for code, value in penalty.items())),
        (_("组合贷"), said["is_combination_part"] != is_part),
        (_("贴息"), (said["subsidy"] is None) != (contract.first_home is None)),
        (_("出具日晚于签约日"), said["made_on"] > str(contract.signed_on)),
    )
    return [what for what, is_so in differs if is_so]
