"""Keeps follow-up tasks in agreement with the policy in force, and makes the off-site checks.

`replan` is a reconciler: it locks the positions of the loans concerned, gathers their facts with one
statement a chunk, lets `rules.plan` decide and applies each kind of change with one statement. Run
twice it changes nothing the second time. Reactions call it for single loans; day end looks at what
happened since the last close and at a slice of the book (`replan_evening`), by the same function.
`run_off_site` closes clean checks and hands the rest to a person; it makes each check once, some
workdays before it is due, so that a person still has time.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from django.db import connection, transaction

from collateral.queries import area_volatilities
from followups import sql
from followups.batch.in_force import PolicyInForce, policy_in_force
from followups.batch.talks import wake
from followups.queries.assigning import holders_of, visiting_roles
from followups.queries.last_reports import LastReport, last_reports
from followups.queries.talks import set_days
from followups.rules import off_site
from followups.rules.answered import held_from, in_doubt
from followups.rules.facts import GAP_DAYS, OFF_SITE, Facts, OpenTask, Planned, Reason
from followups.rules.outside import FUNDS_RETURNED
from followups.rules.plan import BringForward, Cancel, Change, Create, decide
from journal.batch import claim
from loans.queries import calendar, lock_positions, overdue_grace_days, parameter
from loans.queries.evening import Cuts, Walk, cut, walk_of, whole
from loans.rules.aging import days_past_due
from loans.rules.calendar import Calendar
from loans.rules.payment_record import PaymentRecord, full_months, late_count

# A check runs this many workdays before its task is due.
OFF_SITE_WORKDAYS_AHEAD = 5
_CHUNK = 2_000
NO_REPORTS: Mapping[int, LastReport] = {}
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Day:
    """What is the same for every loan of a run."""

    as_of: date
    at: datetime
    policy: PolicyInForce
    calendar: Calendar
    grace_days: int
    gap_days: int = GAP_DAYS
    # District → how volatile its values were over six months, where a line asks.
    volatilities: Mapping[str, Decimal] = field(default_factory=dict)
    # Role → who has it, where a line names it.
    holders: Mapping[str, frozenset[int]] = field(default_factory=dict)
    role_names: Mapping[str, str] = field(default_factory=dict)


class Case(NamedTuple):
    """A loan with its facts and open tasks."""

    facts: Facts
    branch_id: int
    officer_id: int | None
    open_tasks: tuple[OpenTask, ...]
    approver_id: int | None = None

    @property
    def visitor_id(self) -> int | None:
        """The portfolio officer; nobody where that is who approved the loan: `assigning` decides who visits it then."""
        return None if self.officer_id == self.approver_id else self.officer_id


@transaction.atomic
def replan(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
) -> dict[str, int]:
    """Makes the tasks of loans agree with the policy in force; returns what was done.

    Without ids it walks the loans with an id above `after`, up to `up_to`, for those that may need a change; with ids
    it looks at exactly those.
    """
    if loan_ids is not None:
        return _replan(sorted(set(loan_ids)), as_of, at)
    policy = policy_in_force(as_of)
    scope = _scope(policy, as_of, after, up_to, whole(after, up_to), [])
    return _replan(_candidates(scope), as_of, at, policy)


@transaction.atomic
def replan_evening(
    *,
    as_of: date,
    at: datetime,
    after: int = 0,
    up_to: int | None = None,
    loan_ids: Sequence[int] | None = None,
    found: Sequence[int] | None = None,
) -> dict[str, int]:
    """`replan` at the close of a date: looks at what happened since the last one, and walks a slice of the book.

    What the search of `replan_cuts` `found` of a chunk is not searched for again.
    """
    if loan_ids is not None:
        return _replan(sorted(set(loan_ids)), as_of, at)
    # What waits for a reaction is done here, and taken off the queue with it.
    woken = claim("replan", after=after, up_to=up_to)
    if found is not None:
        return _replan(sorted({*found, *woken}), as_of, at)
    policy = policy_in_force(as_of)
    scope = _scope(policy, as_of, after, up_to, walk_of(as_of, after, up_to), woken)
    return _replan(_candidates(scope), as_of, at, policy)


def replan_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans whose tasks may need a change this evening."""
    scope = _scope(policy_in_force(as_of), as_of, 0, None, walk_of(as_of, 0, None), [])
    return cut(sql.CANDIDATES, {**scope, "queue": "replan"}, size)


