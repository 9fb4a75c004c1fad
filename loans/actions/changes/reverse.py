"""Undoing a prepayment or settlement: the posting is reversed, the money is in suspense again, the old terms go on."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from loans import sql
from loans.actions.changes.decide import check_authority, locked_change
from loans.actions.changes.propose import checked_words
from loans.actions.changes.refusals import ChangeIsStale, ChangeRefused, check_state
from loans.changing import going_on, write_terms
from loans.models import ChangeKind, ChangeState, ContractChange, Loan, Position, Posting, Terms
from loans.models.contract import TermsSource
from loans.queries import hold_business_date
from loans.replay import replay_loans
from loans.rules.change_record import StoredTerms
from loans.rules.changes import MONEY_KINDS
from people.actions import require
from people.models import Staff


@transaction.atomic
def reverse_change(*, change_id: int, reason: str, by: Staff, at: datetime) -> ContractChange:
    """Takes a prepayment or settlement back while nothing fell due or was signed since; a second person does it.

    The caller has checked that the change is visible.
    """
    require(by, "loans.approve_change")
    reason = checked_words(reason, "reason", 4, 400)
    day = hold_business_date()
    change, position = locked_change(change_id)
    check_state(change, ChangeState.APPLIED)
    if change.kind not in MONEY_KINDS:
        raise ChangeRefused(_("只有提前还款和提前结清可以冲正。"), code="not_reversible")
    check_authority(change, position, by, day)
    _check_nothing_since(change, position, day)
    (posting,) = Posting.objects.filter(loan_id=change.loan_id, kind="PREPAYMENT", source_id=change.pk)
    sql.run(sql.REVERSE_POSTING, {"posting_id": posting.pk, "as_of": day, "at": at})
    _restore(change, position)
    # The money is in suspense again as if it had never left: what was owed meanwhile is paid from it.
    replay_loans(loan_ids=[change.loan_id], as_of=day, at=at, by=by.staff_no)
    ContractChange.objects.filter(pk=change.pk).update(
        state=ChangeState.REVERSED, ended_on=day, end_reason=reason, ended_by=by, version=change.version + 1
    )
    record(
        kind="loans.change_reversed", subject_type="contract_change", subject_id=change.pk, loan_id=change.loan_id,
        by=by.staff_no, at=at, business_date=day,
        data={"kind": change.kind, "amount": change.result["taken"], "reason": reason},
    )  # fmt: skip
    change.refresh_from_db()
    return change


def _check_nothing_since(change: ContractChange, position: Position, day: date) -> None:
    terms = Terms.objects.filter(loan_id=change.loan_id).order_by("-version").only("version", "source_id").first()
    if terms is None or terms.version != change.result["terms_version"]:
        raise ChangeIsStale(_("该变更之后合同条款又有新版本，不能冲正。"))
    after = StoredTerms(**change.result["after_terms"])
    expected = after.first_number if after.principal_fen else None
    if position.next_number != expected:
        raise ChangeIsStale(_("该变更之后已有期次出账，不能冲正。"))
    due_on = StoredTerms(**change.result["before_terms"]).days[0]
    if due_on < day:
        # Of a settled loan nothing was billed; billed now it would be late.
        raise ChangeIsStale(_("原还款计划 %(day)s 到期的一期已过，不能冲正。") % {"day": due_on})


def _restore(change: ContractChange, position: Position) -> None:
    """The loan goes on as it did before: the rows that were signed then, as a new version of the terms."""
    before, contract = StoredTerms(**change.result["before_terms"]), change.result["before_contract"]
    write_terms(
        change.loan_id, before, change.result["terms_version"] + 1, change.effective_on, TermsSource.CHANGE, change.pk
    )
    values: dict[str, Any] = going_on(before, position)
    # Only a settlement ended the repricing; what moved its day since a prepayment stands.
    if change.kind == ChangeKind.SETTLEMENT and (day := change.result["before_position"]["next_repricing_on"]):
        values["next_repricing_on"] = date.fromisoformat(day)
    Position.objects.filter(pk=position.pk).update(
        **values,
        suspense=position.suspense + Decimal(change.result["taken"]),
        principal_balance=position.principal_balance + Decimal(change.result["taken_principal"]),
        settled_on=None,
    )
    Loan.objects.filter(pk=change.loan_id).update(
        matures_on=date.fromisoformat(contract["matures_on"]),
        due_day=contract["due_day"],
        repayment_method=contract["repayment_method"],
    )
