"""What pages say to what they refuse: hand-made addresses, faulty answers, an ended session, others' visits."""

import base64
import json

import pytest
from django.test import Client
from django.urls import reverse

from followups import actions
from followups.models import VisitReport
from loans.models import Loan
from people.paging import Order, page_of
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of
from tests.web.test_pages import posted, second, started

BY_NUMBER = Order("number", "number", ("loan_note_no", "id"))


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def cursor_of(text: str) -> str:
    return "n" + base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()


@pytest.mark.parametrize(
    "text",
    ["[" * 250, "[" * 2500, '["\\ud800",1]', '["\\u0000",1]', json.dumps(["x" * 500, 1]), '{"a":1}', "[1e999,1]"],
)
def test_a_hand_made_cursor_is_the_first_page(bank: Bank, text: str) -> None:
    first = page_of(Loan.objects.all(), BY_NUMBER, size=2).rows
    assert page_of(Loan.objects.all(), BY_NUMBER, cursor=cursor_of(text), size=2).rows == first
    for path in ("/", "/loans/", "/review/"):
        assert client_of(bank, "manager").get(path, {"cursor": cursor_of(text)}).status_code == 200


def test_a_cursor_of_the_list_itself_turns_the_page(bank: Bank) -> None:
    page = page_of(Loan.objects.all(), BY_NUMBER, size=1)
    assert page_of(Loan.objects.all(), BY_NUMBER, cursor=page.next, size=1).rows != page.rows


@pytest.mark.parametrize("named", [["9" * 5000], ["x"], [], ["0"]])
def test_assigning_nothing_says_so(bank: Bank, named: list[str]) -> None:
    reply = client_of(bank, "manager").post(
        reverse("followups:assign_many"),
        {"task": named, "officer": bank.staff["colleague"].staff_no, "reason": "休假"},
        follow=True,
    )
    assert reply.status_code == 200
    assert "没有可分派的任务" in reply.content.decode()


def test_a_refused_character_is_said_at_its_field_and_in_the_submit_bar(bank: Bank) -> None:
    task, visit = started(bank)
    reply = client_of(bank, "officer").post(
        reverse("followups:draft", args=[task.pk]),
        posted(task, visit, **{"conclusion_text": "客户\u202e情况", **second(bank, task)}),
        headers={"HX-Request": "true"},
    )
    page = reply.content.decode()
    assert reply.status_code == 422
    assert 'href="#i-conclusion_text" class="link" data-fault="含有不可见或控制字符"' in page
    assert "必答项已齐" not in page
    assert 'id="effects"' not in page
    full = client_of(bank, "officer").post(
        reverse("followups:submit", args=[task.pk]),
        posted(task, visit, **{"conclusion_text": "客户\u202e情况", **second(bank, task)}),
    )
    text = full.content.decode()
    assert full.status_code == 422
    assert 'id="i-conclusion_text" data-answer class="wrong"' in text
    assert "尚不能计算" not in text


@pytest.mark.parametrize("amount", ["-5", "٣", "1e5", ""])
def test_a_section_with_a_fault_is_neither_done_nor_changed(bank: Bank, amount: str) -> None:
    task, visit = started(bank)
    key = "monthly_income" if task.kind != "FIRST" else "address"
    more = {f"choice.{key}": "CHANGED", f"now.{key}": amount if key == "monthly_income" else ""}
    reply = client_of(bank, "officer").post(
        reverse("followups:draft", args=[task.pk]), posted(task, visit, **more), headers={"HX-Request": "true"}
    )
    assert reply.status_code == 200
    section = next(part for part in reply.context["form"]["sections"] if key in [row["key"] for row in part["items"]])
    assert (section["faulty"], section["changed"]) == (1, 0)
    page = reply.content.decode()
    assert f'href="#i-{key}" class="link" data-fault=' in page
    link = page.split(f'href="#s-{section["key"]}"')[1].split("</a>")[0]
    assert "1 项有误" in link and "#check" not in link and "处变化" not in link


def returned(bank: Bank, sections: list[str]) -> tuple[str, str]:
    """The officer's visit page and task page after a return."""
    task, visit = started(bank)
    officer, manager = client_of(bank, "officer"), client_of(bank, "manager")
    assert officer.post(reverse("followups:submit", args=[task.pk]), posted(task, visit, **second(bank, task)))
    report = VisitReport.objects.get(visit=visit)
    actions.return_report(
        report_id=report.pk,
        content_sha256=report.content_sha256,
        reason="请补充收入证明材料",
        sections=sections,
        by=bank.staff["manager"],
        at=AT,
    )
    assert manager.get(reverse("followups:visit", args=[task.pk])).status_code == 200
    pages = [officer.get(reverse(f"followups:{name}", args=[task.pk])).content.decode() for name in ("visit", "task")]
    return pages[0], pages[1]


def test_the_sections_named_in_a_return_are_marked_and_its_reason_stands_in_the_history(bank: Bank) -> None:
    visit_page, task_page = returned(bank, ["identity", "conclusion"])
    assert 'href="#s-identity" class="returned' in visit_page
    assert 'href="#s-end" class="returned' in visit_page
    section = visit_page.split('<section id="s-identity">')[1].split("<fieldset")[0]
    assert "请补充收入证明材料" in section
    lock_line = visit_page.split('id="lock-line"')[1].split("<form")[0]
    assert 'href="#s-identity"' in lock_line and 'href="#s-end"' in lock_line
    assert "请补充收入证明材料" in task_page.split('<ol class="time">')[1]


def test_the_history_says_to_whom_a_task_was_given(bank: Bank) -> None:
    task, manager = bank.tasks["home"], client_of(bank, "manager")
    actions.assign(
        task_id=task.pk, officer=bank.staff["colleague"], reason="客户经理休假", by=bank.staff["manager"], at=AT
    )
    page = manager.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert bank.staff["colleague"].name in page.split('<ol class="time">')[1].split("</ol>")[0]


def test_who_only_reads_a_visit_is_not_told_that_nothing_changed(bank: Bank) -> None:
    task, _visit = started(bank)
    page = client_of(bank, "manager").get(reverse("followups:visit", args=[task.pk])).content.decode()
    assert "尚不能计算" not in page and "暂无变化" not in page


def test_a_button_pressed_after_the_session_ended_leads_back_to_its_page(bank: Bank) -> None:
    path, host = reverse("followups:claim", args=[bank.tasks["home"].pk]), "http://testserver"
    for referer, target in (
        (f"{host}/?task=3", "/%3Ftask%3D3"),
        ("https://elsewhere.example/x", "/"),
        (f"{host}//elsewhere.example/x", "/"),
        ("", "/"),
    ):
        reply = Client().post(path, headers={"Referer": referer})
        assert reply.headers["Location"].endswith(f"?next={target}"), referer
    assert Client().get(path).headers["Location"].endswith("?next=/")


def test_a_buttons_address_opened_by_hand_is_a_calm_page(bank: Bank) -> None:
    reply = client_of(bank, "officer").get(reverse("followups:claim", args=[bank.tasks["home"].pk]))
    assert reply.status_code == 405 and reply.headers["Allow"].startswith("POST")
    assert "不能直接打开" in reply.content.decode()


def test_the_watch_line_is_not_called_a_limit(bank: Bank) -> None:
    task, _visit = started(bank)
    page = client_of(bank, "officer").get(reverse("followups:visit", args=[task.pk])).content.decode()
    assert "关注线" in page.split('id="effects"')[1]
    assert "placeholder" not in page.split('id="s-end"')[1].split('name="conclusion_text"')[1].split("</textarea>")[0]
