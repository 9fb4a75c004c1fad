"""The product's side of an operation, in a process of its own: `python -m bench.ours NAME {"key": "value"}`.

Says on its last line what it took: seconds of the operation itself (the interpreter's start apart), SQL statements,
the most memory it held, and what the operation counted.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import django

from bench.measure import flush_statistics

Asked = dict[str, Any]


class Counter:
    """Counts statements; an execute wrapper."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def day_end(asked: Asked) -> Callable[[], dict[str, Any]]:
    """The evening of a date, or of all dates up to it."""
    from django.utils import timezone

    from config import day_end as evening

    through = date.fromisoformat(asked["through"])

    def work() -> dict[str, Any]:
        days: dict[str, Any] = {}
        chunk = int(asked.get("chunk", evening.CHUNK))
        evening.run(
            through=through,
            at_clock=timezone.now,
            report=lambda report: days.update({str(report.day): report.counts}),
            chunk=chunk,
        )
        return {"days": len(days), "counts": days.get(asked["through"], {})}

    return work


def share_out(asked: Asked) -> Callable[[], dict[str, Any]]:
    """The last stage of an evening alone."""
    from django.utils import timezone

    from followups.batch.sharing import share_out as share

    return lambda: {"counts": share(as_of=date.fromisoformat(asked["day"]), at=timezone.now())}


def pages(asked: Asked) -> Callable[[], dict[str, Any]]:
    """Random requests against the pages."""
    from bench.requests import measure

    return measure(asked)


def take_in(asked: Asked) -> Callable[[], dict[str, Any]]:
    """A file of receipts, as the command takes it in."""
    from pathlib import Path

    from django.utils import timezone

    from config.money_file import take_in as take
    from loans.models import MoneyFileKind

    def work() -> dict[str, Any]:
        report = take(Path(asked["path"]), by="system", clock=timezone.now, kind=MoneyFileKind.RECEIPTS)
        return {"counts": report.counts}

    return work


def naive(asked: Asked) -> Callable[[], dict[str, Any]]:
    """The loop over loans with the ORM."""
    from bench.naive import measure

    return measure(asked)


def payments(asked: Asked) -> Callable[[], dict[str, Any]]:
    """Payments by hand, through the page."""
    from bench.requests import pay

    return pay(asked)


def board(asked: Asked) -> Callable[[], dict[str, Any]]:
    """A tape, as the command boards it."""
    from pathlib import Path

    from django.utils import timezone

    from config.boarding import board as take

    def work() -> dict[str, Any]:
        report = take(
            Path(asked["path"]),
            as_of=date.fromisoformat(asked["as_of"]),
            is_dry_run=False,
            refused_to=None,
            by="system",
            at=timezone.now(),
        )
        return {"imported": report.imported}

    return work


def preview(asked: Asked) -> Callable[[], dict[str, Any]]:
    """The preview of a repricing run, chunk by chunk as the bank's workers do it."""
    from django.utils import timezone

    from journal.actions import waking_nobody
    from loans.actions.repricing import ask_for_preview
    from loans.batch.previews import preview_chunk

    day, by = date.fromisoformat(asked["day"]), _staff("OPERATIONS")

    def work() -> dict[str, Any]:
        with waking_nobody():
            run = ask_for_preview(from_on=day, to_on=day, by=by, at=timezone.now())
        while preview_chunk(run_id=run.pk, at=timezone.now()):
            pass
        run.refresh_from_db()
        return {"count": run.totals["count"], "held": run.totals["held"]}

    return work


def approve(asked: Asked) -> Callable[[], dict[str, Any]]:
    """The decision on the last run."""
    from django.utils import timezone

    from loans.actions.repricing import decide_repricing
    from loans.models import RepricingRun

    run, by = RepricingRun.objects.latest("pk"), _staff("RISK_MANAGER")

    def work() -> dict[str, Any]:
        seen = run.content_sha256
        decide_repricing(run_id=run.pk, approve=True, note="", content_sha256=seen, by=by, at=timezone.now())
        return {}

    return work


def reports(asked: Asked) -> Callable[[], dict[str, Any]]:
    """Each report: its figures, its page, and the file of the book as a browser reads it."""
    from django.test import Client

    from bench.report_rows import book, figures, page
    from bench.requests import settle_for_requests

    settle_for_requests()
    client, staff = Client(HTTP_HOST="localhost"), _staff("RISK_MANAGER")
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    names = ("aging", "migration", "collections")
    for name in names:
        page(client, name)

    def work() -> dict[str, Any]:
        found = {name: {**figures(name, staff), "page": page(client, name)} for name in names}
        return {"reports": {**found, "book": book(client)}}

    return work


def plan_ask(asked: Asked) -> Callable[[], dict[str, Any]]:
    """A draft of the follow-up policy that halves every yearly cycle, and the asking for its dry run."""
    from bench.plan_draft import ask

    return lambda: {"counts": {"run": ask(_staff("RISK_MANAGER"))}}


def plan(asked: Asked) -> Callable[[], dict[str, Any]]:
    """A worker's share of a dry run, range by range until nothing is left."""
    from bench.plan_draft import share

    return lambda: {"counts": share(asked["run"])}


def _staff(number: str) -> Any:
    """One of the two people of the book who see the whole bank."""
    from people.models import Staff

    return Staff.objects.get(staff_no=number)


OPERATIONS: dict[str, Callable[[Asked], Callable[[], dict[str, Any]]]] = {
    each.__name__: each
    for each in (day_end, share_out, pages, take_in, naive, payments, board, preview, approve, reports, plan_ask, plan)
}


def main(arguments: list[str]) -> int:
    django.setup()
    from django.db import connection

    name, asked = arguments[0], json.loads(arguments[1]) if len(arguments) > 1 else {}
    work = OPERATIONS[name](asked)
    connection.ensure_connection()
    counter = Counter()
    # Whoever times a kill waits for this line: from here on the operation itself runs.
    _say("begun")
    with connection.execute_wrapper(counter):
        start = time.perf_counter()
        said = work()
        seconds = time.perf_counter() - start
    flush_statistics(connection.cursor())
    connection.close()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _say(json.dumps({"seconds": seconds, "statements": counter.count, "rss_mb": round(rss, 1), **said}, default=str))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
