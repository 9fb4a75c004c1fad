"""Decides which follow-ups a loan should have, and what must change for its tasks to agree.

`plan` says what should exist on a business date, `diff` what to do about it, `explain` which lines
hold and why. All three are pure: the day-end reconciler, a dry run of a draft policy and the tests
use the same functions. What they promise:

- a first follow-up never falls due after day 90; a day off rolls back to the workday before;
- a worse grade never means a later visit;
- the machine brings dates forward and raises methods, never the other way round; work that a person
  has begun and dates that a person has fixed are left alone;
- planning twice changes nothing the second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache

from followups.rules.answered import answered
from followups.rules.changes import BringForward, Cancel, Change, Close, Create, diff
from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_METHOD, FIRST_NODES, FIRST_TALK, OVERDUE
from followups.rules.default_policy import PERIODIC as PERIODIC_TIER
from followups.rules.facts import (
    FIRST,
    IRREGULAR,
    LEVELS,
    OFF_SITE,
    PERIODIC,
    Facts,
    OpenTask,
    Planned,
    Reason,
    asks_of,
    asks_reasons,
    drawn,
    fact_reasons,
    known,
    line_reason,
    lot,
    plain,
)
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months
from people.rules.policy import Line, PolicyError, first_match

__all__ = [
    "BringForward", "Cancel", "Change", "Close", "Create", "Facts", "OpenTask", "Planned", "PolicyGap", "Reason",
    "decide", "diff", "explain", "plan",
]  # fmt: skip

FIRST_RULE = "FIRST_"
# A visit planned late leaves people time to make it; a book's first plan needs none.
NOTICE_WORKDAYS = 5
# Periodic visits already late at cut-over are spread over this many workdays.
CATCH_UP_WORKDAYS = 20
# Arrears found at cut-over get time limits spread over this many workdays.
BASELINE_ARREARS_WORKDAYS = 5
OPENS_DAYS_BEFORE = 30
_SPREAD = 100_000


class PolicyGap(PolicyError):
    """No line of a kind that must always answer holds for a loan."""


def plan(
    facts: Facts, lines: Sequence[Line], calendar: Calendar, today: date, by_name: dict[str, object] | None = None
) -> tuple[Planned, ...]:
    """What should exist for the loan at the close of `today`; nothing once it is settled.

    `by_name` is `known(facts)`, where who asks has it already.
    """
    if facts.is_settled:
        return ()
    by_name = known(facts) if by_name is None else by_name
    first = _first(facts, by_name, lines, calendar, today)
    regular = tuple(first) if first else (_periodic(facts, by_name, lines, calendar, today),)
    overdue = _overdue(facts, by_name, lines, calendar, today)
    return regular if overdue is None else (*regular, overdue)


def decide(
    facts: Facts, open_tasks: Sequence[OpenTask], lines: Sequence[Line], calendar: Calendar, today: date
) -> tuple[Change, ...]:
    """All that has to change of a loan's tasks: what its last visit answered ends, the rest agrees with the plan.

    What the plan itself would bring near that visit, or make a talk of, is answered too: a second time changes nothing.
    """
    closed: tuple[Close, ...] = ()
    left = moved = tuple(open_tasks)
    while True:
        ended, facts, _rest = answered(facts, moved)
        closed += ended
        left = tuple(task for task in left if task.id not in {each.task_id for each in ended})
        changes = diff(plan(facts, lines, calendar, today), left, facts)
        moved = _moved(left, changes)
        if not answered(facts, moved)[0]:
            return (*closed, *changes)


def _moved(open_tasks: Sequence[OpenTask], changes: Sequence[Change]) -> tuple[OpenTask, ...]:
    """The tasks as they will be where the plan brings them forward."""
    by_id = {change.task_id: change for change in changes if isinstance(change, BringForward)}
    return tuple(
        replace(task, opens_on=by_id[task.id].opens_on, due_on=by_id[task.id].due_on, method=by_id[task.id].method)
        if task.id in by_id else task
        for task in open_tasks
    )  # fmt: skip


def explain(facts: Facts, lines: Sequence[Line]) -> tuple[Reason, ...]:
    """Every line that decides something for the loan, each followed by the facts that it met."""
    by_name = known(facts)
    reasons: list[Reason] = []
    for kind in (FIRST_NODES, FIRST_TALK, FIRST_METHOD, OVERDUE, PERIODIC_TIER, CYCLE_BOUNDS):
        line = first_match(lines, kind, by_name)
        if line is not None:
            reasons += [line_reason(line), *fact_reasons(line, by_name)]
    return tuple(reasons)


def _line_for(kind: str, lines: Sequence[Line], by_name: dict[str, object], facts: Facts) -> Line:
    line = first_match(lines, kind, by_name)
    if line is None:
        raise PolicyGap(f"no line of {kind} holds for loan {facts.loan_id}")
    return line


# First follow-ups


def _first(
    facts: Facts, by_name: dict[str, object], lines: Sequence[Line], calendar: Calendar, today: date
) -> list[Planned]:
    """One task a node after disbursement, while one is ahead."""
    nodes_line = first_match(lines, FIRST_NODES, by_name)
    if nodes_line is None or is_first_over(facts, nodes_line):
        return []
    days = _nodes(facts, nodes_line)
    talk_line = _line_for(FIRST_TALK, lines, by_name, facts)
    talk_day = _talk_day(facts, days, int(talk_line.result["days"]), today)
    opens_on = facts.disbursed_on + timedelta(days=int(nodes_line.result["opens_day"]))
    planned = []
    for day in days:
        due_on = _first_due(facts, day, calendar)
        rule = f"{FIRST_RULE}{day}"
        reason: tuple[Reason, ...] = (Reason("DISBURSED_DAY", {"day": (due_on - facts.disbursed_on).days}),)
        method, line, asks, level = OFF_SITE, nodes_line, asks_of(nodes_line), LEVELS["NONE"]
        if day == talk_day:
            method_line = _line_for(FIRST_METHOD, lines, by_name, facts)
            method, line, asks = str(method_line.result["method"]), talk_line, asks_of(method_line)
            level = LEVELS[method_line.result.get("level", "NONE")]
            reason += (
                Reason("TALK_BY", {"grade": facts.grade, "days": int(talk_line.result["days"])}),
                *_talk_moved(day, int(talk_line.result["days"])),
                *(r for r in fact_reasons(method_line, by_name) if r.params["fact"] != "grade"),
                *asks_reasons(method_line),
                line_reason(talk_line),
                line_reason(method_line),
            )
        else:
            reason += (Reason("OFF_SITE_NODE", {"days": day}), line_reason(nodes_line))
        planned.append(
            Planned(
                rule=rule, cycle="1", kind=FIRST, method=method, level=level, opens_on=min(opens_on, due_on),
                due_on=due_on, reason=reason, line=line.number, **asks,
            )
        )  # fmt: skip
    return planned


def is_first_over(facts: Facts, nodes_line: Line) -> bool:
    """Have all first follow-ups ended, or been baseline?"""
    return all((f"{FIRST_RULE}{day}", "1") in facts.ended for day in _nodes(facts, nodes_line))


def _nodes(facts: Facts, line: Line) -> list[int]:
    """Days after disbursement; those up to the cut-over of an imported book are baseline."""
    days: list[int] = line.result["days"]
    if facts.baseline_on is None:
        return days
    over = (facts.baseline_on - facts.disbursed_on).days
    return [day for day in days if day > over]


def _talk_moved(day: int, wanted: int) -> tuple[Reason, ...]:
    """Said where the wanted node had passed, at cut-over or because the grade fell later."""
    return (Reason("TALK_MOVED", {"days": wanted}),) if day > wanted else ()


def _first_due(facts: Facts, day: int, calendar: Calendar) -> date:
    """The node, or the workday before it; the node itself where that workday lies before the cut-over."""
    node = facts.disbursed_on + timedelta(days=day)
    due_on = calendar.previous_workday(node)
    return node if facts.baseline_on is not None and due_on <= facts.baseline_on else due_on


def _talk_day(facts: Facts, days: Sequence[int], wanted: int, today: date) -> int | None:
    """Which node is the talk: the first open one from the wanted day on, the last one when all have passed."""
    if facts.is_talk_held:
        return None
    still = [day for day in days if (f"{FIRST_RULE}{day}", "1") not in facts.ended]
    ahead = [day for day in still if facts.disbursed_on + timedelta(days=day) >= today]
    return next((day for day in ahead if day >= wanted), next(iter((ahead or still)[-1:]), None))


# Periodic follow-ups


def _periodic(
    facts: Facts, by_name: dict[str, object], lines: Sequence[Line], calendar: Calendar, today: date
) -> Planned:
    """The next periodic follow-up: tier's cycle from the last one, or spread for an imported book."""
    line = _line_for(PERIODIC_TIER, lines, by_name, facts)
    bounds = first_match(lines, CYCLE_BOUNDS, by_name)
    told, methods = line.result, line.result["methods"]
    months = cycle_months(line, bounds)
    number = facts.periodic_ended + 1
    method = str(methods[turn(facts.sample_key, number, len(methods))])
    due_on, why = periodic_due(facts, months, calendar, today)
    reason = [why, *fact_reasons(line, by_name)]
    if told.get("tier") == "CLEAN":
        reason = [why, Reason("TIER_CLEAN", {"method": method})]
    if bounds is not None and months != told["months"]:
        bounded = Reason("CYCLE_BOUNDED", {"tier": int(told["months"]), "months": months})
        reason += [bounded, *fact_reasons(bounds, by_name), line_reason(bounds)]
    return Planned(
        rule=PERIODIC, cycle=f"{number:04d}", kind=PERIODIC, method=method, level=LEVELS[told.get("level", "NONE")],
        opens_on=due_on - timedelta(days=int(told.get("opens_days_before", OPENS_DAYS_BEFORE))), due_on=due_on,
        reason=(*reason, *asks_reasons(line), line_reason(line)), line=line.number, **asks_of(line),
    )  # fmt: skip


