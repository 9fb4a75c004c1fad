"""The road of a visit: start, draft, submit, return, resubmit, approve; and every way it may be refused."""

import hashlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from collateral.models import Charge, Property
from followups import actions, queries
from followups.actions import refusals
from followups.batch import run_off_site
from followups.models import (
    Difference,
    Outcome,
    ReportState,
    TaskEvent,
    TaskState,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.rules import checklist
from followups.rules.report import content_sha256
from journal.models import Entry, Exhibit
from journal.queries import exhibit_bytes
from people.actions import NotAllowed, record_profile
from people.models import FinancialProfile
from tests.factories import AT, book_loan, make_branch, make_staff

TODAY = date(2026, 11, 1)
MARKUP = '<script>alert(1)</script> #panic("x") $x$ {{ 7*7 }} \'or 1=1--'


def make_task(loan: Any, officer: Any = None, **given: Any) -> VisitTask:
    """A planned task with its first event, as the planner writes them."""
    fields = {
        "kind": "PERIODIC",
        "rule": "PERIODIC",
        "cycle": "1",
        "method": "PHONE",
        "level": 9,
        "opens_on": TODAY,
        "due_on": TODAY + timedelta(days=20),
        "reason": [{"code": "CYCLE", "params": {"months": 12}}],
        "policy_version": 1,
        "policy_line": 1,
        "created_on": TODAY,
        **given,
    }
    task = VisitTask.objects.create(loan=loan, branch=loan.branch, assigned_to=officer, **fields)
    TaskEvent.objects.create(task=task, kind="PLANNED", at=AT, business_date=TODAY, actor="system")
    return task


def filled(visit: Visit, **changes: Any) -> dict[str, Any]:
    """All required answers: nothing has changed; what was never recorded is recorded now."""
    answers: dict[str, dict[str, str]] = {}
    values = {"money": "12000.00", "date": "2027-01-01", "text": "江城恒信机电有限公司"}
    for item in checklist.items_for(visit.task.kind, visit.method, visit.checklist.items):
        if not item["required"]:
            continue
        if checklist.is_direct(item):
            answers[item["key"]] = {"now": item.get("normal", "无变化")}
        elif checklist.baseline_missing(item, visit.known):
            now = item["choices"][0]["value"] if item["choices"] else values[item["type"]]
            now = "0.00" if item["key"] == "other_monthly_debt" else now
            answers[item["key"]] = {"choice": "CHANGED", "now": now, "verified_by": "ORAL"}
        else:
            answers[item["key"]] = {"choice": "SAME"}
    draft: dict[str, Any] = {"answers": answers, "conclusion": "NO_CONCERN", "conclusion_text": ""}
    if visit.method in checklist.CALLING:
        draft["contact_outcome"] = "REACHED"
    if visit.method == "FIELD":
        draft["photo_exit"] = "REFUSED"
    for key, value in changes.items():
        if isinstance(value, dict):
            answers[key] = value
        else:
            draft[key] = value
    return draft


def changed(now: str, verified_by: str = "ORAL") -> dict[str, str]:
    return {"choice": "CHANGED", "now": now, "verified_by": verified_by}


class Road:
    """One branch with officer, manager, loan and task."""

    def __init__(self, **task: Any) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, "周楠")
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        self.loan = book_loan(self.branch, self.officer)
        self.task = make_task(self.loan, self.officer, **task)

    def start(self) -> Visit:
        return actions.start_visit(task_id=self.task.pk, by=self.officer, at=AT)

    def submit(self, **changes: Any) -> VisitReport:
        visit = self.start()
        draft = filled(visit, **changes)
        visit = self.second_signs(visit, draft) if "second_visitor" in draft else visit
        return actions.submit_visit(task_id=self.task.pk, version=visit.version, draft=draft, by=self.officer, at=AT)

    def second_signs(self, visit: Visit, draft: dict[str, Any]) -> Visit:
        """The draft kept, and the opinion of who is named in it, if that may be a second visitor."""
        kept = actions.save_draft(task_id=self.task.pk, version=visit.version, draft=draft, by=self.officer, at=AT)
        if kept.second_visitor is not None:
            actions.sign_opinion(
                task_id=self.task.pk, version=kept.version, conclusion="NO_CONCERN", text="", by=kept.second_visitor,
                at=AT,
            )  # fmt: skip
        return kept

    def approve(self, report: VisitReport, by: Any = None) -> VisitReport:
        return actions.approve_report(
            report_id=report.pk, content_sha256=report.content_sha256, by=by or self.manager, at=AT
        )


