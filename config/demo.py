"""The demo bank: 安居银行（演示）江城分行 with its people and a small book that has lived for a month.

The book is imported as a tape like any bank's, receipts are made and posted, day end runs, and
officers make visits through the same actions as in the browser; nothing is written around them.
The business date stays 2026-10-30 until somebody closes it.
"""

import csv
import io
import random
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from config import demo_names
from loans.rules.dates import add_months
from loans.rules.schedule import annuity
from people.actions import create_branch, create_staff, root_branch
from people.models import Branch, Staff
from people.rules.identity import check_digit

SHANGHAI = ZoneInfo("Asia/Shanghai")
TAPE_DAY = date(2026, 9, 30)
BUSINESS_DATE = date(2026, 10, 30)
SEED = 20261030
LOANS = 360
# The officer of the tour, and the loans in his portfolio that are late at the start: serial → days past due.
TOUR_OFFICER = "A0101"
ARREARS = {17: 5, 58: 12, 101: 35, 144: 64, 199: 120, 255: 300}
PASSWORD = "anju-demo-2026"  # noqa: S105 (printed on the demo's sign-in page)


def sign_ins() -> list[tuple[str, str, str, str]]:
    """(staff number, name, role name, password) of the cards on the demo's sign-in page."""
    people = {number: (name, roles) for number, name, roles, _branch in demo_names.PEOPLE}
    found = {s.staff_no: s for s in Staff.objects.filter(staff_no__in=demo_names.CARDS).prefetch_related("roles")}
    return [
        (number, people[number][0], "、".join(role.name for role in found[number].roles.all()), PASSWORD)
        for number in demo_names.CARDS
        if number in found
    ]


def clock(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a demo day, in the bank's time zone."""
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def load(*, say: Callable[[str], None]) -> None:
    """Builds the demo bank on an empty database; about half a minute."""
    say("people")
    _people(clock(TAPE_DAY, 9))
    say("loan book")
    _import_book()
    say("a month of business")
    from config.demo_month import live_through

    live_through(say=say)


def _people(at: datetime) -> None:
    root = root_branch(at=at)
    Branch.objects.filter(pk=root.pk).update(name="安居银行（演示）")
    city = create_branch(code="0100", name="江城分行", parent=root, by="system", at=at)
    branches = {"": city}
    for _district, code, name in demo_names.BRANCHES:
        branches[code] = create_branch(code=code, name=name, parent=city, by="system", at=at)
    for number, name, roles, branch in demo_names.PEOPLE:
        create_staff(
            staff_no=number,
            name=name,
            branch=branches[branch],
            roles=list(roles),
            password=PASSWORD,
            by="system",
            at=at,
        )


def _import_book() -> None:
    from config.boarding import board

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo_book.csv"
        path.write_text(tape(), encoding="utf-8")
        board(path, as_of=TAPE_DAY, is_dry_run=False, refused_to=None, by="system", at=clock(TAPE_DAY, 22))


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
