"""Repricing by two at once, and killed half-way; each guard has a twin that shows what it is for."""

import os
import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection

from config.previews import preview_waiting
from loans.actions import open_ledger_month
from loans.actions.repricing import (
    RepricingConflict,
    RepricingRefused,
    ask_for_preview,
    cancel_repricing,
    decide_repricing,
    propose_repricing,
)
from loans.batch import bill, previews, reprice, reprice_cuts
from loans.batch import repricing as batch
from loans.models import BusinessDate, Pricing, RepricingItem, RepricingRun, Terms
from loans.sql import repricing as statements
from people.models import Staff
from tests import factories
from tests.database.test_day_end import exit_of, in_child
from tests.database.test_visit_races import at_once
from tests.factories import AT
from tests.loan_books import book

NEW_YEAR = date(2027, 1, 1)


def bank_of(loans: int) -> tuple[Staff, Staff]:
    """A book with other spreads than its rates show, so that each loan is repriced; a maker and a checker."""
    book(loans)
    Pricing.objects.filter(kind="LPR").update(spread_bp=-30)
    branch = factories.make_branch()
    return factories.make_staff("OPERATIONS", branch), factories.make_staff("RISK_MANAGER", branch)


def proposed(maker: Staff) -> RepricingRun:
    return propose_repricing(from_on=NEW_YEAR, to_on=NEW_YEAR, by=maker, at=AT)


def approved(loans: int) -> tuple[RepricingRun, Staff]:
    """An approved run on the evening of its day, everything billed."""
    maker, checker = bank_of(loans)
    run = proposed(maker)
    decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=run.content_sha256, by=checker, at=AT)
    open_ledger_month(NEW_YEAR)
    BusinessDate.objects.filter(is_open=True).update(day=NEW_YEAR)
    bill(as_of=NEW_YEAR, at=AT)
    return run, maker


def evening() -> dict[str, int]:
    return reprice(as_of=NEW_YEAR, at=AT)


def repriced_terms() -> list[tuple[Any, ...]]:
    rows = Terms.objects.order_by("loan_id", "version")
    return list(rows.values_list("loan_id", "version", "schedule_sha256", "source"))


def test_of_two_checkers_at_once_exactly_one_decides(fresh_bank: Any) -> None:
    maker, checker = bank_of(5)
    other = factories.make_staff("RISK_MANAGER", factories.make_branch())
    run = proposed(maker)

    def decides(by: Staff, approve: bool) -> Callable[[], Any]:
        return lambda: decide_repricing(
            run_id=run.pk, approve=approve, note="同意照此", content_sha256=run.content_sha256, by=by, at=AT
        )

    found = at_once(decides(checker, True), decides(other, False))
    assert sum(isinstance(each, RepricingConflict) for each in found) == 1
    assert sum(isinstance(each, RepricingRun) for each in found) == 1


def asked(maker: Staff) -> RepricingRun:
    return ask_for_preview(from_on=NEW_YEAR, to_on=NEW_YEAR, by=maker, at=AT)


def test_of_two_previews_at_once_one_takes_the_loans(fresh_bank: Any) -> None:
    maker, _checker = bank_of(12)
    found = at_once(lambda: proposed(maker), lambda: proposed(maker))
    assert sum(isinstance(each, RepricingRun) for each in found) == 1
    assert sum(isinstance(each, RepricingRefused | RepricingConflict) for each in found) == 1
    assert RepricingItem.objects.count() == RepricingItem.objects.values("loan_id").distinct().count() > 5


def test_of_two_who_ask_for_a_preview_at_once_one_is_told_to_wait(fresh_bank: Any) -> None:
    maker, _checker = bank_of(3)
    found = at_once(lambda: asked(maker), lambda: asked(maker))
    assert sorted(type(each).__name__ for each in found) == ["RepricingConflict", "RepricingRun"]
    assert RepricingRun.objects.count() == 1