def profiled(road: Road) -> Road:
    """The same with a borrower whose employer, income and debts are known."""
    record_profile(
        party_id=road.loan.borrower_id, known_on=date(2026, 10, 31), source="TAPE", employer="江城恒信机电有限公司",
        monthly_income=Decimal("19600.00"), other_monthly_debt=Decimal("1160.00"), by="system", at=AT,
    )  # fmt: skip
    return road


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def written() -> tuple[int, ...]:
    """Rows of everything a refused step must leave alone."""
    tables = (Entry, TaskEvent, VisitReport, Difference, Exhibit, FinancialProfile)
    return tuple(table.objects.count() for table in tables)


# S2.18
def test_the_whole_road_with_events_facts_and_files(road: Road) -> None:
    visit = road.start()
    assert actions.start_visit(task_id=road.task.pk, by=road.officer, at=AT).pk == visit.pk
    draft = filled(visit, monthly_income=changed("9800.00", "PAYSLIP"))
    visit = actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert visit.version == 2
    first = actions.submit_visit(task_id=road.task.pk, version=2, draft=draft, by=road.officer, at=AT)
    assert (first.version, first.state, first.decide_by) == (1, ReportState.SUBMITTED, date(2026, 11, 3))
    actions.return_report(
        report_id=first.pk, content_sha256=first.content_sha256, reason="请补充收入佐证材料", sections=["income"],
        by=road.manager, at=AT,
    )  # fmt: skip
    road.task.refresh_from_db()
    assert road.task.state == TaskState.RETURNED
    visit = road.start()
    draft = filled(visit, monthly_income=changed("9900.00", "BUREAU"), conclusion_text="收入已凭征信核实。")
    second = actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert second.version == 2 and second.number.endswith("-2") and second.content["report_no"] == second.number
    assert [row["key"] for row in second.content["amendments"]] == ["monthly_income", "conclusion_text"]
    assert second.content["returned"]["sections"] == ["income"]
    road.approve(second)
    kinds = list(TaskEvent.objects.filter(task=road.task).order_by("id").values_list("kind", flat=True))
    assert kinds == ["PLANNED", "STARTED", "ATTEMPTED", "SUBMITTED", "RETURNED", "SUBMITTED", "APPROVED", "CLOSED"]
    road.task.refresh_from_db()
    assert (road.task.state, road.task.outcome, road.task.closed_on) == (TaskState.CLOSED, Outcome.APPROVED, TODAY)
    facts = list(
        Entry.objects.filter(loan_id=road.loan.pk, kind__startswith="followups.")
        .order_by("id")
        .values_list("kind", flat=True)
    )
    assert facts == [
        "followups.visit_started",
        "followups.contact_attempted",
        "followups.visit_submitted",
        "followups.report_returned",
        "followups.visit_submitted",
        "followups.report_approved",
    ]
    second.refresh_from_db()
    content = exhibit_bytes(second.pdf)
    assert content.startswith(b"%PDF-") and hashlib.sha256(content).hexdigest() == second.pdf.sha256
    assert content_sha256(second.content) == second.content_sha256


# S1.12, S2.14
def test_an_approval_hands_changed_facts_down(road: Road) -> None:
    report = road.submit(
        monthly_income=changed("9800.00", "PAYSLIP"),
        employer=changed("江城市安达物流有限公司", "SOCIAL_SECURITY"),
        phone=changed("19900000881"),
        occupancy=changed("LET", "SITE"),
        registration_kind=changed("FORMAL", "DOCUMENT"),
        registration_no=changed("鄂(2023)江城市不动产证明第0012345号", "DOCUMENT"),
        conclusion="WATCH",
        conclusion_text="收入下降，房屋出租。",
    )
    road.loan.borrower.refresh_from_db()
    assert road.loan.borrower.phone != "19900000881", "nothing flows before approval"
    road.approve(report)
    road.loan.borrower.refresh_from_db()
    assert road.loan.borrower.phone == "19900000881"
    profile = FinancialProfile.objects.filter(party=road.loan.borrower).latest("id")
    assert (profile.monthly_income, profile.employer, profile.known_on) == (9800, "江城市安达物流有限公司", TODAY)
    assert Property.objects.get(charges__loan=road.loan).is_owner_occupied is False
    charge = Charge.objects.get(loan=road.loan)
    assert (charge.kind, charge.registration_no) == ("FORMAL", "鄂(2023)江城市不动产证明第0012345号")
    next_task = make_task(road.loan, road.officer, cycle="2")
    known = actions.start_visit(task_id=next_task.pk, by=road.officer, at=AT).known
    assert known["monthly_income"] == {"value": "9800.00", "source": "VISIT", "on": "2026-11-01"}
    assert known["occupancy"]["value"] == "LET", "the visit's word is finer than the register's"


