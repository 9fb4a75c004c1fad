"""The full counts: every class of faults, then every guard's twin; a table, and 1 when anything went wrong.

Run by `script/crash [--trials N] [--seed S] [--only WORD] [--twins] [--json FILE]`. What is in the file already, of the
same commit, seed and number, is not done again: a run that was broken off goes on, and parts of it can be run apart.
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

HEAD = f"{'class of fault':40} {'trials':>6} {'deaths':>6} {'lost':>5} {'doubled':>7} {'stuck':>5} {'differ':>6} " \
       f"{'broken':>6} {'seconds':>7}"  # fmt: skip
EMPTY = f"crash_empty_{os.getpid()}"


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def line(row: dict[str, Any]) -> str:
    return (
        f"{row['name']:40} {row['trials']:6} {row['crashes']:6} {row['lost']:5} {row['doubled']:7} {row['stuck']:5} "
        f"{row['differs']:6} {row['broken']:6} {row['seconds']:7}"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/crash", description=__doc__)
    parser.add_argument("--trials", type=int, default=1900, help="about so many in all (1900)")
    parser.add_argument("--seed", type=int, default=20261101)
    parser.add_argument("--only", default="", help="classes and guards whose name holds this word")
    parser.add_argument("--twins", action="store_true", help="only what the rig finds without each guard")
    parser.add_argument("--json", type=Path, help="where what is found is kept; goes on where it ends")
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

    kept = _kept(asked)
    rig = classes.Rig(ground, asked.seed, days=30)
    whole = sum(share for _name, _gate, share, _work in classes.CLASSES)
    say(f"seed {asked.seed}, commit {kept['commit']}\n\n{HEAD}")
    for each in () if asked.twins else classes.CLASSES:
        if asked.only.lower() not in each[0].lower():
            continue
        row = _named(kept["classes"], each[0])
        if row is None:
            started = time.monotonic()
            tally = classes.run(rig, each, max(each[1], -(-each[2] * asked.trials // whole)))
            seconds = round(time.monotonic() - started)
            row = _keep(asked, kept, "classes", {**tally.as_json(), "seconds": seconds, "clean": tally.is_clean})
        say(line(row))
        for text in row["found"][:5]:
            say(f"  {text}")
    say(f"{kept['trials']} trials in {sum(row['seconds'] for row in kept['classes'])} s")
    say(f"\n{'without its guard':50} found")
    for guard in guards.GUARDS:
        if asked.only.lower() not in guard.name.lower():
            continue
        row = _named(kept["guards_off"], guard.name)
        if row is None:
            tally = guards.run(ground, guard)
            found = {"name": guard.name, "found": not tally.is_clean, "seen": tally.found[:3]}
            row = _keep(asked, kept, "guards_off", found)
        say(f"{guard.name:50} {(row['seen'] or ['yes'])[0][:60] if row['found'] else 'NOT FOUND'}")
    is_well = all(row["clean"] for row in kept["classes"]) and all(row["found"] for row in kept["guards_off"])
    return 0 if is_well else 1


def _kept(asked: argparse.Namespace) -> dict[str, Any]:
    """What the file holds of this very run, or the beginning of one."""
    new = {"commit": _commit(), "seed": asked.seed, "asked": asked.trials}
    if asked.json and asked.json.exists():
        found: dict[str, Any] = json.loads(asked.json.read_text())
        if all(found.get(name) == value for name, value in new.items()):
            return found
    return {**new, "trials": 0, "classes": [], "guards_off": []}


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((row for row in rows if row["name"] == name), None)


def _keep(asked: argparse.Namespace, kept: dict[str, Any], part: str, row: dict[str, Any]) -> dict[str, Any]:
    """Adds a row and writes the file whole, so that a run broken off leaves what it did; the row."""
    kept[part].append(row)
    kept["trials"] = sum(each["trials"] for each in kept["classes"])
    if asked.json:
        draft = asked.json.with_suffix(".new")
        draft.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
        draft.replace(asked.json)
    return row


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