def cycle_months(line: Line, bounds: Line | None) -> int:
    """The months of a tier's cycle, within its bounds where a line sets some."""
    months = int(line.result["months"])
    if bounds is None:
        return months
    told: Mapping[str, int] = bounds.result
    return max(int(told["least_months"]), min(int(told["most_months"]), months))


def turn(sample_key: str, number: int, methods: int) -> int:
    """Which of so many methods is the loan's follow-up of this number; loans begin at different places."""
    return (number - 1 + drawn(sample_key, "rotation")) % methods


def periodic_due(facts: Facts, months: int, calendar: Calendar, today: date) -> tuple[date, Reason]:
    """The workday that a cycle of so many months gives, with time left for people to make the visit; and why."""
    raw, why = _periodic_day(facts, months, calendar)
    return _made_on(facts, raw, calendar, today), Reason(why, {"months": months})


def periodic_on(facts: Facts, months: int, calendar: Calendar, today: date) -> date:
    """The workday alone."""
    return _made_on(facts, _periodic_day(facts, months, calendar)[0], calendar, today)


def _made_on(facts: Facts, raw: date, calendar: Calendar, today: date) -> date:
    earliest = _ahead(calendar, today, NOTICE_WORKDAYS if facts.has_tasks else 1)
    # Two visits keep their distance; a worse grade changes nothing of it.
    rests_until = facts.held.until if facts.held is not None else raw
    return calendar.next_workday(max(raw, earliest, rests_until))


