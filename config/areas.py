"""What the bank's policies look at in the value of a home: which ratios, and whether they look at the area itself."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation

from followups.queries.policy import in_force_on, lines_of
from loans.queries import parameter
from people.rules.policy import Line
from risk.queries import policy_in_force, signal_lines

_RATIOS = ("loan_to_value", "loan_to_value_crossed")
_AREA = "area_volatility"


def limits_looked_at(on: date) -> list[Decimal]:
    """The ratios, in percent, that an alert or a line of a policy in force compares with."""
    alerts = parameter("ltv_alerts", on, default={"yellow": "80", "orange": "90", "red": "100"})
    found = set(_numbers(list(alerts.values())))
    for line in _lines(on):
        for condition in line.conditions:
            if condition.fact in _RATIOS and condition.value is not None:
                found |= set(_numbers(condition.value))
    return sorted(found)


def looks_at_areas(on: date) -> bool:
    """Does a line of the follow-up policy in force ask how volatile the area is?"""
    policy = in_force_on(on)
    return policy is not None and any(c.fact == _AREA for line in lines_of(policy) for c in line.conditions)


def _lines(on: date) -> Iterable[Line]:
    policy = in_force_on(on)
    yield from lines_of(policy) if policy is not None else ()
    yield from policy_in_force(on)[1]
    yield from signal_lines(on)[1]


def _plain(number: Decimal) -> Decimal:
    """The number without noughts behind it."""
    return Decimal(f"{number.normalize():f}")


def _numbers(value: object) -> Iterable[Decimal]:
    for each in value if isinstance(value, list | tuple) else (value,):
        try:
            yield _plain(Decimal(str(each)))
        except InvalidOperation:
            continue
