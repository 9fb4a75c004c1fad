"""Pages and API of events and of merging: enter, refuse in place, send a feed, merge and take apart."""

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from followups.batch import answering
from followups.models import Event, MergedTask, VisitTask
from tests.database.test_visits import make_task
from tests.factories import book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
HEADER = "reference,loan,customer,code,happened_on,monthly_income,words"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def signed_in(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who])
    return client


def page(bank: Bank, place: str = "home") -> str:
    return f"/loans/{bank.loans[place].pk}/events/"


def posted(client: Client, url: str, **typed: Any) -> Any:
    form = {
        "code": "JOB_CHANGE",
        "happened_on": TODAY.isoformat(),
        "words": "客户来电告知",
        "source": "BORROWER",
        **typed,
    }
    return client.post(url, form, follow=True)


# S1.18
def test_an_officer_enters_an_event_and_sees_its_visit(bank: Bank) -> None:
    client = signed_in(bank, "officer")
    assert "没有登记过事项" in client.get(page(bank)).content.decode()
    said = posted(client, page(bank)).content.decode()
    assert "已登记工作变动" in said and "待生成" in said and "客户告知" in said
    answering.answer_events(as_of=TODAY, at=timezone.now(), loan_ids=[bank.loans["home"].pk])
    task = VisitTask.objects.filter(event_visits__isnull=False).get()
    assert task.number in client.get(page(bank)).content.decode()
    shown = client.get(f"/tasks/{task.pk}/").content.decode()
    assert "触发事项" in shown and "客户来电告知" in shown
    assert "没有重复登记" in posted(client, page(bank)).content.decode()
    assert Event.objects.count() == 1


def test_what_was_typed_stays_in_the_form_that_is_refused(bank: Bank) -> None:
    reply = posted(signed_in(bank, "officer"), page(bank), happened_on="2026-12-31", words="<b>调岗</b>")
    said = reply.content.decode()
    assert reply.status_code == 422 and "发生日不能晚于营业日" in said
    assert "&lt;b&gt;调岗" in said and "<b>调岗" not in said
    assert Event.objects.count() == 0
    assert posted(signed_in(bank, "officer"), page(bank), happened_on="2026-02-30").status_code == 422


def test_another_branchs_loan_is_missing(bank: Bank) -> None:
    client = signed_in(bank, "officer")
    assert client.get(page(bank, "other")).status_code == 404
    assert posted(client, page(bank, "other")).status_code == 404
    assert signed_in(bank, "auditor").get(page(bank)).status_code == 200
    assert posted(signed_in(bank, "auditor"), page(bank)).status_code == 403
    assert Event.objects.count() == 0


def test_a_manager_takes_a_mistake_back(bank: Bank) -> None:
    posted(signed_in(bank, "officer"), page(bank))
    event = Event.objects.get()
    client = signed_in(bank, "manager")
    assert "撤回原因" in client.get(page(bank)).content.decode()
    said = client.post(f"/events/{event.pk}/withdraw/", {"reason": "录错客户"}, follow=True).content.decode()
    assert "已撤回工作变动" in said and "登记有误" in said


def test_the_page_costs_the_same_with_many_events(bank: Bank) -> None:
    client = signed_in(bank, "officer")

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(page(bank)).status_code == 200
        return len(caught)

    posted(client, page(bank))
    few = statements()
    for code in ("MARITAL", "ILLNESS", "NEW_DEBT", "LET"):
        posted(client, page(bank), code=code)
    assert statements() == few


def upload(client: Client, verb: str, text: str, **more: str) -> Any:
    sent = SimpleUploadedFile("court.csv", text.encode())
    return client.post("/events/feeds/", {"feed": "COURT", "verb": verb, "file": sent, **more}, follow=True)


