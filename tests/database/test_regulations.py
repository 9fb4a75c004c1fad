"""A regulation changes: entered, approved by another, parameters from their day, a policy of its own, plans anew."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import batch
from followups.actions import regulations as actions
from followups.actions.policy import decide_policy, replace_lines, submit_policy
from followups.models import Alert, Regulation, RegulationPolicy, VisitTask
from followups.models.policy import PolicyRunLoan
from followups.queries.alerts import told_alerts
from followups.queries.policy import lines_of
from followups.queries.regulations import parameter_changes, policy_impacts
from followups.rules.default_policy import PERIODIC
from journal.errors import ActionRefused
from journal.models import Entry
from loans.actions.parameters import ParameterRefused
from loans.models import Parameter
from loans.queries import parameter
from people.actions import NotAllowed
from people.models import Staff
from people.rules.policy import Line
from tests.database.policy_bank import AT, FROM, risk_people, try_out
from tests.factories import book_loan, make_branch, make_staff, open_bank

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 1)
GIVEN: dict[str, Any] = {
    "number": "银发〔2026〕200号",
    "title": "关于加强个人住房贷款贷后管理的通知",
    "issuer": "人民银行",
    "issued_on": date(2026, 10, 20),
    "effective_on": FROM,
    "summary": "贷后检查每年不少于两次；贷款期限最长35年。",
}
TERM = ("max_term_months", 420, FROM)


@pytest.fixture
def people(db: None) -> tuple[Staff, Staff]:
    open_bank()
    return risk_people()


def enter(maker: Staff, **more: Any) -> Regulation:
    return actions.enter_regulation(**{**GIVEN, "parameters": [TERM], **more}, by=maker, at=AT)


def approve(regulation: Regulation, checker: Staff) -> Regulation:
    return actions.decide_regulation(
        regulation_id=regulation.pk, approve=True, content_sha256=regulation.content_sha256, by=checker, at=AT
    )


def written() -> tuple[int, ...]:
    tables = (Regulation, RegulationPolicy, Parameter, Alert, Entry)
    return (*(table.objects.count() for table in tables), Regulation.objects.filter(state="WAITING").count())


def twice_a_year(line: Line) -> Line:
    if line.kind == PERIODIC and line.result["months"] == 12:
        return replace(line, result={**line.result, "months": 6})
    return line


# S1.35 S2.12
def test_a_regulation_leads_from_its_text_to_plans_made_anew_with_two_people_at_each_step(
    people: tuple[Staff, Staff],
) -> None:
    maker, checker = people
    officer = make_staff("LOAN_OFFICER", make_branch())
    for _number in range(6):
        book_loan(branch=officer.branch, officer=officer)
    batch.replan(as_of=TODAY, at=AT)
    regulation = approve(enter(maker), checker)

    # Staff are told, the officer too.
    (told,) = told_alerts(officer, TODAY)
    assert (told.alert.code, told.alert.regulation_id, told.alert.due_on) == ("REGULATION", regulation.pk, FROM)

    # What it asks of follow-ups becomes a draft; its dry run is the list of plans that change.
    policy = actions.draft_from(regulation_id=regulation.pk, from_on=FROM, by=maker, at=AT)
    assert policy.purpose == "按 银发〔2026〕200号 调整"
    lines = [twice_a_year(line) for line in lines_of(policy)]
    policy = replace_lines(policy_id=policy.pk, row_version=policy.row_version, lines=lines, by=maker, at=AT)
    run = try_out(policy, maker)
    (impact,) = policy_impacts(regulation)
    assert impact.run == run and impact.changed == PolicyRunLoan.objects.filter(run=run).count() > 0

    # Approved by another, it plans the book anew on the evening of its first day, and all staff are told.
    policy = submit_policy(policy_id=policy.pk, row_version=policy.row_version, by=maker, at=AT)
    decide_policy(policy_id=policy.pk, approve=True, content_sha256=policy.content_sha256, by=checker, at=AT)
    before = dict(VisitTask.objects.filter(kind="PERIODIC").values_list("id", "due_on"))
    batch.replan_evening(as_of=FROM, at=AT)
    after = dict(VisitTask.objects.filter(kind="PERIODIC").values_list("id", "due_on"))
    moved = {pk for pk, due_on in before.items() if after[pk] < due_on}
    changed = set(PolicyRunLoan.objects.filter(run=run).values_list("loan_id", flat=True))
    assert moved and set(VisitTask.objects.filter(pk__in=moved).values_list("loan_id", flat=True)) <= changed
    assert {row.alert.code for row in told_alerts(officer, TODAY + timedelta(days=1))} == {"REGULATION", "POLICY"}

    # Every step is on record.
    kinds = list(
        Entry.objects.filter(kind__startswith="followups.regulation_").order_by("id").values_list("kind", "actor")
    )
    assert kinds == [
        ("followups.regulation_entered", maker.staff_no), ("followups.regulation_approved", checker.staff_no),
        ("followups.regulation_linked", maker.staff_no),
    ]  # fmt: skip


# S1.35
def test_parameters_take_force_on_their_day_and_what_stood_before_stays_on_record(people: tuple[Staff, Staff]) -> None:
    maker, checker = people
    regulation = enter(maker)
    assert parameter("max_term_months", FROM) == 480
    approve(regulation, checker)
    day_before = FROM - timedelta(days=1)
    assert (parameter("max_term_months", day_before), parameter("max_term_months", FROM)) == (480, 420)
    assert parameter("max_term_months", date(2020, 1, 1)) == 360
    assert Parameter.objects.get(code="max_term_months", in_force__contains=FROM).source == GIVEN["number"]
    (change,) = parameter_changes(regulation)
    assert (change.before, change.parameter.value) == (480, 420)
    fact = Entry.objects.get(kind="loans.parameter_changed")
    assert (fact.actor, fact.data["before"], fact.data["after"]) == (checker.staff_no, 480, 420)


def test_a_parameter_that_ends_on_a_day_ends_on_it_still(people: tuple[Staff, Staff]) -> None:
    maker, checker = people
    before = Parameter.objects.get(code="interest_subsidy")
    last = before.in_force.upper
    given = ("interest_subsidy", {**before.value, "rate_percent": "0.8"}, FROM)
    approve(enter(maker, parameters=[given]), checker)
    held = [(row.value["rate_percent"], row.in_force.upper) for row in Parameter.objects.filter(code="interest_subsidy")
            .order_by("in_force")]  # fmt: skip
    assert last > FROM and held == [("1.0", FROM), ("0.8", last)]


def test_the_register_a_bank_begins_with_names_the_parameters_that_follow(people: tuple[Staff, Staff]) -> None:
    first = Regulation.objects.get(number="银发〔2026〕171号")
    assert first.state == "APPROVED" and first.effective_on == date(2026, 8, 28)
    (change,) = parameter_changes(first)
    assert (change.parameter.code, change.before, change.parameter.value) == ("max_term_months", 360, 480)
    from followups.batch.regulations import install_regulations

    before = written()
    install_regulations(at=AT)
    assert written() == before


def test_what_it_replaces_ends_on_its_first_day(people: tuple[Staff, Staff]) -> None:
    maker, checker = people
    old = Regulation.objects.get(number="银发〔2026〕171号")
    approve(enter(maker, replaces=old.number), checker)
    old.refresh_from_db()
    assert old.ended_on == FROM
    with pytest.raises(actions.RegulationUnclear):
        enter(maker, number="另一文号", parameters=[], replaces=old.number)


@pytest.mark.parametrize(
    ("given", "refusal", "field"),
    [
        ({"number": "x"}, actions.RegulationUnclear, "number"),
        ({"number": "银发〔2026〕171号"}, actions.RegulationUnclear, "number"),
        ({"summary": "a\u202eb, c, d"}, actions.RegulationUnclear, "summary"),
        ({"summary": "x" * 2001}, actions.RegulationUnclear, "summary"),
        ({"issued_on": date(2026, 11, 2)}, actions.RegulationUnclear, "effective_on"),
        ({"effective_on": date(2026, 10, 1)}, actions.RegulationUnclear, "effective_on"),
        ({"replaces": "没有这个文号"}, actions.RegulationUnclear, "replaces"),
        ({"parameters": [TERM, TERM]}, actions.RegulationUnclear, "parameters"),
        ({"parameters": [("no_such", 1, FROM)]}, ParameterRefused, "code"),
        ({"parameters": [("max_term_months", 420, TODAY)]}, ParameterRefused, "from_on"),
        ({"parameters": [("max_term_months", "420", FROM)]}, ParameterRefused, "value"),
        ({"parameters": [("max_term_months", 480, FROM)]}, ParameterRefused, "value"),
        ({"parameters": [("max_term_months", True, FROM)]}, ParameterRefused, "value"),
        ({"parameters": [("ltv_alerts", {"yellow": "80"}, FROM)]}, ParameterRefused, "value"),
        ({"parameters": [("pti_total_max", "sixty", FROM)]}, ParameterRefused, "value"),
        ({"parameters": [("interest_subsidy", {}, date(2028, 1, 1))]}, ParameterRefused, "code"),
    ],
)
def test_an_item_that_does_not_hold_together_is_refused(
    people: tuple[Staff, Staff], given: Any, refusal: type[ActionRefused], field: str
) -> None:
    before = written()
    with pytest.raises(refusal) as found:
        enter(people[0], **given)
    assert found.value.field == field and written() == before


def test_nobody_approves_an_own_item_nor_other_content_nor_twice(people: tuple[Staff, Staff]) -> None:
    maker, checker = people
    regulation = enter(maker)
    asked: dict[str, Any] = {"regulation_id": regulation.pk, "approve": True, "at": AT}
    right = {**asked, "content_sha256": regulation.content_sha256}
    before = written()
    for refusal, wrong in (
        (actions.OwnRegulation, {**right, "by": maker}),
        (actions.RegulationMoved, {**asked, "content_sha256": "0" * 64, "by": checker}),
        (NotAllowed, {**right, "by": make_staff("AUDITOR", maker.branch)}),
        (actions.RegulationUnclear, {**right, "approve": False, "by": checker}),
    ):
        counted = written()
        with pytest.raises(refusal):
            actions.decide_regulation(**wrong)
        assert written() == counted
    assert written()[:4] == before[:4]
    actions.decide_regulation(**right, by=checker)
    with pytest.raises(actions.RegulationMoved):
        actions.decide_regulation(**right, by=checker)


def test_what_is_returned_or_taken_back_changes_no_parameter_and_tells_nobody(people: tuple[Staff, Staff]) -> None:
    maker, checker = people
    returned = actions.decide_regulation(
        regulation_id=enter(maker).pk, approve=False, content_sha256=Regulation.objects.latest("pk").content_sha256,
        remark="请核对文号", by=checker, at=AT,
    )  # fmt: skip
    again = enter(maker)
    with pytest.raises(actions.OwnRegulation):
        actions.withdraw_regulation(regulation_id=again.pk, reason="重复登记", by=checker, at=AT)
    actions.withdraw_regulation(regulation_id=again.pk, reason="重复登记", by=maker, at=AT)
    assert returned.state == "RETURNED" and parameter("max_term_months", FROM) == 480
    assert not Alert.objects.exists()
    with pytest.raises(actions.RegulationMoved):
        actions.draft_from(regulation_id=returned.pk, from_on=FROM, by=maker, at=AT)


def test_a_version_or_a_line_is_linked_once(people: tuple[Staff, Staff]) -> None:
    maker, _checker = people
    first = Regulation.objects.get(number="银监发〔2017〕16号")
    for line in (None, 16):
        for _again in range(2):
            actions.link_policy(regulation_id=first.pk, version=1, line_number=line, by=maker, at=AT)
    (impact,) = policy_impacts(first)
    assert (RegulationPolicy.objects.count(), impact.lines, impact.run) == (2, (16,), None)
    for wrong in ({"version": 9}, {"version": 1, "line_number": 999}):
        with pytest.raises(actions.RegulationUnclear):
            actions.link_policy(regulation_id=first.pk, **wrong, by=maker, at=AT)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE followups_regulation SET checker = maker WHERE state = 'WAITING'",
        "UPDATE followups_regulation SET state = 'APPROVED' WHERE state = 'WAITING'",
        "UPDATE followups_regulation SET ended_on = effective_on - 1",
        "UPDATE followups_regulation SET number = '银发〔2026〕171号' WHERE state = 'WAITING'",
        "UPDATE followups_regulationparameter SET value = '1'",
        "DELETE FROM followups_regulationparameter",
    ],
)
def test_the_database_refuses_what_nobody_decided(people: tuple[Staff, Staff], statement: str) -> None:
    enter(people[0])
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Regulation.objects.filter(state="WAITING").count() == 1
