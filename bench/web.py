"""Pages over the book: the 95th hundredth of many random requests, in process, beside the bare SQL of the same rows."""

import statistics
from collections.abc import Iterator
from typing import Any

from bench.stand import Cost, Result, Stand

PAGES = ("web_list", "web_detail", "web_dashboard", "web_search", "web_desk")


def pages(stand: Stand) -> Iterator[Result]:
    """The pages one after another; they only read."""
    found = stand.ours("pages", seed=stand.book.seed, loans=stand.book.loans, requests=300)()
    for name in PAGES:
        page = found[name]
        yield Result(
            name, ratio=page["p95"] / page["bare_p95"], ours=page["p95"], other=page["bare_p95"],
            statements=page["statements"], low=page["p50"], high=page["most"], rss_mb=found["rss_mb"],
            note=f"ms: p95, bare SQL p95, p50, most; {page['note']}",
        )  # fmt: skip


def during_night(stand: Stand) -> Iterator[Result]:
    """The list while a night runs, beside the same list with nothing else going on."""
    from bench import nights
    from bench.bank import environment

    def run() -> tuple[float, float]:
        nights.prepare(stand.cursor)
        idle = stand.ours("pages", seed=1, loans=stand.book.loans, requests=200, only="web_list")()["web_list"]["p95"]
        night = _start(environment(stand.database))
        busy = stand.ours("pages", seed=2, loans=stand.book.loans, requests=200, only="web_list")()["web_list"]["p95"]
        is_still_running = night.poll() is None
        night.wait()
        return idle, busy if is_still_running else -busy

    idle, busy = stand.taken_back(run)
    note = "ms: p95 during the night, idle" + ("" if busy > 0 else "; the night ended before the requests did")
    yield Result("web_list_during_night", ratio=abs(busy) / idle, ours=abs(busy), other=idle, note=note)


def _start(env: dict[str, str]) -> Any:
    import json
    import subprocess
    import sys

    from bench.book import MEASURED_ON

    command = [sys.executable, "-m", "bench.ours", "day_end", json.dumps({"through": str(MEASURED_ON)})]
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hundredth(values: list[float], part: int) -> float:
    """The value below which `part` of a hundred lie."""
    return statistics.quantiles(values, n=100)[part - 1]


__all__ = ["PAGES", "Cost", "during_night", "hundredth", "pages"]
