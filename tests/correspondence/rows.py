"""A waiting message for tests of pages and the API."""

from datetime import date
from decimal import Decimal
from typing import Any

from correspondence.models import Message, Template
from tests.factories import AT


def message_row(bank: Any, place: str) -> int:
    """A reminder of the loan's arrears that waits; its id."""
    message, _made = Message.objects.get_or_create(
        loan=bank.loans[place], kind="OVERDUE", about=date(2026, 10, 20), step=7,
        defaults={
            "amount": Decimal("1.00"), "channel": "SMS", "template_version": 1, "business_date": date(2026, 11, 1),
            "not_before": AT, "expires_on": date(2026, 11, 4),
        },
    )  # fmt: skip
    return int(message.pk)


def wording_row() -> int:
    """A wording that is the bank's; its id."""
    return int(Template.objects.get(kind="DUE", version=1).pk)
