"""C10, approvals: people decide while days are made up; each decision stands once, and as if it had waited its turn.

Contract changes are proposed, decided and signed, refunds proposed and decided, receipts reversed, visit reports
approved; by two persons at once who each ask twice. They are killed and start again, and so does the run that makes up
the days. The dates on which decisions came are read from the journal, and the same is done in a row without
disturbance: each loan must be as where its decision came before the evening of that date, or right after it.
"""

import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from unittest.mock import patch

from django.db import OperationalError, connection

from config import day_end
from followups import actions as follow_ups
from followups import batch as follow_up_batch
from followups import report_pdf
from followups.models import ReportState, VisitReport, VisitTask
from journal.errors import ActionRefused
from journal.models import Entry
from loans.actions import ReceiptRow, post_receipts, reverse_receipt
from loans.actions.changes import decide_change, propose_change, sign_change
from loans.actions.refunds import decide_refund, propose_refund
from loans.models import ContractChange, Loan, Receipt, Refund
from people.models import Staff
from risk.batch import regrade
from tests.crash.beside import loans_as_they_are
from tests.crash.books import FIRST, clock, close, plain, run_pending_now, today
from tests.crash.ground import Ground
from tests.crash.processes import PATIENCE, exit_of, fork, wait_for
from tests.crash.tally import Tally, stuck
from tests.database.test_visits import filled
from tests.factories import AT, book_loan, make_branch, make_staff

LOANS, CHUNK = 12, 5
# Days from the proposal of a change to its effect; days after the last decision until everything has taken effect.
AHEAD, SETTLES = 4, 6
# What was decided of a loan: changes, refunds, reports, facts told by people; and its accounts.
_DECIDED = """
SELECT l.id, md5(concat_ws('|',
  (SELECT string_agg(concat_ws(' ', c.kind, c.state, c.effective_on, c.principal, c.interest, c.charges), ','
                     ORDER BY c.id) FROM loans_contractchange c WHERE c.loan_id = l.id),
  (SELECT string_agg(concat_ws(' ', r.state, r.amount), ',' ORDER BY r.id) FROM loans_refund r WHERE r.loan_id = l.id),
  (SELECT string_agg(concat_ws(' ', v.version, v.state, v.pdf_id IS NOT NULL, t.state), ',' ORDER BY v.id)
   FROM followups_visitreport v JOIN followups_visit w ON w.id = v.visit_id
   JOIN followups_visittask t ON t.id = w.task_id WHERE t.loan_id = l.id),
  (SELECT string_agg(concat_ws(' ', a.account, a.total), ',' ORDER BY a.account) FROM
   (SELECT account, sum(amount) AS total FROM loans_ledger_line WHERE loan_id = l.id GROUP BY account) a),
  (SELECT string_agg(concat_ws(' ', e.kind, e.times), ',' ORDER BY e.kind) FROM
   (SELECT kind, count(*) AS times FROM journal_entry WHERE loan_id = l.id AND kind = ANY(%s) GROUP BY kind) e)))
FROM loans_loan l
"""


@dataclass(frozen=True)
class Item:
    """Something to be decided on a loan from a day on."""

    kind: str
    loan_id: int
    day: date


@dataclass(frozen=True)
class Who:
    """Makers and checkers."""

    officer: Staff
    manager: Staff
    risk: Staff
    maker: Staff
    checker: Staff


Did = Callable[[int, Who, date], object]


def _propose_change(loan_id: int, who: Who, effective_on: date) -> object:
    asked = {"amount": "50000.00", "effect": "SHORTEN_TERM", "effective_on": str(effective_on)}
    return propose_change(loan_id=loan_id, kind="PREPAYMENT", asked=asked, reason="客户申请办理", evidence=None,
                          by=who.officer, at=clock())  # fmt: skip


def _decide_change(loan_id: int, who: Who, _day: date) -> object:
    change = ContractChange.objects.get(loan_id=loan_id)
    return decide_change(change_id=change.pk, approve=True, note="", version=1, by=who.risk, at=clock())


def _sign_change(loan_id: int, who: Who, _day: date) -> object:
    change = ContractChange.objects.get(loan_id=loan_id)
    return sign_change(change_id=change.pk, note="柜面签署补充协议", version=2, by=who.officer, at=clock())


def _propose_refund(loan_id: int, who: Who, _day: date) -> object:
    return propose_refund(loan_id=loan_id, amount=Decimal("1000.00"), reason="客户多还，申请退回", by=who.maker,
                          at=clock())  # fmt: skip


def _decide_refund(loan_id: int, who: Who, _day: date) -> object:
    refund = Refund.objects.get(loan_id=loan_id)
    return decide_refund(refund_id=refund.pk, approve=True, note="", by=who.checker, at=clock())


def _reverse(loan_id: int, who: Who, _day: date) -> object:
    receipt = Receipt.objects.get(serial=f"second{loan_id}")
    return reverse_receipt(receipt_id=receipt.pk, reason="渠道重复划款", by=who.maker, at=clock())


