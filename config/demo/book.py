"""The demo's loan book as tapes: made-up loans, the same every time, and the demo's days.

The book is taken over at the cut-over; what is lent later comes in on small tapes of its month. Loans of the demo's
situations have serials of their own, with what the situation needs of them.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from config import made_up_names as names
from loans.rules.dates import add_months
from loans.rules.schedule import annuity
from people.rules.identity import check_digit

SHANGHAI = ZoneInfo("Asia/Shanghai")
BUSINESS_DATE = date(2026, 10, 30)
SEED = 20261030
# Three more are contracts that the demo pays out itself.
LOANS, MONTHS, LEAST_MONTHS, MOST_MONTHS = 1197, 4, 4, 18
# The officer of the tour.
TOUR_OFFICER = "A0101"
# How many loans the business date shows in arrears: up to 90 days, and longer.
MENTIONED, BAD = 35, 16

# Serials of the situations.
FIRST_TOUR, HALVED, BACKFLOW, LOST, SEIZED, BAN, PAID_LATE, RESTRUCTURED = 1141, 21, 1142, 22, 23, 24, 25, 26
TENANT, QUOTED, RETURNED, RED_TODAY, LEFT, RETURNED_TOUR, ORANGE = 27, 28, 29, 30, 31, 32, 33
CORRECTED, TO_CORRECT = 34, 35
RESERVED = frozenset({*range(21, 40), 1141, 1142})
OF_THE_TOUR = frozenset({FIRST_TOUR, HALVED, TENANT, RED_TODAY, LEFT, RETURNED_TOUR, CORRECTED, TO_CORRECT})
OPERATOR = "O0001"
LENT_A_MONTH = 9
# Their stories are not of arrears: they pay each installment on its day.
PUNCTUAL = frozenset({*range(21, 40), FIRST_TOUR, BACKFLOW} - {BAN, PAID_LATE, RESTRUCTURED})
# Long in arrears and staying there; days past due at the cut-over.
BAD_ONES: Mapping[int, int] = {40 + n: 95 + 31 * (n % 9) for n in range(BAD)}
LATE_ONES: Mapping[int, int] = {60 + n: 3 + 7 * n for n in range(12)}
# A district whose prices fall, with those of its homes that cross 90 percent; a development that stalls.
AREA, AREA_CODE, AREA_ESTATES = "临港区", "0105", ("临港新城", "海韵花园", "锦帆里")
AREA_ONES, AREA_CROSSING = range(301, 439), range(301, 318)
STALLED, STALLED_DISTRICT, STALLED_CODE = "望湖春晓", "湖畔区", "0104"
STALLED_ONES = range(501, 547)


@dataclass(frozen=True)
class Span:
    """How much of a past the demo has."""

    months: int = MONTHS

    @property
    def tape_day(self) -> date:
        """The day at whose close the book is taken over: the end of a month."""
        return add_months(BUSINESS_DATE, -self.months + 1, 1) - timedelta(days=1)


def clock(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a demo day, in the bank's time zone."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def book_tape(tape_day: date, loans: int) -> str:
    """The book as it is taken over at the cut-over."""
    later = {serial for serials in new_loans(tape_day, loans).values() for serial in serials}
    return tape(tape_day, [serial for serial in range(1, loans + 1) if serial not in later], are_new=False)


def new_loans(tape_day: date, loans: int) -> dict[date, list[int]]:
    """What is lent after the cut-over: the end of its month, on whose tape it comes, with its serials."""
    found: dict[date, list[int]] = {}
    first, serial = tape_day + timedelta(days=1), loans
    while (end := add_months(first, 1, 1) - timedelta(days=1)) < BUSINESS_DATE:
        found[end] = [number for number in range(serial - LENT_A_MONTH + 1, serial + 1) if number not in RESERVED]
        first, serial = end + timedelta(days=1), serial - LENT_A_MONTH
    found[date(2026, 9, 30)].append(FIRST_TOUR)
    found[date(2026, 8, 31)].append(BACKFLOW)
    return found


def tape(as_of: date, serials: Iterable[int], *, are_new: bool = True) -> str:
    """These loans as they stand at the close of a day; new ones were lent in its month."""
    rows = [_row(serial, as_of, are_new) for serial in serials]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _row(serial: int, as_of: date, is_new: bool) -> dict[str, str]:
    dice = random.Random(f"{SEED}/{serial}")  # noqa: S311 (made-up data)
    district, code, estates = _place(dice, serial)
    disbursed = _disbursed(dice, serial, as_of, is_new)
    years = dice.choice((15, 20, 20, 25, 30, 30, 30))
    value = Decimal(dice.randrange(60, 420)) * 10000
    original = (value * dice.choice((45, 55, 60, 65, 70, 75)) / 100).quantize(Decimal("1"))
    months = (as_of.year - disbursed.year) * 12 + as_of.month - disbursed.month
    outstanding = (original * (1 - Decimal(months) / (years * 12) * Decimal("0.7"))).quantize(Decimal("0.01"))
    outstanding = max(outstanding, Decimal(20000))
    is_stalled = serial in STALLED_ONES
    row = {
        "external_id": external_id(serial),
        "borrower_name": dice.choice(names.SURNAMES) + dice.choice(names.GIVEN),
        "borrower_id_no": identity(dice, serial),
        "borrower_phone": f"1990000{serial:04d}",
        "branch_code": code,
        "portfolio_officer": _officer(dice, serial, code),
        "principal_original": f"{original:.2f}",
        "principal_outstanding": f"{outstanding:.2f}",
        "annual_rate_percent": dice.choice(("3.0500", "3.2000", "3.5000", "3.6000", "3.8500", "4.1000")),
        "repayment_method": "EQUAL_INSTALLMENT",
        "disbursed_on": disbursed.isoformat(),
        "matures_on": add_months(disbursed, years * 12).isoformat(),
        "due_day": str(disbursed.day),
        "days_past_due": str({**BAD_ONES, **LATE_ONES}.get(serial, 0)),
        "credit_score": str(dice.randrange(630, 840)),
        "property_type": "PLANNED_UNIT" if is_stalled else dice.choice(("CONDO", "CONDO", "CONDO", "SINGLE_FAMILY")),
        "owner_occupied": "N" if dice.random() < 0.06 else "Y",
        "property_address": f"江城市{district}{dice.choice(estates)}"
        f"{dice.randrange(1, 20)}栋{dice.randrange(1, 4)}单元{dice.randrange(1, 30)}0{dice.randrange(1, 5)}",
        "appraised_value": f"{_appraised(dice, serial, outstanding, value)}",
        "appraised_on": as_of.isoformat(),
        "monthly_income": f"{_income(dice, original, years, 40 if serial == HALVED else 0)}.00",
        "employer": dice.choice(names.EMPLOYERS),
        "registration_no": "" if is_stalled or dice.random() > 0.9
        else f"江({disbursed.year})江城市不动产证明第{serial:07d}号",
        "payment_record": _marks(dice, months),
    }  # fmt: skip
    return {**row, **_OWN.get(serial, {})}


# What the situations need of their loans beyond the dice. A score below 640 is a medium risk: the talk by day 60.
_FIRST = {"credit_score": "632", "owner_occupied": "Y"}
_OWN: Mapping[int, Mapping[str, str]] = {
    FIRST_TOUR: _FIRST,
    BACKFLOW: _FIRST,
    HALVED: {"credit_score": "702", "owner_occupied": "Y"},
    PAID_LATE: {"disbursed_on": "2021-08-12", "due_day": "12", "matures_on": "2041-08-12", "owner_occupied": "Y"},
    TENANT: {"owner_occupied": "Y"},
}


def external_id(serial: int) -> str:
    return f"DEMO{serial:05d}"


def _place(dice: random.Random, serial: int) -> tuple[str, str, tuple[str, ...]]:
    """District, branch and developments to choose from."""
    if serial in AREA_ONES:
        return AREA, AREA_CODE, AREA_ESTATES
    if serial in STALLED_ONES:
        return STALLED_DISTRICT, STALLED_CODE, (STALLED,)
    # Branches of the area and of the stalled development have fewer loans elsewhere.
    place = dice.choice((0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4))
    district, code, _name = names.BRANCHES[0 if serial in RESERVED else place]
    return district, code, names.ESTATES[district]


def _officer(dice: random.Random, serial: int, code: str) -> str:
    officers = names.officers_of(code)
    chosen = dice.choice(officers)
    return TOUR_OFFICER if serial in OF_THE_TOUR else chosen


def _disbursed(dice: random.Random, serial: int, as_of: date, is_new: bool) -> date:
    """Years before the cut-over, of some weeks; a new loan on a day of its month."""
    back = dice.randrange(0, 2800)
    if serial == FIRST_TOUR:
        return date(2026, 9, 2)
    if serial == BACKFLOW:
        return date(2026, 8, 24)
    if serial in BAD_ONES or serial in LATE_ONES:
        return date(2021, 3, 5) + timedelta(days=serial)
    if is_new or serial % 40 == 0:
        return as_of - timedelta(days=back % 26 + 2)
    if serial in STALLED_ONES:
        return as_of - timedelta(days=400 + back % 500)
    return as_of - timedelta(days=100 + back)


def _appraised(dice: random.Random, serial: int, outstanding: Decimal, value: Decimal) -> Decimal:
    """Most homes have kept or gained; of the district whose prices fall, some are near the limit."""
    fall = dice.choice((0, 0, 0, 3, 5, 8, 12, 20))
    if serial in AREA_CROSSING:
        return _percent_of(outstanding, 84 + serial % 4)
    if serial in AREA_ONES:
        return _percent_of(outstanding, 35 + serial % 33)
    return (value * (100 - fall) / 100).quantize(Decimal("0.01"))


def _percent_of(outstanding: Decimal, percent: int) -> Decimal:
    """The value of which the balance is so many percent."""
    return (outstanding * 100 / percent).quantize(Decimal("1")).quantize(Decimal("0.01"))


def _income(dice: random.Random, original: Decimal, years: int, tenths: int) -> int:
    """Whole hundreds of yuan, 2 to 4.5 times a payment at 3.5 %; one in twelve is stretched."""
    payment = annuity(int(original) * 100, 35_000, years * 12) // 100
    times = dice.randrange(14, 19) if dice.random() < 0.08 else dice.randrange(20, 45)
    return payment * (tenths or times) // 1000 * 100


def _marks(dice: random.Random, months: int) -> str:
    """24 months of marks, oldest first; `*` before the loan existed."""
    known = max(0, min(24, months))
    return "*" * (24 - known) + "".join(dice.choices("N1", weights=(985, 15), k=known))


def identity(dice: random.Random, serial: int) -> str:
    """A number of the right shape with its check digit, of nobody."""
    born = date(1962, 1, 1) + timedelta(days=dice.randrange(0, 13500))
    body = f"420102{born:%Y%m%d}{serial % 1000:03d}"
    return body + check_digit(body)
