"""The demo bank: 安居银行（演示）江城分行 with its people and a small book that has lived for a month.

The book is imported as a tape like any bank's, receipts are made and posted, day end runs, and
officers make visits through the same actions as in the browser; nothing is written around them.
The business date stays 2026-10-30 until somebody closes it.
"""

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config import demo_month, demo_names
from config.boarding import board
from config.demo_book import TAPE_DAY, clock, tape
from people.actions import create_branch, create_staff, root_branch
from people.models import Branch, Staff

PASSWORD = "anju-demo-2026"  # noqa: S105 (printed on the demo's sign-in page)


def sign_ins() -> list[tuple[str, str, str, str]]:
    """(staff number, name, role name, password) of the cards on the demo's sign-in page."""
    people = {number: (name, roles) for number, name, roles, _branch in demo_names.PEOPLE}
    found = {s.staff_no: s for s in Staff.objects.filter(staff_no__in=demo_names.CARDS).prefetch_related("roles")}
    return [
        (number, people[number][0], "、".join(role.name for role in found[number].roles.all()), PASSWORD)
        for number in demo_names.CARDS
        if number in found
    ]


def load(*, say: Callable[[str], None]) -> None:
    """Builds the demo bank on an empty database; about half a minute."""
    say("people")
    _people(clock(TAPE_DAY, 9))
    say("loan book")
    _import_book()
    say("a month of business")
    demo_month.live_through(say=say)


def _people(at: datetime) -> None:
    root = root_branch(at=at)
    Branch.objects.filter(pk=root.pk).update(name="安居银行（演示）")
    city = create_branch(code="0100", name="江城分行", parent=root, by="system", at=at)
    branches = {"": city}
    for _district, code, name in demo_names.BRANCHES:
        branches[code] = create_branch(code=code, name=name, parent=city, by="system", at=at)
    for number, name, roles, branch in demo_names.PEOPLE:
        create_staff(
            staff_no=number,
            name=name,
            branch=branches[branch],
            roles=list(roles),
            password=PASSWORD,
            by="system",
            at=at,
        )


def _import_book() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo_book.csv"
        path.write_text(tape(), encoding="utf-8")
        board(path, as_of=TAPE_DAY, is_dry_run=False, refused_to=None, by="system", at=clock(TAPE_DAY, 22))
