"""Boarding a book: loans of a tape are booked with their balances at the close of a day; that is their baseline."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.actions.bank import open_ledger_month
from loans.actions.pricing import PRICING_COLUMNS, price_taken_over
from loans.models import BusinessDate, ImportBatch, Product, RepaymentMethod
from loans.queries import hold_business_date, open_business_date, parameter
from loans.queries.pricing import published_lpr
from loans.rules.accrual import accrued_interest
from loans.rules.aging import five_class, is_non_accrual
from loans.rules.continuation import period_start
from loans.rules.money import fen, rate_ppm, yuan
from loans.rules.schedule import ENGINE_VERSION, OpeningTerms, Row, Schedule, opening_schedule
from loans.sql import array, int_array

LEAST_REASON = 4


class AsOfAfterBusinessDate(ActionRefused):
    """Balances at the close of a day that is not closed cannot be taken over."""

    code = "as_of_after_business_date"


@dataclass(frozen=True, slots=True)
class OpeningLoan:
    """A loan of a tape, checked, at the close of the as-of day. Amounts in yuan."""

    loan_note_no: str
    external_id: str
    borrower_id: int
    branch_id: int
    portfolio_officer_id: int | None
    principal_original: Decimal
    outstanding: Decimal
    annual_rate_percent: Decimal
    disbursed_on: date
    matures_on: date
    due_day: int
    days_past_due: int
    credit_score: int | None
    payment_record: str
    last_visit_on: date | None
    tape_line: int | None
    tape_sha256: str


_LOAN_COLUMNS = tuple(
    each.name for each in fields(OpeningLoan) if each.name not in {"outstanding", "annual_rate_percent"}
)


@transaction.atomic
def book_opening(
    *, rows: Sequence[OpeningLoan], as_of: date, batch: ImportBatch, by: str, at: datetime
) -> dict[str, int]:
    """Books loans taken over at the close of `as_of`, set-based; returns loan ids by external id.

    Postings carry the as-of day while the bank has closed nothing yet, afterwards the open business
    date: a closed date's ledger never changes.
    """
    if not rows:
        return {}
    business_date = as_of
    if open_business_date() is not None:
        open_day = hold_business_date()
        if as_of >= open_day:
            raise AsOfAfterBusinessDate(
                _("基准日 %(as_of)s 不早于营业日期 %(day)s。") % {"as_of": as_of, "day": open_day}
            )
        if BusinessDate.objects.filter(is_open=False).exists():
            business_date = open_day
    open_ledger_month(business_date)
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _LOAN_COLUMNS}
    columns |= {"method": RepaymentMethod.EQUAL_INSTALLMENT.value, "as_of": as_of, "batch": batch.pk}
    ids: dict[str, int] = dict(sql.rows(sql.INSERT_OPENING_LOANS, columns))
    booked = _copy_opening([(ids[row.external_id], row) for row in rows], as_of)
    totals = _post_opening(booked, as_of=as_of, business_date=business_date, at=at)
    totals |= _post_accrued(booked, batch, business_date=business_date)
    record(
        kind="loans.booked",
        subject_type="import_batch",
        subject_id=batch.pk,
        by=by,
        at=at,
        business_date=open_business_date(),
        data={"loans": len(booked), "as_of": str(as_of), **{name: str(value) for name, value in totals.items()}},
    )
    return ids


def _opening_terms(row: OpeningLoan, as_of: date) -> OpeningTerms:
    return OpeningTerms(
        as_of=as_of,
        outstanding_fen=fen(row.outstanding),
        rate_ppm=rate_ppm(row.annual_rate_percent),
        disbursed_on=row.disbursed_on,
        matures_on=row.matures_on,
        due_day=row.due_day,
        days_past_due=row.days_past_due,
    )


class _Booked(NamedTuple):
    """What the opening posting needs of a booked loan; its schedule is written and let go."""

    loan_id: int
    branch_id: int
    outstanding_fen: int
    arrears: tuple[Row, ...]
    # Long past due or non-performing: its interest is no income.
    is_non_accrual: bool
    # Interest of the running period up to the as-of day.
    accrued_fen: int

    @property
    def interest(self) -> list[Row]:
        """Rows in arrears that bear interest."""
        return [row for row in self.arrears if row.interest_fen]

    @property
    def interest_fen(self) -> int:
        return sum(row.interest_fen for row in self.arrears)

    @property
    def off_balance_fen(self) -> int:
        return self.interest_fen if self.is_non_accrual else 0


def _taken(loan_id: int, row: OpeningLoan, plan: Schedule, since: date | None, as_of: date, most_days: int) -> _Booked:
    """What the postings need of a loan whose running period began on `since`."""
    is_off = is_non_accrual(row.days_past_due, five_class(row.days_past_due), most_days)
    accrued = 0
    if since is not None and not is_off:
        unbilled = sum(each.principal_fen for each in plan.rows[plan.arrears :])
        accrued = accrued_interest(unbilled, rate_ppm(row.annual_rate_percent), since, 0, as_of)
    return _Booked(loan_id, row.branch_id, fen(row.outstanding), plan.rows[: plan.arrears], is_off, accrued)


def _copy_opening(loans: Sequence[tuple[int, OpeningLoan]], as_of: date) -> list[_Booked]:
    """Writes terms, positions, pricings and arrears of the loans."""
    booked: list[_Booked] = []
    positions: list[tuple[object, ...]] = []
    arrears: list[tuple[object, ...]] = []
    pricings: list[tuple[object, ...]] = []
    published = published_lpr()
    most_days = int(parameter("non_accrual_dpd", as_of, default=90))

    def terms() -> Iterator[tuple[object, ...]]:
        """Terms as they are computed; what follows from them is kept for its own table."""
        for loan_id, row in loans:
            plan = opening_schedule(_opening_terms(row, as_of))
            rate, installment = row.annual_rate_percent, yuan(plan.installment_fen)
            first, last = plan.rows[0], plan.rows[-1]
            # Nothing is to come of a loan that has matured in arrears.
            following = plan.rows[plan.arrears] if plan.arrears < len(plan.rows) else None
            next_number, next_due_on = (following.number, following.due_on) if following else (None, None)
            principal = [each.principal_fen for each in plan.rows]
            interest = [each.interest_fen for each in plan.rows]
            since = period_start(following.due_on, row.due_day) if following else None
            booked.append(_taken(loan_id, row, plan, since, as_of, most_days))
            priced = price_taken_over(loan_id, rate, (row.disbursed_on, row.matures_on), as_of, published)
            pricings.append(priced.row)
            positions.append(
                (loan_id, row.outstanding, yuan(sum(principal[plan.arrears :])), 0, rate, installment, next_number,
                 next_due_on, last.number, plan.overdue_since, five_class(row.days_past_due), None,
                 priced.next_repricing_on if following else None, since, yuan(booked[-1].off_balance_fen))
            )  # fmt: skip
            for k, each in enumerate(plan.rows[: plan.arrears]):
                overdue_from = each.due_on if k else plan.overdue_since
                amounts = (yuan(each.principal_fen), yuan(each.interest_fen))
                arrears.append((loan_id, each.number, each.due_on, *amounts, 0, 0, overdue_from, None))
            yield (
                loan_id, 1, as_of, row.outstanding, rate, installment, first.number, len(principal), ENGINE_VERSION,
                plan.sha256, int_array(principal), int_array(interest),
            )  # fmt: skip

    sql.copy_as_made("loans_terms", _TERMS_COLUMNS, terms())
    sql.copy_rows("loans_position", _POSITION_COLUMNS, positions)
    sql.copy_rows("loans_pricing", PRICING_COLUMNS, pricings)
    if arrears:
        sql.copy_rows("loans_installment", _INSTALLMENT_COLUMNS, arrears)
    return booked


_TERMS_COLUMNS = (
    "loan_id", "version", "effective_on", "principal", "annual_rate_percent", "installment_amount", "first_number",
    "installments", "engine_version", "schedule_sha256", "principal_fen", "interest_fen",
)  # fmt: skip
_POSITION_COLUMNS = (
    "loan_id", "principal_balance", "unbilled_principal", "suspense", "annual_rate_percent", "installment_amount",
    "next_number", "next_due_on", "last_number", "overdue_since", "five_class", "settled_on",
    "next_repricing_on", "accrues_from", "off_balance_interest",
)  # fmt: skip
_INSTALLMENT_COLUMNS = (
    "loan_id", "number", "due_on", "principal", "interest", "principal_paid", "interest_paid", "overdue_from",
    "settled_on",
)  # fmt: skip


def _post_opening(booked: Sequence[_Booked], *, as_of: date, business_date: date, at: datetime) -> dict[str, Decimal]:
    """One opening posting per loan; returns the totals of principal and interest in arrears."""
    arrears = [
        (each.loan_id, row.number, row.interest_fen, line)
        for each in booked
        for line, row in enumerate(each.interest, start=_FIRST_OF_ARREARS)
    ]
    principal = [each.outstanding_fen for each in booked]
    interest = [each.interest_fen for each in booked]
    columns = dict(
        zip(("a_loan", "a_number", "a_interest", "a_line"), map(array, _transposed(arrears, 4)), strict=True)
    )
    values = {"principal": array(principal), "interest": array(interest), **columns}
    values["loan_id"] = array(each.loan_id for each in booked)
    values["off_balance"] = array(each.off_balance_fen for each in booked)
    values["last_line"] = array(_FIRST_OF_ARREARS + len(each.interest) for each in booked)
    sql.run(sql.INSERT_OPENING_POSTINGS, {**values, "as_of": as_of, "business_date": business_date, "at": at})
    return {"principal": yuan(sum(principal)), "interest_in_arrears": yuan(sum(interest))}


# Lines of an opening posting: the principal, the take-over, then the interest in arrears.
_FIRST_OF_ARREARS = 3


def _post_accrued(booked: Sequence[_Booked], batch: ImportBatch, *, business_date: date) -> dict[str, Decimal]:
    """Interest accrued up to the as-of day, by branch, against the take-over; returns its total."""
    found: dict[int, int] = defaultdict(int)
    for each in booked:
        found[each.branch_id] += each.accrued_fen
    if any(found.values()):
        values = {"branches": array(found), "fen": array(found.values()), "product": Product.COMMERCIAL.value}
        sql.run(sql.INSERT_GENERAL_TAKEN_OVER, {**values, "batch": batch.pk, "business_date": business_date})
    return {"accrued_interest": yuan(sum(found.values()))}


def _transposed(rows: Sequence[tuple[int, ...]], width: int) -> list[Sequence[int]]:
    return list(zip(*rows, strict=True)) or [()] * width
