"""The REST API from a key to an approved PDF, and what it refuses on the way."""

from typing import Any

import pytest

from journal.models import Entry
from people.models import ApiToken
from tests.factories import PASSWORD
from tests.web.api_bank import Api, Bank, clean_draft, make_bank, submitted


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def sign_in(staff_no: str) -> Api:
    reply = Api().post("tokens/", {"staff_no": staff_no, "password": PASSWORD})
    assert reply.status_code == 201, reply.content
    return Api(reply.json()["token"])


def test_a_visit_goes_from_the_list_to_an_approved_pdf(bank: Bank) -> None:
    officer = sign_in(bank.staff["officer"].staff_no)
    listed = officer.get("tasks/", open="true", loan=bank.loans["home"].pk).json()
    task = next(row for row in listed["results"] if row["id"] == bank.tasks["home"].pk)
    assert task["why"] and task["days_past_due"] == 13 and task["state"] == "PLANNED"
    path = f"tasks/{task['id']}"

    assert officer.post(f"{path}/claim/").json()["assigned_to"]["staff_no"] == bank.staff["officer"].staff_no
    visit = officer.post(f"{path}/start/").json()
    draft = clean_draft(visit["sections"])
    if visit["method"] == "FIELD":
        draft["second_visitor"] = bank.staff["colleague"].staff_no
        draft.pop("contact_outcome")
    saved = officer.post(f"{path}/draft/", {"version": visit["version"], "draft": draft}).json()
    assert saved["version"] == visit["version"] + 1 and saved["missing"] == []
    preview = officer.post(f"{path}/preview/", {"draft": draft}).json()
    assert preview["missing"] == [] and preview["faults"] == {}
    submitted = officer.post(f"{path}/submit/", {"version": saved["version"], "draft": draft})
    assert submitted.status_code == 201, submitted.json()
    report = submitted.json()

    early = officer.get(f"reports/{report['id']}/pdf/")
    assert (early.status_code, early.json()["error"]["code"]) == (409, "not_approved_yet")
    own = officer.post(f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]})
    assert own.status_code == 403
    manager = bank.api("manager")
    queue = manager.get("reports/", state="SUBMITTED").json()["results"]
    assert [row["id"] for row in queue] == [report["id"]]
    unseen = manager.post(f"reports/{report['id']}/approve/", {"content_sha256": "0" * 64})
    assert (unseen.status_code, unseen.json()["error"]["code"]) == (409, "stale_report")
    approved = manager.post(f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]})
    assert approved.status_code == 200 and approved.json()["state"] == "APPROVED"
    pdf = manager.get(f"reports/{report['id']}/pdf/")
    assert pdf["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF-")
    assert report["number"] in pdf["Content-Disposition"]
    taken = Entry.objects.get(kind="followups.report_handed_out")
    assert (taken.actor, taken.data["report_id"]) == (bank.staff["manager"].staff_no, report["id"])

    ended = officer.get(f"{path}/").json()
    assert (ended["state"], ended["outcome"]) == ("CLOSED", "APPROVED")
    assert [step["code"] for step in ended["clock"]] == ["WAITING", "VISITING", "REVIEWING", "TELLING"]
    timeline = officer.get(f"loans/{task['loan']['id']}/timeline/").json()["results"]
    assert {"task", "report"} & {row["kind"] for row in timeline}


