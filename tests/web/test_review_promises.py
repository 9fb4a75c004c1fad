"""What was promised at earlier visits stands beside the last conclusion on the manager's review, over the API too."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from followups import actions
from followups.batch import answering
from followups.models import PromiseToPay, VisitReport, VisitTask
from loans.models import Receipt
from people.tokens import issue_token
from tests.database.test_visits import AT, Road, filled, make_task
from tests.factories import book_loan, make_staff
from tests.web.api_bank import Api
from tests.web.test_pages import _signed_in
from tests.web.test_review_pages import at_desk, desk

pytestmark = pytest.mark.django_db
EARLIER = "上次结论与承诺"


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def promised(road: Road, task: VisitTask, amount: str, on: date, at: datetime = AT) -> None:
    actions.record_attempt(
        task_id=task.pk, outcome="REACHED", promise_amount=Decimal(amount), promise_on=on, by=road.officer, at=at
    )


def two_promises(road: Road) -> VisitReport:
    """One kept and one open, each of another visit; then this visit's report."""
    promised(road, make_task(road.loan, road.officer, cycle="FIRST"), "5000.00", date(2026, 11, 3))
    Receipt.objects.create(
        loan=road.loan, loan_ref="", channel="CORE", serial="P1", amount=Decimal("5000.00"), value_on=date(2026, 11, 3),
        state="POSTED", posted_on=date(2026, 11, 3), received_at=AT,
    )  # fmt: skip
    answering.answer_evening(as_of=date(2026, 11, 3), at=AT)
    promised(road, make_task(road.loan, road.officer, cycle="SECOND"), "8000.00", date(2026, 11, 4))
    return road.submit()


def broken() -> None:
    """The evening of the second promise, for which too little came."""
    answering.answer_evening(as_of=date(2026, 11, 4), at=AT)


def block(page: str) -> str:
    return page.split(EARLIER)[1].split("<h2")[0].split("<details")[0]


def said_of(said: str, words: str) -> str:
    """How the promise with these words stands."""
    return said.split(words)[1].split("</b>")[0]


# S2.19
def test_promises_of_earlier_visits_stand_near_the_top_of_the_review(road: Road) -> None:
    report = two_promises(road)
    page = desk(at_desk(road), report=report.pk)
    said = block(page)
    assert "已履行" in said_of(said, "26-11-03 前还 5,000.00") and "待履行" in said_of(said, "26-11-04 前还 8,000.00")
    assert said.index("26-11-04") < said.index("26-11-03"), "the latest first"
    assert page.index("发生了什么变化") < page.index(EARLIER) < page.index(">比率<")
    assert page.count(EARLIER) == 1
    broken()
    later = said_of(block(desk(at_desk(road), report=report.pk)), "26-11-04 前还 8,000.00")
    assert "未履行" in later and "t-late" in later
    officer = _signed_in("LOAN_OFFICER", road.branch).get(reverse("followups:report", args=[report.pk]))
    assert EARLIER not in officer.content.decode(), "for who reviews"


def test_a_promise_of_this_visit_or_of_another_loan_is_none_of_an_earlier_one(road: Road) -> None:
    promised(road, road.task, "1234.00", date(2026, 11, 9))
    other = book_loan(road.branch, road.officer)
    promised(road, make_task(other, road.officer), "4321.00", date(2026, 11, 9))
    report = road.submit()
    later = make_task(road.loan, road.officer, cycle="LATER")
    actions.record_attempt(
        task_id=later.pk, outcome="REACHED", promise_amount=Decimal("777.00"), promise_on=date(2026, 11, 9),
        by=road.officer, at=AT + timedelta(hours=1),
    )  # fmt: skip
    said = block(desk(at_desk(road), report=report.pk))
    assert all(amount not in said for amount in ("1,234.00", "4,321.00", "777.00")), said


def test_a_second_version_shows_them_outside_of_what_is_folded(road: Road) -> None:
    report = two_promises(road)
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, reason="请补充收入佐证", sections=["income"],
        by=road.manager, at=AT,
    )  # fmt: skip
    visit = road.start()
    draft = filled(visit, conclusion_text="收入已凭征信核实，未见变化。")
    second = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    page = desk(at_desk(road), report=second.pk)
    assert page.index("与上一版的不同") < page.index(EARLIER) < page.index('<details class="fold-in whole">')
    assert page.count(EARLIER) == 1 and "26-11-04 前还 8,000.00" in block(page)


def test_the_reviewers_document_over_the_api_holds_them(road: Road) -> None:
    report = two_promises(road)

    def seen(staff: Any) -> Any:
        key = issue_token(staff=staff, name="test", by="system", at=timezone.now())[0]
        return Api(key).get(f"reports/{report.pk}/").json()["promises"]

    assert [row["state"] for row in seen(road.manager)] == ["OPEN", "KEPT"]
    broken()
    rows = seen(road.manager)
    assert [(row["amount"], row["promised_on"], row["state"]) for row in rows] == [
        ("8000.00", "2026-11-04", "BROKEN"), ("5000.00", "2026-11-03", "KEPT"),
    ]  # fmt: skip
    tasks = [VisitTask.objects.get(pk=row["task_id"]).cycle for row in rows]
    assert tasks == ["SECOND", "FIRST"] and rows[0]["decided_on"] == "2026-11-04"
    assert seen(road.officer) == [] and seen(make_staff("AUDITOR", road.branch)) == []


def test_the_desk_asks_no_more_the_more_was_promised(road: Road) -> None:
    earlier = make_task(road.loan, road.officer, cycle="EARLIER")
    promised(road, earlier, "100.00", date(2026, 11, 9), AT - timedelta(minutes=90))
    report, client = road.submit(), at_desk(road)

    def counted() -> int:
        desk(client, report=report.pk)
        with CaptureQueriesContext(connection) as asked:
            desk(client, report=report.pk)
        return len(asked)

    few = counted()
    for day in range(10, 30):
        promised(road, earlier, "100.00", date(2026, 11, day), AT - timedelta(minutes=60 - day))
    assert PromiseToPay.objects.count() == 21 and counted() == few
    assert block(desk(client, report=report.pk)).count("承诺 ") == 8
