"""Review: two reviewers for red, clean ones together, hints with their proof, measures, the same bytes again."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2.extras import DateRange

from followups import actions, report_pdf
from followups.models import (
    EventKind,
    Measure,
    ReportHint,
    ReportOpening,
    ReportState,
    TaskEvent,
    TaskState,
    Visit,
    VisitReport,
)
from followups.queries.review import document_of, reviewers_of, turn_fault, waiting_for
from journal.models import Entry
from journal.queries import exhibit_bytes
from loans.models import BusinessDate
from people.actions import NotAllowed
from people.models import Leave, Staff
from tests.database.test_visits import AT, TODAY, Road, filled, make_task
from tests.factories import book_loan, make_branch, make_party, make_staff

WORDS = "客户称行业淡季收入减少，房屋自住无变化，下季度再核实一次。"


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def written() -> tuple[int, ...]:
    tables = (Entry, TaskEvent, VisitReport, ReportOpening, Measure)
    decided = VisitReport.objects.exclude(state=ReportState.SUBMITTED).count()
    return (*(table.objects.count() for table in tables), decided)


def red(second_roles: tuple[str, ...] = ("LOAN_OFFICER",), **more: Any) -> tuple[Road, VisitReport]:
    """A red report with a measure, submitted by two."""
    road = Road(level=1, **more)
    second = make_staff(list(second_roles), road.branch, "白露")
    measure = {"code": "PLAN", "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": "商定延期"}
    report = road.submit(
        second_visitor=second.staff_no, conclusion="AT_RISK", conclusion_text="收入下降，须调整还款。",
        measures=[measure],
    )  # fmt: skip
    return road, report


def approve(report: VisitReport, by: Staff, note: str = "同意。") -> VisitReport:
    return actions.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, note=note, by=by, at=AT
    )  # fmt: skip


# S2.18
def test_a_red_report_is_approved_by_the_risk_head_after_the_managers_opinion(db: None) -> None:
    road, report = red()
    risk = make_staff("RISK_MANAGER", road.branch, "秦岚")
    assert report.needs_risk_head and report.waits_for == "MANAGER"
    assert list(waiting_for(road.manager, TODAY)) == [report] and not waiting_for(risk, TODAY)
    before = written()
    with pytest.raises(actions.ManagerFirst):
        approve(report, risk)
    with pytest.raises(actions.ReasonMissing):
        approve(report, road.manager, note=" ")
    assert written() == before
    endorsed = approve(report, road.manager, note="情况属实。")
    assert (endorsed.state, endorsed.waits_for) == (ReportState.SUBMITTED, "RISK")
    road.task.refresh_from_db()
    assert road.task.state == TaskState.SUBMITTED and not Measure.objects.exists()
    assert not waiting_for(road.manager, TODAY) and list(waiting_for(risk, TODAY)) == [report]
    with pytest.raises(actions.RiskHeadOnly):
        approve(report, make_staff("BRANCH_MANAGER", road.branch))
    done = approve(report, risk, note="同意，按月报告。")
    assert (done.state, done.decided_by, done.endorsed_by) == (ReportState.APPROVED, risk, road.manager)
    assert [one["role"] for one in done.decision["reviews"]] == ["manager", "risk"]
    kinds = list(TaskEvent.objects.filter(task=road.task).values_list("kind", flat=True).order_by("id"))
    assert kinds[-5:-1] == [EventKind.SUBMITTED, EventKind.ENDORSED, EventKind.APPROVED, EventKind.CLOSED]
    assert kinds[-1] == EventKind.TO_TELL
    facts = [entry.kind for entry in Entry.objects.filter(loan_id=road.loan.pk).order_by("id")]
    assert facts.index("followups.report_endorsed") < facts.index("followups.report_approved")


def test_who_endorsed_does_not_approve_even_as_risk_head(db: None) -> None:
    road, report = red()
    risk = make_staff("RISK_MANAGER", road.branch, "秦岚")
    Staff.objects.filter(pk=road.manager.pk).update(is_active=False)
    assert turn_fault(report, risk, TODAY) == "", "without a manager the risk head may begin"
    assert list(waiting_for(risk, TODAY)) == [report]
    endorsed = approve(report, risk)
    assert endorsed.waits_for == "RISK"
    before = written()
    with pytest.raises(actions.AlreadyEndorsed):
        approve(report, risk)
    assert written() == before
    assert approve(report, make_staff("RISK_MANAGER", road.branch)).state == ReportState.APPROVED


def test_a_red_report_of_which_no_manager_is_there_waits_for_the_risk_head(db: None) -> None:
    road, report = red(second_roles=("LOAN_OFFICER", "BRANCH_MANAGER"))
    risk = make_staff("RISK_MANAGER", road.branch, "秦岚")
    assert not waiting_for(risk, TODAY) and turn_fault(report, risk, TODAY) == "manager_first"
    Leave.objects.create(
        staff=road.manager, period=DateRange(TODAY, TODAY + timedelta(days=1)), reason="病假", entered_by=road.manager,
        entered_at=AT,
    )  # fmt: skip
    assert turn_fault(report, risk, TODAY) == "", "one manager is away, the other one went along"
    assert list(waiting_for(risk, TODAY)) == [report] and not waiting_for(risk, TODAY + timedelta(days=1))
    assert approve(report, risk).waits_for == "RISK"
    assert not waiting_for(risk, TODAY), "another one gives the second opinion"


def test_the_risk_head_may_return_what_the_manager_endorsed(db: None) -> None:
    road, report = red()
    risk = make_staff("RISK_MANAGER", road.branch)
    approve(report, road.manager)
    back = actions.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, code="MEASURES", reason="措施与风险不符",
        sections=["conclusion"], by=risk, at=AT,
    )  # fmt: skip
    assert (back.state, back.return_code, back.endorsed_by) == (ReportState.RETURNED, "MEASURES", road.manager)
    event = road.task.events.get(kind=EventKind.RETURNED)
    assert event.data["code"] == "MEASURES" and event.data["sections"] == ["conclusion"]
    again = road.start()
    draft = {**again.draft, "conclusion_text": "收入下降，已补收流水，须调整还款。"}
    second = actions.submit_visit(task_id=road.task.pk, version=again.version, draft=draft, by=road.officer, at=AT)
    assert second.waits_for == "MANAGER" and second.version == 2, "both look at the new version"
    assert [row["key"] for row in second.content["amendments"]] == ["conclusion_text"]


def test_an_own_report_goes_to_a_deputy_or_the_upper_branch(db: None) -> None:
    road = Road()
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch, "何建平二")
    task = make_task(road.loan, both, cycle="2")
    visit = actions.start_visit(task_id=task.pk, by=both, at=AT)
    report = actions.submit_visit(task_id=task.pk, version=visit.version, draft=filled(visit), by=both, at=AT)
    before = written()
    with pytest.raises(actions.OwnReport):
        approve(report, both)
    assert written() == before and not waiting_for(both, TODAY)
    assert [one.pk for one in reviewers_of(report, TODAY)] == [road.manager.pk]
    assert list(waiting_for(road.manager, TODAY)) == [report]


def test_a_return_needs_a_code_of_the_list(road: Road) -> None:
    report = road.submit()
    before = written()
    with pytest.raises(actions.ReasonMissing) as refusal:
        actions.return_report(
            report_id=report.pk, content_sha256=report.content_sha256, code="BECAUSE", reason="请补充佐证材料",
            by=road.manager, at=AT,
        )  # fmt: skip
    assert refusal.value.field == "code" and written() == before


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "sections"),
        ({"sections": ["kitchen"]}, "sections"),
        # A part of the checklist that this report does not have: the officer would land nowhere.
        ({"sections": ["income", "fund_use"]}, "sections"),
        ({"sections": ["income"], "section_codes": {"debts": "OTHER"}}, "section_codes"),
        ({"sections": ["income"], "section_codes": {"income": "BECAUSE"}}, "section_codes"),
    ],
)
def test_a_return_names_a_section_of_the_report(road: Road, given: dict[str, Any], field: str) -> None:
    report = road.submit()
    before = written()
    with pytest.raises(actions.ReasonMissing) as refusal:
        actions.return_report(
            report_id=report.pk, content_sha256=report.content_sha256, reason="请补充佐证材料", by=road.manager,
            at=AT, **given,
        )  # fmt: skip
    assert refusal.value.field == field and written() == before


# ── 批量通过 ──────────────────────────────────────────────────────────────────────────────────────


def several(road: Road, count: int, **changes: Any) -> list[VisitReport]:
    """Clean phone reports on loans of their own."""
    found = []
    for number in range(count):
        loan = book_loan(road.branch, road.officer, borrower=make_party(name=f"客户{number}"))
        task = make_task(loan, road.officer)
        visit = actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
        draft = filled(visit, **changes)
        found.append(
            actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
        )  # fmt: skip
    return found


def together(reports: list[VisitReport], by: Staff) -> list[VisitReport]:
    return actions.approve_clean(reports={one.pk: one.content_sha256 for one in reports}, by=by, at=AT)


def test_clean_reports_that_were_opened_go_together(road: Road) -> None:
    reports = several(road, 3)
    for report in reports:
        actions.open_report(report_id=report.pk, by=road.manager, at=AT)
        actions.open_report(report_id=report.pk, by=road.manager, at=AT)
    assert ReportOpening.objects.count() == 3
    done = together(reports, road.manager)
    assert {one.state for one in done} == {ReportState.APPROVED}
    assert all(exhibit_bytes(one.pdf).startswith(b"%PDF-") for one in done)
    fact = Entry.objects.get(kind="followups.reports_approved_together")
    assert sorted(fact.data["reports"]) == sorted(one.pk for one in reports)
    with pytest.raises(actions.AlreadyDecided):
        together(reports, road.manager)


@pytest.mark.parametrize(
    "why", ["unopened", "opened by another", "not clean", "own", "stale", "too many", "none", "away"]
)
def test_one_that_may_not_go_along_stops_all(road: Road, why: str) -> None:
    changes = {"conclusion": "WATCH", "conclusion_text": "收入下降，持续关注。"} if why == "not clean" else {}
    reports = several(road, 2, **changes)
    by = road.manager
    for place, report in enumerate(reports):
        opener = make_staff("BRANCH_MANAGER", road.branch) if why == "opened by another" and place else by
        if why != "unopened" or not place:
            actions.open_report(report_id=report.pk, by=opener, at=AT)
    chosen = {one.pk: one.content_sha256 for one in reports}
    if why == "own":
        Visit.objects.filter(reports=reports[1]).update(second_visitor=by)
    if why == "stale":
        chosen[reports[1].pk] = "0" * 64
    if why == "too many":
        chosen |= dict.fromkeys(range(900_000, 900_019), "0" * 64)
    if why == "none":
        chosen = {}
    if why == "away":
        elsewhere = Road()
        chosen[elsewhere.submit().pk] = "0" * 64
    before = written()
    expected = {"own": actions.OwnReport, "stale": actions.StaleReport}.get(why, actions.NotClean)
    with pytest.raises(expected):
        actions.approve_clean(reports=chosen, by=by, at=AT)
    assert written() == before


def test_an_officer_opens_and_approves_nothing(road: Road) -> None:
    report = road.submit()
    before = written()
    with pytest.raises(NotAllowed):
        actions.open_report(report_id=report.pk, by=road.officer, at=AT)
    with pytest.raises(NotAllowed):
        together([report], road.officer)
    assert written() == before


def test_what_goes_together_holds_each_row_once(road: Road) -> None:
    counts = []
    for number in (1, 3):
        reports = several(road, number)
        for report in reports:
            actions.open_report(report_id=report.pk, by=road.manager, at=AT)
        with CaptureQueriesContext(connection) as queries:
            together(reports, road.manager)
        counts.append(len(queries))
    assert (counts[1] - counts[0]) / 2 <= 45, counts


# ── Hints ─────────────────────────────────────────────────────────────────────────────────────────


def hinted(report: VisitReport) -> set[str]:
    return set(ReportHint.objects.filter(report=report).values_list("code", flat=True))


def hand_in(road: Road, at: datetime, **changes: Any) -> VisitReport:
    loan = book_loan(road.branch, road.officer, borrower=make_party())
    task = make_task(loan, road.officer)
    actions.record_attempt(task_id=task.pk, outcome="REACHED", recording="LY001", by=road.officer, at=at)
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=at)
    draft = filled(visit, **changes)
    later = at + timedelta(minutes=4)
    return actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=road.officer, at=later)


def test_a_report_in_words_of_another_is_noted_with_its_likeness(road: Road) -> None:
    first = hand_in(road, AT, conclusion="WATCH", conclusion_text=WORDS)
    second = hand_in(road, AT, conclusion="WATCH", conclusion_text=WORDS.replace("，", "、"))
    other = hand_in(
        road, AT, conclusion="WATCH", conclusion_text="单位效益不好，奖金停发；配偶仍有固定工资，本期已还。"
    )
    assert "LOOK_ALIKE" not in hinted(first) | hinted(other)
    hint = ReportHint.objects.get(report=second, code="LOOK_ALIKE")
    assert hint.other == first and hint.data == {"percent": 100}


def test_a_report_of_another_branch_or_the_same_borrower_is_no_copy(road: Road) -> None:
    hand_in(road, AT, conclusion="WATCH", conclusion_text=WORDS)
    elsewhere = Road()
    assert "LOOK_ALIKE" not in hinted(hand_in(elsewhere, AT, conclusion="WATCH", conclusion_text=WORDS))


def test_a_call_without_recording_and_a_late_hour_are_noted(road: Road) -> None:
    late = AT.replace(hour=14, minute=30)  # 22:30 in China
    report = hand_in(road, late)
    assert hinted(report) & {"LATE_HOUR", "NO_RECORDING"} == {"LATE_HOUR"}
    assert "NO_RECORDING" in hinted(road.submit())


def test_hints_and_openings_are_kept(road: Road) -> None:
    report = road.submit()
    actions.open_report(report_id=report.pk, by=road.manager, at=AT)
    assert hinted(report)
    for statement in (
        "UPDATE followups_reporthint SET code = 'QUICK'",
        "DELETE FROM followups_reporthint",
        "UPDATE followups_reportopening SET at = now()",
        "DELETE FROM followups_reportopening",
        f"INSERT INTO followups_reporthint (report_id, code, data) VALUES ({report.pk}, 'LOOK_ALIKE', '{{}}')",
        f"INSERT INTO followups_reporthint (report_id, code, data) VALUES ({report.pk}, 'GOOD', '{{}}')",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# ── The database is the last judge ────────────────────────────────────────────────────────────────


def test_no_maker_is_checker_by_raw_sql(db: None) -> None:
    road, report = red()
    risk = make_staff("RISK_MANAGER", road.branch)
    statements = [
        "state = 'APPROVED', decided_by_id = %(risk)s, decided_at = now()",
        "endorsed_by_id = submitted_by_id, endorsed_at = now(), endorsement = 'x'",
        "endorsed_by_id = accompanied_by_id, endorsed_at = now(), endorsement = 'x'",
        "endorsed_by_id = %(risk)s, endorsed_at = now(), endorsement = ''",
        "endorsed_by_id = %(risk)s, endorsement = 'x'",
        "state = 'RETURNED', decided_by_id = accompanied_by_id, decided_at = now(), decision_note = 'x'",
        "accompanied_by_id = NULL",
        "needs_risk_head = false",
        "is_clean = true",
    ]
    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE followups_visitreport SET {statement} WHERE id = %(id)s", {"id": report.pk, "risk": risk.pk}
            )
    approve(report, road.manager)
    for statement in (
        "endorsement = 'other'",
        "state = 'APPROVED', decided_by_id = endorsed_by_id, decided_at = now()",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE followups_visitreport SET {statement} WHERE id = {report.pk}")
    done = approve(report, risk)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE followups_visitreport SET decision = '{{}}' WHERE id = {done.pk}")


# ── Measures ──────────────────────────────────────────────────────────────────────────────────────


# S2.5
def test_approval_opens_the_measures_and_their_owner_ends_them(db: None) -> None:
    road, report = red()
    approve(report, road.manager)
    approve(report, make_staff("RISK_MANAGER", road.branch))
    measure = Measure.objects.get()
    assert (measure.kind.code, measure.owner, measure.state) == ("PLAN", road.officer, "OPEN")
    assert (str(measure.due_on), measure.loan, measure.opened_on) == ("2026-11-20", road.loan, TODAY)
    colleague, auditor = make_staff("LOAN_OFFICER", road.branch), make_staff("AUDITOR", road.branch)
    before = written()
    with pytest.raises(actions.MeasureWrong):
        actions.end_measure(measure_id=measure.pk, is_done=True, words="已经办好", by=colleague, at=AT)
    with pytest.raises(NotAllowed):
        actions.end_measure(measure_id=measure.pk, is_done=True, words="已经办好", by=auditor, at=AT)
    with pytest.raises(actions.ReasonMissing):
        actions.end_measure(measure_id=measure.pk, is_done=True, words="好", by=road.officer, at=AT)
    assert written() == before
    done = actions.end_measure(measure_id=measure.pk, is_done=True, words="延期变更已生效", by=road.officer, at=AT)
    assert (done.state, done.ended_by, done.ended_on) == ("DONE", road.officer, TODAY)
    with pytest.raises(actions.MeasureWrong):
        actions.end_measure(measure_id=measure.pk, is_done=False, words="不再需要了", by=road.manager, at=AT)
    assert Entry.objects.get(kind="followups.measure_ended").data["state"] == "DONE"


@pytest.mark.parametrize(
    "measure",
    [
        {"code": "NOTHING", "due_on": "2026-11-20"},
        {"code": "FREEZE", "due_on": "2026-11-20", "conclusion": "WATCH"},
        {"code": "PROOF", "due_on": "2026-10-01"},
        {"code": "PROOF", "due_on": "2026-11-20", "owner": "NOBODY"},
    ],
)
def test_a_measure_that_does_not_fit_is_refused_and_changes_nothing(road: Road, measure: dict[str, str]) -> None:
    visit = road.start()
    conclusion = measure.pop("conclusion", "AT_RISK")
    row = {"owner": road.officer.staff_no, "words": "", **measure}
    draft = filled(visit, conclusion=conclusion, conclusion_text="收入下降，须处理。", measures=[row])
    before = written()
    with pytest.raises(actions.InvalidAnswers) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert set(refusal.value.faults) == {"measures"} and written() == before


def test_a_risk_without_a_measure_is_not_handed_in(road: Road) -> None:
    visit = road.start()
    draft = filled(visit, conclusion="AT_RISK", conclusion_text="收入下降，须处理。")
    with pytest.raises(actions.MissingAnswers) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert refusal.value.fields == ["measures"]


# ── The document ──────────────────────────────────────────────────────────────────────────────────


# S2.18
def test_the_filed_bytes_can_be_made_again_from_what_is_kept(db: None) -> None:
    road, report = red()
    approve(report, road.manager)
    approve(report, make_staff("RISK_MANAGER", road.branch, "秦岚"))
    Staff.objects.filter(pk=road.manager.pk).update(name="改名后")
    kept = VisitReport.objects.select_related("pdf", "decided_by", "endorsed_by").get(pk=report.pk)
    filed = exhibit_bytes(kept.pdf)
    again = [report_pdf.render(document_of(kept)) for _round in range(2)]
    assert again == [filed, filed] and hashlib.sha256(filed).hexdigest() == kept.pdf.sha256
    assert kept.decision["set_with"] == report_pdf.set_with()


def test_an_approval_holds_the_business_date(road: Road) -> None:
    report = road.submit()
    with CaptureQueriesContext(connection) as queries:
        road.approve(report)
    held = [
        place for place, one in enumerate(queries) if "loans_businessdate" in one["sql"] and "FOR SHARE" in one["sql"]
    ]
    locked = [place for place, one in enumerate(queries) if "FOR UPDATE" in one["sql"]]
    assert held and locked and held[0] < locked[0] and BusinessDate.objects.filter(is_open=True).exists()


def test_branch_of_somebody_else_is_not_seen(road: Road) -> None:
    report = road.submit()
    stranger = make_staff("BRANCH_MANAGER", make_branch())
    with pytest.raises(VisitReport.DoesNotExist):
        actions.open_report(report_id=report.pk, by=stranger, at=AT)
    assert not waiting_for(stranger, TODAY)


# ── Who approved the loan ─────────────────────────────────────────────────────────────────────────


def test_who_approved_the_loan_is_never_its_only_visitor(road: Road) -> None:
    type(road.loan).objects.filter(pk=road.loan.pk).update(approver=road.officer)
    visit = road.start()
    draft = filled(visit)
    before = written()
    with pytest.raises(actions.ApproverAlone) as refusal:
        actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert refusal.value.field == "second_visitor" and written() == before
    second = make_staff("LOAN_OFFICER", road.branch, "白露")
    draft["second_visitor"] = second.staff_no
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT
    )  # fmt: skip
    assert report.accompanied_by == second
