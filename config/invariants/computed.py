"""Claims that a statement alone cannot check: rows made once more from their history (reliability B 7, 9, 10, 18),
hashes recomputed from what they are of, columns and constraints of every table (B 4)."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from django.apps import apps
from django.db import connection
from django.db.models import UniqueConstraint

from config.invariants.claims import SHOWN, Finding
from followups.models import VisitReport
from followups.rules.report import content_sha256
from journal.models import Exhibit
from journal.queries import exhibit_bytes
from loans.changing import content_of
from loans.models import ContractChange, CostDisclosure, RepricingRun
from loans.queries.repricing import run_sha256
from loans.rebuild import look
from loans.rules import change_record
from loans.rules.contract import sha256_of

ROOMS = ("journal", "people", "loans", "collateral", "correspondence", "risk", "followups")


def computed_findings() -> Iterator[Finding]:
    numbers = _amounts_are_numbers()
    yield numbers
    yield from _rows_are_their_history(is_readable=numbers.is_ok)
    yield _changes_are_their_hash()
    yield _disclosures_are_their_hash()
    yield _repricing_runs_are_their_hash()
    yield _limits_are_in_force()
    yield _exhibits_are_their_hash()
    yield _reports_are_their_hash()


def _finding(code: str, claim: str, looked_at: int, broken: list[str]) -> Finding:
    return Finding(code, claim, looked_at, len(broken), tuple(broken[:SHOWN]))


def _rows_are_their_history(*, is_readable: bool) -> Iterator[Finding]:
    """Nothing can be folded while an amount is no number."""
    unreadable = [] if is_readable else ["an amount is no number"]
    unsigned, rows, ledger = list(unreadable), list(unreadable), list(unreadable)
    looked_at = 0
    for found in look() if is_readable else ():
        looked_at += 1
        if found.broken:
            unsigned.append(f"{found.loan_id}: {found.broken}")
        if found.differences:
            first = found.differences[0]
            rows.append(f"{found.loan_id}: {first.row} {first.column} {first.stored}, rebuilt {first.rebuilt}")
        if found.ledger:
            ledger.append(f"{found.loan_id}: {found.ledger[0]}")
    yield _finding(
        "terms_are_their_hash",
        "B3 B18: each version of the terms is what was signed, due days derived from contract, anchor and request",
        looked_at, unsigned,
    )  # fmt: skip
    yield _finding(
        "rows_are_their_history",
        "B9 B10: positions, installments and fees made once more from terms, receipts and decisions are those stored",
        looked_at, rows,
    )  # fmt: skip
    yield _finding(
        "ledger_is_what_receipts_mean",
        "B7 B10: each receipt was spread as its contract says on its value date, and the ledger says just that",
        looked_at, ledger,
    )  # fmt: skip


def _changes_are_their_hash() -> Finding:
    broken, looked_at = [], 0
    for change in ContractChange.objects.order_by("id").iterator():
        looked_at += 1
        if change_record.content_sha256(content_of(change)) != change.result_sha256:
            broken.append(f"change {change.pk}: {change.result_sha256[:12]}")
    return _finding("change_is_its_hash", "B24: each change is the one whose hash was approved", looked_at, broken)


def _disclosures_are_their_hash() -> Finding:
    broken, looked_at = [], 0
    for made in CostDisclosure.objects.prefetch_related("items").order_by("id").iterator(chunk_size=500):
        looked_at += 1
        said = {(each["code"], str(each["amount"])) for each in made.content["items"]}
        if sha256_of(made.content) != made.content_sha256 or said != {
            (each.code, str(each.amount)) for each in made.items.all()
        }:
            broken.append(f"disclosure {made.number}: {made.content_sha256[:12]}")
    claim = "B24: each cost disclosure has the content that its hash names, and its items"
    return _finding("disclosure_is_its_hash", claim, looked_at, broken)


def _repricing_runs_are_their_hash() -> Finding:
    runs = list(RepricingRun.objects.order_by("id").values_list("pk", "content_sha256"))
    broken = [f"run {pk}: {digest[:12]}" for pk, digest in runs if digest and run_sha256(pk) != digest]
    return _finding("repricing_is_its_hash", "B24: each repricing run is the one that was seen", len(runs), broken)


def _amounts_are_numbers() -> Finding:
    """NaN passes every comparison with zero, so it is looked for by name, in every numeric column of ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, array_agg(c.column_name::text) FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE c.table_schema = current_schema() AND c.data_type = 'numeric' AND t.table_type = 'BASE TABLE'"
            " AND split_part(c.table_name, '_', 1) = ANY(%s) AND c.table_name !~ 'ledger_line_[0-9]'"
            " GROUP BY 1 ORDER BY 1",
            [list(ROOMS)],
        )
        columns = cursor.fetchall()
        quoted = [
            (table, " OR ".join(f"{connection.ops.quote_name(name)} = 'NaN'" for name in names))
            for table, names in columns
        ]
        parts = [f"SELECT '{table}', count(*) FROM {table} WHERE {test}" for table, test in quoted]  # noqa: S608 - names
        cursor.execute(" UNION ALL ".join(parts))
        broken = [f"{table}: {count} rows" for table, count in cursor.fetchall() if count]
    claim = "B4: no column of an amount or a rate holds NaN"
    return _finding("amount_is_a_number", claim, sum(len(names) for _table, names in columns), broken)


def _limits_are_in_force() -> Finding:
    """Every row keeps the limits that its table declares, as long as the database has them and has checked them."""
    declared = {
        (model._meta.db_table, constraint.name)
        for room in ROOMS
        for model in apps.get_app_config(room).get_models()
        for constraint in model._meta.constraints
    }
    checks = {
        (model._meta.db_table, constraint.name)
        for room in ROOMS
        for model in apps.get_app_config(room).get_models()
        for constraint in model._meta.constraints
        if not isinstance(constraint, UniqueConstraint)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.relname, c.conname FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid"
            " WHERE c.convalidated"
            " UNION SELECT r.relname, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_class r ON r.oid = x.indrelid WHERE x.indisunique AND x.indisvalid"
        )
        there = set(cursor.fetchall())
    broken = [f"{table}: {name}" for table, name in sorted(declared - there)]
    claim = f"B4: the limits that tables declare are in force ({len(checks)} of values, the rest of uniqueness)"
    return _finding("limits_are_in_force", claim, len(declared), broken)


def _exhibits_are_their_hash(read: Callable[[Exhibit], bytes] = exhibit_bytes) -> Finding:
    broken, looked_at = [], 0
    for exhibit in Exhibit.objects.order_by("id").iterator():
        looked_at += 1
        try:
            is_same = sha256(read(exhibit)).hexdigest() == exhibit.sha256
        except OSError:
            is_same = False
        if not is_same:
            broken.append(f"exhibit {exhibit.pk}: {exhibit.sha256[:12]}")
    return _finding("file_is_its_hash", "B26: each stored file has the hash under which it is kept", looked_at, broken)


def _reports_are_their_hash() -> Finding:
    broken, looked_at = [], 0
    for pk, content, digest in (
        VisitReport.objects.order_by("id").values_list("pk", "content", "content_sha256").iterator()
    ):
        looked_at += 1
        if content_sha256(content) != digest:
            broken.append(f"report {pk}: {digest[:12]}")
    claim = "B26: each submitted report has the content that its hash names"
    return _finding("report_is_its_hash", claim, looked_at, broken)
