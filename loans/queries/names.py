"""How the borrower's name is shown to a person (users.md 2)."""

from loans.models import Loan
from people.models import Staff
from people.queries import may
from people.rules.masking import mask_name


def borrower_name(loan: Loan, staff: Staff) -> str:
    """In full for the portfolio officer, else masked."""
    name = loan.borrower.name
    return name if loan.portfolio_officer_id == staff.pk else mask_name(name)


def is_name_on_paper(loan: Loan, staff: Staff) -> bool:
    """Papers that a customer gets bear the name in full where a customer gets them from: officer, counter, branch."""
    return loan.portfolio_officer_id == staff.pk or may(staff, "loans.print_for_customer")


def name_on_paper(loan: Loan, staff: Staff) -> str:
    """The borrower's name on a paper that this person takes; the taking is recorded by whoever hands it out."""
    return str(loan.borrower.name) if is_name_on_paper(loan, staff) else borrower_name(loan, staff)
