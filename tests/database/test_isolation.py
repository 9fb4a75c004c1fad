"""A loan that cannot be worked on does not stop a night: it is set aside with its reason and tried again by itself."""

from datetime import date, timedelta
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError

from config import day_end
from config.isolation import run_isolated
from followups.batch import planning as followups_batch
from followups.models import VisitTask
from journal.models import HeldBack, Run
from loans.models import Loan
from tests.database.test_day_end import FIRST, clock, run
from tests.loan_books import book

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 1)


def failing(bad: set[int], seen: list[int]) -> Any:
    """Work that writes a mark per loan and fails after writing when it meets a bad one."""

    def work(*, as_of: date, after: int, up_to: int | None) -> dict[str, int]:
        ids = [pk for pk in range(1, 41) if pk > after and (up_to is None or pk <= up_to)]
        for pk in ids:
            HeldBack.objects.create(stage="mark", subject_id=pk, reason="seen", since=as_of)
        if bad & set(ids):
            raise ValueError("this loan's terms are torn\nDETAIL: never shown")
        seen.extend(ids)
        return {"done": len(ids)}

    return work


@pytest.fixture
def forty() -> list[int]:
    book(1)
    return list(range(1, 41))


@pytest.mark.parametrize("bad", [{1}, {40}, {7, 8}, {1, 20, 39}])
@pytest.mark.parametrize("up_to", [40, None])
def test_only_the_bad_loans_are_set_aside(
    bad: set[int], up_to: int | None, forty: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.isolation._last_loan", lambda: 40)
    seen: list[int] = []
    counts = run_isolated(failing(bad, seen), stage="try", as_of=DAY, scope={}, after=0, up_to=up_to)
    assert counts == {"done": 40 - len(bad), "held_back": len(bad)}
    assert sorted(seen) == [pk for pk in forty if pk not in bad]
    held = HeldBack.objects.filter(stage="try")
    assert set(held.values_list("subject_id", flat=True)) == bad
    assert {each.reason for each in held} == {"ValueError: this loan's terms are torn"}
    assert HeldBack.objects.filter(stage="mark").count() == 40 - len(bad), "what a bad loan half wrote is gone"
    again = run_isolated(failing(set(), []), stage="try2", as_of=DAY, scope={}, after=40, up_to=80)
    assert again == {"done": 0}


def test_loans_found_already_are_handed_on_and_narrowed_down(forty: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.isolation._last_loan", lambda: 40)
    asked: list[list[int]] = []

    def work(*, as_of: date, after: int, up_to: int | None, found: list[int]) -> dict[str, int]:
        asked.append(found)
        if 21 in found:
            raise ValueError("torn")
        return {"done": len(found)}

    counts = run_isolated(work, stage="try", as_of=DAY, scope={}, after=0, up_to=None, found=[3, 20, 21, 39])
    assert counts == {"done": 3, "held_back": 1}
    assert asked[0] == [3, 20, 21, 39] and [21] in asked
    assert HeldBack.objects.get(stage="try").subject_id == 21


def test_a_held_loan_that_goes_through_is_let_go(forty: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.isolation._last_loan", lambda: 40)
    for bad, left in (({3, 9}, {3, 9}), ({9}, {9}), (set(), set())):
        HeldBack.objects.filter(stage="mark").delete()
        run_isolated(failing(bad, []), stage="try", as_of=DAY, scope={}, after=0, up_to=None)
        assert set(HeldBack.objects.filter(stage="try").values_list("subject_id", flat=True)) == left


def test_a_fault_of_the_database_is_no_loans_fault(forty: list[int]) -> None:
    def work(**_scope: Any) -> dict[str, int]:
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        run_isolated(work, stage="try", as_of=DAY, scope={}, after=0, up_to=None)
    assert not HeldBack.objects.exists()


def test_a_night_goes_on_without_the_loan_that_cannot_be_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    book(12)
    bad = Loan.objects.order_by("id")[5].pk
    decide = followups_batch.decide

    def torn(facts: Any, *more: Any, **named: Any) -> Any:
        if facts.loan_id == bad:
            raise ArithmeticError("no cycle")
        return decide(facts, *more, **named)

    monkeypatch.setattr(followups_batch, "decide", torn)
    assert run(FIRST) == [FIRST]
    assert HeldBack.objects.get().subject_id == bad
    assert Run.objects.get(business_date=FIRST, stage="replan").counts["held_back"] == 1
    planned = set(VisitTask.objects.values_list("loan_id", flat=True))
    assert planned == set(Loan.objects.exclude(pk=bad).values_list("pk", flat=True))
    monkeypatch.setattr(followups_batch, "decide", decide)
    day_end.run(through=FIRST + timedelta(days=1), at_clock=clock)
    assert not HeldBack.objects.exists()
    assert VisitTask.objects.filter(loan_id=bad).exists(), "it was tried again by itself"


def test_a_server_that_is_gone_without_a_code_holds_nobody_back(forty: list[int]) -> None:
    def work(*, as_of: date, after: int, up_to: int | None) -> dict[str, int]:
        raise DatabaseError("server closed the connection unexpectedly") from psycopg2.DatabaseError("server closed")

    with pytest.raises(DatabaseError):
        run_isolated(work, stage="gone", as_of=DAY, scope={}, after=0, up_to=None)
    assert not HeldBack.objects.filter(stage="gone").exists()
