"""The demo bank: 安居银行（演示）江城分行 with its people and a book that has lived for months.

The book is imported as a tape like any bank's, receipts are made and posted, day end runs, and officers make visits
through the same actions as in the browser; nothing is written around them. The business date stays 2026-10-30 until
somebody closes it.
"""

import tempfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

from django.contrib.auth.hashers import make_password

from config import made_up_names as names
from config.boarding import board
from config.demo import book, living, situations, tour
from config.demo.book import LOANS, MONTHS, Span, clock
from followups.batch import digests
from journal.actions import waking_nobody
from people.actions import create_branch, create_staff, root_branch
from people.actions.certificates import take_over_certificates
from people.models import Branch, Staff

PASSWORD = "anju-demo-2026"  # noqa: S105 (printed on the demo's sign-in page)


def sign_ins() -> list[tuple[str, str, str, str]]:
    """(staff number, name, role name, password) of the cards on the demo's sign-in page."""
    people = {number: (name, roles) for number, name, roles, _branch in names.PEOPLE}
    found = {s.staff_no: s for s in Staff.objects.filter(staff_no__in=names.CARDS).prefetch_related("roles")}
    return [
        (number, people[number][0], "、".join(role.name for role in found[number].roles.all()), PASSWORD)
        for number in names.CARDS
        if number in found
    ]


def load(*, say: Callable[[str], None], loans: int = LOANS, months: int = MONTHS) -> None:
    """Builds the demo bank on an empty database; little more than a minute for four months on an idle machine.

    No worker is woken meanwhile: every evening runs its reactions itself, and hundreds of calls would wait for the
    first worker.
    """
    with waking_nobody():
        _live(say, loans, months)


def _live(say: Callable[[str], None], loans: int, months: int) -> None:
    tape_day = Span(months).tape_day
    say("people")
    _people(clock(tape_day, 9))
    say(f"book of {tape_day}")
    _import(book.book_tape(tape_day, loans), tape_day)
    later = book.new_loans(tape_day, loans)

    def tapes(day: date) -> None:
        before = day - timedelta(days=1)
        if later.get(before):
            _import(book.tape(before, later[before]), before)

    living.live(tape_day + timedelta(days=1), situations.scenes(), tapes, say)
    say("the desk of the business date")
    tour.arrange()
    say("the morning's digests")
    digests.make_digests(as_of=book.BUSINESS_DATE, at=clock(book.BUSINESS_DATE, 8, 30))


def _people(at: datetime) -> None:
    root = root_branch(at=at)
    Branch.objects.filter(pk=root.pk).update(name="安居银行（演示）")
    city = create_branch(code="0100", name="江城分行", parent=root, by="system", at=at)
    branches = {"": city}
    for _district, code, name in names.BRANCHES:
        branches[code] = create_branch(code=code, name=name, parent=city, by="system", at=at)
    for number, name, roles, branch in names.PEOPLE:
        create_staff(
            staff_no=number,
            name=name,
            branch=branches[branch],
            roles=list(roles),
            password=None,
            by="system",
            at=at,
        )
    # Who has no card signs in once the administrator gives a password. One hash for all: it takes a third of a second.
    signs_in = Staff.objects.filter(staff_no__in=[*names.CARDS, *names.SIGN_IN_TOO])
    signs_in.update(password=make_password(PASSWORD))
    certified = list(Staff.objects.filter(roles__code="LOAN_OFFICER").order_by("staff_no"))
    ends_soon, others = certified[-1:], certified[:-1]
    take_over_certificates(staff=others, first=date(2025, 7, 1), last=date(2027, 6, 30))
    take_over_certificates(staff=ends_soon, first=date(2023, 12, 1), last=date(2026, 11, 30))


def _import(text: str, as_of: date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"demo_book_{as_of:%Y%m%d}.csv"
        path.write_text(text, encoding="utf-8")
        board(path, as_of=as_of, is_dry_run=False, refused_to=None, by="system", at=clock(as_of, 22))