def test_a_returned_report_is_mended_and_handed_in_again(bank: Bank) -> None:
    officer, manager = bank.api("officer"), bank.api("manager")
    report = submitted(bank)
    returned = manager.post(
        f"reports/{report['id']}/return/",
        {
            "content_sha256": report["content_sha256"],
            "code": "NO_EVIDENCE",
            "reason": "请补充还款来源说明",
            "sections": ["income"],
        },
    )
    assert returned.status_code == 200 and returned.json()["state"] == "RETURNED"
    assert returned.json()["return_parts"] == [{"section": "income", "code": "NO_EVIDENCE"}]
    visit = officer.get(f"visits/{bank.tasks['home'].pk}/").json()
    again = officer.post(
        f"tasks/{bank.tasks['home'].pk}/submit/", {"version": visit["version"], "draft": visit["draft"]}
    )
    assert again.status_code == 201 and again.json()["version"] == 2


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({}, 400, "sections"),
        ({"sections": []}, 400, "sections"),
        ({"sections": ["kitchen"]}, 400, "sections.0"),
        ({"sections": ["income"], "section_codes": {"debts": "OTHER"}}, 422, "section_codes"),
        ({"sections": ["income"], "section_codes": {"income": "BECAUSE"}}, 400, "section_codes.income"),
    ],
)
def test_a_return_names_what_is_to_be_mended(bank: Bank, given: dict[str, Any], status: int, field: str) -> None:
    report, manager = submitted(bank), bank.api("manager")
    asked = {"content_sha256": report["content_sha256"], "code": "OTHER", "reason": "请补充还款来源说明"}
    reply = manager.post(f"reports/{report['id']}/return/", {**asked, **given})
    assert (reply.status_code, list(reply.json()["error"]["fields"])) == (status, [field])
    assert manager.get(f"reports/{report['id']}/").json()["state"] == "SUBMITTED"
    whole = {**asked, "sections": ["income", "debts"], "section_codes": {"debts": "NOT_VERIFIED"}}
    assert manager.post(f"reports/{report['id']}/return/", whole).json()["return_parts"] == [
        {"section": "income", "code": "OTHER"}, {"section": "debts", "code": "NOT_VERIFIED"}
    ]  # fmt: skip


def test_the_author_cannot_decide_even_as_a_manager(bank: Bank) -> None:
    from people.models import Role

    bank.staff["officer"].roles.add(Role.objects.get(code="BRANCH_MANAGER"))
    report = submitted(bank)
    reply = bank.api("officer").post(f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "own_report")


def test_two_windows_cannot_overwrite_each_other(bank: Bank) -> None:
    officer, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}"
    version = officer.post(f"{path}/start/").json()["version"]
    body = {"version": version, "draft": {"answers": {}}}
    assert officer.post(f"{path}/draft/", body).status_code == 200
    stale = officer.post(f"{path}/draft/", body)
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "stale_version")


def test_missing_answers_are_named_field_by_field(bank: Bank) -> None:
    officer, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}"
    version = officer.post(f"{path}/start/").json()["version"]
    error = officer.post(f"{path}/submit/", {"version": version, "draft": {"answers": {}}}).json()["error"]
    assert error["code"] == "missing_answers" and error["fields"]["conclusion"] == ["回访结论未填写。"]