def test_the_journal_and_the_report_hold_no_personal_data(road: Road) -> None:
    road.approve(road.submit(phone=changed("19900000881")))
    facts = str(list(Entry.objects.values_list("data", flat=True)))
    for secret in ("19900000881", road.loan.borrower.phone, road.loan.borrower.id_no, road.loan.borrower.name):
        assert secret not in facts
    content = str(VisitReport.objects.get().content)
    assert "19900000881" not in content and road.loan.borrower.id_no not in content


def test_a_stale_form_is_refused_naming_who_saved(road: Road) -> None:
    visit = road.start()
    draft = filled(visit)
    actions.save_draft(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    before = written()
    with pytest.raises(refusals.StaleVersion) as refusal:
        actions.save_draft(task_id=road.task.pk, version=1, draft={"answers": {}}, by=road.officer, at=AT)
    assert refusal.value.conflict and refusal.value.who == "周楠" and refusal.value.version == 2
    with pytest.raises(refusals.StaleVersion):
        actions.submit_visit(task_id=road.task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert written() == before and Visit.objects.get(pk=visit.pk).draft == draft


def test_a_second_submit_doubles_nothing(road: Road) -> None:
    road.submit()
    visit = Visit.objects.get(task=road.task)
    before = written()
    with pytest.raises(refusals.AlreadySubmitted) as refusal:
        actions.submit_visit(
            task_id=road.task.pk, version=visit.version, draft=visit.draft, by=road.officer, at=AT
        )  # fmt: skip
    assert refusal.value.conflict
    with pytest.raises(refusals.AlreadySubmitted):
        actions.save_draft(task_id=road.task.pk, version=visit.version, draft=visit.draft, by=road.officer, at=AT)
    assert written() == before


# S1.22
def test_nobody_decides_on_an_own_report(db: None) -> None:
    road = Road(method="FIELD")
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    report = road.submit(second_visitor=both.staff_no)
    road.officer.roles.add(road.manager.roles.get())
    for person in (type(both).objects.get(pk=road.officer.pk), both):
        before = written()
        with pytest.raises(refusals.OwnReport):
            road.approve(report, by=person)
        with pytest.raises(refusals.OwnReport):
            actions.return_report(
                report_id=report.pk, content_sha256=report.content_sha256, reason="退回自己的", by=person, at=AT
            )
        assert written() == before
    road.approve(report)


def test_a_reviewer_approves_only_what_was_seen(road: Road) -> None:
    report = road.submit()
    before = written()
    with pytest.raises(refusals.StaleReport):
        actions.approve_report(report_id=report.pk, content_sha256="0" * 64, by=road.manager, at=AT)
    assert written() == before
    road.approve(report)
    with pytest.raises(refusals.AlreadyDecided) as refusal:
        road.approve(report)
    assert refusal.value.who == "何建平" and refusal.value.conflict


def test_a_draft_changed_behind_the_report_is_not_handed_down(road: Road) -> None:
    report = road.submit(phone=changed("19900000881"))
    visit = Visit.objects.get(task=road.task)
    visit.draft["answers"]["phone"]["now"] = "19900009999"
    Visit.objects.filter(pk=visit.pk).update(draft=visit.draft)
    with pytest.raises(refusals.WrongState), transaction.atomic():
        road.approve(report)
    assert VisitReport.objects.get(pk=report.pk).state == ReportState.SUBMITTED


def test_another_branch_does_not_exist(road: Road) -> None:
    other = make_branch()
    stranger, boss = make_staff("LOAN_OFFICER", other), make_staff("BRANCH_MANAGER", other)
    report = road.submit()
    for call in (
        lambda: queries.task_for(stranger, road.task.pk),
        lambda: actions.claim(task_id=road.task.pk, by=stranger, at=AT),
        lambda: actions.start_visit(task_id=road.task.pk, by=stranger, at=AT),
        lambda: actions.save_draft(task_id=road.task.pk, version=1, draft={}, by=stranger, at=AT),
        lambda: actions.preview(task_id=road.task.pk, draft=None, by=stranger),
        lambda: actions.submit_visit(task_id=road.task.pk, version=1, draft={}, by=stranger, at=AT),
        lambda: actions.assign(task_id=road.task.pk, officer=stranger, reason="客户经理休假", by=boss, at=AT),
        lambda: actions.reschedule(task_id=road.task.pk, to=TODAY, reason="改期", by=boss, at=AT),
    ):
        with pytest.raises(VisitTask.DoesNotExist):
            call()
    for call in (
        lambda: queries.report_for(boss, report.pk),
        lambda: actions.approve_report(report_id=report.pk, content_sha256=report.content_sha256, by=boss, at=AT),
    ):
        with pytest.raises(VisitReport.DoesNotExist):
            call()
    assert list(queries.desk(stranger)) == [] and list(queries.review_queue(boss, TODAY)) == []


def test_roles_do_only_their_part(road: Road) -> None:
    report = road.submit()
    auditor = make_staff("AUDITOR", road.branch)
    for call in (
        lambda: actions.start_visit(task_id=road.task.pk, by=road.manager, at=AT),
        lambda: actions.assign(task_id=road.task.pk, officer=road.officer, reason="休假", by=road.officer, at=AT),
        lambda: actions.approve_report(
            report_id=report.pk, content_sha256=report.content_sha256, by=auditor, at=AT
        ),
        lambda: actions.reschedule(task_id=road.task.pk, to=TODAY, reason="改期", by=auditor, at=AT),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            call()


def test_report_content_stands_against_raw_sql(road: Road, owner_cursor: Any) -> None:
    report = road.submit(monthly_income=changed("9800.00", "PAYSLIP"))
    for statement in (
        "UPDATE followups_visitreport SET content = '{}' WHERE id = %s",
        "UPDATE followups_visitreport SET content_sha256 = repeat('0', 64) WHERE id = %s",
        "UPDATE followups_visitreport SET conclusion = 'AT_RISK' WHERE id = %s",
        "DELETE FROM followups_visitreport WHERE id = %s",
        "UPDATE followups_difference SET after = '1' WHERE report_id = %s",
        "DELETE FROM followups_difference WHERE report_id = %s",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [report.pk])
    road.approve(report)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE followups_visitreport SET state = 'RETURNED' WHERE id = %s", [report.pk])
    assert VisitReport.objects.get(pk=report.pk).content == report.content


def test_markup_in_every_text_field_is_only_text(road: Road) -> None:
    visit = road.start()
    texts = {
        item["key"]: changed(MARKUP) if item["before"] else {"now": MARKUP}
        for item in checklist.items_for(visit.task.kind, visit.method, visit.checklist.items)
        if item["type"] == "text" and item.get("format") != "phone"
    }
    measure = {"code": "PROOF", "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": MARKUP}
    report = road.submit(
        **texts, conclusion="AT_RISK", conclusion_text=f"{MARKUP}\n{MARKUP}", measures=[measure]
    )  # fmt: skip
    actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, reason=MARKUP, sections=["income"],
        by=road.manager, at=AT,
    )  # fmt: skip
    visit = road.start()
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version, draft=visit.draft, by=road.officer, at=AT
    )  # fmt: skip
    actions.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, note=MARKUP, by=road.manager, at=AT
    )
    report.refresh_from_db()
    assert {row["now"] for row in report.content["differences"] + report.content["baselines"]} >= {MARKUP}
    assert report.content["returned"]["reason"] == MARKUP and report.decision_note == MARKUP
    assert exhibit_bytes(report.pdf).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "changes",
    [
        {"monthly_income": {"choice": "CHANGED", "now": "9,800.00", "verified_by": "ORAL"}},
        {"employer": {"choice": "CHANGED", "now": "甲" * 121, "verified_by": "ORAL"}},
        {"employer": {"choice": "CHANGED", "now": "甲", "verified_by": "X" * 41}},
        {"employer": {"choice": "CHANGED", "now": "甲\u202e乙", "verified_by": "ORAL"}},
        {"employer": {"choice": "CHANGED", "now": "甲\x00乙", "verified_by": "ORAL"}},
        {"second_visitor": "S" * 41},
        {"conclusion": "SPLENDID"},
        {"suggested_class": "BEST"},
        {"contact_outcome": "NO_ANSWER"},
        {"unknown": "field"},
        {"no_such_item": {"now": "1"}},
        {"conclusion_text": "字" * 1001},
    ],
)
def test_a_bad_answer_is_refused_and_changes_nothing(road: Road, changes: dict[str, Any]) -> None:
    visit = road.start()
    before = written()
    with pytest.raises(refusals.InvalidAnswers) as refusal:
        actions.submit_visit(
            task_id=road.task.pk, version=visit.version, draft=filled(visit, **changes), by=road.officer, at=AT
        )
    assert refusal.value.field and refusal.value.sentences
    assert written() == before and Visit.objects.get(pk=visit.pk).version == visit.version


