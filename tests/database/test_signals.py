"""A warning from its cause to its end: raised once with rule and inputs, answered, acted on, closed by another."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from collateral.models import Charge, Property, Valuation
from followups import actions as followups
from followups.models import VisitTask
from journal.models import Entry
from loans.models import Loan, Position
from people.actions import NotAllowed
from risk import actions, batch
from risk.models import Grade, Signal, SignalAction, SignalStep
from risk.queries import signal_lines
from tests.database.test_visits import filled
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
LATER = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


class Bank:
    def __init__(self) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch, "周楠")
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        self.risk = make_staff("RISK_MANAGER", self.branch, "许静")
        self.loan = book_loan(self.branch, self.officer)

    def overdue(self, days: int, as_of: date = DAY, loan: Any = None) -> None:
        Position.objects.filter(loan=loan or self.loan).update(overdue_since=as_of - timedelta(days=days))

    def regrade(self, as_of: date = DAY) -> dict[str, int]:
        return batch.regrade(as_of=as_of, at=LATER, loan_ids=[self.loan.pk])

    def signals(self) -> list[Signal]:
        return list(Signal.objects.filter(loan=self.loan).order_by("id"))

    def arrears(self) -> Signal:
        """The orange signal of 31 days past due."""
        day = DAY + timedelta(days=40)
        self.overdue(31, as_of=day)
        self.regrade(day)
        (signal,) = self.signals()
        return signal


@pytest.fixture
def bank(db: None) -> Bank:
    return Bank()


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (Signal, SignalStep, SignalAction, Entry))


def steps(signal: Signal) -> list[str]:
    return list(signal.steps.order_by("id").values_list("kind", flat=True))


# S2.16
def test_a_signal_says_its_rule_version_level_and_what_it_looked_at(bank: Bank) -> None:
    signal = bank.arrears()
    version, lines = signal_lines(DAY)
    line = next(line for line in lines if line.number == signal.line_number)
    assert (signal.code, signal.level, signal.policy_version, line.result["code"]) == (
        "ARREARS_31", 2, version, "ARREARS_31",
    )  # fmt: skip
    assert signal.inputs == {"days_past_due": "31", "overdue_since": "2026-11-10"}
    assert (signal.source, signal.raised_on, signal.answer_by, signal.state) == (
        "DAY_END", date(2026, 12, 11), date(2026, 12, 16), "NEW",
    )  # fmt: skip
    fact = Entry.objects.get(kind="risk.signal_raised")
    assert fact.loan_id == bank.loan.pk and fact.data == {"code": "ARREARS_31", "level": 2, "version": 1, "line": 2}


def test_looked_at_twice_it_warns_once(bank: Bank) -> None:
    bank.arrears()
    before = written()
    for days in (0, 5):
        assert bank.regrade(date(2026, 12, 11) + timedelta(days=days))["warned"] == 0
    assert written() == before


def test_an_answered_signal_is_not_raised_again_on_the_same_occasion(bank: Bank) -> None:
    signal = bank.arrears()
    actions.answer_signal(
        signal_id=signal.pk, version=1, is_true=False, words="扣款通道故障，当日已补扣", by=bank.manager, at=LATER
    )
    bank.regrade(date(2026, 12, 13))
    assert [one.outcome for one in bank.signals()] == ["EXPLAINED"]


def test_worse_takes_the_place_of_milder(bank: Bank) -> None:
    signal = bank.arrears()
    bank.regrade(date(2027, 2, 9))
    first, second = bank.signals()
    assert (first.pk, first.outcome, second.code, second.level) == (signal.pk, "ESCALATED", "ARREARS_91", 1)
    assert steps(first) == ["ESCALATED"]


def test_paid_arrears_and_settled_loans_end_with_a_step(bank: Bank) -> None:
    signal = bank.arrears()
    Position.objects.filter(loan=bank.loan).update(overdue_since=None)
    counts = batch.regrade_evening(as_of=date(2026, 12, 12), at=LATER)
    signal.refresh_from_db()
    assert (counts["ended"], signal.outcome, signal.closed_on, steps(signal)) == (
        1, "CURED", date(2026, 12, 12), ["CURED"],
    )  # fmt: skip
    assert batch.regrade_evening(as_of=date(2026, 12, 12), at=LATER)["ended"] == 0
    bank.overdue(31, as_of=date(2027, 2, 1))
    bank.regrade(date(2027, 2, 1))
    Position.objects.filter(loan=bank.loan).update(overdue_since=None, settled_on=date(2027, 2, 1))
    batch.regrade_evening(as_of=date(2027, 2, 1), at=LATER)
    assert [one.outcome for one in bank.signals()] == ["CURED", "SETTLED"]


def test_arrears_of_cut_over_warn_only_of_the_next_step(bank: Bank) -> None:
    late = book_loan(bank.branch, bank.officer, days_past_due=40)
    batch.regrade(as_of=DAY, at=LATER, loan_ids=[late.pk])
    assert not Signal.objects.filter(loan=late).exists()
    since = Position.objects.get(loan=late).overdue_since
    assert since is not None
    batch.regrade(as_of=since + timedelta(days=91), at=LATER, loan_ids=[late.pk])
    assert [one.code for one in Signal.objects.filter(loan=late)] == ["ARREARS_91"]


def test_a_grade_that_falls_without_arrears_warns(bank: Bank) -> None:
    bank.regrade()
    Loan.objects.filter(pk=bank.loan.pk).update(credit_score=630)
    bank.regrade(DAY + timedelta(days=1))
    (signal,) = bank.signals()
    assert (signal.code, signal.inputs["grade_before"], signal.inputs["credit_score"]) == ("GRADE_MEDIUM", "LOW", "630")
    assert Grade.objects.get(loan=bank.loan, superseded_on=None).inputs["credit_score"] == "630"


# Valuations


def revalue(loan: Any, value: str, on: date = DAY, source: str = "DESKTOP") -> Valuation:
    home = Charge.objects.get(loan=loan).property
    Property.objects.filter(pk=home.pk).update(value=Decimal(value), valued_on=on)
    return Valuation.objects.create(property=home, value=Decimal(value), valued_on=on, source=source)


# S2.16
@pytest.mark.parametrize(
    ("value", "code"), [("1125000.00", "LOAN_TO_VALUE_80"), ("1000000.00", "LOAN_TO_VALUE_90"),
                        ("900000.00", "LOAN_TO_VALUE_100"), ("1126000.00", None)],
)  # fmt: skip
def test_a_valuation_that_crosses_a_limit_warns(bank: Bank, value: str, code: str | None) -> None:
    valuation = revalue(bank.loan, value)
    for _again in range(2):
        batch.warn_of_values(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    assert [(one.code, one.occasion) for one in bank.signals()] == (
        [(code, f"valuation:{valuation.pk}")] if code else []
    )
    if code:
        assert bank.signals()[0].inputs["loan_to_value_before"] == "45"


def test_what_was_past_the_limit_already_warns_of_its_area_only(bank: Bank) -> None:
    revalue(bank.loan, "1100000.00")
    batch.warn_of_values(as_of=DAY, at=LATER, loan_ids=[bank.loan.pk])
    revalue(bank.loan, "1050000.00", DAY + timedelta(days=1))
    batch.warn_of_values(as_of=DAY + timedelta(days=1), at=LATER, loan_ids=[bank.loan.pk])
    assert [one.code for one in bank.signals()] == ["LOAN_TO_VALUE_80"]


# Visits


def visited(bank: Bank, **answers: Any) -> Any:
    """A periodic phone visit of the loan, handed in with these answers."""
    from followups.batch import replan

    if not VisitTask.objects.filter(loan=bank.loan).exists():
        replan(as_of=DAY, at=AT, loan_ids=[bank.loan.pk])
    task = VisitTask.objects.filter(loan=bank.loan).order_by("id").first()
    assert task is not None
    VisitTask.objects.filter(pk=task.pk).update(method="PHONE", opens_on=DAY)
    task.refresh_from_db()
    visit = followups.start_visit(task_id=task.pk, by=bank.officer, at=LATER)
    visit.task = task
    draft = filled(visit, **answers)
    return followups.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=bank.officer, at=LATER)


WORSE: dict[str, Any] = {
    "conclusion": "WATCH", "conclusion_text": "借款人收入下降，总负债超限。",
}  # fmt: skip


# S2.5 S2.16
def test_what_a_visit_finds_warns_at_once_and_stands_in_its_report(bank: Bank) -> None:
    report = visited(bank, seizure={"now": "YES"}, **WORSE)
    (signal,) = bank.signals()
    assert (signal.code, signal.source, signal.report_id, signal.raised_by) == (
        "FINDING_seizure", "VISIT", report.pk, bank.officer.staff_no,
    )  # fmt: skip
    (shown,) = report.content["signals"]
    assert (shown["code"], shown["line"], report.content["signal_policy"]) == ("FINDING_seizure", 14, 1)
    assert shown["label"] == {"zh": "回访发现：查封或纠纷", "en": shown["label"]["en"]}


def test_what_a_corrected_report_no_longer_finds_ends_as_corrected(bank: Bank) -> None:
    report = visited(bank, seizure={"now": "YES"}, **WORSE)
    followups.return_report(
        report_id=report.pk, content_sha256=report.content_sha256, reason="请核对居住状态", sections=["occupancy"],
        by=bank.manager, at=LATER,
    )  # fmt: skip
    again = visited(bank)
    assert again.version == 2
    (signal,) = bank.signals()
    assert (signal.outcome, steps(signal)) == ("REVISED", ["REVISED"])


# The chain


def acted(bank: Bank, signal: Signal) -> SignalAction:
    actions.answer_signal(
        signal_id=signal.pk, version=1, is_true=True, words="电话核实，收入确已下降", by=bank.officer, at=LATER
    )
    return actions.set_action(
        signal_id=signal.pk, version=2, words="与客户商定延期三个月", owner=bank.officer.staff_no,
        due_on=date(2026, 11, 10), by=bank.officer, at=LATER,
    )  # fmt: skip


# S2.5
def test_the_chain_from_warning_to_closure_names_who_and_when(bank: Bank) -> None:
    signal = bank.arrears()
    action = acted(bank, signal)
    actions.finish_action(action_id=action.pk, result="已签延期协议", evidence="YQ-018", by=bank.officer, at=LATER)
    signal.refresh_from_db()
    actions.close_signal(
        signal_id=signal.pk, version=signal.version, words="措施落实，风险可控", by=bank.manager, at=LATER
    )
    signal.refresh_from_db()
    assert (signal.state, signal.outcome, signal.closed_on) == ("CLOSED", "RESOLVED", DAY)
    assert list(signal.steps.order_by("id").values_list("kind", "by")) == [
        ("CONFIRMED", bank.officer.staff_no), ("ACTION", bank.officer.staff_no), ("DONE", bank.officer.staff_no),
        ("CLOSED", bank.manager.staff_no),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_step_out_of_turn_is_refused_and_changes_nothing(bank: Bank) -> None:
    signal = bank.arrears()
    refused: list[tuple[Any, dict[str, Any]]] = [
        (actions.close_signal, {"signal_id": signal.pk, "version": 1, "words": "直接关闭", "by": bank.manager}),
        (actions.set_action, {"signal_id": signal.pk, "version": 1, "words": "先定措施", "owner": "x",
                              "due_on": DAY, "by": bank.officer}),
        (actions.answer_signal, {"signal_id": signal.pk, "version": 9, "is_true": True, "words": "旧窗口提交",
                                 "by": bank.officer}),
    ]  # fmt: skip
    auditor, stranger = make_staff("AUDITOR", bank.branch), make_staff("LOAN_OFFICER", make_branch())
    before = written()
    for call, asked in refused:
        with pytest.raises(actions.SignalMoved):
            call(**asked, at=LATER)
    with pytest.raises(actions.SignalNotYours):
        actions.answer_signal(signal_id=signal.pk, version=1, is_true=False, words="客户说没事", by=bank.officer,
                              at=LATER)  # fmt: skip
    with pytest.raises(actions.SignalUnclear):
        actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words=" ", by=bank.officer, at=LATER)
    with pytest.raises(NotAllowed):
        actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words="审计代办",
                              by=auditor, at=LATER)  # fmt: skip
    with pytest.raises(Signal.DoesNotExist):
        actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words="别家机构",
                              by=stranger, at=LATER)  # fmt: skip
    assert written() == before


def test_an_action_needs_an_owner_who_sees_the_loan_and_a_day_ahead(bank: Bank) -> None:
    signal = bank.arrears()
    actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words="电话核实属实", by=bank.officer, at=LATER)
    stranger = make_staff("LOAN_OFFICER", make_branch())
    asked: dict[str, Any] = {"signal_id": signal.pk, "version": 2, "words": "上门催收", "owner": bank.officer.staff_no,
                             "due_on": DAY, "by": bank.officer, "at": LATER}  # fmt: skip
    before = written()
    for wrong, field in (({"owner": stranger.staff_no}, "owner"), ({"owner": "nobody"}, "owner"),
                         ({"due_on": DAY - timedelta(days=1)}, "due_on"), ({"words": "x"}, "words")):  # fmt: skip
        with pytest.raises(actions.SignalUnclear) as refusal:
            actions.set_action(**{**asked, **wrong})
        assert refusal.value.field == field
    assert written() == before


def test_nobody_closes_what_he_was_to_do_himself(bank: Bank) -> None:
    signal = bank.arrears()
    actions.answer_signal(signal_id=signal.pk, version=1, is_true=True, words="电话核实属实", by=bank.manager, at=LATER)
    action = actions.set_action(signal_id=signal.pk, version=2, words="主管亲自上门", owner=bank.manager.staff_no,
                                due_on=DAY, by=bank.manager, at=LATER)  # fmt: skip
    with pytest.raises(actions.SignalNotYours):
        actions.finish_action(action_id=action.pk, result="不是我的事", by=bank.officer, at=LATER)
    actions.finish_action(action_id=action.pk, result="已上门并取得承诺", by=bank.manager, at=LATER)
    before = written()
    with pytest.raises(actions.SignalNotYours):
        actions.close_signal(signal_id=signal.pk, version=4, words="自己关自己", by=bank.manager, at=LATER)
    with pytest.raises(actions.SignalMoved):
        actions.finish_action(action_id=action.pk, result="再做一次", by=bank.manager, at=LATER)
    assert written() == before
    actions.close_signal(signal_id=signal.pk, version=4, words="风险经理复核同意", by=bank.risk, at=LATER)


# S2.5
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM risk_signal",
        "UPDATE risk_signal SET level = 3",
        "UPDATE risk_signal SET inputs = '{}'",
        "UPDATE risk_signal SET state = 'CLOSED', closed_on = raised_on",
        "UPDATE risk_signal SET state = 'CLOSED', outcome = 'RESOLVED', closed_on = raised_on",
        "INSERT INTO risk_signal (loan_id, family, code, level, policy_version, line_number, inputs, source, occasion,"
        " raised_on, raised_at, raised_by, answer_by) SELECT loan_id, family, 'X', 2, 1, 1, '{}', 'DAY_END', 'x',"
        " raised_on, raised_at, 'system', answer_by FROM risk_signal",
    ],
)
def test_no_signal_vanishes_or_says_something_else(bank: Bank, statement: str) -> None:
    bank.arrears()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert [one.state for one in bank.signals()] == ["NEW"]


def test_steps_are_never_changed(bank: Bank) -> None:
    signal = bank.arrears()
    acted(bank, signal)
    for statement in ("DELETE FROM risk_signalstep", "UPDATE risk_signalstep SET words = 'x'"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert steps(signal) == ["CONFIRMED", "ACTION"]
