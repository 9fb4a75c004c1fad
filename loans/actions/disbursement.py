"""Disbursement (放款): a signed contract becomes a loan, and its money goes out on the open business date.

What is stored is the engine's own request and the plan that it means; limits are those of the day of signing. A
contract signed since the cost disclosure is required goes out only with the disclosure that says the same. The
external number makes it safe to ask twice: the same contract is the same loan, another one under it is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override
from psycopg2.extras import DateRange

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.actions.bank import open_ledger_month
from loans.actions.contract_limits import agreed_faults, pricing_faults, rate_faults
from loans.actions.disclosure import LANGUAGE, DisclosureRefused, disclosure_that_says
from loans.actions.term_limits import term_faults
from loans.models import (
    Combination,
    ContractParameter,
    CostDisclosure,
    Loan,
    Position,
    PostingKind,
    Pricing,
    Product,
    Subsidy,
    Terms,
    TermsSource,
)
from loans.queries import hold_business_date, parameter
from loans.rules import contract as rules
from loans.rules.accrual import running
from loans.rules.continuation import Plan, plan_of, to_json
from loans.rules.contract import NewPricing
from loans.rules.money import yuan
from loans.rules.pricing import next_repricing_day
from loans.rules.schedule import ENGINE_VERSION
from loans.rules.simulation import SimulationRefused
from loans.rules.simulation_request import Request
from loans.rules.subsidy import FirstHome, Scheme, ends_on, refusals, scheme_of
from loans.wording import errors_in_words
from loans.writing import Header, write_postings
from people.actions import require
from people.models import Branch, Party, Staff
from people.queries import branch_ids_visible_to

__all__ = ["ContractRefused", "ContractTaken", "DisclosureRefused", "NewContract", "NewPricing", "disburse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContract:
    """A signed contract. The request is the engine's, without events; `agreed` holds what it agreed otherwise."""

    external_id: str
    borrower_id: int
    branch_id: int
    signed_on: date
    request: Request
    pricing: NewPricing = field(default_factory=NewPricing)
    product: str = Product.COMMERCIAL.value
    portfolio_officer_id: int | None = None
    credit_score: int | None = None
    # Number of its cost disclosure.
    disclosure: str = ""
    # Code of a parameter → value: `grace_days`, `penalty_multiplier_overdue`.
    agreed: Mapping[str, Any] = field(default_factory=dict)
    # What is claimed for the interest subsidy; None claims nothing.
    first_home: FirstHome | None = None
    # Who approved the credit; not named in a contract handed in before it was asked for.
    approver_id: int | None = None

    @property
    def sha256(self) -> str:
        """Hash of all that was handed in: the same contract once more has the same."""
        given = asdict(self) | {"request": to_json(self.request), "pricing": self.pricing.as_json()}
        if self.approver_id is None:
            del given["approver_id"]
        return rules.sha256_of(given)


class ContractRefused(ActionRefused):
    """The contract does not fit the bank's limits or registers; `sentences` says why, field by field."""

    code = "contract_refused"

    def __init__(self, sentences: Mapping[str, str]) -> None:
        first = next(iter(sentences))
        super().__init__(sentences[first], field=first)
        self.sentences = dict(sentences)


class ContractTaken(ActionRefused):
    """The external number belongs to another contract."""

    code = "external_id_taken"
    conflict = True


@transaction.atomic
def disburse(*, contract: NewContract, by: Staff, at: datetime) -> Loan:
    """Books a contract and pays it out on the open business date; asked again, the loan of the first time."""
    return book_contract(contract, combination=None, by=by, at=at)


def book_contract(contract: NewContract, *, combination: Combination | None, by: Staff, at: datetime) -> Loan:
    """One contract, by itself or as part of a combination; inside the caller's transaction."""
    require(by, "loans.disburse")
    day = hold_business_date()
    _one_at_a_time(contract.external_id)
    known = _known(contract, by)
    if known is not None:
        return known
    plan, scheme = checked(contract, day=day, is_part=combination is not None, by=by)
    disclosure = disclosure_that_says(contract, is_part=combination is not None, by=by)
    loan = _write_loan(contract, plan, combination)
    _write_terms(loan, contract, plan)
    if scheme is not None:
        _write_subsidy(loan, scheme)
    if disclosure is not None:
        CostDisclosure.objects.filter(pk=disclosure.pk).update(loan=loan)
    open_ledger_month(day)
    amount = contract.request.principal_fen
    header = Header(loan.pk, PostingKind.DISBURSEMENT.value, day)
    write_postings([(header, [("PRINCIPAL", None, amount), ("CASH", None, -amount)])], as_of=day, at=at)
    record(
        kind="loans.disbursed", subject_type="loan", subject_id=loan.pk, loan_id=loan.pk, by=by.staff_no, at=at,
        business_date=day, data=_told(contract, plan, combination, disclosure),
    )  # fmt: skip
    return loan


