"""Writes of people: branches, staff, roles, borrowers' means and contact, reveals of masked data."""

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from people.models import Branch, FinancialProfile, Party, Role, Scope, Staff
from people.queries import may
from people.rules.identity import has_unseen_characters

REASON_LEAST, REASON_MOST = 4, 200
PERMISSIONS = (
    "loans.view",
    "loans.view_figures",
    "loans.view_receipts",
    "loans.post_receipts",
    "loans.approve_refund",
    "loans.charge_fee",
    "loans.disburse",
    "loans.disclose",
    "loans.propose_change",
    "loans.approve_change",
    "loans.view_reports",
    "loans.export_book",
    "loans.view_repricing",
    "loans.propose_repricing",
    "loans.approve_repricing",
    "loans.print_for_customer",
    "loans.export_names",
    "people.reveal",
    "people.manage",
    "correspondence.view",
    "correspondence.cancel",
    "correspondence.record_contact",
    "correspondence.view_wording",
    "correspondence.propose_wording",
    "correspondence.approve_wording",
    "followups.view",
    "followups.record_visit",
    "followups.record_event",
    "followups.take_feed",
    "followups.assign",
    "followups.review",
    "followups.review_red",
    "followups.customer_status",
    "followups.view_policy",
    "followups.propose_policy",
    "followups.approve_policy",
    "risk.answer_signal",
    "risk.close_signal",
    "collateral.record",
    "collateral.propose_revaluation",
    "collateral.approve_revaluation",
    "operations.view",
    "operations.run",
    "journal.view",
)
ROLES: tuple[tuple[str, str, Scope, tuple[str, ...]], ...] = (
    (
        "LOAN_OFFICER",
        gettext_noop("客户经理"),
        Scope.BRANCH,
        (
            "loans.view",
            "loans.disclose",
            "loans.propose_change",
            "correspondence.record_contact",
            "followups.view",
            "followups.record_visit",
            "followups.record_event",
            "risk.answer_signal",
            "collateral.record",
            "people.reveal",
        ),
    ),
    (
        "BRANCH_MANAGER",
        gettext_noop("支行主管"),
        Scope.SUBTREE,
        (
            "loans.view",
            "loans.view_figures",
            "loans.disclose",
            "loans.propose_change",
            "loans.approve_change",
            "loans.view_reports",
            "loans.export_book",
            "loans.print_for_customer",
            "correspondence.view",
            "correspondence.cancel",
            "correspondence.record_contact",
            "followups.view",
            "followups.record_event",
            "followups.assign",
            "followups.review",
            "risk.answer_signal",
            "risk.close_signal",
            "collateral.record",
            "people.reveal",
        ),
    ),
    (
        "RISK_MANAGER",
        gettext_noop("风险经理"),
        Scope.ALL,
        (
            "loans.view",
            "loans.view_figures",
            "loans.approve_change",
            "loans.view_reports",
            "loans.export_book",
            "loans.view_repricing",
            "loans.approve_repricing",
            "correspondence.view",
            "correspondence.view_wording",
            "correspondence.approve_wording",
            "followups.view",
            "followups.record_event",
            "followups.take_feed",
            "followups.review",
            "followups.review_red",
            "followups.view_policy",
            "followups.propose_policy",
            "followups.approve_policy",
            "risk.answer_signal",
            "risk.close_signal",
            "collateral.propose_revaluation",
            "collateral.approve_revaluation",
        ),
    ),
    (
        "OPERATIONS",
        gettext_noop("运营"),
        Scope.ALL,
        (
            "loans.view",
            "loans.view_receipts",
            "loans.post_receipts",
            "loans.approve_refund",
            "loans.charge_fee",
            "loans.disburse",
            "loans.disclose",
            "loans.propose_change",
            "loans.view_repricing",
            "loans.propose_repricing",
            "loans.print_for_customer",
            "loans.export_names",
            "followups.take_feed",
            "correspondence.view",
            "correspondence.cancel",
            "correspondence.record_contact",
            "correspondence.view_wording",
            "correspondence.propose_wording",
            "operations.view",
            "operations.run",
        ),
    ),
    (
        "AUDITOR",
        gettext_noop("审计"),
        Scope.ALL,
        (
            "loans.view",
            "loans.view_figures",
            "loans.view_receipts",
            "loans.view_reports",
            "loans.export_book",
            "loans.view_repricing",
            "correspondence.view",
            "correspondence.view_wording",
            "followups.view",
            "followups.view_policy",
            "journal.view",
        ),
    ),
    # A program of the bank that speaks with one borrower at a time: told where a visit stands, nothing else.
    ("CUSTOMER_CHANNEL", gettext_noop("客户渠道"), Scope.ALL, ("followups.customer_status",)),
    ("ADMINISTRATOR", gettext_noop("系统管理员"), Scope.NONE, ("people.manage", "operations.view")),
)


class NotAllowed(ActionRefused):
    code = "not_allowed"


class ReasonTooShort(ActionRefused):
    code = "reason_too_short"


class ReasonWrong(ActionRefused):
    """Too long, or with characters that cannot be seen."""

    code = "reason_wrong"


