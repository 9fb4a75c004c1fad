"""The dry run of a follow-up policy over the whole book, by two processes that share it (`plan`).

The draft halves every yearly cycle, so that no loan is answered from the version in force. What is measured is the
product's own run from asking to its summary, with the interpreters' start; memory is that of both processes.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.stand import Result, Stand

PROCESSES = 2


def dry_run(stand: Stand) -> Iterator[Result]:
    """Seconds of the whole run; the ratio is that figure, with nothing beside it."""

    def once() -> Result:
        asked = stand.ours("plan_ask")()["counts"]
        began = time.perf_counter()
        with ThreadPoolExecutor(PROCESSES) as pool:
            works = [pool.submit(stand.ours("plan", run=asked["run"])) for _n in range(PROCESSES)]
            found: list[dict[str, Any]] = [work.result() for work in works]
        seconds = time.perf_counter() - began
        loans, changed = next((c["loans"], c["changed"]) for each in found if (c := each["counts"])["loans"])
        rss = sum(each["rss_mb"] for each in found)
        note = f"{loans / seconds:,.0f} loans/s by {PROCESSES} processes; next visit changes for {changed} of {loans}"
        return Result("plan", ratio=seconds, ours=seconds, rss_mb=rss, note=note)

    yield stand.taken_back(once)
