"""What borrowers of the demo pay: most on the day, some late, a few not for long; as many in arrears as a bank has."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

from config.demo.book import BAD_ONES, MENTIONED, PAID_LATE, PUNCTUAL, SEED, clock, external_id
from config.receipts_made import Told, falling_due, make_receipts
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan, Position
from loans.queries.charges import accounts_owing, owed_of
from loans.rules.money import yuan

# Days of a month on which those in arrears come to pay.
CURE_DAYS = (6, 13, 20, 27)
# The first installment that this loan leaves unpaid, and when it pays all of it.
MISSED_FROM, PAID_ON = date(2026, 8, 10), date(2026, 9, 21)


def receipts_of_month(first: date, last: date) -> Mapping[date, list[ReceiptRow]]:
    """By value date: what is paid on these days. Who stays in arrears pays nothing."""
    silent = notes_of([*BAD_ONES, *PUNCTUAL])
    late = notes_of([PAID_LATE])
    found: dict[date, list[ReceiptRow]] = defaultdict(list)
    for line in make_receipts(open_day=first, through=last, seed=SEED):
        if line.loan in silent or (line.loan in late and MISSED_FROM <= line.value_on < PAID_ON):
            continue
        if first <= line.value_on:
            found[line.value_on].append(_row(line))
    on_time = notes_of(PUNCTUAL)
    for due in falling_due(last):
        if due.note in on_time and first <= due.due_on:
            serial = f"{SEED}-{due.note}-{due.number:03d}"
            found[due.due_on].append(ReceiptRow(due.note, yuan(due.amount_fen), due.due_on, "AUTO_DEBIT", serial))
    return found


def _row(line: Told) -> ReceiptRow:
    return ReceiptRow(**{**line._asdict(), "amount": Decimal(line.amount)})


def pay(lines: Collection[ReceiptRow], day: date) -> None:
    if lines:
        post_receipts(rows=list(lines), by="system", at=clock(day, 18))


def notes_of(serials: Iterable[int]) -> set[str]:
    """Loan notes of the demo's serials."""
    found = Loan.objects.filter(external_id__in=[external_id(serial) for serial in serials])
    return set(found.values_list("loan_note_no", flat=True))


def cure(day: date, *, leave: int) -> None:
    """All who are late pay what they owe, except those who stay in arrears and so many others."""
    staying = notes_of([*BAD_ONES, *([PAID_LATE] if day < PAID_ON else [])])
    late = Position.objects.filter(overdue_since__isnull=False, overdue_since__lt=day, settled_on__isnull=True)
    rows = late.exclude(loan__loan_note_no__in=staying).order_by("overdue_since", "loan_id")
    found = list(rows.values_list("loan_id", "loan__loan_note_no"))
    settle(dict(found[: max(0, len(found) - leave)]), day)


def settle(paying: Mapping[int, str], day: date) -> None:
    """These loans, with their notes, pay all that they owe."""
    if not paying:
        return
    accounts = accounts_owing(paying, [day])
    lines = []
    for loan_id, note in paying.items():
        amount = owed_of(accounts[loan_id], day).total
        if amount > 0:
            serial = f"{SEED}-{note}-CURE-{day:%Y%m%d}"
            lines.append(ReceiptRow(loan=note, amount=amount, value_on=day, channel="COUNTER", serial=serial))
    pay(lines, day)


def leave_on(day: date) -> int:
    """How many may stay late on a day of paying; on the last one as many as the business date shall show."""
    return MENTIONED if day >= date(2026, 10, 20) else 20 + day.day % 7
