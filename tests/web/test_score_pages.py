"""S2.15 on pages: the score old beside new on the visit, in the report, and on the loan's page of warnings."""

import re

import pytest
from django.test import Client

from risk.models import ScorePolicy
from tests.database.test_visits import MARKUP, Road, changed

pytestmark = pytest.mark.django_db


def text_of(road: Road, address: str, language: str = "zh-hans") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(road.officer)
    found = client.get(address)
    assert found.status_code == 200, address
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.content.decode()))


def test_the_visit_shows_the_score_before_and_after(db: None) -> None:
    road = Road()
    road.start()
    shown = text_of(road, f"/tasks/{road.task.pk}/visit/")
    assert re.search(r"综合评分 \d+ → \d+ (低|中|高)风险", shown), shown
    assert "高风险线 60" in shown


def test_the_report_and_the_loans_warnings_show_each_part_with_what_it_looked_at(db: None) -> None:
    road = Road()
    report = road.approve(road.submit(conclusion_text=MARKUP + "收入首次登记，按期还款。"))
    said = report.content["score"]
    for address in (f"/reports/{report.pk}/", f"/loans/{road.loan.pk}/signals/"):
        shown = text_of(road, address)
        assert f"{said['points']} {said['level']['label']['zh']}" in shown
        for part in said["parts"]:
            assert f"{part['label']['zh']}" in shown
            assert part["inputs_text"]["zh"] in shown
    english = text_of(road, f"/reports/{report.pk}/", "en")
    assert "Payment record" in english and "late 0 times in 24 months" in english


def test_a_report_without_a_score_is_shown_without_one(db: None) -> None:
    policy = ScorePolicy.objects.get()
    policy.lines.all().delete()
    policy.delete()
    road = Road()
    road.start()
    assert "综合评分" not in text_of(road, f"/tasks/{road.task.pk}/visit/")
    report = road.submit(phone=changed("13900001111"))
    assert "综合评分" not in text_of(road, f"/reports/{report.pk}/")
    assert "综合评分" not in text_of(road, f"/loans/{road.loan.pk}/signals/")
