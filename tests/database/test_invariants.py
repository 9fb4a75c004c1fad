"""check_invariants finds what is broken, names it, and says so by its exit status."""

import json
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from loans.models import Installment, Position
from tests.factories import book_loan

pytestmark = pytest.mark.django_db


def check() -> tuple[int, dict[str, Any]]:
    out, status = StringIO(), 0
    try:
        call_command("check_invariants", "--json", stdout=out)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, json.loads(out.getvalue().splitlines()[-1])


def test_a_sound_book_passes_every_check() -> None:
    book_loan(days_past_due=40)
    status, found = check()
    assert (status, found["broken"]) == (0, [])
    assert len(found["checks"]) >= 30


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"principal_balance": 1_000_000}, "balance_is_the_ledgers"),
        ({"unbilled_principal": 1}, "balance_is_unbilled_and_unpaid"),
        ({"next_number": 60}, "unbilled_is_the_rest_of_the_schedule"),
        ({"overdue_since": None}, "overdue_since_is_the_oldest_recognised"),
        ({"five_class": "LOSS"}, "class_is_that_of_days_past_due"),
        ({"suspense": 5}, "suspense_pays_what_is_billed"),
        ({"settled_on": date(2026, 11, 1)}, "settled_loan_owes_nothing"),
    ],
)
def test_a_position_that_is_wrong_is_found(changes: dict[str, Any], code: str) -> None:
    loan = book_loan(days_past_due=40)
    Position.objects.filter(pk=loan.pk).update(**changes)
    status, found = check()
    assert status == 1 and code in found["broken"]


def test_an_installment_that_was_not_signed_is_found() -> None:
    loan = book_loan(days_past_due=40)
    Installment.objects.filter(loan_id=loan.pk).update(principal=1)
    status, found = check()
    assert status == 1 and "installment_is_as_signed" in found["broken"]


def test_an_orphan_is_found() -> None:
    book_loan()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at)"
            " VALUES (987654, 'RECEIPT', '2026-10-31', '2026-10-31', now())"
        )
    status, found = check()
    assert status == 1 and {"no_orphans", "posting_has_its_lines"} <= set(found["broken"])
