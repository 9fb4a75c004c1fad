"""A small bank with two risk managers, a drafted policy and a finished dry run."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from followups import actions
from followups.actions.policy import draft_policy, replace_lines
from followups.actions.policy_runs import ask_for_dry_run, work_dry_run
from followups.models import FollowUpPolicy
from followups.queries.policy import lines_of
from people.models import Staff
from people.rules.policy import Line
from tests.factories import make_branch, make_staff

AT = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
FROM = date(2026, 12, 1)
__all__ = ["AT", "FROM", "actions", "drafted", "risk_people", "try_out"]


def risk_people() -> tuple[Staff, Staff]:
    branch = make_branch()
    return make_staff("RISK_MANAGER", branch), make_staff("RISK_MANAGER", branch)


def drafted(maker: Staff, change: Callable[[Line], Line] = lambda line: line, from_on: date = FROM) -> FollowUpPolicy:
    policy = draft_policy(based_on=1, purpose="监管要求加密回访", from_on=from_on, by=maker, at=AT)
    lines = [change(line) for line in lines_of(policy)]
    return replace_lines(policy_id=policy.pk, row_version=policy.row_version, lines=lines, by=maker, at=AT)


def try_out(policy: FollowUpPolicy, maker: Staff) -> Any:
    run = ask_for_dry_run(policy_id=policy.pk, by=maker, at=AT)
    while work_dry_run(run_id=run.pk, at=AT):
        pass
    run.refresh_from_db()
    return run
