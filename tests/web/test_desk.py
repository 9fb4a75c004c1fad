"""The officer's desk: order, chips, own views, the week, neighbors, ticked rows, asking for somebody else, the file."""

import re
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from collateral.models import Charge, Property
from correspondence.actions import stop_contact
from correspondence.batch import install_first_templates
from correspondence.models import Message
from followups.actions import desk_file, install_default_checklist
from followups.models import (
    EventKind,
    Level,
    MergedTask,
    Method,
    Notice,
    Outcome,
    ReassignRequest,
    SavedView,
    TaskEvent,
    TaskState,
    VisitTask,
)
from followups.queries import desk
from followups.queries.field_form import form_content
from followups.views import desk_papers
from journal.models import Entry
from loans.models import Installment, Position
from people.models import Party
from tests.database.test_visits import make_task
from tests.factories import AT, book_loan
from tests.web.api_bank import TODAY, Bank, make_bank

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"
DESK = "/"


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend=BACKEND)
    return client


def rows_of(client: Client, **asked: str) -> list[int]:
    return [row.task.pk for row in client.get(DESK, asked).context["rows"]]


def of_officer(bank: Bank, **given: Any) -> VisitTask:
    officer = bank.staff["officer"]
    return make_task(book_loan(bank.home, officer), officer, **{"cycle": f"D{VisitTask.objects.count()}", **given})


def words_of(book: bytes) -> str:
    """All texts of a workbook."""
    with ZipFile(BytesIO(book)) as parts:
        return parts.read("xl/worksheets/sheet1.xml").decode()


def overdue(task: VisitTask, amount: str) -> VisitTask:
    """The loan owes so much since September."""
    Position.objects.filter(pk=task.loan_id).update(overdue_since=TODAY - timedelta(days=20))
    Installment.objects.create(
        loan=task.loan, number=900, overdue_from=TODAY - timedelta(days=19),
        due_on=TODAY - timedelta(days=20), principal=Decimal(amount), interest=Decimal(0),
        principal_paid=Decimal(0), interest_paid=Decimal(0),
    )  # fmt: skip
    return task


def test_red_comes_first_then_the_time_left_then_what_is_overdue_most(bank: Bank) -> None:
    client = client_of(bank, "officer")
    before = set(rows_of(client))
    late = of_officer(bank, due_on=TODAY - timedelta(days=1), level=Level.YELLOW)
    red = of_officer(bank, due_on=TODAY + timedelta(days=9), level=Level.RED)
    little = overdue(of_officer(bank, due_on=TODAY, level=Level.NONE), "100.00")
    much = overdue(of_officer(bank, due_on=TODAY, level=Level.NONE), "9000.00")
    none = of_officer(bank, due_on=TODAY, level=Level.ORANGE)
    listed = [pk for pk in rows_of(client) if pk not in before]
    assert listed == [red.pk, late.pk, much.pk, little.pk, none.pk]


def test_each_chip_counts_what_it_lists(bank: Bank) -> None:
    of_officer(bank, due_on=TODAY)
    of_officer(bank, due_on=TODAY - timedelta(days=2), level=Level.RED)
    of_officer(bank, state=TaskState.RETURNED)
    client = client_of(bank, "officer")
    chips = client.get(DESK).context["chips"]
    assert [str(chip["label"]) for chip in chips] == [
        "全部", "今日到期", "已超时限", "本周", "退回修改", "红/橙", "客户来件", "代管",
    ]  # fmt: skip
    for chip in chips[1:]:
        assert len(rows_of(client, chip=chip["code"])) == chip["count"], chip
    assert {chip["code"]: chip["count"] for chip in chips}["past_limit"] >= 1


def test_a_view_is_kept_under_a_name_renamed_and_dropped_and_is_nobody_elses(bank: Bank) -> None:
    client, other = client_of(bank, "officer"), client_of(bank, "colleague")
    client.post(reverse("followups:view_save"), {"name": " 红的 ", "query": "chip=urgent&sort=due&task=7&x=1"})
    view = SavedView.objects.get()
    assert (view.name, view.query) == ("红的", "chip=urgent&sort=due")
    page = client.get(DESK, {"sort": "due", "chip": "urgent"})
    assert page.context["views"][0]["is_on"] and "红的" in page.content.decode()
    assert "红的" not in other.get(DESK).content.decode()
    keep, one = reverse("followups:view_save"), {"view": str(view.pk)}
    other.post(keep, {**one, "verb": "drop"})
    other.post(keep, {**one, "verb": "rename", "name": "别人的"})
    assert SavedView.objects.get().name == "红的"
    client.post(keep, {**one, "verb": "rename", "name": "急的"})
    assert SavedView.objects.get().name == "急的"
    client.post(reverse("followups:view_save"), {"name": "急的", "query": "chip=today"})
    assert SavedView.objects.get().query == "chip=today"
    for name, query in (("", "chip=today"), ("空的", ""), ("长" * 21, "chip=today")):
        client.post(reverse("followups:view_save"), {"name": name, "query": query})
    assert SavedView.objects.count() == 1
    client.post(keep, {**one, "verb": "drop"})
    assert not SavedView.objects.exists()


