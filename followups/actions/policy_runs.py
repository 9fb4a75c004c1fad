"""The dry run of a draft: what the planner would do with the whole book, before and after, without doing it.

The book is cut into ranges of loan ids. Whoever works takes one that nobody holds, reads its loans with the planner's
own statement, asks the planner with both versions and adds up; each range is one transaction, so a killed worker costs
a range, and two workers share the book. The run counts only for the lines it was made with.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from followups import batch, sql
from followups.actions.policy_refusals import DryRunRunning, LinesUnreadable, OwnPolicy, PolicyNotFit
from followups.actions.policy_tally import Tally, kept, summary_of
from followups.models.policy import FollowUpPolicy, PolicyRun, PolicyRunPart, PolicyRunState
from followups.queries.assigning import visiting_roles
from followups.queries.last_reports import LastReport
from followups.queries.policy import in_force_on, lines_of
from followups.rules.policy_check import check, is_fit
from followups.rules.policy_classes import Foresight
from followups.rules.policy_draft import content_sha256
from journal.actions import record, wake_after_commit
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff
from people.rules.policy import Line

# A range is the sixteenth part of a large book: of many small ones each would bring nearly all officers and weeks.
PART, PARTS = 20_000, 16
ROWS = 5_000
HORIZON_DAYS = 364
MOST_FAILURES = 3
# The planner's own statement, over a range of ids instead of a list of them.
_FACTS = sql.FACTS.replace("= ANY(%(ids)s)", "BETWEEN %(first)s AND %(last)s")
# Workers share a run; processes that the server began beside one would each aggregate the range's tasks once more.
_ALONE = "SET LOCAL max_parallel_workers_per_gather = 0"


class LinesMoved(Exception):
    """The draft has other lines than those that were to be tried."""


@transaction.atomic
def ask_for_dry_run(*, policy_id: int, by: Staff, at: datetime) -> PolicyRun:
    """Asks for a dry run of the draft's lines as they are; workers do it range by range."""
    require(by, "followups.propose_policy")
    today = hold_business_date()
    policy = FollowUpPolicy.objects.select_for_update().get(pk=policy_id)
    if policy.maker != by.staff_no and policy.state == "DRAFT":
        raise OwnPolicy(_("只有拟稿人可以试算自己的草案。"))
    lines = lines_of(policy)
    if not is_fit(check(lines, visiting_roles())):
        raise PolicyNotFit
    if policy.runs.filter(state=PolicyRunState.RUNNING).exists():
        raise DryRunRunning
    against = in_force_on(today)
    if against is None:
        raise LinesUnreadable(_("没有正在生效的策略可作比较。"))
    run = PolicyRun.objects.create(
        policy=policy, content_sha256=content_sha256(lines), against_version=against.version, as_of=today,
        state=PolicyRunState.RUNNING, asked_by=by.staff_no, asked_at=at,
    )  # fmt: skip
    ends = _cuts()
    PolicyRunPart.objects.bulk_create(
        PolicyRunPart(run=run, after=after, up_to=up_to) for after, up_to in zip([0, *ends], ends, strict=False)
    )
    wake_after_commit("config.try_policies")
    return run


def waiting_runs() -> list[int]:
    """Dry runs that are not at their end."""
    return list(PolicyRun.objects.filter(state=PolicyRunState.RUNNING).order_by("id").values_list("id", flat=True))


def work_dry_run(*, run_id: int, at: datetime) -> bool:
    """One range of the run; False when nothing is left to take. The last one to finish ends the run.

    A run whose lines were edited before this worker began is over: it would tell of other lines than it says.
    """
    try:
        _begun(run_id)
    except LinesMoved:
        PolicyRun.objects.filter(pk=run_id, state=PolicyRunState.RUNNING).update(
            state=PolicyRunState.FAILED, ended_at=at
        )  # fmt: skip
        return False
    with transaction.atomic():
        waiting = PolicyRunPart.objects.select_for_update(skip_locked=True).filter(run_id=run_id, loans__isnull=True)
        part = waiting.order_by("after").first()
        if part is not None:
            run = PolicyRun.objects.select_related("policy").get(pk=run_id)
            kept(part, tried(run, part.after, part.up_to))
    return part is not None or not _ended(run_id, at)


