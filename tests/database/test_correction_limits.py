"""What a correction must not do: speak for a later visit, tell who it is about, or end where nobody can go on."""

from datetime import timedelta

import pytest

from followups import actions
from followups.actions import refusals
from followups.models import CustomerResult, Measure, ReportState, Visit, VisitReport, VisitTask
from followups.queries.corrections import corrections_to_make
from followups.queries.last_reports import last_reports
from followups.queries.returns import returnable
from loans.models import Position
from people.actions import leave as leaves
from people.models import Staff
from risk.models import Signal
from tests.database.test_correction_effects import measure
from tests.database.test_corrections import LATER, approved, corrected, mended, opened, submitted, withdraw
from tests.database.test_visits import AT, TODAY, Road, changed, filled, make_task, profiled
from tests.factories import make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return profiled(Road())


def another_visit(road: Road, cycle: str) -> VisitReport:
    """A further visit of the loan, handed in."""
    task = make_task(road.loan, road.officer, cycle=cycle)
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=LATER)
    draft = filled(visit, conclusion="WATCH", conclusion_text="另行核实收入情况。")
    return actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=road.officer, at=LATER)


def approve(road: Road, report: VisitReport) -> VisitReport:
    return actions.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, by=road.manager, at=LATER
    )  # fmt: skip


def test_a_report_that_a_later_visit_has_overtaken_is_not_corrected(road: Road) -> None:
    old = approved(road)
    waiting = another_visit(road, "2")
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, old)
    assert refusal.value.code == "another_in_review"
    approve(road, waiting)
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        opened(road, old)
    assert refusal.value.code == "overtaken"
    assert last_reports([road.loan.pk])[road.loan.pk].conclusion == "WATCH"


def test_a_visit_that_reports_meanwhile_ends_what_can_be_corrected(road: Road) -> None:
    old = approved(road)
    correction = opened(road, old)
    between = another_visit(road, "2")
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        submitted(road, correction)
    assert refusal.value.code == "another_in_review"
    actions.return_report(
        report_id=between.pk, content_sha256=between.content_sha256, code="OTHER", reason="请先补充说明",
        sections=[returnable(between)[0][0]], by=road.manager, at=LATER,
    )  # fmt: skip
    new = submitted(road, correction, conclusion_text="补充说明。")
    task = VisitTask.objects.get(pk=between.visit.task_id)
    visit = Visit.objects.get(task=task)
    again = actions.submit_visit(
        task_id=task.pk, version=visit.version, draft=visit.draft, by=road.officer, at=LATER
    )  # fmt: skip
    approve(road, again)
    with pytest.raises(refusals.CorrectionRefused) as refusal:
        approve(road, new)
    assert refusal.value.code == "overtaken"
    withdraw(correction, road.manager)
    old.refresh_from_db()
    assert old.state == ReportState.APPROVED


def test_what_a_later_version_says_otherwise_of_class_and_arrears_is_an_amendment(road: Road) -> None:
    old = approved(road)
    Position.objects.filter(pk=road.loan.pk).update(overdue_since=TODAY - timedelta(days=70))
    new = submitted(road, opened(road, old), conclusion_text="只改一处文字。")
    told = {row["key"]: (row["from"]["zh"], row["to"]["zh"]) for row in new.content["amendments"]}
    assert told.keys() == {"conclusion_text", "class_chosen", "days_past_due"}
    assert told["days_past_due"][0] == "0" and told["class_chosen"][0] == "正常"


def test_the_words_of_a_correction_name_nobody(road: Road) -> None:
    name = road.loan.borrower.name
    correction = opened(road, approved(road), words=f"客户{name}来电提出异议")
    assert name not in correction.words and "来电提出异议" in correction.words
    ended = withdraw(correction, road.manager, words=f"{name}核对后认可原报告")
    assert name not in ended.ended_words
    assert not road.task.events.filter(data__reason__contains=name).exists()


def test_another_reviewer_withdraws_when_who_opened_it_can_no_longer(road: Road) -> None:
    other = make_staff("BRANCH_MANAGER", road.branch)
    correction = opened(road, approved(road))
    with pytest.raises(refusals.CorrectionNotYours):
        withdraw(correction, other)
    road.manager.roles.clear()
    assert withdraw(correction, Staff.objects.get(pk=other.pk)).state == "WITHDRAWN"


