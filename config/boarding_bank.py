"""The bank's side of an import: what it already has, and the people, branches and loans it takes in."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pypinyin import Style, lazy_pinyin

from loans.actions import OpeningLoan, book_opening
from loans.models import ImportBatch, Loan
from loans.rules.tape import Refusal, TapeRow, Warning
from people.actions import create_branch, root_branch
from people.batch import KnownMeans, KnownParty, NewParty, record_means, register_parties
from people.models import Branch, Staff

SOURCE = "tape"
# Surnames whose usual reading differs from the character's most frequent one.
_SURNAMES = {
    "单": "s", "解": "x", "仇": "q", "查": "z", "曾": "z", "翟": "z", "缪": "m", "盖": "g", "朴": "p", "区": "o",
    "乐": "y", "冼": "x", "种": "c", "员": "y", "尉": "y", "覃": "q", "沈": "s", "石": "s", "车": "c", "长": "z",
}  # fmt: skip


@dataclass
class Standing:
    """How rows stand against the bank: unchanged ones by external id, refused ones with the reason."""

    unchanged: set[str] = field(default_factory=set)
    refusals: dict[str, Refusal] = field(default_factory=dict)


@dataclass
class Booking:
    """Loan ids by external id, the branches that had to be made, and warnings only the bank could give."""

    loan_ids: dict[str, int]
    branches: list[str]
    warnings: list[Warning]


def name_initials(name: str) -> str:
    """Pinyin initials by which a name is searched: 陈立新 → clx."""
    letters = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER, errors=lambda other: other)).lower()
    usable = "".join(each for each in letters if each.isascii() and each.isalnum())
    first = _SURNAMES.get(name[:1])
    return (first + usable[1:] if first and usable else usable)[:50]


class Bank:
    """Looks up and writes chunk by chunk; remembers branches, officers and loan-note numbers of the file."""

    def __init__(self, *, as_of: date, by: str, at: datetime) -> None:
        self._as_of, self._by, self._at = as_of, by, at
        self._branches: dict[str, int] = {}
        self._officers: dict[str, tuple[int, int] | None] = {}
        self._notes: dict[str, int] = {}

    def standing(self, rows: Sequence[TapeRow]) -> Standing:
        """Holds the rows against loans of the same external id or loan-note number."""
        standing = Standing()
        had = _loans_by("external_id", [row.external_id for row in rows])
        for row in rows:
            loan = had.get(row.external_id)
            if loan and loan.tape_sha256 == row.sha256:
                standing.unchanged.add(row.external_id)
            elif loan:
                standing.refusals[row.external_id] = _differs(row, loan)
        named = [row for row in rows if row.loan_note_no and row.external_id not in had]
        taken = _loans_by("loan_note_no", [row.loan_note_no for row in named])
        for row in named:
            first_row = self._notes.setdefault(row.loan_note_no, row.row)
            if row.loan_note_no in taken:
                code, params = "loan_note_no_taken", {"external_id": taken[row.loan_note_no].external_id or "—"}
            elif first_row != row.row:
                code, params = "repeated_loan_note_no", {"first_row": str(first_row)}
            else:
                continue
            standing.refusals[row.external_id] = Refusal(row.row, "loan_note_no", row.loan_note_no, code, params)
        return standing

    def book(self, rows: Sequence[TapeRow], batch: ImportBatch) -> Booking:
        """Takes the rows in: branches, people with their means, contracts with their opening."""
        made = self._know_branches({row.branch_code for row in rows})
        self._know_officers({row.portfolio_officer for row in rows if row.portfolio_officer})
        people = register_parties(
            rows=[
                NewParty(row.borrower_id_no, row.borrower_name, name_initials(row.borrower_name), row.borrower_phone)
                for row in rows
            ]
        )
        record_means(
            rows=[
                KnownMeans(people[row.borrower_id_no].id, row.monthly_income, row.employer)
                for row in rows
                if row.monthly_income is not None or row.employer
            ],
            known_on=self._as_of,
            source=SOURCE,
        )
        notes = self._loan_note_numbers(rows)
        loan_ids = book_opening(
            rows=[self._opening(row, people[row.borrower_id_no].id, notes[row.external_id]) for row in rows],
            as_of=self._as_of,
            batch=batch,
            by=self._by,
            at=self._at,
        )
        warnings = [each for row in rows for each in self._oddities(row, people[row.borrower_id_no])]
        return Booking(loan_ids, made, warnings)

    def _opening(self, row: TapeRow, borrower_id: int, loan_note_no: str) -> OpeningLoan:
        officer = self._officers.get(row.portfolio_officer)
        return OpeningLoan(
            loan_note_no=loan_note_no,
            external_id=row.external_id,
            borrower_id=borrower_id,
            branch_id=self._branches[row.branch_code],
            portfolio_officer_id=officer[0] if officer else None,
            principal_original=row.principal_original,
            outstanding=row.principal_outstanding,
            annual_rate_percent=row.annual_rate_percent,
            disbursed_on=row.disbursed_on,
            matures_on=row.matures_on,
            due_day=row.due_day,
            days_past_due=row.days_past_due,
            credit_score=row.credit_score,
            payment_record=row.payment_record,
            last_visit_on=row.last_visit_on,
            tape_line=row.row,
            tape_sha256=row.sha256,
        )

    def _know_branches(self, codes: set[str]) -> list[str]:
        """Looks up branches not seen yet and makes the unknown ones under the root; the codes of those made."""
        unseen = codes - self._branches.keys()
        if not unseen:
            return []
        self._branches |= dict(Branch.objects.filter(code__in=unseen).values_list("code", "id"))
        unknown = sorted(unseen - self._branches.keys())
        root = root_branch(at=self._at) if unknown else None
        for code in unknown:
            branch = create_branch(code=code, name=f"支行{code}", parent=root, by=self._by, at=self._at)
            self._branches[code] = branch.pk
        return unknown

    def _know_officers(self, staff_nos: set[str]) -> None:
        unseen = staff_nos - self._officers.keys()
        if unseen:
            found = Staff.objects.filter(staff_no__in=unseen, is_active=True)
            known = {number: (pk, branch) for number, pk, branch in found.values_list("staff_no", "id", "branch_id")}
            self._officers |= {number: known.get(number) for number in unseen}

    def _oddities(self, row: TapeRow, person: KnownParty) -> Iterable[Warning]:
        """Where the bank's own knowledge differs from the row."""
        if row.portfolio_officer:
            officer = self._officers[row.portfolio_officer]
            if officer is None:
                yield Warning(row.row, "portfolio_officer", row.portfolio_officer, "unknown_officer")
            elif officer[1] != self._branches[row.branch_code]:
                yield Warning(row.row, "portfolio_officer", row.portfolio_officer, "officer_elsewhere")
        if person.name != row.borrower_name:
            yield Warning(row.row, "borrower_name", row.borrower_name, "different_name")
        if row.borrower_phone and person.phone != row.borrower_phone:
            yield Warning(row.row, "borrower_phone", row.borrower_phone, "different_phone")

    def _loan_note_numbers(self, rows: Sequence[TapeRow]) -> dict[str, str]:
        """External id → the given loan-note number, or a new one `ML` + branch + day of disbursement + six digits.

        The digits come from the external id, so the same loan gets the same number whatever the order of the
        file; the rare clash moves on to the next free number.
        """
        numbers = {row.external_id: row.loan_note_no for row in rows if row.loan_note_no}
        waiting = [(row, 0) for row in rows if not row.loan_note_no]
        while waiting:
            wanted = [
                (row, step, loan_note_no(row.branch_code, row.disbursed_on, row.external_id, step))
                for row, step in waiting
            ]
            taken = _loans_by("loan_note_no", [number for _row, _step, number in wanted])
            waiting = []
            for row, step, number in wanted:
                if number in taken or self._notes.setdefault(number, row.row) != row.row:
                    waiting.append((row, step + 1))
                else:
                    numbers[row.external_id] = number
        return numbers


