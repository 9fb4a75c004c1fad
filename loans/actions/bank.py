"""What may be done to the bank's dates: open the bank, close a day with its control totals."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from loans import sql
from loans.batch.figures import Balance, write_figures
from loans.batch.general import PeriodsWrong, balances_of, general_since, taken_over_since, write_general
from loans.models import BusinessDate
from loans.queries import held
from loans.rules.money import fen, yuan

LEAST_REASON = 4
# So many rows of a difference are named.
_NAMED = 20


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
    held.forget()
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
    balances = _balances(day)
    totals = _control_totals(day, balances)
    write_figures(as_of=day, balances=balances)
    BusinessDate.objects.filter(day=day).update(is_open=False, closed_at=at, totals=totals)
    following = day + timedelta(days=1)
    BusinessDate.objects.create(day=following, is_open=True, opened_at=at)
    held.forget()
    open_ledger_month(following)
    record(
        kind="loans.date_closed", subject_type="business_date", subject_id=None, by="system", at=at, business_date=day,
        data={"loans": totals["loans"], "principal": totals["principal"]},
    )  # fmt: skip


def _balances(day: date) -> list[Balance]:
    """Open loans, principal and accrued interest of each branch and product, as the positions say."""
    try:
        return balances_of(day)
    except PeriodsWrong as error:
        names = "，".join(f"{note} ({since})" for note, since in error.loans)
        if error.are_ahead:
            message = _("计息期起始日晚于营业日期，营业日期不能关闭：%(loans)s")
        else:
            message = _("计息期起始日早于本期起始日，营业日期不能关闭：%(loans)s")
        raise LedgerOutOfBalance(message % {"loans": names}) from error


def _control_totals(day: date, balances: Sequence[Balance]) -> dict[str, Any]:
    """Principal by branch; LedgerOutOfBalance when positions and ledger disagree.

    The ledger's side is yesterday's checked total plus today's lines, so that a close costs what the
    day brought; only a difference reads the ledger from its beginning.
    """
    last = BusinessDate.objects.filter(is_open=False).order_by("-day").values_list("day", "totals").first()
    last_day, before = last or (None, {})
    principal: dict[str, Decimal] = {}
    for each in balances:
        principal[each.code] = principal.get(each.code, Decimal(0)) + each.principal
    ledger = {code: Decimal(amount) for code, amount in before.get("branches", {}).items()}
    since = None if last_day is None else day
    for code, amount in sql.rows(sql.LEDGER_BY_BRANCH, {"until": day, "since": since}):
        ledger[code] = ledger.get(code, Decimal(0)) + amount
    _check_principal(principal, ledger)
    return {
        "loans": sum(each.loans for each in balances),
        "principal": str(sum(principal.values(), Decimal("0.00"))),
        "branches": {code: str(amount) for code, amount in principal.items()},
        "accrued": _post_general(day, balances, last_day, before.get("accrued", {})),
    }


def _check_principal(positions: Mapping[str, Decimal], ledger: Mapping[str, Decimal]) -> None:
    """LedgerOutOfBalance unless each branch is as the ledger says; names loans, or branches where each loan agrees."""
    nothing = Decimal("0.00")
    pairs = {code: (positions.get(code, nothing), ledger.get(code, nothing)) for code in {*positions, *ledger}}
    differing = sorted((code, *pair) for code, pair in pairs.items() if pair[0] != pair[1])
    if not differing:
        return
    loans = sql.rows(sql.LOANS_OUT_OF_BALANCE)
    names = "，".join(f"{name} ({balance} / {posted})" for name, balance, posted in loans or differing[:_NAMED])
    if loans:
        raise LedgerOutOfBalance(_("余额与总账不符，营业日期不能关闭：%(loans)s") % {"loans": names})
    raise LedgerOutOfBalance(_("机构余额与总账不符，营业日期不能关闭：%(branches)s") % {"branches": names})


def _post_general(
    day: date, balances: Sequence[Balance], last_day: date | None, before: Mapping[str, str]
) -> dict[str, str]:
    """Posts what accrued interest moved by; LedgerOutOfBalance unless the general ledger then says the stock.

    As for the principal, its side is the last close's checked stock plus the lines since; what was taken over since is
    there already.
    """
    stock = {each.key: each.accrued_fen for each in balances if each.accrued_fen}
    checked = {key: fen(Decimal(amount)) for key, amount in before.items()}
    taken_over = taken_over_since(last_day)
    before_fen = {key: checked.get(key, 0) + taken_over.get(key, 0) for key in {*checked, *taken_over}}
    write_general(as_of=day, balances=balances, before=before_fen)
    for key, amount in general_since(last_day).items():
        checked[key] = checked.get(key, 0) + amount
    wrong = sorted(key for key in {*stock, *checked} if stock.get(key, 0) != checked.get(key, 0))
    if wrong:
        names = "，".join(f"{key} ({yuan(stock.get(key, 0))} / {yuan(checked.get(key, 0))})" for key in wrong[:_NAMED])
        raise LedgerOutOfBalance(_("应计利息与总账不符，营业日期不能关闭：%(rows)s") % {"rows": names})
    return {key: str(yuan(amount)) for key, amount in stock.items()}
