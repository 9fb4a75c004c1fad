"""C2 of follow-ups: evenings that answer events, give out and level visits and tell what runs late, killed at random.

The bank has officers, homes and a low weekly ceiling, so that every stage of follow-ups has something to do. Each
morning officers and a feed tell events, homes fall in value; what that wakes is answered by a
worker that dies on its way, or is left to the evening. What stands after each evening must be what stands when nobody
is disturbed: no follow-up, event, answer or notice lost, none there twice.
"""

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Count

from collateral.models import Charge, Property, Valuation
from config import receipts_made
from followups.actions.events import FeedRow, record_event, take_feed
from followups.batch import install_default_policy
from followups.batch.answering import answer_events
from followups.models import Event, EventVisit, Notice, TaskEvent, VisitTask
from journal.actions import record
from loans.actions import ReceiptRow, post_receipts
from loans.models import Loan, Parameter
from loans.rules.money import parse_amount
from people.models import Staff
from tests.crash.books import FIRST, SEED, clock, close, run_pending_now, undisturbed
from tests.crash.ground import Ground
from tests.crash.killing import disturbed
from tests.crash.processes import exit_of, fork, is_alive, kill
from tests.crash.tally import Tally
from tests.factories import AT, book_loan, make_branch, make_staff

LOANS, CHUNK = 48, 6
_TOLD = ("INCOME_DOWN", "JOB_LOSS", "ILLNESS", "LET", "SEIZED", "DEATH", "NEW_DEBT")
_ARREARS = (0, 0, 0, 0, 0, 0, 2, 6, 28, 29, 88, 200)


def bank(ground: Ground, days: int) -> str:
    """A bank of officers, its borrowers' money for so many days handed in; the name of its database."""
    dice = random.Random(SEED)
    with ground.trial(ground.empty, "making"):
        install_default_policy(at=AT)
        Parameter.objects.filter(code="visit_week_ceiling").update(value=2)
        root = None
        for _each in range(2):
            branch = make_branch()
            root = branch.parent
            officers = [make_staff("LOAN_OFFICER", branch, name) for name in ("甲", "乙", "丙")]
            make_staff("BRANCH_MANAGER", branch, "丁")
            for _loan in range(LOANS // 2):
                disbursed_on = FIRST - timedelta(days=dice.choice((20, 45, 70, 400, 1500, 3000)))
                late = dice.choice(_ARREARS) if disbursed_on.year < FIRST.year else 0
                book_loan(
                    branch, dice.choice([*officers, None]), disbursed_on=disbursed_on, due_day=dice.randint(1, 28),
                    days_past_due=late, credit_score=dice.randint(560, 820),
                    appraised_value=Decimal(dice.randint(85, 200) * 10_000),
                )  # fmt: skip
        assert root is not None
        make_staff("OPERATIONS", root, "戊")
        told = receipts_made.make_receipts(open_day=FIRST, through=FIRST + timedelta(days=days), seed=SEED)
        rows = [ReceiptRow(one.loan, parse_amount(one.amount), one.value_on, one.channel, one.serial) for one in told]
        post_receipts(rows=rows, by="system", at=AT)
        run_pending_now()
        return ground.copy_here(f"following{days}")


def run(ground: Ground, trials: int, tally: Tally, *, seed: int) -> Tally:
    days = [FIRST + timedelta(days=number) for number in range(trials)]
    dice = random.Random(seed)
    template = bank(ground, trials)
    expected = undisturbed(ground, template, days, chunk=CHUNK, watch=_morning, then=_answer_now)
    inside = 0
    with ground.trial(template, "following"):
        for day in days:
            trial = f"seed {seed} {day}"
            _morning(day, lambda: _killed(dice, tally))
            inside += disturbed(day, CHUNK, dice, tally, trial)
            # What an evening warns of is told by the next beat.
            _answer_now()
            tally.after(trial, expected[day])
        tally.notes |= _seen()
    tally.notes |= {"loans": LOANS, "kills inside an evening": inside}
    return tally


def _seen() -> dict[str, int]:
    """That something happened at all."""
    levelled = TaskEvent.objects.filter(kind="LEVELLED").count()
    found = {"tasks": VisitTask, "events": Event, "answers": EventVisit, "notices": Notice}
    return {name: table.objects.count() for name, table in found.items()} | {"levelled": levelled}


def _answer_now() -> None:
    run_pending_now()


def _killed(dice: random.Random, tally: Tally) -> None:
    """A worker that answers what the morning woke dies somewhere; the next one goes on."""
    child = fork(_answer_now, quiet=True)
    time.sleep(dice.uniform(0.0, 0.08))
    if is_alive(child):
        kill(child)
        tally.crashes += 1
    _answer_now()


def _morning(day: date, answer: Callable[[], None] = _answer_now) -> None:
    """What people, a feed and the market tell; every other day it is answered at once, or begun to be."""
    dice = random.Random(f"{SEED}/{day}")
    at = clock()
    owed = list(Loan.objects.filter(position__settled_on__isnull=True).order_by("id"))
    by_branch = {one.branch_id: one for one in Staff.objects.filter(roles__code="LOAN_OFFICER").order_by("-id")}
    for loan in dice.sample(owed, 2):
        record_event(
            loan_id=loan.pk, code=dice.choice(_TOLD), happened_on=day, words="客户来电告知",
            by=by_branch[loan.branch_id], at=at,
        )  # fmt: skip
    fed = dice.choice(owed)
    row = FeedRow(1, {}, external_id=f"R{day}", loan=fed.loan_note_no, code="SUED", happened_on=day)
    take_feed(feed="COURT", rows=[row], by=Staff.objects.get(roles__code="OPERATIONS"), at=at, is_preview=False)
    if day.day % 3 == 0:
        for loan in dice.sample(owed, 6):
            _falls(loan, day, at)
    if day.day % 2:
        answer()


def _falls(loan: Loan, day: date, at: Any) -> None:
    charge = Charge.objects.select_related("property").get(loan=loan)
    value = (charge.property.value * 85 / 100).quantize(Decimal("0.01"))
    Valuation.objects.create(property=charge.property, value=value, valued_on=day, source="index")
    Property.objects.filter(pk=charge.property_id).update(value=value, valued_on=day)
    record(
        kind="collateral.revalued", subject_type="property", subject_id=charge.property_id, loan_id=loan.pk,
        by="system", at=at, business_date=day, data={},
    )  # fmt: skip


def at_once(ground: Ground, trials: int, tally: Tally) -> Tally:
    """Two answer the same morning's events at once: each event has one answer, and nobody ends badly."""
    template = bank(ground, trials)
    with ground.trial(template, "at_once"):
        loans = list(Loan.objects.order_by("id").values_list("pk", flat=True))
        for day in (FIRST + timedelta(days=number) for number in range(trials)):
            _morning(day, lambda: None)
            ended = [
                exit_of(child) for child in [fork(partial(_answer_all, day, loans), quiet=True) for _n in range(2)]
            ]
            tally.trials += 1
            if ended != [0, 0]:
                tally.hang(f"{day}", f"who answered ended with {ended}")
            answered = Event.objects.filter(known_on=day, is_baseline=False).annotate(answers=Count("visits"))
            for event in answered.exclude(answers=1):
                tally.miss(f"{day}", f"event {event.code} has {event.answers} answers", event.answers - 1)
            close(day, CHUNK)
            tally.look(f"{day}")
    return tally


def _answer_all(day: date, loans: list[int]) -> None:
    answer_events(as_of=day, at=clock(), loan_ids=loans)