def test_all_that_is_missing_is_listed_at_once(road: Road) -> None:
    visit = road.start()
    with pytest.raises(refusals.MissingAnswers) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=1, draft={"answers": {}}, by=road.officer, at=AT)
    items = checklist.items_for(visit.task.kind, visit.method, visit.checklist.items)
    required = [item["key"] for item in items if item["required"]]
    assert refusal.value.fields == ["contact_outcome", *required, "conclusion"]
    assert "回访结论" in refusal.value.message


def test_no_concern_needs_words_where_the_figures_speak(road: Road) -> None:
    with pytest.raises(refusals.MissingAnswers) as refusal:
        road.submit(monthly_income=changed("100.00", "PAYSLIP"))
    assert refusal.value.fields == ["conclusion_text"]
    road.submit(monthly_income=changed("100.00", "PAYSLIP"), conclusion_text="已核实，有存款可还。")


def test_a_draft_too_large_is_not_kept(road: Road) -> None:
    road.start()
    with pytest.raises(refusals.DraftTooLarge):
        actions.save_draft(
            task_id=road.task.pk, version=1, draft={"conclusion_text": "x" * 200_001}, by=road.officer, at=AT
        )


@pytest.mark.parametrize("staff_no", ["NOBODY", "self", "left"])
def test_a_field_visit_needs_another_person_of_the_bank(db: None, staff_no: str) -> None:
    road = Road(method="FIELD")
    left = make_staff("LOAN_OFFICER", road.branch)
    type(left).objects.filter(pk=left.pk).update(is_active=False)
    named = {"self": road.officer.staff_no, "left": left.staff_no}.get(staff_no, staff_no)
    with pytest.raises(refusals.SecondVisitorWrong):
        road.submit(second_visitor=named)
    with pytest.raises(refusals.MissingAnswers):
        road.submit()


