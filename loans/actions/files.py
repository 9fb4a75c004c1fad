"""Files of money that come in: each once, chunk by chunk; what cannot be used becomes a break, nothing is lost.

A chunk is one transaction that also writes the file's progress, so a file that stopped half way is sent again and goes
on where it stopped, and two who send one file at once walk through it together: each chunk counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.actions.receipts import ReceiptOutcome, ReceiptRow, judge_receipts, post_receipts
from loans.break_reasons import in_the_banks_language, stored_reason
from loans.models import MoneyFile, MoneyFileKind, Receipt, ReceiptBreak
from loans.queries import hold_business_date
from loans.rules.debit_file import CHANNEL, Answer, Instruction, Verdict, judge
from loans.sql import array, files
from people.actions import require
from people.models import Staff

OUTCOMES = ("posted", "waiting", "duplicate", "failed", "unmatched", "refused")
LONGEST_VALUE = 200


class FileAlreadyTaken(ActionRefused):
    """A file comes in once."""

    code = "file_already_taken"
    conflict = True


class FileRow(NamedTuple):
    """A row as it came, and what it says; `column` and `code` tell why it says nothing."""

    line: int
    values: Mapping[str, str]
    parsed: ReceiptRow | Answer | None
    column: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of a row: one of OUTCOMES; with column and reason (in the bank's language) when it is a break."""

    line: int
    word: str
    column: str = ""
    reason: str = ""
    receipt_id: int | None = None
    amount: Decimal = Decimal("0.00")


def actor_of(by: Staff | str) -> str:
    return by.staff_no if isinstance(by, Staff) else by


def _may_take(by: Staff | str) -> None:
    if isinstance(by, Staff):
        require(by, "loans.post_receipts")


@transaction.atomic
def receive_file(*, kind: str, name: str, sha256: str, by: Staff | str, at: datetime) -> MoneyFile:
    """The row of a file that comes in; FileAlreadyTaken when all of it was taken before."""
    _may_take(by)
    business_date = hold_business_date()
    file = MoneyFile(
        kind=kind, name=name[:200], sha256=sha256, business_date=business_date, actor=actor_of(by), at=at, counts={}
    )
    MoneyFile.objects.bulk_create([file], ignore_conflicts=True)
    found = MoneyFile.objects.exclude(kind=MoneyFileKind.DEBITS_OUT).get(sha256=sha256)
    refuse_taken(found)
    return found


def refuse_taken(file: MoneyFile) -> None:
    if file.counts.get("finished"):
        raise FileAlreadyTaken(
            _("这个文件已由 %(actor)s 于营业日 %(day)s 接收（%(name)s），不会再次入账。")
            % {"actor": file.actor, "day": file.business_date, "name": file.name}
        )


@transaction.atomic
def take_chunk(
    *, file_id: int, rows: Sequence[FileRow], by: Staff | str, at: datetime
) -> tuple[RowOutcome, ...] | None:
    """Takes in rows of a file and writes its progress; None when they were taken before."""
    _may_take(by)
    hold_business_date()
    file = MoneyFile.objects.select_for_update().get(pk=file_id)
    if file.counts.get("up_to", 0) >= rows[-1].line:
        return None
    with in_the_banks_language():
        take = _take_answers if file.kind == MoneyFileKind.DEBITS_BACK else _take_receipts
        outcomes = take(rows, by, at)
        _write_breaks(file, rows, outcomes)
    MoneyFile.objects.filter(pk=file_id).update(counts=added(file.counts, outcomes))
    return outcomes


@transaction.atomic
def finish_file(*, file_id: int, by: Staff | str, at: datetime) -> MoneyFile:
    """Closes a file all of whose rows were taken, and records it; FileAlreadyTaken for whoever comes second."""
    _may_take(by)
    business_date = hold_business_date()
    file = MoneyFile.objects.select_for_update().get(pk=file_id)
    refuse_taken(file)
    file.counts = {**added({}, ()), **file.counts, "finished": True}
    MoneyFile.objects.filter(pk=file_id).update(counts=file.counts)
    record(
        kind="loans.money_file_taken", subject_type="money_file", subject_id=file_id, by=actor_of(by), at=at,
        business_date=business_date, data={"kind": file.kind, "sha256": file.sha256, **file.counts},
    )  # fmt: skip
    return file