def loan_note_no(branch_code: str, disbursed_on: date, external_id: str, step: int = 0) -> str:
    """The number a loan gets when its tape gives none; `step` moves past numbers already taken."""
    serial = (int.from_bytes(hashlib.sha256(external_id.encode()).digest()[:8]) + step) % 1_000_000
    branch = "".join(each for each in branch_code if each.isalnum())[:4]
    return f"ML{branch:0>4}{disbursed_on:%Y%m%d}{serial:06d}"


def _loans_by(name: str, values: Sequence[str]) -> dict[str, Loan]:
    """The bank's loans by one of their two unique names."""
    if not values:
        return {}
    found = (
        Loan.objects.filter(**{f"{name}__in": values})
        .select_related("import_batch")
        .only("external_id", "loan_note_no", "tape_sha256", "tape_line", "import_batch__file_name")
    )
    return {getattr(loan, name): loan for loan in found}


def _differs(row: TapeRow, loan: Loan) -> Refusal:
    """Names both: the row (by its line) and the loan (by number, file and line)."""
    params = {"loan_note_no": loan.loan_note_no}
    if not loan.import_batch:
        return Refusal(row.row, "external_id", row.external_id, "loan_in_bank", params)
    params |= {"file_name": loan.import_batch.file_name, "line": str(loan.tape_line)}
    return Refusal(row.row, "external_id", row.external_id, "differs_from_bank", params)
