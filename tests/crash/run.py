"""The full counts: every class of faults, then every guard's twin; a table, and 1 when anything went wrong.

Run by `script/crash [--trials N] [--seed S] [--only WORD] [--twins] [--json FILE]`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.test.utils import setup_test_environment

HEAD = f"{'class of fault':37} {'trials':>6} {'deaths':>6} {'lost':>5} {'doubled':>7} {'stuck':>5} {'differ':>6} " \
       f"{'broken':>6} {'seconds':>7}"  # fmt: skip
EMPTY = f"crash_empty_{os.getpid()}"


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(tally: Any, seconds: float) -> str:
    return (
        f"{tally.name:37} {tally.trials:6} {tally.crashes:6} {tally.lost:5} {tally.doubled:7} {tally.stuck:5} "
        f"{tally.differs:6} {tally.broken:6} {seconds:7.0f}"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/crash", description=__doc__)
    parser.add_argument("--trials", type=int, default=1300, help="about so many in all (1300)")
    parser.add_argument("--seed", type=int, default=20261101)
    parser.add_argument("--only", default="", help="classes and guards whose name holds this word")
    parser.add_argument("--twins", action="store_true", help="only what the rig finds without each guard")
    parser.add_argument("--json", type=Path, help="where to write what was found")
    asked = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    setup_test_environment(debug=False)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    from bench import bank
    from tests.crash.ground import Ground

    with tempfile.TemporaryDirectory() as files:
        settings.MEDIA_ROOT = files
        ground = Ground(_empty())
        try:
            return _counts(ground, asked)
        finally:
            ground.clear()
            bank.drop(EMPTY)


def _empty() -> str:
    """A migrated and seeded bank without loans."""
    from bench import bank

    bank.make_empty(EMPTY)
    return EMPTY


def _counts(ground: Any, asked: argparse.Namespace) -> int:
    from tests.crash import classes, guards

    rig = classes.Rig(ground, asked.seed, days=30)
    whole = sum(share for _name, _gate, share, _work in classes.CLASSES)
    say(f"seed {asked.seed}, commit {_commit()}\n\n{HEAD}")
    found, began = [], time.monotonic()
    for each in () if asked.twins else classes.CLASSES:
        if asked.only.lower() in each[0].lower():
            started = time.monotonic()
            tally = classes.run(rig, each, max(each[1], -(-each[2] * asked.trials // whole)))
            say(line(tally, time.monotonic() - started))
            for text in tally.found[:5]:
                say(f"  {text}")
            found.append(tally)
    say(f"{sum(tally.trials for tally in found)} trials in {time.monotonic() - began:.0f} s")
    say("\nwithout its guard                     found")
    twins = []
    for guard in guards.GUARDS:
        if asked.only.lower() in guard.name.lower():
            tally = guards.run(ground, guard)
            twins.append(tally)
            say(f"{guard.name:50} {'NOT FOUND' if tally.is_clean else tally.found[0][:60] if tally.found else 'yes'}")
    missed = [tally.name for tally in twins if tally.is_clean]
    if asked.json:
        asked.json.write_text(json.dumps(_report(asked.seed, found, twins), ensure_ascii=False, indent=1) + "\n")
    return 1 if missed or not all(tally.is_clean for tally in found) else 0


def _report(seed: int, found: list[Any], twins: list[Any]) -> dict[str, Any]:
    return {
        "commit": _commit(),
        "seed": seed,
        "trials": sum(tally.trials for tally in found),
        "classes": [tally.as_json() for tally in found],
        "guards_off": [{"name": twin.name, "found": not twin.is_clean, "seen": twin.found[:3]} for twin in twins],
    }


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
