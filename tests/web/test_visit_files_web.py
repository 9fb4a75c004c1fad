"""Files over pages and API: a photo of 40 MB gets its sentence, what is taken is never opened (S2.14, S2.18)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from followups import actions, photos, uploads
from followups.models import VisitAttachment
from journal.models import Entry, Exhibit
from tests import pictures
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

JPEG = pictures.jpeg(taken="2026:10:30 14:20:05")
MEGABYTE = 1 << 20


class Large:
    """A photo of so many megabytes that is nowhere as a whole: its bytes are made while they are read."""

    name, content_type = "front.jpg", "image/jpeg"

    def __init__(self, megabytes: int) -> None:
        self.left = megabytes * MEGABYTE
        self.head = JPEG[:100]

    def read(self, count: int = -1) -> bytes:
        asked = self.left if count < 0 else min(count, self.left)
        self.left -= asked
        head, self.head = self.head[:asked], b""
        return head + b"\0" * (asked - len(head))


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    actions.start_visit(task_id=bank.tasks["home"].pk, by=bank.staff["officer"], at=AT)
    return bank


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Where each piece that was written to disk ended."""
    ends: list[int] = []
    plain = uploads.TemporaryFileUploadHandler.receive_data_chunk

    def told(self: Any, raw_data: bytes, start: int) -> Any:
        ends.append(start + len(raw_data))
        return plain(self, raw_data, start)

    monkeypatch.setattr(uploads.TemporaryFileUploadHandler, "receive_data_chunk", told)
    yield ends


def path(bank: Bank, name: str = "attach") -> str:
    return reverse(f"followups:{name}", args=[bank.tasks["home"].pk])


def send(client: Client, bank: Bank, file: Any, **more: Any) -> Any:
    return client.post(path(bank), {"file": file}, **more)


def upload(content: bytes, name: str = "front.jpg", media_type: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, media_type)


def written() -> tuple[int, ...]:
    return VisitAttachment.objects.count(), Exhibit.objects.count(), Entry.objects.count()


def test_a_photo_goes_from_the_page_to_the_row_and_back(bank: Bank) -> None:
    officer = client_of(bank, "officer")
    reply = send(officer, bank, upload(JPEG, "门牌.jpg"), follow=True)
    assert "已保存附件 门牌.jpg" in reply.content.decode()
    row = VisitAttachment.objects.get()
    page = officer.get(path(bank, "visit")).content.decode()
    assert "门牌.jpg" in page and row.exhibit.sha256 in page and "摄于 10-30 14:20" in page.replace("2026-", "")
    taken = officer.get(reverse("followups:attachment", args=[row.pk]))
    assert taken["Content-Type"] == "image/jpeg" and taken["X-Content-Type-Options"] == "nosniff"
    assert taken["Content-Disposition"].startswith("attachment;") and "no-store" in taken["Cache-Control"]
    assert b"SECRET" not in taken.content
    assert Entry.objects.filter(kind="followups.file_handed_out", actor=bank.staff["officer"].staff_no).exists()
    officer.post(reverse("followups:attachment_remove", args=[row.pk]), follow=True)
    assert "门牌.jpg" not in officer.get(path(bank, "visit")).content.decode()
    assert officer.get(reverse("followups:attachment", args=[row.pk])).status_code == 404


def test_with_scripts_the_list_alone_comes_back(bank: Bank) -> None:
    officer, htmx = client_of(bank, "officer"), {"HX-Request": "true"}
    reply = send(officer, bank, upload(JPEG), headers=htmx)
    assert reply.status_code == 200 and b"<html" not in reply.content and b"front.jpg" in reply.content
    refused = send(officer, bank, upload(b"MZ\x90", "front.jpg"), headers=htmx)
    assert refused.status_code == 422 and "按内容判断" in refused.content.decode()


@pytest.mark.parametrize("where", ["page", "api"])
def test_a_photo_of_40_megabytes_is_cut_off_while_it_comes(
    bank: Bank, where: str, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "read", lambda *given: pytest.fail("nobody looks into it"))
    before = written()
    if where == "page":
        reply = send(client_of(bank, "officer"), bank, Large(40), headers={"HX-Request": "true"})
        assert reply.status_code == 422 and "文件超过 10 MB" in reply.content.decode()
    else:
        reply = over_api(bank, "officer", Large(40))
        error = reply.json()["error"]
        assert (reply.status_code, error["code"], list(error["fields"])) == (422, "file_refused", ["file"])
        assert "10 MB" in error["message"]
    assert written() == before
    assert 5 * MEGABYTE < max(kept) <= 10 * MEGABYTE, "taken to the limit, read past it, kept nowhere"


def over_api(bank: Bank, who: str, file: Any) -> Any:
    return Client(raise_request_exception=False).post(
        f"/api/v1/tasks/{bank.tasks['home'].pk}/files/",
        {"file": file},
        headers={"Authorization": f"Bearer {bank.keys[who]}"},
    )


def test_the_bound_is_the_banks_own(bank: Bank) -> None:
    from loans.models import Parameter

    Parameter.objects.filter(code="visit_file_megabytes").update(value=1)
    before = written()
    reply = send(client_of(bank, "officer"), bank, Large(2), headers={"HX-Request": "true"})
    assert reply.status_code == 422 and "1 MB" in reply.content.decode() and written() == before


