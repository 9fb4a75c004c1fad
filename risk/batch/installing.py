"""Seeds the approved first version of a policy of risk; does nothing when the bank has any."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from psycopg2.extras import DateRange

from people.models import ApprovablePolicy
from people.rules.policy import Line, conditions_as_json
from risk.models import GradePolicy, GradePolicyLine, ScorePolicy, ScorePolicyLine, SignalPolicy, SignalPolicyLine
from risk.rules import grading, score, signals


def install_default_policy(*, at: datetime) -> None:
    _install(GradePolicy, GradePolicyLine, "默认风险分级", grading.DEFAULT_LINES, at)


def install_signal_policy(*, at: datetime) -> None:
    _install(SignalPolicy, SignalPolicyLine, "默认预警规则", signals.DEFAULT_LINES, at)


def install_score_policy(*, at: datetime) -> None:
    _install(ScorePolicy, ScorePolicyLine, "默认综合评分", score.DEFAULT_LINES, at)


@transaction.atomic
def _install(policies: type[ApprovablePolicy], rows: Any, name: str, lines: Sequence[Line], at: datetime) -> None:
    kept: Any = policies
    if kept.objects.exists():
        return
    said = [[line.number, line.kind, conditions_as_json(line), dict(line.result), line.note] for line in lines]
    digest = hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    policy = kept.objects.create(
        version=1,
        name=name,
        in_force=DateRange(date(2000, 1, 1), None, "[)"),
        maker="P0001",
        made_at=at,
        checker="P0002",
        checked_at=at,
        content_sha256=digest,
    )
    rows.objects.bulk_create(
        rows(policy=policy, number=number, kind=kind, conditions=conditions, result=result, note=note)
        for number, kind, conditions, result, note in said
    )
