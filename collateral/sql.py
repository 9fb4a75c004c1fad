"""SQL of the homes: what the rooms above join (what else a loan's homes secure), and COPY of a book taken over."""

from collections.abc import Iterable, Sequence

from loans.sql import copy_rows, rows

# Loan → balances of the other loans charged on the same homes. The value of a home bears them all (抵质押率 = secured
# balances ÷ value), whichever rank they have; only combination loans share a home.
BESIDE = """
beside AS (
    SELECT other.loan_id, sum(q.principal_balance) AS balance FROM (
        SELECT DISTINCT c.loan_id, d.loan_id AS beside_id
          FROM collateral_charge c
          JOIN collateral_charge d ON d.property_id = c.property_id AND d.loan_id <> c.loan_id
         WHERE c.loan_id = ANY(%(ids)s)) other
      JOIN loans_position q ON q.loan_id = other.beside_id
     GROUP BY other.loan_id
)
"""

# What would end a field or a row, or begin an escape, in COPY's text.
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def next_ids(table: str, count: int) -> list[int]:
    """Ids for rows that are copied in."""
    found = rows(
        "SELECT nextval(pg_get_serial_sequence(%(table)s, 'id')) FROM generate_series(1, %(count)s) ORDER BY 1",
        {"table": table, "count": count},
    )
    return [row[0] for row in found]


def copy_texts(table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
    """COPYs rows whose texts may hold anything that somebody typed."""
    escaped = ([each.translate(_ESCAPED) if isinstance(each, str) else each for each in row] for row in values)
    copy_rows(table, columns, escaped)
