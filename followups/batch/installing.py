"""The default policy of follow-ups as the first version of a new bank."""

from datetime import date, datetime

from django.db import transaction
from psycopg2.extras import DateRange

from followups.models import FollowUpPolicy, FollowUpPolicyLine
from followups.rules import default_policy
from followups.rules.policy_draft import content_sha256
from people.rules.policy import conditions_as_json


@transaction.atomic
def install_default_policy(*, at: datetime) -> None:
    """Seeds the approved follow-up policy v1; does nothing when any policy exists."""
    if FollowUpPolicy.objects.exists():
        return
    policy = FollowUpPolicy.objects.create(
        version=default_policy.VERSION,
        name=default_policy.NAME,
        in_force=DateRange(date(2020, 1, 1), None, "[)"),
        maker="P0001",
        made_at=at,
        checker="P0002",
        checked_at=at,
        content_sha256=content_sha256(default_policy.LINES),
    )
    FollowUpPolicyLine.objects.bulk_create(
        FollowUpPolicyLine(
            policy=policy,
            number=line.number,
            kind=line.kind,
            conditions=conditions_as_json(line),
            result=dict(line.result),
            note=line.note,
        )
        for line in default_policy.LINES
    )