def give_up(*, run_id: int, at: datetime) -> bool:
    """Counts a failure; True when the run is given up and may be asked for again."""
    with transaction.atomic():
        run = PolicyRun.objects.select_for_update().get(pk=run_id)
        run.failures += 1
        if run.failures >= MOST_FAILURES:
            run.state, run.ended_at = PolicyRunState.FAILED, at
        run.save(update_fields=["failures", "state", "ended_at"])
        return run.state == PolicyRunState.FAILED


def tried(run: PolicyRun, after: int, up_to: int) -> Tally:
    """What both versions have in store for the loans of a range."""
    tally = Tally()
    day, foresight = _begun(run.pk)
    for row, reports in _rows(after, up_to, day):
        case = batch.case_of(row, day, reports)
        if not case.facts.is_settled:
            foreseen = foresight.of(case.facts, case.open_tasks)
            tally.add(case.facts.loan_id, case.branch_id, case.officer_id or 0, foreseen)
    return tally


@lru_cache(maxsize=1)
def _begun(run_id: int) -> tuple[batch.Day, Foresight]:
    """What is the same for every range of a run."""
    run = PolicyRun.objects.select_related("policy").get(pk=run_id)
    lines = lines_of(run.policy)
    if content_sha256(lines) != run.content_sha256:
        raise LinesMoved(run_id)
    against = lines_of(FollowUpPolicy.objects.get(version=run.against_version))
    day = day_of_run(run, (*against, *lines))
    until = run.as_of + timedelta(days=HORIZON_DAYS)
    return day, Foresight(against, lines, day.calendar, run.as_of, until)


def day_of_run(run: PolicyRun, lines: Sequence[Line]) -> batch.Day:
    """The run's day, with all that the lines of either version ask for."""
    return batch.planning_day(
        run.as_of, run.asked_at, batch.PolicyInForce(run.against_version, tuple(lines), run.as_of)
    )


def _rows(after: int, up_to: int, day: batch.Day) -> Iterator[tuple[tuple[Any, ...], Mapping[int, LastReport]]]:
    with connection.cursor() as cursor:
        cursor.execute(_ALONE)
        cursor.execute("SELECT id FROM loans_loan WHERE id > %s AND id <= %s ORDER BY id", [after, up_to])
        ids = [each[0] for each in cursor.fetchall()]
        for start in range(0, len(ids), ROWS):
            chunk = ids[start : start + ROWS]
            reports = batch.reports_asked(day.policy, chunk)
            cursor.execute(_FACTS, {"first": chunk[0], "last": chunk[-1], "as_of": day.as_of})
            yield from ((row, reports) for row in cursor)


def _cuts() -> list[int]:
    """Where the ranges end; the last one is open for what is booked meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS loans"
            " FROM loans_loan) l WHERE n %% greatest(%s, (loans + %s) / %s) = 0 "
            "UNION SELECT max(id) FROM loans_loan HAVING max(id) IS NOT NULL ORDER BY 1",
            [PART, PARTS - 1, PARTS],
        )
        return [row[0] for row in cursor.fetchall()]


def _ended(run_id: int, at: datetime) -> bool:
    """Ends the run when all its parts are done; True when there is nothing to wait for."""
    with transaction.atomic():
        run = PolicyRun.objects.select_for_update().get(pk=run_id)
        if run.state != PolicyRunState.RUNNING or run.parts.filter(loans__isnull=True).exists():
            return True
        run.summary = summary_of(run)
        run.state, run.ended_at = PolicyRunState.DONE, at
        run.save(update_fields=["summary", "state", "ended_at"])
        record(
            kind="followups.policy_tried", subject_type="followup_policy", subject_id=run.policy_id, by=run.asked_by,
            at=at, business_date=run.as_of,
            data={"run": run.pk, "content_sha256": run.content_sha256, "loans": run.summary["loans"]},
        )  # fmt: skip
    return True
