"""Draws Book(N, seed): the loans of a made-up bank on an ordinary evening, the same every time.

Shares follow `docs/performance.md`: level payment 90 %, terms of 120 to 360 months (mostly 360), ages up to 299
months, 200 thousand to 2 million yuan, 2.80 to 5.99 %, due days 1 to 28 (shape U) or 42 % of them on one day (shape P),
2.5 % in arrears, 70 % repriced on 1 January. Schedules come from the product's engine, so that every later night bills
what was signed. Loans of the last twelve months were disbursed here, older ones taken over with a tape a year ago.
"""

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from pypinyin import Style, lazy_pinyin

from config.made_up_names import GIVEN, SURNAMES
from loans.rules.aging import five_class
from loans.rules.continuation import plan_of, to_json
from loans.rules.dates import add_months, contract_due_dates, months_between
from loans.rules.schedule import (
    EQUAL_INSTALLMENT,
    EQUAL_PRINCIPAL,
    Row,
    Schedule,
    StepPosition,
    annuity,
    half_up,
    level_rows,
    regular_periods,
    schedule,
)
from loans.rules.simulation_request import parse_request
from people.rules.identity import check_digit

# The evening of OPEN_ON is run once by the product while the book is built; the day after it is what is measured.
OPEN_ON = date(2026, 6, 9)
CLOSED_ON = OPEN_ON - timedelta(days=1)
MEASURED_ON = OPEN_ON + timedelta(days=1)
PEAK_DUE_DAY = MEASURED_ON.day
TAKEN_OVER_ON = date(2025, 6, 9)
# Loans more than a year past due came earlier, so that their arrears are all billed here.
TAKEN_OVER_EARLY_ON = date(2025, 2, 9)
# At the last close installments due up to this workday were recognised as overdue.
RECOGNISED_UNTIL = date(2026, 6, 5)
BRANCHES, OFFICERS_A_BRANCH = 200, 10
CHUNK = 1000
_TERMS = (120, 180, 240, 300, 360)
_TERM_SHARES = (5, 5, 12, 8, 70)
# Unpaid installments of a loan in arrears: up to 90 days past due, to 270, to 360, beyond.
_ARREARS = ((1, 3), (4, 9), (10, 11), (13, 15))
_ARREARS_SHARES = (56, 25, 8, 10)
_DUES_IN_12_MONTHS = 12


class Book(NamedTuple):
    """Which book: how many loans, which draw, and how its due days lie (U uniform, P one peak)."""

    loans: int
    seed: int = 1
    shape: str = "U"

    @property
    def name(self) -> str:
        return f"book_{self.shape.lower()}_{self.loans}_{self.seed}"


class Drawn(NamedTuple):
    """One loan as drawn, with its whole schedule. Amounts in fen."""

    loan_id: int
    branch: int
    officer: int
    original_fen: int
    outstanding_fen: int
    rate_ppm: int
    method: str
    disbursed_on: date
    matures_on: date
    due_day: int
    baseline_on: date | None
    plan: Schedule
    billed: int
    unpaid: int
    score: int
    marks: str
    last_visit_on: date | None
    anchor: str
    name: str
    # The engine's request of a contract signed here, and from which number on its rows are plain months.
    request: str | None = None
    plain_from: int = 0

    @property
    def overdue_since(self) -> date | None:
        """The oldest unpaid due day that was recognised at the last close."""
        oldest = self.plan.rows[self.billed - self.unpaid].due_on if self.unpaid else None
        return oldest if oldest is not None and oldest <= RECOGNISED_UNTIL else None

    @property
    def days_past_due(self) -> int:
        return (CLOSED_ON - self.overdue_since).days if self.overdue_since else 0

    @property
    def arrears(self) -> tuple[Row, ...]:
        return self.plan.rows[self.billed - self.unpaid : self.billed]

    @property
    def five_class(self) -> str:
        return five_class(self.days_past_due)

    @property
    def off_balance_fen(self) -> int:
        """Billed interest of a loan more than 90 days past due."""
        return sum(row.interest_fen for row in self.arrears) if self.days_past_due > 90 else 0