@lru_cache(maxsize=256)
def _ahead(calendar: Calendar, day: date, workdays: int) -> date:
    """`add_workdays` for the few days that every loan of a run asks for."""
    return calendar.add_workdays(day, workdays)


def _periodic_day(facts: Facts, months: int, calendar: Calendar) -> tuple[date, str]:
    """The day that the cycle gives, before notice and holidays, and the code of why; a shorter cycle never gives a
    later one."""
    if facts.last_followup_on is not None:
        return add_months(facts.last_followup_on, months), "CYCLE"
    if facts.baseline_on is None:
        return add_months(facts.disbursed_on + timedelta(days=90), months), "CYCLE"
    if facts.last_visit_on is not None and facts.last_visit_on <= facts.baseline_on:
        # One rule for late and not yet late alike, or a shorter cycle could end up later than a longer one.
        own_day = 1 + lot(facts.sample_key, "catch up", CATCH_UP_WORKDAYS)
        return max(add_months(facts.last_visit_on, months), _ahead(calendar, facts.baseline_on, own_day)), "CYCLE"
    days = months * 365 // 12
    share = lot(facts.sample_key, "spread", _SPREAD) * days // _SPREAD
    return facts.baseline_on + timedelta(days=1 + share), "BASELINE_SPREAD"


# Overdue


def _overdue(
    facts: Facts, by_name: dict[str, object], lines: Sequence[Line], calendar: Calendar, today: date
) -> Planned | None:
    """The worst step that the loan's arrears have reached; one cycle is one episode of arrears."""
    if facts.overdue_since is None or facts.days_past_due < 1:
        return None
    line = first_match(lines, OVERDUE, by_name)
    if line is None:
        return None
    result = line.result
    limit = int(result["limit_workdays"])
    reason = [Reason("OVERDUE_DAYS", {"days": facts.days_past_due})]
    reason += [r for r in fact_reasons(line, by_name) if r.params["fact"] != "days_past_due"]
    if result.get("call_list_from"):
        reason.append(Reason("CALL_LIST", {"from_day": int(result["call_list_from"])}))
    if _stood_at_baseline(facts, int(result["from_day"])):
        limit = 1 + lot(facts.sample_key, "arrears", BASELINE_ARREARS_WORKDAYS)
        reason.append(Reason("BASELINE_ARREARS"))
    return Planned(
        rule=str(result["rule"]), cycle=facts.overdue_since.isoformat(), kind=IRREGULAR,
        is_light=bool(result.get("is_light", False)), method=str(result["method"]),
        level=LEVELS[str(result["level"])], opens_on=today, due_on=calendar.add_workdays(today, limit),
        reason=(*reason, *_loan_to_value_reason(facts), *asks_reasons(line), line_reason(line)), line=line.number,
        **asks_of(line),
    )  # fmt: skip


def _stood_at_baseline(facts: Facts, from_day: int) -> bool:
    """Was this step of the arrears reached when the book was taken over?"""
    if facts.baseline_on is None or facts.overdue_since is None:
        return False
    return (facts.baseline_on - facts.overdue_since).days >= from_day


def _loan_to_value_reason(facts: Facts) -> tuple[Reason, ...]:
    """The alert line that loan-to-value stands above, beside the arrears it makes worse."""
    if facts.loan_to_value is None:
        return ()
    passed = [limit for limit in (100, 90, 80) if facts.loan_to_value >= limit]
    if not passed:
        return ()
    value = plain(facts.loan_to_value)
    return (Reason("FACT", {"fact": "loan_to_value", "op": ">=", "value": value, "limit": str(passed[0])}),)
