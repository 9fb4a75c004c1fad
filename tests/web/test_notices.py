"""Pages of what runs late, of certificates and of turn-around; cover on the desk; the API of them (S2.2, S2.26)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.batch.sharing import share_out
from followups.models import Notice, NoticesRead, SkipRequest, TaskEvent, VisitTask
from followups.queries.late_steps import late_steps
from people.actions.leave import enter_leave
from people.models import Certificate
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
YESTERDAY = TODAY - timedelta(days=1)
BEFORE = TODAY - timedelta(days=12)


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend=BACKEND)
    return client


def late(bank: Bank, count: int = 1, **given: Any) -> list[VisitTask]:
    """Follow-ups of the home officer that were due yesterday, and the evening that told of them."""
    officer = bank.staff["officer"]
    tasks = [
        make_task(
            book_loan(bank.home, officer),
            officer,
            **{"due_on": YESTERDAY, "opens_on": BEFORE, "created_on": BEFORE, **given},
        )  # fmt: skip
        for _ in range(count)
    ]
    share_out(as_of=YESTERDAY, at=AT)
    return tasks


def test_the_bell_counts_until_it_is_read_and_the_page_leads_to_the_task(bank: Bank) -> None:
    (task,) = late(bank)
    client = client_of(bank, "officer")
    count = reverse("followups:notices_count")
    first = int(re.findall(r"\d+", client.get(count).content.decode())[0])
    page = client.get(reverse("followups:notices")).content.decode()
    assert f"/tasks/{task.pk}/" in page and "时限已到未办" in page and first >= 1
    assert f'href="{reverse("followups:notices")}"' in client.get(reverse("followups:desk")).content.decode()
    last = re.findall(r'name="up_to" value="(\d+)"', page)[0]
    client.post(reverse("followups:notices_read"), {"up_to": last})
    assert client.get(count).content.strip() == b"" and NoticesRead.objects.count() == 1
    assert "全部标为已读" not in client.get(reverse("followups:notices")).content.decode()
    other = client_of(bank, "colleague").get(reverse("followups:notices")).content.decode()
    assert f"/tasks/{task.pk}/" not in other


def test_nobody_marks_read_what_is_not_told_to_them(bank: Bank) -> None:
    late(bank)
    client = client_of(bank, "stranger")
    for up_to in (str(Notice.objects.latest("id").pk), "x", "9" * 30):
        client.post(reverse("followups:notices_read"), {"up_to": up_to})
    assert not NoticesRead.objects.exists()


def test_the_page_of_notices_asks_the_same_few_questions(bank: Bank) -> None:
    late(bank)
    client = client_of(bank, "officer")
    client.get(reverse("followups:notices"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("followups:notices"))
    late(bank, 8)
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("followups:notices"))
    assert len(many) == len(few) <= 16


def test_notices_over_the_api(bank: Bank) -> None:
    (task,) = late(bank)
    api = bank.api("officer")
    found = api.get("notices/").json()
    assert task.pk in {row["task_id"] for row in found["results"]} and all(row["is_new"] for row in found["results"])
    read = api.post("notices/", {"up_to": found["last"]}).json()
    assert read["results"] and not any(row["is_new"] for row in read["results"])


def test_a_step_past_its_own_limit_is_named_where_it_is_seen(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, due_on=TODAY + timedelta(days=40))
    VisitTask.objects.filter(pk=task.pk).update(state="IN_PROGRESS")
    # A visit begun so many days ago; the limit of two workdays ended before the weekend or in the week before.
    TaskEvent.objects.create(task=task, kind="STARTED", at=AT, business_date=BEFORE, actor="system")
    client = client_of(bank, "officer")
    with CaptureQueriesContext(connection) as before:
        client.get(reverse("followups:desk"))
    share_out(as_of=YESTERDAY, at=AT)
    late = late_steps([task.pk], day=TODAY)[task.pk].late
    said = f"回访已超时限{late.workdays}个工作日"
    assert late.workdays > 1
    page = client.get(reverse("followups:notices")).content.decode()
    row = next(row for row in page.split("<tr>") if f"/tasks/{task.pk}/" in row)
    assert said in row and f"{late.due_on:%Y-%m-%d}" in row
    desk = client.get(reverse("followups:desk")).content.decode()
    assert f"回访超{late.workdays}天" in desk and said in desk
    assert said in client.get(reverse("followups:drawer", args=[task.pk])).content.decode()
    around = client_of(bank, "manager").get(reverse("followups:turn_around")).content.decode()
    assert said in around
    told = bank.api("officer").get("notices/").json()["results"]
    (found,) = [one for one in told if one["task_id"] == task.pk]
    assert (found["code"], found["late_workdays"], found["due_on"]) == (
        "STEP_VISIT", late.workdays, late.due_on.isoformat(),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as after:
        client.get(reverse("followups:desk"))
    assert len(after) == len(before), "the page of the desk reads it with its rows"


def test_cover_has_a_chip_with_its_count_on_the_desk(bank: Bank) -> None:
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    client = client_of(bank, "colleague")
    page = client.get(reverse("followups:desk")).content.decode()
    assert re.search(r"代管 <b>0</b>", page)
    enter_leave(staff=officer, first=TODAY, last=TODAY, deputy=colleague, reason="病假", by=officer, at=AT)
    count = VisitTask.objects.filter(assigned_to=officer, closed_on__isnull=True).count()
    page = client.get(reverse("followups:desk")).content.decode()
    assert count and re.search(rf"代管 <b>{count}</b>", page)
    listed = client.get(reverse("followups:desk"), {"chip": "covered"}).content.decode()
    assert len(set(re.findall(r'data-task="(\d+)"', listed))) == count
    assert len(bank.api("colleague").get("tasks/", chip="covered", open="true").json()["results"]) == count
    assert bank.api("officer").get("tasks/", chip="covered").json()["results"] == []


def test_certificates_are_entered_ended_and_the_gate_is_said_in_words(bank: Bank) -> None:
    officer, client = bank.staff["officer"], client_of(bank, "manager")
    address = reverse("followups:certificates")
    page = client.get(address).content.decode()
    assert "目前仅提示" in page and "还有" in page and officer.name in page.split("没有有效证书")[1]
    typed = {"staff": officer.staff_no, "first": TODAY.isoformat(), "last": "2028-10-31"}
    assert client.post(address, typed).status_code == 302
    made = Certificate.objects.get()
    assert made.staff == officer and made.entered_by == bank.staff["manager"]
    for wrong in (typed, {**typed, "staff": bank.staff["stranger"].staff_no}, {**typed, "last": "2026-02-30"},
                  {**typed, "last": "2026-01-01"}):  # fmt: skip
        assert client.post(address, wrong).status_code in (409, 422)
    assert Certificate.objects.count() == 1
    assert client_of(bank, "officer").post(address, typed).status_code == 403
    client.post(reverse("followups:certificate_end", args=[made.pk]))
    made.refresh_from_db()
    assert made.valid.isempty


def test_certificates_over_the_api(bank: Bank) -> None:
    api = bank.api("manager")
    body = {"staff": bank.staff["officer"].staff_no, "first": TODAY.isoformat(), "last": "2028-10-31"}
    made = api.post("certificates/", body)
    assert made.status_code == 201 and made.json()["last"] == "2028-10-31"
    assert api.post("certificates/", body).status_code == 409
    found = api.get("certificates/").json()
    assert found["gate"]["is_on"] is False and len(found["results"]) == 1
    assert api.post(f"certificates/{made.json()['id']}/end/").json()["last"] is None


def test_a_first_follow_up_is_skipped_on_the_page_by_two(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, kind="FIRST", rule="FIRST_90")
    mine, managers = client_of(bank, "officer"), client_of(bank, "manager")
    page = reverse("followups:task", args=[task.pk])
    assert "申请免访" in mine.get(page).content.decode()
    mine.post(reverse("followups:skip", args=[task.pk]), {"reason": "借款人长期在境外工作"})
    assert "批准免访" not in mine.get(page).content.decode()
    assert f"/tasks/{task.pk}/" in managers.get(reverse("followups:notices")).content.decode()
    assert "批准免访" in managers.get(page).content.decode()
    sent = {"verb": "approve", "content_sha256": SkipRequest.objects.get().content_sha256}
    managers.post(reverse("followups:skip_decide", args=[task.pk]), sent)
    task.refresh_from_db()
    assert task.outcome == "SKIPPED"


def test_skipping_over_the_api(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, kind="FIRST", rule="FIRST_90")
    asked = bank.api("officer").post(f"tasks/{task.pk}/skip/", {"reason": "借款人长期在境外工作"})
    assert asked.status_code == 201
    body = {"approve": True, "content_sha256": asked.json()["content_sha256"]}
    assert bank.api("officer").post(f"tasks/{task.pk}/skip/decide/", body).status_code == 403
    assert bank.api("manager").post(f"tasks/{task.pk}/skip/decide/", body).json()["outcome"] == "SKIPPED"


def test_turn_around_says_the_same_on_the_page_in_files_and_over_the_api(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data) "
            "VALUES (%s, 'APPROVED', now(), %s, 'x', '{}')", [task.pk, TODAY + timedelta(days=4)],
        )  # fmt: skip
        cursor.execute(
            "UPDATE followups_visittask SET state = 'CLOSED', outcome = 'APPROVED', closed_on = %s WHERE id = %s",
            [TODAY + timedelta(days=4), task.pk],
        )
    client, asked = client_of(bank, "manager"), {"to": (TODAY + timedelta(days=9)).isoformat(), "by": "officer"}
    page = client.get(reverse("followups:turn_around"), asked).content.decode()
    links = re.findall(r'<a href="(/turn-around/tasks/[^"]+)">(\d+)</a>', page)
    assert links and officer.name in page and "先到时限" in page
    behind = client.get(links[0][0].replace("&amp;", "&")).content.decode()
    assert f"/tasks/{task.pk}/" in behind
    figures = bank.api("manager").get("turn-around/", **asked).json()
    assert [(row["code"], row["closed"], row["total"]["p50"]) for row in figures["rows"]] == [(officer.staff_no, 1, 4)]
    rows = bank.api("manager").get("turn-around/tasks/", **asked, code=officer.staff_no).json()["results"]
    assert [(row["task_id"], row["total"]) for row in rows] == [(task.pk, 4)]
    assert client.get(reverse("followups:turn_around_file", args=["xlsx"]), asked).content[:2] == b"PK"
    text = client.get(reverse("followups:turn_around_file", args=["csv"]), asked).content.decode("utf-8-sig")
    assert officer.name in text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"by": "x"}, "by"), ({"from": "2026-13-01"}, "from"), ({"from": "2026-10-30", "to": "2026-01-01"}, "to"),
        ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
    ],
)  # fmt: skip
def test_a_period_that_cannot_be_answered_is_refused_with_its_field(
    bank: Bank, wrong: dict[str, str], field: str
) -> None:
    client = client_of(bank, "manager")
    for path in ("turn-around/", "turn-around/tasks/"):
        reply = bank.api("manager").get(path, **wrong)
        assert reply.status_code == 422
        assert reply.json()["error"]["code"] == "wrong_period" and field in reply.json()["error"]["fields"]
    for name in ("followups:turn_around", "followups:turn_around_tasks"):
        page = client.get(reverse(name), wrong)
        assert page.status_code == 422 and 'role="alert"' in page.content.decode()
    assert client.get(reverse("followups:turn_around_file", args=["csv"]), wrong).status_code == 422


def test_why_a_task_is_with_somebody_and_who_goes_along_is_shown(bank: Bank) -> None:
    officer = bank.staff["officer"]
    task = make_task(book_loan(bank.home, officer), officer, method="FIELD")
    share_out(as_of=TODAY, at=AT)
    drawer = client_of(bank, "officer").get(reverse("followups:drawer", args=[task.pk])).content.decode()
    assert "管户客户经理" in drawer and "建议协办" in drawer and bank.staff["colleague"].name in drawer
    body = {"officer": bank.staff["colleague"].staff_no, "reason": "客户指定由其联系"}
    bank.api("manager").post(f"tasks/{task.pk}/assign/", body)
    page = client_of(bank, "manager").get(reverse("followups:task", args=[task.pk])).content.decode()
    assert page.count("客户指定由其联系") >= 2 and f"建议协办 {bank.staff['colleague'].name}" not in page


def test_the_day_plan_and_handing_over_work_over_the_api(bank: Bank) -> None:
    officer, colleague = bank.staff["officer"], bank.staff["colleague"]
    task = make_task(book_loan(bank.home, officer), officer, method="FIELD", due_on=TODAY)
    plan = bank.api("officer").get("day-plan/").json()
    assert [row["task_id"] for row in plan["visits"]] == [task.pk] and plan["visits"][0]["at"] == "09:00"
    assert bank.api("officer").get("day-plan/", officer=bank.staff["stranger"].staff_no).status_code == 422
    manager = bank.api("manager")
    asked = {"officer": officer.staff_no, "receivers": [colleague.staff_no]}
    preview = manager.post("hand-overs/preview/", asked).json()
    assert {row["receiver"] for row in preview["moves"]} == {colleague.staff_no}
    body = {**asked, "content_sha256": preview["content_sha256"], "reason": "调离本行"}
    assert manager.post("hand-overs/", {**body, "content_sha256": "0" * 64}).status_code == 409
    made = manager.post("hand-overs/", body)
    assert made.status_code == 201
    full = manager.get(f"hand-overs/{made.json()['id']}/").json()
    assert len(full["items"]) == len(preview["moves"])
    task.refresh_from_db()
    assert task.assigned_to == colleague
    back = manager.post(f"hand-overs/{made.json()['id']}/reverse/", {"reason": "取消调离"})
    assert back.json()["results"][0]["reverses"] == made.json()["id"]
    assert len(manager.get("hand-overs/").json()["results"]) == 2
