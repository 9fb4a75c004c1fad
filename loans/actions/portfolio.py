"""Changes who looks after a loan (管户): one statement for any number of loans."""

from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

_MOVE = """
UPDATE loans_loan l SET portfolio_officer_id = x.officer
  FROM unnest(%(loans)s::bigint[], %(officers)s::bigint[]) AS x(loan, officer)
 WHERE l.id = x.loan AND l.portfolio_officer_id = %(giver)s
"""


@transaction.atomic
def move_portfolio(*, from_officer_id: int, receivers: Mapping[int, int]) -> int:
    """Gives loans to receivers (staff by loan) where they still are the giver's; how many moved.

    The caller decides who may and records the decision.
    """
    ids = sorted(receivers)
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"loans": ids, "officers": [receivers[pk] for pk in ids], "giver": from_officer_id}
        cursor.execute(_MOVE, asked)
        return int(cursor.rowcount)