def test_preview_writes_nothing_and_says_what_is_missing(road: Road) -> None:
    visit = road.start()
    before = written()
    half = {"answers": {"monthly_income": {"choice": "CHANGED", "now": "x"}}}
    seen = actions.preview(task_id=road.task.pk, draft=half, by=road.officer)
    assert "conclusion" in seen.missing and "monthly_income" in seen.faults
    seen = actions.preview(task_id=road.task.pk, draft=filled(visit), by=road.officer)
    assert seen.missing == [] and seen.faults == {} and seen.drafted_text.endswith("。")
    assert written() == before and Visit.objects.get(pk=visit.pk).version == 1


@pytest.mark.parametrize("reason", ["", "短", "四个字的", "  空  白  "[:4]])
def test_a_return_needs_a_reason(road: Road, reason: str) -> None:
    report = road.submit()
    before = written()
    with pytest.raises(refusals.ReasonMissing):
        actions.return_report(
            report_id=report.pk, content_sha256=report.content_sha256, reason=reason, by=road.manager, at=AT
        )
    assert written() == before


def test_an_off_site_exception_is_looked_at_by_a_person_with_its_evidence(db: None) -> None:
    road = Road(method="OFF_SITE")
    loan = book_loan(road.branch, road.officer, days_past_due=40)
    task = make_task(loan, road.officer, method="OFF_SITE", due_on=TODAY)
    run_off_site(as_of=TODAY, at=AT)
    task.refresh_from_db()
    assert task.state == TaskState.PLANNED and task.evidence, "handed to a person"
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    assert "逾期" in visit.known["off_site_evidence"]["text"]["zh"]
    draft = filled(
        visit, exception_note={"now": "已联系，承诺三日内还款"}, conclusion="WATCH", conclusion_text="逾期跟进。"
    )
    report = actions.submit_visit(task_id=task.pk, version=1, draft=draft, by=road.officer, at=AT)
    assert report.suggested_class == "SPECIAL_MENTION" and report.content["repayment"]["days_past_due"] == 41
    road.approve(report)
