"""Which question of a visit a file proves: named when it comes, changed while the visit is open, kept (S2.14)."""

from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.models import AttachmentProof, VisitAttachment
from followups.queries.attachments import attachments_of, attachments_visible_to, photos_of
from followups.queries.review_report import filed_under, others_proved, proof_of
from journal.models import Entry
from people.actions import NotAllowed
from people.models import Staff
from tests import pictures
from tests.database.test_visits import AT, Road, changed, filled, profiled
from tests.factories import make_branch, make_staff

HOSTILE = [
    "no_such_question", "payment_strip", "fund_arrived", "event_999999999", "conclusion", "EMPLOYER", "employer;",
    "employer\x00", "employer\u202e", "x" * 100_000, "'; DROP TABLE followups_visit; --", "<script>", "../employer",
    "工作单位",
]  # fmt: skip


@pytest.fixture
def road(db: None) -> Road:
    found = profiled(Road())
    found.start()
    return found


def attach(road: Road, content: bytes = pictures.PDF, item: str = "", by: Staff | None = None) -> VisitAttachment:
    return actions.attach_file(
        task_id=road.task.pk, file=BytesIO(content), name="证明.pdf", item=item, by=by or road.officer, at=AT
    )


def assign(road: Road, row: VisitAttachment, item: str, by: Staff | None = None) -> VisitAttachment:
    return actions.assign_file(attachment_id=row.pk, item=item, by=by or road.officer, at=AT)


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (VisitAttachment, AttachmentProof, Entry))


def test_a_file_names_the_question_it_proves_and_stands_there_in_the_report(road: Road) -> None:
    row = attach(road, item="monthly_income")
    loose = attach(road, pictures.jpeg())
    assert [(each.pk, each.item) for each in attachments_of(row.visit)] == [(row.pk, "monthly_income"), (loose.pk, "")]
    assert attachments_visible_to(road.manager).get(pk=row.pk).item == "monthly_income"
    assert photos_of(row.visit) == 1
    assert Entry.objects.filter(kind="followups.file_added").order_by("id")[0].data["item"] == "monthly_income"
    report = road.submit(monthly_income=changed("18600.00", "PAYSLIP"), employer=changed("江城新单位", "PAYSLIP"))
    listed = {file["id"]: (file["item"], file["item_label"]["zh"]) for file in report.content["attachments"]}
    assert listed == {row.pk: ("monthly_income", "税后月收入"), loose.pk: ("", "")}
    assert road.approve(report).pdf is not None


def test_the_review_shows_beside_a_change_exactly_its_files(road: Road) -> None:
    income = attach(road, item="monthly_income")
    door = attach(road, pictures.jpeg(), item="registration_kind")
    loose = attach(road, pictures.jpeg(shade=200))
    content = road.submit(
        monthly_income=changed("18600.00", "PAYSLIP"), employer=changed("江城新单位", "PAYSLIP"),
        other_monthly_debt=changed("3000.00", "SYSTEM"),
    ).content  # fmt: skip
    filed = filed_under(content)
    proofs = {row["key"]: proof_of(row, filed, []) for row in content["differences"]}
    assert [file["id"] for file in proofs["monthly_income"].files] == [income.pk]
    assert not proofs["monthly_income"].is_general and not proofs["monthly_income"].is_missing
    assert proofs["employer"].files == () and proofs["employer"].is_general
    assert not proofs["other_monthly_debt"].is_missing
    assert [file["id"] for file in filed.general] == [loose.pk]
    (other,) = others_proved(content, filed)
    assert [file["id"] for file in other["files"]] == [door.pk]


def test_what_was_seen_on_site_is_on_a_photo_and_a_word_on_a_recording(road: Road) -> None:
    content = road.submit(employer=changed("江城新单位", "SITE"), monthly_income=changed("18600.00", "ORAL")).content
    told = {row["key"]: row for row in content["differences"]}
    paper = {"id": 1, "media_type": "application/pdf", "item": "employer"}
    photo = {"id": 2, "media_type": "image/jpeg", "item": "employer"}
    for files, missing, general in (
        ([], True, False), ([paper], True, False), ([photo], False, False), ([{**photo, "item": ""}], False, True),
        ([{**paper, "item": ""}], True, False),
    ):  # fmt: skip
        found = proof_of(told["employer"], filed_under({**content, "attachments": files}), [])
        assert (found.is_missing, found.is_general) == (missing, general), files
    nothing = filed_under({**content, "attachments": []})
    assert proof_of(told["monthly_income"], nothing, []).is_missing
    assert proof_of(told["monthly_income"], nothing, ["LY1"]).recordings == ("LY1",)


def test_a_report_of_before_files_named_questions_has_general_evidence(road: Road) -> None:
    attach(road)
    content = road.submit(monthly_income=changed("18600.00", "PAYSLIP")).content
    old = [{key: value for key, value in file.items() if key[:4] != "item"} for file in content["attachments"]]
    filed = filed_under({**content, "attachments": old})
    assert len(filed.general) == 1 and proof_of(content["differences"][0], filed, []).is_general