def _told(
    contract: NewContract, plan: Plan, combination: Combination | None, disclosure: CostDisclosure | None
) -> dict[str, Any]:
    return {
        "principal": f"{yuan(contract.request.principal_fen)}",
        "installments": len(plan.rows),
        "rate_ppm": plan.rate_ppm,
        "schedule_sha256": plan.sha256,
        "signed_on": str(contract.signed_on),
        "combination": combination.number if combination else "",
        "disclosure": disclosure.number if disclosure else "",
        "disclosure_sha256": disclosure.content_sha256 if disclosure else "",
    }


def _one_at_a_time(external_id: str) -> None:
    """Whoever hands in the same number at the same time waits until this transaction ends, and then finds its loan."""
    sql.rows("SELECT pg_advisory_xact_lock(hashtextextended('contract:' || %(id)s, 0))", {"id": external_id})


def _known(contract: NewContract, by: Staff) -> Loan | None:
    """The loan that this contract became already; ContractTaken when its number belongs to another."""
    loan = Loan.objects.filter(external_id=contract.external_id).first()
    if loan is None:
        return None
    if loan.tape_sha256 != contract.sha256 or loan.branch_id not in branch_ids_visible_to(by):
        raise ContractTaken(_("外部编号 %(id)s 已用于另一笔贷款。") % {"id": contract.external_id}, field="external_id")
    return loan


# ── What is looked at before anything is written ─────────────────────────────────────────────────


def checked(contract: NewContract, *, day: date, is_part: bool, by: Staff) -> tuple[Plan, Scheme | None]:
    """The plan of a contract that may go out, and the subsidy that it gets; ContractRefused names every fault."""
    try:
        plan = plan_of(contract.request, 1)
    except SimulationRefused as refused:
        words = errors_in_words(refused.errors)
        raise ContractRefused({f"terms.{name}": str(next(iter(reasons))) for name, reasons in words.items()}) from None
    faults = _term_faults(contract, plan, day) | _register_faults(contract, by)
    faults |= pricing_faults(contract, plan, contract.signed_on) | agreed_faults(contract)
    scheme, against = _subsidy_of(contract, day, is_part)
    if against:
        faults["first_home"] = against
    if faults:
        raise ContractRefused(faults)
    return plan, scheme


def _term_faults(contract: NewContract, plan: Plan, day: date) -> dict[str, str]:
    """What speaks against days, term and rate; limits as of the day of signing."""
    request, signed = contract.request, contract.signed_on
    faults = term_faults(request, plan.matures_on, on=signed) | rate_faults(request, signed)
    if request.disbursed_on != day:
        faults["terms.disbursed_on"] = _("放款日须为当前营业日期 %(day)s。") % {"day": day}
    if signed > request.disbursed_on:
        faults["signed_on"] = _("签约日不能晚于放款日。")
    if rules.has_events(request):
        faults["terms"] = _("放款时的合同不能含有利率变更、提前还款或停息。")
    return faults


def _register_faults(contract: NewContract, by: Staff) -> dict[str, str]:
    """What speaks against the people and the branch."""
    faults: dict[str, str] = {}
    if contract.branch_id not in branch_ids_visible_to(by):
        faults["branch"] = _("没有这个机构。")
    if not Party.objects.filter(pk=contract.borrower_id).exists():
        faults["borrower"] = _("没有这位借款人。")
    officer = contract.portfolio_officer_id
    if officer is not None:
        found = Staff.objects.filter(pk=officer, is_active=True, branch_id=contract.branch_id).exists()
        if not found:
            faults["portfolio_officer"] = _("管户客户经理须为该机构的在岗人员。")
    return faults


def _subsidy_of(contract: NewContract, day: date, is_part: bool) -> tuple[Scheme | None, str]:
    """The scheme that bears part of the interest, or why there is none although it was asked for."""
    if contract.first_home is None:
        return None, ""
    value = parameter("interest_subsidy", day, default=None)
    scheme = None if value is None else scheme_of(value)
    is_commercial_part = is_part and contract.product == Product.COMMERCIAL
    codes = refusals(contract.first_home, scheme, is_commercial_part=is_commercial_part)
    held = Subsidy.objects.filter(loan__borrower_id=contract.borrower_id, in_force__contains=day).exists()
    if held:
        codes = (*codes, "subsidised_already")
    sentences = {
        "no_scheme": _("放款日没有执行中的贴息政策。"),
        "not_first_home": _("不是家庭首套住房。"),
        "refinancing": _("置换贷款不享受贴息。"),
        "commercial_part": _("组合贷中的商业性贷款不享受贴息。"),
        "area_too_large": _("面积超过 %(most)s 平方米。") % {"most": scheme.most_area if scheme else ""},
        "price_too_high": _("总价超过 %(most)s 元。") % {"most": yuan(scheme.most_price_fen) if scheme else ""},
        "subsidised_already": _("借款人已有一笔享受贴息的贷款。"),
    }
    return scheme, "".join(sentences[code] for code in codes)