# S1.18 S1.29
def test_a_feed_is_looked_at_and_then_taken(bank: Bank) -> None:
    note = bank.loans["home"].loan_note_no
    text = f"{HEADER}\nC-1,{note},,SUED,2026-11-01,,开庭公告\nC-2,NOBODY,,SUED,2026-11-01,,\nC-3,{note},,SUED,1.11,,\n"
    client = signed_in(bank, "operations")
    looked = upload(client, "preview", text)
    said = looked.content.decode()
    assert "将登记 1" in said and "拒收 2" in said and "没有这笔贷款" in said and "YYYY-MM-DD" in said
    assert Event.objects.count() == 0
    sha256 = looked.context["report"].sha256
    assert upload(client, "take", text + "\n\n", sha256=sha256).status_code == 422
    assert "已接收：事项 1 条" in upload(client, "take", text, sha256=sha256).content.decode()
    assert Event.objects.get().words == "开庭公告"
    assert "已接收：事项 0 条" in upload(client, "take", text, sha256=sha256).content.decode()
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", f"{HEADER}\nx\x00y,,,,,,\n", "PK\x03\x04", f'{HEADER}\n"open,,,,,,\n']
)
def test_what_is_no_feed_is_refused_as_a_whole(bank: Bank, text: str) -> None:
    reply = upload(signed_in(bank, "operations"), "preview", text)
    assert reply.status_code == 422 and Event.objects.count() == 0


def test_the_api_takes_events_and_feeds(bank: Bank) -> None:
    api, loan = bank.api("officer"), bank.loans["home"]
    body = {"code": "ILLNESS", "happened_on": "2026-11-01", "words": "家属来电"}
    reply = api.post(f"loans/{loan.pk}/events/", body)
    assert reply.status_code == 201 and reply.json()["is_open"] is True
    assert [row["what"] for row in api.get(f"loans/{loan.pk}/events/").json()["results"]] == ["重病"]
    assert api.post(f"loans/{loan.pk}/events/", {**body, "code": "VALUE_80"}).status_code == 422
    kinds = api.get("event-kinds/").json()["results"]
    assert next(row for row in kinds if row["code"] == "ILLNESS")["sections"][:2] == ["employment", "income"]
    sender = bank.api("operations")
    content = f"{HEADER}\nC-1,{loan.loan_note_no},,SUED,2026-11-01,,\n"
    sent = {"feed": "COURT", "name": "court.csv", "content": content}
    assert sender.post("event-feeds/", {**sent, "dry_run": True}, key="k1").json()["taken"] == 1
    assert Event.objects.count() == 1
    assert sender.post("event-feeds/", sent, key="k2").status_code == 201
    again = sender.post("event-feeds/", sent, key="k3").json()
    assert (again["taken"], again["duplicate"], Event.objects.count()) == (0, 1, 2)


def household(bank: Bank) -> tuple[VisitTask, VisitTask]:
    """Two homes of one borrower, a visit of each."""
    officer, first = bank.staff["officer"], book_loan(bank.home, bank.staff["officer"])
    second = book_loan(bank.home, officer, borrower=first.borrower)
    return make_task(first, officer), make_task(second, officer, due_on=date(2026, 11, 10))


def test_two_visits_of_one_customer_are_merged_and_taken_apart(bank: Bank) -> None:
    lead, member = household(bank)
    client = signed_in(bank, "officer")
    assert "同户 2 笔，可一次走访" in client.get(f"/tasks/{lead.pk}/").content.decode()
    said = client.post(f"/tasks/{lead.pk}/merge/", {"task": [member.pk], "mode": "JOINT"}, follow=True)
    assert "并入 1 项" in said.content.decode() and MergedTask.objects.count() == 1
    assert lead.number in client.get(f"/tasks/{member.pk}/").content.decode()
    client.post(f"/tasks/{member.pk}/start/")
    member.refresh_from_db()
    assert member.state == "PLANNED"
    said = client.post(f"/tasks/{member.pk}/unmerge/", {"reason": "客户要求分开"}, follow=True)
    assert "已拆开" in said.content.decode()
    assert MergedTask.objects.get().ended_by == bank.staff["officer"].staff_no


def test_the_api_merges_and_takes_apart(bank: Bank) -> None:
    lead, member = household(bank)
    api = bank.api("officer")
    foreign = api.post(f"tasks/{lead.pk}/merge/", {"tasks": [bank.tasks["other"].pk]})
    missing = api.post(f"tasks/{lead.pk}/merge/", {"tasks": [987654321]})
    assert foreign.status_code == missing.status_code == 422
    assert foreign.json()["error"]["message"] == missing.json()["error"]["message"]
    assert api.post(f"tasks/{lead.pk}/merge/", {"tasks": [bank.tasks["home"].pk]}).status_code == 422
    assert api.post(f"tasks/{lead.pk}/merge/", {"tasks": [member.pk], "mode": "EACH"}).status_code == 200
    assert api.post(f"tasks/{member.pk}/start/").status_code == 409
    assert api.post(f"tasks/{member.pk}/unmerge/", {"reason": "客户要求分开"}).status_code == 200
