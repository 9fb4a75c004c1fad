"""What the planner knows of a loan, what it says in return, and how a loan draws its lot.

`Facts` is gathered once per loan; `known` gives the names that policy lines may use. Lots (samples,
spreads, offsets of a rotation) come from a hash of the loan's own key, so that the same loan draws
the same lot on every run and on every machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypedDict

from people.rules.policy import Line

PHONE, FIELD, OFF_SITE, VIDEO, COUNTER = "PHONE", "FIELD", "OFF_SITE", "VIDEO", "COUNTER"
SELF_SERVICE = "SELF_SERVICE"
FIRST, PERIODIC, IRREGULAR = "FIRST", "PERIODIC", "IRREGULAR"
# How much a method asks for; the machine may raise it, never lower it.
WEIGHT = {OFF_SITE: 0, SELF_SERVICE: 1, PHONE: 2, VIDEO: 3, COUNTER: 3, FIELD: 4}
# In which somebody speaks with the borrower; a form that was sent in is none.
TALKS = (PHONE, VIDEO, COUNTER, FIELD)
LEVELS = {"RED": 1, "ORANGE": 2, "YELLOW": 3, "NONE": 9}

Key = tuple[str, str]


# Least days between two visits of a loan where the bank has set no others.
GAP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Held:
    """The last visit of a loan that was approved and at which somebody was talked to; before `until` no other."""

    on: date
    weight: int
    task_id: int
    until: date

    @classmethod
    def on_day(cls, day: str, weight: int, task_id: int, gap_days: int = GAP_DAYS) -> "Held":
        on = date.fromisoformat(day)
        return cls(on, weight, task_id, on + timedelta(days=gap_days))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A loan as the planner sees it on a business date. Percentages in percent; None = not known."""

    loan_id: int
    sample_key: str
    disbursed_on: date
    matures_on: date
    # The day at whose close the balances were taken over; None for a loan disbursed here.
    baseline_on: date | None = None
    is_settled: bool = False
    grade: str | None = None
    principal_original: Decimal
    principal_balance: Decimal
    loan_to_value: Decimal | None = None
    days_past_due: int = 0
    overdue_since: date | None = None
    late_in_6_months: int = 0
    late_in_24_months: int = 0
    months_on_book: int = 0
    remaining_months: int = 0
    is_owner_occupied: bool | None = None
    is_delivered: bool | None = None
    district: str = ""
    area_volatility: Decimal | None = None
    product: str | None = None
    credit_score: int | None = None
    # Of the last approved visit: its composite score, and how it ended.
    visit_score: int | None = None
    last_conclusion: str | None = None
    # The former system's last visit, and the day on which the last follow-up here was closed.
    last_visit_on: date | None = None
    last_followup_on: date | None = None
    is_talk_held: bool = False
    periodic_ended: int = 0
    # (rule, cycle) of ended tasks; PERIODIC ones are only counted, in `periodic_ended`.
    ended: frozenset[Key] = frozenset()
    has_tasks: bool = False
    held: Held | None = None

    @property
    def term_months(self) -> int:
        """Full months from disbursement to maturity."""
        from_on, to_on = self.disbursed_on, self.matures_on
        months = (to_on.year - from_on.year) * 12 + to_on.month - from_on.month
        return months - (to_on.day < from_on.day)

    @property
    def sample_percentile(self) -> int:
        """The loan's place in the sample, 0 to 99."""
        return lot(self.sample_key, "sample", 100)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code and its parameters (plain JSON), put into words by `followups.wording`."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "params": dict(self.params)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A task that should exist. `line` is the policy line that chose it."""

    rule: str
    cycle: str
    kind: str
    is_light: bool = False
    method: str
    level: int = LEVELS["NONE"]
    opens_on: date
    due_on: date
    reason: tuple[Reason, ...]
    line: int
    # What the visit asks beside the usual, and the role of who may be given it; empty: as usual, anybody.
    checklist: str = ""
    role: str = ""

    @property
    def key(self) -> Key:
        return self.rule, self.cycle


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """An open task as it stands. `line` is None when another version of the policy made it.

    `set_on` is the day on which its date was last brought forward, gathered where a visit may have answered it.
    """

    id: int
    rule: str
    cycle: str
    kind: str
    is_light: bool
    method: str
    level: int
    opens_on: date
    due_on: date
    state: str
    is_pinned: bool
    line: int | None
    set_on: date | None = None

    @property
    def key(self) -> Key:
        return self.rule, self.cycle


# The same few lots of a loan are asked for again and again while it is planned.
@lru_cache(maxsize=1024)
def drawn(sample_key: str, purpose: str) -> int:
    """The number that the loan draws for a purpose, the same on every run; `lot` makes a ticket of it."""
    return int.from_bytes(sha256(f"{purpose}:{sample_key}".encode()).digest()[:8], "big")


def lot(sample_key: str, purpose: str, tickets: int) -> int:
    """The loan's ticket for a purpose: 0 … tickets - 1."""
    return drawn(sample_key, purpose) % tickets


def known(facts: Facts) -> dict[str, object]:
    """The facts that policy lines may name."""
    return {
        "grade": facts.grade,
        "principal_original": facts.principal_original,
        "principal_balance": facts.principal_balance,
        "loan_to_value": facts.loan_to_value,
        "days_past_due": facts.days_past_due,
        "late_in_6_months": facts.late_in_6_months,
        "late_in_24_months": facts.late_in_24_months,
        "months_on_book": facts.months_on_book,
        "remaining_months": facts.remaining_months,
        "term_months": facts.term_months,
        "is_owner_occupied": facts.is_owner_occupied,
        "is_delivered": facts.is_delivered,
        "district": facts.district,
        "area_volatility": facts.area_volatility,
        "sample_percentile": facts.sample_percentile,
        "product": facts.product,
        "credit_score": facts.credit_score,
        "visit_score": facts.visit_score,
        "last_conclusion": facts.last_conclusion,
    }


def line_reason(line: Line) -> Reason:
    """The policy line itself; the version is added where the task is stored."""
    return Reason("POLICY_LINE", {"line": line.number, "note": line.note})


class Asks(TypedDict):
    """What a line may choose beside the rest of its result; empty where it does not."""

    checklist: str
    role: str


def asks_of(line: Line) -> Asks:
    """The checklist and the role that a line chooses, as the plan and its task hold them."""
    return {"checklist": str(line.result.get("checklist", "")), "role": str(line.result.get("role", ""))}


def asks_reasons(line: Line) -> tuple[Reason, ...]:
    """One reason for each of the two that the line chooses."""
    return tuple(
        Reason(name.upper(), {name: code}) for name in ("checklist", "role") if (code := line.result.get(name))
    )


def fact_reasons(line: Line, by_name: Mapping[str, object]) -> tuple[Reason, ...]:
    """One reason for each condition of the line: the fact, its value and the limit it met."""
    return tuple(
        Reason("FACT", {"fact": c.fact, "op": c.op, "value": plain(by_name.get(c.fact)), "limit": plain(c.value)})
        for c in line.conditions
    )


def plain(value: object) -> object:
    """A value as JSON. Decimals are cut, not rounded, to one place: 89.96 is not shown as 90.0 below a limit of 90."""
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.1"), ROUND_DOWN))
    return value
