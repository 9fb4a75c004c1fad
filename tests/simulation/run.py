"""Lives the year and says what it came to: script/simulate [--seed N] [--loans N] [--days N] [--twice] [--network].

It works in a database of its own beside the bank's, which is dropped at the end, and ends with 1 when any claim failed.
`--twice` lives the same seed again and compares the states.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.test.utils import setup_test_environment

EMPTY = f"simulated_empty_{os.getpid()}"


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loans", type=int, default=0, help="of the book; 0 is all of it")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--branches", type=int, default=0, help="of the book; 0 is all of them")
    parser.add_argument("--officers", type=int, default=2, help="in each branch")
    parser.add_argument("--ceiling", type=int, default=8, help="visits of an officer in a week")
    parser.add_argument("--every", type=int, default=7, help="days between the dear claims")
    parser.add_argument("--twice", action="store_true", help="the same seed again must give the same state")
    parser.add_argument("--network", action="store_true", help="only the load of policies on 10,000 made-up loans")
    parser.add_argument("--no-pdf", action="store_true", help="reports are approved without setting their PDF")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    if asked.network:
        return _network(asked.seed)
    setup_test_environment(debug=False)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from bench import bank
    from followups import report_pdf
    from tests.crash.ground import Ground

    if asked.no_pdf:
        report_pdf.render = lambda document, text=None: f"%PDF-1.7 {document['report_no']}".encode()
    with tempfile.TemporaryDirectory() as files:
        settings.MEDIA_ROOT = files
        bank.make_empty(EMPTY)
        ground = Ground(EMPTY)
        try:
            return _run(ground, asked)
        finally:
            ground.clear()
            bank.drop(EMPTY)


def _network(seed: int) -> int:
    """The table of policies; 1 when the default one asks for more than the ceiling."""
    from tests.simulation import network as networks

    fed = networks.Network(seed=seed)
    default, *others = networks.policies().items()
    unfed = (replace(fed, has_funds_feed=False), "the same without a feed of the money's arrival", default[1])
    for network, name, lines in ((fed, *default), unfed, *((fed, *other) for other in others)):
        made = networks.lived(network, lines)
        found = networks.columns(network, made)
        say(f"{name}: " + ", ".join(f"{column} {value}" for column, value in found.items()))
        if name == "the default policy" and made.visits > network.ceiling * network.officers * network.weeks:
            return 1
    return 0


def _run(ground: Any, asked: argparse.Namespace) -> int:
    from tests.simulation import years
    from tests.simulation.bank import Size
    from tests.simulation.figures import lines

    size = Size(asked.loans, asked.branches, asked.officers, asked.ceiling)
    with ground.trial(ground.empty, "born"):
        loans = years.born(size, asked.seed)
        born = ground.copy_here("year")
    say(f"seed {asked.seed}: {loans} loans, {asked.days} days")
    found, hashes = None, []
    for _turn in range(2 if asked.twice else 1):
        began = time.monotonic()
        with ground.trial(born, "lived"):
            year = years.lived(size, asked.seed, asked.days, loans=loans, every=asked.every, say=say)
        found = {**year.figures, "state": year.state, "seconds": round(time.monotonic() - began)}
        hashes.append(year.state)
        for text in [*lines(found), *(f"{name:80} {n}" for name, n in year.watch.seen.items()), *year.watch.faults]:
            say(text)
        for text in (*year.broken, f"done {dict(year.office.done)}", f"refused {dict(year.office.refused)}"):
            say(text)
        if asked.json:
            asked.json.write_text(
                json.dumps({**found, "faults": year.watch.faults}, ensure_ascii=False, indent=1) + "\n"
            )
        if year.watch.faults or year.broken:
            return 1
    say("twice the same" if asked.twice and len(set(hashes)) == 1 else "")
    return 0 if len(set(hashes)) == 1 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
