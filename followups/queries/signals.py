"""Reads of warning signals: the chain of each from finding to closure, the list, figures by branch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from followups.models import Measure, MeasureState, VisitReport
from followups.signal_wording import inputs_words, signal_words
from people.models import Staff
from people.queries import branch_ids_visible_to
from risk.models import Signal, SignalAction, SignalStep
from risk.queries import UNANSWERED

MOST_OF_A_LOAN = 50

# Found and handled of a period; open and late as of today, oldest in days. One row a branch that has any.
_FIGURES = """
SELECT b.code, b.name, count(*) FILTER (WHERE s.raised_on BETWEEN %(first)s AND %(last)s),
       count(*) FILTER (WHERE s.closed_on BETWEEN %(first)s AND %(last)s), count(*) FILTER (WHERE s.closed_on IS NULL),
       count(*) FILTER (WHERE s.closed_on IS NULL AND s.level <= 2),
       count(*) FILTER (WHERE s.closed_on IS NULL AND (
           s.state IN ('NEW', 'CONFIRMED') AND s.answer_by < %(today)s OR EXISTS (
               SELECT FROM risk_signalaction a
                WHERE a.signal_id = s.id AND a.done_on IS NULL AND a.due_on < %(today)s))),
       coalesce(max(%(today)s - s.raised_on) FILTER (WHERE s.closed_on IS NULL), 0)
  FROM risk_signal s JOIN loans_loan l ON l.id = s.loan_id JOIN people_branch b ON b.id = l.branch_id
 WHERE l.branch_id = ANY(%(branches)s)
   AND (s.closed_on IS NULL OR s.raised_on BETWEEN %(first)s AND %(last)s
        OR s.closed_on BETWEEN %(first)s AND %(last)s)
 GROUP BY b.code, b.name ORDER BY b.code
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """Signals of a branch: found and handled in a period, open now, of which severe and late; the oldest in days."""

    code: str
    name: str
    found: int
    handled: int
    open: int
    severe: int
    late: int
    oldest: int


@dataclass(frozen=True)
class Chain:
    """A signal with everything between its finding and its end."""

    signal: Signal
    what: str
    inputs: str
    report: VisitReport | None
    steps: tuple[SignalStep, ...]
    actions: tuple[SignalAction, ...]
    measures: tuple[Measure, ...]
    names: dict[str, str]
    is_late: bool

    @property
    def end(self) -> SignalStep | None:
        """The step that ended it."""
        return self.steps[-1] if self.signal.closed_on and self.steps else None

    @property
    def answer(self) -> SignalStep | None:
        return next((step for step in self.steps if step.kind in ("CONFIRMED", "EXPLAINED")), None)

    @property
    def is_done(self) -> bool:
        """Are there actions or measures, and are all of them at their end?"""
        ends = [action.done_on is not None for action in self.actions]
        ends += [measure.state != MeasureState.OPEN for measure in self.measures]
        return bool(ends) and all(ends)


def signals_visible_to(staff: Staff) -> QuerySet[Signal]:
    """Signals with the loan they are about, for lists."""
    return Signal.objects.visible_to(staff).select_related(
        "loan__borrower", "loan__branch", "loan__portfolio_officer", "loan__position"
    )  # fmt: skip


def chains(signals: Sequence[Signal], today: date) -> list[Chain]:
    """The chains of signals: five statements whatever their number."""
    ids = [signal.pk for signal in signals]
    steps: dict[int, list[SignalStep]] = {pk: [] for pk in ids}
    actions: dict[int, list[SignalAction]] = {pk: [] for pk in ids}
    reports: dict[int, VisitReport] = {}
    measures: dict[int, list[Measure]] = {}
    if ids:
        for step in SignalStep.objects.filter(signal__in=ids).order_by("id"):
            steps[step.signal_id].append(step)
        for action in SignalAction.objects.filter(signal__in=ids).select_related("owner").order_by("id"):
            actions[action.signal_id].append(action)
        named = {signal.report_id for signal in signals if signal.report_id}
        if named:
            reports = VisitReport.objects.select_related("visit__task", "submitted_by").in_bulk(named)
            # Those of the version that found it, and of every later one.
            found = Measure.objects.filter(report__visit__in={report.visit_id for report in reports.values()})
            found = found.annotate(of_visit=F("report__visit")).select_related("owner", "kind")
            for measure in found.order_by("id"):
                measures.setdefault(vars(measure)["of_visit"], []).append(measure)
    names = _names(signals, steps, actions)
    told = {pk: tuple(measures.get(report.visit_id, ())) for pk, report in reports.items()}
    return [
        Chain(
            signal, signal_words(signal.code), inputs_words(signal.inputs), reports.get(signal.report_id or 0),
            tuple(steps[signal.pk]), tuple(actions[signal.pk]), told.get(signal.report_id or 0, ()), names,
            _is_late(signal, actions[signal.pk], today),
        )
        for signal in signals
    ]  # fmt: skip


def _names(
    signals: Sequence[Signal], steps: dict[int, list[SignalStep]], actions: dict[int, list[SignalAction]]
) -> dict[str, str]:
    numbers = {signal.raised_by for signal in signals}
    numbers |= {step.by for each in steps.values() for step in each}
    numbers |= {number for each in actions.values() for action in each for number in (action.set_by, action.done_by)}
    numbers -= {"", "system"}
    return dict(Staff.objects.filter(staff_no__in=numbers).values_list("staff_no", "name")) if numbers else {}


def _is_late(signal: Signal, actions: Sequence[SignalAction], today: date) -> bool:
    if signal.closed_on is not None:
        return False
    unanswered = signal.state in UNANSWERED and signal.answer_by < today
    return unanswered or any(action.done_on is None and action.due_on < today for action in actions)


def chains_of_loan(loan_id: int, today: date) -> list[Chain]:
    """The chains of a loan, open ones first, the newest first; the caller has checked access to the loan."""
    found = list(Signal.objects.filter(loan=loan_id).order_by("-id")[:MOST_OF_A_LOAN])
    found.sort(key=lambda signal: (signal.closed_on is not None, signal.level if signal.closed_on is None else 9))
    return chains(found, today)


def figures(staff: Staff, first: date, last: date, today: date) -> list[Figure]:
    """By branch, what was found and handled in a period and what is open now."""
    branches = list(branch_ids_visible_to(staff))
    asked: dict[str, Any] = {"first": first, "last": last, "today": today, "branches": branches}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, asked)
        return [Figure(*row) for row in cursor.fetchall()]
