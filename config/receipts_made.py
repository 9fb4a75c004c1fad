"""Makes a believable file of receipts for a book, for trials and demonstrations.

What falls due is computed from the signed terms. Each installment's fate depends on the seed, the
loan and the number only, so the same seed on the same book gives the same bytes, in whatever order
loans are read. Of a thousand installments 975 are paid in full on the due day; the rest are paid
late, in part, or not at all. Some payments are told twice, under one serial or under two.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import IO, NamedTuple

from loans import sql
from loans.rules.dates import following_due_date
from loans.rules.money import yuan
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
class _Installment:
    note: str
    number: int
    due_on: date
    amount_fen: int


_FALLING_DUE = """
SELECT l.loan_note_no, l.due_day, l.matures_on, p.next_number, p.next_due_on, p.last_number,
       t.principal_fen[p.next_number - t.first_number + 1:], t.interest_fen[p.next_number - t.first_number + 1:]
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
JOIN LATERAL (SELECT * FROM loans_terms t WHERE t.loan_id = p.loan_id ORDER BY t.version DESC LIMIT 1) t ON true
WHERE p.next_due_on <= %(through)s ORDER BY l.loan_note_no COLLATE "C"
"""
_ARREARS = """
SELECT l.loan_note_no, (sum(i.principal - i.principal_paid + i.interest - i.interest_paid) * 100)::bigint
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id JOIN loans_installment i ON i.loan_id = p.loan_id
WHERE p.overdue_since IS NOT NULL AND i.settled_on IS NULL GROUP BY l.loan_note_no ORDER BY l.loan_note_no COLLATE "C"
"""


def make_receipts(*, open_day: date, through: date, seed: int) -> list[Told]:
    """Receipts for what falls due from the open date to `through`, and cures of some arrears, by value date."""
    lines = [line for each in _falling_due(through) for line in _fate(each, seed)]
    for note, owed_fen in sql.rows(_ARREARS):
        lines += _cure(note, owed_fen, open_day, through, seed)
    return sorted(lines, key=lambda line: (line.value_on, line.serial))


def write(lines: list[Told], file: IO[str]) -> None:
    """The CSV of docs/receipts.md."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)


def _falling_due(through: date) -> Iterator[_Installment]:
    for note, due_day, matures_on, number, due_on, last, principal, interest in sql.rows(
        _FALLING_DUE, {"through": through}
    ):
        day = due_on
        for offset, parts in enumerate(zip(principal, interest, strict=True)):
            if day > through:
                break
            if sum(parts):
                yield _Installment(note, number + offset, day, sum(parts))
            if number + offset < last:
                day = following_due_date(day, due_day, matures_on, is_last=number + offset + 1 == last)


def _fate(due: _Installment, seed: int) -> list[Told]:
    random = Random(f"{seed}/{due.note}/{due.number}")
    channel = random.choice(CHANNELS)
    serial = f"{seed}-{due.note}-{due.number:03d}"

    def told(amount_fen: int, days_late: int, suffix: str = "") -> Told:
        return Told(due.note, str(yuan(amount_fen)), due.due_on + timedelta(days=days_late), channel, serial + suffix)

    lot = random.random()
    if lot < 0.975:
        lines = [told(due.amount_fen, 0)]
        again = random.random()
        if again < 0.004:
            lines.append(lines[0])  # the channel sent the same payment twice
        elif again < 0.006:
            lines.append(told(due.amount_fen, 0, "-B"))  # the borrower paid twice
        return lines
    if lot < 0.986:
        return [told(due.amount_fen, random.randint(1, 9))]
    if lot < 0.994:
        part = max(1, due.amount_fen * random.randint(30, 90) // 100)
        lines = [told(part, 0)]
        if random.random() < 0.6 and due.amount_fen > part:
            lines.append(told(due.amount_fen - part, random.randint(3, 15), "-B"))
        return lines
    return []


def _cure(note: str, owed_fen: int, open_day: date, through: date, seed: int) -> list[Told]:
    """About a third of the loans in arrears pay what they owe, at some day of the span."""
    random = Random(f"{seed}/{note}/arrears")
    if random.random() >= 0.35 or owed_fen <= 0:
        return []
    day = open_day + timedelta(days=random.randint(0, min(60, max(0, (through - open_day).days))))
    return [Told(note, str(yuan(owed_fen)), day, random.choice(CHANNELS), f"{seed}-{note}-ARREARS-{open_day:%Y%m%d}")]
