"""What the approval of a correction moves of what the first version left behind, and what it leaves alone."""

from datetime import timedelta

import pytest

from collateral.models import Property
from followups import actions
from followups.models import (
    EventFinding,
    Finding,
    Measure,
    MeasureState,
    ReportState,
    VisitReport,
    VisitTask,
)
from followups.queries.events import items_of
from followups.queries.signals import chains
from journal.models import Entry
from people.actions import change_phone, record_profile
from people.models import FinancialProfile, Party
from risk.models import Score, Signal
from tests.database.test_corrections import LATER, approved, corrected, opened, submitted
from tests.database.test_events import Bank, approve, react
from tests.database.test_events import written as written_of_events
from tests.database.test_visits import AT, TODAY, Road, changed, make_task, profiled


@pytest.fixture
def road(db: None) -> Road:
    return profiled(Road())


# S1.12, S2.14
def test_facts_go_back_where_the_register_still_holds_the_first_word(road: Road) -> None:
    phone = road.loan.borrower.phone
    old = approved(
        road, phone=changed("19900000881"), employer=changed("江城市安达物流有限公司", "SOCIAL_SECURITY"),
        monthly_income=changed("9800.00", "PAYSLIP"), occupancy=changed("LET", "SITE"),
        conclusion="WATCH", conclusion_text="收入下降，房屋出租。",
    )  # fmt: skip
    Property.objects.filter(charges__loan=road.loan).update(is_owner_occupied=True)
    same = {"choice": "SAME"}
    corrected(road, old, phone=same, employer=same, monthly_income=changed("9900.00", "PAYSLIP"),
              occupancy=changed("VACANT", "SITE"))  # fmt: skip
    assert Party.objects.get(pk=road.loan.borrower_id).phone == phone
    profile = FinancialProfile.objects.filter(party=road.loan.borrower).order_by("-known_on", "-id").first()
    assert profile is not None and (profile.employer, profile.monthly_income) == ("江城恒信机电有限公司", 9900)
    assert Property.objects.get(charges__loan=road.loan).is_owner_occupied is True, "recorded otherwise since"
    fact = Entry.objects.get(kind="followups.report_corrected").data
    assert fact["left"] == [] or "is_owner_occupied" in fact["left"], "both say that the owner is not in"
    assert {"phone", "employer", "monthly_income"} <= set(fact["written"])


def test_what_was_recorded_since_is_left_and_said(road: Road) -> None:
    old = approved(road, phone=changed("19900000881"), monthly_income=changed("9800.00", "PAYSLIP"))
    change_phone(party_id=road.loan.borrower_id, phone="19900000999", by="system", at=LATER)
    record_profile(
        party_id=road.loan.borrower_id, known_on=TODAY + timedelta(days=3), source="BUREAU", monthly_income=None,
        employer="", other_monthly_debt=None, by="system", at=LATER,
    )  # fmt: skip
    corrected(road, old, phone={"choice": "SAME"}, monthly_income=changed("9900.00", "PAYSLIP"))
    assert Party.objects.get(pk=road.loan.borrower_id).phone == "19900000999"
    profile = FinancialProfile.objects.filter(party=road.loan.borrower).order_by("-known_on", "-id").first()
    assert profile is not None and profile.monthly_income == 9900, "the later profile only carried the visit's word on"
    fact = Entry.objects.get(kind="followups.report_corrected").data
    assert (fact["written"], fact["left"]) == (["monthly_income"], ["phone"])
    told = str(list(Entry.objects.values_list("data", flat=True)))
    assert "19900000999" not in told and "9900" not in told


def test_the_next_visit_knows_what_the_correction_says(road: Road) -> None:
    old = approved(road, phone=changed("19900000881"), occupancy=changed("LET", "SITE"))
    correction = opened(road, old)
    submitted(road, correction, phone=changed("19900000882"), occupancy=changed("VACANT", "SITE"))
    other = make_task(road.loan, road.officer, cycle="2")
    known = actions.start_visit(task_id=other.pk, by=road.officer, at=LATER).known
    assert (known["phone"]["value"], known["occupancy"]["value"]) == ("19900000881", "LET"), "version 1 is in force"
    new = VisitReport.objects.get(state=ReportState.SUBMITTED)
    actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.manager, at=LATER)
    third = make_task(road.loan, road.officer, cycle="3")
    known = actions.start_visit(task_id=third.pk, by=road.officer, at=LATER).known
    assert (known["phone"]["value"], known["occupancy"]["value"]) == ("19900000882", "VACANT")


def measure(road: Road, code: str, **more: str) -> dict[str, str]:
    return {"code": code, "owner": road.officer.staff_no, "due_on": "2026-11-20", "words": "商定办理", **more}