def _approve(loan_id: int, who: Who, _day: date) -> object:
    report = VisitReport.objects.get(visit__task__loan_id=loan_id)
    return follow_ups.approve_report(
        report_id=report.pk, content_sha256=report.content_sha256, by=who.manager, at=clock()
    )


# By kind, the facts that its steps record, in order; a step that makes what the next ones decide is one person's.
STEPS: dict[str, dict[str, Did]] = {
    "change": {
        "loans.change_proposed": _propose_change, "loans.change_approved": _decide_change,
        "loans.change_signed": _sign_change,
    },
    "refund": {"loans.refund_proposed": _propose_refund, "loans.refund_approved": _decide_refund},
    "reversal": {"loans.receipt_reversed": _reverse},
    "report": {"followups.report_approved": _approve},
}  # fmt: skip
_ALL = {fact: step for steps in STEPS.values() for fact, step in steps.items()}
KINDS = tuple(STEPS)


def lags(trials: int) -> list[tuple[int, int]]:
    """(days, decisions): ten days in the gate; in full runs forty at a time, and four hundred at the end."""
    if trials < 30:
        return [(10, trials)]
    rows, more = divmod(trials, 20)
    return [*[(40, 20)] * (rows - 1), (400, 20 + more)]


def run(ground: Ground, trials: int, tally: Tally, *, seed: int, kinds: Sequence[str] = KINDS) -> Tally:
    """Each decision is a trial. The typesetter works in threads, which a forked process is without."""
    with patch.object(report_pdf, "render", lambda document, template: b"%PDF-1.7 " + repr(document).encode()):
        return _rows(ground, lags(trials), tally, seed, kinds)


def _rows(ground: Ground, rows: list[tuple[int, int]], tally: Tally, seed: int, kinds: Sequence[str]) -> Tally:
    dice = random.Random(seed)
    for number, (days, count) in enumerate(rows):
        last = FIRST + timedelta(days=days - 1)
        with ground.trial(plain(ground, LOANS + number, min(days, 60)), "decide"):
            who, items = _to_decide(count, days, kinds)
            bank = ground.copy_here("undecided")
        trial = f"seed {seed} {days} days, {count} decisions"
        with ground.trial(bank, "decided"):
            _catch_up(trial, items, who, last, dice, tally)
            told = _told()
            found = _settled(last)
            _once(trial, items, told, tally)
            if left := stuck():
                tally.hang(trial, f"left open: {left}")
            tally.look(trial)
        turns = [_in_turn(ground, bank, who, told, last, later=later) for later in (False, True)]
        wrong = [loan for loan, as_it_is in found.items() if as_it_is not in [turn[loan] for turn in turns]]
        tally.trials += count
        tally.judge(f"{trial}: loans {wrong[:5]}", {}, {"loans": (0, 1)} if wrong else {})
        while_open = sum(day <= last for _fact, _loan, day, _effect in told)
        tally.notes[f"{days} days: steps on their way, and on how many dates"] = (while_open, len({t[2] for t in told}))
    return tally


