"""Which facts the lines of a follow-up policy may name, which values each may take, and which may be unknown.

The editor offers nothing else and the checker refuses anything else, so a line that stands in a policy can be read
by everybody. Bounds are those of what the bank lends.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from people.rules.policy import Condition

NUMBER, AMOUNT, PERCENT, YES_NO, CHOICE, WORD = "NUMBER", "AMOUNT", "PERCENT", "YES_NO", "CHOICE", "WORD"
_ORDERED = ("<", "<=", ">", ">=", "=", "!=")
_NAMED = ("=", "!=", "in")


@dataclass(frozen=True, slots=True)
class FactType:
    """What a fact is. `least` and `most` bound numbers, `choices` closes a choice; words are free."""

    name: str
    kind: str
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    choices: tuple[str, ...] = ()
    may_be_unknown: bool = False

    @property
    def is_decimal(self) -> bool:
        return self.kind in (AMOUNT, PERCENT)

    @property
    def is_number(self) -> bool:
        return self.kind in (NUMBER, AMOUNT, PERCENT)

    @property
    def operators(self) -> tuple[str, ...]:
        own = _ORDERED if self.is_number else ("=",) if self.kind == YES_NO else _NAMED
        return (*own, "is_missing") if self.may_be_unknown else own

    def fault(self, condition: Condition) -> str:
        """Why the condition cannot be used: OPERATOR, VALUE or RANGE; empty when it can."""
        if condition.op not in self.operators:
            return "OPERATOR"
        if condition.op == "is_missing":
            return "" if condition.value is None else "VALUE"
        if condition.op == "in":
            given = condition.value
            if not isinstance(given, list | tuple) or not given or not all(isinstance(each, str) for each in given):
                return "VALUE"
            return "" if self.kind == WORD or set(given) <= set(self.choices) else "VALUE"
        return self._fault_of(condition.value)

    def _fault_of(self, value: Any) -> str:
        if self.kind == YES_NO:
            return "" if isinstance(value, bool) else "VALUE"
        if self.kind == CHOICE:
            return "" if value in self.choices else "VALUE"
        if self.kind == WORD:
            return "" if isinstance(value, str) and value.strip() else "VALUE"
        number = number_of(value, is_decimal=self.is_decimal)
        if number is None:
            return "VALUE"
        return "" if self.least <= number <= self.most else "RANGE"


def number_of(value: Any, *, is_decimal: bool) -> Decimal | None:
    """A condition's number: decimals are written as text, whole numbers as whole numbers; None for anything else."""
    if is_decimal and isinstance(value, str):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    if not is_decimal and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return None


def _count(name: str, most: int) -> FactType:
    return FactType(name, NUMBER, most=Decimal(most))


_MOST_AMOUNT = Decimal("999999999.99")
FACTS: dict[str, FactType] = {
    fact.name: fact
    for fact in (
        FactType("grade", CHOICE, choices=("HIGH", "MEDIUM", "LOW"), may_be_unknown=True),
        FactType("principal_original", AMOUNT, most=_MOST_AMOUNT),
        FactType("principal_balance", AMOUNT, most=_MOST_AMOUNT),
        FactType("loan_to_value", PERCENT, most=Decimal(10_000), may_be_unknown=True),
        _count("days_past_due", 20_000),
        _count("late_in_6_months", 7),
        _count("late_in_24_months", 25),
        _count("months_on_book", 600),
        _count("remaining_months", 600),
        _count("term_months", 600),
        FactType("is_owner_occupied", YES_NO, may_be_unknown=True),
        # As a visit found it; else a home under a formal mortgage stands, one under an advance notice does not yet.
        FactType("is_delivered", YES_NO, may_be_unknown=True),
        FactType("district", WORD),
        _count("sample_percentile", 99),
        FactType("product", CHOICE, choices=("COMMERCIAL", "HOUSING_FUND")),
        FactType("credit_score", NUMBER, most=Decimal(32_767), may_be_unknown=True),
        # Of the last approved visit; unknown before there is one, and the score where the bank has no policy of scores.
        FactType("visit_score", NUMBER, most=Decimal(100), may_be_unknown=True),
        FactType("last_conclusion", CHOICE, choices=("NO_CONCERN", "WATCH", "AT_RISK"), may_be_unknown=True),
        # Unknown where no index of the area was ever applied.
        FactType("area_volatility", PERCENT, most=Decimal(100), may_be_unknown=True),
    )
}