@pytest.mark.parametrize("token", ["", "x" * 32])
def test_without_the_forms_token_nothing_is_taken(bank: Bank, token: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bank.staff["officer"], backend="django.contrib.auth.backends.ModelBackend")
    client.get(path(bank, "visit"))
    before = written()
    assert client.post(path(bank), {"file": upload(JPEG), "csrfmiddlewaretoken": token}).status_code == 403
    assert written() == before
    right = client.cookies["csrftoken"].value
    assert client.post(path(bank), {"file": upload(JPEG), "csrfmiddlewaretoken": right}).status_code == 302
    assert VisitAttachment.objects.count() == 1


def test_over_the_api_a_file_is_sent_listed_taken_and_removed(bank: Bank) -> None:
    sent = over_api(bank, "officer", upload(JPEG))
    assert sent.status_code == 201, sent.content
    row = sent.json()
    assert row["media_type"] == "image/jpeg" and row["is_reused"] is False and len(row["sha256"]) == 64
    api = bank.api("manager")
    assert api.get(f"tasks/{bank.tasks['home'].pk}/files/").json() == [row]
    taken = api.get(f"files/{row['id']}/")
    assert taken.status_code == 200 and taken["X-Content-Type-Options"] == "nosniff"
    assert bank.api("stranger").get(f"files/{row['id']}/").status_code == 404
    assert api.send("DELETE", f"files/{row['id']}/").status_code == 403
    assert bank.api("officer").send("DELETE", f"files/{row['id']}/").status_code == 204
    assert api.get(f"tasks/{bank.tasks['home'].pk}/files/").json() == []
    assert api.get(f"tasks/{bank.tasks['other'].pk}/files/").status_code == 404


def test_no_file_many_fields_and_a_foreign_form_are_answered(bank: Bank) -> None:
    before = written()
    assert over_api(bank, "officer", "no file").json()["error"]["code"] == "file_refused"
    assert bank.api("officer").post(f"tasks/{bank.tasks['home'].pk}/files/", {"file": "x"}).status_code == 415
    broken = Client(raise_request_exception=False).post(
        f"/api/v1/tasks/{bank.tasks['home'].pk}/files/",
        b"--x\r\nbroken",
        content_type="multipart/form-data; boundary=",
        headers={"Authorization": f"Bearer {bank.keys['officer']}"},
    )
    assert broken.status_code == 400
    assert written() == before


def test_a_name_is_text_on_every_page(bank: Bank) -> None:
    officer = client_of(bank, "officer")
    send(officer, bank, upload(JPEG, '"><img src=x onerror=alert(1)>.jpg'))
    page = officer.get(path(bank, "visit")).content.decode()
    assert "<img src=x" not in page and "onerror=" not in page


def test_the_clock_is_stopped_and_let_run_from_the_page(bank: Bank) -> None:
    officer, task = client_of(bank, "officer"), bank.tasks["home"]
    stopped = officer.post(path(bank, "pause"), {"reason": "HOSPITAL", "until": "2026-11-06"}, follow=True)
    assert "计时暂停至 2026-11-06" in stopped.content.decode()
    assert "计时暂停" in officer.get("/").content.decode()
    shown = bank.api("officer").get(f"tasks/{task.pk}/").json()
    assert shown["paused_until"] == "2026-11-06"
    running = officer.post(path(bank, "resume"), follow=True).content.decode()
    assert "已恢复计时" in running and "客户住院" in running
    assert officer.post(path(bank, "pause"), {"reason": "TIRED", "until": "2026-11-06"}).status_code == 302
    task.refresh_from_db()
    assert task.paused_until is None


def test_a_window_is_held_told_and_taken_over_on_the_page(bank: Bank) -> None:
    officer = client_of(bank, "officer")
    assert officer.post(path(bank, "hold"), {"tab": "window-one"}).content.strip() == b""
    told = officer.post(path(bank, "hold"), {"tab": "window-two"}).content.decode()
    assert "本页只读" in told and "接管填写" in told and bank.staff["officer"].name in told
    saved = officer.post(path(bank, "draft"), {"version": "1", "tab": "window-two", "conclusion": "WATCH"})
    assert saved.status_code == 409 and "本页只读" in saved.content.decode()
    taken = officer.post(path(bank, "hold"), {"tab": "window-two", "take": "1"})
    assert taken.headers["Location"].endswith("/visit/")
    assert officer.post(path(bank, "draft"), {"version": "1", "tab": "window-two"}).status_code == 200
    assert officer.post(path(bank, "hold"), {"tab": "window-two", "release": "1"}).status_code == 204


# S2.3
def test_a_visit_to_the_home_is_asked_for_on_the_page(bank: Bank) -> None:
    officer = client_of(bank, "officer")
    asked = {"reason": "外墙开裂需查看", "due_on": "2026-11-10", "method": "FIELD"}
    page = officer.post(path(bank, "property_visit"), asked, follow=True).content.decode()
    assert "已生成押品回访" in page and "仅查押品" in page and "外墙开裂" in page


def test_a_second_visitor_reads_who_and_where(bank: Bank) -> None:
    """The one who goes along must find the door (S2.14)."""
    from followups.models import Visit

    task, colleague = bank.tasks["home"], client_of(bank, "colleague")
    type(task).objects.filter(pk=task.pk).update(method="FIELD")
    Visit.objects.filter(task=task).update(method="FIELD")
    loan = bank.loans["home"]
    home = loan.charges.select_related("property").get().property
    masked = colleague.get(path(bank, "visit")).content.decode()
    assert loan.borrower.name not in masked
    Visit.objects.filter(task=task).update(second_visitor=bank.staff["colleague"])
    page = colleague.get(path(bank, "visit")).content.decode()
    assert loan.borrower.name in page
    assert home.address in colleague.get(reverse("followups:task", args=[task.pk])).content.decode()
    assert "NO_ANSWER" in page, "and may ring the bell"
