"""The demo's loan book as a tape: 360 made-up loans, the same every time, and the demo's days."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from config import demo_names
from loans.rules.dates import add_months
from loans.rules.schedule import annuity
from people.rules.identity import check_digit

SHANGHAI = ZoneInfo("Asia/Shanghai")
TAPE_DAY = date(2026, 9, 30)
BUSINESS_DATE = date(2026, 10, 30)
SEED = 20261030
LOANS = 360
# The officer of the tour, and the loans in his portfolio that are late at the start: serial → days past due.
TOUR_OFFICER = "A0101"
ARREARS = {17: 5, 58: 12, 101: 35, 144: 64, 199: 120, 255: 300}


def clock(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a demo day, in the bank's time zone."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def tape() -> str:
    """The demo book as a loan tape; the same every time."""
    rows = list(_rows(random.Random(SEED)))  # noqa: S311 (made-up data)
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _rows(dice: random.Random) -> Iterator[dict[str, str]]:
    for serial in range(1, LOANS + 1):
        district, code, _name = demo_names.BRANCHES[0 if serial in ARREARS else dice.randrange(5)]
        officers = [
            number for number, _n, roles, branch in demo_names.PEOPLE if branch == code and "LOAN_OFFICER" in roles
        ]
        disbursed = _disbursed(dice, serial)
        if serial in ARREARS:
            disbursed = date(2021, 3, 5) + timedelta(days=serial)
        years = dice.choice((10, 15, 20, 20, 25, 30, 30, 30))
        matures = add_months(disbursed, years * 12)
        value = Decimal(dice.randrange(60, 420)) * 10000
        original = (value * dice.choice((45, 55, 60, 65, 70, 75, 80, 85)) / 100).quantize(Decimal("1"))
        months = (TAPE_DAY.year - disbursed.year) * 12 + TAPE_DAY.month - disbursed.month
        outstanding = (original * (1 - Decimal(months) / (years * 12) * Decimal("0.7"))).quantize(Decimal("0.01"))
        fall = dice.choice((0, 0, 0, 3, 5, 8, 12, 20))
        yield {
            "external_id": f"DEMO{serial:05d}",
            "borrower_name": dice.choice(demo_names.SURNAMES) + dice.choice(demo_names.GIVEN),
            "borrower_id_no": _identity(dice, serial),
            "borrower_phone": f"1990000{serial:04d}",
            "branch_code": code,
            "portfolio_officer": TOUR_OFFICER if serial in ARREARS else dice.choice(officers),
            "principal_original": f"{original:.2f}",
            "principal_outstanding": f"{max(outstanding, Decimal(20000)):.2f}",
            "annual_rate_percent": dice.choice(("3.0500", "3.2000", "3.5000", "3.6000", "3.8500", "4.1000")),
            "repayment_method": "EQUAL_INSTALLMENT",
            "disbursed_on": disbursed.isoformat(),
            "matures_on": matures.isoformat(),
            "due_day": str(disbursed.day),
            "days_past_due": str(ARREARS.get(serial, 0)),
            "credit_score": str(dice.randrange(560, 840)),
            "property_type": dice.choice(("CONDO", "CONDO", "PLANNED_UNIT", "SINGLE_FAMILY")),
            "owner_occupied": "N" if dice.random() < 0.1 else "Y",
            "property_address": f"江城市{district}{dice.choice(demo_names.ESTATES[district])}"
            f"{dice.randrange(1, 20)}栋{dice.randrange(1, 4)}单元{dice.randrange(1, 30)}0{dice.randrange(1, 5)}",
            "appraised_value": f"{value * (100 - fall) / 100:.2f}",
            "appraised_on": TAPE_DAY.isoformat(),
            "monthly_income": f"{_income(dice, original, years)}.00",
            "employer": dice.choice(demo_names.EMPLOYERS),
            "registration_no": f"江({disbursed.year})江城市不动产证明第{serial:07d}号" if dice.random() < 0.85 else "",
            "payment_record": _marks(dice, months),
        }


def _disbursed(dice: random.Random, serial: int) -> date:
    """Every ninth loan is young enough for first follow-ups in October."""
    if serial % 9 == 0:
        return TAPE_DAY - timedelta(days=dice.randrange(3, 75))
    return date(2026, 6, 28) - timedelta(days=dice.randrange(0, 2800))


def _income(dice: random.Random, original: Decimal, years: int) -> int:
    """Whole hundreds of yuan, 2 to 4.5 times a payment at 3.5 %; one in twelve is stretched."""
    payment = annuity(int(original) * 100, 35_000, years * 12) // 100
    times = dice.randrange(14, 19) if dice.random() < 0.08 else dice.randrange(20, 45)
    return payment * times // 1000 * 100


def _marks(dice: random.Random, months: int) -> str:
    """24 months of marks, oldest first; `*` before the loan existed."""
    known = max(0, min(24, months))
    return "*" * (24 - known) + "".join(dice.choices("N1", weights=(97, 3), k=known))


def _identity(dice: random.Random, serial: int) -> str:
    born = date(1962, 1, 1) + timedelta(days=dice.randrange(0, 13500))
    body = f"420102{born:%Y%m%d}{serial % 1000:03d}"
    return body + check_digit(body)
