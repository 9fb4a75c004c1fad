"""A policy and a dry run that the role matrices walk; they belong to the bank, not to a branch."""

from typing import Any

from collateral.models import AreaRevaluation
from followups.models import FollowUpPolicy, Regulation
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
    ("dryrun-officers", "GET"): (READERS, None),
    ("dryrun-branches", "GET"): (READERS, None),
}


AREA: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("areas", "GET"): (READERS, None),
    ("areas", "POST"): (
        MAKERS,
        {"district": "滨江区", "change_percent": "-12.00", "valued_on": "2026-10-30", "source": "二手住宅指数"},
    ),
    ("area", "GET"): (READERS, None),
    ("area-decide", "POST"): (MAKERS, {"approve": True}),
}
_REGULATION = {
    "number": "银发〔2026〕200号", "title": "关于贷后管理的通知", "issuer": "人民银行", "issued_on": "2026-10-20",
    "effective_on": "2026-12-01", "summary": "加强贷后管理频率",
}  # fmt: skip
REGULATION: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("regulations", "GET"): (READERS, None),
    ("regulations", "POST"): (MAKERS, _REGULATION),
    ("regulation", "GET"): (READERS, None),
    ("regulation-decide", "POST"): (MAKERS, {"approve": True, "content_sha256": _SHA}),
    ("regulation-withdraw", "POST"): (MAKERS, {"reason": "登记有误"}),
    ("regulation-policies", "POST"): (MAKERS, {"version": 1}),
    ("regulation-draft", "POST"): (MAKERS, {"from_on": "2027-01-04"}),
}
ROWS |= AREA | REGULATION


def regulation_row() -> int:
    """An item of the register that the bank begins with."""
    return Regulation.objects.earliest("pk").pk


def area_row() -> int:
    """A revaluation of an area that waits for another person."""
    known = AreaRevaluation.objects.first()
    return (
        known
        or AreaRevaluation.objects.create(
            district="江岸区", change_percent=-12, valued_on=AT.date(), source="二手住宅指数", maker="R1", made_at=AT
        )
    ).pk


def policy_rows() -> dict[str, int]:
    """Ids of the policy in force, of a dry run of it and of what else belongs to the bank."""
    policy = FollowUpPolicy.objects.get(version=1)
    run = PolicyRun.objects.filter(policy=policy).first() or PolicyRun.objects.create(
        policy=policy, content_sha256=_SHA, against_version=1, as_of=AT.date(), state="DONE", asked_by="R1",
        asked_at=AT, ended_at=AT, summary={"ceiling": 8, "weeks": [], "changes": {}},
    )  # fmt: skip
    return {"policy": policy.pk, "dryrun": run.pk, "area": area_row(), "regulation": regulation_row()}
