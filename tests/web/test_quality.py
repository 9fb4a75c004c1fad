"""The quality score is kept with its lines, shown on the report, summed by branch and officer (S2.1)."""

import re

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from followups.actions.quality import score_again
from followups.models import HintCode, ReportHint, ReportQuality
from followups.rules import quality
from tests.factories import AT
from tests.web.api_bank import Bank, make_bank, submitted
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> Bank:
    return make_bank()


# S2.1
def test_a_report_is_scored_when_handed_in_and_again_when_a_hint_comes(bank: Bank) -> None:
    report = submitted(bank)
    kept = ReportQuality.objects.get()
    assert kept.rule_version == quality.VERSION and kept.score == sum(line["got"] for line in kept.lines)
    assert [line["code"] for line in kept.lines] == list(quality.MOST)
    ReportHint.objects.create(report_id=report["id"], code=HintCode.MONTH_END, data={"reports": 9})
    score_again([report["id"]], at=AT)
    assert ReportQuality.objects.get().score == kept.score - 2
    for statement in ("score = 101", "rule_version = 0"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE followups_reportquality SET {statement}")  # noqa: S608 - a constant


# S2.1
def test_who_made_it_sees_the_score_once_it_is_decided(bank: Bank) -> None:
    report = submitted(bank)
    officer, manager = bank.api("officer"), bank.api("manager")
    path, page = f"reports/{report['id']}/", reverse("followups:report", args=[report["id"]])
    assert officer.get(path).json()["quality"] is None
    assert 'id="quality"' not in client_of(bank, "officer").get(page).content.decode()
    found = manager.get(path).json()["quality"]
    assert len(found["lines"]) == len(quality.MOST) and found["score"] <= 100
    shown = client_of(bank, "manager").get(page).content.decode()
    assert f"质量分 {found['score']}" in shown and "佐证：录音或照片" in shown
    assert f"质量分 {found['score']}" in client_of(bank, "manager").get(reverse("followups:review")).content.decode()
    manager.post(f"{path}approve/", {"content_sha256": report["content_sha256"]})
    assert officer.get(path).json()["quality"]["score"] == found["score"]


# S2.1
@pytest.mark.parametrize("by", ["branch", "officer"])
def test_the_mean_score_opens_the_reports_behind_it(bank: Bank, by: str) -> None:
    report = submitted(bank)
    bank.api("manager").post(f"reports/{report['id']}/approve/", {"content_sha256": report["content_sha256"]})
    score, client = ReportQuality.objects.get().score, client_of(bank, "manager")
    (line,) = bank.api("manager").get("turn-around/", by=by).json()["rows"]
    assert (line["scored"], line["quality"], line["finding_percent"], line["findings"]) == (1, score, 100, 1)
    page = client.get(reverse("followups:turn_around"), {"by": by}).content.decode()
    link = re.search(rf'href="([^"]+only=scored)">{score}<', page)
    assert link is not None
    behind = client.get(link[1].replace("&amp;", "&")).content.decode()
    assert f'href="{reverse("followups:report", args=[report["id"]])}#quality">{score}<' in behind
    (row,) = bank.api("manager").get("turn-around/tasks/", by=by, only="scored").json()["results"]
    assert row["score"] == score
    text = client.get(reverse("followups:turn_around_file", args=["csv"]), {"by": by}).content.decode("utf-8-sig")
    assert "质量分" in text.splitlines()[0] and f",1,{score}," in text.splitlines()[1]
