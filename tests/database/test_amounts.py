"""No amount and no rate of a loan can be NaN: every numeric column of the loans' tables has a limit that refuses it."""

import pytest
from django.db import IntegrityError, connection, transaction

from loans.models import Position, Terms
from tests.factories import book_loan

pytestmark = pytest.mark.django_db

_COLUMNS = """
SELECT c.table_name, c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = current_schema() AND c.data_type = 'numeric' AND t.table_type = 'BASE TABLE'
  AND c.table_name LIKE 'loans\\_%%' AND c.table_name !~ 'ledger_line' AND NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conrelid = c.table_name::regclass AND k.conname = c.table_name || '_are_numbers'
    AND (SELECT attnum FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attname = c.column_name) = ANY(k.conkey))
"""


def test_every_amount_and_rate_is_a_number() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS, [])
        assert cursor.fetchall() == []


@pytest.mark.parametrize("column", ["suspense", "fees_due", "annual_rate_percent"])
def test_what_is_no_number_is_refused(column: str) -> None:
    loan = book_loan()
    before = list(Position.objects.values_list()), list(Terms.objects.values_list())
    refused = pytest.raises(IntegrityError, match="are_numbers|within_limits")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE loans_position SET {column} = 'NaN' WHERE loan_id = %s", [loan.pk])
    assert before == (list(Position.objects.values_list()), list(Terms.objects.values_list()))
