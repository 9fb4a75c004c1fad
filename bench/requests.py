"""Random requests against the pages, in process, and the bare SQL of the same rows; runs inside `bench.ours`."""

import random
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from bench.statements import statements
from bench.web import PAGES, hundredth

_WARM_UP = 20
_NAMES = 40
# What a browser sends of a form without files.
_FORM = "application/x-www-form-urlencoded"


class Visitor:
    """Somebody of the whole bank, signed in, who asks at random."""

    def __init__(self, seed: int, loans: int) -> None:
        from django.test import Client

        from people.models import Staff

        self.dice = random.Random(seed)  # noqa: S311 - which page, no secret
        self.loans = loans
        self.client = Client(HTTP_HOST="localhost")
        self.manager = Client(HTTP_HOST="localhost")
        for client, staff_no in ((self.client, "OPERATIONS"), (self.manager, "RISK_MANAGER")):
            client.force_login(Staff.objects.get(staff_no=staff_no), "django.contrib.auth.backends.ModelBackend")
        self.names = _surnames(self.dice)

    def pick(self) -> int:
        return self.dice.randrange(1, self.loans + 1)

    def web_list(self) -> str:
        """Any sort, sometimes a filter, anywhere in the list."""
        asked = [f"sort={self.dice.choice(('number', 'overdue', 'balance'))}"]
        if self.dice.random() < 0.3:
            asked.append(f"branch={self.dice.randrange(1, 201):04d}")
        elif self.dice.random() < 0.3:
            asked.append(f"five_class={self.dice.choice(('PASS', 'SPECIAL_MENTION', 'SUBSTANDARD', 'LOSS'))}")
        return "/loans/?" + "&".join(asked)

    def web_detail(self) -> str:
        """The page; one in four asks for the whole schedule besides, computed then."""
        return f"/loans/{self.pick()}/" + ("schedule/?from=1" if self.dice.random() < 0.25 else "")

    def web_dashboard(self) -> str:
        return "/dashboard/"

    def web_desk(self) -> str:
        """The work list of who sees the whole bank, by any order."""
        return f"/?scope=branch&sort={self.dice.choice(('time', 'time', 'due', 'overdue', 'new'))}"

    def web_search(self) -> str:
        word = self.dice.choice((f"ML{self.dice.randrange(1, 201):04d}", f"{self.pick():04d}"[-4:], *self.names))
        return f"/loans/?q={word}"


def _surnames(dice: random.Random) -> list[str]:
    from config.made_up_names import GIVEN, SURNAMES

    return [dice.choice(SURNAMES) + dice.choice(GIVEN) for _ in range(_NAMES)]


def measure(asked: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    settle_for_requests()
    visitor = Visitor(int(asked["seed"]), int(asked["loans"]))
    count, only = int(asked["requests"]), asked.get("only", "")

    def work() -> dict[str, Any]:
        return {name: _page(visitor, name, count) for name in PAGES if not only or name == only}

    return work


def _page(visitor: Visitor, name: str, count: int) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    path_of = getattr(visitor, name)
    client = visitor.manager if name in ("web_dashboard", "web_desk") else visitor.client
    paths = [path_of() for _ in range(count)]
    paths = list(_deeper(visitor, paths)) if name == "web_list" else paths
    times, statuses = [], set()
    for number, path in enumerate(paths[:_WARM_UP] + paths):
        start = time.perf_counter()
        response = client.get(path)
        if number >= _WARM_UP:
            times.append((time.perf_counter() - start) * 1000)
            statuses.add(response.status_code)
    bare = _bare(visitor, name, count)
    with CaptureQueriesContext(connection) as captured:
        client.get(paths[0])
    return {
        "p50": hundredth(times, 50),
        "p95": hundredth(times, 95),
        "most": max(times),
        "bare_p95": hundredth(bare, 95),
        "statements": len(captured),
        "note": f"status {sorted(statuses)}",
    }


def _deeper(visitor: Visitor, paths: list[str]) -> Iterator[str]:
    """Half of the pages lie deep in the list, behind the cursor of a row there."""
    from loans.models import Loan
    from loans.views.lists import LOAN_ORDERS
    from people.paging import _write

    notes = {loan.pk: loan for loan in Loan.objects.filter(pk__in=[visitor.pick() for _ in paths])}
    some = list(notes.values())
    for path in paths:
        if "sort=number" in path and visitor.dice.random() < 0.7:
            yield f"{path}&cursor={_write('n', visitor.dice.choice(some), LOAN_ORDERS[0])}"
        else:
            yield path


def _bare(visitor: Visitor, name: str, count: int) -> list[float]:
    """The least SQL that brings the rows of such a page."""
    from django.db import connection

    times = []
    with connection.cursor() as cursor:
        for _ in range(count):
            values: dict[str, int | str] = {
                "loan": visitor.pick(),
                "word": visitor.dice.choice(visitor.names),
                "note": "ML0100",
            }
            start = time.perf_counter()
            for part in statements("floor/pages.sql")[name].split(";"):
                cursor.execute(part, values)
                cursor.fetchall()
            times.append((time.perf_counter() - start) * 1000)
    return times


def pay(asked: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A payment of each of some loans with an installment billed today; what was previewed is sent along."""
    from django.db import connection

    from bench.book import MEASURED_ON
    from loans.models import Loan
    from loans.views.payment import allocation_preview, fingerprint

    settle_for_requests()
    visitor, count = Visitor(1, 1), int(asked["count"])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT loan_id, interest + principal FROM loans_installment WHERE due_on = %s AND settled_on IS NULL "
            "ORDER BY loan_id LIMIT %s",
            [MEASURED_ON, count],
        )
        due = cursor.fetchall()

    def work() -> dict[str, Any]:
        times, statuses = [], set()
        for loan_id, amount in due:
            loan = Loan.objects.select_related("position").get(pk=loan_id)
            seen = fingerprint(allocation_preview(loan, amount, MEASURED_ON))
            asked = {"amount": str(amount), "value_on": str(MEASURED_ON), "serial": f"C{loan_id}", "seen": seen}
            start = time.perf_counter()
            response = visitor.client.post(f"/loans/{loan_id}/payment/", urlencode(asked), content_type=_FORM)
            times.append((time.perf_counter() - start) * 1000)
            statuses.add(response.status_code)
        return {"p95": hundredth(times, 95), "p50": hundredth(times, 50), "each": 0, "statuses": sorted(statuses)}

    return work


def settle_for_requests() -> None:
    """In process there is neither a proxy nor a folder of collected files."""
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
