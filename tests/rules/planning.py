"""Loans as the planner sees them, and open tasks as the batch would leave them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from followups.rules import default_policy
from followups.rules.facts import Facts, OpenTask, Planned, lot
from followups.rules.plan import BringForward, Cancel, Close, Create, plan
from loans.rules.calendar import Calendar

LINES = default_policy.LINES
# National Day 2026 and the Mid-Autumn weekend's make-up workday.
CALENDAR = Calendar(
    frozenset(date(2026, 10, day) for day in range(1, 8)) | {date(2027, 1, 1)}, frozenset({date(2026, 10, 10)})
)
TODAY = date(2026, 11, 1)


def facts(**given: object) -> Facts:
    """A quiet loan of an imported book, long on the book, LTV 60 %."""
    base: dict[str, object] = {
        "loan_id": 1,
        "sample_key": "ML1",
        "disbursed_on": date(2020, 3, 22),
        "matures_on": date(2050, 3, 22),
        "baseline_on": date(2026, 10, 31),
        "grade": "LOW",
        "principal_original": Decimal("1000000.00"),
        "principal_balance": Decimal("600000.00"),
        "loan_to_value": Decimal("60.0000"),
        "months_on_book": 79,
        "remaining_months": 280,
        "is_owner_occupied": True,
    }
    return Facts(**{**base, **given})  # type: ignore[arg-type]


def new_loan(**given: object) -> Facts:
    """A loan disbursed here on a Monday, day 30 being a Wednesday."""
    return facts(**{"disbursed_on": date(2026, 11, 2), "baseline_on": None, "months_on_book": 0, **given})


def planned(of: Facts, today: date = TODAY) -> dict[str, Planned]:
    return {p.rule: p for p in plan(of, LINES, CALENDAR, today)}


def key_outside_sample(tickets: int = 100, from_: int = 10) -> str:
    return next(f"K{n}" for n in range(1000) if lot(f"K{n}", "sample", tickets) >= from_)


def as_open(p: Planned, id_: int, state: str = "PLANNED", pinned: bool = False) -> OpenTask:
    return OpenTask(
        id=id_,
        rule=p.rule,
        cycle=p.cycle,
        kind=p.kind,
        is_light=p.is_light,
        method=p.method,
        level=p.level,
        opens_on=p.opens_on,
        due_on=p.due_on,
        state=state,
        is_pinned=pinned,
        line=p.line,
    )


def applied(changes: tuple[object, ...], tasks: list[OpenTask], ended: set[tuple[str, str]]) -> list[OpenTask]:
    """The open tasks after the changes, as the batch would leave them."""
    by_id = {task.id: task for task in tasks}
    for change in changes:
        if isinstance(change, Create):
            number = max(by_id, default=0) + 1
            by_id[number] = as_open(change.planned, number)
        elif isinstance(change, BringForward):
            by_id[change.task_id] = replace(
                by_id[change.task_id], opens_on=change.opens_on, due_on=change.due_on, method=change.method,
                line=change.line,
            )  # fmt: skip
        elif isinstance(change, Cancel | Close):
            ended.add(by_id.pop(change.task_id).key)
    return list(by_id.values())
