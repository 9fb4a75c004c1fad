"""The schedule engine beside a bare loop (B10) and beside public packages in bulk (B11)."""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from typing import Any

from bench.stand import Result, Stand

MONTHS = 360
_CHECKED, _BULK, _PACKAGES_BULK, _ROUNDS = 2000, 10_000, 300, 15


def _contract(principal: int, ppm: int) -> Any:
    from loans.rules.simulation import parse_request

    request = parse_request(
        {
            "principal": f"{principal // 100}.{principal % 100:02d}",
            "annual_rate_percent": str(Decimal(ppm) / 10_000),
            "installments": MONTHS,
            "method": "EQUAL_INSTALLMENT",
            "disbursed_on": "2026-06-10",
            "due_day": 10,
        }
    )
    assert not isinstance(request, dict), request
    return request


def loop(principal: int, ppm: int, installment: int) -> list[tuple[int, int, int, int]]:
    """The bare loop of integers: number, principal, interest, balance."""
    rows, balance = [], principal
    for number in range(1, MONTHS + 1):
        interest = (2 * balance * ppm + 12_000_000) // 24_000_000
        part = installment - interest if number < MONTHS else balance
        balance -= part
        rows.append((number, part, interest, balance))
    return rows


def exact(principal: int, ppm: int) -> list[tuple[int, int, int, int]]:
    """The same in fractions, rounded half-up where the contract says so: the judge."""
    month = Fraction(ppm, 12_000_000)
    installment = _half_up(principal * month * (1 + month) ** MONTHS / ((1 + month) ** MONTHS - 1))
    rows, balance = [], principal
    for number in range(1, MONTHS + 1):
        interest = _half_up(balance * month)
        part = installment - interest if number < MONTHS else balance
        balance -= part
        rows.append((number, part, interest, balance))
    return rows


def _half_up(value: Fraction) -> int:
    return int((2 * value.numerator + value.denominator) // (2 * value.denominator))


def single(stand: Stand) -> Iterator[Result]:
    """B10: one schedule of 360 rows on demand, beside the bare loop; none may differ from the fractions."""
    from loans.rules.schedule import annuity
    from loans.rules.simulation import simulate

    dice = random.Random(stand.book.seed)  # noqa: S311 - made-up data
    drawn = [(dice.randrange(20_000_000, 200_000_001), dice.randrange(280, 600) * 100) for _ in range(_CHECKED)]
    wrong = 0
    for principal, ppm in drawn[: _CHECKED // 10]:
        rows = [
            (r.number, r.principal_fen, r.interest_fen, r.balance_fen) for r in simulate(_contract(principal, ppm)).rows
        ]
        wrong += rows != exact(principal, ppm)
    requests = [(_contract(*each),) for each in drawn[:200]]
    ours, other = [], []
    for _round in range(_ROUNDS):
        ours.append(_seconds(simulate, requests))
        other.append(_seconds(lambda p, ppm: loop(p, ppm, annuity(p, ppm, MONTHS)), drawn[:200]))
    yield Result(
        "B10", ratio=statistics.median(a / b for a, b in zip(ours, other, strict=True)),
        ours=statistics.median(ours) * 1e6, other=statistics.median(other) * 1e6, equal=not wrong,
        note=f"µs a schedule; {wrong} of {_CHECKED // 10} differ from fractions",
    )  # fmt: skip


def _seconds(work: Callable[..., Any], each: Sequence[tuple[Any, ...]]) -> float:
    """Seconds a call over all of these arguments; what is made is let go, as a page or a batch does."""
    start = time.process_time()
    for arguments in each:
        work(*arguments)
    return (time.process_time() - start) / len(each)


def bulk(stand: Stand) -> Iterator[Result]:
    """B11: ten thousand schedules of 360 rows, beside the faster of the public packages that are exact."""
    from loans.rules.dates import contract_due_dates
    from loans.rules.schedule import annuity, level_rows

    dice = random.Random(stand.book.seed)  # noqa: S311 - made-up data
    drawn = [(dice.randrange(200_000, 2_000_001) * 100, dice.randrange(280, 600) * 100) for _ in range(_BULK)]
    days = contract_due_dates(date(2026, 6, 10), 10, date(2056, 6, 10))
    ours = _seconds(lambda p, ppm: level_rows(p, annuity(p, ppm, MONTHS), ppm, 1, days, is_last=True), drawn)
    others = {}
    for name, run in (("mortgagemath", _mortgagemath), ("loan", _loankit)):
        try:
            import_module(name)
        except ImportError:
            continue
        others[name] = _seconds(run, drawn[:_PACKAGES_BULK])
    fastest = min(others, key=lambda name: others[name])
    told = ", ".join(f"{name} {seconds * 1e6:.0f}" for name, seconds in others.items())
    yield Result(
        "B11", ratio=ours / others[fastest], ours=ours * 1e6, other=others[fastest] * 1e6, equal=True,
        note=f"µs a schedule: {told}",
    )  # fmt: skip


def _mortgagemath(principal: int, ppm: int) -> Any:
    from mortgagemath import LoanParams, PaymentRounding, amortization_schedule

    return amortization_schedule(
        LoanParams(
            principal=Decimal(principal) / 100,
            annual_rate=Decimal(ppm) / 10_000,
            term_months=MONTHS,
            payment_rounding=PaymentRounding.ROUND_HALF_UP,
        )
    )


def _loankit(principal: int, ppm: int) -> Any:
    package = import_module("loan")
    request = package.LoanRequest(Decimal(principal) / 100, Decimal(ppm) / 10_000, MONTHS, "equal_installment")
    strategy = import_module("loan.strategies.equal_installment").EqualInstallmentStrategy()
    return strategy.generate(request)