def test_neighbors_of_an_estate_are_told_without_a_statement_a_row(bank: Bank) -> None:
    client = client_of(bank, "officer")
    client.get(DESK)

    def asked() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured:
            page = client.get(DESK)
        return len(captured), page.content.decode()

    few, _page = asked()
    tasks = [of_officer(bank, due_on=TODAY + timedelta(days=n), method=Method.FIELD) for n in range(3)]
    for number, task in enumerate(tasks):
        homes = Charge.objects.filter(loan=task.loan).values("property_id")
        Property.objects.filter(pk__in=homes).update(
            address=f"江城市滨江区云水湾{number + 1}栋1单元101", district="滨江区"
        )
    many, page = asked()
    assert many == few <= 12
    assert "同楼盘30天内另有2户，可同次走访" in page and "云水湾" in page
    drawer = client.get(reverse("followups:drawer", args=[tasks[0].pk])).content.decode()
    assert "云水湾2栋1单元101" in drawer and "改到同一天" in drawer
    manager = client_of(bank, "manager").get(reverse("followups:drawer", args=[tasks[0].pk])).content.decode()
    assert "云水湾2栋" not in manager


def test_the_week_counts_what_is_planned_against_the_ceiling(bank: Bank) -> None:
    week = client_of(bank, "officer").get(DESK).context["week"]
    of_officer(bank, due_on=TODAY, method=Method.PHONE)
    of_officer(bank, due_on=TODAY - timedelta(days=3), method=Method.PHONE)
    of_officer(bank, due_on=TODAY, method=Method.OFF_SITE)
    after = client_of(bank, "officer").get(DESK).context["week"]
    assert (after.this - week.this, after.today - week.today, after.ceiling) == (2, 2, 8)
    assert client_of(bank, "manager").get(DESK).context["week"] is None


def test_the_number_is_dialled_by_who_works_on_the_task_alone_and_on_record(bank: Bank) -> None:
    task = of_officer(bank)
    type(task.loan.borrower).objects.filter(pk=task.loan.borrower_id).update(phone="19900001234")
    client = client_of(bank, "officer")
    dial = reverse("followups:dial", args=[task.pk])
    assert "19900001234" not in client.get(reverse("followups:drawer", args=[task.pk])).content.decode()
    assert client.post(dial).json() == {"href": "tel:19900001234"}
    assert client.post(reverse("followups:navigate", args=[task.pk])).json()["href"].startswith("geo:0,0?q=")
    told = Entry.objects.filter(kind__in=["followups.dialled", "followups.navigated"])
    assert told.count() == 2 and "19900001234" not in str(list(told.values_list("data", flat=True)))
    assert client_of(bank, "colleague").post(dial).status_code == 422
    assert client_of(bank, "stranger").post(dial).status_code == 404
    assert told.count() == 2


def test_a_task_goes_to_somebody_else_when_another_person_says_so(bank: Bank) -> None:
    task, officer = of_officer(bank), client_of(bank, "officer")
    ask, decide = (reverse(f"followups:{name}", args=[task.pk]) for name in ("reassign", "reassign_decide"))
    officer.post(ask, {"reason": "短"})
    assert not ReassignRequest.objects.exists()
    officer.post(ask, {"reason": "与客户有亲属关系"})
    officer.post(ask, {"reason": "与客户有亲属关系"})
    asked = ReassignRequest.objects.get()
    assert Notice.objects.filter(task=task, code="REASSIGN").count() == 1
    assert "与客户有亲属关系" in client_of(bank, "manager").get(reverse("followups:notices")).content.decode()
    assert officer.post(decide, {"verb": "approve", "officer": bank.staff["colleague"].staff_no}).status_code == 403
    manager = client_of(bank, "manager")
    manager.post(decide, {"verb": "refuse", "note": ""})
    manager.post(decide, {"verb": "approve", "officer": ""})
    asked.refresh_from_db()
    assert asked.state == "WAITING"
    manager.post(decide, {"verb": "approve", "officer": bank.staff["colleague"].staff_no})
    asked.refresh_from_db()
    task.refresh_from_db()
    assert (asked.state, task.assigned_to) == ("APPROVED", bank.staff["colleague"])
    assert asked.given_to == task.assigned_to and asked.decided_by == bank.staff["manager"]
    assert Notice.objects.filter(task=task, code="ANSWERED").count() == 1
    manager.post(decide, {"verb": "refuse", "note": "已经改派过了"})
    asked.refresh_from_db()
    assert asked.state == "APPROVED"


