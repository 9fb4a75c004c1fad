"""Reads of risk: the grade in force, the policies in force, signals of a loan."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.db.models import Exists, OuterRef, Q, Subquery

from loans import sql
from people.rules.policy import Line, line_from
from risk.models import Grade, GradePolicy, Score, ScorePolicy, SignalAction, SignalPolicy, SignalState
from risk.rules import signals as rules

# A policy in force with its lines in one statement; without lines it is one row of nothing.
_LINES = """
SELECT p.version, l.number, l.kind, l.conditions, l.result, l.note FROM {policies} p
  LEFT JOIN {policies}line l ON l.policy_id = p.id
 WHERE p.checker <> '' AND p.in_force @> %(on)s::date ORDER BY p.id, l.number
"""
# States in which the next step is somebody's word or plan.
UNANSWERED = (SignalState.NEW, SignalState.CONFIRMED)


def grade_of(loan_id: int) -> Grade | None:
    """The grade in force of a loan; None before the first grading."""
    return Grade.objects.filter(loan_id=loan_id, superseded_on__isnull=True).first()


def version_in_force(on: date) -> int:
    """The version of the grade policy in force on a day; GradePolicy.DoesNotExist when none is."""
    return GradePolicy.objects.exclude(checker="").values_list("version", flat=True).get(in_force__contains=on)


def policy_in_force(on: date) -> tuple[int, Sequence[Line]]:
    """Version and lines of the grade policy in force on a day; GradePolicy.DoesNotExist when none is."""
    policy = GradePolicy.objects.exclude(checker="").get(in_force__contains=on)
    lines = [
        line_from(line.number, line.kind, line.conditions, line.result, line.note)
        for line in policy.lines.order_by("number")
    ]
    return policy.version, lines


def signal_lines(on: date) -> tuple[int, Sequence[Line]]:
    """Version and lines of the signal policy in force on a day; 0 and none when the bank has none."""
    return _lines_in_force(SignalPolicy, on)


def score_lines(on: date) -> tuple[int, Sequence[Line]]:
    """Version and lines of the score policy in force on a day; 0 and none when the bank has none."""
    return _lines_in_force(ScorePolicy, on)


def _lines_in_force(policies: type[SignalPolicy | ScorePolicy], on: date) -> tuple[int, Sequence[Line]]:
    rows = sql.rows(_LINES.format(policies=policies._meta.db_table), {"on": on})
    return rows[0][0] if rows else 0, [
        line_from(number, kind, json.loads(conditions), json.loads(result), note)
        for _version, number, kind, conditions, result, note in rows
        if number is not None
    ]


def last_score(loan_id: int, *, reports: Iterable[int], before_visit: int | None = None) -> Score | None:
    """The loan's latest score of these reports; with a visit, the one that stood before that visit's first own."""
    found = Score.objects.filter(loan_id=loan_id, report_id__in=reports).order_by("-id")
    if before_visit is None:
        return found.first()
    own = Score.objects.filter(loan_id=loan_id, visit_id=before_visit).order_by("id").values("id")[:1]
    return found.filter(Q(id__lt=Subquery(own)) | ~Exists(own)).first()


def warnings_of_visit(
    facts: Mapping[str, object], each: Sequence[Mapping[str, object]], on: date
) -> tuple[int, list[rules.Warned]]:
    """Policy version, and what it warns of: `facts` of the assessment, `each` finding and confirmed event."""
    version, lines = signal_lines(on)
    found = list(rules.warnings(facts, lines, (rules.INCOME, rules.DEBT, rules.PAYMENT)))
    for one in each:
        found += rules.warnings(one, lines, (rules.EVENT if "event_level" in one else rules.FINDING,))
    return version, found


def late_on(today: date) -> Q:
    """A step was not taken in time: nobody answered or acted, or an action is past its day."""
    waiting = SignalAction.objects.filter(signal=OuterRef("pk"), done_on__isnull=True, due_on__lt=today)
    unanswered = Q(state__in=UNANSWERED, answer_by__lt=today)
    return Q(closed_on__isnull=True) & (unanswered | Q(Exists(waiting)))
