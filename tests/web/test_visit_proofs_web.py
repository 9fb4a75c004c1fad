"""A file at the row of its question: sent and shown there, beside the change in the review, over the API (S2.14)."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from followups import actions
from people.models import Staff
from tests import pictures
from tests.database.test_visit_proofs import HOSTILE, attach, written
from tests.database.test_visits import Road, changed, profiled
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of
from tests.web.test_visit_files_web import path, upload

HTMX = {"HX-Request": "true"}


@pytest.fixture
def road(db: None) -> Road:
    found = profiled(Road())
    found.start()
    return found


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    actions.start_visit(task_id=bank.tasks["home"].pk, by=bank.staff["officer"], at=AT)
    return bank


def signed_in(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def row_of(page: str, item: str) -> str:
    """The files that a page shows at a question."""
    found = re.search(rf'<div class="proofs" id="f-{item}"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert found is not None, item
    return found[1]


def test_a_file_comes_from_the_row_of_its_question_and_stays_there(road: Road) -> None:
    officer, address = signed_in(road.officer), reverse("followups:visit", args=[road.task.pk])
    page = officer.get(address).content.decode()
    assert 'data-proves="employer"' in page and 'href="?item=employer#files"' in page
    assert 'data-proves="payment_strip"' not in page and row_of(page, "employer") == ""
    chosen = officer.get(address, {"item": "employer"}).content.decode()
    assert '<option value="employer" selected>' in chosen, "without scripts the link chooses the question"
    sent = {"file": upload(pictures.PDF, "在职证明.pdf", "application/pdf"), "item": "employer"}
    reply = officer.post(reverse("followups:attach", args=[road.task.pk]), sent, headers=HTMX).content.decode()
    assert "在职证明.pdf" in row_of(reply, "employer") and 'hx-swap-oob="true"' in reply
    page = officer.get(address).content.decode()
    assert "在职证明.pdf" in row_of(page, "employer") and row_of(page, "monthly_income") == ""
    assert "在职证明.pdf" in row_of(signed_in(road.manager).get(address).content.decode(), "employer")


def test_it_is_put_under_another_question_from_the_list(road: Road) -> None:
    officer, row = signed_in(road.officer), attach(road, item="employer")
    address = reverse("followups:attachment_item", args=[row.pk])
    reply = officer.post(address, {"item": "monthly_income"}, headers=HTMX).content.decode()
    assert row_of(reply, "employer") == "" and "证明.pdf" in row_of(reply, "monthly_income")
    told = officer.post(address, {"item": ""}, follow=True).content.decode()
    assert "已更改附件 证明.pdf 佐证的问题" in told and row_of(told, "monthly_income") == ""


@pytest.mark.parametrize("item", [one for one in HOSTILE if len(one) < 1000])
def test_a_hostile_code_gets_a_sentence_on_the_page(road: Road, item: str) -> None:
    officer, row = signed_in(road.officer), attach(road, pictures.jpeg())
    before = written()
    sent = {"file": upload(pictures.PDF, "a.pdf", "application/pdf"), "item": item}
    for address, body in (
        (reverse("followups:attach", args=[road.task.pk]), sent),
        (reverse("followups:attachment_item", args=[row.pk]), {"item": item}),
    ):
        reply = officer.post(address, body, headers=HTMX)
        page = reply.content.decode()
        assert reply.status_code == 422 and "本次回访没有这个问题" in page and "<script>" not in page
    assert written() == before


def test_a_file_refused_at_a_row_is_told_at_the_row(road: Road) -> None:
    sent = {"file": upload(b"MZ\x90", "a.pdf"), "item": "employer"}
    reply = signed_in(road.officer).post(reverse("followups:attach", args=[road.task.pk]), sent, headers=HTMX)
    assert reply.status_code == 422 and "按内容判断" in row_of(reply.content.decode(), "employer")
    assert row_of(reply.content.decode(), "post") == ""


def test_the_review_has_a_changes_own_files_beside_it_and_general_evidence_once(road: Road) -> None:
    attach(road, item="monthly_income")
    attach(road, pictures.jpeg())
    report = road.submit(monthly_income=changed("18600.00", "PAYSLIP"), employer=changed("江城新单位", "PAYSLIP"))
    page = signed_in(road.manager).get(reverse("followups:review"), {"report": report.pk}).content.decode()
    beside = {
        label: row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) for label in ("税后月收入", "工作单位")
        if f"<td>{label}</td>" in row and 'class="proofs"' in row
    }  # fmt: skip
    assert beside["税后月收入"].count("证明.pdf</a>") == 1 and "见一般佐证" not in beside["税后月收入"]
    assert "证明.pdf" not in beside["工作单位"] and "见一般佐证" in beside["工作单位"]
    assert page.count('class="shots"') == 1
    listed = page[page.rindex("SHA-256") :]
    assert "税后月收入" in listed and "一般佐证" in listed


def test_a_closed_visit_takes_no_other_question_and_offers_none(road: Road) -> None:
    row = attach(road, item="employer")
    road.approve(road.submit())
    officer, before = signed_in(road.officer), written()
    reply = officer.post(reverse("followups:attachment_item", args=[row.pk]), {"item": "post"}, headers=HTMX)
    assert reply.status_code == 409 and written() == before
    page = officer.get(reverse("followups:visit", args=[road.task.pk])).content.decode()
    assert "data-proves" not in page and 'class="assigns"' not in page and "证明.pdf" in row_of(page, "employer")


def over_api(bank: Bank, who: str, item: str) -> Any:
    return Client(raise_request_exception=False).post(
        f"/api/v1/tasks/{bank.tasks['home'].pk}/files/",
        {"file": upload(pictures.PDF, "a.pdf", "application/pdf"), "item": item},
        headers={"Authorization": f"Bearer {bank.keys[who]}"},
    )


def question_of(bank: Bank, place: int = 0) -> str:
    visit = bank.api("officer").get(f"visits/{bank.tasks['home'].pk}/").json()
    keys = [item["key"] for part in visit["sections"] for item in part["items"] if not item["is_system"]]
    return str(keys[place])


def test_over_the_api_a_file_names_its_question_and_changes_it(bank: Bank) -> None:
    first, second = question_of(bank), question_of(bank, 1)
    sent = over_api(bank, "officer", first)
    assert sent.status_code == 201 and sent.json()["item"] == first and sent.json()["item_label"]
    file = sent.json()["id"]
    assert bank.api("manager").get(f"tasks/{bank.tasks['home'].pk}/files/").json()[0]["item"] == first
    moved = bank.api("officer").post(f"files/{file}/item/", {"item": second})
    assert (moved.status_code, moved.json()["item"]) == (200, second)
    assert bank.api("officer").post(f"files/{file}/item/", {"item": ""}).json()["item_label"] == ""


def test_over_the_api_only_visitors_of_the_branch_and_only_questions_of_the_visit(bank: Bank) -> None:
    file = over_api(bank, "officer", "").json()["id"]
    before = written()
    assert bank.api("stranger").post(f"files/{file}/item/", {"item": ""}).status_code == 404
    assert bank.api("manager").post(f"files/{file}/item/", {"item": ""}).status_code == 403
    for item in HOSTILE:
        reply = bank.api("officer").post(f"files/{file}/item/", {"item": item})
        assert reply.status_code in (400, 422), item
        assert reply.status_code == 400 or list(reply.json()["error"]["fields"]) == ["item"], item
        if len(item) < 1000:
            sent = over_api(bank, "officer", item)
            assert (sent.status_code, list(sent.json()["error"]["fields"])) == (422, ["item"]), item
    for body in ({}, {"item": None}, {"item": 7}, {"item": ["employer"]}, {"item": "", "more": 1}):
        assert bank.api("officer").post(f"files/{file}/item/", body).status_code == 400, body
    assert written() == before


def test_a_question_in_the_address_only_chooses_among_those_asked(bank: Bank) -> None:
    page = client_of(bank, "officer").get(path(bank, "visit"), {"item": '"><script>alert(1)</script>'})
    text = page.content.decode()
    assert page.status_code == 200 and "<script>alert(1)" not in text and " selected>" not in row_of_choices(text)


def row_of_choices(page: str) -> str:
    """The questions that the general upload offers."""
    found = re.search(r'<select class="field" name="item">(.*?)</select>', page, re.DOTALL)
    assert found is not None
    return found[1]
