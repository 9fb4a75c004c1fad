"""Letters for the matrices of pages and API."""

from typing import Any

from followups import actions
from followups.actions.letters import Asked
from followups.models import Letter
from tests.factories import AT
from tests.web.api_bank import TODAY, Bank

NOTHING = 987654321
READERS = {"officer", "colleague", "manager", "stranger", "risk", "auditor"}
WRITERS = {"officer", "colleague", "stranger", "manager"}
DELIVERED = {"way": "IN_PERSON", "received_by": "BORROWER", "delivered_on": TODAY.isoformat()}
ROWS: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("loan-letters", "GET"): (READERS, None),
    ("loan-letters", "POST"): (WRITERS, {"kind": "DEMAND"}),
    ("letter", "GET"): (READERS, None),
    ("letter-pdf", "GET"): (READERS, None),
    ("letter-deliver", "POST"): (WRITERS, DELIVERED),
    ("letter-withdraw", "POST"): (WRITERS, {"reason": "期限写错了"}),
    ("letter-undo", "POST"): (WRITERS, {"reason": "登记错了文书"}),
}


def letter_in(bank: Bank, place: str) -> int:
    """A demand of the place's loan; an id that nothing has for any other place."""
    if place not in bank.loans:
        return NOTHING
    loan = bank.loans[place]
    known = Letter.objects.filter(loan=loan).first()
    who = bank.staff["officer" if place == "home" else "stranger"]
    return (known or actions.make_letter(loan_id=loan.pk, asked=Asked("DEMAND"), by=who, at=AT)[0]).pk