def test_a_refused_request_leaves_the_task_where_it_is(bank: Bank) -> None:
    task = of_officer(bank)
    client_of(bank, "officer").post(reverse("followups:reassign", args=[task.pk]), {"reason": "本周任务太多"})
    decide = reverse("followups:reassign_decide", args=[task.pk])
    client_of(bank, "manager").post(decide, {"verb": "refuse", "note": "请先完成红色任务"})
    asked = ReassignRequest.objects.get()
    task.refresh_from_db()
    assert (asked.state, asked.note, task.assigned_to) == ("REFUSED", "请先完成红色任务", bank.staff["officer"])
    assert TaskEvent.objects.filter(task=task, kind=EventKind.REASSIGN_REFUSED).exists()


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"reason": "''"}, "reassign_has_a_reason"),
        ({"decided_by_id": "asked_by_id", "decided_at": "asked_at", "state": "'REFUSED'", "note": "'x'"},
         "reassign_decided_by_another"),
        ({"state": "'REFUSED'", "note": "'x'"}, "decided_reassign_says_by_whom"),
        ({"given_to_id": "asked_by_id"}, "approved_reassign_says_to_whom"),
        ({"state": "'REFUSED'", "decided_by_id": "%(other)s", "decided_at": "asked_at"}, "refused_reassign_says_why"),
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_by_the_database(
    bank: Bank, columns: dict[str, str], name: str
) -> None:
    task = of_officer(bank)
    ReassignRequest.objects.create(task=task, reason="亲属", asked_by=bank.staff["officer"], asked_at=AT)
    sets = ", ".join(f"{column} = {value}" for column, value in columns.items())
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE followups_reassignrequest SET {sets}", {"other": bank.staff["manager"].pk})  # noqa: S608


def test_one_request_waits_at_a_time_and_a_view_has_a_name(bank: Bank) -> None:
    task, officer = of_officer(bank), bank.staff["officer"]
    ReassignRequest.objects.create(task=task, reason="亲属", asked_by=officer, asked_at=AT)
    with pytest.raises(IntegrityError, match="reassign_asked_once_at_a_time"), transaction.atomic():
        ReassignRequest.objects.create(task=task, reason="亲属", asked_by=officer, asked_at=AT)
    SavedView.objects.create(staff=officer, name="甲", query="chip=today", made_at=AT)
    with pytest.raises(IntegrityError, match="view_name_once_a_person"), transaction.atomic():
        SavedView.objects.create(staff=officer, name="甲", query="chip=week", made_at=AT)
    with pytest.raises(IntegrityError, match="view_has_a_name_and_filters"), transaction.atomic():
        SavedView.objects.create(staff=officer, name="", query="chip=week", made_at=AT)


def told(client: Client, name: str, **given: Any) -> str:
    """What the page says after a button of the batch line."""
    page = client.post(reverse(f"followups:{name}"), given, follow=True)
    return " ".join(str(message) for message in page.context["messages"])


def test_ticked_tasks_of_one_customer_become_one_visit_and_a_lone_one_is_named(bank: Bank) -> None:
    officer = bank.staff["officer"]
    loan = book_loan(bank.home, officer)
    phone = make_task(loan, officer, cycle="P1", method=Method.PHONE, due_on=TODAY + timedelta(days=3))
    field = make_task(loan, officer, cycle="F1", method=Method.FIELD, due_on=TODAY + timedelta(days=20))
    alone = of_officer(bank)
    said = told(client_of(bank, "officer"), "merge_ticked", task=[phone.pk, field.pk, alone.pk])
    link = MergedTask.objects.get()
    assert (link.lead, link.task) == (field, phone)
    assert "并入 1 项" in said and f"{alone.number}：同户没有其他勾选的任务" in said


