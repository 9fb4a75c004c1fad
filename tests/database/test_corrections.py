"""更正 of an approved report: opened by a reviewer, made by the officer, approved like any report, or withdrawn."""

from datetime import date, timedelta
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from config.invariants import findings
from followups import actions
from followups.actions import refusals
from followups.models import (
    CorrectionState,
    Measure,
    ReportCorrection,
    ReportState,
    TaskEvent,
    TaskState,
    Visit,
    VisitAttachment,
    VisitReport,
    VisitTask,
)
from followups.report_again import SAME, compared
from followups.rules import clock
from journal.models import Entry
from journal.queries import exhibit_bytes
from loans.queries import calendar
from people.actions import NotAllowed
from people.models import FinancialProfile, Staff
from tests.database.test_review import approve, red
from tests.database.test_visits import AT, TODAY, Road, changed, make_task, profiled
from tests.factories import make_branch, make_staff

WORDS = "客户来电说明收入录入有误"
LATER = AT + timedelta(hours=1)


@pytest.fixture
def road(db: None) -> Road:
    return profiled(Road())


def approved(road: Road, **changes: Any) -> VisitReport:
    return road.approve(road.submit(**{"conclusion_text": "电话核实，逐项记录如下。", **changes}))


def opened(road: Road, report: VisitReport, by: Staff | None = None, **more: Any) -> ReportCorrection:
    told = {"code": "WRONG_ENTRY", "words": WORDS, **more}
    return actions.open_report_correction(report_id=report.pk, by=by or road.manager, at=LATER, **told)


def mended(correction: ReportCorrection, **changes: Any) -> dict[str, Any]:
    """The answers that were approved, with these in their place."""
    draft = {**correction.draft, "answers": dict(correction.draft["answers"])}
    for key, value in changes.items():
        if isinstance(value, dict):
            draft["answers"][key] = value
        else:
            draft[key] = value
    return draft


def submitted(road: Road, correction: ReportCorrection, by: Staff | None = None, **changes: Any) -> VisitReport:
    version = Visit.objects.get(task=road.task).version
    correction.refresh_from_db()
    draft = mended(correction, **changes)
    return actions.submit_visit(task_id=road.task.pk, version=version, draft=draft, by=by or road.officer, at=LATER)


def corrected(road: Road, report: VisitReport, **changes: Any) -> VisitReport:
    new = submitted(road, opened(road, report), **changes)
    return actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.manager, at=LATER)


def withdraw(correction: ReportCorrection, by: Staff, words: str = "客户核对后原报告无误") -> ReportCorrection:
    return actions.withdraw_correction(correction_id=correction.pk, words=words, by=by, at=LATER)


def written() -> tuple[Any, ...]:
    tables = (Entry, TaskEvent, VisitReport, ReportCorrection, Measure, FinancialProfile)
    states = tuple(VisitReport.objects.order_by("id").values_list("state", flat=True))
    drafts = list(ReportCorrection.objects.order_by("id").values_list("state", "draft"))
    return (*(table.objects.count() for table in tables), states, drafts, list(Visit.objects.values_list("draft")))


def task_of(road: Road) -> tuple[Any, ...]:
    task = VisitTask.objects.get(pk=road.task.pk)
    return task.state, task.outcome, task.closed_on, task.version, task.due_on, task.method


