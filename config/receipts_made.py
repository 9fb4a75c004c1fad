"""Makes a believable file of receipts for a book, for trials and demonstrations.

What falls due is computed from the signed terms. Each installment's fate depends on the seed, the
loan and the number only, so the same seed on the same book gives the same bytes, in whatever order
loans are read. Of a thousand installments 975 are paid in full on the due day; the rest are paid
late (then with the penalty and compound interest of their days), in part, or not at all. Some
payments are told twice, under one serial or under two.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import IO, NamedTuple

from loans import sql
from loans.queries.accounts import calendar_around, payment_terms
from loans.queries.charges import accounts_owing, owed_of
from loans.rules.account import PaymentTerms
from loans.rules.dates import following_due_date
from loans.rules.money import fen, yuan
from loans.rules.penalty import LateInstallment, LatePayment, owed
from loans.rules.receipts import COLUMNS

CHANNELS = ("CNAPS", "COUNTER", "MOBILE", "AUTO_DEBIT")


class Told(NamedTuple):
    """A line of the file."""

    loan: str
    amount: str
    value_on: date
    channel: str
    serial: str


@dataclass(frozen=True, slots=True)
class DueInstallment:
    loan_id: int
    note: str
    number: int
    due_on: date
    principal_fen: int
    interest_fen: int

    @property
    def amount_fen(self) -> int:
        return self.principal_fen + self.interest_fen


class _Paid(NamedTuple):
    """A payment of an installment, without what its days cost."""

    amount_fen: int
    days_late: int
    suffix: str = ""


class _Fate(NamedTuple):
    """What becomes of an installment: whence its money comes, and when how much of it."""

    channel: str
    payments: tuple[_Paid, ...]


_FALLING_DUE = """
SELECT l.id, l.loan_note_no, l.due_day, l.matures_on, p.next_number, p.next_due_on, p.last_number,
       t.principal_fen[p.next_number - t.first_number + 1:], t.interest_fen[p.next_number - t.first_number + 1:]
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
JOIN LATERAL (SELECT * FROM loans_terms t WHERE t.loan_id = p.loan_id ORDER BY t.version DESC LIMIT 1) t ON true
WHERE p.next_due_on <= %(through)s ORDER BY l.loan_note_no COLLATE "C"
"""
_ARREARS = """
SELECT l.id, l.loan_note_no FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
WHERE p.overdue_since IS NOT NULL ORDER BY l.loan_note_no COLLATE "C"
"""


def make_receipts(*, open_day: date, through: date, seed: int) -> list[Told]:
    """Receipts for what falls due from the open date to `through`, and cures of some arrears, by value date."""
    fates = [(each, _fate(each, seed)) for each in falling_due(through)]
    late = {each.loan_id for each, fate in fates if any(paid.days_late for paid in fate.payments)}
    terms = payment_terms(late, calendar_around([open_day, through])) if late else {}
    lines = [line for each, fate in fates for line in _told(each, fate, terms, seed)]
    lines += _cures(open_day, through, seed)
    return sorted(lines, key=lambda line: (line.value_on, line.serial))


def write(lines: list[Told], file: IO[str]) -> None:
    """The CSV of docs/receipts.md."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)


def falling_due(through: date) -> Iterator[DueInstallment]:
    """What the signed terms say falls due from the open date to `through`."""
    for loan_id, note, due_day, matures_on, number, due_on, last, principal, interest in sql.rows(
        _FALLING_DUE, {"through": through}
    ):
        day = due_on
        for offset, parts in enumerate(zip(principal, interest, strict=True)):
            if day > through:
                break
            if sum(parts):
                yield DueInstallment(loan_id, note, number + offset, day, *parts)
            if number + offset < last:
                day = following_due_date(day, due_day, matures_on, is_last=number + offset + 1 == last)


def _fate(due: DueInstallment, seed: int) -> _Fate:
    random = Random(f"{seed}/{due.note}/{due.number}")
    channel = random.choice(CHANNELS)
    lot, whole = random.random(), due.amount_fen
    if lot < 0.975:
        again = random.random()
        if again < 0.004:
            return _Fate(channel, (_Paid(whole, 0), _Paid(whole, 0)))  # the channel sent the same payment twice
        if again < 0.006:
            return _Fate(channel, (_Paid(whole, 0), _Paid(whole, 0, "-B")))  # the borrower paid twice
        return _Fate(channel, (_Paid(whole, 0),))
    if lot < 0.986:
        return _Fate(channel, (_Paid(whole, random.randint(1, 9)),))
    if lot < 0.994:
        part = max(1, whole * random.randint(30, 90) // 100)
        if random.random() < 0.6 and whole > part:
            return _Fate(channel, (_Paid(part, 0), _Paid(whole - part, random.randint(3, 15), "-B")))
        return _Fate(channel, (_Paid(part, 0),))
    return _Fate(channel, ())


def _told(due: DueInstallment, fate: _Fate, terms: Mapping[int, PaymentTerms], seed: int) -> Iterator[Told]:
    """The lines of an installment; what is paid late is paid with the charges of its days."""
    row = LateInstallment(due.due_on, due.interest_fen, due.principal_fen)
    for paid in fate.payments:
        on, amount = due.due_on + timedelta(days=paid.days_late), paid.amount_fen
        if paid.days_late:
            agreed = terms[due.loan_id]
            amount += sum(owed(row, on, agreed.penalty, agreed.calendar))
        interest = min(paid.amount_fen, row.interest_fen - sum(each.interest_fen for each in row.payments))
        part = LatePayment(on, interest, paid.amount_fen - interest)
        row = row._replace(payments=(*row.payments, part))
        serial = f"{seed}-{due.note}-{due.number:03d}{paid.suffix}"
        yield Told(due.note, str(yuan(amount)), on, fate.channel, serial)


def _cures(open_day: date, through: date, seed: int) -> Iterator[Told]:
    """About a third of the loans in arrears pay what they owe, charges included, at some day of the span."""
    dice = {(loan_id, note): Random(f"{seed}/{note}/arrears") for loan_id, note in sql.rows(_ARREARS)}
    span = min(60, max(0, (through - open_day).days))
    cures = {
        loan_id: (note, open_day + timedelta(days=random.randint(0, span)), random)
        for (loan_id, note), random in dice.items()
        if random.random() < 0.35
    }
    if not cures:
        return
    accounts = accounts_owing(cures, [day for _note, day, _random in cures.values()])
    for loan_id, (note, day, random) in cures.items():
        amount = fen(owed_of(accounts[loan_id], day).total)
        if amount:
            serial = f"{seed}-{note}-ARREARS-{open_day:%Y%m%d}"
            yield Told(note, str(yuan(amount)), day, random.choice(CHANNELS), serial)
