"""The composite score as a report says it: what it was before, what the visit makes of it, part by part."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from followups.models import ReportState, VisitReport
from followups.queries.facts import days_past_due_of, in_both
from followups.rules.assessment import Assessment, Means
from followups.rules.score_facts import Recorded, after_visit, before_visit
from followups.score_wording import group_words, input_words, part_words
from followups.sql import SCORE_FACTS
from loans import sql
from loans.models import Loan
from loans.queries import calendar, overdue_grace_days
from loans.rules.payment_record import PaymentRecord, late_count
from risk.models import GradeLevel, Score
from risk.queries import last_score, score_lines
from risk.rules.score import LOW_FROM, MEDIUM_FROM, PARTS, Part, Scored, facts_as_json, score

_REPORTS = """
SELECT r.id, r.visit_id, r.state = 'APPROVED' FROM followups_visitreport r
  JOIN followups_visit v ON v.id = r.visit_id JOIN followups_visittask t ON t.id = v.task_id
 WHERE t.loan_id = %(loan)s ORDER BY r.id
"""
_LONGER_THAN_24_MONTHS = timedelta(days=800)
_AHEAD = timedelta(days=31)


class Made(NamedTuple):
    """A report of a loan."""

    pk: int
    visit_id: int
    is_approved: bool


def score_said(
    loan: Loan,
    visit_id: int,
    reports: Sequence[Made],
    assessment: Assessment,
    means: tuple[Means, Means],
    known: Mapping[str, Any],
    content: Mapping[str, Any],
    confirmed: Collection[str],
    today: date,
) -> dict[str, Any] | None:
    """The score by what the visit found, beside that of the last approved report, or else by what was known before it.

    `reports` of the loan (`reports_of`), `means` before and after, `content` of the report with its signals. None while
    the bank has no score policy.
    """
    version, lines = score_lines(today)
    if not lines:
        return None
    recorded = _recorded(loan, today)
    facts = after_visit(recorded, known, assessment, means[1], content, confirmed)
    now = score(facts, lines)
    approved = [made.pk for made in reports if made.is_approved]
    kept = last_score(loan.pk, reports=approved, before_visit=visit_id) if approved else None
    before = _kept(kept) if kept else _said(score(before_visit(recorded, known, assessment, means[0]), lines))
    points_before = {part["code"]: part["points"] for part in before["parts"]}
    return {
        "policy": version,
        **_said(now),
        "change": now.points - before["points"],
        "low_from": LOW_FROM,
        "medium_from": MEDIUM_FROM,
        "parts": [_part(part, points_before.get(part.code)) for part in now.parts],
        "before": {name: part for name, part in before.items() if name != "parts"}
        | {"on": kept.scored_on.isoformat() if kept else ""},
        "facts": facts_as_json(facts),
    }


def scored_of(said: Mapping[str, Any]) -> Scored:
    """The score that stands in a report, to be kept."""
    parts = tuple(
        Part(part["code"], part["points"], part["most"], part["line"], part["inputs"]) for part in said["parts"]
    )
    return Scored(said["points"], said["level"]["code"], said["is_forced"], parts)


def score_shown(loan_id: int) -> dict[str, Any] | None:
    """The score of the loan's last approved report with its parts in words, for a page."""
    kept = last_score(loan_id, reports=_approved(loan_id))
    if kept is None:
        return None
    parts = [_part(Part(**part), None) for part in kept.parts if part["code"] in PARTS]
    return {**_kept(kept), "parts": parts, "on": kept.scored_on, "report_id": kept.report_id,
            "policy": kept.policy_version}  # fmt: skip


def reports_of(loan_id: int) -> list[Made]:
    """All versions of all reports of a loan, the first made first."""
    return [Made(*row) for row in sql.rows(_REPORTS, {"loan": loan_id})]


def last_ratios(reports: Sequence[Made], *, but_visit: int) -> dict[str, Decimal]:
    """Percent by code in the loan's last approved report before the visit's first own; unknown ones are absent."""
    before = takewhile(lambda made: made.visit_id != but_visit, reports)
    last = max((made.pk for made in before if made.is_approved), default=None)
    if last is None:
        return {}
    said = VisitReport.objects.values_list("content__ratios", flat=True).get(pk=last)
    return {ratio["code"]: Decimal(ratio["after"]) for ratio in said or () if ratio["after"]}


def _approved(loan_id: int) -> QuerySet[VisitReport, int]:
    """What stands: what is under review or was returned says nothing of a loan yet."""
    found = VisitReport.objects.filter(visit__task__loan_id=loan_id, state=ReportState.APPROVED)
    return found.order_by().values_list("id", flat=True)


def _said(scored: Scored) -> dict[str, Any]:
    parts = [{"code": part.code, "points": part.points} for part in scored.parts]
    return {"points": scored.points, "level": _level(scored.level), "is_forced": scored.is_forced, "parts": parts}


def _kept(kept: Score) -> dict[str, Any]:
    return {"points": kept.points, "level": _level(kept.level), "is_forced": kept.is_forced, "parts": kept.parts}


def _part(part: Part, before: int | None) -> dict[str, Any]:
    return {
        "code": part.code,
        "label": in_both(partial(part_words, part.code)),
        "group": in_both(partial(group_words, PARTS[part.code])),
        "points": part.points,
        "most": part.most,
        "before": before,
        "line": part.line,
        "inputs": dict(part.inputs),
        "inputs_text": in_both(partial(input_words, part.code, part.inputs)),
    }


def _level(code: str) -> dict[str, Any]:
    return {"code": code, "label": in_both(lambda: str(GradeLevel(code).label))}


def _recorded(loan: Loan, today: date) -> Recorded:
    """What stands in the books and registers: one statement beside the bank's own parameters."""
    with connection.cursor() as cursor:
        cursor.execute(SCORE_FACTS, {"ids": [loan.pk], "as_of": today})
        (row,) = cursor.fetchall()
    marks, baseline_on, credit_score, slow_due, slow_settled, is_bad, registration, is_delivered, until = row[:9]
    changes, has_index, first_income, confirmed, reds = row[9:]
    record = PaymentRecord(tuple(zip(slow_due or (), slow_settled or (), strict=True)), marks, baseline_on)
    days = calendar(today - _LONGER_THAN_24_MONTHS, today + _AHEAD)
    return Recorded(
        today=today,
        days_past_due=days_past_due_of(loan),
        late_in_24_months=late_count(record, today, 24, overdue_grace_days(today), days),
        credit_score=credit_score,
        is_bureau_bad=is_bad,
        first_income=first_income,
        registration=registration,
        is_delivered=is_delivered,
        insured_until=until,
        area_changes=tuple(Decimal(change) for change in changes or ()) if has_index else None,
        confirmed=confirmed,
        red_signals=reds,
    )