def test_a_manager_assigns_within_the_branch_only(bank: Bank) -> None:
    manager, path = bank.api("manager"), f"tasks/{bank.tasks['home'].pk}/assign/"
    given = manager.post(path, {"officer": bank.staff["colleague"].staff_no, "reason": "均衡工作量"})
    assert given.json()["assigned_to"]["staff_no"] == bank.staff["colleague"].staff_no
    for number in (bank.staff["stranger"].staff_no, "nobody"):
        refused = manager.post(path, {"officer": number, "reason": "均衡工作量"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "wrong_officer")
        assert refused.json()["error"]["message"] == "没有这个工号。"


def test_a_task_is_rescheduled_with_a_reason(bank: Bank) -> None:
    path = f"tasks/{bank.tasks['home'].pk}/reschedule/"
    moved = bank.api("manager").post(path, {"to": "2026-11-20", "reason": "客户出差"})
    assert moved.json()["due_on"] == "2026-11-20" and moved.json()["is_pinned"]
    for day in ("2026-02-30", "20261120", "2026-W47-5", "0001-01-01", "2026-11-20T00:00:00Z", 20261120):
        assert bank.api("manager").post(path, {"to": day, "reason": "客户出差"}).status_code == 400


def test_a_loan_shows_its_facts_and_hides_its_borrower(bank: Bank) -> None:
    loan = bank.loans["home"]
    row = bank.api("officer").get(f"loans/{loan.pk}/").json()
    party = loan.borrower
    text = str(row)
    assert party.id_no not in text and party.phone not in text and party.name not in text
    assert row["facts"]["principal_balance"] == "900000.00" and row["facts"]["days_past_due"] == 13
    assert row["loan_to_value"] == "45.00" and row["grade"] in ("LOW", "MEDIUM", "HIGH")
    assert {task["id"] for task in row["last_tasks"]} >= {bank.tasks["home"].pk}
    schedule = bank.api("officer").get(f"loans/{loan.pk}/schedule/").json()["results"]
    assert schedule[-1]["balance"] == "0.00"
    postings = bank.api("officer").get(f"loans/{loan.pk}/postings/").json()["results"]
    from decimal import Decimal

    assert all(sum(Decimal(line["amount"]) for line in one["lines"]) == 0 and one["lines"] for one in postings)
    billed = bank.api("officer").get(f"loans/{loan.pk}/installments/").json()["results"]
    assert billed and all(isinstance(each["principal"], str) for each in billed)


def test_operations_see_a_loan_without_its_follow_ups(bank: Bank) -> None:
    assert bank.api("operations").get(f"loans/{bank.loans['home'].pk}/").json()["last_tasks"] == []


def test_the_business_date_is_told(bank: Bank) -> None:
    assert bank.api("officer").get("business-date/").json() == {"business_date": "2026-11-01"}


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────


def test_only_a_digest_of_the_key_is_kept(bank: Bank) -> None:
    api = sign_in(bank.staff["officer"].staff_no)
    key = api.headers["Authorization"].split()[1]
    stored = ApiToken.objects.latest("id")
    assert len(key) >= 43 and key not in str(stored.__dict__)
    assert key not in str(list(Entry.objects.values()))


def test_a_key_ends_by_revocation_expiry_and_leaving(bank: Bank) -> None:
    from datetime import timedelta

    from django.utils import timezone

    api = sign_in(bank.staff["officer"].staff_no)
    assert api.get("loans/").status_code == 200
    assert api.send("DELETE", "tokens/current/").status_code == 204
    assert api.get("loans/").status_code == 401
    second = sign_in(bank.staff["officer"].staff_no)
    ApiToken.objects.filter(staff=bank.staff["officer"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert second.get("loans/").status_code == 401
    third = sign_in(bank.staff["officer"].staff_no)
    bank.staff["officer"].is_active = False
    bank.staff["officer"].save(update_fields=["is_active"])
    assert third.get("loans/").status_code == 401


def test_a_revoked_role_counts_from_the_next_request(bank: Bank) -> None:
    assert bank.api("officer").get("tasks/").status_code == 200
    bank.staff["officer"].roles.clear()
    assert bank.api("officer").get("tasks/").status_code == 403


def test_wrong_passwords_lock_the_door_and_say_so_in_the_one_shape(bank: Bank) -> None:
    body = {"staff_no": bank.staff["officer"].staff_no, "password": "wrong"}
    replies = [Api().post("tokens/", body) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [401] * 4 + [429] * 2
    assert replies[0].json()["error"]["code"] == "wrong_credentials"
    assert int(replies[-1]["Retry-After"]) > 0 and replies[-1].json()["error"]["code"] == "throttled"
    number = bank.staff["officer"].staff_no
    for disguise in (number, f" {number} "):
        for address in ("203.0.113.1", "203.0.113.2, 127.0.0.1"):
            right = {"staff_no": disguise, "password": PASSWORD}
            assert Api(**{"X-Forwarded-For": address}).post("tokens/", right).status_code == 429
    assert sign_in(bank.staff["manager"].staff_no)
    unknown = Api().post("tokens/", {"staff_no": "nobody", "password": "wrong"})
    assert unknown.json()["error"]["message"] == replies[0].json()["error"]["message"]


def test_unusable_keys_get_one_answer_with_a_challenge(bank: Bank) -> None:
    for header in ("Bearer nonsense", "Bearer " + "x" * 43, "Basic dTpw", "Bearer", "Token ä" + "x" * 40):
        reply = Api(Authorization=header).get("loans/")
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "token_invalid")
        assert reply["WWW-Authenticate"].startswith("Bearer")
    assert Api(Authorization=f"Token {bank.keys['officer']}").get("loans/").status_code == 200


def test_a_session_works_with_the_csrf_check(bank: Bank) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(bank.staff["officer"], backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/tasks/").status_code == 200
    path = f"/api/v1/tasks/{bank.tasks['home'].pk}/claim/"
    refused = client.post(path, "{}", content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "csrf_failed")


def test_messages_speak_the_language_asked_for(bank: Bank) -> None:
    reply = bank.api("officer").get("tasks/", page_size="0")
    assert "整数" in reply.json()["error"]["fields"]["page_size"][0]
    assert reply["Content-Language"] == "zh-hans"


def test_the_schema_is_complete_and_its_page_runs_no_inline_script(bank: Bank) -> None:
    schema = Api().get("schema/", format="json").json()
    assert set(schema["paths"]["/api/v1/receipts/"]["post"]["responses"]) >= {"201", "400", "401", "403", "409", "422"}
    page = Api().get("docs/").content.decode()
    assert "<script>" not in page and "swagger-ui-bundle.js" in page
    assert Api().get("docs/", script="").status_code == 200
    assert Api().get("schema/", version="a\r\nb").status_code == 400


def test_a_key_can_be_made_at_the_command_line(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import CommandError, call_command

    call_command("create_token", bank.staff["officer"].staff_no, days=1)
    told = capsys.readouterr()
    assert Api(told.out.strip()).get("loans/").status_code == 200 and "valid until" in told.err
    for arguments in (["nobody"], [bank.staff["officer"].staff_no, "--days=0"]):
        with pytest.raises(CommandError):
            call_command("create_token", *arguments)


def test_a_list_costs_the_same_however_long(bank: Bank) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.factories import book_loan

    submitted(bank)
    for _n in range(4):
        book_loan(bank.home, officer=bank.staff["officer"])
    for path in ("loans/", "tasks/", "reports/", "receipts/", f"loans/{bank.loans['home'].pk}/postings/"):
        counts = []
        for size in (1, 50):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert bank.api("auditor").get(path, page_size=size).status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 10, (path, counts)


def test_name_and_address_are_masked_for_whom_they_do_not_concern(bank: Bank) -> None:
    officer, path = bank.api("officer"), f"tasks/{bank.tasks['home'].pk}"
    visit = officer.post(f"{path}/start/").json()
    draft = clean_draft(visit["sections"])
    if visit["method"] == "FIELD":
        draft["second_visitor"] = bank.staff["colleague"].staff_no
        draft.pop("contact_outcome")
    moved, called = "江城市高新区光谷路88号2栋401室", "19900000881"
    draft["answers"]["address"] = {"choice": "CHANGED", "now": moved, "verified_by": "ORAL"}
    draft["answers"]["phone"] = {"choice": "CHANGED", "now": called, "verified_by": "ORAL"}
    preview = officer.post(f"{path}/preview/", {"draft": draft}).json()
    assert moved in str(preview), "the own task"
    report = officer.post(f"{path}/submit/", {"version": visit["version"], "draft": draft}).json()
    name = bank.loans["home"].borrower.name
    for who in ("officer", "manager"):
        seen = bank.api(who).get(f"reports/{report['id']}/").json()
        assert moved in str(seen) and name in str(seen["content"]), who
    for who in ("colleague", "auditor"):
        seen = bank.api(who).get(f"reports/{report['id']}/").json()
        for secret in (name, "光谷路", "悦府路"):
            assert secret not in str(seen), who
        assert seen["content_sha256"] == report["content_sha256"]
        visit_seen = str(bank.api(who).get(f"visits/{bank.tasks['home'].pk}/").json())
        assert "光谷路" not in visit_seen and called not in visit_seen, who
    assert moved in str(officer.get(f"visits/{bank.tasks['home'].pk}/").json())
    approved = bank.api("manager").post(
        f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]}
    )
    assert approved.status_code == 200 and moved not in str(approved.json()["content"]), "decided: no longer theirs"
    assert moved not in str(bank.api("risk").get(f"reports/{report['id']}/").json())