def _to_decide(count: int, days: int, kinds: Sequence[str]) -> tuple[Who, list[Item]]:
    """People, and loans with something to decide on days that are apart from the 20th, when they are billed."""
    branch = make_branch()
    who = Who(*(make_staff(role, branch) for role in
                ("LOAN_OFFICER", "BRANCH_MANAGER", "RISK_MANAGER", "OPERATIONS", "OPERATIONS")))  # fmt: skip
    free = [day for day in (FIRST + timedelta(days=n) for n in range(days)) if not 20 - AHEAD - 3 < day.day < 23]
    items = []
    for number in range(count):
        kind, day = kinds[number % len(kinds)], free[number * len(free) // count]
        overdue = 12 if kind == "report" else 0
        loan = book_loan(branch, officer=who.officer, days_past_due=overdue, credit_score=640)
        _report_on(loan, who) if kind == "report" else _pay_ahead(loan)
        items.append(Item(kind, loan.pk, day))
    run_pending_now()
    return who, items


def _pay_ahead(loan: Loan) -> None:
    """What is in suspense pays every installment to come, a refund and a prepayment."""
    rows = [ReceiptRow(loan.loan_note_no, Decimal(amount), FIRST, "CORE", f"{word}{loan.pk}")
            for word, amount in (("first", "200000.00"), ("second", "500.00"))]  # fmt: skip
    post_receipts(rows=rows, by="system", at=AT)


def _report_on(loan: Loan, who: Who) -> None:
    """A report that waits for its reviewer."""
    regrade(as_of=FIRST, at=AT, loan_ids=[loan.pk])
    follow_up_batch.replan(as_of=FIRST, at=AT, loan_ids=[loan.pk])
    task = VisitTask.objects.filter(loan=loan, is_light=False, method__in=("PHONE", "FIELD")).order_by("-method")[0]
    visit = follow_ups.start_visit(task_id=task.pk, by=who.officer, at=AT)
    draft = filled(visit, conclusion_text="客户按约还款，经营与家庭情况如常，无需另行处理。")
    follow_ups.submit_visit(task_id=task.pk, version=visit.version, draft=draft, by=who.officer, at=AT)


def _catch_up(trial: str, items: list[Item], who: Who, last: date, dice: random.Random, tally: Tally) -> None:
    """Until the dates are closed and everything is decided, whoever dies meanwhile."""
    days = (last - FIRST).days + 1
    kills, limit = (dice.randint(2, 5) if days < 100 else 40), time.monotonic() + PATIENCE + days
    while today() <= last:
        people = [fork(partial(_decide, items, who, proposes=first)) for first in (True, False)]
        runner = fork(partial(_run, last))
        if kills:
            kills -= 1
            time.sleep(dice.uniform(0.05, 0.6))
            for child in dice.sample([*people, runner], dice.randint(1, 3)):
                os.kill(child, signal.SIGKILL)
        else:
            wait_for(lambda: today() > last, PATIENCE + days)
        for child in (*people, runner):
            os.kill(child, signal.SIGKILL)
            ended = exit_of(child)
            tally.crashes += ended == -signal.SIGKILL
            if ended == 1:
                tally.hang(trial, "somebody's work ended badly")
        if time.monotonic() > limit:
            tally.hang(trial, f"stands at {today()}")
            return
    _decide(items, who, proposes=True)
    run_pending_now()


def _run(last: date) -> None:
    """One run over all dates, at a pace at which people can follow."""
    day_end.run(through=last, at_clock=clock, chunk=CHUNK, watch=lambda: time.sleep(0.01))


def _decide(items: list[Item], who: Who, *, proposes: bool) -> None:
    """What is left of each item, from its day on; what was decided is asked for once more, and refused."""
    for item in sorted(items, key=lambda item: item.day):
        while today() < item.day:
            time.sleep(0.003)
        for fact, step in STEPS[item.kind].items():
            if fact.endswith("_proposed"):
                there = Entry.objects.filter(kind=fact, loan_id=item.loan_id)
                if proposes and not there.exists():
                    _asked(step, item.loan_id, who)
                wait_for(there.exists, 1.0)
                continue
            _asked(step, item.loan_id, who)
            if _asked(step, item.loan_id, who):
                raise AssertionError(f"{fact} of loan {item.loan_id} was done twice")


def _asked(step: Did, loan_id: int, who: Who) -> bool:
    """Did it, or was it refused? What another session was in the way of is asked for again."""
    for attempt in range(20):
        try:
            step(loan_id, who, today() + timedelta(days=AHEAD))
            return True
        except (ActionRefused, ContractChange.DoesNotExist, Refund.DoesNotExist):
            return False
        except OperationalError:
            if attempt == 19:
                raise
            time.sleep(0.05)
    return False


Told = tuple[str, int, date, date]


def _told() -> list[Told]:
    """Decisions as the journal has them: which, of which loan, on which date, and when it takes effect."""
    facts = Entry.objects.filter(kind__in=_ALL).order_by("id")
    return [
        (kind, loan_id, day, date.fromisoformat(told.get("effective_on", str(day))))
        for kind, loan_id, day, told in facts.values_list("kind", "loan_id", "business_date", "data")
        if loan_id is not None and day is not None
    ]


def _once(trial: str, items: list[Item], told: list[Told], tally: Tally) -> None:
    """Each step of each item is told of once, and nothing waits for a decision."""
    times: dict[tuple[str, int], int] = {}
    for fact, loan_id, _day, _effect in told:
        times[fact, loan_id] = times.get((fact, loan_id), 0) + 1
    for item in items:
        for fact in STEPS[item.kind]:
            if (found := times.get((fact, item.loan_id), 0)) != 1:
                tally.miss(trial, f"{fact} of loan {item.loan_id} is told {found} times", found - 1)
    if VisitReport.objects.filter(state=ReportState.SUBMITTED).exists():
        tally.hang(trial, "a report waits for its reviewer")


def _in_turn(
    ground: Ground, bank: str, who: Who, told: list[Told], last: date, *, later: bool
) -> dict[int, tuple[str, str]]:
    """The same decisions one after another, each before the evening of its date, or right after it."""
    with ground.trial(bank, "in_turn"):
        while today() <= last + timedelta(days=1):
            day = today()
            for fact, loan_id, came_on, effect in told:
                if min(came_on + timedelta(days=later), last + timedelta(days=1)) == day:
                    try:
                        _ALL[fact](loan_id, who, effect)
                    except ActionRefused:
                        continue
            run_pending_now()
            if day > last:
                break
            close(day, CHUNK)
        return _settled(last)


def _settled(last: date) -> dict[int, tuple[str, str]]:
    """Each loan, once everything decided has taken effect."""
    close(last + timedelta(days=SETTLES), CHUNK)
    loans: dict[int, Any] = loans_as_they_are()
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [list(_ALL)])
        decided = dict(cursor.fetchall())
    return {loan: (loans[loan], decided[loan]) for loan in loans}
