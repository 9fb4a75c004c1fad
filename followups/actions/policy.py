"""A follow-up policy from draft to force: drafted by one person, tried on the whole book, approved by another.

Nothing of a version that was approved changes. A new one comes into force on a day ahead and closes the period of the
one before it; on the evening of that day the planner walks the whole book (`followups.batch`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from followups.actions.policy_refusals import (
    DryRunMissing,
    LinesUnreadable,
    OwnPolicy,
    PolicyChanged,
    PolicyDatesOverlap,
    PolicyDecided,
    PolicyNotFit,
    PolicyWrongDate,
    read_sent,
)
from followups.actions.tasks import checked_reason
from followups.models.alerts import Alert, AlertAudience, AlertCode
from followups.models.policy import FollowUpPolicy, FollowUpPolicyLine
from followups.queries.assigning import visiting_roles
from followups.queries.policy import lines_of, run_of
from followups.rules.policy_check import check, is_fit
from followups.rules.policy_draft import content_sha256
from journal.actions import record
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff
from people.rules.policy import Line, conditions_as_json

REASON_LEAST, REMARK_MOST = 4, 200
PROPOSE, APPROVE = "followups.propose_policy", "followups.approve_policy"


@transaction.atomic
def draft_policy(*, based_on: int, purpose: str, from_on: date, by: Staff, at: datetime) -> FollowUpPolicy:
    """A new draft with the lines of a version; what it is for stands beside it."""
    require(by, PROPOSE)
    today = hold_business_date()
    purpose = _words(purpose, "purpose", REASON_LEAST)
    _check_date(from_on, today)
    # One draft at a time gets the next version number.
    newest = FollowUpPolicy.objects.select_for_update().order_by("-version").first()
    source = FollowUpPolicy.objects.filter(version=based_on).first()
    if newest is None or source is None:
        raise LinesUnreadable(_("没有版本 v%(version)s。") % {"version": based_on}, field="based_on")
    latest = FollowUpPolicy.objects.aggregate(version=Max("version"))["version"]
    policy = FollowUpPolicy.objects.create(
        version=latest + 1, name=source.name, in_force=DateRange(from_on, None, "[)"), maker=by.staff_no, made_at=at,
        purpose=purpose, based_on=source.version,
    )  # fmt: skip
    _write_lines(policy, lines_of(source))
    _tell(policy, "followups.policy_drafted", by, at, today, based_on=source.version)
    return policy


@transaction.atomic
def save_lines(
    *, policy_id: int, row_version: int, lines: Sequence[Mapping[str, Any]], by: Staff, at: datetime
) -> FollowUpPolicy:
    """The draft with these lines instead of its own. Lines that the checker faults are kept: it is a draft."""
    require(by, PROPOSE)
    policy = _own_draft(policy_id, row_version, by)
    return _save(policy, read_sent(lines))


@transaction.atomic
def replace_lines(
    *, policy_id: int, row_version: int, lines: Sequence[Line], by: Staff, at: datetime
) -> FollowUpPolicy:
    """`save_lines` for lines that were read already."""
    require(by, PROPOSE)
    return _save(_own_draft(policy_id, row_version, by), lines)


@transaction.atomic
def reschedule_policy(*, policy_id: int, row_version: int, from_on: date, by: Staff, at: datetime) -> FollowUpPolicy:
    """Another first day for a draft."""
    require(by, PROPOSE)
    policy = _own_draft(policy_id, row_version, by)
    _check_date(from_on, hold_business_date())
    policy.in_force = DateRange(from_on, None, "[)")
    return _saved(policy)


@transaction.atomic
def submit_policy(*, policy_id: int, row_version: int, by: Staff, at: datetime) -> FollowUpPolicy:
    """Asks another person to approve; refused while the checker finds faults or the dry run is of other lines."""
    require(by, PROPOSE)
    today = hold_business_date()
    policy = _own_draft(policy_id, row_version, by)
    lines = _fit_lines(policy, today)
    policy.submitted_at = at
    policy.content_sha256 = content_sha256(lines)
    _saved(policy)
    _tell(policy, "followups.policy_submitted", by, at, today, content_sha256=policy.content_sha256)
    return policy


@transaction.atomic
def decide_policy(
    *, policy_id: int, approve: bool, content_sha256: str, remark: str = "", by: Staff, at: datetime
) -> FollowUpPolicy:
    """Approves exactly the lines that were seen, or sends the version back to its maker with a reason."""
    require(by, APPROVE)
    today = hold_business_date()
    policy = _locked(policy_id)
    if policy.state != "SUBMITTED":
        raise PolicyDecided(policy)
    if policy.maker == by.staff_no:
        raise OwnPolicy
    if policy.content_sha256 != content_sha256:
        raise PolicyChanged
    remark = _words(remark, "remark", 0 if approve else REASON_LEAST)
    policy.remark = remark
    if not approve:
        policy.submitted_at = None
        _saved(policy)
        _tell(policy, "followups.policy_returned", by, at, today, content_sha256=content_sha256)
        return policy
    _fit_lines(policy, today)
    _close_the_one_before(policy.in_force.lower)
    policy.checker, policy.checked_at = by.staff_no, at
    _saved(policy)
    Alert.objects.create(
        policy=policy, code=AlertCode.POLICY, audience=AlertAudience.EVERYONE, due_on=policy.in_force.lower,
        raised_on=today, tell_on=today, at=at,
    )  # fmt: skip
    run = run_of(policy)
    _tell(
        policy, "followups.policy_approved", by, at, today,
        content_sha256=content_sha256, from_on=str(policy.in_force.lower), dry_run=run.pk if run else None,
    )  # fmt: skip
    return policy


@transaction.atomic
def withdraw_policy(*, policy_id: int, reason: str, by: Staff, at: datetime) -> FollowUpPolicy:
    """Ends a draft or a version that waits; its maker does that, with a reason."""
    require(by, PROPOSE)
    today = hold_business_date()
    policy = _locked(policy_id)
    if policy.state not in ("DRAFT", "SUBMITTED"):
        raise PolicyDecided(policy)
    if policy.maker != by.staff_no:
        raise OwnPolicy(_("只有拟稿人可以修改或撤回自己的草案。"))
    policy.remark = _words(reason, "reason", REASON_LEAST)
    policy.withdrawn_at = at
    _saved(policy)
    _tell(policy, "followups.policy_withdrawn", by, at, today)
    return policy


def _locked(policy_id: int) -> FollowUpPolicy:
    return FollowUpPolicy.objects.select_for_update().get(pk=policy_id)


def _own_draft(policy_id: int, row_version: int, by: Staff) -> FollowUpPolicy:
    policy = _locked(policy_id)
    if policy.state != "DRAFT":
        raise PolicyDecided(policy)
    if policy.maker != by.staff_no:
        raise OwnPolicy(_("只有拟稿人可以修改或撤回自己的草案。"))
    if policy.row_version != row_version:
        raise PolicyChanged
    return policy


def _fit_lines(policy: FollowUpPolicy, today: date) -> tuple[Line, ...]:
    """The lines, when nothing keeps them from being approved: dates, checker, dry run."""
    _check_date(policy.in_force.lower, today)
    lines = lines_of(policy)
    if not is_fit(check(lines, visiting_roles())):
        raise PolicyNotFit
    if run_of(policy, lines) is None:
        raise DryRunMissing
    return lines


def _check_date(from_on: date, today: date) -> None:
    if from_on <= today:
        raise PolicyWrongDate(_("生效日须晚于营业日 %(day)s。") % {"day": today}, field="from_on")
    other = FollowUpPolicy.objects.exclude(checker="").filter(in_force__startswith__gte=from_on).order_by("version")
    for each in other:
        raise PolicyDatesOverlap(each)


def _close_the_one_before(from_on: date) -> None:
    """The version in force ends where the new one begins; the database refuses any overlap."""
    for before in FollowUpPolicy.objects.select_for_update().exclude(checker="").filter(in_force__contains=from_on):
        before.in_force = DateRange(before.in_force.lower, from_on, "[)")
        before.save(update_fields=["in_force"])


def _save(policy: FollowUpPolicy, lines: Sequence[Line]) -> FollowUpPolicy:
    policy.lines.all().delete()
    _write_lines(policy, lines)
    return _saved(policy)


def _saved(policy: FollowUpPolicy) -> FollowUpPolicy:
    policy.row_version += 1
    policy.save()
    return policy


def _write_lines(policy: FollowUpPolicy, lines: Sequence[Line]) -> None:
    FollowUpPolicyLine.objects.bulk_create(
        FollowUpPolicyLine(
            policy=policy, number=line.number, kind=line.kind, conditions=conditions_as_json(line),
            result=dict(line.result), note=line.note,
        )
        for line in lines
    )  # fmt: skip


def _words(text: str, field: str, least: int) -> str:
    words = checked_reason(text, least=least, field=field)
    if len(words) > REMARK_MOST:
        raise LinesUnreadable(_("文字过长，最多 %(most)s 个字。") % {"most": REMARK_MOST}, field=field)
    return words


def _tell(policy: FollowUpPolicy, kind: str, by: Staff, at: datetime, today: date, **data: Any) -> None:
    record(
        kind=kind, subject_type="followup_policy", subject_id=policy.pk, by=by.staff_no, at=at, business_date=today,
        data={"version": policy.version, **data},
    )  # fmt: skip
