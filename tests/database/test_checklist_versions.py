"""What version 6 of the checklist added, on the whole road; a visit keeps the version it began with (S1.13, S2.4)."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from collateral.models import Charge
from followups import actions
from followups.actions import install_default_checklist
from followups.actions.sections import open_section
from followups.models import Checklist, Event, EventFinding, OutsideRecord, Visit, VisitReport
from followups.queries import content_for, desk
from followups.queries.facts import known_facts
from followups.queries.field_form import form_content
from followups.queries.form import asked_of, form_of
from followups.rules.checklist_items import DEFAULT_VERSION, default_items
from journal.queries import exhibit_bytes
from tests.database.test_visits import AT, TODAY, Road, changed, filled, make_task, profiled
from tests.factories import book_loan, make_staff
from tests.rules.test_checklist import ADDED

pytestmark = pytest.mark.django_db
NEW = {row[0] for row in ADDED}


def visit_of(road: Road) -> Visit:
    visit = Visit.objects.select_related("checklist").get(task=road.task)
    visit.task = road.task
    return visit


def asked(road: Road) -> set[str]:
    return {item["key"] for item in asked_of(visit_of(road))}


def field(**task: Any) -> tuple[Road, str]:
    """A road of a field visit, and who goes along."""
    road = profiled(Road(method="FIELD", **task))
    return road, make_staff("LOAN_OFFICER", road.branch).staff_no


def test_a_visit_begun_with_the_earlier_version_keeps_it_and_the_next_takes_the_new_one() -> None:
    before = Checklist.objects.count()
    install_default_checklist(at=AT)
    assert Checklist.objects.count() == before and Checklist.objects.latest("version").version == DEFAULT_VERSION == 6
    old = Checklist.objects.create(
        version=DEFAULT_VERSION - 1, items=[item for item in default_items() if item["key"] not in NEW], made_at=AT
    )
    road, second = field()
    road.start()
    Visit.objects.filter(task=road.task).update(checklist=old)
    assert not asked(road) & NEW and form_of(road.task, visit_of(road))["required"]
    report = road.submit(second_visitor=second, employer=changed("江城新单位", "DOCUMENT"))
    assert report.content["cover"]["checklist_version"] == 5 and not keys_of(report) & NEW
    assert road.approve(report).pdf is not None
    road.task = make_task(road.loan, road.officer, method="FIELD", cycle="2")
    road.start()
    assert {"id_valid", "property_use", "new_debts", "guarantor"} <= asked(road)
    with pytest.raises(actions.MissingAnswers) as refusal:
        draft = filled(visit_of(road), second_visitor=second)
        less = {key: answer for key, answer in draft["answers"].items() if key not in NEW}
        road.second_signs(visit_of(road), {**draft, "answers": less})
        actions.submit_visit(task_id=road.task.pk, version=2, draft={**draft, "answers": less}, by=road.officer, at=AT)
    assert set(refusal.value.fields) == {"id_valid", "property_use", "new_debts"}


def keys_of(report: VisitReport) -> set[str]:
    return {row["key"] for part in report.content["sections"] for row in part["items"]}


def test_a_change_is_dated_and_proved_in_the_field_and_stands_so_in_report_and_pdf() -> None:
    road, second = field()
    given = {"second_visitor": second, "employer": changed("江城新单位", "DOCUMENT")}
    with pytest.raises(actions.MissingAnswers) as refusal:
        road.submit(**given)
    assert refusal.value.fields == ["work_changed_on", "work_change_proof"]
    form = form_of(road.task, visit_of(road))
    assert form["required"] - form["answered"] == 2 and "work_changed_on" in [one["key"] for one in form["missing"]]
    report = road.submit(**given, work_changed_on={"now": "2026-09-01"}, work_change_proof={"now": "CONTRACT"})
    (employer,) = [row for row in report.content["differences"] if row["key"] == "employer"]
    assert [note["now_text"]["zh"] for note in employer["notes"]] == ["2026-09-01", "新劳动合同或任职文件"]
    pdf = road.approve(report).pdf
    assert pdf is not None and exhibit_bytes(pdf).startswith(b"%PDF-")


def test_a_call_may_leave_date_and_proof_and_opens_the_deeper_questions_by_more() -> None:
    road = profiled(Road())
    road.start()
    assert not asked(road) & {"id_valid", "emergency_contact", "guarantor", "new_debts", "comparable_price"}
    draft = filled(visit_of(road), employer=changed("江城新单位"))
    visit = open_section(
        task_id=road.task.pk, version=1, draft=draft, section="identity", by=road.officer, at=AT
    )  # fmt: skip
    assert {"id_valid", "emergency_contact", "emergency_phone"} <= asked(road)
    said = {
        **visit.draft["answers"], "id_valid": {"now": "NO"}, "emergency_contact": changed("王芳（配偶）"),
        "emergency_phone": changed("19900007788"),
    }  # fmt: skip
    report = actions.submit_visit(
        task_id=road.task.pk, version=visit.version,
        draft={**visit.draft, "answers": said, "conclusion": "WATCH", "conclusion_text": "证件过期，已请更换。"},
        by=road.officer, at=AT,
    )  # fmt: skip
    states = {row["key"]: row["state"] for part in report.content["sections"] for row in part["items"]}
    assert (states["id_valid"], states["emergency_contact"]) == ("FINDING", "BASELINE")
    assert "finding:id_valid" in report.content["conclusion"]["reasons"]
    assert "19900007788" not in str(report.content) and "199****7788" in str(report.content)
    outsider = make_staff("AUDITOR", road.branch)
    road.approve(report)
    report.refresh_from_db()
    assert "王芳" not in str(content_for(report, outsider)) and "王芳" in str(report.content)


def test_an_emergency_contacts_number_is_known_in_full_at_the_next_visit_and_shown_masked(
    django_assert_num_queries: Any,
) -> None:
    road, second = field()
    number, fresh = "19900007788", "13912341234"
    road.approve(road.submit(second_visitor=second, emergency_phone=changed(number)))
    known_facts(road.loan)
    with CaptureQueriesContext(connection) as of_one:
        known_facts(road.loan)
    for cycle, answer, after in (
        ("2", {"choice": "SAME"}, number), ("3", changed(fresh), fresh), ("4", {"choice": "SAME"}, fresh),
    ):  # fmt: skip
        before = known_facts(road.loan)["emergency_phone"]["value"]
        road.task = make_task(road.loan, road.officer, method="FIELD", cycle=cycle)
        assert road.start().known["emergency_phone"]["value"] == before
        row = next(
            row
            for part in form_of(road.task, visit_of(road))["sections"]
            for row in part["items"]
            if row["key"] == "emergency_phone"
        )
        assert row["before_text"] == f"{before[:3]}****{before[-4:]}"
        assert before not in str(form_content(road.task, road.officer, TODAY))
        report = road.submit(second_visitor=second, emergency_phone=answer)
        told = [row for row in report.content["differences"] if row["key"] == "emergency_phone"]
        if answer.get("now"):
            assert [(row["before"], row["now"]) for row in told] == [("199****7788", "139****1234")]
        else:
            assert told == []
        assert number not in str(report.content) and fresh not in str(report.content)
        road.approve(report)
        assert known_facts(road.loan)["emergency_phone"]["value"] == after
    with django_assert_num_queries(len(of_one)):
        known_facts(road.loan)


def test_a_first_answer_is_the_baseline_and_the_next_visit_knows_it_with_its_source() -> None:
    road, second = field()
    lease = {"tenant": changed("李四"), "monthly_rent": changed("4200.00"), "let_until": changed("2027-06-30")}
    added = {
        "guarantor": changed("赵六"), "guarantor_standing": {"now": "WEAKENED"}, "title_delivered": changed("YES"),
        "comparable_price": changed("18500.00"), "comparable_note": {"now": "贝壳同小区三笔"},
        "bureau_summary": changed("近三月查询两次"),
    }  # fmt: skip
    report = road.submit(
        second_visitor=second, occupancy=changed("LET", "SITE"), **lease, **added, conclusion="WATCH",
        conclusion_text="房屋已出租，保证人能力下降。",
    )  # fmt: skip
    baselines = {row["key"] for row in report.content["baselines"]}
    assert {*lease, "guarantor", "title_delivered", "comparable_price", "bureau_summary"} <= baselines
    assert "guarantor_standing" in {row["key"] for row in report.content["differences"]}
    road.approve(report)
    road.task = make_task(road.loan, road.officer, method="FIELD", cycle="2")
    known = road.start().known
    for key, value in (
        ("tenant", "李四"),
        ("guarantor", "赵六"),
        ("monthly_rent", "4200.00"),
        ("title_delivered", "YES"),
    ):
        assert known[key] == {"value": value, "source": "LAST_VISIT", "on": TODAY.isoformat()}
    rows = {row["key"]: row for part in form_of(road.task, visit_of(road))["sections"] for row in part["items"]}
    assert rows["guarantor"]["before_text"] == "赵六" and rows["guarantor"]["before_source"]
    assert not rows["tenant"]["is_idle"] and rows["work_changed_on"]["is_idle"]
    again = road.submit(second_visitor=second, monthly_rent=changed("3900.00"))
    (rent,) = [row for row in again.content["differences"] if row["key"] == "monthly_rent"]
    assert (rent["before_text"]["zh"], rent["now_text"]["zh"], rent["delta_percent"]) == (
        "4,200.00",
        "3,900.00",
        "-7.1",
    )


def test_the_register_tells_date_and_rank_and_a_visits_word_stands_beside_it() -> None:
    road, second = field()
    Charge.objects.filter(loan=road.loan).update(kind="FORMAL", registered_on=date(2023, 2, 1), rank=2)
    known = road.start().known
    assert known["registered_on"] == {"value": "2023-02-01", "source": "REGISTER", "on": "2023-02-01"}
    assert known["mortgage_rank"] == {"value": "SECOND", "source": "REGISTER", "on": "2023-02-01"}
    road.approve(road.submit(second_visitor=second, mortgage_rank=changed("FIRST", "DOCUMENT")))
    road.task = make_task(road.loan, road.officer, cycle="2")
    known = road.start().known
    assert (known["mortgage_rank"]["value"], known["mortgage_rank"]["source"]) == ("FIRST", "LAST_VISIT")
    unregistered = Road()
    Charge.objects.filter(loan=unregistered.loan).update(kind="NOT_RECORDED", registered_on=None)
    assert not {"mortgage_rank", "registered_on"} & set(unregistered.start().known)


@pytest.mark.parametrize(
    ("finding", "clean_on", "value"),
    [
        ("", None, "他行逾期一笔"), ("WITHDRAWN", None, ""),
        ("WITHDRAWN", date(2026, 9, 1), "征信摘要无异常"), ("", date(2026, 10, 20), "征信摘要无异常"),
        ("", date(2026, 9, 1), "他行逾期一笔"),
    ],
)  # fmt: skip
def test_the_bureaus_last_word_is_known_unless_it_was_found_untrue(
    finding: str, clean_on: date | None, value: str
) -> None:
    road = Road()
    told = {
        "loan": road.loan, "customer": road.loan.borrower, "feed": "BUREAU", "known_on": TODAY, "recorded_by": "system",
        "at": AT,
    }  # fmt: skip
    event = Event.objects.create(
        **told, code="OVERDUE_ELSEWHERE", subject="CUSTOMER", level=2, happened_on=date(2026, 10, 1), source="FEED",
        external_id="B-1", words="他行逾期一笔", content_sha256="0" * 64,
        is_baseline=False,
    )  # fmt: skip
    if finding == "WITHDRAWN":
        EventFinding.objects.create(
            event=event, finding=finding, words="查询有误", recorded_by="system", at=AT, business_date=TODAY
        )
    if clean_on:
        OutsideRecord.objects.create(**told, code="BUREAU_CLEAN", happened_on=clean_on, external_id="B-2")
    fact = road.start().known.get("bureau_summary", {"value": ""})
    assert fact["value"] == value and (not value or fact["source"] == "BUREAU")


def test_the_printed_form_says_when_a_question_is_to_be_filled_in() -> None:
    road, _second = field()
    Charge.objects.filter(loan=road.loan).update(kind="FORMAL", registered_on=date(2023, 2, 1))
    form = form_content(desk(road.officer).get(pk=road.task.pk), road.officer, TODAY)
    rows = {row["label"]: row for section in form["sections"] for row in section["items"]}
    assert rows["工作变动日期"]["when"] == "工作单位有变化时" and rows["工作单位"]["when"] == ""
    assert rows["承租人"]["when"] == "居住状态出租时" and not rows["承租人"]["required"]
    assert rows["身份证件在有效期内"]["required"] and rows["登记日期"]["before"] == "2023-02-01"
    assert rows["抵押顺位"]["before"] == "第一顺位" and rows["抵押顺位"]["source"] == "登记簿"
    call = make_task(book_loan(road.branch, road.officer), road.officer)
    plain = form_content(desk(road.officer).get(pk=call.pk), road.officer, TODAY)
    assert "身份证件在有效期内" not in {row["label"] for section in plain["sections"] for row in section["items"]}