def judge_rows(*, kind: str, rows: Sequence[FileRow]) -> tuple[RowOutcome, ...]:
    """What `take_chunk` would make of these rows now; nothing is written or locked."""
    with in_the_banks_language():
        if kind == MoneyFileKind.RECEIPTS:
            given = [row.parsed for row in rows if isinstance(row.parsed, ReceiptRow)]
            return _outcomes_of_receipts(rows, judge_receipts(rows=given))
        known = _instructions(rows, lock=False)
        verdicts = _verdicts(rows, known)
        found = judge_receipts(rows=_money_of(rows, verdicts, known))
        return _outcomes_of_answers(rows, verdicts, found)


def _take_receipts(rows: Sequence[FileRow], by: Staff | str, at: datetime) -> tuple[RowOutcome, ...]:
    given = [row.parsed for row in rows if isinstance(row.parsed, ReceiptRow)]
    found = post_receipts(rows=given, by=by, at=at).outcomes if given else ()
    return _outcomes_of_receipts(rows, found)


def _outcomes_of_receipts(rows: Sequence[FileRow], found: Iterable[ReceiptOutcome]) -> tuple[RowOutcome, ...]:
    rest = iter(found)
    return tuple(
        RowOutcome(row.line, "refused", row.column, stored_reason(row.code))
        if row.parsed is None
        else _outcome(row, next(rest))
        for row in rows
    )


def _outcome(row: FileRow, found: ReceiptOutcome) -> RowOutcome:
    """A receipt's outcome as the row's."""
    amount = row.parsed.amount if isinstance(row.parsed, ReceiptRow) else getattr(row.parsed, "paid", Decimal("0.00"))
    if found.state == "UNMATCHED":
        return RowOutcome(row.line, "unmatched", "loan", stored_reason("unmatched"), found.receipt_id, amount)
    return RowOutcome(row.line, found.state.lower(), found.column, found.reason, found.receipt_id, amount)


# ── Answers to debits ────────────────────────────────────────────────────────────────────────────


class _Known(NamedTuple):
    """An instruction of ours: its id, its loan's note number, and what it asked."""

    id: int
    loan: str
    asked: Instruction


def _instructions(rows: Sequence[FileRow], *, lock: bool) -> dict[str, _Known]:
    serials = sorted({row.parsed.serial for row in rows if isinstance(row.parsed, Answer)})
    statement = files.LOCK_INSTRUCTIONS if lock else files.READ_INSTRUCTIONS
    return {
        serial: _Known(pk, loan, Instruction(*asked))
        for serial, pk, loan, *asked in sql.rows(statement, {"serials": serials})
    }


def _verdicts(rows: Sequence[FileRow], known: Mapping[str, _Known]) -> list[Verdict]:
    """What each answer means, an earlier row of the file counting as given."""
    given = {serial: each.asked for serial, each in known.items()}
    found = []
    for row in rows:
        if not isinstance(row.parsed, Answer):
            found.append(Verdict("BREAK", row.column, row.code))
            continue
        answer = row.parsed
        verdict = judge(answer, given.get(answer.serial))
        if verdict.word in ("POST", "FAILED"):
            given[answer.serial] = _answered(given[answer.serial], answer)
        found.append(verdict)
    return found


def _answered(asked: Instruction, answer: Answer) -> Instruction:
    """The instruction as it stands once this answer is taken."""
    return asked._replace(
        result=answer.result,
        paid=answer.paid,
        answered_value_on=answer.value_on,
        core_serial=answer.core_serial,
        reason=answer.reason,
    )


def _money_of(rows: Sequence[FileRow], verdicts: Sequence[Verdict], known: Mapping[str, _Known]) -> list[ReceiptRow]:
    """The receipts that the answers bring: of a loan, or (of a break) of nobody yet, under the instruction's serial."""
    found = []
    for row, verdict in zip(rows, verdicts, strict=True):
        if isinstance(row.parsed, Answer) and (verdict.word == "POST" or verdict.has_money):
            answer = row.parsed
            loan = known[answer.serial].loan if verdict.word == "POST" else answer.serial
            found.append(ReceiptRow(loan, answer.paid, answer.value_on, CHANNEL, answer.core_serial))
    return found


