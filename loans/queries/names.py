"""How the borrower's name is shown to a person (users.md 2)."""

from loans.models import Loan
from people.models import Staff
from people.rules.masking import mask_name


def borrower_name(loan: Loan, staff: Staff) -> str:
    """In full for the portfolio officer, else masked."""
    name = loan.borrower.name
    return name if loan.portfolio_officer_id == staff.pk else mask_name(name)