def test_the_deputy_makes_it_while_the_officer_is_away(road: Road) -> None:
    correction = opened(road, approved(road))
    deputy = make_staff("LOAN_OFFICER", road.branch)
    leaves.enter_leave(
        staff=road.officer, deputy=deputy, first=TODAY, last=TODAY + timedelta(days=7), reason="年休假",
        by=road.officer, at=AT,
    )  # fmt: skip
    deputy = Staff.objects.get(pk=deputy.pk)
    assert list(corrections_to_make(deputy)) == [correction]
    new = submitted(road, correction, by=deputy, conclusion_text="代管期间补充说明。")
    assert new.submitted_by == deputy and approve(road, new).state == ReportState.APPROVED


def test_a_second_visitor_who_works_elsewhere_now_is_not_waited_for(db: None) -> None:
    road = Road(method="FIELD", level=1)
    second = make_staff("LOAN_OFFICER", road.branch)
    risk = make_staff("RISK_MANAGER", road.branch)
    report = road.submit(second_visitor=second.staff_no, conclusion_text="现场核实，逐项记录如下。")
    actions.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, note="同意上报", by=road.manager, at=AT
    )  # fmt: skip
    old = actions.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, note="同意", by=risk, at=AT
    )  # fmt: skip
    correction = opened(road, old)
    Staff.objects.filter(pk=second.pk).update(branch=make_branch())
    assert submitted(road, correction, conclusion_text="补充说明。").version == 2


def test_what_was_typed_for_one_correction_is_not_saved_into_the_next(road: Road) -> None:
    old = approved(road)
    first = opened(road, old)
    version = Visit.objects.get(task=road.task).version
    withdraw(first, road.manager)
    second = opened(road, old)
    save = {"task_id": road.task.pk, "draft": mended(second, conclusion_text="旧页面的字。"), "by": road.officer}
    with pytest.raises(refusals.StaleVersion):
        actions.save_draft(**save, version=version, at=LATER)
    second.refresh_from_db()
    assert second.draft == second.before


def test_a_measure_that_one_correction_dropped_comes_back_with_the_next(road: Road) -> None:
    codes = {"conclusion": "AT_RISK", "conclusion_text": "收入下降，须调整还款。"}
    both = [measure(road, "PLAN"), measure(road, "PROOF")]
    old = approved(road, measures=both, monthly_income=changed("8000.00", "PAYSLIP"), **codes)
    second = corrected(road, old, measures=both[:1])
    third = corrected(road, second, measures=both)
    running = Measure.objects.filter(state="OPEN").values_list("kind__code", "report_id")
    assert set(running) == {("PLAN", old.pk), ("PROOF", third.pk)}


def test_a_correction_gives_no_new_time_to_tell_what_nobody_has_told(road: Road) -> None:
    old = approved(road, conclusion="WATCH", conclusion_text="收入下降，须再核实。")
    late = TODAY - timedelta(days=20)
    CustomerResult.objects.update(since=late - timedelta(days=5), tell_by=late)
    new = corrected(road, old, conclusion="AT_RISK", conclusion_text="收入下降较多。", measures=[measure(road, "PLAN")])
    result = CustomerResult.objects.get()
    assert (result.tell_by, result.report) == (late, new)


def test_on_a_settled_loan_a_correction_warns_of_nothing_and_opens_nothing(road: Road) -> None:
    old = approved(road)
    Position.objects.filter(pk=road.loan.pk).update(settled_on=TODAY)
    corrected(
        road, old, monthly_income=changed("5000.00", "PAYSLIP"), conclusion="AT_RISK", conclusion_text="收入下降较多。",
        measures=[measure(road, "PLAN")],
    )  # fmt: skip
    assert not Signal.objects.exists() and not Measure.objects.exists()


def test_who_made_an_earlier_version_decides_no_later_one(road: Road) -> None:
    both = make_staff(["LOAN_OFFICER", "BRANCH_MANAGER"], road.branch)
    old = approved(road)
    Staff.objects.filter(pk=road.officer.pk).update(is_active=False)
    road.loan.portfolio_officer = both
    road.loan.save(update_fields=["portfolio_officer"])
    second = submitted(road, opened(road, old), by=both, conclusion_text="接手后核实。")
    second = approve(road, second)
    Staff.objects.filter(pk=road.officer.pk).update(is_active=True)
    third = submitted(road, opened(road, second), conclusion_text="回行后再核实。")
    assert third.submitted_by == road.officer
    with pytest.raises(refusals.OwnReport):
        actions.approve_report(report_id=third.pk, content_sha256=third.content_sha256, by=both, at=LATER)
