"""What the desk does with ticked rows and keeps for a person, over the API: the same actions, the same refusals."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from correspondence.actions import stop_contact
from correspondence.batch import install_first_templates
from correspondence.models import Message
from followups.filters import SORTS
from followups.models import Method, Outcome, SavedView, TaskState, VisitTask
from followups.views.desk_page import ORDERS
from journal.models import Entry
from people.models import Party
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank
from tests.web.test_api_hostile import DAYS, TEXTS
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db
CLEAN = {"items": [], "exceptions": [], "is_sample": True}


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def of_officer(bank: Bank, **given: Any) -> VisitTask:
    officer = bank.staff["officer"]
    return make_task(book_loan(bank.home, officer), officer, **{"cycle": f"D{VisitTask.objects.count()}", **given})


def refused(reply: Any, code: str, *fields: str) -> str:
    """The sentence of a refusal that names its code and these fields."""
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], list(error["fields"])) == (422, code, list(fields)), error
    return str(error["message"])


# ── An off-site check that a person looked at ────────────────────────────────────────────────────


def test_a_clean_check_is_closed_once_with_a_note(bank: Bank) -> None:
    task = of_officer(bank, method=Method.OFF_SITE, evidence=CLEAN)
    path, api = f"tasks/{task.pk}/close/", bank.api("officer")
    closed = api.post(path, {"note": "已核对证据表"}, key="close-one")
    assert closed.status_code == 200
    assert (closed.json()["state"], closed.json()["outcome"]) == (TaskState.CLOSED, Outcome.CLEAN)
    assert api.post(path, {"note": "已核对证据表"}, key="close-one").content == closed.content
    again = api.post(path, {"note": "已核对证据表"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "task_already_ended")
    assert Entry.objects.filter(kind="followups.off_site_closed", subject_id=task.pk).count() == 1


def test_what_needs_a_visit_is_not_closed_without_one(bank: Bank) -> None:
    sample = of_officer(bank, method=Method.OFF_SITE, evidence=CLEAN)
    bad = of_officer(bank, method=Method.OFF_SITE, evidence={**CLEAN, "exceptions": ["ARREARS"]})
    unchecked, phone = of_officer(bank, method=Method.OFF_SITE), of_officer(bank, method=Method.PHONE)
    api = bank.api("officer")
    for task, words in ((bad, "检查有异常"), (unchecked, "系统尚未检查"), (phone, "不是非现场检查")):
        assert words in refused(api.post(f"tasks/{task.pk}/close/", {"note": "已核对"}), "off_site_refused")
    refused(api.post(f"tasks/{sample.pk}/close/", {"note": "看"}), "reason_missing", "note")
    for wrong in ({}, {"note": ""}, {"note": 1}, {"note": "已核对", "state": "CLOSED"}):
        reply = api.post(f"tasks/{sample.pk}/close/", wrong)
        assert reply.status_code == 400 and reply.json()["error"]["fields"]
    assert bank.api("stranger").post(f"tasks/{sample.pk}/close/", {"note": "已核对"}).status_code == 404
    assert refused(bank.api("colleague").post(f"tasks/{sample.pk}/close/", {"note": "已核对"}), "not_yours")
    assert bank.api("auditor").post(f"tasks/{sample.pk}/close/", {"note": "已核对"}).status_code == 403
    assert set(VisitTask.objects.filter(rule="PERIODIC", method="OFF_SITE").values_list("state", flat=True)) == {
        TaskState.PLANNED
    }


# ── Who goes along ───────────────────────────────────────────────────────────────────────────────


def test_who_is_to_go_along_is_named_and_told(bank: Bank) -> None:
    task, api = of_officer(bank, method=Method.FIELD), bank.api("officer")
    path, colleague = f"tasks/{task.pk}/second/", bank.staff["colleague"]
    assert api.get(f"tasks/{task.pk}/").json()["second_visitor"] is None
    reply = api.post(path, {"second_visitor": colleague.staff_no}, key="second-one")
    assert reply.status_code == 200
    assert reply.json()["second_visitor"] == {"staff_no": colleague.staff_no, "name": colleague.name}
    assert api.post(path, {"second_visitor": colleague.staff_no}, key="second-one").content == reply.content
    version = reply.json()["version"]
    officer, stranger = bank.staff["officer"].staff_no, bank.staff["stranger"].staff_no
    for number in (officer, stranger, bank.staff["auditor"].staff_no, "nobody", "😀", "'; DROP TABLE x;--"):
        refused(api.post(path, {"second_visitor": number}), "second_visitor_wrong", "second_visitor")
    off_site = of_officer(bank, method=Method.OFF_SITE)
    asked = {"second_visitor": colleague.staff_no}
    assert "非现场检查" in refused(
        api.post(f"tasks/{off_site.pk}/second/", asked), "second_visitor_wrong", "second_visitor"
    )
    assert bank.api("stranger").post(path, asked).status_code == 404
    for wrong in ({}, {"second_visitor": None}, {"second_visitor": 1}, {"second_visitor": "x" * 21}, {**asked, "x": 1}):
        assert api.post(path, wrong).status_code == 400
    assert api.get(f"tasks/{task.pk}/").json()["version"] == version


# ── The day of the visit, told to the customer ───────────────────────────────────────────────────


def test_a_visit_is_announced_once_for_a_day(bank: Bank) -> None:
    install_first_templates(at=AT)
    task, api = of_officer(bank, method=Method.PHONE), bank.api("officer")
    Party.objects.filter(pk=task.loan.borrower_id).update(phone="19900001234")
    on, path = (TODAY + timedelta(days=3)).isoformat(), f"tasks/{task.pk}/announce/"
    made = api.post(path, {"on": on}, key="tell-one")
    assert made.status_code == 201
    body = made.json()
    assert (body["kind"], body["about"], body["state"], body["loan_id"]) == ("APPOINTMENT", on, "WAITING", task.loan_id)
    assert "19900001234" not in made.content.decode()
    assert api.post(path, {"on": on}, key="tell-one").content == made.content
    assert Message.objects.filter(kind="APPOINTMENT").count() == 1
    assert "已在待发" in refused(api.post(path, {"on": on}), "not_announced")
    manager = bank.staff["manager"]
    stop_contact(loan_id=task.loan_id, ground="ASKED", heard="PHONE", reason="客户来电要求", by=manager, at=AT)
    later = (TODAY + timedelta(days=4)).isoformat()
    assert "客户不接收短信" in refused(api.post(path, {"on": later}), "not_announced")


def test_an_announcement_that_cannot_be_made_is_refused(bank: Bank) -> None:
    install_first_templates(at=AT)
    task, off_site = of_officer(bank, method=Method.PHONE), of_officer(bank, method=Method.OFF_SITE)
    path, api, on = f"tasks/{task.pk}/announce/", bank.api("officer"), (TODAY + timedelta(days=3)).isoformat()
    for day in (TODAY - timedelta(days=1), TODAY + timedelta(days=61)):
        refused(api.post(path, {"on": day.isoformat()}), "not_announced", "on")
    for wrong in (*({"on": day} for day in DAYS if day not in ("0001-01-01", "9999-12-31")), {}, {"on": on, "to": "x"}):
        reply = api.post(path, wrong)
        assert reply.status_code == 400 and reply.json()["error"]["fields"], wrong
    other = api.post(f"tasks/{off_site.pk}/announce/", {"on": on})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "wrong_state")
    assert bank.api("stranger").post(path, {"on": on}).status_code == 404
    refused(bank.api("colleague").post(path, {"on": on}), "not_yours")
    assert bank.api("manager").post(path, {"on": on}).status_code == 403
    assert not Message.objects.exists()


# ── The printed form ─────────────────────────────────────────────────────────────────────────────


def test_the_form_of_a_visit_is_printed_and_on_record(bank: Bank) -> None:
    task, light = of_officer(bank, method=Method.FIELD), of_officer(bank, is_light=True)
    api = bank.api("officer")
    reply = api.get(f"tasks/{task.pk}/form/")
    assert (reply.status_code, reply["Content-Type"]) == (200, "application/pdf")
    assert reply.content.startswith(b"%PDF") and f'filename="{task.number}.pdf"' in reply["Content-Disposition"]
    assert reply["Cache-Control"] == "no-store"
    assert Entry.objects.filter(kind="followups.form_printed", subject_id=task.pk).count() == 1
    assert "逾期跟踪不需要回访表" in refused(api.get(f"tasks/{light.pk}/form/"), "form_refused")
    assert bank.api("stranger").get(f"tasks/{task.pk}/form/").status_code == 404
    refused(bank.api("colleague").get(f"tasks/{task.pk}/form/"), "not_yours")
    assert bank.api("auditor").get(f"tasks/{task.pk}/form/").status_code == 403
    VisitTask.objects.filter(pk=task.pk).update(state=TaskState.CANCELLED, closed_on=TODAY, outcome="REPLANNED")
    ended = api.get(f"tasks/{task.pk}/form/")
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "task_already_ended")
    assert Entry.objects.filter(kind="followups.form_printed").count() == 1


# ── Views of the desk ────────────────────────────────────────────────────────────────────────────


def test_a_view_is_kept_renamed_and_dropped_and_stands_on_the_desk(bank: Bank) -> None:
    api = bank.api("officer")
    kept = api.post("views/", {"name": " 红的 ", "query": "sort=due&chip=urgent&cursor=x"}, key="view-one")
    assert kept.status_code == 201
    row = kept.json()
    assert (row["name"], row["query"]) == ("红的", "chip=urgent&sort=due")
    assert (
        api.post("views/", {"name": " 红的 ", "query": "sort=due&chip=urgent&cursor=x"}, key="view-one").json() == row
    )
    page = client_of(bank, "officer").get(reverse("followups:desk"), {"sort": "due", "chip": "urgent"})
    assert page.context["views"][0]["is_on"]
    replaced = api.post("views/", {"name": "红的", "query": "chip=today"}).json()
    assert (replaced["id"], replaced["query"]) == (row["id"], "chip=today")
    assert api.post(f"views/{row['id']}/rename/", {"name": "今天"}).json()["name"] == "今天"
    assert [one["name"] for one in api.get("views/").json()["results"]] == ["今天"]
    assert bank.api("colleague").get("views/").json() == {"results": []}
    for who in ("colleague", "manager", "auditor"):
        assert bank.api(who).send("DELETE", f"views/{row['id']}/").status_code == 404
        assert bank.api(who).post(f"views/{row['id']}/rename/", {"name": "别人的"}).status_code == 404
    assert SavedView.objects.get().name == "今天"
    assert api.send("DELETE", f"views/{row['id']}/").status_code == 204
    assert api.send("DELETE", f"views/{row['id']}/").status_code == 404 and not SavedView.objects.exists()


def test_what_a_view_cannot_be_is_refused_with_its_field(bank: Bank) -> None:
    api = bank.api("officer")
    for query in (
        "borrower__phone=1", "chip=nothing", "due_from=2026-02-30", "state=OPEN", "branch=%00", "light=maybe",
        "x" * 501, None, 1, {"chip": "today"}, "id__in=1&chip=today", "loan=1e400",
        "scope=zzz", "sort=zzz", "scope=%00x", "sort=due&sort=x",
    ):  # fmt: skip
        reply = api.post("views/", {"name": "红的", "query": query})
        assert reply.status_code == 400 and list(reply.json()["error"]["fields"]) == ["query"], query
    for name in ("", " ", None, 1, "x" * 61):
        reply = api.post("views/", {"name": name, "query": "chip=today"})
        assert reply.status_code == 400 and list(reply.json()["error"]["fields"]) == ["name"], name
    refused(api.post("views/", {"name": "长" * 21, "query": "chip=today"}), "view_refused", "name")
    refused(api.post("views/", {"name": "空的", "query": ""}), "view_refused", "query")
    refused(api.post("views/", {"name": "空的", "query": "cursor=x"}), "view_refused", "query")
    for text in TEXTS:
        assert api.post("views/", {"name": text, "query": "chip=today"}).status_code in (201, 400, 422), text
        assert api.post("views/", {"name": "红的", "query": text}).status_code in (400, 422), text
        assert api.post("views/", {"name": "红的", "query": f"q={text}"}).status_code in (201, 400, 422), text
    SavedView.objects.all().delete()
    for number in range(12):
        assert api.post("views/", {"name": f"第{number}个", "query": "chip=today"}).status_code == 201
    refused(api.post("views/", {"name": "多一个", "query": "chip=today"}), "view_refused", "name")
    taken = api.post(f"views/{SavedView.objects.earliest('id').pk}/rename/", {"name": "第5个"})
    assert "已有同名视图" in refused(taken, "view_refused", "name")
    assert bank.api("operations").get("views/").status_code == 403


def test_a_view_may_hold_every_scope_and_order_of_the_desk() -> None:
    assert [order.code for order in ORDERS] == list(SORTS)