def test_a_file_is_put_under_another_question_and_back_with_every_step_kept(road: Road) -> None:
    row = attach(road, item="employer")
    for item in ("monthly_income", "monthly_income", "", "post"):
        assert assign(road, row, item).item == item
    assert list(AttachmentProof.objects.order_by("id").values_list("item", flat=True)) == [
        "employer", "monthly_income", "", "post",
    ]  # fmt: skip
    told = Entry.objects.filter(kind="followups.file_assigned").order_by("id")
    assert [(one.data["item_before"], one.data["item"]) for one in told] == [
        ("employer", "monthly_income"), ("monthly_income", ""), ("", "post"),
    ]  # fmt: skip
    assert "证明" not in str(told[0].data)


def test_the_same_file_again_is_the_same_and_is_not_moved_in_passing(road: Road) -> None:
    row = attach(road)
    assert attach(road, item="employer").pk == row.pk
    assert attachments_of(row.visit).get().item == "employer", "it named none before"
    before = written()
    assert attach(road, item="employer") == row and attach(road) == row
    with pytest.raises(actions.FileRefused, match="工作单位"):
        attach(road, item="monthly_income")
    assert written() == before and attachments_of(row.visit).get().item == "employer"


@pytest.mark.parametrize("item", HOSTILE)
def test_a_code_that_the_visit_does_not_ask_is_refused_and_not_repeated(road: Road, item: str) -> None:
    row = attach(road, pictures.jpeg())
    before = written()
    for step in (lambda: attach(road, item=item), lambda: assign(road, row, item)):
        with pytest.raises(actions.QuestionNotAsked) as refusal:
            step()
        assert refusal.value.field == "item" and item not in refusal.value.message
    assert written() == before


def test_what_a_section_opened_on_the_way_asks_may_be_proved(road: Road) -> None:
    with pytest.raises(actions.QuestionNotAsked):
        attach(road, item="fund_backflow")
    actions.save_draft(
        task_id=road.task.pk, version=1, draft={"answers": {}, "more": "fund_use"}, by=road.officer, at=AT
    )
    row = attach(road, item="fund_backflow")
    actions.save_draft(task_id=road.task.pk, version=2, draft={"answers": {}}, by=road.officer, at=AT)
    assert [file["item"] for file in road.submit().content["attachments"]] == [""], "shut again it is general evidence"
    assert AttachmentProof.objects.get(attachment=row).item == "fund_backflow"


def test_only_visitors_of_an_open_visit_say_what_a_file_proves(db: None) -> None:
    road = Road(method="FIELD")
    visit = road.start()
    second, colleague = make_staff("LOAN_OFFICER", road.branch), make_staff("LOAN_OFFICER", road.branch)
    draft = filled(visit, second_visitor=second.staff_no)
    actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    row = attach(road)
    assert assign(road, row, "employer", by=second).item == "employer"
    refused: list[tuple[Any, type[Exception]]] = [
        (colleague, actions.NotYours), (road.manager, NotAllowed),
        (make_staff("LOAN_OFFICER", make_branch()), type(road.task).DoesNotExist),
    ]  # fmt: skip
    before = written()
    for who, error in refused:
        with pytest.raises(error):
            assign(road, row, "post", by=who)
    assert written() == before


def test_a_visit_handed_in_or_decided_keeps_its_proofs(road: Road) -> None:
    row = attach(road, item="employer")
    report = road.submit()
    before = written()
    with pytest.raises(actions.AlreadySubmitted):
        assign(road, row, "post")
    assert written() == before
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, reason="请补充佐证材料", sections=["employment"],
        by=road.manager, at=AT,
    )  # fmt: skip
    assert assign(road, row, "post").item == "post", "a visit that came back is open again"
    road.approve(road.submit())
    before = written()
    with pytest.raises(actions.TaskAlreadyEnded):
        assign(road, row, "employer")
    assert written() == before


def test_a_file_taken_out_proves_nothing_any_more(road: Road) -> None:
    row = attach(road, item="employer")
    actions.remove_file(attachment_id=row.pk, by=road.officer, at=AT)
    before = written()
    with pytest.raises(actions.FileRefused, match="已移除"):
        assign(road, row, "post")
    assert written() == before and road.submit().content["attachments"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE followups_attachmentproof SET item = 'post'",
        "DELETE FROM followups_attachmentproof",
        "INSERT INTO followups_attachmentproof (attachment_id, item, by_id, at)"
        " SELECT attachment_id, 'Employer!', by_id, at FROM followups_attachmentproof",
        "INSERT INTO followups_attachmentproof (attachment_id, item, by_id, at)"
        " SELECT 987654321, item, by_id, at FROM followups_attachmentproof; SET CONSTRAINTS ALL IMMEDIATE",
    ],
)
def test_the_database_keeps_what_a_file_was_said_to_prove(road: Road, statement: str) -> None:
    attach(road, item="employer")
    before = written()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert written() == before
