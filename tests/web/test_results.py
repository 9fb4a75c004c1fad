"""告知客户 on the desk, its list and the task; the customer's status by page and API (S2.2)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from followups.actions import asked_status
from followups.models import CustomerResult, VisitTask
from journal.models import Entry
from loans.models import Loan
from people.tokens import issue_token
from tests.database.test_visits import make_task
from tests.factories import book_loan, make_staff
from tests.web.api_bank import Api, Bank, make_bank, submitted
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


def approved(bank: Bank) -> VisitTask:
    """The home branch's visit, approved with a finding."""
    report = submitted(bank)
    reply = bank.api("manager").post(f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]})
    assert reply.status_code == 200, reply.content
    return bank.tasks["home"]


# S2.2
def test_from_the_desk_to_the_list_to_the_task_to_told(bank: Bank) -> None:
    task = approved(bank)
    client, result = client_of(bank, "officer"), CustomerResult.objects.get()
    desk = client.get(reverse("followups:desk")).content.decode()
    assert f'href="{reverse("followups:results")}"' in desk and "待告知客户 <b>1</b>" in desk
    listed = client.get(reverse("followups:results")).content.decode()
    assert task.number in listed and result.tell_by.isoformat() in listed
    page = client.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert reverse("followups:tell", args=[task.pk]) in page
    typed = {"channel": "PHONE", "heard_by": "BORROWER", "words": "已说明结果<b>与</b>安排"}
    client.post(reverse("followups:tell", args=[task.pk]), typed)
    page = client.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert "已说明结果&lt;b&gt;与&lt;/b&gt;安排" in page and "告知客户" in page
    assert task.number not in client.get(reverse("followups:results")).content.decode()
    assert task.number in client.get(reverse("followups:results"), {"state": "told"}).content.decode()
    client.post(reverse("followups:tell_undo", args=[task.pk]), {"reason": "误记在本任务"})
    page = client.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert "误记在本任务" in page and reverse("followups:tell", args=[task.pk]) in page


def test_who_has_to_tell_the_customer_sees_who_that_is_until_it_is_told(bank: Bank) -> None:
    task = approved(bank)
    Loan.objects.filter(pk=task.loan_id).update(portfolio_officer=bank.staff["colleague"])
    name, client = task.loan.borrower.name, client_of(bank, "officer")
    pages = (reverse("followups:results"), reverse("followups:task", args=[task.pk]))
    assert [name in client.get(page).content.decode() for page in pages] == [True, True]
    client.post(
        reverse("followups:tell", args=[task.pk]),
        {"channel": "PHONE", "heard_by": "BORROWER", "words": "已说明审核结果"},
    )
    assert name not in client.get(pages[1]).content.decode()


def test_the_list_asks_the_same_few_questions(bank: Bank) -> None:
    task = approved(bank)
    client, first = client_of(bank, "officer"), CustomerResult.objects.get()
    client.get(reverse("followups:results"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("followups:results"))
    for _ in range(6):
        other = make_task(book_loan(bank.home, bank.staff["officer"]), bank.staff["officer"])
        CustomerResult.objects.create(
            task=other, report=first.report, branch=bank.home, why=["ASKED"], since=first.since, tell_by=first.tell_by
        )
    with CaptureQueriesContext(connection) as many:
        page = client.get(reverse("followups:results")).content.decode()
    assert len(many) == len(few) <= 12 and page.count("<tr>") == 8 and task.number in page


# S2.2
def test_over_the_api_it_is_told_once_and_corrected(bank: Bank) -> None:
    task, api = approved(bank), bank.api("officer")
    path = f"tasks/{task.pk}/result/"
    assert [row["task_id"] for row in api.get("results/", untold="true").json()["results"]] == [task.pk]
    assert api.get(path).json()["result"]["why"] == ["FINDINGS"]
    body = {"channel": "LETTER", "words": "已寄送限期整改通知"}
    told = api.post(path, body, key="tell-one")
    assert told.status_code == 201 and told.json()["result"]["told_on"]
    assert api.post(path, body, key="tell-one").json() == told.json()
    assert api.post(path, body).json()["error"]["code"] == "already_told"
    undone = api.post(f"{path}undo/", {"reason": "信件被退回"}).json()
    assert undone["result"]["told_on"] is None and len(undone["tellings"]) == 2
    assert undone["tellings"][1]["undoes_id"] == undone["tellings"][0]["id"]


# S2.2
def test_a_channel_of_the_bank_learns_of_one_borrower_only_where_it_stands(bank: Bank) -> None:
    approved(bank)
    loan = bank.loans["home"]
    member = make_staff("CUSTOMER_CHANNEL", bank.home)
    channel = Api(issue_token(staff=member, name="app", by="system", at=timezone.now())[0])
    asked = {"id_no": loan.borrower.id_no, "loan_note_no": loan.loan_note_no}
    reply = channel.post("customer-status/", asked)
    assert reply.status_code == 200
    (visit, *_rest) = [one for one in reply.json()["visits"] if one["number"] == bank.tasks["home"].number]
    assert visit["stage"] == "DECIDED" and "已有结果" in visit["words"]
    assert "需关注" not in reply.content.decode() and "逾期" not in reply.content.decode()
    for wrong in ({**asked, "id_no": "110101199001011237"}, {**asked, "loan_note_no": "X1"}):
        assert channel.post("customer-status/", wrong).status_code == 404
    for path in (f"loans/{loan.pk}/", f"loans/{loan.pk}/customer-status/", "tasks/", "results/"):
        assert channel.get(path).status_code == 403
    staff = bank.api("operations").get(f"loans/{loan.pk}/customer-status/").json()
    assert staff["visits"] == reply.json()["visits"]
    page = client_of(bank, "operations").get(reverse("followups:customer_status", args=[loan.pk])).content.decode()
    assert visit["words"] in page and "逾期十二天" not in page


def test_a_channel_leaves_its_trace_and_does_not_guess_on(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    loan, member = bank.loans["home"], make_staff("CUSTOMER_CHANNEL", bank.home)
    channel = Api(issue_token(staff=member, name="app", by="system", at=timezone.now())[0])
    asked = {"id_no": loan.borrower.id_no, "loan_note_no": loan.loan_note_no}
    monkeypatch.setattr(asked_status, "MOST_MISSES", 3)
    misses = [channel.post("customer-status/", {**asked, "loan_note_no": f"X{count}"}) for count in range(2)]
    assert channel.post("customer-status/", asked).status_code == 200
    misses.append(channel.post("customer-status/", {**asked, "id_no": "110101199001011237"}))
    assert [miss.status_code for miss in misses] == [404, 404, 404]
    held = channel.post("customer-status/", asked)
    assert (held.status_code, held.json()["error"]["code"]) == (429, "throttled") and int(held["Retry-After"]) > 0
    kept = Entry.objects.filter(kind__startswith="followups.status_", actor=member.staff_no).order_by("id")
    missed = (asked_status.MISSED, member.pk, None)
    assert list(kept.values_list("kind", "subject_id", "loan_id")) == [
        missed, missed, (asked_status.TOLD, loan.pk, loan.pk), missed,
    ]  # fmt: skip
    assert not any(number in str(entry.data) for entry in kept for number in asked.values())
    colleague = make_staff("CUSTOMER_CHANNEL", bank.home)
    another = Api(issue_token(staff=colleague, name="counter", by="system", at=timezone.now())[0])
    assert another.post("customer-status/", asked).status_code == 200
