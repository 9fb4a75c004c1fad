"""更正 through the pages and over the API: opened with a reason, made in the visit's form, reviewed, seen after."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from followups.actions.reuse import open_past_visits
from followups.models import ReportCorrection, Visit, VisitReport
from followups.queries.timeline import timeline
from people.tokens import issue_token
from tests.database.test_corrections import LATER, WORDS, approved, corrected, mended, opened, submitted
from tests.database.test_visits import Road, changed, profiled
from tests.factories import make_branch, make_staff
from tests.web.api_bank import Api

# Session, person, roles, branches, business date, rows, frame.
MOST_QUERIES = 14


@pytest.fixture
def road(db: None) -> Road:
    return profiled(Road())


def client_of(person: Any) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, name: str, pk: int | None = None, **asked: Any) -> str:
    reply = client.get(reverse(name, args=[] if pk is None else [pk]), asked)
    assert reply.status_code == 200, reply.status_code
    text: str = reply.content.decode()
    return text


def posted(draft: dict[str, Any], version: int) -> dict[str, str]:
    """The visit form as a browser without scripts sends it."""
    told = {"version": str(version), **{key: draft[key] for key in ("conclusion", "conclusion_text")}}
    for key, answer in draft["answers"].items():
        told |= {f"{'verified' if name == 'verified_by' else name}.{key}": value for name, value in answer.items()}
    return told


# S2.18
def test_the_whole_way_through_the_pages(road: Road) -> None:
    old = approved(road, monthly_income=changed("9800.00", "PAYSLIP"))
    manager, officer = client_of(road.manager), client_of(road.officer)
    assert "更正本报告" in page(manager, "followups:report", old.pk)
    assert "更正本报告" not in page(officer, "followups:report", old.pk)
    assert "待更正" not in page(officer, "followups:desk")
    address = reverse("followups:correct", args=[old.pk])
    reply = manager.post(address, {"code": "WRONG_ENTRY", "words": "错了"})
    text = reply.content.decode()
    assert reply.status_code == 422 and ">错了</textarea>" in text and 'id="correct-fault"' in text
    assert 'value="WRONG_ENTRY" required checked' in text and not ReportCorrection.objects.exists()
    reply = manager.post(address, {"code": "WRONG_ENTRY", "words": WORDS}, follow=True)
    assert "已发起更正，由周楠办理" in reply.content.decode() and "正在更正" in reply.content.decode()
    assert manager.post(address, {"code": "WRONG_ENTRY", "words": WORDS}).status_code == 409
    assert "待更正 <b>1</b>" in page(officer, "followups:desk")
    rows = page(officer, "followups:corrections")
    assert reverse("followups:visit", args=[road.task.pk]) in rows and road.loan.borrower.name in rows
    assert reverse("followups:visit", args=[road.task.pk]) not in page(manager, "followups:corrections")
    form = page(officer, "followups:visit", road.task.pk)
    assert "更正第1版" in form and WORDS in form and "data-locked" not in form
    assert "data-locked" in page(client_of(make_staff("LOAN_OFFICER", road.branch)), "followups:visit", road.task.pk)
    draft = mended(ReportCorrection.objects.get(), monthly_income=changed("12800.00", "PAYSLIP"))
    sent = posted(draft, Visit.objects.get().version)
    saved = officer.post(reverse("followups:draft", args=[road.task.pk]), sent)
    assert saved.status_code == 200
    sent["version"] = str(Visit.objects.get().version)
    reply = officer.post(reverse("followups:submit", args=[road.task.pk]), sent)
    assert reply.status_code == 302, reply.content.decode()[:2000]
    new = VisitReport.objects.get(version=2)
    desk = page(manager, "followups:review", report=new.pk)
    assert "<b>更正</b>" in desk and "更正第1版" in desk and "与第1版的不同" in desk and "12,800.00" in desk
    assert desk.count(road.loan.borrower.name) >= 2, "queue and head name whom the reviewer decides about"
    approve = {"content_sha256": new.content_sha256}
    assert manager.post(reverse("followups:approve", args=[new.pk]), approve).status_code == 302
    before = page(manager, "followups:report", old.pk)
    assert "已被第2版更正" in before and reverse("followups:report", args=[new.pk]) in before and "已更正" in before
    assert "更正本报告" not in before and "更正本报告" in page(manager, "followups:report", new.pk)
    for report in (old, new):
        assert manager.get(reverse("followups:report_pdf", args=[report.pk])).status_code == 200
    task = page(officer, "followups:task", road.task.pk)
    assert "更正生效" in task and "办结" in task
    assert any("更正生效" in row.text for row in timeline(road.loan))


def test_a_returned_correction_lands_on_what_is_to_be_mended(road: Road) -> None:
    new = submitted(road, opened(road, approved(road)), conclusion_text="补充说明。")
    asked = {
        "content_sha256": new.content_sha256,
        "code": "NO_EVIDENCE",
        "reason": "请补充收入佐证",
        "sections": ["income"],
    }
    client_of(road.manager).post(reverse("followups:return", args=[new.pk]), asked)
    form = page(client_of(road.officer), "followups:visit", road.task.pk)
    assert "请补充收入佐证" in form and "data-locked" not in form
    assert "请补充收入佐证" in page(client_of(road.officer), "followups:task", road.task.pk)


def test_withdrawing_on_the_page(road: Road) -> None:
    old = approved(road)
    correction = opened(road, old)
    address = reverse("followups:correction_withdraw", args=[correction.pk])
    other = client_of(make_staff("BRANCH_MANAGER", road.branch))
    reply = other.post(address, {"words": "不再需要更正"})
    assert reply.status_code == 422 and "只能由其撤回" in reply.content.decode()
    assert client_of(make_staff("BRANCH_MANAGER", make_branch())).post(address, {"words": WORDS}).status_code == 404
    assert client_of(road.officer).post(address, {"words": WORDS}).status_code == 403
    manager = client_of(road.manager)
    assert "撤回更正" in page(manager, "followups:report", old.pk)
    assert "撤回更正" not in page(other, "followups:report", old.pk)
    reply = manager.post(address, {"words": "客户核对后原报告无误"}, follow=True)
    assert "已撤回更正，原报告继续有效" in reply.content.decode()
    assert manager.post(address, {"words": "客户核对后原报告无误"}).status_code == 409
    assert "客户核对后原报告无误" in page(manager, "followups:task", road.task.pk)
    assert old.number in page(manager, "followups:corrections", state="WITHDRAWN")


def test_over_the_api(road: Road) -> None:
    old = approved(road)
    manager, officer = api_of(road.manager), api_of(road.officer)
    body = {"code": "OMITTED", "words": WORDS}
    for wrong, field in (({"code": "WHIM"}, "code"), ({"words": ""}, "words"), ({"reason": "x"}, "reason")):
        reply = manager.post(f"reports/{old.pk}/correction/", {**body, **wrong})
        assert reply.status_code == 400 and field in reply.json()["error"]["fields"], reply.json()
    assert manager.post(f"reports/{old.pk}/correction/", {**body, "words": "错"}).status_code == 422
    made = manager.post(f"reports/{old.pk}/correction/", body)
    assert made.status_code == 201 and made.json()["corrects_id"] == old.pk
    assert made.json()["officer"]["staff_no"] == road.officer.staff_no
    assert manager.post(f"reports/{old.pk}/correction/", body, key="again").json()["error"]["code"] == "correction_open"
    (row,) = officer.get("corrections/", state="OPEN", officer=road.officer.staff_no).json()["results"]
    assert row["words"] == WORDS and officer.get("corrections/", state="APPROVED").json()["results"] == []
    visit = officer.get(f"visits/{road.task.pk}/").json()
    draft = {**visit["draft"], "conclusion_text": "补充说明。"}
    bad = officer.post(f"tasks/{road.task.pk}/submit/", {"version": visit["version"], "draft": {**draft,
                       "contact_outcome": "REFUSED"}})  # fmt: skip
    assert bad.status_code == 422 and "contact_outcome" in bad.json()["error"]["fields"]
    sent = officer.post(f"tasks/{road.task.pk}/submit/", {"version": visit["version"], "draft": draft}, key="s")
    assert sent.status_code == 201 and sent.json()["corrects"] == old.pk
    new = sent.json()
    done = manager.post(f"reports/{new['id']}/approve/", {"content_sha256": new["content_sha256"]})
    assert done.status_code == 200 and done.json()["state"] == "APPROVED"
    kept = manager.get(f"reports/{old.pk}/").json()
    assert (kept["state"], kept["corrected_by"]) == ("CORRECTED", new["id"])
    again = manager.post(f"reports/{new['id']}/correction/", body, key="2").json()
    ended = manager.post(f"corrections/{again['id']}/withdraw/", {"words": "核对后无须更正"})
    assert ended.status_code == 200 and ended.json()["state"] == "WITHDRAWN"


def api_of(person: Any) -> Api:
    return Api(issue_token(staff=person, name="test", by="system", at=timezone.now())[0])


def test_a_corrected_report_that_was_used_says_so(road: Road) -> None:
    old = approved(road)
    open_past_visits(loan_id=road.loan.pk, decision="LOAN", decision_id=None, by=road.manager, at=LATER)
    new = corrected(road, old, conclusion_text="补充说明。")
    text = page(client_of(road.manager), "followups:report", old.pk)
    assert "以下引用的是本版，本版已被第2版更正" in text
    _loan, found = open_past_visits(loan_id=road.loan.pk, decision="LOAN", decision_id=None, by=road.manager, at=LATER)
    assert [past.report for past in found.reports] == [new]


def test_the_list_takes_as_many_statements_whatever_its_length(road: Road) -> None:
    opened(road, approved(road))
    client = client_of(make_staff("RISK_MANAGER", road.branch))

    def counted() -> int:
        page(client, "followups:corrections")
        with CaptureQueriesContext(connection) as queries:
            page(client, "followups:corrections")
        return len(queries)

    few = counted()
    for _number in range(3):
        other = Road()
        opened(other, approved(other))
    assert counted() == few <= MOST_QUERIES
