"""A real server on a bank of its own, and a real Chromium; without one the tests say so, with CI=true they fail."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings

from tests.conftest import environment_on
from tests.crash.ground import Ground, end_sessions, here, leave
from tests.factories import AT

HOME = Path(__file__).resolve().parents[2]
LAUNCH = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
NO_CHROMIUM = "BROWSER TESTS DID NOT RUN: no Chromium (name one in ANJU_CHROMIUM, or script/test --with-browser)"


def chromium() -> str:
    """Path of a Chromium; empty when there is none."""
    named = os.environ.get("ANJU_CHROMIUM", "")
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return named or next((path for path in found if path), "")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    path = chromium()
    if not path:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_CHROMIUM)
        sys.__stderr__.write(f"\n{NO_CHROMIUM}\n")
        pytest.skip(NO_CHROMIUM)
    return path


@dataclass
class Site:
    """Where the server listens, who may sign in, and what is in the bank."""

    url: str
    staff: dict[str, str]
    loans: dict[str, int]
    tasks: dict[str, int]
    names: dict[str, str]


@dataclass
class Ready:
    """One server for all tests of a process: what it serves is exchanged beneath it, a copy of `filled` a test."""

    ground: Ground
    filled: str
    found: dict[str, Any]
    url: str
    env: dict[str, str]


@pytest.fixture(scope="session")
def ready(chromium_path: str, django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Ready]:
    """Filled once, and the server knows its pages already when the second test comes."""
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=HASHERS), ExitStack() as left:
        leave()
        template = here()
        ground = Ground(template)
        left.callback(ground.clear)
        filled = ground.copy(template, "filled")
        with ground.on(filled):
            found = _fill_bank()
        name = ground.copy(filled, "site")
        port = _free_port()
        folder = tmp_path_factory.mktemp("site")
        env = environment_on(name, connections["default"].settings_dict, folder)
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", f"127.0.0.1:{port}", "--threads", "4"],
            cwd=HOME,
            env={**env, "LOG_LEVEL": "ERROR", "ALLOWED_HOSTS": "127.0.0.1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        left.callback(server.wait, 20)
        left.callback(server.terminate)
        _wait_for(f"http://127.0.0.1:{port}/healthz", server)
        ground.drop(name)
        yield Ready(ground, filled, found, f"http://127.0.0.1:{port}", env)


@pytest.fixture
def site(ready: Ready, django_db_blocker: Any, settings: Any) -> Iterator[Site]:
    # The server checks passwords with the real hasher.
    settings.PASSWORD_HASHERS = HASHERS
    with django_db_blocker.unblock(), ready.ground.trial(ready.filled, "site") as name:
        yield Site(url=ready.url, **deepcopy(ready.found))
        end_sessions(name)


def _fill_bank() -> dict[str, Any]:
    """An officer with a clean phone visit and a field visit, a colleague, a manager."""
    from people.actions import record_profile
    from tests.database.test_visits import make_task
    from tests.factories import book_loan, make_branch, make_party, make_staff

    branch = make_branch()
    staff = {
        "officer": make_staff("LOAN_OFFICER", branch, name="林晓舟"),
        "colleague": make_staff("LOAN_OFFICER", branch, name="周楠"),
        "manager": make_staff("BRANCH_MANAGER", branch, name="何建平"),
    }
    loans, tasks = {}, {}
    for key, name, method in (("clean", "陈立新", "PHONE"), ("field", "郑国强", "FIELD"), ("other", "赵鹏", "PHONE")):
        party = make_party(name=name)
        record_profile(
            party_id=party.pk,
            known_on=date(2026, 10, 31),
            source="TAPE",
            monthly_income=Decimal("19600.00"),
            employer="江城恒信机电有限公司",
            other_monthly_debt=Decimal("1160.00"),
            by="system",
            at=AT,
        )
        loans[key] = book_loan(branch, officer=staff["officer"], borrower=party)
        _register(loans[key])
        tasks[key] = make_task(loans[key], staff["officer"], method=method)
    return {
        "staff": {key: one.staff_no for key, one in staff.items()},
        "loans": {key: loan.pk for key, loan in loans.items()},
        "tasks": {key: task.pk for key, task in tasks.items()},
        "names": {key: loan.borrower.name for key, loan in loans.items()},
    }


def _register(loan: Any) -> None:
    from collateral.models import Charge, ChargeKind

    Charge.objects.filter(loan=loan).update(
        kind=ChargeKind.FORMAL, registration_no="江(2024)江城市不动产证明第0048213号", registered_on=date(2024, 9, 11)
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server did not start"
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture
def open_as(site: Site, chromium_path: str) -> Iterator[Callable[..., Any]]:
    """open_as("officer") → a page signed in, in a context of its own; faults on the page fail the test.

    Who is in the bank when the test begins has a session already; the form itself is gone through by the tests that are
    about signing in.
    """
    from playwright.sync_api import sync_playwright

    faults: list[str] = []
    sessions = {who: _session_of(number) for who, number in site.staff.items()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=LAUNCH)

        def sign_in(who: str, width: int = 1440, height: int = 900, **more: Any) -> Any:
            context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **more)
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": sessions[who], "url": site.url}])
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on(
                "console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None
            )
            page.goto(f"{site.url}/")
            assert "/sign-in/" not in page.url
            return page

        yield sign_in
        browser.close()
    assert faults == []


def _session_of(staff_no: str) -> str:
    from people.models import Staff

    client = Client()
    client.force_login(Staff.objects.get(staff_no=staff_no), backend="django.contrib.auth.backends.ModelBackend")
    return client.cookies[settings.SESSION_COOKIE_NAME].value
