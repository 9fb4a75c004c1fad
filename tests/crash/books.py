"""Banks to crash: a rich one in which everything of the money happens within days, and large plain ones.

A `Life` is a row of evenings from one bank: what the state is after each when nobody disturbs it, and a copy of the
bank before each, so that a trial begins where something happens.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from config import day_end, receipts_made
from journal.batch import run_pending
from loans.actions import ReceiptRow, post_receipts
from loans.actions.changes import decide_change, propose_change, sign_change
from loans.queries import open_business_date
from loans.rules.money import parse_amount
from tests.crash.ground import Ground
from tests.crash.points import Points
from tests.crash.state import State, state
from tests.factories import AT
from tests.loan_books import book
from tests.rich_bank import RichBank

FIRST = date(2026, 11, 1)
SEED = 20261101
Label = tuple[str, str]


def clock() -> datetime:
    return datetime.now(UTC)


def close(through: date, chunk: int = day_end.CHUNK) -> list[date]:
    """The evening as the command runs it."""
    return day_end.run(through=through, at_clock=clock, chunk=chunk)


# A reaction may record a fact that wakes another one: the beat comes round again.
_BEATS = 3


def run_pending_now() -> None:
    """What facts have woken."""
    for _beat in range(_BEATS):
        run_pending(at=clock())


def today() -> date:
    return open_business_date() or date.max


@dataclass
class Evening:
    """One date of a life: the bank before it, the state after it, the points it passed."""

    day: date
    before: str
    after: State
    labels: list[Label]
    # The bank is as the evening before left it: nobody did anything meanwhile.
    follows: bool


@dataclass
class Life:
    """Evenings with copies of the bank between them."""

    ground: Ground
    chunk: int
    evenings: list[Evening] = field(default_factory=list)

    def live(self, day: date, *, follows: bool) -> None:
        """An undisturbed evening, remembered."""
        before = self.ground.copy_here(f"e{self.chunk}_{day:%y%m%d}")
        points = Points()
        with points.watching():
            close(day, self.chunk)
        self.evenings.append(Evening(day, before, state(), list(points.labels), follows))


class RichLife(RichBank):
    """The rich bank, its evenings remembered."""

    def __init__(self, life: Life) -> None:
        self.life = life
        super().__init__()

    def close(self, through: date) -> None:
        first = today()
        while today() <= through:
            self.life.live(today(), follows=today() > first)
        self.day = through + timedelta(days=1)


def rich_life(ground: Ground, *, chunk: int, days: int) -> Life:
    """All of the rich bank's evenings, and so many more on which its borrowers pay."""
    life = Life(ground, chunk)
    with ground.trial(ground.empty, f"rich{chunk}"):
        bank = RichLife(life).live()
        start = today()
        sign_ahead(bank, "quiet", start + timedelta(days=1), "PREPAYMENT", amount="50000.00", effect="SHORTEN_TERM")
        sign_ahead(bank, "feed", start + timedelta(days=2), "PREPAYMENT", amount="40000.00", effect="LOWER_INSTALLMENT")
        pay_until(start, start + timedelta(days=days))
        while today() < start + timedelta(days=days):
            life.live(today(), follows=today() > start)
    return life


def sign_ahead(bank: RichBank, name: str, effective_on: date, kind: str, **asked: str) -> None:
    """A change of contract, paid for and signed, whose day is to come."""
    bank.pay(name, "60000.00")
    change = propose_change(
        loan_id=bank.id(name), kind=kind, asked={**asked, "effective_on": str(effective_on)}, reason="客户申请办理",
        evidence=None, by=bank.officer, at=bank.at,
    )  # fmt: skip
    decide_change(change_id=change.pk, approve=True, note="", version=1, by=bank.risk, at=bank.at)
    sign_change(change_id=change.pk, note="柜面签署补充协议", version=2, by=bank.officer, at=bank.at)


def pay_until(start: date, through: date, at: datetime = AT) -> int:
    """Hands in what the borrowers of the book pay until a day, ahead of time; how many receipts."""
    told = receipts_made.make_receipts(open_day=start, through=through, seed=SEED)
    rows = [ReceiptRow(each.loan, parse_amount(each.amount), each.value_on, each.channel, each.serial) for each in told]
    return len(post_receipts(rows=rows, by="system", at=at).outcomes) if rows else 0


def plain(ground: Ground, loans: int, days: int) -> str:
    """A bank with a book of loans whose borrowers pay for so many days; the name of its database."""
    with ground.trial(ground.empty, "making"):
        book(loans)
        pay_until(FIRST, FIRST + timedelta(days=days))
        run_pending_now()
        return ground.copy_here(f"plain{loans}_{days}")


def undisturbed(
    ground: Ground,
    bank: str,
    days: Sequence[date],
    *,
    chunk: int,
    watch: Callable[[date], object] = lambda _day: None,
    but: tuple[str, ...] = (),
    cut: bool = True,
    then: Callable[[], object] = lambda: None,
) -> dict[date, State]:
    """The state after each evening, and what comes `then`, when one runner does it alone."""
    found = {}
    with ground.trial(bank, "alone"):
        for day in days:
            watch(day)
            close(day, chunk)
            then()
            found[day] = state(but=but, cut=cut)
    return found