# S2.18
def test_a_correction_takes_the_place_of_the_approved_report(road: Road) -> None:
    old = approved(road, monthly_income=changed("9800.00", "PAYSLIP"), conclusion="WATCH",
                   conclusion_text="收入下降，须再核实。")  # fmt: skip
    stands, draft, pdf = task_of(road), Visit.objects.get(task=road.task).draft, exhibit_bytes(old.pdf)
    correction = opened(road, old)
    assert (correction.officer, correction.due_on, correction.state) == (road.officer, date(2026, 11, 3), "OPEN")
    new = submitted(road, correction, monthly_income=changed("12800.00", "PAYSLIP"))
    assert (new.version, new.state, new.corrects, new.is_clean) == (2, ReportState.SUBMITTED, old, False)
    assert Visit.objects.get(task=road.task).draft == draft, "the approved answers stay until the approval"
    told = new.content["corrects"]
    assert (told["version"], told["number"], told["reason"], told["by"]) == (1, old.number, WORDS, "周楠")
    assert [row["key"] for row in new.content["amendments"]] == ["monthly_income"]
    (row,) = [row for row in new.content["differences"] if row["key"] == "monthly_income"]
    assert row["before"] == "19600.00", "compared with what was known before the visit, not with version 1"
    assert VisitReport.objects.get(pk=old.pk).state == ReportState.APPROVED
    done = actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.manager, at=LATER)
    old.refresh_from_db()
    correction.refresh_from_db()
    assert (old.state, old.corrected_by, done.state) == (ReportState.CORRECTED, done, ReportState.APPROVED)
    assert (correction.state, correction.report, correction.ended_by) == ("APPROVED", done, road.manager)
    assert exhibit_bytes(old.pdf) == pdf and exhibit_bytes(done.pdf) != pdf
    assert task_of(road) == stands, "the task notices nothing"
    kinds = list(TaskEvent.objects.filter(task=road.task).order_by("id").values_list("kind", flat=True))
    assert kinds[-3:] == ["CORRECTION_OPENED", "CORRECTION_SUBMITTED", "CORRECTED"]
    facts = list(Entry.objects.filter(kind__startswith="followups.").order_by("id").values_list("kind", flat=True))
    assert facts[-3:] == [
        "followups.correction_opened", "followups.correction_submitted", "followups.report_corrected"
    ]  # fmt: skip
    profile = FinancialProfile.objects.filter(party=road.loan.borrower).latest("id")
    assert profile.monthly_income == 12800
    assert Visit.objects.get(task=road.task).draft["answers"]["monthly_income"]["now"] == "12800.00"
    output = StringIO()
    call_command("check_reports", stdout=output)
    assert [each.found for each in compared()] == [SAME, SAME], output.getvalue()


def test_the_clock_does_not_see_a_correction(road: Road) -> None:
    old = approved(road)
    before = list(TaskEvent.objects.filter(task=road.task).order_by("id"))
    corrected(road, old, conclusion="WATCH", conclusion_text="须再核实一次收入情况。")
    after = [event for event in TaskEvent.objects.filter(task=road.task).order_by("id") if event.kind != "TO_TELL"]
    days = calendar(TODAY, TODAY + timedelta(days=20))
    assert clock.steps(before, days) == clock.steps(after, days) and len(after) == len(before) + 3


# S1.22
def test_who_made_the_report_does_not_open_its_correction(db: None) -> None:
    road = Road(method="FIELD")
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    old = approved(road, second_visitor=both.staff_no)
    stranger = make_staff("BRANCH_MANAGER", make_branch())
    before = written()
    with pytest.raises(refusals.OwnReport):
        opened(road, old, by=both)
    with pytest.raises(NotAllowed):
        opened(road, old, by=road.officer)
    with pytest.raises(VisitReport.DoesNotExist):
        opened(road, old, by=stranger)
    for bad in ({"words": "错了"}, {"words": " "}, {"code": "WHIM"}, {"code": ""}):
        with pytest.raises(refusals.ReasonMissing):
            opened(road, old, **bad)
    assert written() == before


def test_only_the_report_in_force_is_corrected_and_once_at_a_time(road: Road) -> None:
    waiting = road.submit()
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, waiting)
    assert refusal.value.code == "not_in_force" and refusal.value.conflict
    old = road.approve(waiting)
    new = corrected(road, old, conclusion_text="补充说明收入情况。")
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, old)
    assert refusal.value.code == "already_corrected"
    opened(road, new)
    other = make_staff("BRANCH_MANAGER", road.branch)
    before = written()
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, new, by=other)
    assert refusal.value.code == "correction_open" and written() == before


def test_only_the_officer_writes_and_only_while_it_is_open(road: Road) -> None:
    old = approved(road)
    version = Visit.objects.get(task=road.task).version
    save = {"task_id": road.task.pk, "version": version, "draft": Visit.objects.get(task=road.task).draft, "at": LATER}
    before = written()
    with pytest.raises(refusals.TaskAlreadyEnded):
        actions.save_draft(**save, by=road.officer)
    opened(road, old)
    with pytest.raises(refusals.StaleVersion):
        actions.save_draft(**save, by=road.officer)
    save["version"] = version = version + 1
    other = make_staff("LOAN_OFFICER", road.branch)
    between = written()
    with pytest.raises(refusals.NotYours):
        actions.save_draft(**save, by=other)
    with pytest.raises(refusals.StaleVersion):
        actions.save_draft(**{**save, "version": version - 1}, by=road.officer)
    assert written() == between != before
    kept = actions.save_draft(**save, by=road.officer)
    assert kept.version == version + 1
    submitted(road, ReportCorrection.objects.get(), conclusion_text="补充说明。")
    with pytest.raises(refusals.TaskAlreadyEnded):
        actions.save_draft(**{**save, "version": version + 2}, by=road.officer)