def draw(book: Book, chunk: int) -> Iterator[Drawn]:
    """The loans of one chunk; each chunk has dice of its own, so that many may draw at once."""
    dice = random.Random(f"{book.seed}/{book.shape}/{chunk}")  # noqa: S311 - made-up data
    for loan_id in range(chunk * CHUNK + 1, min((chunk + 1) * CHUNK, book.loans) + 1):
        yield _loan(dice, book, loan_id)


def chunks(book: Book) -> range:
    return range(-(-book.loans // CHUNK))


def _loan(dice: random.Random, book: Book, loan_id: int) -> Drawn:
    due_day = PEAK_DUE_DAY if book.shape == "P" and dice.random() < 0.42 else dice.randrange(1, 29)
    term = dice.choices(_TERMS, _TERM_SHARES)[0]
    age = dice.randrange(min(300, term))
    last_due = _last_due(due_day)
    disbursed_on, matures_on = add_months(last_due, -age), add_months(last_due, term - age)
    is_equal_principal = dice.random() < 0.1
    rate_ppm = dice.randrange(280, 600) * 100
    original = dice.randrange(200_000, 2_000_001) * 100
    arrears = _arrears(dice, last_due)
    baseline_on = _baseline(disbursed_on, arrears)
    billed = months_between(baseline_on or disbursed_on, last_due) + _is_after(baseline_on, last_due)
    outstanding = original
    if baseline_on:
        paid = months_between(disbursed_on, last_due) - billed
        outstanding = _outstanding(original, rate_ppm, term, paid, is_equal_principal)
    request, plain_from = None, 0
    if baseline_on:
        plan = _plan(outstanding, rate_ppm, disbursed_on, matures_on, due_day, baseline_on, is_equal_principal)
    else:
        plan, request, plain_from = _signed_here(original, rate_ppm, term, disbursed_on, due_day, is_equal_principal)
    return Drawn(
        loan_id=loan_id,
        branch=dice.randrange(BRANCHES),
        officer=dice.randrange(OFFICERS_A_BRANCH),
        original_fen=original,
        outstanding_fen=outstanding,
        rate_ppm=rate_ppm,
        method=EQUAL_PRINCIPAL if is_equal_principal else EQUAL_INSTALLMENT,
        disbursed_on=disbursed_on,
        matures_on=matures_on,
        due_day=due_day,
        baseline_on=baseline_on,
        plan=plan,
        billed=billed,
        unpaid=min(arrears, billed),
        score=dice.randrange(560, 840),
        marks=_marks(dice, months_between(disbursed_on, baseline_on)) if baseline_on else "",
        last_visit_on=CLOSED_ON - timedelta(days=dice.randrange(350)) if baseline_on else None,
        anchor="JANUARY_1" if dice.random() < 0.7 else "LOAN_DAY",
        name=dice.choice(SURNAMES) + dice.choice(GIVEN),
        request=request,
        plain_from=plain_from,
    )


def _last_due(due_day: int) -> date:
    """The latest due day that is billed: up to the last close."""
    day = CLOSED_ON.replace(day=due_day)
    return day if day <= CLOSED_ON else add_months(day, -1)


def _arrears(dice: random.Random, last_due: date) -> int:
    """Unpaid installments; those who have just missed their day are not recognised as overdue yet."""
    if dice.random() < 0.025:
        return dice.randint(*dice.choices(_ARREARS, _ARREARS_SHARES)[0])
    is_fresh = last_due > RECOGNISED_UNTIL
    return 1 if is_fresh and dice.random() < 0.015 else 0


def _baseline(disbursed_on: date, arrears: int) -> date | None:
    """The close at which the loan was taken over; None when it was disbursed here."""
    if arrears > _DUES_IN_12_MONTHS and disbursed_on <= TAKEN_OVER_EARLY_ON:
        return TAKEN_OVER_EARLY_ON
    return TAKEN_OVER_ON if disbursed_on <= TAKEN_OVER_ON else None


def _is_after(baseline_on: date | None, last_due: date) -> int:
    """Whether the due day of the baseline's own month is still to come at the baseline."""
    return int(baseline_on is not None and last_due.day > baseline_on.day)


def _outstanding(original: int, rate_ppm: int, term: int, paid: int, is_equal_principal: bool) -> int:
    """What is left after `paid` months, to the whole yuan: a tape's word, not the engine's."""
    if is_equal_principal:
        return original * (term - paid) // term // 100 * 100
    grown = (1 + rate_ppm / 12_000_000) ** term
    left = (grown - (1 + rate_ppm / 12_000_000) ** paid) / (grown - 1)
    return int(original * left) // 100 * 100


def _signed_here(
    principal: int, rate_ppm: int, term: int, disbursed_on: date, due_day: int, is_equal_principal: bool
) -> tuple[Schedule, str, int]:
    """The schedule of a contract signed here, with the request that is stored with it."""
    request = parse_request(
        {
            "principal": f"{principal // 100}.{principal % 100:02d}",
            "annual_rate_percent": f"{rate_ppm // 10_000}.{rate_ppm % 10_000:04d}",
            "installments": term,
            "method": EQUAL_PRINCIPAL if is_equal_principal else EQUAL_INSTALLMENT,
            "disbursed_on": str(disbursed_on),
            "due_day": due_day,
        }
    )
    assert not isinstance(request, dict)
    plan = plan_of(request, 1)
    return Schedule(plan.installment_fen, plan.rows), json.dumps(to_json(request)), plan.plain_from


def _plan(
    outstanding: int,
    rate_ppm: int,
    disbursed_on: date,
    matures_on: date,
    due_day: int,
    baseline_on: date,
    is_equal_principal: bool,
) -> Schedule:
    """The schedule of a loan taken over, from the baseline on."""
    days = contract_due_dates(baseline_on, due_day, matures_on)
    first_number = months_between(disbursed_on, days[0])
    if is_equal_principal:
        each = half_up(outstanding, len(days))
        position = StepPosition(outstanding, each, EQUAL_PRINCIPAL)
        return Schedule(each, schedule(position, regular_periods(first_number, days, rate_ppm)))
    installment = annuity(outstanding, rate_ppm, len(days))
    rows = level_rows(outstanding, installment, rate_ppm, first_number, days, is_last=True)
    assert rows is not None
    assert len(rows) == len(days)
    return Schedule(installment, rows)


def _marks(dice: random.Random, months: int) -> str:
    known = min(24, months)
    return "*" * (24 - known) + "".join(dice.choices("N1", (97, 3), k=known))


@lru_cache(maxsize=20_000)
def initials(name: str) -> str:
    """Pinyin initials by which a name is searched."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()


def identity(loan_id: int) -> str:
    """A well-formed number that nobody has; one a loan."""
    born = date(1962, 1, 1) + timedelta(days=loan_id // 1000 % 13_500)
    body = f"420102{born:%Y%m%d}{loan_id % 1000:03d}"
    return body + check_digit(body)


def note_number(loan: Drawn) -> str:
    return f"ML{loan.branch + 1:04d}{loan.disbursed_on:%Y%m%d}{loan.loan_id % 1_000_000:06d}"


def next_repricing_on(loan: Drawn) -> date:
    """The first repricing day after the last close."""
    if loan.anchor == "JANUARY_1":
        return date(CLOSED_ON.year + 1, 1, 1)
    day = add_months(loan.disbursed_on, 12 * (CLOSED_ON.year - loan.disbursed_on.year))
    return day if day > CLOSED_ON and day > loan.disbursed_on else add_months(day, 12)
