"""Off-site checks look at what feeds told: the bureau's last word, money at the payee; and at the plan (S1.13)."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions, batch
from followups.actions.desk_batch import OffSiteRefused, close_off_site
from followups.models import Event, OutsideRecord, VisitTask
from followups.queries.events import items_of
from followups.rules.facts import lot
from followups.wording import evidence_lines, why
from journal.models import Entry
from loans.models import Installment, Loan, Position
from tests.database.test_events import AT, DAY, Bank, bank, feed
from tests.database.test_visits import filled

__all__ = ["bank"]
CYCLE = {"PERIODIC": "0001", "FIRST": "1"}


def check_of(bank: Bank, kind: str = "PERIODIC", *, is_new: bool = False) -> VisitTask:
    """An off-site check due soon, of a loan that draws no sample; a new loan was disbursed here."""
    rule = "FIRST_30" if kind == "FIRST" else kind
    note = next(f"N{n}" for n in range(1000) if lot(f"N{n}", f"off-site {rule} {CYCLE[kind]}", 100) >= 5)
    given: dict[str, Any] = {"loan_note_no": note}
    if is_new:
        number = next(
            f"ML000120261005{n:06d}" for n in range(1000)
            if lot(f"ML000120261005{n:06d}", f"off-site {rule} {CYCLE[kind]}", 100) >= 5
        )  # fmt: skip
        given = {"loan_note_no": number, "baseline_on": None, "disbursed_on": date(2026, 10, 5)}
    Loan.objects.filter(pk=bank.loan.pk).update(**given)
    bank.loan.refresh_from_db()
    return VisitTask.objects.create(
        loan=bank.loan, branch=bank.branch, assigned_to=bank.officer, kind=kind, rule=rule, cycle=CYCLE[kind],
        method="OFF_SITE", opens_on=DAY, due_on=DAY + timedelta(days=3), policy_version=1, policy_line=1,
        created_on=DAY,
    )  # fmt: skip


def checked(task: VisitTask, day: date = DAY) -> dict[str, str]:
    """Item → result, after the evening's checks."""
    batch.run_off_site(as_of=day, at=AT)
    task.refresh_from_db()
    return {item["code"]: item["result"] for item in task.evidence["items"]}


# S1.13
@pytest.mark.parametrize(
    ("rows", "result", "outcome"),
    [
        ([], "NOT_RECORDED", "CLEAN"),
        ([("BUREAU_CLEAN", 0)], "OK", "CLEAN"),
        ([("BUREAU_CLEAN", 370)], "NOT_RECORDED", "CLEAN"),
        ([("BUREAU_CLEAN", 30), ("OVERDUE_ELSEWHERE", 10)], "EXCEPTION", ""),
        ([("OVERDUE_ELSEWHERE", 30), ("BUREAU_CLEAN", 10)], "OK", "CLEAN"),
        ([("OVERDUE_ELSEWHERE", 10), ("BUREAU_CLEAN", 10)], "EXCEPTION", ""),
    ],
    ids=["never", "today", "too old", "got worse", "got better", "the worse of one day"],
)
def test_the_last_word_of_the_bureau_counts_and_an_old_one_is_none(
    bank: Bank, rows: list[tuple[str, int]], result: str, outcome: str
) -> None:
    task = check_of(bank)
    Loan.objects.update(baseline_on=date(2025, 1, 1))
    told = [
        {"external_id": f"B-{n}", "code": code, "happened_on": DAY - timedelta(days=days)}
        for n, (code, days) in enumerate(rows)
    ]
    assert [one.word for one in feed(bank, *told, name="BUREAU")] == ["TAKEN"] * len(rows)
    assert checked(task)["BUREAU"] == result
    assert task.outcome == outcome
    assert "PLAN" not in {item["code"] for item in task.evidence["items"]}


# S1.13
@pytest.mark.parametrize(
    ("code", "result", "said"),
    [
        ("", "NOT_RECORDED", "非现场检查未记录：资金到账"),
        ("FUNDS_ARRIVED", "OK", ""),
        ("FUNDS_RETURNED", "EXCEPTION", "非现场检查异常：资金到账"),
    ],
)
def test_the_first_check_closes_only_when_the_money_is_known_to_have_arrived(
    bank: Bank, code: str, result: str, said: str
) -> None:
    task = check_of(bank, "FIRST", is_new=True)
    if code:
        row = {"external_id": "P-1", "code": code, "happened_on": date(2026, 10, 6), "loan": bank.loan.loan_note_no}
        assert [one.word for one in feed(bank, row, name="FUNDS")] == ["TAKEN"]
    found = checked(task)
    assert (found["FUNDS"], found["PLAN"]) == (result, "NOT_DUE")
    assert (task.outcome == "CLEAN") == (result == "OK")
    assert said in why(task)
    assert {"item": "还款计划执行", "result": "尚未到期"}.items() <= evidence_lines(task.evidence)[-1].items()


