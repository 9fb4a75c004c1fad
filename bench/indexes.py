"""Takes the indexes and triggers of the bulk tables off while a book is loaded, and puts them back."""

from typing import Any

_BULK = (
    "people_party", "people_financialprofile", "loans_loan", "loans_terms", "loans_pricing", "loans_position",
    "loans_installment", "loans_receipt", "loans_posting", "loans_ledger_line", "collateral_property",
    "collateral_charge", "collateral_valuation",
)  # fmt: skip
_REMEMBER = """
CREATE UNLOGGED TABLE book_index AS
SELECT indexdef, indexname FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname
WHERE tablename = ANY(%(tables)s) AND schemaname = 'public' AND NOT EXISTS (
    SELECT FROM pg_constraint k WHERE k.conindid = c.oid)
"""


def take_off(cursor: Any) -> None:
    """Drops what is no constraint; triggers of ours sleep."""
    cursor.execute(_REMEMBER, {"tables": list(_BULK)})
    cursor.execute("SELECT indexname FROM book_index")
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP INDEX "{name}"')
    for table in _BULK:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def put_back(cursor: Any) -> None:
    cursor.execute("SELECT indexdef FROM book_index ORDER BY indexname")
    for (statement,) in cursor.fetchall():
        # A partitioned table's index is listed as ON ONLY; without ONLY its partitions get theirs.
        cursor.execute(statement.replace(" ON ONLY ", " ON "))
    for table in _BULK:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    cursor.execute("DROP TABLE book_index")
