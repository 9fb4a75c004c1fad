"""Files of a visit: kept by hash, flagged when used twice, taken out, handed out on record (S2.14, S2.18)."""

import hashlib
from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.models import AttachmentRemoval, EventKind, TaskEvent, VisitAttachment
from followups.queries.attachments import attachments_of, attachments_visible_to, reused
from followups.rules.attachments import MOST_FILES
from journal.models import Entry, Exhibit
from journal.queries import exhibit_bytes
from people.actions import NotAllowed
from people.models import Staff
from tests import pictures
from tests.database.test_visits import AT, Road, filled, make_task
from tests.factories import book_loan, make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    found = Road()
    found.start()
    return found


def attach(road: Road, content: bytes, name: str = "门牌.jpg", by: Staff | None = None, task: Any = None) -> Any:
    return actions.attach_file(
        task_id=(task or road.task).pk, file=BytesIO(content), name=name, by=by or road.officer, at=AT
    )


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (VisitAttachment, AttachmentRemoval, Exhibit, TaskEvent, Entry))


def test_a_photo_is_kept_without_what_it_hid_and_with_both_hashes(road: Road) -> None:
    sent = pictures.jpeg(taken="2026:10:30 14:20:05")
    row = attach(road, sent)
    kept = exhibit_bytes(row.exhibit)
    assert b"SECRET" not in kept and kept.startswith(b"\xff\xd8\xff")
    assert row.exhibit.sha256 == hashlib.sha256(kept).hexdigest() != row.sent_sha256
    assert row.sent_sha256 == hashlib.sha256(sent).hexdigest()
    assert (row.name, row.width, row.height, row.sent_size) == ("门牌.jpg", 60, 40, len(sent))
    assert row.taken_at is not None and row.taken_at.day == 30
    event = road.task.events.get(kind=EventKind.FILE_ADDED)
    assert event.data["sha256"] == row.exhibit.sha256 and event.data["is_reused"] is False
    assert "门牌" not in str(Entry.objects.get(kind="followups.file_added").data)


def test_a_pdf_is_kept_as_it_came(road: Road) -> None:
    row = attach(road, pictures.PDF, "收入证明.docx")
    assert (row.name, row.exhibit.media_type, row.width) == ("收入证明.pdf", "application/pdf", None)
    assert exhibit_bytes(row.exhibit) == pictures.PDF and row.exhibit.sha256 == row.sent_sha256


def test_the_same_file_sent_twice_is_one(road: Road) -> None:
    first = attach(road, pictures.jpeg())
    before = written()
    assert attach(road, pictures.jpeg(), "别的名字.png") == first and written() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 100,
        b"MZ\x90\x00" + b"\0" * 100,
        b"<script>alert(1)</script>",
        pictures.jpeg((400, 300))[:600],
        pictures.bomb(),
        pictures.PDF[:20],
        pictures.PDF.replace(b"/Catalog", b"/JavaScript"),
    ],
    ids=["nothing", "gif", "program", "markup", "half a photo", "bomb", "half a pdf", "active pdf"],
)
def test_what_is_no_photo_or_document_is_refused_with_a_sentence(road: Road, content: bytes) -> None:
    before = written()
    with pytest.raises(actions.FileRefused) as refusal:
        attach(road, content, "photo.jpg")
    assert refusal.value.field == "file" and len(refusal.value.message) > 8
    assert written() == before


def test_a_file_past_the_limit_is_refused_before_it_is_looked_at(road: Road) -> None:
    before = written()
    with pytest.raises(actions.FileRefused, match="10 MB"):
        attach(road, pictures.jpeg() + b"\0" * (10 << 20))
    assert written() == before
    assert attach(road, pictures.jpeg() + b"\0" * 1000), "bytes after a photo's end are left behind"


def test_a_visit_holds_no_more_than_so_many(road: Road) -> None:
    row = attach(road, pictures.PDF)
    VisitAttachment.objects.bulk_create(
        VisitAttachment(
            visit=row.visit, exhibit=row.exhibit, name="x.pdf", sent_sha256=f"{n:064}", sent_size=1, by=road.officer,
            at=AT, business_date=row.business_date,
        )
        for n in range(MOST_FILES - 1)
    )  # fmt: skip
    before = written()
    with pytest.raises(actions.FileRefused, match=str(MOST_FILES)):
        attach(road, pictures.jpeg())
    assert written() == before


def test_the_same_photo_on_another_loan_is_flagged_on_both(road: Road) -> None:
    first = attach(road, pictures.jpeg())
    other_loan = book_loan(road.branch, road.officer)
    other = make_task(other_loan, road.officer)
    actions.start_visit(task_id=other.pk, by=road.officer, at=AT)
    assert reused([first], road.loan.pk) == set()
    # Sent on by a messenger the bytes differ, the picture as it is kept does not.
    second = attach(road, pictures.jpeg(taken="2026:10:01 08:00:00"), task=other)
    assert second.sent_sha256 != first.sent_sha256 and second.exhibit_id == first.exhibit_id
    assert other.events.get(kind=EventKind.FILE_ADDED).data["is_reused"] is True
    assert reused([first], road.loan.pk) == {first.pk} and reused([second], other_loan.pk) == {second.pk}
    fresh = attach(road, pictures.jpeg(shade=200))
    assert reused([first, fresh], road.loan.pk) == {first.pk}
    actions.remove_file(attachment_id=second.pk, by=road.officer, at=AT)
    assert reused([first], road.loan.pk) == set()


