"""What the state of a bank is: every table, without the numbers of sequences and without instants.

Columns are read from the catalogue, so that a new one belongs to the state at once. Two states are the same when each
part has as many rows and the same sum of their hashes; what is missing was lost, what is too much was doubled.
"""

from collections.abc import Iterable

from django.db import connection

State = dict[str, tuple[int, int]]
# Not the bank's: of the framework, or a progress that is judged by itself (`tally.stuck`).
NOT_STATE = (
    "django_", "auth_", "axes_", "otp_", "undo_", "journal_chunk", "journal_night", "journal_pending",
    "people_idempotencykey", "followups_digest",
)  # fmt: skip
# A message of the morning is made by the clock of whoever runs the work, not by the evening that is disturbed.
TOLD = "followups.digests_made"
# How the work was cut; the same for one size of chunks only.
CUT = ("journal_run",)
_RECEIPT = "(SELECT r.channel || ' ' || r.serial FROM loans_receipt r WHERE r.id = t.{})"
_POSTING = """(SELECT concat_ws(' ', p.loan_id, p.kind, p.value_on, p.business_date, p.installment_number, r.serial)
 FROM loans_posting p LEFT JOIN loans_receipt r ON r.id = p.receipt_id WHERE p.id = t.{})"""
_TASK = "(SELECT concat_ws(' ', v.loan_id, v.kind, v.rule, v.cycle) FROM followups_visittask v WHERE v.id = t.{})"
# Numbers of rows that trials write, by what they stand for.
STANDS_FOR = {
    "receipt_id": _RECEIPT,
    "posting_id": _POSTING,
    "reverses_id": _POSTING,
    "after_reversal_id": _POSTING,
    "source_id": "(t.{} IS NOT NULL)",
    "file_id": "(SELECT f.sha256 FROM loans_moneyfile f WHERE f.id = t.{})",
    "task_id": _TASK,
    "lead_id": _TASK,
    "event_id": "(SELECT concat_ws(' ', e.loan_id, e.source, e.code, e.content_sha256) FROM followups_event e "
    "WHERE e.id = t.{})",
    "signal_id": "(SELECT concat_ws(' ', s.loan_id, s.code, s.occasion) FROM risk_signal s WHERE s.id = t.{})",
    "external_id": r"regexp_replace(t.{}, '^(class|signal|promise):[0-9]+$', '\1')",
    "data": "(t.{} - 'event_id' - 'lead' - 'answered_by')",
    "subject_id": "CASE WHEN t.subject_type = 'loan' THEN t.{} END",
}
_COLUMNS = """
SELECT c.table_name, c.column_name FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
JOIN pg_class k ON k.oid = (quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::regclass
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND NOT k.relispartition
  AND c.data_type NOT LIKE 'timestamp%%' AND c.column_name <> 'request_id' AND c.column_name NOT LIKE 'crash\\_%%'
ORDER BY c.table_name, c.ordinal_position
"""
_PART = (
    "SELECT '{table}', count(*), coalesce(sum(hashtextextended(x::text, 0)::numeric), 0) "
    "FROM (SELECT {columns} FROM {table} t WHERE true{where}) x"
)


def _query(cut: bool, kinds: Iterable[str]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns: dict[str, list[str]] = {}
        for table, column in cursor.fetchall():
            if not table.startswith(NOT_STATE) and (cut or table not in CUT):
                columns.setdefault(table, []).append(column)
    parts = []
    for table, names in columns.items():
        kept = [name for name in names if name != "id"]
        if table == "journal_heldback":
            values = [f"t.{name}" for name in kept]
        else:
            values = [STANDS_FOR[name].format(name) if name in STANDS_FOR else f"t.{name}" for name in kept]
        left_out = [TOLD, *kinds, *([] if cut else ["day_end.%"])]
        where = "".join(f" AND t.kind NOT LIKE '{kind}'" for kind in left_out) if table == "journal_entry" else ""
        parts.append(_PART.format(table=table, columns=", ".join(values), where=where))
    return " UNION ALL ".join(parts)


def state(*, cut: bool = True, but: Iterable[str] = ()) -> State:
    """Rows and sum of hashes by table; without `cut` what tells how the work was cut is left out.

    `but` are kinds of facts that tell when something came, where that is left to chance.
    """
    query = _query(cut, but)
    with connection.cursor() as cursor:
        cursor.execute(query)
        return {name: (int(count), int(total)) for name, count, total in cursor.fetchall()}


def differing(expected: State, found: State) -> dict[str, int]:
    """Rows too many (or, below zero, too few) of each part that is not as expected."""
    return {
        name: found.get(name, (0, 0))[0] - expected.get(name, (0, 0))[0]
        for name in {*expected, *found}
        if expected.get(name) != found.get(name)
    }
