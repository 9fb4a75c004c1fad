"""Pages and API of the register: an item is entered, approved by another, leads to a draft; staff are told."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.models import FollowUpPolicy, Regulation, RegulationPolicy
from loans.models import Parameter
from tests.factories import AT, make_staff
from tests.web.api_bank import Bank, make_bank

pytestmark = pytest.mark.django_db
GIVEN = {
    "number": "银发〔2026〕200号",
    "title": "关于<b>贷后管理</b>的通知",
    "issuer": "人民银行",
    "issued_on": "2026-10-20",
    "effective_on": "2026-12-01",
    "summary": "贷后检查每年不少于两次",
    "replaces": "",
    "code": "max_term_months",
    "value": "420",
    "from_on": "2026-12-01",
}


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def entered(bank: Bank) -> tuple[Regulation, str]:
    reply = client_of(bank.staff["risk"]).post(reverse("followups:regulations"), GIVEN)
    found = Regulation.objects.get(number=GIVEN["number"])
    assert reply.headers["Location"] == reverse("followups:regulation", args=[found.pk])
    return found, reply.headers["Location"]


# S1.35 S2.12
def test_an_item_goes_from_entry_to_a_draft_on_the_pages_and_all_staff_are_told(bank: Bank) -> None:
    regulation, url = entered(bank)
    maker, checker = client_of(bank.staff["risk"]), client_of(make_staff("RISK_MANAGER", bank.home))
    own = maker.get(url).content.decode()
    assert 'value="withdraw"' in own and 'value="approve"' not in own
    assert "<b>贷后" not in own and "max_term_months" in own and "480" in own and "420" in own
    step = {"verb": "approve", "content_sha256": regulation.content_sha256}
    assert maker.post(url, step).status_code == 422
    assert checker.post(url, {**step, "content_sha256": "0" * 64}).status_code == 409
    assert checker.post(url, step).status_code == 302
    assert Parameter.objects.filter(code="max_term_months", value=420, source=GIVEN["number"]).exists()
    notices = client_of(bank.staff["officer"]).get(reverse("followups:notices")).content.decode()
    assert GIVEN["number"] in notices and url not in notices
    assert url in maker.get(reverse("followups:notices")).content.decode()
    reply = maker.post(url, {"verb": "draft", "from_on": "2026-12-01"})
    policy = FollowUpPolicy.objects.get(version=2)
    assert reply.headers["Location"] == reverse("followups:policy", args=[policy.pk])
    shown = maker.get(url).content.decode()
    assert "回访策略 v2" in shown and "尚未试算" in shown


@pytest.mark.parametrize(
    "wrong",
    [{"number": ""}, {"effective_on": "2026-10-01"}, {"effective_on": "morgen"}, {"replaces": "没有"},
     {"value": "abc"}, {"code": "no_such"}, {"from_on": "2026-11-01"}],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_what_was_typed_stays(bank: Bank, wrong: Any) -> None:
    before = Regulation.objects.count()
    reply = client_of(bank.staff["risk"]).post(reverse("followups:regulations"), {**GIVEN, **wrong})
    text = reply.content.decode()
    assert reply.status_code == 422 and Regulation.objects.count() == before
    assert "贷后检查每年不少于两次" in text and 'role="alert"' in text


def test_a_version_is_linked_and_a_step_that_nobody_knows_changes_nothing(bank: Bank) -> None:
    first = Regulation.objects.earliest("pk")
    client, url = client_of(bank.staff["risk"]), reverse("followups:regulation", args=[first.pk])
    assert client.post(url, {"verb": "link", "version": "1", "line_number": "16"}).status_code == 302
    assert client.post(url, {"verb": "link", "version": "77"}).status_code == 422
    assert client.post(url, {"verb": "link", "version": "x"}).status_code in (404, 422)
    assert RegulationPolicy.objects.count() == 1
    assert "回访策略 v1" in client.get(url).content.decode()


def test_the_pages_ask_no_more_for_more_rows(bank: Bank) -> None:
    client, first = client_of(bank.staff["risk"]), Regulation.objects.earliest("pk")
    pages = (reverse("followups:regulations"), reverse("followups:regulation", args=[first.pk]))

    def statements(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    RegulationPolicy.objects.create(
        regulation=first, policy=FollowUpPolicy.objects.get(version=1), line_number=1, by="R1", at=AT
    )
    few = [statements(url) for url in pages]
    for number in range(2, 9):
        RegulationPolicy.objects.create(
            regulation=first, policy=FollowUpPolicy.objects.get(version=1), line_number=number, by="R1", at=AT
        )
        Regulation.objects.create(
            number=f"文号{number}", title="x", issuer="x", issued_on=AT.date(), effective_on=AT.date(), summary="x",
            replaces=first, content_sha256="0" * 64, maker="R1", made_at=AT,
        )  # fmt: skip
    assert [statements(url) for url in pages] == few and max(few) <= 22


# S1.35 S2.12
def test_the_api_enters_decides_and_drafts_as_the_pages_do(bank: Bank) -> None:
    asked = {name: GIVEN[name] for name in ("number", "title", "issuer", "issued_on", "effective_on", "summary")}
    asked["parameters"] = [{"code": "max_term_months", "value": 420, "from_on": "2026-12-01"}]  # type: ignore[assignment]
    api = bank.api("risk")
    told = api.post("regulations/", asked, key="reg-1").json()
    one = told["regulation"]
    assert told["parameters"] == [
        {"code": "max_term_months", "before": 480, "value": 420, "from_on": "2026-12-01"},
    ]  # fmt: skip
    decide, step = f"regulations/{one['id']}/decide/", {"approve": True, "content_sha256": one["content_sha256"]}
    assert api.post(decide, step, key="reg-2").status_code == 422
    Regulation.objects.filter(pk=one["id"]).update(maker="SOMEBODY")
    assert api.post(decide, step, key="reg-3").json()["regulation"]["state"] == "APPROVED"
    drafted = api.post(f"regulations/{one['id']}/draft/", {"from_on": "2026-12-01"}, key="reg-4")
    assert drafted.status_code == 201
    (policy,) = drafted.json()["policies"]
    assert (policy["version"], policy["state"], policy["dry_run"]) == (2, "DRAFT", None)
    listed = bank.api("officer").get("notices/").json()["alerts"]
    assert [(row["code"], row["regulation_id"]) for row in listed] == [("REGULATION", one["id"])]
