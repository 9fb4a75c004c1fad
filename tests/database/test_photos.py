"""Photos: shown small, the same scene with another loan flagged with proof, where they were taken (S2.14)."""

from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from PIL import Image

from collateral.models import Property
from followups import actions
from followups.actions.attachments import thumbnail_bytes
from followups.forms import place_of
from followups.models import VisitAttachment, VisitTask
from followups.queries.attachments import files_shown
from followups.queries.photos import alike, alike_shown, place_of_home
from followups.rules.attachments import Place
from journal.models import Entry, Exhibit
from loans.models import Loan
from people.actions import NotAllowed
from tests import pictures
from tests.database.test_visits import AT, Road, make_task
from tests.factories import book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
HOME = Place(Decimal("30.583611"), Decimal("114.300000"), 12)
# About 1.1 km further north.
AWAY = Place(Decimal("30.593611"), Decimal("114.300000"), 12)


@pytest.fixture
def road(db: None) -> Road:
    found = Road(method="FIELD")
    found.start()
    return found


def attach(road: Road, content: bytes, task: Any = None, place: Place | None = None, by: Any = None) -> VisitAttachment:
    return actions.attach_file(
        task_id=(task or road.task).pk,
        file=BytesIO(content),
        name="现场.jpg",
        place=place,
        by=by or road.officer,
        at=AT,
    )


def elsewhere(road: Road, branch: Any = None) -> tuple[Any, VisitTask]:
    """A visit to another loan that is being made, and who makes it."""
    officer = road.officer if branch is None else make_staff("LOAN_OFFICER", branch)
    task = make_task(book_loan(branch or road.branch, officer), officer, method="FIELD")
    actions.start_visit(task_id=task.pk, by=officer, at=AT)
    return officer, task


def test_a_photo_is_shown_small_to_who_may_take_it_and_without_a_record(road: Road) -> None:
    row, clerk = attach(road, pictures.scene()), make_staff("OPERATIONS", road.branch)
    before = (Entry.objects.count(), Exhibit.objects.count())
    small = thumbnail_bytes(attachment=row, by=road.officer)
    assert small is not None
    with Image.open(BytesIO(small)) as picture:
        assert (picture.format, max(picture.size)) == ("JPEG", 320)
        assert not picture.getexif() and "icc_profile" not in picture.info
    with pytest.raises(NotAllowed):
        thumbnail_bytes(attachment=row, by=clerk)
    assert (Entry.objects.count(), Exhibit.objects.count()) == before
    assert thumbnail_bytes(attachment=attach(road, pictures.PDF), by=road.officer) is None


def test_the_same_scene_with_another_loan_is_flagged_with_its_visit(road: Road) -> None:
    officer, other = elsewhere(road)
    first = attach(road, pictures.scene(1), other)
    row = attach(road, pictures.scene(1, size=(1200, 900), quality=40, crop=6))
    assert row.sent_sha256 != first.sent_sha256 and row.exhibit_id != first.exhibit_id
    found = alike_shown([row], road.loan.pk, road.officer)[row.pk]
    assert (found.attachment_id, found.task) == (first.pk, other) and found.bits <= 6
    assert row.pk in files_shown(row.visit, road.officer, [])["alike"]
    report = road.submit(second_visitor=make_staff("LOAN_OFFICER", road.branch).staff_no, photo_exit="")
    assert [file["is_alike"] for file in report.content["attachments"]] == [True]


def test_another_branchs_visit_is_flagged_but_not_named(road: Road) -> None:
    officer, other = elsewhere(road, make_branch())
    attach(road, pictures.scene(2), other, by=officer)
    row = attach(road, pictures.scene(2, quality=50))
    assert alike_shown([row], road.loan.pk, road.officer)[row.pk].task is None


def test_another_scene_the_own_loan_and_what_was_taken_out_are_not_flagged(road: Road) -> None:
    officer, other = elsewhere(road)
    wall = attach(road, pictures.jpeg((400, 300)), other)
    assert wall.look is None
    gone = attach(road, pictures.scene(3), other)
    actions.remove_file(attachment_id=gone.pk, by=road.officer, at=AT)
    attach(road, pictures.scene(4), other)
    rows = [attach(road, content) for content in (
        pictures.jpeg((640, 480)), pictures.scene(3, quality=60), pictures.scene(5), pictures.scene(5, quality=30),
    )]  # fmt: skip
    assert alike(rows, road.loan.pk) == {}


def test_the_borrowers_other_loan_is_no_other_borrowers_home(road: Road) -> None:
    _officer, other = elsewhere(road)
    attach(road, pictures.scene(6), other)
    row = attach(road, pictures.scene(6, quality=50))
    assert row.pk in alike([row], road.loan.pk)
    Loan.objects.filter(pk=other.loan_id).update(borrower=road.loan.borrower)
    assert alike([row], road.loan.pk) == {}


