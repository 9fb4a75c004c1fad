"""What may be done to the bank's dates: open the bank, close a day with its control totals."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.batch.figures import write_figures
from loans.models import BusinessDate

LEAST_REASON = 4


class BankAlreadyOpen(ActionRefused):
    """The bank has business dates already; it is opened once."""

    code = "bank_already_open"
    conflict = True


class LedgerOutOfBalance(ActionRefused):
    """Positions and ledger disagree; the date stays open and the loans are named."""

    code = "ledger_out_of_balance"


class DateIsNotOpen(ActionRefused):
    """The day to close is not the open business date."""

    code = "date_is_not_open"
    conflict = True


@transaction.atomic
def open_bank(*, day: date, at: datetime, by: str) -> None:
    """Opens the first business date."""
    if BusinessDate.objects.exists():
        raise BankAlreadyOpen(_("本行已开业。"))
    BusinessDate.objects.create(day=day, is_open=True, opened_at=at)
    open_ledger_month(day)
    record(kind="loans.bank_opened", subject_type="business_date", subject_id=None, by=by, at=at, business_date=day)


def open_ledger_month(day: date) -> None:
    sql.rows("SELECT open_ledger_month(%(day)s::date)", {"day": day})


# ── Boarding ─────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def close_business_date(*, day: date, at: datetime) -> None:
    """Closes the open date with its control totals and opens the next day."""
    row = BusinessDate.objects.select_for_update().filter(day=day, is_open=True).first()
    if row is None:
        raise DateIsNotOpen(_("%(day)s 不是当前营业日期。") % {"day": day})
    balances = _balances()
    totals = _control_totals(day, balances)
    write_figures(as_of=day, branches=balances)
    BusinessDate.objects.filter(day=day).update(is_open=False, closed_at=at, totals=totals)
    following = day + timedelta(days=1)
    BusinessDate.objects.create(day=following, is_open=True, opened_at=at)
    open_ledger_month(following)
    record(
        kind="loans.date_closed", subject_type="business_date", subject_id=None, by="system", at=at, business_date=day,
        data={"loans": totals["loans"], "principal": totals["principal"]},
    )  # fmt: skip


def _balances() -> dict[str, tuple[int, Decimal]]:
    """Open loans and principal of each branch, as the positions say."""
    return {code: (loans, amount) for code, loans, amount in sql.rows(sql.BALANCES_BY_BRANCH)}


def _control_totals(day: date, balances: Mapping[str, tuple[int, Decimal]]) -> dict[str, Any]:
    """Principal by branch; LedgerOutOfBalance when positions and ledger disagree.

    The ledger's side is yesterday's checked total plus today's lines, so that a close costs what the
    day brought; only a difference reads the ledger from its beginning.
    """
    before = BusinessDate.objects.filter(is_open=False).order_by("-day").values_list("totals", flat=True).first()
    since = None if before is None else day
    ledger = {code: Decimal(amount) for code, amount in (before or {}).get("branches", {}).items()}
    for code, amount in sql.rows(sql.LEDGER_BY_BRANCH, {"until": day, "since": since}):
        ledger[code] = ledger.get(code, Decimal(0)) + amount
    differing = any(amount != ledger.get(code, Decimal(0)) for code, (_loans, amount) in balances.items())
    if differing or set(ledger) - set(balances):
        wrong = sql.rows(sql.LOANS_OUT_OF_BALANCE)
        if wrong:
            names = "，".join(f"{note} ({balance} / {posted})" for note, balance, posted in wrong)
            raise LedgerOutOfBalance(_("余额与总账不符，营业日期不能关闭：%(loans)s") % {"loans": names})
    return {
        "loans": sum(loans for loans, _amount in balances.values()),
        "principal": str(sum((amount for _loans, amount in balances.values()), Decimal("0.00"))),
        "branches": {code: str(amount) for code, (_loans, amount) in balances.items()},
    }
