"""The days of the year: borrowers who pay or do not, news, falling values, leave, new and settled loans, an evening.

The seed decides all of it; the same seed lives the same year. What people and files do goes through the same actions;
only a valuation is written as a revaluation's file will bring it, for no screen enters one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from collateral.models import Charge, Property, Valuation
from config import day_end, receipts_made
from followups.actions.events import FeedRow, record_event, take_feed
from journal.actions import record
from journal.batch import run_pending
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan, Position
from loans.queries import calendar, require_business_date
from loans.rules.calendar import Calendar
from loans.rules.money import parse_amount
from people.actions.leave import enter_leave
from people.models import Branch
from tests.simulation.bank import People, clock, people
from tests.simulation.contracts import new_contract, settle
from tests.simulation.officers import Office
from tests.simulation.watch import Watch

_TOLD = ("INCOME_DOWN", "JOB_CHANGE", "JOB_LOSS", "MARITAL", "ILLNESS", "NEW_DEBT", "VACANT", "LET", "DAMAGE", "SEIZED")
_FED = (
    ("EMPLOYMENT", "JOB_LOSS"), ("COURT", "SUED"), ("COURT", "ENFORCED"), ("BUREAU", "OVERDUE_ELSEWHERE"),
    ("INCOME", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """How much happens in a year: shares of the book in tenths of a percent, and how often an area falls."""

    told: int = 30
    fed: int = 20
    new: int = 90
    settled: int = 20
    falls: int = 13


Say = Callable[[str], None]


@dataclass
class Life:
    """One run from the open business date on."""

    seed: int
    office: Office
    watch: Watch
    say: Say = lambda _line: None
    rates: Rates = Rates()
    done: Counter[str] = field(default_factory=Counter)
    money: dict[date, list[ReceiptRow]] = field(default_factory=lambda: defaultdict(list))

    def live(self, days: int) -> None:
        """So many business dates, each from its morning to its close."""
        first = require_business_date()
        self.calendar: Calendar = calendar(first, first + timedelta(days=days + 60))
        self.loans = Loan.objects.count()
        for number in range(days):
            self._day(first + timedelta(days=number), first)
        self.say(f"{dict(self.done)} {dict(self.office.done)}")

    def _day(self, day: date, first: date) -> None:
        dice = Random(f"{self.seed}/{day}")
        staff = people()
        if day == first or day.day == 1:
            self._money_of_the_month(day)
        if day.weekday() == 0:
            self._leaves(day, staff, dice)
        if self.calendar.is_workday(day):
            self._news(day, staff, dice)
            if day.day <= 25 and dice.random() < self.rates.falls / 250:
                self._fall(day, dice)
            for serial in range(self._how_many(dice, self.rates.new)):
                self.office.attempt("disbursed", lambda n=serial: new_contract(day, n, staff, dice))
            for loan in self._running(dice, self._how_many(dice, self.rates.settled)):
                self.office.attempt("settled", lambda pk=loan.pk: settle(pk, staff, day))
            run_pending(at=clock(day, 12))
            self.watch.noon(day)
            # Who is away is known with the person for one request only.
            self.office.work(day, people(), dice)
            run_pending(at=clock(day, 20, 30))
        if rows := self.money.pop(day, []):
            result = post_receipts(rows=rows, by="system", at=clock(day, 18))
            self.done["receipts"] += result.posted + result.waiting
        day_end.run(through=day, at_clock=lambda: clock(day, 21))
        self.watch.evening(day)
        if day.weekday() == 6:
            self.say(f"{day} faults {self.watch.seen['faults']}, {dict(self.office.done)}")

    def _how_many(self, dice: Random, share: int) -> int:
        """So many of this workday for a yearly share of the book in tenths of a percent."""
        wanted, a_year = self.loans * share, 1000 * 250
        return wanted // a_year + (dice.randrange(a_year) < wanted % a_year)

    def _running(self, dice: Random, count: int) -> list[Loan]:
        """So many loans still owed, by chance."""
        if not count:
            return []
        running = Position.objects.filter(settled_on__isnull=True).order_by("loan_id")
        ids = list(running.values_list("loan_id", flat=True))
        return list(Loan.objects.filter(pk__in=dice.sample(ids, min(count, len(ids)))).order_by("id"))

    # Money

    def _money_of_the_month(self, day: date) -> None:
        """What falls due until the end of the month, paid on time, late, in part or not; some arrears are cured."""
        last = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        told = receipts_made.make_receipts(open_day=day, through=last, seed=self.seed * 1000 + day.month)
        for each in told:
            self.money[max(day, each.value_on)].append(
                ReceiptRow(each.loan, parse_amount(each.amount), each.value_on, each.channel, each.serial)
            )

    # News

    def _news(self, day: date, staff: People, dice: Random) -> None:
        """Told to officers, and fed by the outside."""
        by_branch: dict[int, Any] = {one.branch_id: one for one in staff.officers}
        for loan in self._running(dice, self._how_many(dice, self.rates.told)):
            code, since = dice.choice(_TOLD), day - timedelta(days=dice.randrange(3))
            self.office.attempt("told", lambda loan=loan, code=code, since=since: record_event(
                loan_id=loan.pk, code=code, happened_on=since, words="客户告知有变化",
                source=dice.choice(("STAFF", "BORROWER")), by=by_branch[loan.branch_id], at=clock(day, 10),
            ))  # fmt: skip
        for loan in self._running(dice, self._how_many(dice, self.rates.fed)):
            feed, code = dice.choice(_FED)
            income = None if code else Decimal(dice.randrange(1000, 9000))
            row = FeedRow(
                1, {}, external_id=f"{feed}-{day}-{loan.pk}", loan=loan.loan_note_no, code=code, happened_on=day,
                monthly_income=income,
            )  # fmt: skip
            self.office.attempt("fed", lambda feed=feed, row=row: take_feed(
                feed=feed, rows=[row], by=staff.operations, at=clock(day, 11), is_preview=False))  # fmt: skip

    def _fall(self, day: date, dice: Random) -> None:
        """An area falls: every home of a branch is worth less, and each fact wakes what follows from it."""
        branch = dice.choice(list(Branch.objects.exclude(parent=None).order_by("code")))
        percent = dice.randrange(88, 98)
        charges = Charge.objects.filter(loan__branch=branch, property__value__isnull=False).select_related("property")
        for charge in charges.order_by("id"):
            value = (charge.property.value * percent / 100).quantize(Decimal("0.01"))
            if value <= 0:
                continue
            Valuation.objects.create(property=charge.property, value=value, valued_on=day, source="index")
            Property.objects.filter(pk=charge.property_id).update(value=value, valued_on=day)
            record(
                kind="collateral.revalued", subject_type="property", subject_id=charge.property_id,
                loan_id=charge.loan_id, by="system", at=clock(day, 9), business_date=day, data={"source": "index"},
            )  # fmt: skip
            self.done["homes that fell"] += 1

    # Leave

    def _leaves(self, day: date, staff: People, dice: Random) -> None:
        """Each officer about twice a year for one or two weeks, in another's hands; a few in nobody's."""
        for officer in staff.officers:
            if dice.random() >= 2 / 52:
                continue
            first = day + timedelta(days=dice.randrange(1, 8))
            last = first + timedelta(days=dice.choice((4, 4, 11)))
            others = [one for one in staff.officers if one.branch_id == officer.branch_id and one != officer]
            deputy = dice.choice(others) if others and dice.random() < 0.95 else None
            leave = self.office.attempt("leaves", lambda o=officer, f=first, u=last, d=deputy: enter_leave(
                staff=o, first=f, last=u, deputy=d, reason="年休假", by=o, at=clock(day, 8)))  # fmt: skip
            if leave is not None:
                self.watch.goes_away(leave)
