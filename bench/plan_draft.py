"""The product's side of `plan`: a draft to be tried, and a worker's share of the dry run."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from followups.actions.policy import draft_policy, replace_lines
from followups.actions.policy_runs import ask_for_dry_run, work_dry_run
from followups.models.policy import PolicyRun
from followups.queries.policy import lines_of
from followups.rules.default_policy import PERIODIC
from loans.queries import require_business_date
from people.actions import install_roles
from people.models import Staff
from people.rules.policy import Line


def ask(by: Staff) -> int:
    """The number of the run."""
    install_roles()
    at, first_day = timezone.now(), require_business_date() + timedelta(days=30)
    draft = draft_policy(based_on=1, purpose="bench: twice a year", from_on=first_day, by=by, at=at)
    lines = [_halved(line) for line in lines_of(draft)]
    replace_lines(policy_id=draft.pk, row_version=draft.row_version, lines=lines, by=by, at=at)
    return ask_for_dry_run(policy_id=draft.pk, by=by, at=at).pk


def _halved(line: Line) -> Line:
    if line.kind != PERIODIC or line.result["months"] != 12:
        return line
    return replace(line, result={**line.result, "months": 6})


def share(run_id: int) -> dict[str, Any]:
    """How many ranges this worker took; what the run came to, where it has come to its end."""
    ranges = 0
    while work_dry_run(run_id=run_id, at=timezone.now()):
        ranges += 1
    run = PolicyRun.objects.get(pk=run_id)
    return {
        "ranges": ranges,
        "loans": run.summary.get("loans"),
        "changed": sum(run.summary.get("changes", {}).values()),
    }