def test_money_that_arrived_before_the_book_was_taken_over_is_baseline(bank: Bank) -> None:
    assert checked(check_of(bank, "FIRST"))["FUNDS"] == "BASELINE_MISSING"


def test_the_plan_is_kept_while_what_fell_due_is_paid(bank: Bank) -> None:
    task = check_of(bank, "FIRST")
    Installment.objects.create(
        loan=bank.loan, number=901, due_on=DAY - timedelta(days=2), principal=100, interest=100, principal_paid=100,
        interest_paid=100, settled_on=DAY - timedelta(days=2), overdue_from=DAY - timedelta(days=2),
    )  # fmt: skip
    assert checked(task)["PLAN"] == "OK"


def test_a_plan_in_arrears_is_an_exception(bank: Bank) -> None:
    task = check_of(bank, "FIRST")
    Position.objects.filter(loan=bank.loan).update(overdue_since=DAY - timedelta(days=2))
    assert checked(task)["PLAN"] == "EXCEPTION"


def test_a_person_finds_out_what_nobody_recorded_and_the_next_check_knows(bank: Bank) -> None:
    task = check_of(bank, "FIRST", is_new=True)
    checked(task)
    with pytest.raises(OffSiteRefused):
        close_off_site(task_id=task.pk, note="已看过", by=bank.officer, at=AT)
    visit = actions.start_visit(task_id=task.pk, by=bank.officer, at=AT)
    visit.task = VisitTask.objects.get(pk=task.pk)
    assert "fund_arrived" in {item["key"] for item in items_of(visit.task, visit)}
    report = actions.submit_visit(task_id=task.pk, version=1, draft=filled(visit), by=bank.officer, at=AT)
    actions.approve_report(report_id=report.pk, content_sha256=report.content_sha256, by=bank.manager, at=AT)
    later = VisitTask.objects.create(
        loan=bank.loan, branch=bank.branch, assigned_to=bank.officer, kind="FIRST", rule="FIRST_60", cycle="1",
        method="OFF_SITE", opens_on=DAY, due_on=DAY + timedelta(days=3), policy_version=1, policy_line=1,
        created_on=DAY,
    )  # fmt: skip
    assert checked(later)["FUNDS"] == "OK"


def test_a_feed_of_facts_is_taken_once_and_refused_in_words(bank: Bank) -> None:
    check_of(bank, "FIRST", is_new=True)
    note = bank.loan.loan_note_no
    rows = (
        {"external_id": "P-1", "code": "FUNDS_ARRIVED", "loan": note},
        {"external_id": "P-1", "code": "FUNDS_ARRIVED", "loan": note},
        {"external_id": "P-2", "code": "FUNDS_ARRIVED", "loan": note, "happened_on": date(2026, 10, 4)},
        {"external_id": "P-3", "code": "FUNDS_ARRIVED", "loan": "", "customer": bank.loan.borrower.id_no},
        {"external_id": "P-4", "code": "BUREAU_CLEAN", "loan": note},
    )
    said = [(one.word, one.column) for one in feed(bank, *rows, name="FUNDS", is_preview=True)]
    assert said == [("TAKEN", ""), ("DUPLICATE", ""), ("REFUSED", "happened_on"), ("REFUSED", "loan"),
                    ("REFUSED", "code")]  # fmt: skip
    assert not OutsideRecord.objects.exists() and not Entry.objects.filter(kind="followups.outside_recorded").exists()
    feed(bank, *rows, name="FUNDS")
    assert [one.word for one in feed(bank, rows[0], name="FUNDS")] == ["DUPLICATE"]
    (kept,) = OutsideRecord.objects.all()
    assert (kept.loan, kept.customer, kept.known_on) == (bank.loan, bank.loan.borrower, DAY)
    assert Entry.objects.filter(kind="followups.outside_recorded").count() == 1 and Event.objects.count() == 0


@pytest.mark.parametrize("change", ["UPDATE followups_outsiderecord SET code = 'X'",
                                    "DELETE FROM followups_outsiderecord"])  # fmt: skip
def test_what_was_told_stays(bank: Bank, change: str) -> None:
    feed(bank, {"external_id": "B-1", "code": "BUREAU_CLEAN"}, name="BUREAU")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
