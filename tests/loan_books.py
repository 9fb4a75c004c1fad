"""A small deterministic book of loans, for tests of boarding, receipts and day ends."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from loans.actions import OpeningLoan, book_opening
from loans.models import ImportBatch
from tests import factories

AS_OF = factories.AS_OF


def opening_row(serial: int, *, borrower_id: int, branch_id: int, random: Random) -> OpeningLoan:
    """Any believable loan; about one in fifteen is past due."""
    disbursed_on = AS_OF - timedelta(days=random.randint(40, 6000))
    matures_on = disbursed_on + timedelta(days=random.randint(400, 9000))
    return OpeningLoan(
        loan_note_no=f"ML{serial:012d}",
        external_id=f"B{serial:06d}",
        borrower_id=borrower_id,
        branch_id=branch_id,
        portfolio_officer_id=None,
        principal_original=Decimal("1000000.00"),
        outstanding=Decimal(random.randint(100, 90_000_000)).scaleb(-2),
        annual_rate_percent=Decimal(random.randint(20_000, 70_000)).scaleb(-4),
        disbursed_on=disbursed_on,
        matures_on=max(matures_on, AS_OF + timedelta(days=3)),
        due_day=random.randint(1, 31),
        days_past_due=random.choice([random.randint(1, 400), *[0] * 14]),
        credit_score=random.randint(450, 850),
        payment_record="",
        last_visit_on=None,
        tape_line=serial,
        tape_sha256=f"{serial:064x}",
    )


def book(loans: int, *, seed: int = 1, opens_on: date = date(2026, 11, 1)) -> dict[str, int]:
    """Opens a bank with a book of loans; loan ids by external id."""
    random = Random(seed)
    factories.open_bank(opens_on)
    branches = [factories.make_branch() for _ in range(3)]
    parties = factories.make_parties(loans)
    batch = ImportBatch.objects.create(
        file_name="book.csv", sha256=f"{seed:064d}", as_of=AS_OF, actor="system", at=factories.AT
    )
    rows = [
        opening_row(serial, borrower_id=parties[serial - 1].pk, branch_id=random.choice(branches).pk, random=random)
        for serial in range(1, loans + 1)
    ]
    return book_opening(rows=rows, as_of=AS_OF, batch=batch, by="system", at=factories.AT)
