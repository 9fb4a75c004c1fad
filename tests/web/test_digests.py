"""每日摘要 on the page, above the notices and over the API: each figure leads to a list of as many (users.md 2)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups.batch.digests import make_digests
from followups.batch.notices import raise_notices
from followups.models import Digest, NoticesRead
from followups.views.digest_links import Line
from loans.models import BusinessDate
from tests.database.test_digests import MONDAY, MORNING, TUESDAY, made_on, work_of
from tests.database.test_visits import make_task
from tests.web.api_bank import Bank, make_bank
from tests.web.test_page_matrix import client_of

pytestmark = pytest.mark.django_db
PAGE = "/digests/"


@pytest.fixture
def bank() -> Bank:
    bank = make_bank()
    work_of(bank)
    made_on(MONDAY)
    return bank


def lines(bank: Bank, who: str, **asked: str) -> Iterator[Line]:
    yield from client_of(bank, who).get(PAGE, asked).context["lines"]


def listed(bank: Bank, who: str, url: str) -> int:
    page = client_of(bank, who).get(url)
    assert page.status_code == 200
    return len(page.context["rows"])


def test_each_figure_and_each_share_opens_a_list_of_as_many(bank: Bank) -> None:
    opened = 0
    for who in ("officer", "colleague", "manager", "stranger"):
        for line in lines(bank, who):
            assert listed(bank, who, line.url) == line.count, (who, line)
            for share in line.shares:
                assert not share.url or listed(bank, who, share.url) == share.count, (who, line)
            opened += 1 + len(line.shares)
    assert opened >= 10
    (reached,) = [line for line in lines(bank, "manager") if line.code == "REACHED_100"]
    assert {share.name for share in reached.shares} == {"officer", "未分派"}


def test_the_head_is_told_by_branch(bank: Bank) -> None:
    made_on(MONDAY + timedelta(days=7))
    (weekly,) = [line for line in lines(bank, "risk") if line.code == "WEEKLY_120"]
    assert [(share.name, share.count) for share in weekly.shares] == [(bank.home.name, 1)]
    assert listed(bank, "risk", weekly.url) == listed(bank, "risk", weekly.shares[0].url) == 1


def test_today_stands_above_the_notices_and_nothing_is_marked_read(bank: Bank) -> None:
    client, notices = client_of(bank, "officer"), reverse("followups:notices")
    count = client.get(reverse("followups:notices_count")).content
    page = client.get(notices).content.decode()
    assert f'href="{PAGE}"' in page and "退回修改 <b>1</b>" in page
    client.get(PAGE)
    assert client.get(reverse("followups:notices_count")).content == count and not NoticesRead.objects.exists()
    BusinessDate.objects.update(day=TUESDAY)
    assert "今天没有摘要" in client.get(notices).content.decode()
    kept = list(lines(bank, "officer", day=MONDAY.isoformat()))
    assert next(line for line in kept if line.code == "DUE_TODAY").count >= 1
    assert "chip" not in next(line for line in kept if line.code == "DUE_TODAY").url
    for wrong in ("2026-13-01", "x", "0"):
        assert client.get(PAGE, {"day": wrong}).status_code == 200


def test_over_the_api_one_reads_the_own_alone(bank: Bank) -> None:
    (row,) = bank.api("officer").get("digests/").json()["results"]
    assert row["day"] == MONDAY.isoformat() and row["since"] == "2026-10-30"
    assert {"code", "count", "parts"} == set(row["figures"][0])
    (managers,) = bank.api("manager").get("digests/").json()["results"]
    reached = next(figure for figure in managers["figures"] if figure["code"] == "REACHED_100")
    assert {part["officer"] and part["officer"]["name"] for part in reached["parts"]} == {"officer", None}
    assert bank.api("auditor").get("digests/").json()["results"] == []
    assert bank.api("officer").get("digests/", day_to="2026-11-01").json()["results"] == []


def test_page_and_api_ask_the_same_few_questions_for_many_days(bank: Bank) -> None:
    def statements() -> tuple[int, ...]:
        found = []
        client, api = client_of(bank, "manager"), bank.api("manager")
        for call in (lambda: client.get(PAGE), lambda: api.get("digests/")):
            call()
            with CaptureQueriesContext(connection) as asked:
                call()
            found.append(len(asked))
        return tuple(found)

    few = statements()
    for number in range(6):
        make_task(bank.loans["home"], bank.staff["colleague"], cycle=f"Q{number}", due_on=TUESDAY)
    for day in (TUESDAY, TUESDAY + timedelta(days=1)):
        raise_notices(as_of=day - timedelta(days=1), at=MORNING)
        BusinessDate.objects.update(day=day)
        make_digests(as_of=day, at=MORNING)
    assert Digest.objects.filter(staff=bank.staff["manager"]).count() > 1
    assert statements() == few and max(few) <= 12
