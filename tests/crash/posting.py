"""C1, receipts: one by hand, a file of them, a reversal, over the API; dead at every statement and at the COMMIT.

One bank lives through a row of requests. Each is crashed at one point, sent once more under its key as a client does
that got no reply, and once more after that; the state is then what it is where the same requests went undisturbed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from config.celery import app
from journal.batch import run_pending
from journal.models import Pending
from loans.models import Loan, Receipt
from people.models import IdempotencyKey
from tests.crash.books import Label
from tests.crash.ground import Ground
from tests.crash.points import DIED, Points
from tests.crash.processes import exit_of, fork
from tests.crash.state import State, state
from tests.crash.tally import Tally
from tests.web.api_bank import Api, Bank, make_bank

USES = ("by hand", "file", "reversal")
KINDS = ("exit", "sever")
# A server needs moments to notice that a client is dead; this long it never takes.
ENDING_SECONDS = 20
HEADER = "loan,amount,value_on,channel,serial"


@dataclass
class Step:
    """A request of the row, undisturbed: what it passed and how it left the bank."""

    number: int
    status: int
    labels: list[Label]
    # Reactions that wait when the request is done.
    woken: int
    after: State


class Requests:
    """The row of requests on a bank; each is made from its number only."""

    def __init__(self, bank: Bank) -> None:
        self.client: Api = bank.api("operations")
        self.loans = [Loan.objects.get(pk=loan.pk).loan_note_no for loan in bank.loans.values()]

    def send(self, number: int) -> Any:
        return self.made(number)()

    def made(self, number: int) -> Callable[[], Any]:
        """The request as its client knows it before it is sent."""
        use = USES[number % len(USES)]
        note = self.loans[number // len(USES) % len(self.loans)]
        path, body = "receipts/", {}
        if use == "by hand":
            body = {
                "loan": note, "amount": f"{100 + number}.07", "value_on": "2026-11-01", "channel": "CORE",
                "serial": f"H{number}",
            }  # fmt: skip
        elif use == "file":
            path, body = "money-files/", {"kind": "RECEIPTS", "name": "r.csv", "content": self._file(number, note)}
        else:
            receipt = Receipt.objects.get(channel="CORE", serial=f"H{number - 2}")
            path, body = f"receipts/{receipt.pk}/reverse/", {"reason": "渠道重复划款"}
        return lambda: self.client.post(path, body, key=f"crash-{number}")

    def _file(self, number: int, note: str) -> str:
        """A payment, the same again, one ahead of its day, one for nobody, one that cannot be read."""
        rows = [*[f"{note},{50 + number}.10,2026-11-01,MOBILE,F{number}"] * 2,
                f"{note},10.00,2026-11-03,MOBILE,G{number}", f"NOBODY,5.00,2026-11-01,MOBILE,N{number}",
                f"{note},1e2,2026-11-01,MOBILE,B{number}"]  # fmt: skip
        return "\n".join([HEADER, *rows]) + "\n"


def undisturbed(requests: Requests, count: int) -> list[Step]:
    found = []
    for number in range(count):
        points = Points(place=USES[number % len(USES)])
        send = requests.made(number)
        with points.watching():
            status = send().status_code
        woken = Pending.objects.count()
        run_pending(at=timezone.now())
        found.append(Step(number, status, points.labels, woken, state()))
    return found


def run(ground: Ground, trials: int, tally: Tally, *, aim: Callable[[list[Label]], int] | None = None) -> Tally:
    """So many requests, each crashed at the next point that was not met yet, or where `aim` says."""
    with ground.trial(ground.empty, "requests"):
        bank = make_bank()
        requests = Requests(bank)
        start = ground.copy_here("requests0")
        steps = undisturbed(requests, trials)
    met: set[tuple[str, int, str]] = set()
    with ground.trial(start, "crashed"):
        for step in steps:
            use = USES[step.number % len(USES)]
            number, kind = (aim(step.labels), "exit") if aim else _next(met, use, len(step.labels))
            trial = f"request {step.number} {use} {kind} at {number} of {len(step.labels)}"
            ended = exit_of(fork(lambda n=step.number, p=number, k=kind: _sent(requests, n, p, k)))
            tally.crashes += ended == DIED
            if ended != (DIED if kind == "exit" else 0):
                tally.hang(trial, f"the request ended with {ended}")
            first, second = _answered(requests, step), requests.send(step.number)
            if first.status_code != step.status or second.content != first.content:
                tally.hang(trial, f"replies {first.status_code} {second.status_code} instead of {step.status}")
            if IdempotencyKey.objects.filter(key=f"crash-{step.number}").count() != 1:
                tally.hang(trial, "not one key")
            if (woken := Pending.objects.count()) != step.woken:
                tally.miss(trial, f"{woken} reactions wait instead of {step.woken}", woken - step.woken)
            run_pending(at=timezone.now())
            tally.after(trial, step.after)
    tally.notes["points"] = len(met)
    tally.notes["of"] = sum(len(step.labels) for step in steps[: len(USES)]) * len(KINDS)
    return tally


def _answered(requests: Requests, step: Step) -> Any:
    """The reply to the request sent again; 409, under way, while the server still ends the session of the dead one."""
    until = time.monotonic() + ENDING_SECONDS
    while True:
        reply = requests.send(step.number)
        if reply.status_code != 409 or step.status == 409 or time.monotonic() > until:
            return reply
        time.sleep(0.05)


def _next(met: set[tuple[str, int, str]], use: str, points: int) -> tuple[int, str]:
    """The next point of a use case in an order that visits early, middle and late ones alike."""
    order = sorted(range(1, points + 1), key=lambda number: number * 0.618 % 1)
    for kind in KINDS:
        for number in order:
            if (use, number, kind) not in met:
                met.add((use, number, kind))
                return number, kind
    return order[0], KINDS[0]


def _sent(requests: Requests, number: int, point: int, kind: str) -> None:
    """The server's process; what it answers nobody hears."""
    app.set_current()
    send = requests.made(number)
    with Points(point, kind).watching():
        send()