def require(staff: Staff, permission: str) -> None:
    """Raises NotAllowed unless one of the person's roles carries the permission."""
    if not may(staff, permission):
        raise NotAllowed(_("您的岗位没有此项权限。"))


@transaction.atomic
def install_roles() -> None:
    """Makes or updates the standard roles; safe to repeat."""
    for code, name, scope, permissions in ROLES:
        Role.objects.update_or_create(
            code=code, defaults={"name": name, "scope": scope, "permissions": list(permissions)}
        )


@transaction.atomic
def create_branch(*, code: str, name: str, parent: Branch | None, by: str, at: datetime) -> Branch:
    """Adds a branch below its parent (None only for the root) and records it."""
    path = f"{parent.path if parent else ''}{code}/"
    branch = Branch.objects.create(code=code, name=name, parent=parent, path=path)
    record(
        kind="people.branch_created",
        subject_type="branch",
        subject_id=branch.pk,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"code": code},
    )
    return branch


def root_branch(*, at: datetime) -> Branch:
    """The bank itself; made on first use."""
    branch = Branch.objects.filter(parent__isnull=True).first()
    return branch or create_branch(code="0000", name="总行", parent=None, by="system", at=at)


@transaction.atomic
def create_staff(
    *, staff_no: str, name: str, branch: Branch, roles: list[str], password: str | None, by: str, at: datetime
) -> Staff:
    """Adds a person with roles by code; the password may be None (no sign-in until one is set)."""
    staff = Staff.objects.create_user(staff_no, password, name=name, branch=branch)
    staff.roles.set(Role.objects.filter(code__in=roles))
    record(
        kind="people.staff_created",
        subject_type="staff",
        subject_id=staff.pk,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"staff_no": staff_no, "roles": sorted(roles)},
    )
    return staff


@transaction.atomic
def record_profile(
    *,
    party_id: int,
    known_on: date,
    source: str,
    monthly_income: Decimal | None,
    employer: str,
    other_monthly_debt: Decimal | None,
    by: str,
    at: datetime,
    loan_id: int | None = None,
) -> FinancialProfile:
    """Adds what is now known of a party's means; parts not given are carried over from the last snapshot.

    `loan_id` is the loan on whose visit it was found: the fact then stands on its timeline.
    """
    last = FinancialProfile.objects.filter(party_id=party_id).order_by("-known_on", "-id").first()
    profile = FinancialProfile.objects.create(
        party_id=party_id,
        known_on=known_on,
        source=source,
        monthly_income=monthly_income if monthly_income is not None else (last.monthly_income if last else None),
        employer=employer or (last.employer if last else ""),
        other_monthly_debt=other_monthly_debt
        if other_monthly_debt is not None
        else (last.other_monthly_debt if last else None),
    )
    record(
        kind="people.profile_recorded",
        subject_type="party",
        subject_id=party_id,
        loan_id=loan_id,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"source": source},
    )
    return profile


@transaction.atomic
def change_phone(*, party_id: int, phone: str, by: str, at: datetime, loan_id: int | None = None) -> None:
    """Sets a party's telephone number; the journal keeps only hashes of both, under the loan it was learnt on."""
    party = Party.objects.select_for_update().get(pk=party_id)
    before = party.phone
    Party.objects.filter(pk=party_id).update(phone=phone)
    record(
        kind="people.phone_changed",
        subject_type="party",
        subject_id=party_id,
        loan_id=loan_id,
        by=by,
        at=at,
        business_date=business_date_now(),
        data={"before_sha256": _hash(party_id, before), "after_sha256": _hash(party_id, phone)},
    )


@transaction.atomic
def reveal(*, party_id: int, loan_id: int, field: str, reason: str, by: Staff, at: datetime) -> str:
    """Shows one masked value once and records who, whom, why. The caller has checked that the loan is visible."""
    require(by, "people.reveal")
    reason = _checked_reason(reason)
    if field not in ("phone", "id_no", "name"):
        raise NotAllowed(_("没有这个字段。"), field="field")
    value: Any = Party.objects.values_list(field, flat=True).get(pk=party_id)
    record(
        kind="people.revealed",
        subject_type="party",
        subject_id=party_id,
        loan_id=loan_id,
        by=by.staff_no,
        at=at,
        business_date=business_date_now(),
        data={"field": field, "reason": reason},
    )
    return str(value)


def _checked_reason(reason: str) -> str:
    """The reason without outer space; it is kept whole and as it was read, or refused."""
    words = reason.strip()
    if has_unseen_characters(words):
        raise ReasonWrong(_("查看原因含有不可见或控制字符。"), field="reason")
    if len(words) < REASON_LEAST:
        raise ReasonTooShort(_("请写明查看原因（至少 4 个字）。"), field="reason")
    if len(words) > REASON_MOST:
        raise ReasonWrong(_("查看原因过长，最多 200 个字。"), field="reason")
    return words


def _hash(party_id: int, value: str) -> str:
    return hashlib.sha256(f"{party_id}:{value}".encode()).hexdigest()
