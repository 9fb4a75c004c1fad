"""The follow-up policy over the API: copied, edited, checked, tried, submitted, decided by another (S2.12, S1.22)."""

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from followups import batch
from followups.models import FollowUpPolicy
from followups.models.policy import FollowUpPolicyLine
from journal.models import Entry
from people.models import Staff
from people.tokens import issue_token
from tests.database.policy_bank import AT, FROM
from tests.factories import book_loan, make_staff
from tests.web.api_bank import Api, Bank, make_bank

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(db: None) -> Bank:
    made = make_bank()
    made.loans["quiet"] = book_loan(made.home, officer=made.staff["officer"])
    batch.replan(as_of=FROM.replace(month=11), at=AT)
    return made


def other_risk(bank: Bank) -> Api:
    staff: Staff = make_staff("RISK_MANAGER", bank.staff["risk"].branch)
    return Api(issue_token(staff=staff, name="test", by="system", at=timezone.now())[0])


def sent(policy: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """The lines of a version as they are sent back, line 25 changed."""
    lines = [{name: each[name] for name in ("kind", "conditions", "result", "note")} for each in policy["lines"]]
    lines[24] = {**lines[24], "result": {**lines[24]["result"], **changes}}
    return lines


def drafted(api: Api) -> Any:
    asked = {"based_on": 1, "purpose": "监管要求加密回访", "from_on": str(FROM)}
    return api.post("policies/", asked, key="draft").json()


def test_a_draft_goes_from_copy_to_force_over_the_api(bank: Bank) -> None:
    risk, checker = bank.api("risk"), other_risk(bank)
    policy = drafted(risk)
    assert (policy["version"], policy["state"], len(policy["lines"])) == (2, "DRAFT", 26)
    path = f"policies/{policy['id']}"
    edited = risk.post(f"{path}/lines/", {"row_version": policy["row_version"], "lines": sent(policy, months=6)}).json()
    assert edited["lines"][24]["words"][2] == "每 6 个月"
    assert risk.post(f"{path}/submit/", {"row_version": edited["row_version"]}).status_code == 422
    assert risk.post(f"{path}/dry-run/", {}).json()["dry_run"] is None
    call_command("try_policies")
    tried = risk.get(f"{path}/").json()
    run = risk.get(f"dry-runs/{tried['dry_run']}/").json()
    assert run["state"] == "DONE" and run["parts"] == run["parts_done"] == 1
    loans = risk.get(f"dry-runs/{run['id']}/loans/").json()["results"]
    assert len(loans) == sum(run["summary"]["changes"].values()) > 0
    assert {row["loan_note_no"] for row in loans} <= {loan.loan_note_no for loan in bank.loans.values()}
    months = risk.get(f"dry-runs/{run['id']}/loads/", unit="M").json()["results"]
    after = run["summary"]["after"]
    assert sum(row["phone_after"] + row["field_after"] for row in months) == after["visits"]
    waiting = risk.post(f"{path}/submit/", {"row_version": tried["row_version"]}).json()
    decision = {"approve": True, "content_sha256": waiting["content_sha256"]}
    assert risk.post(f"{path}/decide/", decision).json()["error"]["code"] == "own_policy"
    assert checker.post(f"{path}/decide/", decision).json()["state"] == "APPROVED"
    assert batch.policy_in_force(FROM).version == 2


def test_a_version_is_returned_moved_and_withdrawn(bank: Bank) -> None:
    risk, checker = bank.api("risk"), other_risk(bank)
    policy = drafted(risk)
    path = f"policies/{policy['id']}"
    moved = risk.post(f"{path}/reschedule/", {"row_version": policy["row_version"], "from_on": "2027-01-04"}).json()
    assert moved["from_on"] == "2027-01-04"
    risk.post(f"{path}/dry-run/", {})
    call_command("try_policies")
    waiting = risk.post(f"{path}/submit/", {"row_version": moved["row_version"]}).json()
    back = {"approve": False, "content_sha256": waiting["content_sha256"], "remark": "第24行周期太密"}
    assert checker.post(f"{path}/decide/", back).json()["state"] == "DRAFT"
    assert risk.post(f"{path}/withdraw/", {"reason": "不再需要了"}).json()["state"] == "WITHDRAWN"
    assert risk.get("policies/").json()["results"][0]["remark"] == "不再需要了"


def test_lines_are_checked_without_being_kept(bank: Bank) -> None:
    risk = bank.api("risk")
    first = risk.get(f"policies/{FollowUpPolicy.objects.get(version=1).pk}/").json()
    before = list(FollowUpPolicyLine.objects.values())
    found = risk.post("policies/check/", {"lines": sent(first, months=13)}).json()["findings"]
    (fault,) = [each for each in found if each["weight"] == "ERROR"]
    assert (fault["code"], fault["lines"]) == ("RESULT", [25])
    assert bank.api("auditor").post("policies/check/", {"lines": []}).status_code == 200
    assert before == list(FollowUpPolicyLine.objects.values())


ODD: list[Any] = [
    {"lines": [{"kind": "SOMETIMES", "conditions": [], "result": {}, "note": "x"}]},
    {"lines": [{"kind": "PERIODIC", "conditions": [{"fact": "grade", "op": "~"}], "result": {}, "note": "x"}]},
    {"lines": [{"kind": "PERIODIC", "conditions": {}, "result": {}, "note": "x"}]},
    {"lines": [{"kind": "PERIODIC", "conditions": [], "result": [], "note": "x"}]},
    {"lines": [{"kind": "PERIODIC", "conditions": [], "result": {}, "note": 1}]},
    {"lines": [{"kind": "PERIODIC", "conditions": [], "result": {}, "note": "x", "number": 3}]},
    {"lines": "x"}, {"lines": [1]}, {},
]  # fmt: skip


def test_lines_that_are_none_are_refused_and_change_nothing(bank: Bank) -> None:
    risk = bank.api("risk")
    policy = drafted(risk)
    before = (list(FollowUpPolicyLine.objects.values()), Entry.objects.count())
    for body in ODD:
        reply = risk.post(f"policies/{policy['id']}/lines/", {"row_version": policy["row_version"], **body})
        assert reply.status_code == 400, body
    many = [sent(policy)[23]] * 201
    reply = risk.post(f"policies/{policy['id']}/lines/", {"row_version": policy["row_version"], "lines": many})
    assert reply.json()["error"]["code"] == "policy_unreadable"
    for version in (policy["row_version"] - 1 or 99, 10**30):
        reply = risk.post(f"policies/{policy['id']}/lines/", {"row_version": version, "lines": sent(policy)})
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "policy_changed")
    assert before == (list(FollowUpPolicyLine.objects.values()), Entry.objects.count())


