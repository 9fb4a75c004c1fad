"""Past visits beside a decision: what is shown, that opening it is on record, and where a report was used."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from followups.actions import events
from followups.actions.reuse import DecisionUnknown, open_past_visits
from followups.models import Measure, ReportReference, ResponseMeasure, VisitReport
from followups.queries.reuse import past_visits
from journal.models import Entry
from loans.actions.changes import propose_change
from people.tokens import issue_token
from risk.actions import warn_of_visit
from risk.rules.signals import Warned
from tests.database.test_merging import Household
from tests.database.test_visits import MARKUP, TODAY, Road, changed
from tests.factories import AT, book_loan, make_branch, make_staff
from tests.web.api_bank import Api

pytestmark = pytest.mark.django_db
SAID = "客户收入下降，已换工作"


@pytest.fixture
def road(db: None) -> Road:
    road = Road()
    road.approve(road.submit(phone=changed("19900009999"), conclusion="WATCH", conclusion_text=SAID))
    return road


def client_of(staff: Any) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def change_of(road: Road, loan: Any = None) -> Any:
    return propose_change(
        loan_id=(loan or road.loan).pk, kind="DEFERRAL", asked={"installments": "6", "extend": "no"},
        reason="客户收入下降", evidence=("证明.pdf", b"%PDF-1.7 test"), by=road.officer, at=AT,
    )  # fmt: skip


def opened(road: Road, decision: str = "LOAN", number: int | None = None, by: Any = None) -> Any:
    who = by or road.manager
    return open_past_visits(loan_id=road.loan.pk, decision=decision, decision_id=number, by=who, at=AT)[1]


def written() -> tuple[int, int]:
    return ReportReference.objects.count(), Entry.objects.count()


# S2.19
def test_who_decides_on_a_change_reads_past_visits_and_that_is_on_record(road: Road) -> None:
    change, manager = change_of(road), client_of(road.manager)
    page = manager.get(f"/changes/{change.pk}/").content.decode()
    assert f"/loans/{road.loan.pk}/past-visits/" in page and SAID not in page
    assert ReportReference.objects.count() == 0
    card = manager.post(
        f"/loans/{road.loan.pk}/past-visits/", {"decision": "CHANGE", "decision_id": change.pk}, HTTP_HX_REQUEST="true"
    ).content.decode()
    assert SAID in card and "199****9999" in card and "需关注" in card and "<html" not in card
    row = ReportReference.objects.get()
    assert (row.decision, row.decision_id, row.by, row.loan) == ("CHANGE", change.pk, road.manager, road.loan)
    told = Entry.objects.get(kind="followups.reports_referenced")
    assert (told.loan_id, told.data["reports"], told.data["decision_id"]) == (road.loan.pk, [row.report_id], change.pk)
    report = client_of(road.officer).get(f"/reports/{row.report_id}/").content.decode()
    assert "被引用" in report and "何建平" in report and f"合同变更 #{change.pk}" in report


def test_opened_again_the_same_day_it_is_the_same_reference(road: Road) -> None:
    opened(road)
    before = written()
    opened(road)
    assert written() == before
    opened(road, by=road.officer)
    assert ReportReference.objects.count() == 2


def test_a_decision_of_another_loan_is_refused_and_nothing_is_kept(road: Road) -> None:
    other = book_loan(road.branch, road.officer)
    foreign = change_of(road, other)
    before = written()
    for decision, number in (
        ("CHANGE", foreign.pk), ("REVIEW", None), ("REVIEW", 987654321), ("LOAN", 1), ("NONSENSE", None),
    ):  # fmt: skip
        with pytest.raises(DecisionUnknown):
            opened(road, decision, number)
    assert written() == before
    reply = client_of(road.manager).post(
        f"/loans/{road.loan.pk}/past-visits/", {"decision": "CHANGE", "decision_id": foreign.pk},
        HTTP_HX_REQUEST="true",
    )  # fmt: skip
    assert (reply.status_code, "与该贷款无关" in reply.content.decode(), written()) == (422, True, before)


def test_the_card_holds_open_events_and_visits_and_a_joint_report(db: None) -> None:
    home = Household()
    home.merge()
    home.approve(home.submit())
    events.record_event(
        loan_id=home.other.pk, code="JOB_LOSS", happened_on=TODAY, words=MARKUP, by=home.officer, at=AT
    )  # fmt: skip
    found = past_visits(home.other, home.officer)
    assert len(found.reports) == 1 and found.reports[0].report.visit.task == home.lead
    assert [row.event.code for row in found.events] == ["JOB_LOSS"]
    reply = client_of(home.manager).post(f"/loans/{home.other.pk}/past-visits/", {"decision": "LOAN"})
    shown = reply.content.decode()
    assert "<html" in shown and "失业" in shown and "&lt;script&gt;" in shown and "<script>alert" not in shown


def test_the_card_holds_warnings_and_measures_that_are_not_done(road: Road) -> None:
    report = VisitReport.objects.get()
    Measure.objects.create(
        report=report, loan=road.loan, branch=road.branch, kind=ResponseMeasure.objects.get(code="NOTICE"),
        owner=road.officer, due_on=TODAY, opened_by=road.manager, opened_at=AT, opened_on=TODAY, words="补交租赁合同",
    )  # fmt: skip
    warn_of_visit(
        loan_id=road.loan.pk, visit_id=report.visit_id, report_id=report.pk, version=1, policy_version=1,
        warned=[Warned("INCOME", "INCOME_DOWN_40", 2, 10, {})], by=road.officer, at=AT,
    )  # fmt: skip
    found = past_visits(road.loan, road.manager)
    assert [each.code for each in found.signals] == ["INCOME_DOWN_40"] and len(found.measures) == 1
    path = f"/loans/{road.loan.pk}/past-visits/"
    card = client_of(road.manager).post(path, {"decision": "LOAN"}).content.decode()
    assert "未关闭的预警" in card and "未完成的措施" in card and "补交租赁合同" in card
    key = issue_token(staff=road.manager, name="test", by="system", at=timezone.now())[0]
    reply = Api(key).post(f"loans/{road.loan.pk}/past-visits/", {"decision": "LOAN"}, key="a-1").json()
    assert [each["code"] for each in reply["signals"]] == ["INCOME_DOWN_40"]
    assert [each["kind"] for each in reply["measures"]] == ["NOTICE"]
    away = make_branch()
    stranger = make_staff("LOAN_OFFICER", away)
    other = past_visits(book_loan(away, stranger, borrower=road.loan.borrower), stranger)
    assert (other.signals, other.measures) == ((), ())


def test_outside_the_own_portfolio_texts_are_masked(road: Road) -> None:
    name = road.loan.borrower.name
    assert opened(road, by=road.officer).reports[0].content["cover"]["borrower"] == name
    assert opened(road).reports[0].content["cover"]["borrower"] != name


def test_another_branchs_visits_are_not_shown(road: Road) -> None:
    away = make_branch()
    officer = make_staff("LOAN_OFFICER", away)
    loan = book_loan(away, officer, borrower=road.loan.borrower)
    assert past_visits(loan, officer).reports == ()
    assert client_of(officer).post(f"/loans/{road.loan.pk}/past-visits/", {"decision": "LOAN"}).status_code == 404
    assert ReportReference.objects.count() == 0


def test_a_reference_is_history(road: Road) -> None:
    opened(road)
    for bad in (
        "UPDATE followups_reportreference SET decision = 'CHANGE'",
        "DELETE FROM followups_reportreference",
        "INSERT INTO followups_reportreference (report_id, loan_id, decision, decision_id, by_id, at, business_date) "
        "SELECT report_id, loan_id, decision, decision_id, by_id, at, business_date FROM followups_reportreference",
        "INSERT INTO followups_reportreference (report_id, loan_id, decision, decision_id, by_id, at, business_date) "
        "SELECT report_id, loan_id, 'GUESS', 1, by_id, at, business_date FROM followups_reportreference",
        "INSERT INTO followups_reportreference (report_id, loan_id, decision, decision_id, by_id, at, business_date) "
        "SELECT report_id, loan_id, 'LOAN', 1, by_id, at, business_date FROM followups_reportreference",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bad)
    assert ReportReference.objects.count() == 1


def test_the_card_asks_no_more_the_more_there_is(db: None) -> None:
    home = Household()
    home.approve(home.submit())

    def counted() -> int:
        with CaptureQueriesContext(connection) as asked:
            past_visits(home.loan, home.manager)
        return len(asked)

    few = counted()
    home.lead = home.member
    home.approve(home.submit())
    for code in ("JOB_LOSS", "NEW_DEBT", "ILLNESS"):
        events.record_event(loan_id=home.loan.pk, code=code, happened_on=TODAY, words="来电", by=home.officer, at=AT)
    assert len(past_visits(home.loan, home.manager).reports) == 2
    assert counted() <= few + 2


def test_the_card_stands_where_something_is_decided(road: Road) -> None:
    officer = client_of(road.officer)
    for path in (f"/loans/{road.loan.pk}/", f"/loans/{road.loan.pk}/prepay/",
                 f"/loans/{road.loan.pk}/changes/new/?kind=RESTRUCTURING"):  # fmt: skip
        assert f"/loans/{road.loan.pk}/past-visits/" in officer.get(path).content.decode(), path
    operations = client_of(make_staff("OPERATIONS", road.branch))
    assert "past-visits" not in operations.get(f"/loans/{road.loan.pk}/prepay/").content.decode()


def test_over_the_api_the_same_card_is_opened(road: Road) -> None:
    key = issue_token(staff=road.manager, name="test", by="system", at=timezone.now())[0]
    api = Api(key)
    reply = api.post(f"loans/{road.loan.pk}/past-visits/", {"decision": "PREPAYMENT"}, key="once")
    assert reply.json()["reports"][0]["conclusion_text"] == SAID
    pk = reply.json()["reports"][0]["id"]
    assert [row["decision"] for row in api.get(f"reports/{pk}/references/").json()["results"]] == ["PREPAYMENT"]
    again = api.post(f"loans/{road.loan.pk}/past-visits/", {"decision": "PREPAYMENT"}, key="once")
    assert again.json() == reply.json() and ReportReference.objects.count() == 1
