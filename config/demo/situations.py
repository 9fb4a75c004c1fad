"""Which situation of the demo happens on which day, and whose loans are left to it by the ordinary work."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial

from config.demo import book, contracts, money, stories, stories_of_corrections, stories_of_homes
from config.demo.book import external_id
from followups.models import CorrectionReason
from loans.models import Loan

Scene = Callable[[date], None]
_LAST = date(2026, 10, 9), book.BUSINESS_DATE
# Loans whose visits the story makes itself: from one day to before another.
_TOLD_BY_STORY: dict[str, tuple[date, date]] = {
    external_id(serial): days
    for serial, days in {
        book.BACKFLOW: (date(2026, 8, 31), date(2026, 9, 10)),
        book.PAID_LATE: (date(2026, 8, 10), date(2026, 9, 22)),
        book.QUOTED: (date(2026, 7, 20), date(2026, 7, 24)),
        book.FIRST_TOUR: (date(2026, 9, 30), book.BUSINESS_DATE),
        **dict.fromkeys((book.HALVED, book.LOST, book.SEIZED, book.TENANT, book.RETURNED), _LAST),
        **dict.fromkeys((book.RED_TODAY, book.LEFT, book.RETURNED_TOUR, book.ORANGE), _LAST),
        **dict.fromkeys((book.CORRECTED, book.TO_CORRECT), _LAST),
    }.items()
} | {contracts.FUND: _LAST, contracts.BANK: _LAST}
_WHOLE_STALL = date(2026, 10, 9), date(2026, 10, 16)
_STALLED = {external_id(serial) for serial in book.STALLED_ONES}


def is_told_by_story(loan: Loan, day: date) -> bool:
    """Is the loan's visit part of a situation, which makes it on its own day?"""
    name = str(loan.external_id)
    since, until = _WHOLE_STALL if name in _STALLED else _TOLD_BY_STORY.get(name, (date.max, date.max))
    return since <= day < until


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
    (date(2026, 10, 20), partial(stories_of_corrections.reported, serial=book.CORRECTED)),
    (date(2026, 10, 21), partial(stories_of_corrections.reported, serial=book.TO_CORRECT)),
    (date(2026, 10, 21), stories.halved),
    (date(2026, 10, 21), stories.left_over),
    (date(2026, 10, 22), stories.alike),
    (date(2026, 10, 23), stories.deferral),
    (
        date(2026, 10, 23),
        partial(
            stories_of_corrections.opened,
            serial=book.CORRECTED,
            code=CorrectionReason.WRONG_ENTRY,
            words="客户收到告知后来电：月收入按税前折算有误，流水已寄出",
        ),
    ),
    (date(2026, 10, 26), stories_of_corrections.corrected),
    (date(2026, 10, 26), stories_of_homes.prices_fell),
    (date(2026, 10, 27), stories_of_homes.prices_applied),
    (date(2026, 10, 27), stories.sent_back),
    (date(2026, 10, 28), stories.amended),
    (date(2026, 10, 28), stories.quoted),
    (date(2026, 10, 28), stories_of_homes.third_draft),
    (date(2026, 10, 28), stories.to_mend),
    (
        date(2026, 10, 29),
        partial(
            stories_of_corrections.opened,
            serial=book.TO_CORRECT,
            code=CorrectionReason.INSPECTION,
            words="内部检查：报告所列月收入与留存工资流水不一致，请核对更正",
        ),
    ),
    (date(2026, 10, 29), stories.clean_calls),
    (date(2026, 10, 29), stories.orange),
    (date(2026, 10, 29), stories_of_homes.seized),
    (date(2026, 10, 29), stories_of_homes.waiting),
)
