"""The floor plan of the house: which fact wakes which reaction. One screenful.

Facts go up: a lower room records what happened; the reconcilers named here make the rows of the
rooms above agree. Day end calls the same functions for what happened since the last close and, a
slice an evening, for the whole book, so a lost fact heals.
"""

from collections.abc import Sequence
from datetime import date, datetime

from journal import queries as journal_queries
from journal import reactions

REACTIONS: dict[str, tuple[str, ...]] = {
    "loans.overdue_began": ("regrade", "replan"),
    "loans.overdue_cured": ("regrade", "replan"),
    "loans.overdue_moved": ("regrade", "replan"),
    "loans.payment_record_changed": ("regrade", "replan"),
    "loans.class_changed": ("regrade", "replan", "answer_events"),
    "loans.settled": ("replan", "answer_events"),
    "loans.disbursed": ("regrade", "replan"),
    "loans.receipt_reversed": ("regrade", "replan"),
    "loans.change_applied": ("regrade", "replan"),
    "loans.change_reversed": ("regrade", "replan"),
    "loans.restructured": ("regrade", "replan"),
    "loans.accelerated": ("regrade", "replan"),
    "loans.written_off": ("regrade", "replan"),
    "collateral.revalued": ("regrade", "replan", "warn_of_values", "answer_events"),
    "risk.grade_changed": ("replan",),
    "risk.signal_raised": ("tell_signals",),
    "followups.report_approved": ("regrade", "replan", "answer_events"),
    "followups.report_corrected": ("regrade", "replan"),
    "followups.event_recorded": ("answer_events",),
    "followups.contact_lost": ("answer_events",),
    "people.loans_moved": ("replan",),
    # A whole book came in: one subject-less wake-up, the reconcilers find the loans themselves.
    "loans.booked": ("regrade_book", "replan_book"),
}


def install() -> None:
    """Names the reactions to each kind of fact; called once when Django is ready."""
    from config import search
    from loans.queries import open_business_date

    search.install()

    journal_queries.tell_business_date(open_business_date)
    reactions.install(
        REACTIONS,
        {
            "regrade": regrade,
            "replan": replan,
            "regrade_book": regrade_book,
            "replan_book": replan_book,
            "answer_events": answer_events,
            "warn_of_values": warn_of_values,
            "tell_signals": tell_signals,
        },  # fmt: skip
    )


def regrade(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from risk import batch

    if as_of:
        batch.regrade(as_of=as_of, at=at, loan_ids=subject_ids)


def replan(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from followups import batch
    from followups.batch import notices

    if as_of:
        batch.replan(as_of=as_of, at=at, loan_ids=subject_ids)
        notices.tell_red(as_of=as_of, at=at, loan_ids=subject_ids)


def warn_of_values(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from risk import batch

    if as_of:
        batch.warn_of_values(as_of=as_of, at=at, loan_ids=subject_ids)


def tell_signals(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from followups.batch import alerts

    if as_of:
        alerts.tell_signals(as_of=as_of, at=at, loan_ids=subject_ids)


def answer_events(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from followups.batch import answering

    if as_of:
        answering.answer_events(as_of=as_of, at=at, loan_ids=subject_ids)


def regrade_book(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from risk import batch

    if as_of:
        batch.regrade(as_of=as_of, at=at)


def replan_book(*, subject_ids: Sequence[int], as_of: date | None, at: datetime) -> None:
    from followups import batch

    if as_of:
        batch.replan(as_of=as_of, at=at)
