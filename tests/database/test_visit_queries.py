"""What the desk, the form and the timeline show: constant query counts, masked data, sources and days."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from followups import actions, queries
from journal.actions import record
from people.actions import record_profile
from tests.database.test_visits import TODAY, Road, changed, filled, make_task
from tests.factories import AT, book_loan, make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road()


def test_the_desk_reads_one_query_for_any_number_of_rows(road: Road, django_assert_num_queries: Any) -> None:
    for cycle in range(2, 9):
        make_task(book_loan(road.branch), road.officer, cycle=str(cycle))
    list(queries.desk(road.officer))
    with django_assert_num_queries(1):
        rows = list(queries.desk(road.officer).order_by("level", "due_on", "id"))
        for row in rows:
            assert row.loan.borrower.name and row.loan.position.principal_balance and row.assigned_to
    assert len(rows) == 8


def test_a_desk_row_has_value_ratio_arrears_and_the_last_visit(road: Road) -> None:
    row = queries.task_for(road.officer, road.task.pk)
    assert (row.property_value, row.loan_to_value) == (Decimal("2000000.00"), Decimal("45.0"))
    assert (row.overdue_amount, row.district, row.last_visit_on, row.last_conclusion) == (None, "滨江区", None, None)
    road.approve(road.submit())
    task = make_task(road.loan, road.officer, cycle="2")
    row = queries.task_for(road.officer, task.pk)
    assert (row.last_visit_on, row.last_outcome, row.last_conclusion) == (TODAY, "APPROVED", "NO_CONCERN")


def test_a_home_without_a_value_leaves_the_ratio_unknown(road: Road) -> None:
    loan = book_loan(road.branch, appraised_value=None)
    row = queries.task_for(road.officer, make_task(loan, road.officer).pk)
    assert row.property_value is None and row.loan_to_value is None
    assert queries.property_value_of(loan) is None


def test_an_overdue_row_shows_what_is_billed_and_unpaid(road: Road) -> None:
    loan = book_loan(road.branch, days_past_due=45)
    row = queries.task_for(road.officer, make_task(loan, road.officer).pk)
    assert row.overdue_amount > 0 and queries.days_past_due_of(row.loan) == 46
    strip = queries.payment_strip(loan)
    assert len(strip) == 12 and strip[-1]["month"] == "2026-11"
    assert [month["mark"] for month in strip][-3:] == ["LATE", "LATE", "NONE"]


def test_the_tapes_payment_record_fills_the_strip(road: Road) -> None:
    loan = book_loan(road.branch, payment_record="NNNNN1NN*N2N")
    marks = {month["month"]: month["mark"] for month in queries.payment_strip(loan, 24)}
    assert (marks["2026-10"], marks["2026-09"], marks["2026-07"], marks["2026-04"]) == (
        "ON_TIME",
        "LATE",
        "NONE",
        "LATE",
    )
    assert marks["2025-10"] == "NONE" and len(marks) == 24


def test_known_facts_name_source_and_day(road: Road) -> None:
    facts = queries.known_facts(road.loan)
    assert "monthly_income" not in facts, "never recorded: 基线缺失"
    assert facts["occupancy"] == {"value": "OWNER", "source": "TAPE", "on": "2026-10-31"}
    assert facts["property_value"]["on"] == "2026-10-31" and facts["property_value"]["text"]["zh"] == "2,000,000.00"
    record_profile(
        party_id=road.loan.borrower_id, known_on=date(2026, 3, 9), source="工资流水",
        monthly_income=Decimal("19600.00"), employer="恒信机电", other_monthly_debt=None, by="system", at=AT,
    )  # fmt: skip
    facts = queries.known_facts(road.loan)
    assert facts["monthly_income"] == {"value": "19600.00", "source": "工资流水", "on": "2026-03-09"}
    assert "other_monthly_debt" not in facts


def test_what_the_last_visit_found_is_known_next_time(road: Road) -> None:
    report = road.submit(post=changed("设备工程师，6年"), property_fee=changed("240.00"))
    assert "post" not in queries.known_facts(road.loan), "a report not approved is not known"
    road.approve(report)
    facts = queries.known_facts(road.loan)
    assert facts["post"] == {"value": "设备工程师，6年", "source": "LAST_VISIT", "on": "2026-11-01"}
    task = make_task(road.loan, road.officer, cycle="2")
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    road.approve(
        actions.submit_visit(task_id=task.pk, version=1, draft=filled(visit, post={"choice": "SAME"}),
                             by=road.officer, at=AT)
    )  # fmt: skip
    assert queries.known_facts(road.loan)["post"]["value"] == "设备工程师，6年", "kept over a visit without change"


def test_a_person_is_masked_outside_own_work(road: Road) -> None:
    own = queries.person_facts(road.task, road.officer)
    assert own["name"] == "孙丽华" and own["address"].endswith("1803室")
    colleague = make_staff("LOAN_OFFICER", road.branch)
    for seen in (queries.person_facts(road.task, colleague), queries.person_facts(road.task)):
        assert (seen["name"], seen["address"]) == ("孙**", "江城市滨江区***")
    for seen in (own, queries.person_facts(road.task)):
        assert "****" in seen["phone"] and "*" in seen["id_no"]


def test_the_form_counts_what_is_required_and_speaks_both_languages(road: Road) -> None:
    visit = road.start()
    form = queries.form_of(road.task, visit)
    assert [section["label"] for section in form["sections"]][:2] == ["身份与联系", "居住状况"]
    assert form["answered"] == 0 and form["required"] <= 10 and len(form["missing"]) == form["required"] + 2
    assert form["missing"][-1] == {"key": "conclusion", "label": "回访结论"}
    phone = form["sections"][0]["items"][1]
    assert phone["key"] == "phone" and "****" in phone["before_text"]
    with translation.override("en"):
        assert queries.form_of(road.task, visit)["sections"][0]["label"] == "Identity and contact"


def test_the_timeline_is_newest_first_and_of_constant_queries(road: Road, django_assert_max_num_queries: Any) -> None:
    report = road.submit()
    road.approve(report)
    with django_assert_max_num_queries(8):
        rows = queries.timeline(road.loan)
    assert [row.on for row in rows] == sorted((row.on for row in rows), reverse=True)
    texts = [row.text for row in rows]
    assert "定期回访 电话回访：审核通过" in texts and "定期回访 电话回访：提交报告，未见异常" in texts
    assert {row.kind for row in rows} >= {"task", "report", "posting"}
    assert next(row for row in rows if row.kind == "report").ref == report.pk
    assert {row.actor for row in rows} >= {"周楠", "何建平", "系统"}


def test_the_clock_runs_on_workdays_from_the_events(road: Road) -> None:
    road.submit()
    clock = queries.clock_of(road.task)
    assert [step.code for step in clock["steps"]] == ["WAITING", "VISITING", "REVIEWING"]
    assert clock["left"] > 0
    late = make_task(road.loan, road.officer, cycle="2", due_on=TODAY - timedelta(days=3))
    assert queries.clock_of(late)["left"] < 0


def test_the_review_queue_puts_the_urgent_first(db: None) -> None:
    calm, urgent = Road(), Road(level=2)
    calm.submit()
    urgent.submit()
    risk = make_staff("RISK_MANAGER", make_branch())
    assert [report.level for report in queries.review_queue(risk, TODAY)] == [2, 9]
    assert [report.branch_id for report in queries.review_queue(calm.manager, TODAY)] == [calm.branch.pk]


def test_the_timeline_says_what_changed_in_words(road: Road) -> None:
    for kind, facts in (
        ("loans.class_changed", {"from": "PASS", "to": "SPECIAL_MENTION"}),
        ("risk.grade_changed", {"from": "LOW", "to": "HIGH"}),
        ("people.unheard_of", {}),
    ):
        record(kind=kind, subject_type="loan", subject_id=road.loan.pk, loan_id=road.loan.pk, by="system", at=AT,
               business_date=TODAY, data=facts)  # fmt: skip
    texts = [row.text for row in queries.timeline(road.loan) if row.kind == "fact"]
    assert texts == ["风险等级 低风险 改为 高风险", "五级分类 正常 改为 关注"]


def test_a_visit_that_does_not_ask_leaves_earlier_answers_known(db: None) -> None:
    road = Road(kind="FIRST", rule="FIRST")
    road.approve(
        road.submit(
            address=changed("江城市高新区光谷路88号"), delivered_on=changed("2024-05-01", "DOCUMENT"),
            project_progress=changed("已竣工", "SITE"),
        )
    )  # fmt: skip
    task = make_task(road.loan, road.officer, cycle="2")
    visit = actions.start_visit(task_id=task.pk, by=road.officer, at=AT)
    assert visit.known["address"] == {"value": "江城市高新区光谷路88号", "source": "LAST_VISIT", "on": "2026-11-01"}
    given = {
        "post": changed("工程师"), "spouse_income": changed("5000.00"), "property_fee": changed("240.00"),
        "guarantees_given": changed("无"), "insurance_until": changed("2028-01-01", "DOCUMENT"),
    }  # fmt: skip
    report = actions.submit_visit(task_id=task.pk, version=1, draft=filled(visit, **given), by=road.officer, at=AT)
    road.approve(report)
    task = make_task(road.loan, road.officer, cycle="3", kind="FIRST", rule="FIRST")
    known = actions.start_visit(task_id=task.pk, by=road.officer, at=AT).known
    expected = {"address": "江城市高新区光谷路88号", "delivered_on": "2024-05-01", "project_progress": "已竣工"}
    expected |= {key: answer["now"] for key, answer in given.items()}
    assert {key: known.get(key, {}).get("value") for key in expected} == expected
    assert {known[key]["source"] for key in expected} == {"LAST_VISIT"}


def test_why_and_clock_of_a_report_speak_both_languages(road: Road) -> None:
    road.task.reason = [
        *road.task.reason,
        {"code": "POLICY_LINE", "params": {"version": 1, "line": 11, "note": "清洁类"}},
    ]
    road.task.save()
    content = road.submit().content
    assert content["why"][0]["zh"] == "满12个月" and content["why"][0]["en"].isascii()
    assert content["why"][-1] == {"zh": "策略 v1 第 11 行：清洁类", "en": "Policy v1, line 11"}
    assert [step["label"]["zh"] for step in content["clock"]] == ["等待", "回访"]
    assert all(step["label"]["en"].isascii() for step in content["clock"])


def test_a_preview_drafts_the_conclusion_in_the_readers_language(road: Road) -> None:
    visit = road.start()
    with translation.override("en"):
        seen = actions.preview(task_id=road.task.pk, draft=filled(visit), by=road.officer)
    assert seen.drafted_text == "No arrears."


def test_the_timeline_says_how_much_was_taken_over_and_set_off(road: Road) -> None:
    notes = {row.text: row.note for row in queries.timeline(road.loan) if row.kind == "posting"}
    assert notes["期初建账"] == "900,000.00"


def test_the_timeline_says_how_much_of_the_waiting_money_was_set_off(db: None) -> None:
    from tests.database.test_loans_batch import DAY, batch, pay, short_loan

    loan = short_loan()
    pay(loan, "500.00", DAY, "1")
    batch.bill(as_of=DAY, at=AT)
    notes = {row.text: row.note for row in queries.timeline(loan) if row.kind == "posting"}
    assert notes["暂收抵扣"] == "500.00"
