"""What is off about a photo stands among the hints of the review desk, each leading to the photos themselves."""

import re
from typing import Any

import pytest
from django.urls import reverse

from collateral.models import Charge, Property
from followups.models import ReportHint, VisitReport
from followups.review_wording import distance
from tests import pictures
from tests.database.test_photos import AWAY, HOME, attach, elsewhere
from tests.database.test_visits import Road
from tests.factories import make_branch, make_staff
from tests.web.test_pages import _signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def road(db: None) -> Road:
    found = Road(method="FIELD")
    found.start()
    return found


def handed_in(road: Road) -> VisitReport:
    return road.submit(second_visitor=make_staff("LOAN_OFFICER", road.branch, "白露").staff_no, photo_exit="")


def hint_of(report: VisitReport, code: str) -> ReportHint:
    return ReportHint.objects.get(report=report, code=code)


def at_desk(road: Road, report: VisitReport) -> tuple[Any, str]:
    client = _signed_in("BRANCH_MANAGER", road.branch)
    page = client.get(reverse("followups:review"), {"report": report.pk})
    assert page.status_code == 200
    return client, page.content.decode()


def proof_of(client: Any, hint: ReportHint) -> str:
    page = client.get(reverse("followups:photo_proof", args=[hint.report_id, hint.pk]))
    assert page.status_code == 200
    text: str = page.content.decode()
    return text


def pictures_on(page: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<img src="/files/(\d+)/[^"]*"', page)]


def test_a_photo_like_another_loans_leads_to_both(road: Road) -> None:
    _officer, other = elsewhere(road)
    first = attach(road, pictures.scene(1), other)
    second = attach(road, pictures.scene(1, size=(1200, 900), quality=40, crop=6))
    report = handed_in(road)
    hint = hint_of(report, "PHOTO_ALIKE")
    assert {**hint.data, "percent": 0} == {
        "attachment": second.pk, "name": second.name, "other": first.pk, "task": other.pk,
        "loan_note_no": other.loan.loan_note_no, "percent": 0,
    }  # fmt: skip
    assert 90 <= hint.data["percent"] <= 100
    client, page = at_desk(road, report)
    assert f"与借据 {other.loan.loan_note_no} 的照片相似 {hint.data['percent']}%" in page
    assert reverse("followups:photo_proof", args=[report.pk, hint.pk]) in page
    proof = proof_of(client, hint)
    assert pictures_on(proof) == [second.pk, first.pk] and other.loan.loan_note_no in proof
    officer = _signed_in("LOAN_OFFICER", road.branch).get(reverse("followups:report", args=[report.pk]))
    assert "对照" not in officer.content.decode(), "hints are for who reviews"


def test_the_same_file_is_said_once(road: Road) -> None:
    _officer, other = elsewhere(road)
    first = attach(road, pictures.scene(1), other)
    second = attach(road, pictures.scene(1))
    report = handed_in(road)
    codes = ReportHint.objects.filter(report=report, code__startswith="PHOTO").values_list("code", flat=True)
    assert list(codes) == ["PHOTO_REUSED"]
    client, page = at_desk(road, report)
    assert f"曾用于借据 {other.loan.loan_note_no}" in page
    assert pictures_on(proof_of(client, hint_of(report, "PHOTO_REUSED"))) == [second.pk, first.pk]


def test_another_branchs_photo_is_not_shown_and_its_loan_not_named(road: Road) -> None:
    officer, other = elsewhere(road, make_branch())
    attach(road, pictures.scene(2), other, by=officer)
    own = attach(road, pictures.scene(2, quality=50))
    report = handed_in(road)
    client, page = at_desk(road, report)
    proof = proof_of(client, hint_of(report, "PHOTO_ALIKE"))
    assert "与其他机构贷款的照片相似" in page and "不在您可见的机构" in proof and pictures_on(proof) == [own.pk]
    assert other.loan.loan_note_no not in page + proof


def test_a_photo_taken_away_from_the_home_says_how_far(road: Road) -> None:
    homes = Charge.objects.filter(loan=road.loan).values("property_id")
    Property.objects.filter(pk__in=homes).update(latitude=HOME.latitude, longitude=HOME.longitude)
    attach(road, pictures.scene(7), place=HOME)
    far = attach(road, pictures.scene(8), place=AWAY)
    report = handed_in(road)
    hint = hint_of(report, "PHOTO_FAR")
    assert hint.data == {"attachment": far.pk, "name": far.name, "meters": far.meters_off}
    client, page = at_desk(road, report)
    assert "拍摄位置距押品 1.1 公里" in page
    assert pictures_on(proof_of(client, hint)) == [far.pk]


def test_calm_photos_give_no_hint_and_no_other_hint_has_this_proof(road: Road) -> None:
    attach(road, pictures.scene(5))
    report = handed_in(road)
    assert not ReportHint.objects.filter(report=report, code__startswith="PHOTO").exists()
    late = ReportHint.objects.create(report=report, code="LATE_HOUR", data={"hour": 23})
    client, _page = at_desk(road, report)
    for args in ([report.pk, late.pk], [report.pk, 987654321], [987654321, late.pk]):
        assert client.get(reverse("followups:photo_proof", args=args)).status_code == 404


@pytest.mark.parametrize(
    ("meters", "words"),
    [(501, "501 米"), (999, "999 米"), (1000, "1.0 公里"), (1299, "1.2 公里"), (26050, "26.0 公里")],
)
def test_a_distance_reads_like_one(meters: int, words: str) -> None:
    assert distance(meters) == words
