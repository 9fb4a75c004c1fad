"""A report to be amended is told to who makes it: in the bell, in the notices and in the digest, as long as it is."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from followups import actions
from followups.batch.digests import make_digests
from followups.models import Notice, NoticesRead, ReportCorrection, VisitReport
from followups.queries.desk_head import head_of
from followups.queries.digests import digest_on, seen
from followups.queries.notices import told, unread
from people.actions.leave import enter_leave
from people.models import Staff
from tests.database.test_corrections import LATER, approved, opened, submitted, withdraw
from tests.database.test_visit_pause import turn_to
from tests.database.test_visits import TODAY, Road, changed, make_task, profiled
from tests.factories import AT, book_loan, make_branch, make_staff
from tests.web.test_corrections import api_of, client_of, page

# The 1st of November 2026 is a Sunday.
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (2, 3, 4))


@pytest.fixture
def road(db: None) -> Road:
    return profiled(Road())


def codes(staff: Staff, day: date = TODAY) -> list[str]:
    fresh = Staff.objects.get(pk=staff.pk)
    found = [row.notice.code for row in told(fresh, day) if row.notice.is_of_correction]
    assert head_of(fresh, day).bell == unread(fresh, day), "the desk's bell and the page's count alike"
    return found


def sent_back(road: Road, report: VisitReport) -> None:
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="NO_EVIDENCE", reason="请附工资流水",
        sections=["income"], by=road.manager, at=LATER,
    )  # fmt: skip


def digest(staff: Staff, day: date) -> dict[str, int]:
    fresh = Staff.objects.get(pk=staff.pk)
    made = digest_on(fresh, day)
    return {figure.code: figure.count for figure in seen(made, fresh)} if made else {}


def morning(day: date) -> None:
    turn_to(day)
    make_digests(as_of=day, at=datetime.combine(day, AT.timetz()))


def test_it_rings_once_and_is_gone_when_it_is_handed_in_and_back_when_it_is_returned(road: Road) -> None:
    correction = opened(road, approved(road))
    assert codes(road.officer) == ["CORRECT"] and unread(road.officer, TODAY) == 1
    assert codes(road.manager) == codes(make_staff("LOAN_OFFICER", road.branch, "同事")) == []
    row = told(road.officer, TODAY)[-1]
    assert (row.notice.due_on, row.officer, row.correction) == (correction.due_on, road.officer, correction)
    client = client_of(road.officer)
    client.post(reverse("followups:notices_read"), {"up_to": row.notice.pk})
    assert unread(road.officer, TODAY) == 0 and codes(road.officer) == ["CORRECT"]
    new = submitted(road, correction, monthly_income=changed("9800.00", "PAYSLIP"))
    assert codes(road.officer) == []
    sent_back(road, new)
    assert codes(road.officer) == ["CORRECT_BACK"] and unread(road.officer, TODAY) == 1
    assert Notice.objects.filter(code__startswith="CORRECT").count() == 2
    again = submitted(road, correction, monthly_income=changed("9600.00", "PAYSLIP"))
    actions.approve_report(report_id=again.pk, content_sha256=again.content_sha256, by=road.manager, at=LATER)
    assert codes(road.officer) == [] and unread(road.officer, TODAY) == 0


def test_a_withdrawn_one_is_told_to_nobody_any_more(road: Road) -> None:
    correction = opened(road, approved(road))
    withdraw(correction, road.manager)
    assert codes(road.officer) == [] and unread(road.officer, TODAY) == 0
    morning(MONDAY)
    assert "CORRECT" not in digest(road.officer, MONDAY)


def test_the_deputy_is_told_while_the_officer_is_away_and_another_branch_never(road: Road) -> None:
    opened(road, approved(road))
    deputy, stranger = (
        make_staff("LOAN_OFFICER", road.branch, "代管人"),
        make_staff("LOAN_OFFICER", make_branch(), "外"),
    )
    enter_leave(staff=road.officer, first=MONDAY, last=MONDAY, deputy=deputy, reason="病假", by=road.officer, at=AT)
    assert codes(deputy) == []
    morning(MONDAY)
    assert codes(deputy, MONDAY) == codes(road.officer, MONDAY) == ["CORRECT"] and codes(stranger, MONDAY) == []
    assert digest(deputy, MONDAY)["CORRECT"] == digest(road.officer, MONDAY)["CORRECT"] == 1
    assert digest(stranger, MONDAY) == {} and "CORRECT" not in digest(road.manager, MONDAY)
    morning(TUESDAY)
    assert codes(deputy, TUESDAY) == [] and "CORRECT" not in digest(deputy, TUESDAY)
    assert digest(road.officer, TUESDAY)["CORRECT"] == 1, "told each morning until it is made"


def test_who_opened_it_is_told_nothing_even_standing_in(road: Road) -> None:
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch, "双岗")
    enter_leave(staff=road.officer, first=MONDAY, last=TUESDAY, deputy=both, reason="病假", by=road.officer, at=AT)
    opened(road, approved(road), by=both)
    morning(MONDAY)
    assert codes(both, MONDAY) == [] and "CORRECT" not in digest(both, MONDAY)
    assert digest(road.officer, MONDAY)["CORRECT"] == 1


def test_the_line_of_the_digest_leads_to_the_same_ones(road: Road) -> None:
    opened(road, approved(road))
    _another(road, make_staff("LOAN_OFFICER", road.branch, "同事"))
    morning(MONDAY)
    client = client_of(road.officer)
    text = page(client, "followups:digests")
    (address,) = set(re.findall(r'href="(/corrections/[^"]*)"', text))
    assert "待更正" in text
    rows = client.get(address).context["rows"]
    assert [row["correction"].officer for row in rows] == [road.officer] and rows[0]["may_amend"]
    assert 'class="on" aria-current="true">由我办理' in client.get(address).content.decode()
    assert f'href="{address}"' in page(client, "followups:desk")
    listed = api_of(road.officer).get("corrections/", mine="true").json()["results"]
    assert [row["officer"]["staff_no"] for row in listed] == [road.officer.staff_no]
    assert api_of(road.officer).get("corrections/", mine="maybe").status_code == 400


def test_the_page_the_file_and_the_api_name_who_amends_and_lead_to_the_form(road: Road) -> None:
    correction = opened(road, approved(road))
    text = page(client_of(road.officer), "followups:notices")
    row = next(row for row in text.split("<tr>") if "报告待更正：录入有误" in row)
    assert reverse("followups:visit", args=[road.task.pk]) in row and road.loan.borrower.name in row
    assert road.officer.name in row and f"{correction.due_on:%Y-%m-%d}" in row
    (found,) = api_of(road.officer).get("notices/").json()["results"]
    assert (found["code"], found["correction_id"], found["officer"]["name"], found["due_on"]) == (
        "CORRECT", correction.pk, road.officer.name, correction.due_on.isoformat(),
    )  # fmt: skip
    assert client_of(road.officer).get(reverse("followups:notices_file")).status_code == 200


def test_a_corrected_visit_of_somebody_who_left_is_told_to_who_keeps_the_loan(road: Road) -> None:
    old = approved(road)
    Staff.objects.filter(pk=road.officer.pk).update(is_active=False)
    keeper = make_staff("LOAN_OFFICER", road.branch, "接管人")
    type(road.loan).objects.filter(pk=road.loan.pk).update(portfolio_officer=keeper)
    opened(road, old)
    assert codes(keeper) == ["CORRECT"] and told(keeper, TODAY)[-1].officer == keeper
    assert ReportCorrection.objects.get().officer == keeper


def test_reading_a_result_that_waits_is_kept_too(road: Road) -> None:
    """Whatever is told can be marked read, not only what is told of open tasks."""
    opened(road, approved(road))
    last = told(road.officer, TODAY)[-1].notice
    client_of(road.officer).post(reverse("followups:notices_read"), {"up_to": last.pk})
    assert NoticesRead.objects.get(staff=road.officer).up_to == last.pk
    client_of(road.manager).post(reverse("followups:notices_read"), {"up_to": last.pk})
    assert not NoticesRead.objects.filter(staff=road.manager).exists()


def test_any_number_of_them_takes_as_many_statements(road: Road) -> None:
    opened(road, approved(road))
    client = client_of(road.officer)

    def counted(client: Client, name: str) -> int:
        page(client, name)
        with CaptureQueriesContext(connection) as queries:
            page(client, name)
        return len(queries)

    few = [counted(client, name) for name in ("followups:notices", "followups:desk")]
    for _number in range(3):
        _another(road)
    assert len(told(road.officer, TODAY)) == 4
    assert [counted(client, name) for name in ("followups:notices", "followups:desk")] == few
    assert few[0] <= 17


def _another(road: Road, officer: Staff | None = None) -> None:
    """One more of the branch, of the same officer or a colleague."""
    more: Any = Road.__new__(Road)
    more.branch, more.officer, more.manager = road.branch, officer or road.officer, road.manager
    more.loan = book_loan(road.branch, more.officer)
    more.task = make_task(more.loan, more.officer)
    opened(more, approved(more))