def test_a_correction_that_changes_nothing_is_not_handed_in(road: Road) -> None:
    correction = opened(road, approved(road))
    before = written()
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        submitted(road, correction)
    assert refusal.value.code == "nothing_amended" and written() == before
    assert submitted(road, correction, conclusion_text="补充说明。").version == 2


def test_a_page_left_open_says_that_the_correction_has_ended(road: Road) -> None:
    correction = opened(road, approved(road))
    withdraw(correction, road.manager)
    with pytest.raises(refusals.TaskAlreadyEnded, match="该报告的更正已提交或已撤回"):
        submitted(road, correction, conclusion_text="补充说明。")


def test_history_is_not_mended(db: None) -> None:
    road = Road()
    old = approved(road)
    correction = opened(road, old)
    before = written()
    for bad in ({"contact_outcome": "REFUSED"}, {"second_visitor": road.manager.staff_no}):
        with pytest.raises(refusals.InvalidAnswers) as refusal:
            submitted(road, correction, **bad)
        assert refusal.value.faults == {key: ["not_corrected"] for key in bad} and written() == before


def test_a_returned_correction_is_mended_and_compared_with_the_version_in_force(road: Road) -> None:
    old = approved(road, monthly_income=changed("9800.00", "PAYSLIP"))
    correction = opened(road, old)
    first = submitted(road, correction, monthly_income=changed("9900.00", "PAYSLIP"))
    back = actions.return_report(
        report_id=first.pk, content_sha256=first.content_sha256, reason="请补充收入佐证材料", sections=["income"],
        by=road.manager, at=LATER,
    )  # fmt: skip
    correction.refresh_from_db()
    assert (back.state, correction.state) == (ReportState.RETURNED, CorrectionState.OPEN)
    assert VisitTask.objects.get(pk=road.task.pk).state == TaskState.CLOSED
    again = submitted(road, correction, conclusion_text="收入已凭工资单核实。")
    assert again.content["returned"]["sections"] == ["income"] and again.content["returned"]["version"] == 2
    assert {row["key"] for row in again.content["amendments"]} == {"monthly_income", "conclusion_text"}
    done = actions.approve_report(report_id=again.pk, content_sha256=again.content_sha256, by=road.manager, at=LATER)
    states = list(VisitReport.objects.order_by("version").values_list("state", flat=True))
    assert states == ["CORRECTED", "RETURNED", "APPROVED"] and done.corrects == old


def test_a_reviewer_approves_exactly_what_was_read(road: Road) -> None:
    new = submitted(road, opened(road, approved(road)), conclusion_text="补充说明。")
    before = written()
    with pytest.raises(refusals.StaleReport):
        actions.approve_report(report_id=new.pk, content_sha256="0" * 64, by=road.manager, at=LATER)
    with pytest.raises(NotAllowed), transaction.atomic():
        actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.officer, at=LATER)
    assert written() == before


# Withdrawn
def test_who_opened_it_withdraws_it_and_everything_is_as_before(road: Road) -> None:
    old = approved(road, monthly_income=changed("9800.00", "PAYSLIP"))
    correction = opened(road, old)
    draft = Visit.objects.get(task=road.task).draft
    submitted(road, correction, monthly_income=changed("9900.00", "PAYSLIP"))
    other, stranger = make_staff("BRANCH_MANAGER", road.branch), make_staff("BRANCH_MANAGER", make_branch())
    before = written()
    with pytest.raises(refusals.CorrectionNotYours):
        withdraw(correction, other)
    with pytest.raises(NotAllowed):
        withdraw(correction, road.officer)
    with pytest.raises(ReportCorrection.DoesNotExist):
        withdraw(correction, stranger)
    with pytest.raises(refusals.ReasonMissing):
        withdraw(correction, road.manager, words="错")
    assert written() == before
    ended = withdraw(correction, road.manager)
    assert (ended.state, ended.ended_by) == (CorrectionState.WITHDRAWN, road.manager)
    states = list(VisitReport.objects.order_by("version").values_list("state", "decision_note"))
    assert states == [("APPROVED", ""), ("RETURNED", "客户核对后原报告无误")]
    assert Visit.objects.get(task=road.task).draft == draft
    with pytest.raises(refusals.WrongState):
        withdraw(correction, road.manager)
    again = opened(road, old)
    new = submitted(road, again, conclusion_text="补充说明。")
    assert new.version == 3 and new.content["returned"] is None, "what was withdrawn is not to be mended"


