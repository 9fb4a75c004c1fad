"""What a loan costs in all: interest and fees as cash flows, and their annualised rate (综合融资成本).

金规〔2026〕2号 asks for every item, who charges it, the annualised total in normal performance and what default would
cost. The annualised cost is twelve times the monthly rate at which the payments are worth what the borrower got (IRR
times 12), in percent with four decimals, rounded half-up. It is found by bisection over integers: whether a trial rate
is too low is a comparison of two whole numbers, so no digit depends on a machine.

Time runs in months, one a row. A broken first period counts its days over 30, at simple interest (1 + i * days / 30);
so a loan without fees costs exactly its own rate, whatever its first period.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loans.rules.schedule import Row, half_up
from loans.rules.simulation_request import Request, is_one_month

UPFRONT, EACH_INSTALLMENT, EACH_YEAR = "UPFRONT", "EACH_INSTALLMENT", "EACH_YEAR"
# How the code of an item is written.
FEE_CODE = r"[A-Z][A-Z0-9_]{0,39}"
DUES = (UPFRONT, EACH_INSTALLMENT, EACH_YEAR)
# 99,999.9999 % a year: what the column of the document holds.
MOST_PPM = 999_999_999
_PPM = 1_000_000
_DAYS_OF_EXAMPLE = 30


class CostRefused(Exception):
    """The items cannot be put into a disclosure; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class CostFee:
    """A fee in normal performance: what each time, and when."""

    code: str
    label: str
    charged_by: str
    amount_fen: int
    due: str = UPFRONT

    def times(self, rows: int) -> int:
        """How often it is charged over so many installments."""
        if self.due == EACH_INSTALLMENT:
            return rows
        # At the start, and with every twelfth installment after which the loan goes on.
        return 1 + (rows - 1) // 12 if self.due == EACH_YEAR else 1

    def with_row(self, index: int, rows: int) -> int:
        """What falls due with the index-th installment (from 1)."""
        is_due = self.due == EACH_INSTALLMENT or (self.due == EACH_YEAR and index % 12 == 0 and index < rows)
        return self.amount_fen if is_due else 0

    @property
    def at_start_fen(self) -> int:
        return 0 if self.due == EACH_INSTALLMENT else self.amount_fen


@dataclass(frozen=True, slots=True)
class Cost:
    """What a contract costs in normal performance. Amounts in fen."""

    received_fen: int
    interest_fen: int
    fees_fen: int
    paid_fen: int
    annualised_ppm: int


def cost_of(request: Request, rows: Sequence[Row], fees: Sequence[CostFee]) -> Cost:
    """Totals and annualised cost of a schedule with its fees; CostRefused where no rate can say it."""
    count = len(rows)
    received = request.principal_fen - sum(fee.at_start_fen for fee in fees)
    payments = [
        row.principal_fen + row.interest_fen + sum(fee.with_row(index, count) for fee in fees)
        for index, row in enumerate(rows, start=1)
    ]
    charged = sum(fee.amount_fen * fee.times(count) for fee in fees)
    interest = sum(row.interest_fen for row in rows)
    return Cost(
        received, interest, charged, request.principal_fen + interest + charged,
        annualised_ppm(received, payments, first_period(request)),
    )  # fmt: skip


def first_period(request: Request) -> tuple[int, int]:
    """Length of the first period in months as a fraction: one month, or its days over 30."""
    if is_one_month(request.disbursed_on, request.first_due_on, request.due_day):
        return 1, 1
    return (request.first_due_on - request.disbursed_on).days, 30


def annualised_ppm(received_fen: int, payments: Sequence[int], first: tuple[int, int] = (1, 1)) -> int:
    """IRR times 12 of a sum received and monthly payments, in parts per million rounded half-up."""
    if received_fen <= 0:
        raise CostRefused("fees_reach_the_loan")
    low, high = 0, MOST_PPM + 1
    if _is_at_least(high, received_fen, payments, first):
        raise CostRefused("cost_beyond_limit")
    # The payments together are never less than the sum received, so the rate is at least zero.
    while high - low > 1:
        middle = (low + high) // 2
        if _is_at_least(middle, received_fen, payments, first):
            low = middle
        else:
            high = middle
    return low


def _is_at_least(ppm: int, received_fen: int, payments: Sequence[int], first: tuple[int, int]) -> bool:
    """True when the exact rate rounds to `ppm` or more: at half a ppm less the payments are still worth the sum.

    With 1 + i = grown / whole the present value is sum(payment_k * (whole / grown) ** (k - 1)) / (1 + i * first);
    both sides are multiplied out.
    """
    whole = 24 * _PPM
    grown = whole + 2 * ppm - 1
    worth, scale, reach = 0, 1, 1
    for payment in payments:
        worth = worth * grown + payment * scale
        scale *= whole
        reach *= grown
    parts, of = first
    # worth / grown ** (n - 1) >= received * (1 + i * parts / of)
    return worth * whole * of * grown >= received_fen * reach * (whole * of + (grown - whole) * parts)


@dataclass(frozen=True, slots=True)
class DefaultCost:
    """What the first regular installment costs when it is paid so many days late. Amounts in fen."""

    days: int
    principal_fen: int
    interest_fen: int
    penalty_fen: int
    compound_fen: int


def penalty_rate_ppm(rate_ppm: int, thousandths: int) -> int:
    """The penalty rate: contract rate times the multiplier (1.5 is 1,500 thousandths)."""
    return half_up(rate_ppm * thousandths, 1000)


def default_cost(rows: Sequence[Row], rate_ppm: int, thousandths: int, days: int = _DAYS_OF_EXAMPLE) -> DefaultCost:
    """Penalty on the principal and compound interest on the interest of an installment, actual days over 360 (E9)."""
    row = rows[1] if len(rows) > 2 else rows[0]
    parts, of = days * rate_ppm * thousandths, 360 * _PPM * 1000
    return DefaultCost(
        days, row.principal_fen, row.interest_fen, half_up(row.principal_fen * parts, of),
        half_up(row.interest_fen * parts, of),
    )  # fmt: skip