def test_who_goes_along_is_named_row_by_row(bank: Bank) -> None:
    field, off_site = of_officer(bank, method=Method.FIELD), of_officer(bank, method=Method.OFF_SITE)
    client, colleague = client_of(bank, "officer"), bank.staff["colleague"]
    said = told(client, "second_ticked", task=[field.pk, off_site.pk], second=colleague.staff_no)
    field.refresh_from_db()
    off_site.refresh_from_db()
    assert (field.proposed_second, off_site.proposed_second) == (colleague, None)
    assert "1 项已指定协办人" in said and f"{off_site.number}：非现场检查和逾期跟踪不需要协办人" in said
    before = field.version
    told(client, "second_ticked", task=[field.pk], second=bank.staff["officer"].staff_no)
    told(client, "second_ticked", task=[field.pk], second="NOBODY")
    field.refresh_from_db()
    assert (field.proposed_second, field.version) == (colleague, before)


def test_only_a_clean_off_site_check_is_closed_without_a_visit(bank: Bank) -> None:
    clean = {"items": [], "exceptions": [], "is_sample": True}
    sample = of_officer(bank, method=Method.OFF_SITE, evidence=clean)
    bad = of_officer(bank, method=Method.OFF_SITE, evidence={**clean, "exceptions": ["ARREARS"]})
    unchecked, phone = of_officer(bank, method=Method.OFF_SITE), of_officer(bank, method=Method.PHONE)
    others = (bad, unchecked, phone)
    client = client_of(bank, "officer")
    assert "请写明原因" in told(client, "close_ticked", task=[sample.pk], note="")
    said = told(client, "close_ticked", task=[task.pk for task in (sample, *others)], note="已核对证据表")
    sample.refresh_from_db()
    assert (sample.state, sample.outcome) == (TaskState.CLOSED, Outcome.CLEAN) and "1 项非现场检查已办结" in said
    for task, words in zip(others, ("检查有异常", "系统尚未检查", "不是非现场检查"), strict=True):
        task.refresh_from_db()
        assert task.state == TaskState.PLANNED and f"{task.number}：{words}" in said


def test_a_visit_is_announced_in_approved_words_and_waits_to_be_sent(bank: Bank) -> None:
    install_first_templates(at=AT)
    phone, off_site = of_officer(bank, method=Method.PHONE), of_officer(bank, method=Method.OFF_SITE)
    silent = of_officer(bank, method=Method.FIELD)
    Party.objects.filter(pk__in=[phone.loan.borrower_id, off_site.loan.borrower_id]).update(phone="19900001234")
    Party.objects.filter(pk=silent.loan.borrower_id).update(phone="")
    client, on = client_of(bank, "officer"), TODAY + timedelta(days=3)
    said = told(client, "message_ticked", task=[phone.pk, off_site.pk, silent.pk], on=on.isoformat())
    made = Message.objects.get(kind="APPOINTMENT")
    assert (made.loan_id, made.about, made.state, made.amount) == (phone.loan_id, on, "WAITING", 0)
    assert timezone.localtime(made.not_before).date() == on - timedelta(days=1) and made.expires_on == on
    assert "1 条预约短信已排队待发" in said and f"{silent.number}：没有登记联系电话" in said
    assert f"{off_site.number}：该任务不需要约见客户" in said
    assert "已在待发" in told(client, "message_ticked", task=[phone.pk], on=on.isoformat())
    assert "请填写有效日期" in told(client, "message_ticked", task=[phone.pk], on="x")
    late = (TODAY - timedelta(days=1)).isoformat()
    assert "回访日期须在营业日" in told(client, "message_ticked", task=[phone.pk], on=late)
    manager = bank.staff["manager"]
    stop_contact(loan_id=phone.loan_id, ground="ASKED", heard="PHONE", reason="客户来电要求", by=manager, at=AT)
    made.refresh_from_db()
    assert (made.state, made.reason) == ("CANCELLED", "UNWANTED")
    again = (on + timedelta(days=1)).isoformat()
    assert "客户不接收短信" in told(client, "message_ticked", task=[phone.pk], on=again)
    assert Message.objects.filter(kind="APPOINTMENT").count() == 1
    drawer = client.get(reverse("followups:drawer", args=[phone.pk])).content.decode()
    assert "不发短信" in drawer and "借款人要求" in drawer