def test_another_withdraws_for_who_has_left(road: Road) -> None:
    correction = opened(road, approved(road))
    Staff.objects.filter(pk=road.manager.pk).update(is_active=False)
    assert withdraw(correction, make_staff("BRANCH_MANAGER", road.branch)).state == CorrectionState.WITHDRAWN


def test_who_keeps_the_loan_now_corrects_for_who_has_left(road: Road) -> None:
    old = approved(road)
    Staff.objects.filter(pk=road.officer.pk).update(is_active=False)
    before = written()
    with pytest.raises(refusals.CorrectionRefused):
        opened(road, old)
    assert written() == before
    heir = make_staff("LOAN_OFFICER", road.branch, "陈越")
    type(road.loan).objects.filter(pk=road.loan.pk).update(portfolio_officer=heir)
    correction = opened(road, old)
    assert correction.officer == heir
    new = submitted(road, correction, by=heir, conclusion_text="补充说明。")
    assert new.submitted_by == heir and new.content["corrects"]["by"] == "陈越"
    assert new.content["opinions"][0]["name"] == "周楠", "who made the visit stays who made it"
    assert new.content["opinions"][0]["at"] == old.content["opinions"][0]["at"]


def test_a_red_correction_has_two_reviewers_and_who_endorsed_does_not_withdraw(db: None) -> None:
    road, report = red()
    risk = make_staff("RISK_MANAGER", road.branch, "秦岚")
    approve(report, road.manager, note="情况属实。")
    old = approve(report, risk, note="同意，按月报告。")
    correction = opened(road, old)
    second = Staff.objects.get(name="白露")
    draft = mended(correction, conclusion_text="收入下降较多，须调整还款。")
    kept = actions.save_draft(
        task_id=road.task.pk, version=Visit.objects.get().version, draft=draft, by=road.officer, at=LATER
    )
    actions.sign_opinion(
        task_id=road.task.pk, version=kept.version, conclusion="NO_CONCERN", text="", by=second, at=LATER
    )
    new = actions.submit_visit(task_id=road.task.pk, version=kept.version, draft=draft, by=road.officer, at=LATER)
    assert new.waits_for == "MANAGER" and new.accompanied_by == second
    approve(new, road.manager, note="情况属实。")
    with pytest.raises(refusals.WrongState):
        withdraw(correction, road.manager)
    assert approve(new, risk, note="同意更正。").state == ReportState.APPROVED
    assert VisitReport.objects.get(pk=old.pk).state == ReportState.CORRECTED


