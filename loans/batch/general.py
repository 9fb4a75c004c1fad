"""The general ledger of a close: what has accrued by branch and product, and the lines by which it moved.

Accrued interest is a stock per loan, computed at the close and stored nowhere; the general ledger gets only what the
stock of a branch and product moved by since the close before. So billing, which takes a loan's stock to nothing and
posts the real interest, never counts income twice, and a loan that becomes non-performing takes its accrued income
back by itself. What had accrued on a book taken over stands against the take-over (`loans.actions.booking`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from loans import sql
from loans.batch.figures import Balance
from loans.queries import parameter
from loans.queries.terms import terms_of
from loans.rules.accrual import accrued_by_terms, running_of
from loans.rules.aging import NON_PERFORMING
from loans.rules.dates import add_months
from loans.sql import array

# So far around the close the end of a running period is looked for, in days; and how many loans are named.
_AROUND = 400
_NAMED = 20
# Loans whose terms are read at once where only these tell what has accrued.
_STRETCH = 5_000


class PeriodsWrong(Exception):
    """Loans whose running period cannot begin on the day they say: after the close, or before it began."""

    def __init__(self, loans: Sequence[tuple[str, date]], *, are_ahead: bool) -> None:
        super().__init__(", ".join(note for note, _day in loans))
        self.loans, self.are_ahead = loans, are_ahead


def balances_of(day: date) -> list[Balance]:
    """Every branch and product at the close of a day; PeriodsWrong names loans that cannot be reckoned."""
    most_days = int(parameter("non_accrual_dpd", day, default=90))
    values = {"day": day, "non_performing": array(NON_PERFORMING), "overdue_before": day - timedelta(days=most_days)}
    found: dict[tuple[str, str], Balance] = {}
    ahead = 0
    early: list[int] = []
    months = {"begins": _months_before(day)}
    for code, product, loans, principal, accrued, count, ids in sql.rows(sql.BALANCES_BY_BRANCH, {**values, **months}):
        found[code, product] = Balance(code, product, loans, principal, accrued)
        ahead += count
        early += ids or ()
    if ahead:
        raise PeriodsWrong(sql.rows(sql.LOANS_AHEAD, values), are_ahead=True)
    if early and (wrong := _begun_too_early(early)):
        raise PeriodsWrong(wrong[:_NAMED], are_ahead=False)
    by_terms = sql.rows(sql.ACCRUES_BY_TERMS, values)
    for start in range(0, len(by_terms), _STRETCH):
        keys = {loan_id: (code, product) for loan_id, code, product in by_terms[start : start + _STRETCH]}
        for loan_id, terms in terms_of(keys).items():
            each = found[keys[loan_id]]
            more = accrued_by_terms(terms.standing, day)
            found[keys[loan_id]] = each._replace(accrued_fen=each.accrued_fen + more)
    return list(found.values())


def _months_before(day: date) -> str:
    """An array literal: for each day around, counted from the day, the same day of the month before."""
    days = (add_months(day + timedelta(days=away), -1) for away in range(-_AROUND, _AROUND + 1))
    return f"[{-_AROUND}:{_AROUND}]={array(days)}"


def _begun_too_early(loan_ids: Sequence[int]) -> list[tuple[str, date]]:
    """Of loans whose period is longer than a month those of which the signed terms say that it began later."""
    asked = {row[0]: row[1:] for row in sql.rows(sql.MAYBE_EARLY, {"loan_ids": array(loan_ids)})}
    wrong = []
    for loan_id, terms in terms_of(asked).items() if asked else ():
        note, said = asked[loan_id]
        since = running_of(terms.standing).accrues_from
        if since is not None and said < since:
            wrong.append((note, said))
    return wrong


def general_since(since: date | None) -> dict[str, int]:
    """Accrued interest that the general ledger's lines after a day add, in fen by branch and product."""
    return {f"{code} {product}": fen for code, product, fen in sql.rows(sql.GENERAL_SINCE, {"since": since})}


def taken_over_since(since: date | None) -> dict[str, int]:
    """Accrued interest that came with books taken over after a day, in fen by branch and product."""
    return {f"{code} {product}": fen for code, product, fen in sql.rows(sql.TAKEN_OVER_SINCE, {"since": since})}


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
