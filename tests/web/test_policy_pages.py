"""Pages of the follow-up policy: a draft is edited in place, tried, submitted, decided by another (S2.12, S1.22)."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from followups import batch
from followups.models import FollowUpPolicy
from followups.models.policy import PolicyRun
from followups.queries.policy import lines_of
from tests.database.policy_bank import AT, FROM, drafted, risk_people
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> Any:
    officer = make_staff("LOAN_OFFICER", make_branch())
    for _n in range(3):
        book_loan(branch=officer.branch, officer=officer)
    return risk_people()


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(policy: FollowUpPolicy) -> str:
    return reverse("followups:policy", args=[policy.pk])


def put(policy: FollowUpPolicy, number: int, **changes: str) -> dict[str, str]:
    line = lines_of(policy)[number - 1]
    typed = {"verb": "put", "row_version": str(policy.row_version), "number": str(number), "note": line.note}
    for place, condition in enumerate(line.conditions):
        typed |= {f"fact_{place}": condition.fact, f"op_{place}": condition.op, f"value_{place}": str(condition.value)}
    typed["r_months"] = str(line.result.get("months", ""))
    typed |= {f"r_methods_{place}": method for place, method in enumerate(line.result.get("methods", []))}
    return {**typed, **changes}


def test_a_draft_goes_from_copy_to_force_on_the_pages(people: Any) -> None:
    maker, checker = people
    client, other = client_of(maker), client_of(checker)
    asked = {"based_on": "1", "from_on": str(FROM), "purpose": "监管要求加密回访"}
    address = client.post(reverse("followups:policies"), asked).headers["Location"]
    policy = FollowUpPolicy.objects.get(version=2)
    assert address == page(policy)
    assert client.get(address + "?line=25").status_code == 200
    assert client.post(address, put(policy, 25, r_months="6")).status_code == 302
    assert lines_of(policy)[24].result["months"] == 6
    policy.refresh_from_db()
    assert client.post(address, {"verb": "try"}).status_code == 302
    assert "progress" in client.get(address).content.decode()
    call_command("try_policies")
    shown = client.get(address).content.decode()
    assert "<del>每 12 个月</del>" in shown and "一年工时" in shown
    client.post(address, {"verb": "submit", "row_version": str(policy.row_version)})
    policy.refresh_from_db()
    assert policy.state == "SUBMITTED"
    assert 'value="approve"' not in client.get(address).content.decode()
    assert 'value="approve"' in other.get(address).content.decode()
    other.post(address, {"verb": "approve", "content_sha256": policy.content_sha256})
    assert batch.policy_in_force(FROM).version == 2
    assert "公告：v2 已批准" in client.get(reverse("followups:policies")).content.decode()


def test_what_was_typed_stays_when_another_window_was_first(people: Any) -> None:
    maker, _checker = people
    policy = drafted(maker)
    stale = put(policy, 25, r_months="7", row_version="1")
    reply = client_of(maker).post(page(policy), stale)
    assert reply.status_code == 409
    assert 'name="r_months" value="7"' in reply.content.decode()
    assert lines_of(policy)[24].result["months"] == 12


def test_a_typed_line_is_checked_before_it_is_saved(people: Any) -> None:
    maker, _checker = people
    policy = drafted(maker)
    reply = client_of(maker).post(page(policy), put(policy, 25, r_months="13", verb="check"))
    assert "第 25 行：周期（1 至 12 个月）缺少、多余或超出范围。" in reply.content.decode()
    assert lines_of(policy)[24].result["months"] == 12


def test_lines_are_added_moved_and_taken_out(people: Any) -> None:
    maker, _checker = people
    policy = drafted(maker)
    client = client_of(maker)

    def do(verb: str, **more: str) -> None:
        policy.refresh_from_db()
        assert (
            client.post(page(policy), {"verb": verb, "row_version": str(policy.row_version), **more}).status_code == 302
        )

    do("add", kind="PERIODIC")
    assert len(lines_of(policy)) == 27
    assert (lines_of(policy)[25].note, lines_of(policy)[26].conditions) == ("新增", ())
    do("up", number="26")
    assert lines_of(policy)[24].note == "新增"
    do("drop", number="25")
    assert [line.note for line in lines_of(policy)] == [
        line.note for line in lines_of(FollowUpPolicy.objects.get(version=1))
    ]


def test_loans_that_change_are_listed_and_handed_out(people: Any) -> None:
    maker, _checker = people
    batch.replan(as_of=FROM.replace(month=11), at=AT)
    policy = drafted(maker)
    client = client_of(maker)
    client.post(page(policy), put(policy, 25, r_months="6"))
    client.post(page(policy), {"verb": "try"})
    call_command("try_policies")
    run = PolicyRun.objects.get()
    listed = client.get(reverse("followups:policy_loans", args=[policy.pk, run.pk]))
    assert listed.status_code == 200
    sheet = b"".join(client.get(reverse("followups:policy_loans_csv", args=[policy.pk, run.pk]))).decode()
    assert len(sheet.splitlines()) == 1 + sum(run.summary["changes"].values())


def test_an_auditor_reads_and_changes_nothing(people: Any) -> None:
    maker, _checker = people
    policy = drafted(maker)
    client = client_of(make_staff("AUDITOR", make_branch()))
    assert client.get(page(policy)).status_code == 200
    before = list(FollowUpPolicy.objects.values())
    for verb in ("put", "add", "drop", "submit", "approve", "withdraw", "try", "from_on"):
        told = {"verb": verb, "number": "3", "kind": "PERIODIC", "row_version": str(policy.row_version),
                "from_on": str(FROM), "remark": "不需要了"}  # fmt: skip
        assert client.post(page(policy), told).status_code == 422, verb
    assert list(FollowUpPolicy.objects.values()) == before


def test_the_page_asks_no_more_of_a_longer_policy(people: Any, django_assert_max_num_queries: Any) -> None:
    maker, _checker = people
    policy = drafted(maker)
    client = client_of(maker)
    with django_assert_max_num_queries(20):
        client.get(page(policy))