def _outcomes_of_answers(
    rows: Sequence[FileRow], verdicts: Sequence[Verdict], money: Iterable[ReceiptOutcome]
) -> tuple[RowOutcome, ...]:
    rest, found = iter(money), []
    for row, verdict in zip(rows, verdicts, strict=True):
        if verdict.word == "POST":
            found.append(_outcome(row, next(rest)))
        elif verdict.word == "BREAK":
            came = next(rest) if verdict.has_money else None
            found.append(_broken(row, verdict, came))
        else:
            found.append(RowOutcome(row.line, verdict.word.lower()))
    return tuple(found)


def _broken(row: FileRow, verdict: Verdict, came: ReceiptOutcome | None) -> RowOutcome:
    """A break; its money, when it came, is kept as a receipt of nobody. The same money told before is a duplicate."""
    if came is not None and came.state == "DUPLICATE":
        return RowOutcome(row.line, "duplicate")
    is_kept = came is not None and came.state == "UNMATCHED"
    word = "unmatched" if is_kept else "refused"
    receipt_id = came.receipt_id if came is not None and is_kept else None
    return RowOutcome(row.line, word, verdict.column, stored_reason(verdict.code), receipt_id)


def _take_answers(rows: Sequence[FileRow], by: Staff | str, at: datetime) -> tuple[RowOutcome, ...]:
    known = _instructions(rows, lock=True)
    verdicts = _verdicts(rows, known)
    money = _money_of(rows, verdicts, known)
    found = post_receipts(rows=money, by=by, at=at).outcomes if money else ()
    outcomes = _outcomes_of_answers(rows, verdicts, found)
    answered = [
        (known[row.parsed.serial].id, row.parsed)
        for row, verdict, outcome in zip(rows, verdicts, outcomes, strict=True)
        if isinstance(row.parsed, Answer) and verdict.word in ("POST", "FAILED") and outcome.word != "refused"
    ]
    if answered:
        serials = [answer.core_serial for _pk, answer in answered if answer.paid]
        receipts = dict(Receipt.objects.filter(channel=CHANNEL, serial__in=serials).values_list("serial", "pk"))
        sql.run(
            files.ANSWER_INSTRUCTIONS,
            {
                "id": array(pk for pk, _answer in answered),
                "result": [answer.result for _pk, answer in answered],
                "paid": array(answer.paid for _pk, answer in answered),
                "failure": [answer.reason for _pk, answer in answered],
                "receipt": array(receipts[answer.core_serial] if answer.paid else None for _pk, answer in answered),
            },
        )
    return outcomes


# ── Breaks and counts ────────────────────────────────────────────────────────────────────────────


def _write_breaks(file: MoneyFile, rows: Sequence[FileRow], outcomes: Sequence[RowOutcome]) -> None:
    ReceiptBreak.objects.bulk_create(
        ReceiptBreak(
            file=file,
            line=row.line,
            row={name[:40]: value[:LONGEST_VALUE] for name, value in row.values.items()},
            column=outcome.column,
            reason=outcome.reason[:200],
            receipt_id=outcome.receipt_id,
        )
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome.word in ("unmatched", "refused")
    )


def added(counts: Mapping[str, Any], outcomes: Sequence[RowOutcome]) -> dict[str, Any]:
    """The file's counts with these rows; rows = posted + waiting + duplicate + failed + breaks."""
    words = [outcome.word for outcome in outcomes]
    total = {word: counts.get(word, 0) + words.count(word) for word in OUTCOMES}
    amount = Decimal(counts.get("amount_posted", "0.00"))
    amount += sum((each.amount for each in outcomes if each.word == "posted"), Decimal("0.00"))
    return {
        "rows": counts.get("rows", 0) + len(outcomes),
        **total,
        "breaks": total["unmatched"] + total["refused"],
        "amount_posted": str(amount),
        "up_to": outcomes[-1].line if outcomes else counts.get("up_to", 0),
    }
