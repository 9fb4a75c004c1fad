"""Two months of a small bank under watch: every claim, every day; a broken claim is seen; the same seed, the same bank.

`script/simulate` lives the whole year of the whole book; here a sample of it, in which more happens, is lived.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from followups.models import TaskEvent
from followups.queries.capacity import Capacity
from tests.crash.ground import Ground
from tests.simulation import years
from tests.simulation.bank import FIRST, Size
from tests.simulation.life import Rates
from tests.simulation.watch import CLAIMS, Watch
from tests.tapes import BOOK

SEED = 7
SMALL = Size(loans=110, branches=2, officers=2, ceiling=2)
BUSY = Rates(told=600, fed=300, new=500, settled=200, falls=60)
DAYS = 62

pytestmark = [
    pytest.mark.crash,
    pytest.mark.xdist_group("simulation"),
    pytest.mark.skipif(not BOOK.exists(), reason=f"the real loan book is not there: {BOOK}"),
]


@pytest.fixture(scope="module")
def born(ground: Ground) -> str:
    """A bank on the evening before its first day."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with ground.trial(ground.empty, "simulated"):
        assert years.born(SMALL, SEED) == SMALL.loans
        return ground.copy_here("born")


# S1.11 S1.13 S2.6 S2.8 S2.13
def test_two_months_leave_every_claim_true(ground: Ground, born: str) -> None:
    with ground.trial(born, "year"):
        year = years.lived(SMALL, SEED, DAYS, loans=SMALL.loans, every=1, rates=BUSY)
        levelled = TaskEvent.objects.filter(kind="LEVELLED").count()
    assert year.watch.faults == [] and year.broken == []
    done = {**year.office.done, **year.figures, "levelled": levelled}
    for name in (
        "told",
        "fed",
        "disbursed",
        "settled",
        "leaves",
        "approved",
        "returned",
        "homes that fell",
        "levelled",
    ):
        assert done[name] > 0, (name, done, year.office.refused)
    for name in (
        *CLAIMS, "replan twice is once", "answer_events twice is once", "share_out twice is once",
        "graded twice is graded once", "weeks beyond the ceiling, shown", "tasks at a deputy",
        "leaves that gave everything back", "steps of limits, told",
    ):  # fmt: skip
        assert year.watch.seen[name] > 0, (name, year.watch.seen)


def test_the_same_seed_lives_the_same_days(ground: Ground, born: str) -> None:
    states = []
    for seed in (SEED, SEED, SEED + 1):
        with ground.trial(born, "twice"):
            states.append(years.lived(SMALL, seed, 5, loans=SMALL.loans, every=9, rates=BUSY).state)
    assert states[0] == states[1] != states[2]


# The first evening looks at the whole book itself; this one is noticed on the second.
OVERLOOKED = "a look at every loan finds"
BROKEN = (
    ("every loan has a next", "UPDATE followups_visittask SET state = 'CANCELLED', closed_on = due_on, "
     "outcome = 'MERGED' WHERE id = (SELECT min(id) FROM followups_visittask WHERE kind = 'PERIODIC')"),
    ("no first follow-up", "UPDATE followups_visittask SET due_on = due_on + 91 WHERE kind = 'FIRST'"),
    ("a young loan has", "UPDATE followups_visittask SET rule = 'FIRST_95' WHERE rule = 'FIRST_90'"),
    ("a step of arrears", "UPDATE followups_visittask SET rule = 'OVERDUE_1' WHERE rule = 'OVERDUE_91'"),
    ("nothing untouched", "UPDATE loans_position SET settled_on = '2026-11-01' "
     "WHERE loan_id = (SELECT min(loan_id) FROM loans_position)"),
    ("reached LIMIT", "UPDATE followups_visittask SET opens_on = opens_on - 60, due_on = '2026-11-01', created_on = "
     "created_on - 60 WHERE method <> 'OFF_SITE' AND NOT is_light"),
    (OVERLOOKED, "UPDATE followups_visittask SET due_on = due_on + 200 "
     "WHERE kind = 'PERIODIC' AND state = 'PLANNED' AND closed_on IS NULL"),
    ("overlooked a grade", "UPDATE risk_grade SET level = 'LOW' WHERE level = 'HIGH' AND superseded_on IS NULL"),
    ("beyond the ceiling", ""),
)  # fmt: skip


@pytest.mark.parametrize(("claim", "statement"), BROKEN, ids=[claim for claim, _statement in BROKEN])
def test_a_broken_claim_is_seen(ground: Ground, born: str, claim: str, statement: str, monkeypatch: Any) -> None:
    with ground.trial(born, "broken"):
        days = 2 if claim == OVERLOOKED else 1
        year = years.lived(SMALL, SEED, days, loans=SMALL.loans, every=1)
        assert year.watch.faults == []
        watch = Watch(every=1)
        if statement:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                assert cursor.rowcount > 0
        else:
            monkeypatch.setattr("tests.simulation.watch.capacity", lambda *_asked: Capacity([], 0, [], []))
        watch.evening(FIRST + timedelta(days=days - 1))
    assert any(claim in fault for fault in watch.faults), watch.faults