# ── What is written ──────────────────────────────────────────────────────────────────────────────


def next_number(prefix: str, table: str, branch: Branch, day: date) -> tuple[int, str]:
    """An id of one of our tables drawn ahead, and the number formed with it."""
    statement = f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))"  # noqa: S608 - a table of ours
    pk = int(sql.rows(statement)[0][0])
    return pk, rules.formed_number(prefix, branch.code, day, pk)


def _write_loan(contract: NewContract, plan: Plan, combination: Combination | None) -> Loan:
    request = contract.request
    branch = Branch.objects.get(pk=contract.branch_id)
    pk, number = next_number("ML", "loans_loan", branch, request.disbursed_on)
    while Loan.objects.filter(loan_note_no=number).exists():
        # A loan taken over with a book may bear the number.
        pk, number = next_number("ML", "loans_loan", branch, request.disbursed_on)
    return Loan.objects.create(
        pk=pk,
        loan_note_no=number,
        external_id=contract.external_id,
        borrower_id=contract.borrower_id,
        branch=branch,
        portfolio_officer_id=contract.portfolio_officer_id,
        approver_id=contract.approver_id,
        product=contract.product,
        combination=combination,
        signed_on=contract.signed_on,
        principal_original=yuan(request.principal_fen),
        disbursed_on=request.disbursed_on,
        matures_on=plan.matures_on,
        due_day=request.due_day,
        repayment_method=request.method,
        credit_score=contract.credit_score,
        tape_sha256=contract.sha256,
    )


def _write_terms(loan: Loan, contract: NewContract, plan: Plan) -> None:
    """Position, signed terms, pricing and what was agreed otherwise."""
    request, pricing = contract.request, contract.pricing
    rate, installment = Decimal(plan.rate_ppm).scaleb(-4), yuan(plan.installment_fen)
    repriced_on = None
    if pricing.kind == rules.LPR:
        assert pricing.cycle_months is not None
        repriced_on = next_repricing_day(
            request.disbursed_on, cycle_months=pricing.cycle_months, anchor=pricing.anchor,
            disbursed_on=request.disbursed_on, matures_on=plan.matures_on,
        )  # fmt: skip
    Position.objects.create(
        loan=loan,
        principal_balance=yuan(request.principal_fen),
        unbilled_principal=yuan(request.principal_fen),
        annual_rate_percent=rate,
        installment_amount=installment,
        next_number=1,
        next_due_on=plan.rows[0].due_on,
        last_number=plan.last_number,
        next_repricing_on=repriced_on,
        accrues_from=running(plan.request).accrues_from,
    )
    Terms.objects.create(
        loan=loan,
        version=1,
        effective_on=request.disbursed_on,
        principal=yuan(request.principal_fen),
        annual_rate_percent=rate,
        installment_amount=installment,
        first_number=1,
        installments=len(plan.rows),
        plain_from=plan.plain_from,
        request=to_json(request),
        source=TermsSource.DISBURSEMENT,
        engine_version=ENGINE_VERSION,
        schedule_sha256=plan.sha256,
        principal_fen=plan.principal_fen,
        interest_fen=plan.interest_fen,
    )
    since = DateRange(request.disbursed_on, None, "[)")
    with override(LANGUAGE):
        source = _("借款合同，%(day)s 签署") % {"day": contract.signed_on}
    Pricing.objects.create(
        loan=loan, in_force=since, kind=pricing.kind, tenor=pricing.tenor, spread_bp=pricing.spread_bp,
        cycle_months=pricing.cycle_months, anchor=pricing.anchor, source=source,
    )  # fmt: skip
    ContractParameter.objects.bulk_create(
        ContractParameter(loan=loan, code=code, value=value, in_force=since, source=source)
        for code, value in sorted(contract.agreed.items())
    )


def _write_subsidy(loan: Loan, scheme: Scheme) -> None:
    Subsidy.objects.create(
        loan=loan,
        in_force=DateRange(loan.disbursed_on, ends_on(loan.disbursed_on, scheme.years), "[)"),
        annual_rate_percent=Decimal(scheme.rate_ppm).scaleb(-4),
        principal_cap=yuan(scheme.cap_fen),
        source="interest_subsidy",
    )