def test_looks_are_compared_in_one_statement_by_an_index(road: Road) -> None:
    officer, other = elsewhere(road)
    for seed in range(4):
        attach(road, pictures.scene(seed), other)
    rows = [attach(road, pictures.scene(seed, quality=60)) for seed in range(4)]
    with CaptureQueriesContext(connection) as asked:
        assert len(alike(rows, road.loan.pk)) == 4
    assert len(asked) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM followups_visitattachment WHERE look IS NOT NULL AND look_bands && %s", [[1, 2]]
        )
        assert "attachment_by_look" in str(cursor.fetchall())


def test_a_position_comes_with_consent_alone() -> None:
    sent = {"latitude": "30.583611", "longitude": "114.300000", "accuracy": "12"}
    assert place_of({**sent, "consent": "1"}) == HOME
    for wrong in (
        sent, {**sent, "consent": ""}, {**sent, "consent": "1", "latitude": ""},
        {**sent, "consent": "1", "latitude": "95"}, {**sent, "consent": "1", "accuracy": "x"}, {"consent": "1"},
    ):  # fmt: skip
        assert place_of(wrong) is None


def test_without_a_position_the_photo_counts_all_the_same(road: Road) -> None:
    row = attach(road, pictures.scene())
    assert (row.latitude, row.meters_off, row.is_far) == (None, None, False)
    second = make_staff("LOAN_OFFICER", road.branch)
    report = road.submit(second_visitor=second.staff_no, photo_exit="")
    road.approve(report)
    assert place_of_home(road.loan.pk) is None and report.content["attachments"][0]["meters_off"] == ""


def test_the_first_approved_position_is_the_homes_and_a_far_one_is_flagged(road: Road) -> None:
    attach(road, pictures.scene(), place=HOME)
    second = make_staff("LOAN_OFFICER", road.branch)
    road.approve(road.submit(second_visitor=second.staff_no, photo_exit=""))
    assert place_of_home(road.loan.pk) == (HOME.latitude, HOME.longitude)
    told = Entry.objects.get(kind="collateral.place_recorded")
    assert "30.58" not in str(told.data)
    task = make_task(road.loan, road.officer, method="FIELD", cycle="2")
    actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    near, far = attach(road, pictures.scene(7), task, HOME), attach(road, pictures.scene(8), task, AWAY)
    assert (near.meters_off, near.is_far) == (0, False)
    assert far.meters_off is not None and 1080 <= far.meters_off <= 1140 and far.is_far
    assert VisitAttachment.objects.get(pk=far.pk).is_far
    assert "1113" in str([file["meters_off"] for file in _content(task, road)["attachments"]])


def _content(task: VisitTask, road: Road) -> Any:
    return actions.preview(task_id=task.pk, draft=None, by=road.officer).content


@pytest.mark.parametrize("accuracy", [101, 5000])
def test_a_blurred_position_makes_no_home(road: Road, accuracy: int) -> None:
    attach(road, pictures.scene(), place=Place(HOME.latitude, HOME.longitude, accuracy))
    second = make_staff("LOAN_OFFICER", road.branch)
    road.approve(road.submit(second_visitor=second.staff_no, photo_exit=""))
    assert place_of_home(road.loan.pk) is None


def test_at_a_shut_door_the_door_is_photographed_and_a_note_left(db: None) -> None:
    road = Road(method="FIELD")
    second = make_staff("LOAN_OFFICER", road.branch).staff_no
    for code in ("NOBODY_IN", "NOT_LET_IN"):
        with pytest.raises(actions.MissingAnswers) as refusal:
            road.submit(second_visitor=second, photo_exit=code)
        assert refusal.value.fields == ["door_photo", "note_left"]
    attach(road, pictures.scene())
    note = "回访告知书，贴于入户门"
    report = road.submit(second_visitor=second, photo_exit="NOBODY_IN", note_left=note)
    assert report.content["photo_exit"]["note"] == note


@pytest.mark.parametrize("code", ["REFUSED", "NOT_DELIVERED"])
def test_declined_or_not_delivered_needs_no_photo(db: None, code: str) -> None:
    road = Road(method="FIELD")
    second = make_staff("LOAN_OFFICER", road.branch).staff_no
    assert road.submit(second_visitor=second, photo_exit=code).content["photo_exit"]["note"] == ""


def test_the_database_refuses_half_a_position_and_a_look_without_bands(road: Road) -> None:
    attach(road, pictures.scene(), place=HOME)
    columns = "visit_id, exhibit_id, name, sent_sha256, sent_size, by_id, at, business_date"
    again = f"INSERT INTO followups_visitattachment ({columns}, %s) SELECT {columns}, %s FROM followups_visitattachment"
    for more, values in (
        ("latitude", "30"), ("latitude, longitude", "30, 114"), ("latitude, longitude, accuracy_meters", "91, 114, 5"),
        ("meters_off", "9"), ("look", "5"), ("look_bands", "ARRAY[1]"),
        ("latitude, accuracy_meters", "30, 5"),
    ):  # fmt: skip
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(again % (more, values))
    for bad in ("latitude = 30", "latitude = 91, longitude = 114"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE collateral_property SET {bad}")
    assert VisitAttachment.objects.count() == 1
    assert not Property.objects.filter(latitude__isnull=False).exists()
