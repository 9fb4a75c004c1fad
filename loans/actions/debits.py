"""Automatic debits: the file of what is asked of the core bank, once a business date.

It is made in the morning of the date, after the close of the day before. So it asks for what is billed and unpaid, for
what falls due on the date by the signed terms (billed only in the evening), for charges to the date and for fees; less
what the treasury bears of it, what the loan has in suspense, and what debits without an answer have asked already:
money on its way is not asked for twice.
"""

import hashlib
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.actions.files import actor_of
from loans.models import MoneyFile, MoneyFileKind
from loans.queries import hold_business_date
from loans.queries.charges import owed_by
from loans.rules.debit_file import Asked, debit_file, instruction_serial
from loans.rules.money import rate_ppm, yuan
from loans.rules.subsidy import average_rate, subsidy_fen
from loans.sql import array, files
from people.actions import require
from people.models import Staff


class DebitFileDiffers(ActionRefused):
    """The instructions on file are not those that went out; nobody may send them again."""

    code = "debit_file_differs"


@transaction.atomic
def make_debits(*, by: Staff | str, at: datetime) -> tuple[MoneyFile, bool]:
    """The file of the open business date, and whether it was made now; made before, it stays as it is."""
    if isinstance(by, Staff):
        require(by, "loans.post_receipts")
    day = hold_business_date()
    known = MoneyFile.objects.filter(kind=MoneyFileKind.DEBITS_OUT, business_date=day).first()
    if known is not None:
        return known, False
    asked = _asked(day)
    content = debit_file((row for _loan_id, row in asked), day)
    counts = {"rows": len(asked), "amount": str(sum((row.amount for _id, row in asked), Decimal("0.00")))}
    try:
        with transaction.atomic():
            made = MoneyFile.objects.create(
                kind=MoneyFileKind.DEBITS_OUT, name=f"debits-{day:%Y%m%d}.csv", business_date=day, actor=actor_of(by),
                sha256=hashlib.sha256(content).hexdigest(), at=at, counts=counts,
            )  # fmt: skip
    except IntegrityError:
        # Another made it while we reckoned: theirs is the file of the date.
        return MoneyFile.objects.get(kind=MoneyFileKind.DEBITS_OUT, business_date=day), False
    sql.run(
        files.INSERT_INSTRUCTIONS,
        {
            "file": made.pk,
            "day": day,
            "serial": [row.serial for _loan_id, row in asked],
            "loan_id": array(loan_id for loan_id, _row in asked),
            "amount": array(row.amount for _loan_id, row in asked),
        },
    )
    record(
        kind="loans.debits_made", subject_type="money_file", subject_id=made.pk, by=actor_of(by), at=at,
        business_date=day, data={**counts, "sha256": made.sha256},
    )  # fmt: skip
    return made, True


def _asked(day: date) -> list[tuple[int, Asked]]:
    """What each loan is asked for, in order of loan ids; loans that owe nothing are not among them."""
    rows = sql.rows(files.GATHER_DEBITS, {"day": day})
    owed = owed_by([row[0] for row in rows], day) if rows else {}
    borne = _borne(day)
    found = []
    for loan_id, note_no, falling, pending in rows:
        standing = owed[loan_id]
        amount = standing.total + yuan(falling - borne.get(loan_id, 0) - pending) - standing.suspense
        if amount > 0:
            found.append((loan_id, Asked(instruction_serial(day, loan_id), note_no, amount, day)))
    return found


def _borne(day: date) -> dict[int, int]:
    """What the treasury will bear this evening of the installments that fall due, in fen by loan."""
    found = {}
    for loan_id, starts_on, interest, balance, percent, cap, since, rates in sql.rows(
        files.FALLING_SUBSIDISED, {"day": day}
    ):
        average = average_rate(starts_on, day, list(zip(since, map(rate_ppm, rates), strict=True)))
        found[loan_id] = subsidy_fen(interest, balance, average, rate_ppm(percent), cap)
    return found


def debit_content(file: MoneyFile) -> bytes:
    """The bytes that went out, made again from the instructions; DebitFileDiffers when they are not the same."""
    rows = sql.rows(files.INSTRUCTIONS_OF_FILE, {"file": file.pk})
    content = debit_file((Asked(*row) for row in rows), file.business_date)
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise DebitFileDiffers(_("扣款指令与发出的文件不符，不能再次下载；请联系运维核查。"))
    return content
