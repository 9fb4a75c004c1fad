"""Which situation of the demo happens on which day, and whose loans are left to it by the ordinary work."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial

from config.demo import book, contracts, money, stories, stories_of_homes
from config.demo.book import external_id
from loans.models import Loan

Scene = Callable[[date], None]
# Loans whose visits the story makes itself: serial → from when on.
_TOLD_BY_STORY: dict[str, date] = {
    external_id(serial): since
    for serial, since in {
        book.BACKFLOW: date(2026, 8, 31),
        book.PAID_LATE: date(2026, 8, 10),
        book.QUOTED: date(2026, 7, 20),
        book.FIRST_TOUR: date(2026, 9, 30),
        **dict.fromkeys((book.HALVED, book.LOST, book.SEIZED, book.TENANT, book.RETURNED), date(2026, 10, 9)),
        **dict.fromkeys((book.RED_TODAY, book.LEFT, book.RETURNED_TOUR, book.ORANGE), date(2026, 10, 9)),
    }.items()
} | {contracts.FUND: date(2026, 10, 9), contracts.BANK: date(2026, 10, 9)}
_STALLED = {external_id(serial) for serial in book.STALLED_ONES}


def is_told_by_story(loan: Loan, day: date) -> bool:
    """Is the loan's visit part of a situation, which makes it on its own day?"""
    name = str(loan.external_id)
    since = _TOLD_BY_STORY.get(name)
    return (since is not None and day >= since) or (name in _STALLED and date(2026, 10, 9) <= day < date(2026, 10, 16))


def scenes() -> dict[date, list[Scene]]:
    """Day → what happens on it before the ordinary work."""
    found: dict[date, list[Scene]] = defaultdict(list)
    for day, scene in _SCENES:
        found[day].append(scene)
    return found


def _pays(day: date) -> None:
    loan = stories.loan_of(book.PAID_LATE)
    money.settle({loan.pk: loan.loan_note_no}, day)


_SCENES: tuple[tuple[date, Scene], ...] = (
    (date(2026, 7, 13), contracts.pay_out),
    (date(2026, 7, 22), stories.quoted_before),
    (date(2026, 8, 14), contracts.registrable),
    (date(2026, 8, 20), stories.restructured),
    (date(2026, 8, 24), partial(stories.paid_late, number=0)),
    (date(2026, 9, 9), stories.backflow),
    (date(2026, 9, 15), partial(stories.paid_late, number=1)),
    (date(2026, 9, 21), _pays),
    (date(2026, 10, 9), stories_of_homes.second_policy),
    (date(2026, 10, 12), partial(stories.lost, number=0)),
    (date(2026, 10, 12), stories_of_homes.stalled),
    (date(2026, 10, 13), partial(stories.lost, number=1)),
    (date(2026, 10, 13), stories_of_homes.divorced),
    (date(2026, 10, 14), partial(stories.lost, number=2)),
    (date(2026, 10, 15), stories_of_homes.stalled_visit),
    (date(2026, 10, 16), stories_of_homes.divorced_visit),
    (date(2026, 10, 19), stories_of_homes.tenant),
    (date(2026, 10, 20), stories.stopped),
    (date(2026, 10, 21), stories.halved),
    (date(2026, 10, 21), stories.left_over),
    (date(2026, 10, 22), stories.alike),
    (date(2026, 10, 23), stories.deferral),
    (date(2026, 10, 26), stories_of_homes.prices_fell),
    (date(2026, 10, 27), stories_of_homes.prices_applied),
    (date(2026, 10, 27), stories.sent_back),
    (date(2026, 10, 28), stories.amended),
    (date(2026, 10, 28), stories.quoted),
    (date(2026, 10, 28), stories_of_homes.third_draft),
    (date(2026, 10, 28), stories.to_mend),
    (date(2026, 10, 29), stories.orange),
    (date(2026, 10, 29), stories_of_homes.seized),
    (date(2026, 10, 29), stories_of_homes.waiting),
)
