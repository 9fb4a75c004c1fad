"""Bringing a database up to the code: migrations, then the seed every bank needs. Never the demo.

An embedded database remembers a fingerprint of the migrations and the seed it was brought up to,
so a management command on an unchanged checkout does not pay for a look at every migration.
"""

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher.bank import Bank
from launcher.children import dying_with_parent
from launcher.environment import PRODUCTION
from launcher.locks import locked
from launcher.speech import Failure, say
from launcher.state import CHECKOUT

_ASK = """
import os, sys, psycopg2
with psycopg2.connect(os.environ["DATABASE_OWNER_URL"], connect_timeout=10) as link, link.cursor() as cursor:
    cursor.execute(sys.argv[1])
    sys.exit(0 if cursor.fetchone()[0] else 10)
"""


# A management command looks again when one of these changed; script/server when any code did,
# since the seed reads roles and policies from all over the house.
NARROW = ("*/migrations/*", "config/seed*.py", "config/management/commands/seed*.py")
WIDE = ("[a-z]*/**/*.py",)
STATIC = ("config/static/**/*", "*/static/**/*", "config/settings.py")


def fingerprint(checkout: Path, patterns: Sequence[str]) -> str:
    """Changes when the contents of one of the files or an installed package does."""
    digest = hashlib.sha256((checkout / PRODUCTION).read_bytes())
    for path in sorted(path for pattern in patterns for path in checkout.glob(pattern) if path.is_file()):
        digest.update(str(path.relative_to(checkout)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_furnished(bank: Bank, marks: Mapping[str, str], *, serving: bool) -> bool:
    """Whether an embedded database was brought up to this code; an external one is only looked at when new.

    The operator of an external database migrates when they choose to, with `migrate` or by
    starting script/server on it.
    """
    if not bank.is_embedded:
        return not serving and answers_yes(bank, "SELECT to_regclass('django_migrations') IS NOT NULL") is not False
    name = "served" if serving else "migrated"
    note = bank.note(name)
    return note.exists() and note.read_text() == marks[name]


def furnish(bank: Bank, *, serving: bool = False) -> None:
    """Migrate and seed when needed; two launches at once take turns."""
    marks = {"migrated": fingerprint(CHECKOUT, NARROW)}
    if serving:
        marks["served"] = fingerprint(CHECKOUT, WIDE)
    if is_furnished(bank, marks, serving=serving):
        return
    with locked(bank.state.folder / "furnish.lock", notice="another launch is preparing the database; waiting for it"):
        if is_furnished(bank, marks, serving=serving):
            return
        step(bank, "migrations", "migrate", "--no-input", "-v", "0")
        step(bank, "seed", "seed")
        if bank.is_embedded:
            for name, mark in marks.items():
                bank.note(name).write_text(mark)


def forget(bank: Bank) -> None:
    """The command about to run may undo migrations or the seed: look again next time."""
    if bank.is_embedded:
        for name in ("migrated", "served"):
            bank.note(name).unlink(missing_ok=True)


def step(bank: Bank, name: str, *arguments: str) -> None:
    """One management command of the launcher's own; its words go to standard error."""
    started = time.monotonic()
    done = subprocess.run(
        bank.django(*arguments),
        env=bank.env,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=dying_with_parent(signal.SIGTERM),
    )
    if done.returncode != 0:
        raise Failure(f"{name}: manage.py {arguments[0]} ended with {done.returncode}; its words are above.")
    say(f"{name} done in {time.monotonic() - started:.1f} s")


def answers_yes(bank: Bank, question: str) -> bool | None:
    """Ask the database one yes-or-no question; None when it cannot be asked."""
    command = [str(bank.environment.python), "-c", _ASK, question]
    code = subprocess.run(command, env=bank.env, stdin=subprocess.DEVNULL, capture_output=True).returncode
    return {0: True, 10: False}.get(code)
