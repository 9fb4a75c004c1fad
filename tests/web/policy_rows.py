"""A policy and a dry run that the role matrices walk; they belong to the bank, not to a branch."""

from typing import Any

from followups.models import FollowUpPolicy
from followups.models.policy import PolicyRun
from tests.factories import AT

LINE = {
    "kind": "PERIODIC",
    "conditions": [],
    "result": {"tier": "ALL", "months": 12, "methods": ["PHONE"]},
    "note": "x",
}
_SHA = "0" * 64
READERS, MAKERS = {"risk", "auditor"}, {"risk"}
ROWS: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("policies", "GET"): (READERS, None),
    ("policies", "POST"): (MAKERS, {"based_on": 1, "purpose": "监管要求加密回访", "from_on": "2027-01-04"}),
    ("policies-check", "POST"): (READERS, {"lines": [LINE]}),
    ("policy", "GET"): (READERS, None),
    ("policy-lines", "POST"): (MAKERS, {"row_version": 1, "lines": [LINE]}),
    ("policy-reschedule", "POST"): (MAKERS, {"row_version": 1, "from_on": "2027-01-04"}),
    ("policy-try", "POST"): (MAKERS, {}),
    ("policy-submit", "POST"): (MAKERS, {"row_version": 1}),
    ("policy-decide", "POST"): (MAKERS, {"approve": True, "content_sha256": _SHA}),
    ("policy-withdraw", "POST"): (MAKERS, {"reason": "不再需要了"}),
    ("dryrun", "GET"): (READERS, None),
    ("dryrun-loans", "GET"): (READERS, None),
    ("dryrun-loads", "GET"): (READERS, None),
}


def policy_rows() -> dict[str, int]:
    """Ids of the policy in force and of a dry run of it."""
    policy = FollowUpPolicy.objects.get(version=1)
    run = PolicyRun.objects.filter(policy=policy).first() or PolicyRun.objects.create(
        policy=policy, content_sha256=_SHA, against_version=1, as_of=AT.date(), state="DONE", asked_by="R1",
        asked_at=AT, ended_at=AT, summary={"ceiling": 8, "weeks": [], "changes": {}},
    )  # fmt: skip
    return {"policy": policy.pk, "dryrun": run.pk}