def test_measures_follow_the_correction_and_what_is_done_stays_done(road: Road) -> None:
    kept, gone, done = measure(road, "PLAN"), measure(road, "PROOF"), measure(road, "LEGAL")
    codes = {"conclusion": "AT_RISK", "conclusion_text": "收入下降，须调整还款。"}
    old = approved(road, measures=[kept, gone, done], monthly_income=changed("8000.00", "PAYSLIP"), **codes)
    actions.end_measure(
        measure_id=Measure.objects.get(kind__code="LEGAL").pk, is_done=True, words="已办理完毕", by=road.officer, at=AT
    )
    new = corrected(road, old, measures=[kept, {**measure(road, "CREDIT"), "code": "FREEZE"}])
    told = {one.kind.code: (one.state, one.report_id) for one in Measure.objects.select_related("kind")}
    assert told["PLAN"] == (MeasureState.OPEN, old.pk) and told["LEGAL"] == (MeasureState.DONE, old.pk)
    assert told["PROOF"] == (MeasureState.DROPPED, old.pk) and told["FREEZE"] == (MeasureState.OPEN, new.pk)
    (chain,) = chains([Signal.objects.filter(report_id=old.pk).order_by("id")[0]], TODAY)
    assert {one.kind.code for one in chain.measures} == {"PLAN", "PROOF", "LEGAL", "FREEZE"}, "of every version"
    dropped = Measure.objects.get(kind__code="PROOF")
    assert "更正" in dropped.ended_words and dropped.ended_by == road.manager
    assert Entry.objects.filter(kind="followups.measure_ended", subject_id=dropped.pk).exists()


def test_the_customer_is_told_again_only_where_the_conclusion_changed(road: Road) -> None:
    old = approved(road, conclusion="WATCH", conclusion_text="收入下降，须再核实。")
    told = actions.tell_result(
        task_id=road.task.pk, channel="PHONE", told_at=AT, words="已告知核实结果", by=road.officer, at=LATER
    )
    same = corrected(road, old, conclusion_text="收入下降较多，须再核实。")
    road.task.refresh_from_db()
    assert road.task.result.told == told and road.task.result.report == old
    corrected(road, same, conclusion="AT_RISK", conclusion_text="收入下降较多。", measures=[measure(road, "PLAN")])
    task = VisitTask.objects.get(pk=road.task.pk)
    assert task.result.told is None and task.result.report.version == 3
    undone = task.result.tellings.get(undoes=told)
    assert "更正" in undone.words and undone.by == road.manager


def test_warnings_and_score_follow_the_version_in_force(road: Road) -> None:
    poor = {"monthly_income": changed("8000.00", "PAYSLIP"), "conclusion": "WATCH", "conclusion_text": "收入大幅下降。"}
    old = approved(road, **poor)
    raised = {one.code: one for one in Signal.objects.filter(report_id=old.pk)}
    assert raised and all(one.state == "CONFIRMED" for one in raised.values())
    scores = Score.objects.count()
    correction = opened(road, old)
    new = submitted(road, correction, monthly_income={"choice": "SAME"}, conclusion="NO_CONCERN", conclusion_text="")
    assert not Signal.objects.filter(outcome="REVISED") and Score.objects.count() == scores
    actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=road.manager, at=LATER)
    said = {one["code"] for one in new.content["signals"]}
    for code, one in raised.items():
        one.refresh_from_db()
        assert one.outcome == ("" if code in said else "REVISED")
    assert raised.keys() - said
    again = corrected(road, VisitReport.objects.get(pk=new.pk), **poor)
    back = Signal.objects.filter(report_id=again.pk)
    assert {one.code for one in back} == raised.keys() - said and all(one.state == "CONFIRMED" for one in back)


def test_a_correction_asks_of_the_same_events_and_leaves_what_became_of_them(db: None) -> None:
    bank = Bank()
    event = bank.tell("JOB_CHANGE")
    react()
    (task,) = bank.tasks()
    key = f"event_{event.pk}"
    report = approve(bank, task, **{key: {"now": "CONFIRMED"}, "conclusion": "WATCH",
                     "conclusion_text": "已换单位，收入待核实。"})  # fmt: skip
    asked = {item["key"] for section in report.content["sections"] for item in section["items"]}
    actions.open_report_correction(
        report_id=report.pk, code="OMITTED", words="漏记了收入变化", by=bank.manager, at=LATER
    )
    visit = actions.visits.visit_of(VisitTask.objects.get(pk=task.pk))
    assert {item["key"] for item in items_of(visit.task, visit)} >= asked
    draft = {**visit.draft, "conclusion_text": "已换单位，收入另行核实。"}
    other = {**draft, "answers": {**draft["answers"], key: {"now": "NOT_CONFIRMED"}}}
    before = written_of_events()
    with pytest.raises(actions.InvalidAnswers) as refusal:
        actions.submit_visit(task_id=task.pk, version=visit.version, draft=other, by=bank.officer, at=LATER)
    assert refusal.value.faults == {key: ["not_corrected"]} and written_of_events() == before
    new = actions.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=bank.officer, at=LATER)
    actions.approve_report(report_id=new.pk, content_sha256=new.content_sha256, by=bank.manager, at=LATER)
    (found,) = EventFinding.objects.filter(event=event)
    assert (found.finding, found.report_id) == (Finding.CONFIRMED, report.pk)
