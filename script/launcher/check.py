"""script/test: every check in one run, on servers of its own; all run, and it fails when any failed.

Runs may go on beside each other: each takes a slot, and each slot has its own database and its
own Redis number.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from launcher import chromium
from launcher.bank import Bank, open_bank, open_environment, open_state
from launcher.children import dying_with_parent
from launcher.locks import open_lock, try_lock
from launcher.servers import TEST_DATABASES
from launcher.speech import say
from launcher.state import CHECKOUT

DEFAULT_ARGUMENTS = ("-n", "2", "--dist", "loadgroup")


def check(arguments: list[str]) -> int:
    """0 when everything passed; explicit arguments run pytest alone, with them."""
    with_browser = "--with-browser" in arguments
    given = [argument for argument in arguments if argument != "--with-browser"]
    in_ci = os.environ.get("CI", "").lower() in ("true", "1")
    environment = open_environment(os.environ, development=True)
    browser = chromium.install(os.environ) if in_ci or with_browser else chromium.find(os.environ)
    state = open_state(os.environ, inner="test")
    slot, _lock = take_slot(state.folder)
    bank = open_bank(os.environ, environment, state, slot=slot)
    if browser:
        bank.env["ANJU_CHROMIUM"] = browser
    failed = [] if given else run_checks(bank)
    if run(bank, "pytest", ["-m", "pytest", *(given or DEFAULT_ARGUMENTS)], bank.env) != 0:
        failed.append("pytest")
    if not browser:
        say(no_browser_notice())
        if in_ci:
            failed.append("browser tests (no Chromium)")
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def take_slot(folder: Path) -> tuple[int, int]:
    """The first free slot and the lock that holds it; waits when all are taken."""
    locks = [open_lock(folder / f"slot-{number}.lock") for number in range(1, TEST_DATABASES + 1)]
    said = False
    while True:
        for number, lock in enumerate(locks, start=1):
            if try_lock(lock):
                return number, lock
        if not said:
            say(f"{TEST_DATABASES} test runs are under way; waiting for one to end")
            said = True
        time.sleep(0.5)


def checks() -> list[tuple[str, list[str], dict[str, str]]]:
    """Name, arguments to Python and extra environment of each check before the tests."""
    manage = str(CHECKOUT / "manage.py")
    return [
        ("ruff check", ["-m", "ruff", "check", "."], {}),
        ("ruff format", ["-m", "ruff", "format", "--check", "."], {}),
        ("mypy", ["-m", "mypy"], {}),
        ("lint-imports", ["-c", "from importlinter.cli import lint_imports_command as run; run()"], {}),
        ("makemigrations", [manage, "makemigrations", "--check", "--dry-run"], {}),
        ("deployment", [manage, "check", "--deploy", "--fail-level", "WARNING"], {"HTTPS": "1"}),
    ]


def run_checks(bank: Bank) -> list[str]:
    """Names of the checks that failed; the deployment one sees the settings of production."""
    failed = []
    for name, arguments, extra in checks():
        env = {**bank.env, **extra}
        if name == "deployment":
            env.pop("DEBUG", None)
        if run(bank, name, arguments, env) != 0:
            failed.append(name)
    return failed


def run(bank: Bank, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """One check in the checkout, on the caller's own streams."""
    say(f"· {name}")
    command = [str(bank.environment.python), *arguments]
    return subprocess.call(command, env=dict(env), cwd=CHECKOUT, preexec_fn=dying_with_parent(signal.SIGTERM))


def no_browser_notice() -> str:
    """What nobody may overlook."""
    lines = (
        "THE BROWSER TESTS DID NOT RUN: no Chromium was found.",
        "As root: script/test --with-browser installs one through apt.",
        "Or name one: ANJU_CHROMIUM=/path/to/chromium script/test",
    )
    width = max(map(len, lines))
    edge = "+" + "-" * (width + 2) + "+"
    return "\n".join([edge, *(f"| {line:<{width}} |" for line in lines), edge])
