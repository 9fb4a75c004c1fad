"""Warning signals that the role matrices walk."""

from typing import Any

from risk.actions import answer_signal, set_action
from risk.batch.signals import Raise, raise_signals
from risk.models import Signal, SignalAction
from risk.rules.signals import Warned
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank

FOLLOW_UPS = {"officer", "colleague", "manager", "stranger", "risk", "auditor"}
ANSWERS, CLOSERS = FOLLOW_UPS - {"auditor"}, {"manager", "risk"}
ROWS: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("signals", "GET"): (FOLLOW_UPS, None),
    ("signal", "GET"): (FOLLOW_UPS, None),
    ("signal-answer", "POST"): (ANSWERS, {"version": 1, "is_true": True, "words": "电话核实属实"}),
    ("signal-actions", "POST"): (
        ANSWERS, {"version": 1, "words": "与客户商定延期", "owner": "nobody", "due_on": TODAY.isoformat()},
    ),
    ("signal-close", "POST"): (CLOSERS, {"version": 1, "words": "措施已经落实"}),
    ("signalaction-finish", "POST"): (ANSWERS, {"result": "已签延期协议"}),
    ("loan-signals", "GET"): (FOLLOW_UPS, None),
    ("loan-registrable", "POST"): (ANSWERS - {"risk"}, {"registrable_on": TODAY.isoformat()}),
}  # fmt: skip


def signal_in(bank: Bank, place: str, family: str = "INCOME") -> int:
    """A new yellow signal of the place's loan; an id that nothing has for any other place."""
    if place not in bank.loans:
        return 987654321
    loan = bank.loans[place]
    warned = Warned(family, "INCOME_DOWN_20", 3, 11, {"income_change_percent": "-25"})
    raise_signals([Raise(loan.pk, warned, "DAY_END", family)], version=1, by="system", as_of=TODAY, at=AT)
    return Signal.objects.get(loan=loan, family=family).pk


def signal_action_in(bank: Bank, place: str) -> int:
    """An action of another signal of the place's loan."""
    if place not in bank.loans:
        return 987654321
    known = SignalAction.objects.filter(signal__loan=bank.loans[place]).first()
    if known is not None:
        return known.pk
    who = bank.staff["officer" if place == "home" else "stranger"]
    pk = signal_in(bank, place, "DEBT_TO_INCOME")
    answer_signal(signal_id=pk, version=1, is_true=True, words="电话核实属实", by=who, at=AT)
    return set_action(
        signal_id=pk, version=2, words="与客户商定延期", owner=who.staff_no, due_on=TODAY, by=who, at=AT
    ).pk