def test_a_second_visitor_brings_photos_of_the_own_and_a_stranger_none(db: None) -> None:
    road = Road(method="FIELD")
    second, colleague = make_staff("LOAN_OFFICER", road.branch), make_staff("LOAN_OFFICER", road.branch)
    stranger = make_staff("LOAN_OFFICER", make_branch())
    visit = road.start()
    draft = filled(visit, second_visitor=second.staff_no)
    actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert attach(road, pictures.jpeg(), by=second).by == second
    before = written()
    with pytest.raises(actions.NotYours):
        attach(road, pictures.jpeg(shade=3), by=colleague)
    with pytest.raises(NotAllowed):
        attach(road, pictures.jpeg(shade=3), by=road.manager)
    with pytest.raises(type(road.task).DoesNotExist):
        attach(road, pictures.jpeg(shade=3), by=stranger)
    assert written() == before


def test_before_a_visit_and_after_it_is_handed_in_nothing_is_added_or_removed(road: Road) -> None:
    row = attach(road, pictures.jpeg())
    road.submit()
    before = written()
    with pytest.raises(actions.AlreadySubmitted):
        attach(road, pictures.jpeg(shade=3))
    with pytest.raises(actions.AlreadySubmitted):
        actions.remove_file(attachment_id=row.pk, by=road.officer, at=AT)
    assert written() == before
    planned = make_task(book_loan(road.branch, road.officer), road.officer)
    with pytest.raises(actions.WrongState):
        attach(road, pictures.jpeg(shade=3), task=planned)


def test_a_file_taken_out_stays_on_record_and_may_come_again(road: Road) -> None:
    row = attach(road, pictures.jpeg())
    actions.remove_file(attachment_id=row.pk, by=road.officer, at=AT)
    before = written()
    actions.remove_file(attachment_id=row.pk, by=road.officer, at=AT)
    assert written() == before
    assert list(attachments_of(row.visit)) == [] and VisitAttachment.objects.filter(pk=row.pk).exists()
    assert road.task.events.filter(kind=EventKind.FILE_REMOVED).count() == 1
    assert attach(road, pictures.jpeg()).pk != row.pk


def test_who_takes_a_file_is_on_record_and_others_take_none(road: Road) -> None:
    row = attachments_visible_to(road.officer).get(pk=attach(road, pictures.jpeg()).pk)
    for who in (road.officer, road.manager):
        assert actions.hand_out_file(attachment=row, by=who, at=AT) == exhibit_bytes(row.exhibit)
    taken = Entry.objects.filter(kind="followups.file_handed_out").order_by("id")
    assert [entry.actor for entry in taken] == [road.officer.staff_no, road.manager.staff_no]
    operations = make_staff("OPERATIONS", road.branch)
    before = written()
    with pytest.raises(NotAllowed):
        actions.hand_out_file(attachment=row, by=operations, at=AT)
    assert written() == before
    assert not attachments_visible_to(make_staff("LOAN_OFFICER", make_branch())).exists()


# S2.18
def test_the_report_lists_files_with_their_hashes_and_says_what_was_added(road: Road) -> None:
    row = attach(road, pictures.jpeg(taken="2026:10:30 14:20:05"))
    report = road.submit()
    (listed,) = report.content["attachments"]
    assert (listed["name"], listed["sha256"]) == ("门牌.jpg", row.exhibit.sha256)
    assert listed["taken_at"] == "2026-10-30 14:20:05" and listed["is_reused"] is False
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, reason="请补一张室内照片", sections=["collateral"],
        by=road.manager, at=AT,
    )  # fmt: skip
    attach(road, pictures.jpeg(shade=200), "室内.jpg")
    again = road.submit()
    assert [row["key"] for row in again.content["amendments"]] == ["attachments"]
    assert "室内.jpg" in again.content["amendments"][0]["to"]["zh"]
    approved = road.approve(again)
    assert approved.pdf is not None and exhibit_bytes(approved.pdf).startswith(b"%PDF")


# S2.4, S2.14
def test_a_field_visit_without_a_photo_says_by_a_code_why(db: None) -> None:
    road = Road(method="FIELD")
    second = make_staff("LOAN_OFFICER", road.branch)
    before = written()
    with pytest.raises(actions.MissingAnswers) as refusal:
        road.submit(second_visitor=second.staff_no, photo_exit="")
    assert refusal.value.fields == ["photo_exit"]
    with pytest.raises(actions.InvalidAnswers):
        road.submit(second_visitor=second.staff_no, photo_exit="FORGOTTEN")
    assert written()[:3] == before[:3]
    attach(road, pictures.jpeg())
    assert road.submit(second_visitor=second.staff_no, photo_exit="").content["photo_exit"] is None


def test_the_code_stands_in_the_report(db: None) -> None:
    road = Road(method="FIELD")
    second = make_staff("LOAN_OFFICER", road.branch)
    road.start()
    attach(road, pictures.jpeg())
    report = road.submit(second_visitor=second.staff_no, photo_exit="NOBODY_IN", note_left="告知书贴于门上")
    assert report.content["photo_exit"]["code"] == "NOBODY_IN" and "留条" in report.content["photo_exit"]["label"]["zh"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE followups_visitattachment SET name = 'x'",
        "DELETE FROM followups_visitattachment",
        "UPDATE followups_attachmentremoval SET at = now()",
        "DELETE FROM followups_attachmentremoval",
        "INSERT INTO followups_visitattachment (visit_id, exhibit_id, name, sent_sha256, sent_size, width, by_id, at,"
        " business_date) SELECT visit_id, exhibit_id, name, sent_sha256, sent_size, 3, by_id, at, business_date"
        " FROM followups_visitattachment",
    ],
)
def test_the_database_keeps_files_as_they_were(road: Road, statement: str) -> None:
    row = attach(road, pictures.PDF)
    actions.remove_file(attachment_id=row.pk, by=road.officer, at=AT)
    before = written()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert written() == before