# Constraints
def test_the_database_keeps_reports_and_corrections(road: Road) -> None:
    old = approved(road)
    correction = opened(road, old)
    new = submitted(road, correction, conclusion_text="补充说明。")
    bad = [
        f"UPDATE followups_visitreport SET state = 'CORRECTED' WHERE id = {old.pk}",
        f"UPDATE followups_visitreport SET state = 'RETURNED' WHERE id = {old.pk}",
        f"UPDATE followups_visitreport SET corrected_by_id = {new.pk} WHERE id = {old.pk}",
        f"UPDATE followups_visitreport SET state = 'CORRECTED', corrected_by_id = {new.pk}, decision_note = 'x' "
        f"WHERE id = {old.pk}",
        f"UPDATE followups_visitreport SET state = 'CORRECTED', corrected_by_id = {old.pk}, "
        f"decided_by_id = {road.manager.pk}, decided_at = now() WHERE id = {new.pk}",
        f"UPDATE followups_visitreport SET state = 'APPROVED', decided_by_id = {road.manager.pk}, decided_at = now() "
        f"WHERE id = {new.pk}",
        f"UPDATE followups_visitreport SET corrects_id = NULL WHERE id = {new.pk}",
        f"UPDATE followups_visitreport SET decided_at = now() WHERE id = {old.pk}",
        "DELETE FROM followups_reportcorrection",
        "UPDATE followups_reportcorrection SET words = '另一个原因'",
        "UPDATE followups_reportcorrection SET before = '{}'",
        "UPDATE followups_reportcorrection SET draft = '{}'",
        f"UPDATE followups_reportcorrection SET officer_id = {road.manager.pk}",
        "UPDATE followups_reportcorrection SET state = 'WITHDRAWN'",
        "UPDATE followups_reportcorrection SET state = 'APPROVED'",
    ]
    kept = "visit_id, branch_id, corrects_id, after_version, opened_at, opened_on, due_on, before, draft, opened_by_id"
    insert = (
        f"INSERT INTO followups_reportcorrection ({kept}, ended_words, code, words, officer_id, state) SELECT {kept},"
        " '', {code}, {words}, {officer}, {state} FROM followups_reportcorrection"
    )
    row = {"code": "code", "words": "words", "officer": "officer_id", "state": "'OPEN'"}
    bad += [insert.format(**row)]
    for sql in bad:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    withdraw(correction, road.manager)
    for fault in ({"code": "'WHIM'"}, {"words": "'错'"}, {"officer": "opened_by_id"}, {"state": "'APPROVED'"}):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(insert.format(**{**row, **fault}))
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE followups_reportcorrection SET state = 'OPEN', ended_by_id = NULL, ended_at = NULL")
    with connection.cursor() as cursor:
        cursor.execute(insert.format(**row))


def test_a_visit_that_spoke_for_others_is_not_corrected(road: Road) -> None:
    old = approved(road)
    VisitTask.objects.filter(pk=road.task.pk).update(rule="PROJECT")
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, old)
    assert refusal.value.code == "shared_report"


def test_the_banks_claims_find_a_correction_that_does_not_stand(road: Road) -> None:
    own = {"corrected_report_has_successor", "correction_is_where_its_versions_are", "approved_visit_is_closed"}

    def broken() -> set[str]:
        return {each.code for each in findings() if not each.is_ok} & own

    old = approved(road)
    new = submitted(road, opened(road, old), conclusion_text="补充说明。")
    assert broken() == set()
    ReportCorrection.objects.update(state="OPEN")
    assert broken() == {"correction_is_where_its_versions_are"}
    ReportCorrection.objects.update(state="SUBMITTED")
    actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.manager, at=LATER)
    assert broken() == set()
    other = approved_of(make_task(road.loan, road.officer, cycle="2"), road)
    VisitReport.objects.filter(pk=other.pk).update(state="CORRECTED", corrected_by=new)
    assert broken() == {"corrected_report_has_successor"}


def approved_of(task: VisitTask, road: Road) -> VisitReport:
    road.task = task
    return approved(road)


def test_files_that_the_approved_report_lists_stay(road: Road) -> None:
    road.start()
    pdf = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n0\n%%EOF\n"
    first = attach(road, pdf, at=LATER)
    old = approved(road)
    later = LATER + timedelta(hours=1)
    with pytest.raises(refusals.TaskAlreadyEnded):
        attach(road, pdf + b"2\n%%EOF\n", at=later)
    correction = actions.open_report_correction(report_id=old.pk, code="OTHER", words=WORDS, by=road.manager, at=later)
    second = attach(road, pdf + b"2\n%%EOF\n", at=later)
    with pytest.raises(refusals.FileRefused):
        actions.remove_file(attachment_id=first.pk, by=road.officer, at=later)
    actions.withdraw_correction(correction_id=correction.pk, words="核对后无须更正", by=road.manager, at=later)
    left = VisitAttachment.objects.filter(removal__isnull=True)
    assert list(left) == [first] and VisitAttachment.objects.filter(pk=second.pk).exists()
    assert VisitReport.objects.get().state == ReportState.APPROVED


def attach(road: Road, content: bytes, *, at: Any) -> Any:
    return actions.attach_file(task_id=road.task.pk, file=BytesIO(content), name="佐证.pdf", by=road.officer, at=at)
