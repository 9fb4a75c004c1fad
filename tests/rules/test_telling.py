"""Whether and by when a customer is told a result, and what a customer hears of where a visit stands (S2.2)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from followups.rules import clock, telling
from followups.rules import customer_status as status
from followups.rules.turn_around import Counted
from loans.rules.calendar import Calendar

MONDAY = date(2026, 11, 2)
PLAIN = Calendar()
TERMS = telling.terms_from({})


def reasons(**given: object) -> list[str]:
    asked = {"method": "PHONE", "subject": "LOAN", "conclusion": "NO_CONCERN", "requests": 0, "terms": TERMS, **given}
    return telling.reasons(**asked)  # type: ignore[arg-type]


# S2.2
def test_a_result_is_told_where_there_is_something_to_say() -> None:
    assert reasons() == [] and reasons(conclusion="WATCH") == ["FINDINGS"]
    assert reasons(conclusion="AT_RISK", requests=2) == ["FINDINGS", "REQUEST"] and reasons(requests=1) == ["REQUEST"]
    assert reasons(method="OFF_SITE", conclusion="WATCH") == reasons(subject="PROJECT", requests=1) == []
    every = telling.terms_from({"every": True, "workdays": {"9": 8}})
    assert reasons(terms=every) == ["EVERY"] and reasons(terms=every, requests=1) == ["REQUEST"]
    days = [telling.tell_by(MONDAY, level, every, PLAIN) for level in (1, 2, 3, 9)]
    assert days == [date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 5), date(2026, 11, 12)]


def test_the_clock_runs_from_the_approval_to_the_telling_and_again_after_a_correction() -> None:
    days = (("PLANNED", 2), ("STARTED", 2), ("SUBMITTED", 3), ("APPROVED", 4), ("CLOSED", 4), ("TO_TELL", 4))
    told = (*days, ("TOLD", 9), ("TOLD_UNDONE", 10), ("TOLD", 12))
    at = datetime(2026, 11, 2, tzinfo=UTC)
    found = clock.steps([Counted(kind, at, date(2026, 11, day), {}) for kind, day in told], PLAIN)
    assert [(step.code, step.workdays) for step in found if step.code == clock.TELLING] == [
        ("TELLING", 3),
        ("TELLING", 2),
    ]
    running = clock.steps([Counted(kind, at, date(2026, 11, day), {}) for kind, day in days], PLAIN, until=MONDAY)
    assert running[-1].code == clock.TELLING and running[-1].to_at is None


FACTS = status.Facts(
    kind="PERIODIC", method="PHONE", subject="LOAN", state="PLANNED", outcome="", is_light=False, is_own=False,
    is_contacted=False, due_on=date(2026, 11, 20), created_on=MONDAY,
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "stage", "day"),
    [
        ({}, "ARRANGED", date(2026, 11, 20)),
        ({"state": "IN_PROGRESS"}, "TALKING", date(2026, 11, 20)),
        ({"state": "SUBMITTED", "is_contacted": True, "submitted_on": MONDAY, "decide_by": date(2026, 11, 4)},
         "CHECKING", date(2026, 11, 11)),
        ({"state": "RETURNED", "is_contacted": True, "submitted_on": MONDAY, "decide_by": None},
         "CHECKING", date(2026, 11, 9)),
        ({"state": "CLOSED", "outcome": "APPROVED", "closed_on": MONDAY, "tell_by": date(2026, 11, 6)},
         "DECIDED", date(2026, 11, 6)),
        ({"state": "CLOSED", "outcome": "APPROVED", "closed_on": MONDAY, "tell_by": MONDAY, "told_on": MONDAY},
         "TOLD", None),
        ({"state": "CLOSED", "outcome": "APPROVED", "closed_on": MONDAY}, "DONE", None),
        ({"state": "CLOSED", "outcome": "SUSPECTED_LOST", "closed_on": MONDAY}, "UNREACHED", None),
    ],
)  # fmt: skip
def test_each_stage_in_the_customers_words(given: dict[str, object], stage: str, day: date | None) -> None:
    found = status.status(replace(FACTS, **given), MONDAY, 5, PLAIN)  # type: ignore[arg-type]
    assert found is not None and (found.stage, found.expected_on, found.is_late) == (stage, day, False)
    late = status.status(replace(FACTS, **given), date(2027, 1, 4), 5, PLAIN)  # type: ignore[arg-type]
    assert late is not None and late.is_late == (day is not None)


def test_what_the_bank_looks_into_by_itself_is_not_told() -> None:
    hidden = (
        {"is_light": True}, {"subject": "PROJECT"}, {"state": "CANCELLED"}, {"method": "OFF_SITE"},
        {"kind": "IRREGULAR"},
    )  # fmt: skip
    assert all(status.status(replace(FACTS, **one), MONDAY, 5, PLAIN) is None for one in hidden)  # type: ignore[arg-type]
    for shown in ({"is_own": True}, {"is_contacted": True}):
        assert status.status(replace(FACTS, kind="IRREGULAR", **shown), MONDAY, 5, PLAIN) is not None  # type: ignore[arg-type]