def test_forms_are_printed_with_old_values_and_name_what_is_left_out(bank: Bank) -> None:
    install_default_checklist(at=AT)
    field, light = of_officer(bank, method=Method.FIELD), of_officer(bank, is_light=True)
    client = client_of(bank, "officer")
    answer = client.post(reverse("followups:forms_ticked"), {"task": [field.pk, light.pk]})
    assert answer.headers["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")
    assert Entry.objects.filter(kind="followups.form_printed", subject_id=field.pk).count() == 1
    assert not Entry.objects.filter(kind="followups.form_printed", subject_id=light.pk).exists()
    with override("zh-hans"):
        content = form_content(desk(bank.staff["officer"]).get(pk=field.pk), bank.staff["officer"], TODAY)
        masked = form_content(desk(bank.staff["manager"]).get(pk=field.pk), bank.staff["manager"], TODAY)
    assert content["person"]["name"] == field.loan.borrower.name and content["number"] == field.number
    assert masked["person"]["name"] != field.loan.borrower.name and "*" in masked["person"]["address"]
    labels = [row["label"] for section in content["sections"] for row in section["items"]]
    assert "工作单位" in " ".join(labels) and field.loan.borrower.phone not in str(content)
    assert "逾期跟踪不需要回访表" in told(client, "forms_ticked", task=[light.pk])


def test_nothing_ticked_and_foreign_tasks_are_said_and_left_alone(bank: Bank) -> None:
    task = of_officer(bank, method=Method.FIELD)
    for name in ("merge_ticked", "second_ticked", "close_ticked", "message_ticked", "forms_ticked"):
        assert "请先勾选任务" in told(client_of(bank, "officer"), name)
        assert "请先勾选任务" in told(client_of(bank, "stranger"), name, task=[task.pk])
    task.refresh_from_db()
    assert task.proposed_second is None and task.state == TaskState.PLANNED


def test_the_file_holds_what_the_filters_leave_and_is_on_record(bank: Bank) -> None:
    red = of_officer(bank, due_on=TODAY, level=Level.RED)
    of_officer(bank, due_on=TODAY + timedelta(days=30))
    client = client_of(bank, "officer")
    words = words_of(client.get(reverse("followups:desk_file"), {"chip": "urgent"}).getvalue())
    listed = set(rows_of(client, chip="urgent"))
    numbers = set(re.findall(r"HF\d{15}", words))
    assert numbers == {task.number for task in VisitTask.objects.filter(pk__in=listed)} and red.number in numbers
    entry = Entry.objects.get(kind="followups.desk_list_taken")
    assert entry.data["rows"] == len(listed)
    api = {row["id"] for row in bank.api("officer").get("tasks/", chip="urgent", open="true").json()["results"]}
    assert listed <= api
    name = red.loan.borrower.name
    masked = words_of(client_of(bank, "auditor").get(reverse("followups:desk_file"), {"chip": "urgent"}).getvalue())
    assert name in words and name not in masked and "**" in masked


def test_the_file_is_read_some_rows_at_a_time_in_the_lists_order(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        of_officer(bank, due_on=TODAY + timedelta(days=7 - number), level=Level.RED if number == 3 else Level.NONE)
    client = client_of(bank, "officer")
    listed = [row.task.number for row in client.get(DESK).context["rows"]]
    whole = words_of(client.get(reverse("followups:desk_file")).getvalue())
    assert re.findall(r"HF\d{15}", whole) == listed and len(listed) > 7
    monkeypatch.setattr(desk_papers, "AT_ONCE", 3)
    again = client.get(reverse("followups:desk_file"))
    assert words_of(again.getvalue()) == whole and int(again.headers["Content-Length"]) > 0


def test_a_list_too_long_for_a_file_is_refused_and_nobody_took_it(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    of_officer(bank), of_officer(bank)
    monkeypatch.setattr(desk_papers, "MOST_ROWS", 1)
    monkeypatch.setattr(desk_file, "MOST_ROWS", 1)
    answer = client_of(bank, "officer").get(reverse("followups:desk_file"))
    assert answer.status_code == 422 and "请先筛选再导出" in answer.content.decode()
    assert not Entry.objects.filter(kind="followups.desk_list_taken").exists()


def test_the_bell_comes_with_the_desk(bank: Bank) -> None:
    page = client_of(bank, "officer").get(DESK).content.decode()
    assert reverse("followups:notices_count") not in page
    task = of_officer(bank)
    client_of(bank, "officer").post(reverse("followups:reassign", args=[task.pk]), {"reason": "本周任务太多"})
    bell = re.search(r'class="bell".*?</a>', client_of(bank, "manager").get(DESK).content.decode(), re.DOTALL)
    assert bell and re.search(r"<b>\d+</b>", bell.group())
