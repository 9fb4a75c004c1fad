"""Files of money, breaks, refunds, returns: who sees them, and what stands beside an unmatched receipt."""

from typing import NamedTuple

from django.db.models import Count, QuerySet

from loans.models import (
    BreakState,
    DebitInstruction,
    DebitResult,
    Loan,
    MoneyFile,
    MoneyReturn,
    Receipt,
    ReceiptBreak,
    ReceiptState,
    Refund,
    ReturnState,
)
from loans.rules.copied import as_typed
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to


def sees_the_whole_bank(staff: Staff) -> bool:
    """Files hold rows of all branches, and money that names no loan belongs to none."""
    return len(branch_ids_visible_to(staff)) == Branch.objects.count()


def receipts_visible_to(staff: Staff) -> QuerySet[Receipt]:
    """Receipts of loans one sees; unmatched ones for those who see the whole bank."""
    if sees_the_whole_bank(staff):
        return Receipt.objects.all()
    return Receipt.objects.filter(loan__in=Loan.objects.visible_to(staff))


def files_visible_to(staff: Staff) -> QuerySet[MoneyFile]:
    return MoneyFile.objects.all() if sees_the_whole_bank(staff) else MoneyFile.objects.none()


def breaks_visible_to(staff: Staff) -> QuerySet[ReceiptBreak]:
    return ReceiptBreak.objects.all() if sees_the_whole_bank(staff) else ReceiptBreak.objects.none()


def refunds_visible_to(staff: Staff) -> QuerySet[Refund]:
    return Refund.objects.filter(loan__in=Loan.objects.visible_to(staff))


def returns_visible_to(staff: Staff) -> QuerySet[MoneyReturn]:
    """Money that names no loan belongs to no branch: for those who see the whole bank."""
    return MoneyReturn.objects.all() if sees_the_whole_bank(staff) else MoneyReturn.objects.none()


def returns_to_decide(staff: Staff) -> QuerySet[MoneyReturn]:
    """Returns that wait for a second person, the oldest first."""
    waiting = returns_visible_to(staff).filter(state=ReturnState.PROPOSED)
    return waiting.select_related("receipt", "proposed_by").order_by("id")


def unmatched_without_a_break(staff: Staff) -> int:
    """Receipts that name no loan and came in no file: the queue does not show them, the list of receipts does."""
    named = ReceiptBreak.objects.filter(receipt__isnull=False).values("receipt_id")
    return receipts_visible_to(staff).filter(state=ReceiptState.UNMATCHED).exclude(pk__in=named).count()


def unanswered_debits() -> int:
    return DebitInstruction.objects.filter(result=DebitResult.PENDING).count()


class FileWork(NamedTuple):
    """What is still to be done for a file."""

    open_breaks: int
    unanswered: int


def work_of_files(file_ids: list[int]) -> dict[int, FileWork]:
    """Open breaks and debits without an answer, by file; two statements for a page of files."""
    open_breaks = ReceiptBreak.objects.filter(file_id__in=file_ids, state=BreakState.OPEN)
    pending = DebitInstruction.objects.filter(file_id__in=file_ids, result=DebitResult.PENDING)
    breaks = dict(open_breaks.values_list("file_id").annotate(count=Count("pk")))
    debits = dict(pending.values_list("file_id").annotate(count=Count("pk")))
    return {pk: FileWork(breaks.get(pk, 0), debits.get(pk, 0)) for pk in file_ids}


def find_loan(text: str, staff: Staff) -> Loan | None:
    """The one visible loan with this note number, else with this external id; no guessing about money."""
    word = as_typed(text)
    if not word or len(word) > 40 or "\x00" in word:
        return None
    seen = Loan.objects.visible_to(staff).select_related("borrower", "position", "branch")
    return seen.filter(loan_note_no=word.upper()).first() or seen.filter(external_id=word).first()


def loan_meant_by(receipt: Receipt) -> str:
    """The note number of the loan whose debit this money answers, when it answers one."""
    found = DebitInstruction.objects.filter(serial=receipt.loan_ref).values_list("loan__loan_note_no", flat=True)
    return found.first() or ""


def alike(receipt: Receipt, loan: Loan) -> QuerySet[Receipt]:
    """Receipts of the loan with the same amount and value date: perhaps the same money, told twice."""
    same = Receipt.objects.filter(loan=loan, amount=receipt.amount, value_on=receipt.value_on)
    return same.exclude(state=ReceiptState.REVERSED).order_by("-id")
