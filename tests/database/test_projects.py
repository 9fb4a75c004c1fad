"""楼盘走访: one visit to a development, its finding shared into every loan of it (S1.18, S2.3)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from followups import actions
from followups.actions import events
from followups.actions.projects import ProjectRefused, start_project_visit
from followups.batch import answering
from followups.models import EventFinding, ProjectLoan, ProjectVisit, TaskEvent, TaskState, Visit, VisitTask
from followups.queries.facts import known_facts
from followups.queries.form import asked_of
from followups.queries.projects import estate_around, members, open_projects, project_of
from followups.queries.reuse import past_visits
from journal.models import Entry
from people.actions import NotAllowed
from tests.database.test_visits import MARKUP, TODAY, changed
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db
ESTATE = "江城市滨江区江岸新城"


class Development:
    """Loans of one branch in one development; news of it on the first two; one more of another branch."""

    def __init__(self, loans: int = 4) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, "周楠")
        self.partner = make_staff("LOAN_OFFICER", self.branch, "许晴")
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        self.loans = [self.book(f"{ESTATE}{place + 1}栋2单元1203") for place in range(loans)]
        self.elsewhere = self.book("江城市滨江区江岸新城二期3栋101")
        self.away = make_branch()
        self.foreign = book_loan(self.away, make_staff("LOAN_OFFICER", self.away), property_address=f"{ESTATE}9栋101")

    def book(self, address: str) -> Any:
        return book_loan(self.branch, self.officer, property_address=address)

    def news(self, code: str = "DEVELOPER_STOPPED", loans: Any = None) -> list[VisitTask]:
        told = self.loans[:2] if loans is None else loans
        for loan in told:
            events.record_event(loan_id=loan.pk, code=code, happened_on=TODAY, words="停工", by=self.officer, at=AT)
        answering.answer_events(as_of=TODAY, at=AT, loan_ids=[loan.pk for loan in told])
        return list(VisitTask.objects.filter(rule="EVENT", loan__in=told).order_by("id"))

    def start(self, by: Any = None, loans: Any = None, **given: Any) -> ProjectVisit:
        ids = [loan.pk for loan in (self.loans if loans is None else loans)]
        asked = {"reason": "媒体报道停工", "due_on": TODAY + timedelta(days=5), **given}
        return start_project_visit(loan_id=self.loans[0].pk, loan_ids=ids, by=by or self.officer, at=AT, **asked)

    def report(self, project: ProjectVisit, **answers: Any) -> Any:
        visit = actions.start_visit(task_id=project.lead_id, by=self.officer, at=AT)
        said = {
            "project_state": changed("STALLED", "SITE"), "workers_on_site": {"now": "NO"},
            "developer_bankrupt": {"now": "NO"}, **answers,
        }  # fmt: skip
        draft = {
            "answers": said, "conclusion": "AT_RISK", "conclusion_text": "现场停工三个月，塔吊已拆。",
            "photo_exit": "REFUSED", "second_visitor": self.partner.staff_no,
            "measures": [{"code": "WATCH", "owner": self.officer.staff_no, "due_on": TODAY.isoformat(), "words": ""}],
        }  # fmt: skip
        visit = actions.save_draft(task_id=project.lead_id, version=visit.version, draft=draft, by=self.officer, at=AT)
        actions.sign_opinion(task_id=project.lead_id, version=visit.version, conclusion="AT_RISK", text="同意主办意见",
                             by=self.partner, at=AT)  # fmt: skip
        return actions.submit_visit(
            task_id=project.lead_id, version=visit.version, draft=draft, by=self.officer, at=AT
        )  # fmt: skip

    def approve(self, report: Any) -> None:
        reviewers = [self.manager]
        if report.needs_risk_head:
            reviewers.append(make_staff("RISK_MANAGER", self.branch))
        for by in reviewers:
            actions.approve_report(
                report_id=report.pk, content_sha256=report.content_sha256, note="同意。", by=by, at=AT
            )  # fmt: skip


@pytest.fixture
def place(db: None) -> Development:
    return Development()


def written() -> tuple[Any, ...]:
    tasks = tuple(VisitTask.objects.order_by("id").values_list("id", "state", "version"))
    tables = (ProjectVisit, ProjectLoan, TaskEvent, EventFinding, Entry)
    return (*(table.objects.count() for table in tables), tasks)


def test_a_development_is_read_from_addresses_and_ends_at_the_branch(place: Development) -> None:
    found = estate_around(place.loans[0], place.officer)
    assert (found.name, [row.loan for row in found.loans]) == (ESTATE, place.loans)
    assert [row.task for row in found.loans] == [None] * 4
    first, second = place.news()
    found = estate_around(place.loans[0], place.officer)
    assert [row.task for row in found.loans] == [first, second, None, None]


def test_one_visit_closes_a_task_of_every_loan_with_one_report(place: Development) -> None:
    answered = place.news()
    project = place.start()
    assert (project.lead.method, project.lead.subject, project.lead.level) == ("FIELD", "PROJECT", 2)
    assert project.lead.due_on == min(task.due_on for task in answered)
    report = place.report(project)
    assert any("江岸新城" in line["zh"] and "4 笔" in line["zh"] for line in report.content["why"])
    assert all(any(loan.loan_note_no in line["zh"] for line in report.content["why"]) for loan in place.loans)
    place.approve(report)
    rows = members(project)
    assert [row.is_shared for row in rows] == [True] * 4
    assert [row.task for row in rows][:2] == answered
    for row in rows:
        assert row.task is not None
        assert (row.task.state, row.task.outcome, row.task.closed_on) == ("CLOSED", "APPROVED", TODAY)
        ended = TaskEvent.objects.get(task=row.task, kind="CLOSED")
        assert (ended.data["report_id"], ended.data["project"], ended.actor) == (
            report.pk, project.pk, place.manager.staff_no,
        )  # fmt: skip
        assert project_of(row.task) == project
    assert set(EventFinding.objects.values_list("finding", "report_id")) == {("CONFIRMED", report.pk)}
    assert EventFinding.objects.count() == 2
    woken = Entry.objects.filter(kind="followups.report_approved").values_list("loan_id", flat=True)
    assert {loan.pk for loan in place.loans} == set(woken)
    assert not VisitTask.objects.filter(loan__in=[place.foreign, place.elsewhere]).exists()


def test_what_was_found_is_known_on_the_next_visit_and_beside_decisions(place: Development) -> None:
    project = place.start()
    place.approve(place.report(project, project_progress=changed("主体至18层", "SITE")))
    for loan in place.loans:
        facts = known_facts(loan)
        assert (facts["project_state"]["value"], facts["project_progress"]["value"]) == ("STALLED", "主体至18层")
        assert [past.report.visit.task_id for past in past_visits(loan, place.manager).reports] == [project.lead_id]
    assert "project_state" not in known_facts(place.elsewhere)
    assert "project_state" not in known_facts(place.foreign)


def test_a_visit_to_a_development_asks_no_borrower(place: Development) -> None:
    project = place.start()
    visit = actions.start_visit(task_id=project.lead_id, by=place.officer, at=AT)
    visit.task = project.lead
    asked = {item["key"] for item in asked_of(visit)}
    assert "project_state" in asked and not asked & {"monthly_income", "identity_checked", "person_met", "occupancy"}
    events.record_event(
        loan_id=place.loans[0].pk, code="JOB_LOSS", happened_on=TODAY, words="来电", by=place.officer, at=AT
    )  # fmt: skip
    answering.answer_events(as_of=TODAY, at=AT, loan_ids=[place.loans[0].pk])
    assert VisitTask.objects.get(rule="EVENT").loan == place.loans[0]
    assert {item["key"] for item in asked_of(visit)} == asked


def test_a_loan_visited_by_itself_or_settled_meanwhile_keeps_its_own(place: Development) -> None:
    first, _second = place.news()
    project = place.start()
    actions.start_visit(task_id=first.pk, by=place.officer, at=AT)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE loans_position SET settled_on = %s, principal_balance = 0, unbilled_principal = 0,"
            " next_due_on = NULL, next_number = NULL"
            " WHERE loan_id = %s", [TODAY, place.loans[3].pk],
        )  # fmt: skip
    place.approve(place.report(project))
    assert [row.is_shared for row in members(project)] == [False, True, True, False]
    first.refresh_from_db()
    assert first.state == TaskState.IN_PROGRESS
    assert not VisitTask.objects.filter(loan=place.loans[3]).exists()


def test_what_was_not_verified_is_shared_with_nobody(place: Development) -> None:
    first, second = place.news()
    project = place.start()
    place.approve(place.report(project, project_state={"choice": "UNVERIFIED"}))
    assert [row.is_shared for row in members(project)] == [False] * 4
    assert EventFinding.objects.count() == 0
    for task in (first, second):
        task.refresh_from_db()
        assert task.state == TaskState.PLANNED
    assert open_projects([loan.pk for loan in place.loans]) == {}


def test_a_task_with_another_event_keeps_its_own_talk(place: Development) -> None:
    (task,) = place.news(loans=place.loans[:1])
    events.record_event(
        loan_id=place.loans[0].pk, code="JOB_LOSS", happened_on=TODAY, words="来电", by=place.officer, at=AT
    )  # fmt: skip
    answering.answer_events(as_of=TODAY, at=AT, loan_ids=[place.loans[0].pk])
    place.approve(place.report(place.start()))
    task.refresh_from_db()
    assert task.state == TaskState.PLANNED


@pytest.mark.parametrize("wrong", ["foreign", "elsewhere", "alone", "late", "short", "picture"])
def test_what_may_not_be_begun_is_refused_and_nothing_is_kept(place: Development, wrong: str) -> None:
    given: dict[str, Any] = {
        "foreign": {"loans": [*place.loans, place.foreign]},
        "elsewhere": {"loans": [*place.loans, place.elsewhere]},
        "alone": {"loans": []},
        "late": {"due_on": TODAY - timedelta(days=1)},
        "short": {"reason": "停"},
        "picture": {"reason": "停工了\N{FIRE}\N{FIRE}"},
    }[wrong]
    before = written()
    with pytest.raises(actions.refusals.ActionRefused):
        place.start(**given)
    assert written() == before


def test_a_loan_is_in_one_open_visit_and_free_again_after_it(place: Development) -> None:
    project = place.start()
    before = written()
    with pytest.raises(ProjectRefused, match=project.lead.number):
        place.start()
    assert written() == before
    place.approve(place.report(project))
    assert place.start().pk != project.pk


def test_only_who_visits_or_assigns_may_begin_one(place: Development) -> None:
    auditor = make_staff("AUDITOR", place.branch)
    before = written()
    with pytest.raises(NotAllowed):
        place.start(by=auditor)
    assert written() == before
    assert place.start(by=place.manager).lead.assigned_to is None


def test_html_in_its_texts_is_kept_as_text(place: Development) -> None:
    project = place.start(reason=MARKUP)
    report = place.report(project, developer_word={"now": MARKUP})
    place.approve(report)
    report.refresh_from_db()
    assert report.pdf is not None and MARKUP in project.reason


def test_sharing_takes_the_same_statements_for_two_loans_and_for_46(db: None) -> None:
    def statements(loans: int) -> int:
        place = Development(loans)
        place.news(loans=place.loans)
        report = place.report(place.start())
        with CaptureQueriesContext(connection) as asked:
            place.approve(report)
        assert ProjectLoan.objects.filter(is_shared=True, loan__in=place.loans).count() == loans
        return len(asked)

    assert statements(46) == statements(2)


def test_the_database_refuses_a_shared_finding_without_a_task(place: Development) -> None:
    project = place.start()
    for bad in (
        "UPDATE followups_projectloan SET is_shared = true WHERE task_id IS NULL",
        "INSERT INTO followups_projectloan (project_id, loan_id) SELECT project_id, loan_id FROM followups_projectloan",
        "UPDATE followups_projectvisit SET estate = ''",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bad)
    assert Visit.objects.count() == 0 and project.loans.filter(is_shared=True).count() == 0


def test_the_page_lists_the_development_and_a_form_pressed_twice_begins_one(place: Development) -> None:
    client, path = Client(), f"/loans/{place.loans[0].pk}/estate/"
    client.force_login(place.officer)
    shown = client.get(path).content.decode()
    assert all(loan.loan_note_no in shown for loan in place.loans) and place.foreign.loan_note_no not in shown
    form = {
        "form_key": "k" * 24, "due_on": "2026-11-06", "reason": "媒体报道停工",
        "loan": [loan.pk for loan in place.loans],
    }  # fmt: skip
    wrong = client.post(path, {**form, "due_on": "2026-02-30", "reason": "<b>停工</b>报道"})
    assert (wrong.status_code, ProjectVisit.objects.count()) == (422, 0)
    assert "&lt;b&gt;停工" in wrong.content.decode()
    first, again = client.post(path, form), client.post(path, form)
    assert first.status_code == again.status_code == 302 and first["Location"] == again["Location"]
    project = ProjectVisit.objects.get()
    assert place.loans[3].loan_note_no in client.get(first["Location"]).content.decode()
    assert "楼盘走访" in client.get(f"/tasks/{project.lead_id}/").content.decode()
    refused = client.post(path, {**form, "form_key": "n" * 24})
    assert refused.status_code == 422 and project.lead.number in refused.content.decode()
    assert ProjectVisit.objects.count() == 1


def test_the_lists_ask_no_more_for_more_loans(db: None) -> None:
    def statements(loans: int) -> tuple[int, int]:
        place = Development(loans)
        place.news(loans=place.loans)
        project, client = place.start(), Client()
        client.force_login(place.officer)
        counted = []
        for path in (f"/loans/{place.loans[0].pk}/estate/", f"/projects/{project.pk}/"):
            client.get(path)
            with CaptureQueriesContext(connection) as asked:
                client.get(path)
            counted.append(len(asked))
        return counted[0], counted[1]

    assert statements(12) == statements(3)