# What a draft may hold until the checker is content: each is kept, said, and breaks no page.
STRANGE: list[dict[str, Any]] = [
    {"methods": 5, "months": "x", "level": [], "tier": 3},
    {"methods": {"a": 1}, "level": {"a": 1}, "opens_days_before": []},
    {"methods": ["PHONE", 7, None], "months": True, "checklist": "LONG"},
    {},
]


def test_a_draft_may_hold_faulty_results_and_still_be_read(bank: Bank, client: Any) -> None:
    risk = bank.api("risk")
    client.force_login(bank.staff["risk"], backend="django.contrib.auth.backends.ModelBackend")
    policy = drafted(risk)
    path = f"policies/{policy['id']}"
    for result in STRANGE:
        for kind in ("PERIODIC", "OVERDUE", "FIRST_NODES", "FIRST_TALK", "FIRST_METHOD", "CYCLE_BOUNDS"):
            line = {"kind": kind, "conditions": [{"fact": "grade", "op": "in", "value": {"a": []}}], "note": "x"}
            asked = {"row_version": policy["row_version"], "lines": [{**line, "result": {**result, "days": 5}}]}
            policy = risk.post(f"{path}/lines/", asked).json()
            assert any(each["weight"] == "ERROR" for each in policy["findings"])
            assert client.get(f"/policies/follow-ups/{policy['id']}/?line=1").status_code == 200


def test_lists_ask_as_often_for_many_rows_as_for_one(bank: Bank) -> None:
    risk = bank.api("risk")
    policy = drafted(risk)
    risk.post(f"policies/{policy['id']}/lines/",
              {"row_version": policy["row_version"], "lines": sent(policy, months=6)})  # fmt: skip
    risk.post(f"policies/{policy['id']}/dry-run/", {})
    call_command("try_policies")
    run = risk.get(f"policies/{policy['id']}/").json()["dry_run"]
    for path in ("policies/", f"dry-runs/{run}/loans/", f"dry-runs/{run}/loads/"):
        asked = []
        for size in (1, 50):
            with CaptureQueriesContext(connection) as queries:
                assert risk.get(path, page_size=size).status_code == 200
            asked.append(len(queries))
        assert asked[0] == asked[1] <= 8, path
