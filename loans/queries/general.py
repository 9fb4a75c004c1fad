"""The general ledger of a date, by branch, product and account, as a person sees it."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from loans import sql
from loans.models import Account, GeneralAccount
from loans.queries.reports import Scope, read_closed
from loans.sql import general

# Accounts in the order of a report: what is owned, then income, then the rest.
ACCOUNTS = (*Account.values, GeneralAccount.ACCRUED_INTEREST.value)


class GeneralRow(NamedTuple):
    """What an account of a branch and product was debited and credited with on a date."""

    code: str
    name: str
    product: str
    account: str
    debit: Decimal
    credit: Decimal


def general_day(on: date, scope: Scope) -> list[GeneralRow]:
    """Every account that moved, in order of branch, product and account."""
    values = {**scope.values(), "product": scope.product or None, "on": on}
    rows = read_closed(lambda using: sql.rows(general.GENERAL_DAY, values, using=using))
    found = [GeneralRow(*row[1:]) for row in rows]
    return sorted(found, key=lambda row: (row.code, row.product, ACCOUNTS.index(row.account)))


def account_words() -> dict[str, str]:
    """Accounts as people read them."""
    return {code: str(label) for code, label in (*GeneralAccount.choices, *Account.choices)}