def test_two_workers_at_once_preview_each_loan_once(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, _checker = bank_of(12)
    monkeypatch.setattr(previews, "CHUNK", 2)
    run = asked(maker)
    found = at_once(*[lambda: preview_waiting(at_clock=lambda: AT)] * 2)
    # Who finds the run taken leaves it to the other.
    preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    assert (found, run.state, run.previewed) == ([True, True], "PROPOSED", run.to_preview)
    assert RepricingItem.objects.count() == RepricingItem.objects.values("loan_id").distinct().count() == run.to_preview


def test_without_the_lock_only_the_database_stops_the_second_worker(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, _checker = bank_of(12)
    run, gate = asked(maker), threading.Barrier(2)

    def both_read(*given: Any) -> Any:
        found = list(outcomes(*given))
        gate.wait(30)
        return iter(found)

    outcomes = previews.outcomes
    monkeypatch.setattr(previews, "outcomes", both_read)
    monkeypatch.setattr(previews, "_taken", lambda run_id: RepricingRun.objects.get(pk=run_id))
    found = at_once(*[lambda: previews.preview_chunk(run_id=run.pk, at=AT)] * 2)
    assert sum(isinstance(each, DatabaseError) for each in found) == 1, found
    assert RepricingItem.objects.count() == RepricingItem.objects.values("loan_id").distinct().count()


def test_a_preview_stopped_while_a_worker_is_at_it_ends_stopped(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, _checker = bank_of(12)
    monkeypatch.setattr(previews, "CHUNK", 1)
    run = asked(maker)
    found = at_once(
        lambda: preview_waiting(at_clock=lambda: AT),
        lambda: cancel_repricing(run_id=run.pk, reason="等待下月公布", by=maker, at=AT),
    )
    assert [each for each in found if isinstance(each, Exception)] == []
    run.refresh_from_db()
    assert run.state == "CANCELLED" and not RepricingItem.objects.filter(state="PENDING").exists()


@pytest.mark.crash
def test_a_worker_killed_in_a_preview_costs_a_chunk_and_the_next_goes_on(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker, _checker = bank_of(12)
    monkeypatch.setattr(previews, "CHUNK", 5)
    run = asked(maker)

    def dies_in_the_second_chunk() -> None:
        compute, chunks = previews._computed, iter(range(100))

        def dying(*given: Any) -> Any:
            if next(chunks) == 1:
                os._exit(9)
            return compute(*given)

        previews._computed = dying  # the child's own copy
        preview_waiting(at_clock=lambda: AT)

    assert exit_of(in_child(dies_in_the_second_chunk)) == 9
    run.refresh_from_db()
    assert (run.state, run.previewed, RepricingItem.objects.count()) == ("PREVIEWING", 5, 5)
    assert preview_waiting(at_clock=lambda: AT)
    run.refresh_from_db()
    assert run.state == "PROPOSED" and run.previewed == RepricingItem.objects.count() == run.to_preview > 5


def test_two_evenings_at_once_reprice_each_loan_once(fresh_bank: Any) -> None:
    approved(20)
    found = at_once(evening, evening)
    assert sorted(each["repriced"] for each in found) == [0, RepricingItem.objects.filter(state="APPLIED").count()]
    assert Terms.objects.filter(source="REPRICING").count() == RepricingItem.objects.filter(state="APPLIED").count() > 5


def test_without_the_locks_only_the_database_stops_the_second_evening(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved(20)
    gate = threading.Barrier(2)

    def both_read(*given: Any) -> Any:
        found = list(outcomes(*given))
        gate.wait(30)
        return iter(found)

    outcomes = batch.outcomes
    monkeypatch.setattr(batch, "outcomes", both_read)
    for name, lock in (("LOCK_DUE", "FOR UPDATE"), ("HOLD_RUNS", "FOR SHARE")):
        statement = getattr(statements, name)
        assert lock in statement
        monkeypatch.setattr(statements, name, statement.replace(lock, ""))
    found = at_once(evening, evening)
    assert sum(isinstance(each, DatabaseError) for each in found) == 1, found


def test_a_run_stopped_while_the_evening_applies_it_is_either_of_both(fresh_bank: Any) -> None:
    run, maker = approved(20)
    found = at_once(evening, lambda: cancel_repricing(run_id=run.pk, reason="等待下月公布", by=maker, at=AT))
    items = {item.loan_id: item.state for item in RepricingItem.objects.filter(run=run)}
    faults = [type(each) for each in found if isinstance(each, Exception)]
    # Who comes after the evening is told that nothing is left to be taken back.
    assert faults == ([RepricingConflict] if set(items.values()) == {"APPLIED"} else []), found
    signed = set(Terms.objects.filter(source="REPRICING").values_list("loan_id", flat=True))
    assert signed == {loan_id for loan_id, state in items.items() if state == "APPLIED"}
    assert set(items.values()) in ({"APPLIED"}, {"HELD"})


@pytest.mark.crash
def test_killed_in_a_chunk_and_started_again_it_ends_as_if_undisturbed(
    fresh_bank: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _maker = approved(24)
    expected = {item.loan_id: item.schedule_sha256 for item in RepricingItem.objects.filter(run=run)}

    def dies_in_the_third_chunk() -> None:
        move, chunks = batch._move_positions, iter(range(100))

        def dying(chunk: Any) -> None:
            move(chunk)
            if next(chunks) == 2:
                os._exit(9)

        batch._move_positions = dying  # the child's own copy
        in_chunks(5)

    assert exit_of(in_child(dies_in_the_third_chunk)) == 9
    assert RepricingItem.objects.filter(run=run, state="APPLIED").count() == 10
    assert Terms.objects.filter(source="REPRICING").count() == 10
    in_chunks(7)
    assert not RepricingItem.objects.filter(run=run).exclude(state="APPLIED").exists()
    signed = Terms.objects.filter(source="REPRICING")
    assert dict(signed.values_list("loan_id", "schedule_sha256")) == expected
    assert signed.count() == len(expected)


def in_chunks(size: int) -> None:
    """As the day end cuts a stage."""
    ends = reprice_cuts(as_of=NEW_YEAR, size=size).ends
    for after, up_to in zip([0, *ends], [*ends, None], strict=True):
        reprice(as_of=NEW_YEAR, at=AT, after=after, up_to=up_to)


# ── The database is the last judge ───────────────────────────────────────────────────────────────


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE loans_repricingitem SET new_installment = new_installment + 1", "repricing_item_is_kept"),
        ("UPDATE loans_repricingitem SET new_rate_percent = 1", "repricing_item_is_kept"),
        ("DELETE FROM loans_repricingitem", "repricing_item_is_kept"),
        ("UPDATE loans_repricingitem SET state = 'APPLIED'", "applied_repricing_has_its_day"),
        (
            "INSERT INTO loans_repricingitem SELECT (jsonb_populate_record(i, jsonb_build_object('id', i.id + 1000000, "
            "'effective_on', '2027-07-01'))).* FROM loans_repricingitem i",
            "one_pending_repricing_a_loan",
        ),
        (
            "INSERT INTO loans_repricingitem SELECT (jsonb_populate_record(i, jsonb_build_object('id', i.id + 1000000, "
            "'state', 'HELD'))).* FROM loans_repricingitem i",
            "repriced_once_a_run",
        ),
        ("UPDATE loans_repricingrun SET content_sha256 = repeat('0', 64)", "repricing_run_is_kept"),
        ("UPDATE loans_repricingrun SET to_on = to_on + 30", "repricing_run_is_kept"),
        ("DELETE FROM loans_repricingrun", "repricing_run_is_kept"),
        (
            "UPDATE loans_repricingrun SET state = 'APPROVED', decided_by_id = proposed_by_id, decided_at = now()",
            "repricing_maker_is_not_checker",
        ),
        ("UPDATE loans_repricingrun SET state = 'APPROVED'", "decided_repricing_has_its_checker"),
        ("UPDATE loans_repricingrun SET state = 'PREVIEWING', to_preview = 0", "repricing_run_is_kept"),
        (
            "INSERT INTO loans_repricingrun (from_on, to_on, state, totals, content_sha256, proposed_by_id, "
            "proposed_at, decision_note) SELECT from_on, to_on, 'PROPOSED', '{}', '', proposed_by_id, proposed_at, '' "
            "FROM loans_repricingrun",
            "proposed_repricing_was_previewed",
        ),
        (
            "INSERT INTO loans_repricingrun (from_on, to_on, state, totals, content_sha256, proposed_by_id, "
            "proposed_at, decision_note) SELECT from_on, to_on, 'FAILED', '{}', '', proposed_by_id, proposed_at, '' "
            "FROM loans_repricingrun",
            "failed_repricing_says_why",
        ),
        (
            "INSERT INTO loans_repricingrun (from_on, to_on, state, totals, content_sha256, proposed_by_id, "
            "proposed_at, decision_note) SELECT from_on, to_on, 'PREVIEWING', '{}', '', proposed_by_id, proposed_at, "
            "'' FROM loans_repricingrun, generate_series(1, 2)",
            "one_repricing_preview_at_a_time",
        ),
        (
            "INSERT INTO loans_pricing (loan_id, in_force, kind, tenor, spread_bp, cycle_months, anchor, source) "
            "SELECT loan_id, '[2026-12-01,)', kind, tenor, spread_bp, cycle_months, anchor, '' FROM loans_pricing",
            "pricing_one_at_a_time",
        ),
        ("UPDATE loans_pricing SET cycle_months = 4", "pricing_is_complete"),
        ("UPDATE loans_pricing SET spread_bp = 2001", "spread_within_limits"),
    ],
)
def test_the_database_refuses_by_itself(statement: str, constraint: str) -> None:
    maker, _checker = bank_of(0)
    factories.book_loan()
    proposed(maker)
    with pytest.raises(DatabaseError) as refused, connection.cursor() as cursor:
        cursor.execute(statement)
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


@pytest.mark.django_db
def test_a_decided_run_is_decided_once_also_by_hand() -> None:
    maker, checker = bank_of(0)
    factories.book_loan()
    run = proposed(maker)
    decide_repricing(run_id=run.pk, approve=False, note="利率有误", content_sha256="", by=checker, at=AT)
    with pytest.raises(DatabaseError) as refused, connection.cursor() as cursor:
        cursor.execute("UPDATE loans_repricingrun SET state = 'APPROVED' WHERE id = %s", [run.pk])
    assert refused.value.__cause__.diag.constraint_name == "repricing_run_is_kept"  # type: ignore[union-attr]
