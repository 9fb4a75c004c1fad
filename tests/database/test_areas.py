"""An area falls by 12 %: its homes are valued anew by set, and only the loans that pass a limit are looked at again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg2.extras import DateRange

from collateral import actions
from collateral.batch import area_outlook
from collateral.models import AreaRevaluation, Property, Valuation
from collateral.queries import area_volatilities
from config.area_page import decided
from config.areas import limits_looked_at, looks_at_areas
from followups import batch
from followups.models import Event, FollowUpPolicy, FollowUpPolicyLine, VisitTask
from followups.wording import why, why_lines
from journal.batch import run_pending
from journal.models import Entry, Pending
from people.actions import NotAllowed
from risk.models import Signal
from tests.factories import AT, book_loan, make_branch, make_staff

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 1)
LATER = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
FALL = Decimal("-12.00")


class Area:
    """Loans of 900,000 on homes of the district; after the fall the ratios are 51, 81, 85, 92 and 102 %."""

    VALUES = ("2000000.00", "1260000.00", "1200000.00", "1110000.00", "1000000.00")

    def __init__(self) -> None:
        self.branch = make_branch()
        self.officer = make_staff("LOAN_OFFICER", self.branch)
        self.maker, self.checker = (make_staff("RISK_MANAGER", self.branch) for _n in range(2))
        self.loans = [book_loan(self.branch, self.officer, appraised_value=Decimal(value)) for value in self.VALUES]
        self.elsewhere = book_loan(self.branch, self.officer, appraised_value=Decimal("1110000.00"))
        Property.objects.filter(charges__loan=self.elsewhere).update(district="老城区")
        ids = [loan.pk for loan in (*self.loans, self.elsewhere)]
        from risk.batch import regrade

        regrade(as_of=DAY, at=AT, loan_ids=ids)
        batch.replan(as_of=DAY, at=AT, loan_ids=ids)
        Pending.objects.all().delete()

    def propose(self, **more: Any) -> AreaRevaluation:
        given: dict[str, Any] = {
            "district": "滨江区",
            "change_percent": FALL,
            "valued_on": DAY,
            "source": "二手住宅指数",
        }
        return actions.propose_area(**{**given, **more}, by=self.maker, at=AT)

    def fall(self, **more: Any) -> AreaRevaluation:
        return decided(self.propose(**more), approve=True, note="", by=self.checker, at=AT)


@pytest.fixture
def area(db: None) -> Area:
    return Area()


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (AreaRevaluation, Valuation, Entry, Pending, VisitTask))


def values(area: Area) -> list[Decimal]:
    found = [Property.objects.get(charges__loan=loan).value for loan in (*area.loans, area.elsewhere)]
    return [value for value in found if value is not None]


# S2.11
def test_a_fall_of_12_percent_looks_again_only_at_loans_that_pass_a_limit(area: Area) -> None:
    before = {task.pk: (task.due_on, task.method) for task in VisitTask.objects.all()}
    applied = area.fall()
    assert values(area) == [
        Decimal(value) for value in ("1760000.00", "1108800.00", "1056000.00", "976800.00", "880000.00", "1110000.00")
    ]
    told = Entry.objects.filter(kind="collateral.revalued").order_by("loan_id")
    assert [entry.loan_id for entry in told] == [loan.pk for loan in area.loans[1:]]
    assert applied.counts == {
        "homes": 5, "loans": 5, "past": {"80": 2, "90": 1, "100": 1}, "affected": 4,
    }  # fmt: skip
    run_pending(at=LATER)
    events = list(Event.objects.filter(source="COLLATERAL").order_by("loan_id").values_list("loan_id", "code"))
    assert events == [
        (area.loans[1].pk, "VALUE_80"), (area.loans[2].pk, "VALUE_80"), (area.loans[3].pk, "VALUE_90"),
        (area.loans[4].pk, "VALUE_100"),
    ]  # fmt: skip
    quiet = [area.loans[0].pk, area.elsewhere.pk]
    assert not VisitTask.objects.filter(loan__in=quiet).exclude(pk__in=before).exists()
    for task in VisitTask.objects.filter(loan__in=quiet):
        assert (task.due_on, task.method) == before[task.pk]


# S1.17 S2.11
def test_the_plan_says_which_area_moved_and_the_ratio_that_it_passed(area: Area) -> None:
    area.fall()
    run_pending(at=LATER)
    task = VisitTask.objects.get(loan=area.loans[3], rule="EVENT")
    assert why(task) == "抵押率升破90%；滨江区 -12.00%"
    assert (task.kind, task.method, task.level) == ("IRREGULAR", "FIELD", 2)
    periodic = VisitTask.objects.get(loan=area.loans[3], rule="PERIODIC")
    assert any(line.startswith("抵押率92") and "90%" in line for line in why_lines(periodic)), why_lines(periodic)
    assert "BROUGHT_FORWARD" in periodic.events.values_list("kind", flat=True)


# S2.16
def test_the_fall_warns_with_the_area_among_what_was_looked_at(area: Area) -> None:
    area.fall()
    run_pending(at=LATER)
    found = dict(Signal.objects.filter(source="VALUATION").values_list("loan_id", "code"))
    assert found == {
        area.loans[1].pk: "LOAN_TO_VALUE_80", area.loans[2].pk: "LOAN_TO_VALUE_80",
        area.loans[3].pk: "LOAN_TO_VALUE_90", area.loans[4].pk: "LOAN_TO_VALUE_100",
    }  # fmt: skip
    inputs = Signal.objects.get(loan=area.loans[3], source="VALUATION").inputs
    assert (inputs["area"], inputs["loan_to_value_before"]) == ("滨江区", "81.081")


# S2.11
def test_a_policy_may_ask_how_volatile_an_area_is_and_then_plans_all_its_loans_anew(area: Area) -> None:
    shorten(area)
    assert looks_at_areas(DAY)
    area.fall()
    assert Entry.objects.filter(kind="collateral.revalued").count() == 5
    assert area_volatilities(DAY) == {"滨江区": Decimal("12.0")}
    before = VisitTask.objects.get(loan=area.loans[0], rule="PERIODIC").due_on
    run_pending(at=LATER)
    task = VisitTask.objects.get(loan=area.loans[0], rule="PERIODIC")
    assert task.due_on < before
    assert any("片区波动率" in line for line in why_lines(task)), why_lines(task)
    assert "EVENT" not in VisitTask.objects.filter(loan=area.loans[0]).values_list("rule", flat=True)


def shorten(area: Area) -> None:
    """A policy in force today whose first tier asks for a visit every 3 months in volatile areas."""
    old = FollowUpPolicy.objects.get(version=1)
    FollowUpPolicy.objects.filter(pk=old.pk).update(in_force=DateRange(date(2000, 1, 1), DAY, "[)"))
    new = FollowUpPolicy.objects.create(
        version=2, name="波动", in_force=DateRange(DAY, None, "[)"), maker=area.maker.staff_no, made_at=AT,
    )  # fmt: skip
    FollowUpPolicyLine.objects.create(
        policy=new, number=1, kind="PERIODIC", note="波动区域每季度",
        conditions=[{"fact": "area_volatility", "op": ">=", "value": "10"}],
        result={"tier": "VOLATILE", "months": 3, "methods": ["PHONE"]},
    )  # fmt: skip
    FollowUpPolicyLine.objects.bulk_create(
        FollowUpPolicyLine(policy=new, number=line.number + 1, kind=line.kind, conditions=line.conditions,
                           result=line.result, note=line.note)
        for line in old.lines.all()
    )  # fmt: skip
    FollowUpPolicy.objects.filter(pk=new.pk).update(checker=area.checker.staff_no, checked_at=AT)


def test_limits_are_those_of_every_policy_in_force(area: Area) -> None:
    assert limits_looked_at(DAY) == [Decimal(80), Decimal(90), Decimal(100)]
    assert not looks_at_areas(DAY)


def test_looking_ahead_writes_nothing_and_says_what_applying_does(area: Area) -> None:
    waiting = area.propose()
    before = written()
    outlook = area_outlook(district=waiting.district, change_percent=FALL, valued_on=DAY, limits=limits_looked_at(DAY))
    assert written() == before
    applied = decided(waiting, approve=True, note="", by=area.checker, at=AT)
    assert (outlook.homes, outlook.loans, outlook.past) == (
        applied.counts["homes"], applied.counts["loans"], applied.counts["past"],
    )  # fmt: skip


def test_the_statements_do_not_grow_with_the_homes(area: Area) -> None:
    def statements(waiting: AreaRevaluation) -> int:
        with CaptureQueriesContext(connection) as seen:
            decided(waiting, approve=True, note="", by=area.checker, at=AT)
        return len(seen)

    few = statements(area.propose(district="老城区"))
    assert statements(area.propose()) <= few


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"change_percent": Decimal(0)}, "change_percent"),
        ({"change_percent": Decimal("-90.01")}, "change_percent"),
        ({"change_percent": Decimal("-1.005")}, "change_percent"),
        ({"valued_on": DAY + timedelta(days=1)}, "valued_on"),
        ({"district": "没有的区"}, "district"),
        ({"district": " "}, "district"),
        ({"source": "x"}, "source"),
        ({"source": "a\u202eb"}, "source"),
    ],
)
def test_a_proposal_that_does_not_hold_together_is_refused(area: Area, given: Any, field: str) -> None:
    before = written()
    with pytest.raises(actions.AreaUnclear) as refusal:
        area.propose(**given)
    assert refusal.value.field == field and written() == before


def test_nobody_applies_an_own_proposal_nor_twice_nor_the_same_day_again(area: Area) -> None:
    waiting = area.propose()
    asked: dict[str, Any] = {"area_id": waiting.pk, "approve": True, "limits": [], "wakes_all": False, "at": AT}
    before = written()
    with pytest.raises(actions.OwnArea):
        actions.decide_area(**asked, by=area.maker)
    with pytest.raises(NotAllowed):
        actions.decide_area(**asked, by=area.officer)
    with pytest.raises(actions.AreaDecided):
        area.propose()
    with pytest.raises(actions.AreaUnclear):
        actions.decide_area(**{**asked, "approve": False}, by=area.checker)
    assert written() == before
    actions.decide_area(**asked, by=area.checker)
    before = written()
    with pytest.raises(actions.AreaDecided):
        actions.decide_area(**asked, by=area.checker)
    with pytest.raises(actions.AreaUnclear):
        area.propose()
    assert written() == before


def test_what_is_turned_down_changes_no_value(area: Area) -> None:
    before = values(area)
    refused = decided(area.propose(), approve=False, note="指数口径不一致", by=area.checker, at=AT)
    assert (refused.is_applied, values(area)) == (False, before)
    assert not Entry.objects.filter(kind="collateral.revalued").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE collateral_arearevaluation SET checker = maker, decided_at = now()",
        "UPDATE collateral_arearevaluation SET change_percent = 0",
        "UPDATE collateral_arearevaluation SET is_applied = true",
        "INSERT INTO collateral_arearevaluation (district, change_percent, valued_on, source, maker, made_at, counts)"
        " SELECT district, change_percent, valued_on, source, maker, made_at, counts FROM collateral_arearevaluation",
    ],
)
def test_the_database_refuses_what_nobody_decided(area: Area, statement: str) -> None:
    area.propose()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AreaRevaluation.objects.get().decided_at is None
