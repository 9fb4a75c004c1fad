"""The general ledger of a close: what has accrued by branch and product, and the lines by which it moved.

Accrued interest is a stock per loan, computed at the close and stored nowhere; the general ledger gets only what the
stock of a branch and product moved by since the close before. So billing, which takes a loan's stock to nothing and
posts the real interest, never counts income twice, and a loan that becomes non-performing takes its accrued income
back by itself.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from loans import sql
from loans.batch.figures import Balance
from loans.queries import parameter
from loans.queries.terms import terms_of
from loans.rules.accrual import accrued_by_terms
from loans.rules.aging import NON_PERFORMING
from loans.sql import array


class PeriodsAhead(Exception):
    """Loans whose running period begins after the day: what they say of their interest cannot be."""

    def __init__(self, loans: Sequence[tuple[str, date]]) -> None:
        super().__init__(", ".join(note for note, _day in loans))
        self.loans = loans


def balances_of(day: date) -> list[Balance]:
    """Every branch and product at the close of a day; PeriodsAhead names loans that cannot be reckoned."""
    most_days = int(parameter("non_accrual_dpd", day, default=90))
    values = {"day": day, "non_performing": array(NON_PERFORMING), "overdue_before": day - timedelta(days=most_days)}
    found: dict[tuple[str, str], Balance] = {}
    ahead = 0
    for code, product, loans, principal, accrued, count in sql.rows(sql.BALANCES_BY_BRANCH, values):
        found[code, product] = Balance(code, product, loans, principal, accrued)
        ahead += count
    if ahead:
        raise PeriodsAhead(sql.rows(sql.LOANS_AHEAD, values))
    by_terms = {loan_id: (code, product) for loan_id, code, product in sql.rows(sql.ACCRUES_BY_TERMS, values)}
    for loan_id, terms in terms_of(by_terms).items() if by_terms else ():
        key = by_terms[loan_id]
        more = accrued_by_terms(terms.standing, day)
        found[key] = found[key]._replace(accrued_fen=found[key].accrued_fen + more)
    return list(found.values())


def general_since(since: date | None) -> dict[str, int]:
    """Accrued interest that the general ledger's lines after a day add, in fen by branch and product."""
    return {f"{code} {product}": fen for code, product, fen in sql.rows(sql.GENERAL_SINCE, {"since": since})}


def write_general(*, as_of: date, balances: Sequence[Balance], before: Mapping[str, int]) -> int:
    """Writes what the stock of each branch and product moved by; how many lines."""
    moved = {each.key: each.accrued_fen - before.get(each.key, 0) for each in balances}
    moved |= {key: -fen for key, fen in before.items() if key not in moved}
    rows = [(*key.rsplit(" ", 1), fen) for key, fen in moved.items() if fen]
    if not rows:
        return 0
    codes, products, amounts = zip(*rows, strict=True)
    values = {"day": as_of, "codes": array(codes), "products": array(products), "fen": array(amounts)}
    return sql.run(sql.INSERT_GENERAL, values)