def _replan(ids: Sequence[int], as_of: date, at: datetime, policy: PolicyInForce | None = None) -> dict[str, int]:
    counts = {"looked_at": 0, "created": 0, "brought_forward": 0, "cancelled": 0, "closed": 0}
    if not ids:
        return counts
    day = planning_day(as_of, at, policy)
    for chunk in _chunks(ids):
        lock_positions(chunk)
        cases = _with_set_days(cases_of(chunk, day))
        changes = [(case, change) for case in cases for change in _decide(case, day)]
        counts["looked_at"] += len(cases)
        for name, count in _apply(changes, day).items():
            counts[name] += count
        wake({case.facts.loan_id for case, change in changes if _may_be_one_talk(change)}, at=at)
    return counts


@transaction.atomic
def run_off_site(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Makes the off-site checks that fall due soon; clean ones close, the rest go to a person, once."""
    asked = {"until": _checked_until(as_of), "after": after, "up_to": up_to}
    due = sorted(_rows(sql.OFF_SITE_DUE, asked), key=itemgetter(1, 0))
    counts = {"looked_at": 0, "closed": 0, "handed_to_person": 0}
    if not due:
        return counts
    day, limits = planning_day(as_of, at), _off_site_limits(as_of)
    for chunk in _chunks(due):
        lock_positions(loan_id for _task, loan_id in chunk)
        parameters = {"ids": [row[1] for row in chunk], "tasks": [row[0] for row in chunk], "as_of": as_of}
        clean, handed = [], []
        for row in _rows(sql.OFF_SITE_FACTS, parameters):
            counts["looked_at"] += 1
            on_file = _on_file(row, day)
            evidence = off_site.check(on_file, limits, as_of)
            stored = {"id": row[0], "evidence": evidence.as_json(as_of, on_file.value)}
            if evidence.is_clean:
                clean.append({**stored, "state": "CLOSED", "outcome": "CLEAN"})
            else:
                why = Reason(
                    "HANDED_TO_PERSON", {"exceptions": list(evidence.exceptions), "missing": list(evidence.missing)}
                )
                handed.append({**stored, "reason": [why.as_json()]})
        counts["closed"] += _write(sql.END, clean, day)
        counts["handed_to_person"] += _write(sql.HAND_TO_PERSON, handed, day)
    return counts


def off_site_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of loans with an off-site check to be made."""
    return cut(sql.OFF_SITE_DUE, {"until": _checked_until(as_of), "after": 0, "up_to": None}, size)


def _checked_until(as_of: date) -> date:
    return calendar(as_of, as_of + timedelta(days=60)).add_workdays(as_of, OFF_SITE_WORKDAYS_AHEAD)


def planning_day(as_of: date, at: datetime, policy: PolicyInForce | None = None) -> Day:
    """The calendar, the policy in force unless another is given, and when arrears are recognised."""
    days = calendar(as_of - timedelta(days=800), as_of + timedelta(days=900))
    policy = policy or policy_in_force(as_of)
    volatilities = area_volatilities(as_of) if policy.asks("area_volatility") else {}
    roles = policy.roles()
    holders, names = (holders_of(roles), visiting_roles()) if roles else ({}, {})
    gap_days = int(parameter("visit_gap_days", as_of, GAP_DAYS))
    return Day(as_of, at, policy, days, overdue_grace_days(as_of), gap_days, volatilities, holders, names)


def _off_site_limits(on: date) -> off_site.Limits:
    standard = off_site.Limits()
    alerts = parameter("ltv_alerts", on, default=None)
    return off_site.Limits(
        sample_percent=int(parameter("off_site_sample_percent", on, default=standard.sample_percent)),
        valuation_months=int(parameter("revaluation_max_months", on, default=standard.valuation_months)),
        bureau_months=int(parameter("bureau_summary_max_months", on, default=standard.bureau_months)),
        loan_to_value=tuple(sorted(map(Decimal, alerts.values()), reverse=True)) if alerts else standard.loan_to_value,
    )


def _scope(
    policy: PolicyInForce, as_of: date, after: int, up_to: int | None, walk: Walk, woken: Sequence[int]
) -> dict[str, Any]:
    """What the search for candidates is told. The first day of a policy looks at the whole book."""
    is_new = policy.from_on == as_of
    walk = whole(after, up_to) if is_new else walk
    return {
        "as_of": as_of,
        "steps": _json(policy.steps()),
        "limits": [as_of - timedelta(days=days) for days in policy.limits()],
        "version": policy.version,
        "is_new_policy": is_new,
        "after": after,
        "up_to": up_to,
        "walk_after": walk.after,
        "walk_up_to": walk.up_to,
        "woken": list(woken),
        "queue": None,
    }


def _candidates(scope: dict[str, Any]) -> list[int]:
    return [row[0] for row in _rows(sql.CANDIDATES + " ORDER BY loan_id", scope)]


def _with_set_days(cases: Sequence[Case]) -> Sequence[Case]:
    """The cases with what `answered` asks of talks near the last visit."""
    days = set_days([task_id for case in cases for task_id in in_doubt(case.facts, case.open_tasks)])
    return [
        case._replace(open_tasks=tuple([replace(task, set_on=days.get(task.id)) for task in case.open_tasks]))
        if days and case.facts.held else case for case in cases
    ]  # fmt: skip


def _decide(case: Case, day: Day) -> tuple[Change, ...]:
    return decide(case.facts, case.open_tasks, day.policy.lines, day.calendar, day.as_of)


def _may_be_one_talk(change: Change) -> bool:
    """Did the planner make or move a talk? It may be made along with another of the same people."""
    if isinstance(change, Create):
        return change.planned.method != OFF_SITE and not change.planned.is_light
    return isinstance(change, BringForward) and change.method != OFF_SITE


def cases_of(loan_ids: Sequence[int], day: Day) -> list[Case]:
    """Loans as the planner sees them on the day, in the order of their ids."""
    reports = reports_asked(day.policy, loan_ids)
    return [case_of(row, day, reports) for row in _rows(sql.FACTS, {"ids": list(loan_ids), "as_of": day.as_of})]


def reports_asked(policy: PolicyInForce, loan_ids: Sequence[int]) -> Mapping[int, LastReport]:
    """What the last approved visit of each loan ended with, where a line asks for it."""
    return last_reports(loan_ids) if policy.asks("visit_score", "last_conclusion") else {}


def case_of(row: tuple[Any, ...], day: Day, reports: Mapping[int, LastReport] = NO_REPORTS) -> Case:
    """A gathered row as facts; the order of columns is that of `sql.FACTS`."""
    (
        loan_id, note_no, branch_id, officer_id, disbursed_on, matures_on, baseline_on, original, marks, last_visit_on,
        balance, overdue_since, is_settled, grade, value, is_owner_occupied, is_delivered, district, slow_due,
        slow_settled, still_open, ended, periodic_ended, last_followup_on, is_talk_held, has_tasks, beside,
        product, credit_score, approver_id, held,
    ) = row  # fmt: skip
    record = PaymentRecord(tuple(zip(slow_due or (), slow_settled or (), strict=True)), marks, baseline_on)
    ratio = None if not value else ((balance + beside) * 100 / value).quantize(Decimal("0.0001"), ROUND_DOWN)
    facts = Facts(
        loan_id=loan_id,
        sample_key=note_no,
        disbursed_on=disbursed_on,
        matures_on=matures_on,
        baseline_on=baseline_on,
        is_settled=is_settled,
        grade=grade,
        principal_original=original,
        principal_balance=balance,
        loan_to_value=ratio,
        days_past_due=days_past_due(overdue_since, day.as_of),
        overdue_since=overdue_since,
        late_in_6_months=late_count(record, day.as_of, 6, day.grace_days, day.calendar),
        late_in_24_months=late_count(record, day.as_of, 24, day.grace_days, day.calendar),
        months_on_book=full_months(disbursed_on, day.as_of),
        remaining_months=full_months(day.as_of, matures_on),
        is_owner_occupied=is_owner_occupied,
        is_delivered=is_delivered,
        district=district or "",
        area_volatility=day.volatilities.get(district or ""),
        product=product,
        credit_score=credit_score,
        visit_score=reports[loan_id].score if loan_id in reports else None,
        last_conclusion=reports[loan_id].conclusion if loan_id in reports else None,
        last_visit_on=last_visit_on,
        last_followup_on=last_followup_on,
        is_talk_held=bool(is_talk_held),
        periodic_ended=periodic_ended or 0,
        ended=frozenset([(rule, cycle) for rule, _blank, cycle in [key.partition(" ") for key in ended or ()]]),
        has_tasks=has_tasks,
        held=held_from(held, day.gap_days),
    )
    tasks = tuple([_open_task(words, day.policy.version) for words in still_open or ()])
    return Case(facts, branch_id, officer_id, tasks, approver_id)


def _open_task(words: str, version: int) -> OpenTask:
    (task_id, rule, cycle, kind, is_light, method, level, opens_on, due_on, state, is_pinned, made_by, line) = (
        words.split(" ")
    )
    return OpenTask(
        id=int(task_id), rule=rule, cycle=cycle, kind=kind, is_light=is_light == "t", method=method, level=int(level),
        opens_on=date.fromisoformat(opens_on), due_on=date.fromisoformat(due_on), state=state,
        is_pinned=is_pinned == "t", line=int(line) if int(made_by) == version else None,
    )  # fmt: skip


def _apply(changes: Iterable[tuple[Case, Change]], day: Day) -> dict[str, int]:
    """Writes each kind of change with one statement; returns how many rows each really changed."""
    created, moved, cancelled, closed = [], [], [], []
    for case, change in changes:
        if isinstance(change, Create):
            created.append(_created(case, change, day))
        elif isinstance(change, BringForward):
            moved.append(_moved(change, day))
        elif isinstance(change, Cancel):
            cancelled.append({"id": change.task_id, "state": "CANCELLED", "outcome": change.outcome})
        else:
            closed.append({"id": change.task_id, "state": "CLOSED", "outcome": change.outcome, "by": change.by})
    return {
        "cancelled": _write(sql.END, cancelled, day),
        "closed": _write(sql.END, closed, day),
        "brought_forward": _write(sql.BRING_FORWARD, moved, day),
        "created": _write(sql.CREATE, created, day),
    }


def _created(case: Case, change: Create, day: Day) -> dict[str, Any]:
    planned = change.planned
    return {
        "loan_id": case.facts.loan_id,
        "branch_id": case.branch_id,
        "assigned_to_id": _given_to(case, planned, day),
        "kind": planned.kind,
        "rule": planned.rule,
        "cycle": planned.cycle,
        "is_light": planned.is_light,
        "method": planned.method,
        "level": planned.level,
        "opens_on": planned.opens_on,
        "due_on": planned.due_on,
        "reason": _reasons(planned.reason, day),
        "line": planned.line,
        "checklist": planned.checklist,
        "role": planned.role,
    }


def _given_to(case: Case, planned: Planned, day: Day) -> int | None:
    """The portfolio officer, where the line asks for no role or for one that the officer has."""
    officer_id = case.officer_id if planned.is_light else case.visitor_id
    return officer_id if not planned.role or officer_id in day.holders.get(planned.role, ()) else None


def _moved(change: BringForward, day: Day) -> dict[str, Any]:
    return {
        "id": change.task_id,
        "opens_on": change.opens_on,
        "due_on": change.due_on,
        "method": change.method,
        "reason": _reasons(change.reason, day),
        "line": change.line,
        "checklist": change.checklist,
        "role": change.role,
        "holders": sorted(day.holders.get(change.role, ())),
    }


def _reasons(reasons: Iterable[Reason], day: Day) -> list[dict[str, Any]]:
    """Reasons as stored; a policy line also says of which version it is."""
    stored = [reason.as_json() for reason in reasons]
    for reason in stored:
        if reason["code"] == "POLICY_LINE":
            reason["params"]["version"] = day.policy.version
        elif reason["code"] == "ROLE":
            reason["params"]["name"] = day.role_names.get(reason["params"]["role"], "")
        elif reason["code"] == "OVERDUE_DAYS" or reason["params"].get("fact") == "days_past_due":
            # The days run on; the reason keeps those of its day and says so.
            reason["params"]["on"] = day.as_of.isoformat()
    return stored


def _on_file(row: tuple[Any, ...], day: Day) -> off_site.OnFile:
    """A gathered row as what the check looks at; the order of columns is that of `sql.OFF_SITE_FACTS`."""
    (
        _task_id, note_no, rule, cycle, marks, baseline_on, balance, overdue_since, five_class, registration, value,
        valued_on, value_before, slow_due, slow_settled, insured_until, open_signals, worst_signal, is_first,
        bureau_code, bureau_on, bureau_is_bad, funds_code, funds_on, installments_due, installments_paid,
    ) = row  # fmt: skip
    record = PaymentRecord(tuple(zip(slow_due or (), slow_settled or (), strict=True)), marks, baseline_on)
    return off_site.OnFile(
        sample_key=note_no,
        cycle=f"{rule} {cycle}",
        late_in_12_months=late_count(record, day.as_of, 12, day.grace_days, day.calendar),
        days_past_due=days_past_due(overdue_since, day.as_of),
        five_class=five_class,
        registration=registration or "",
        principal_balance=balance,
        value=value,
        valued_on=valued_on,
        value_before=value_before,
        insured_until=insured_until,
        open_signals=open_signals,
        worst_signal=worst_signal,
        is_first=is_first,
        is_taken_over=baseline_on is not None,
        bureau=None if bureau_code is None else off_site.Told(bureau_code, bureau_on, bureau_is_bad),
        funds=None if funds_code is None else off_site.Told(funds_code, funds_on, funds_code == FUNDS_RETURNED),
        installments_due=installments_due,
        installments_paid=installments_paid,
    )


def _write(statement: str, rows: list[dict[str, Any]], day: Day) -> int:
    if not rows:
        return 0
    parameters: dict[str, Any] = {"rows": _json(rows), "as_of": day.as_of, "at": day.at, "version": day.policy.version}
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _rows(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=date.isoformat)
