"""A channel of the bank asks where one borrower's visits stand: each question is on record, guessing is held up."""

from datetime import datetime, timedelta

from followups.queries.customer_status import loan_of_customer
from journal.actions import record
from journal.models import Entry
from loans.models import Loan
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff

TOLD, MISSED = "followups.status_told", "followups.status_missed"
# So many pairs of numbers that name nothing, in so long, is guessing: nothing is looked up until they are older.
MOST_MISSES, MISSES_OF = 60, timedelta(minutes=10)


def guesses_until(by: Staff, at: datetime) -> datetime | None:
    """When this channel may ask again; None while it may."""
    missed = Entry.objects.filter(kind=MISSED, subject_type="staff", subject_id=by.pk, at__gt=at - MISSES_OF)
    times = list(missed.order_by("-id").values_list("at", flat=True)[:MOST_MISSES])
    return times[-1] + MISSES_OF if len(times) == MOST_MISSES else None


def answer_customer(*, id_no: str, loan_note_no: str, by: Staff, at: datetime) -> Loan | None:
    """The loan that both numbers name. The record holds neither number; a miss says only which channel asked."""
    require(by, "followups.customer_status")
    loan = loan_of_customer(by, id_no=id_no, loan_note_no=loan_note_no)
    record(
        kind=TOLD if loan else MISSED,
        subject_type="loan" if loan else "staff",
        subject_id=loan.pk if loan else by.pk,
        loan_id=loan.pk if loan else None,
        by=by.staff_no,
        at=at,
        business_date=require_business_date(),
    )
    return loan
