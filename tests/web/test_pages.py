"""What the pages do: a visit by form, drafts and conflicts, decisions, reveals, filters, paging, escaping, counts."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import actions
from followups.models import TaskState, Visit, VisitReport, VisitTask
from followups.queries import form_of
from followups.views.rows import that_fits
from journal.models import Entry
from loans.models import Receipt
from people.models import Party
from people.paging import Order, page_of
from tests.database.test_visits import make_task
from tests.factories import AT, PASSWORD, book_loan, make_branch, make_party, make_staff
from tests.web.api_bank import Bank, clean_draft, make_bank
from tests.web.test_page_matrix import client_of

MARKUP = "<script>alert('x')</script>&\"<b>"


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def posted(task: VisitTask, visit: Visit, **more: str) -> dict[str, str]:
    """The visit form as a browser sends it when the least is answered."""
    draft = clean_draft(form_of(task, visit)["sections"])
    fields = {"version": str(visit.version)}
    for key, answer in draft["answers"].items():
        for part, name in (("choice", "choice"), ("now", "now"), ("verified_by", "verified")):
            if part in answer:
                fields[f"{name}.{key}"] = answer[part]
    for name in ("contact_outcome", "conclusion", "conclusion_text", "suggested_class"):
        fields[name] = draft[name]
    return {**fields, **more}


def started(bank: Bank) -> tuple[VisitTask, Visit]:
    task = bank.tasks["home"]
    visit = actions.start_visit(task_id=task.pk, by=bank.staff["officer"], at=AT)
    visit.task = task
    return task, visit


def second(bank: Bank, task: VisitTask) -> dict[str, str]:
    return {"second_visitor": bank.staff["colleague"].staff_no} if task.method == "FIELD" else {}


def test_a_visit_goes_from_the_desk_to_an_approved_pdf_without_scripts(bank: Bank) -> None:
    officer, manager, task = client_of(bank, "officer"), client_of(bank, "manager"), bank.tasks["home"]
    assert task.loan.borrower.name in officer.get("/").content.decode()
    assert officer.post(reverse("followups:start", args=[task.pk])).headers["Location"].endswith("/visit/")
    visit = Visit.objects.select_related("checklist").get(task=task)
    visit.task = task
    sent = officer.post(reverse("followups:submit", args=[task.pk]), posted(task, visit, **second(bank, task)))
    assert sent.status_code == 302, sent.context["refusal"].message
    report = VisitReport.objects.get(visit=visit)
    page = manager.get(reverse("followups:review")).content.decode()
    assert report.content_sha256 in page
    manager.post(reverse("followups:approve", args=[report.pk]), {"content_sha256": report.content_sha256})
    pdf = manager.get(reverse("followups:report_pdf", args=[report.pk]))
    assert pdf.content.startswith(b"%PDF")
    for part in ("loan_timeline", "loan_visits"):
        path = reverse(part, args=[task.loan_id])
        assert path in officer.get(reverse("loan_page", args=[task.loan_id])).content.decode()
        for headers in ({}, {"HX-Request": "true"}):
            shown = officer.get(path, headers=headers).content.decode()
            assert reverse("followups:report", args=[report.pk]) in shown
            assert ("</html>" in shown) is not bool(headers)
    task.refresh_from_db()
    assert task.state == TaskState.CLOSED


def test_an_incomplete_form_comes_back_with_what_was_typed_and_what_is_missing(bank: Bank) -> None:
    task, visit = started(bank)
    reply = client_of(bank, "officer").post(
        reverse("followups:submit", args=[task.pk]),
        {"version": str(visit.version), "conclusion_text": "客户在外地，下周回来。"},
    )
    page = reply.content.decode()
    assert reply.status_code == 422
    assert "客户在外地，下周回来。" in page
    assert 'href="#i-conclusion"' in page
    assert not VisitReport.objects.filter(visit=visit).exists()


def test_a_draft_is_kept_and_the_reply_brings_the_next_version(bank: Bank) -> None:
    task, visit = started(bank)
    officer = client_of(bank, "officer")
    reply = officer.post(
        reverse("followups:draft", args=[task.pk]),
        {"version": str(visit.version), "conclusion_text": "第一次记录"},
        headers={"HX-Request": "true"},
    )
    assert reply.status_code == 200
    assert f'value="{visit.version + 1}"' in reply.content.decode()
    visit.refresh_from_db()
    assert visit.draft["conclusion_text"] == "第一次记录"


def test_a_second_tab_is_told_who_saved_and_keeps_its_text(bank: Bank) -> None:
    task, visit = started(bank)
    officer, form = client_of(bank, "officer"), {"version": str(visit.version), "conclusion_text": "第一页"}
    officer.post(reverse("followups:draft", args=[task.pk]), form)
    stale = officer.post(
        reverse("followups:draft", args=[task.pk]),
        {**form, "conclusion_text": "第二页"},
        headers={"HX-Request": "true"},
    )
    assert stale.status_code == 409
    assert bank.staff["officer"].name in stale.content.decode()
    full = officer.post(reverse("followups:submit", args=[task.pk]), {**form, "conclusion_text": "第二页"})
    assert full.status_code == 409
    assert "第二页" in full.content.decode()
    visit.refresh_from_db()
    assert visit.draft["conclusion_text"] == "第一页"


def test_a_colleague_sees_the_visit_but_cannot_write(bank: Bank) -> None:
    task, visit = started(bank)
    colleague = client_of(bank, "colleague")
    page = colleague.get(reverse("followups:visit", args=[task.pk])).content.decode()
    assert "data-locked" in page
    reply = colleague.post(reverse("followups:draft", args=[task.pk]), {"version": str(visit.version)})
    assert reply.status_code == 422
    visit.refresh_from_db()
    assert visit.version == 1


def test_nobody_is_offered_the_decision_on_an_own_report(bank: Bank) -> None:
    task = bank.tasks["home"]
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], bank.home, name="兼岗")
    actions.assign(task_id=task.pk, officer=both, reason="客户经理休假", by=bank.staff["manager"], at=AT)
    visit = actions.start_visit(task_id=task.pk, by=both, at=AT)
    visit.task = task
    draft = clean_draft(form_of(task, visit)["sections"])
    draft["second_visitor"] = bank.staff["colleague"].staff_no if task.method == "FIELD" else ""
    report = actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=both, at=AT)
    client = Client()
    client.force_login(both, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("followups:review"), {"report": report.pk}).content.decode()
    assert report.number in page
    assert reverse("followups:approve", args=[report.pk]) not in page
    client.post(reverse("followups:approve", args=[report.pk]), {"content_sha256": report.content_sha256})
    report.refresh_from_db()
    assert report.state == "SUBMITTED"


def test_a_returned_report_comes_back_to_the_officer_with_its_reason(bank: Bank) -> None:
    task, visit = started(bank)
    officer, manager = client_of(bank, "officer"), client_of(bank, "manager")
    officer.post(reverse("followups:submit", args=[task.pk]), posted(task, visit, **second(bank, task)))
    report = VisitReport.objects.get(visit=visit)
    manager.post(
        reverse("followups:return", args=[report.pk]),
        {
            "content_sha256": report.content_sha256,
            "code": "NO_EVIDENCE",
            "reason": "请补充还款来源的佐证",
            "sections": "repayment",
        },
    )
    assert "b>1</b>" in re.sub(r"\s+", "", officer.get("/?chip=returned").content.decode())
    assert "请补充还款来源的佐证" in officer.get(reverse("followups:visit", args=[task.pk])).content.decode()


def test_a_reveal_shows_the_value_once_and_is_recorded(bank: Bank) -> None:
    loan, officer = bank.loans["home"], client_of(bank, "officer")
    phone = loan.borrower.phone
    assert phone not in officer.get(reverse("loan_page", args=[loan.pk])).content.decode()
    refused = officer.post(reverse("loan_reveal", args=[loan.pk]), {"field": "phone", "reason": ""})
    assert refused.status_code == 422 and phone not in refused.content.decode()
    assert not Entry.objects.filter(kind="people.revealed").exists()
    shown = officer.post(reverse("loan_reveal", args=[loan.pk]), {"field": "phone", "reason": "核对来电号码"})
    assert phone in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    entry = Entry.objects.get(kind="people.revealed")
    assert (entry.actor, entry.loan_id) == (bank.staff["officer"].staff_no, loan.pk)
    assert phone not in officer.get(reverse("loan_page", args=[loan.pk])).content.decode()


def test_names_are_masked_outside_the_own_work(bank: Bank) -> None:
    loan = bank.loans["home"]
    path = reverse("loan_page", args=[loan.pk])
    assert loan.borrower.name in client_of(bank, "officer").get(path).content.decode()
    for who in ("colleague", "auditor", "risk", "operations"):
        assert loan.borrower.name not in client_of(bank, who).get(path).content.decode(), who


def test_identity_and_telephone_numbers_stand_in_full_on_no_page(bank: Bank) -> None:
    task, _visit = started(bank)
    party = task.loan.borrower
    officer = client_of(bank, "officer")
    for path in (
        "/",
        f"/?q={party.phone[-4:]}",
        reverse("followups:task", args=[task.pk]),
        reverse("followups:drawer", args=[task.pk]),
        reverse("followups:visit", args=[task.pk]),
        reverse("loans:list"),
        reverse("loan_page", args=[task.loan_id]),
        reverse("loan_visits", args=[task.loan_id]),
        reverse("loan_timeline", args=[task.loan_id]),
    ):
        page = officer.get(path).content.decode()
        assert party.id_no not in page, path
        assert party.phone not in page, path


def test_what_people_type_is_shown_as_text(bank: Bank) -> None:
    task, visit = started(bank)
    Party.objects.filter(pk=task.loan.borrower_id).update(name=MARKUP)
    officer = client_of(bank, "officer")
    officer.post(reverse("followups:draft", args=[task.pk]), {"version": str(visit.version), "conclusion_text": MARKUP})
    for path in (
        "/",
        f"/?q={MARKUP}&branch={MARKUP}",
        reverse("followups:task", args=[task.pk]),
        reverse("followups:visit", args=[task.pk]),
        reverse("loan_page", args=[task.loan_id]),
        reverse("loan_visits", args=[task.loan_id]),
        reverse("loan_timeline", args=[task.loan_id]),
        f"/loans/?q={MARKUP}",
    ):
        assert "<script>alert" not in officer.get(path).content.decode(), path


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nAAAA",
        "cursor=n",
        "cursor=pW10",
        "cursor=nWyJ4IiwieSIsInoiLCJ3Il0",
        "cursor=nWzAsMSwiMjAyNi0xMy00NSIsMV0",
        "cursor=nWzAsMSwiMjAyNi0xMS0wMSIsOTk5OTk5OTk5OTk5OTk5OTk5OTk5OV0",
        "sort=nothing&chip=nothing&scope=nothing",
        "task=99999999999999999999",
        "task=-1&report=abc",
        "due_from=soon&level=x&state=NO",
        "q=%00",
        "q=" + "x" * 500,
        "loan=1e9&officer=%F0%9F%8F%A0",
    ],
)
def test_a_mangled_address_is_still_a_page(query: str, bank: Bank) -> None:
    manager, operations = client_of(bank, "manager"), client_of(bank, "operations")
    for client, path in ((manager, "/"), (manager, "/review/"), (manager, "/loans/"), (operations, "/receipts/")):
        assert client.get(f"{path}?{query}").status_code == 200, path


def test_the_search_finds_by_initials_last_four_and_note_number_only_what_is_visible(db: None) -> None:
    home, other = make_branch(), make_branch()
    officer = make_staff("LOAN_OFFICER", home)
    party = make_party(name="陈立新", name_initials="clx", phone="19900004321")
    mine, theirs = book_loan(home, officer=officer, borrower=party), book_loan(other, borrower=party)
    client = Client()
    client.force_login(officer, backend="django.contrib.auth.backends.ModelBackend")
    for word in (
        "clx",
        "CL",
        "陈立",
        "4321",
        party.id_no[-4:],
        mine.loan_note_no,
        mine.loan_note_no[:12],
        mine.external_id,
    ):
        page = client.get("/loans/", {"q": word}).content.decode()
        assert mine.loan_note_no in page, word
        assert theirs.loan_note_no not in page, word
    assert mine.loan_note_no not in client.get("/loans/", {"q": "zzz"}).content.decode()


def test_paging_forth_and_back_shows_every_row_once(db: None) -> None:
    branch = make_branch()
    loans = [book_loan(branch) for _ in range(7)]
    order = Order("balance", "", ("-position__principal_balance", "id"))
    from loans.models import Loan

    everything = Loan.objects.filter(branch=branch).select_related("position")
    seen, cursor = [], ""
    while True:
        page = page_of(everything, order, cursor=cursor, size=3)
        seen.append([loan.pk for loan in page.rows])
        if not page.next:
            break
        cursor = page.next
    assert [len(part) for part in seen] == [3, 3, 1]
    assert sorted(pk for part in seen for pk in part) == sorted(loan.pk for loan in loans)
    back = page_of(everything, order, cursor=page.previous, size=3)
    assert [loan.pk for loan in back.rows] == seen[1]
    first = page_of(everything, order, cursor=back.previous, size=3)
    assert [loan.pk for loan in first.rows] == seen[0]
    assert (first.previous, bool(first.next)) == ("", True)


def _signed_in(role: str, branch: Any) -> Client:
    client = Client()
    client.force_login(make_staff(role, branch), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_a_longer_list_asks_no_more_queries(db: None) -> None:
    branch = make_branch()
    manager, operations = _signed_in("BRANCH_MANAGER", branch), _signed_in("OPERATIONS", branch)
    paths = [(manager, "/"), (manager, "/review/"), (manager, "/loans/"), (operations, "/receipts/")]
    officer = make_staff("LOAN_OFFICER", branch)
    loan = _some(branch, officer, 5)
    pages = [*paths, (manager, f"/loans/{loan.pk}/")]
    few = [_count(client, path) for client, path in pages]
    _some(branch, officer, 45)
    assert [_count(client, path) for client, path in pages] == few
    assert max(few) <= 45, few


def _some(branch: Any, officer: Any, count: int) -> Any:
    """Loans with an open task, a submitted report and a receipt each."""
    loan = None
    for number in range(count):
        loan = book_loan(branch, officer=officer)
        make_task(loan, officer, due_on=date(2026, 11, 1) + timedelta(days=number), cycle="1")
        task = make_task(loan, officer, cycle="2", method="COUNTER")
        visit = actions.start_visit(task_id=task.pk, by=officer, at=AT)
        visit.task = task
        draft = clean_draft(form_of(task, visit)["sections"])
        draft.pop("contact_outcome")
        actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=officer, at=AT)
        Receipt.objects.create(
            channel="CORE", serial=f"Q{loan.pk}", loan_ref=loan.loan_note_no, loan=loan, amount="1.00",
            value_on=date(2026, 11, 1), state="WAITING", received_at=AT,
        )  # fmt: skip
    return loan


def test_signing_in_and_out(bank: Bank) -> None:
    client, staff = Client(), bank.staff["officer"]
    page = client.get(reverse("people:sign_in"), {"next": "/loans/"})
    assert page.status_code == 200
    wrong = client.post(reverse("people:sign_in"), {"username": staff.staff_no, "password": "wrong"})
    assert wrong.status_code == 200 and 'role="alert"' in wrong.content.decode()
    right = client.post(
        reverse("people:sign_in"), {"username": staff.staff_no, "password": PASSWORD, "next": "/loans/"}
    )
    assert right.headers["Location"] == "/loans/"
    assert client.get("/sign-out/").status_code == 405
    client.post(reverse("people:sign_out"))
    assert client.get("/").status_code == 302


def test_sign_in_does_not_lead_to_another_site(bank: Bank) -> None:
    staff = bank.staff["officer"]
    reply = Client().post(
        reverse("people:sign_in"),
        {"username": staff.staff_no, "password": PASSWORD, "next": "https://elsewhere.example/"},
    )
    assert reply.headers["Location"] == "/"


def test_five_wrong_passwords_lock_the_sign_in(bank: Bank) -> None:
    client, form = Client(), {"username": bank.staff["officer"].staff_no, "password": "wrong"}
    replies = [client.post(reverse("people:sign_in"), form).status_code for _ in range(6)]
    assert replies[0] == 200 and replies[-1] == 429
    right = client.post(reverse("people:sign_in"), {**form, "password": PASSWORD})
    assert right.status_code == 429


def test_scripts_come_from_files_only(bank: Bank) -> None:
    task, _visit = started(bank)
    officer = client_of(bank, "officer")
    for path in ("/", reverse("followups:visit", args=[task.pk]), reverse("loan_page", args=[task.loan_id])):
        reply = officer.get(path)
        assert "script-src 'self'" in reply.headers["Content-Security-Policy"]
        assert not re.findall(r"<script(?![^>]*src=)", reply.content.decode())
        assert not re.findall(r"\son[a-z]+=", reply.content.decode())


def test_batch_assignment_tells_what_was_done_and_what_was_refused(bank: Bank) -> None:
    task, manager = bank.tasks["home"], client_of(bank, "manager")
    reply = manager.post(
        reverse("followups:assign_many"),
        {
            "task": [task.pk, bank.tasks["other"].pk, "x"],
            "officer": bank.staff["colleague"].staff_no,
            "reason": "均衡工作量",
        },
        follow=True,
    )
    task.refresh_from_db()
    assert task.assigned_to == bank.staff["colleague"]
    assert bank.staff["colleague"].name in reply.content.decode()
    assert VisitTask.objects.get(pk=bank.tasks["other"].pk).assigned_to == bank.staff["stranger"]


def test_the_cell_keeps_whole_reasons() -> None:
    assert that_fits("逾期8天；抵押率91.2%≥90%", 24) == ("逾期8天；抵押率91.2%≥90%", 0)
    assert that_fits("一二三四五六七八九十；一二三四五六七八九十；一二三四五六七八九十", 24) == (
        "一二三四五六七八九十；一二三四五六七八九十",
        1,
    )
    assert that_fits("一" * 40 + "；二", 24) == ("一" * 40, 1)
