"""Fees: one is charged only as its cost disclosure names it; what is not paid of it is waived by a second person."""

import re
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import posting
from loans.fee_words import fee_word
from loans.models import Fee, Loan, Position
from loans.queries import hold_business_date, lock_positions
from loans.queries.fees import agreed_codes, disclosed_fees, needs_disclosure
from loans.replay import replay_loans
from loans.rules.disclosure import FEE_CODE
from loans.rules.money import AmountError, fen
from loans.writing import Header, write_postings
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

LEAST_REASON, MOST_REASON = 4, 200


class FeeNotDisclosed(ActionRefused):
    """金规〔2026〕2号: what the cost disclosure does not name, or more of it than it names, cannot be charged."""

    code = "fee_not_disclosed"


class FeeWrong(ActionRefused):
    """The amount, the code or the reason cannot be."""

    code = "fee_wrong"


class LoanIsSettled(ActionRefused):
    """Nothing is charged to a loan that is settled."""

    code = "loan_is_settled"
    conflict = True


class FeeNotOpen(ActionRefused):
    """The fee is paid or waived already."""

    code = "fee_not_open"
    conflict = True


class WaiverNeedsAnother(ActionRefused):
    """Who charged a fee does not waive it."""

    code = "waiver_needs_another"


@transaction.atomic
def charge_fee(*, loan_id: int, code: str, amount: Decimal, reason: str, by: Staff, at: datetime) -> Fee:
    """Charges a fee on the open business date; money in suspense pays it at once.

    The caller has checked that the loan is visible.
    """
    require(by, "loans.charge_fee")
    code, reason = code.strip(), _reason(reason)
    if not re.fullmatch(FEE_CODE, code):
        raise FeeWrong(_("费用代码须为大写字母、数字和下划线（最多 40 个）。"), field="code")
    amount_fen = _fen(amount)
    business_date = hold_business_date()
    position = lock_positions([loan_id])[loan_id]
    _check_agreed(Loan.objects.get(pk=loan_id), code)
    if position.settled_on is not None:
        raise LoanIsSettled(_("贷款已于 %(day)s 结清，不能再收费。") % {"day": position.settled_on})
    fee = Fee(
        loan_id=loan_id, code=code, amount=amount, charged_on=business_date, reason=reason, charged_by=by.staff_no
    )
    try:
        with transaction.atomic():
            fee.save(force_insert=True)
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name != "fee_is_disclosed":  # type: ignore[union-attr]
            raise
        raise FeeNotDisclosed(_("综合融资成本明示表没有列明这项费用，或金额超出所列。"), field="code") from error
    header = Header(loan_id, "FEE", business_date, source_id=fee.pk)
    lines = [("FEE_RECEIVABLE", None, amount_fen), ("FEE_INCOME", None, -amount_fen)]
    write_postings([(header, lines)], as_of=business_date, at=at)
    Position.objects.filter(pk=loan_id).update(fees_due=position.fees_due + amount)
    record(
        kind="loans.fee_charged", subject_type="fee", subject_id=fee.pk, loan_id=loan_id, by=by.staff_no, at=at,
        business_date=business_date, data={"code": code, "amount": str(fee.amount), "reason": reason},
    )  # fmt: skip
    if position.suspense > 0:
        posting.use_suspense(loan_ids=[loan_id], as_of=business_date, at=at, by=by.staff_no)
    fee.refresh_from_db()
    return fee


def _check_agreed(loan: Loan, code: str) -> None:
    """A loan without a disclosure is charged what the bank's contract of its day of signing names, nothing else."""
    if needs_disclosure(loan) or code in agreed_codes(loan):
        return
    if not any(item.code == code for item in disclosed_fees(loan)):
        raise FeeNotDisclosed(_("合同没有约定“%(code)s”这项费用，不能收取。") % {"code": fee_word(code)}, field="code")


@transaction.atomic
def waive_fee(*, fee_id: int, reason: str, by: Staff, at: datetime) -> Fee:
    """Waives what is not paid of a fee; who charged it may not. What was paid stays paid.

    The caller has checked that the loan is visible.
    """
    require(by, "loans.charge_fee")
    reason = _reason(reason)
    business_date = hold_business_date()
    loan_id = Fee.objects.values_list("loan_id", flat=True).get(pk=fee_id)
    position = lock_positions([loan_id])[loan_id]
    fee = Fee.objects.get(pk=fee_id)
    if fee.charged_by == by.staff_no:
        raise WaiverNeedsAnother(_("收费经办人不能减免自己收取的费用，请由另一人办理。"))
    rest = fee.amount - fee.paid - fee.waived
    if fee.settled_on is not None or rest <= 0:
        raise FeeNotOpen(_("这项费用已缴清或已减免。"))
    Fee.objects.filter(pk=fee_id).update(waived=fee.waived + rest, waived_on=business_date, settled_on=business_date)
    header = Header(loan_id, "WAIVER", business_date, source_id=fee_id)
    lines = [("WAIVER", None, fen(rest)), ("FEE_RECEIVABLE", None, -fen(rest))]
    write_postings([(header, lines)], as_of=business_date, at=at)
    Position.objects.filter(pk=loan_id).update(fees_due=position.fees_due - rest)
    record(
        kind="loans.fee_waived", subject_type="fee", subject_id=fee_id, loan_id=loan_id, by=by.staff_no, at=at,
        business_date=business_date, data={"code": fee.code, "amount": str(rest), "reason": reason},
    )  # fmt: skip
    if position.next_number is None:
        # The waived fee may have been the last thing that was owed.
        replay_loans(loan_ids=[loan_id], as_of=business_date, at=at, by=by.staff_no)
    fee.refresh_from_db()
    return fee


def _reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise FeeWrong(_("请写明原因（至少 4 个字）。"), field="reason")
    if len(reason) > MOST_REASON:
        raise FeeWrong(_("原因过长，最多 200 个字。"), field="reason")
    if has_unseen_characters(reason):
        raise FeeWrong(_("含有不可见或控制字符。"), field="reason")
    return reason


def _fen(amount: Decimal) -> int:
    try:
        found = fen(amount)
    except AmountError:
        found = 0
    if found <= 0:
        raise FeeWrong(_("金额应大于零，最多两位小数。"), field="amount")
    return found
