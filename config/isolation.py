"""How one bad loan is kept from stopping a night: a chunk that fails is narrowed down to the loans that fail.

The chunk is tried whole; when it raises, its range of loan ids is halved until a single loan is left, which is held
back with its reason. Every other loan of the chunk goes through, and the held one is tried again the next evening with
its chunk. Faults of the database itself are nobody's loan's: they stop the night, which starts again where it was.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from journal.actions import hold_back, release
from journal.models import HeldBack

Work = Callable[..., Mapping[str, Any] | None]
_LAST_LOAN = "SELECT coalesce(max(id), 0) FROM loans_loan"


def run_isolated(
    work: Work, *, stage: str, as_of: date, scope: Mapping[str, Any], after: int, up_to: int | None
) -> dict[str, Any]:
    """The counts of a chunk (loan ids above `after`, up to `up_to`), with `held_back` when a loan was set aside."""
    counts: dict[str, Any] = {}
    failed: set[int] = set()
    ranges = [(after, up_to)]
    while ranges:
        low, high = ranges.pop()
        try:
            with transaction.atomic():
                found = work(as_of=as_of, after=low, up_to=high, **scope) or {}
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            last = _last_loan() if high is None else high
            if last - low <= 0:
                # Not a loan's doing: no loan is left in the range.
                raise
            if last - low == 1:
                failed.add(last)
                hold_back(stage=stage, subject_id=last, reason=_reason(error), since=as_of)
            else:
                middle = (low + last) // 2
                ranges += [(middle, last), (low, middle)]
            continue
        _add(counts, found)
    _release(stage, after, up_to, failed)
    if failed:
        counts["held_back"] = counts.get("held_back", 0) + len(failed)
    return counts


def _last_loan() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_LOAN)
        return int(cursor.fetchone()[0])


def _reason(error: Exception) -> str:
    """The kind of error and its first line; a database's detail may name personal data and is left out."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]


def _release(stage: str, after: int, up_to: int | None, failed: set[int]) -> None:
    """Forgets earlier refusals of loans that went through now; billing knows its own."""
    if stage == "bill":
        return
    held = HeldBack.objects.filter(stage=stage, subject_id__gt=after).exclude(subject_id__in=failed)
    if up_to is not None:
        held = held.filter(subject_id__lte=up_to)
    ids = list(held.values_list("subject_id", flat=True))
    if ids:
        release(stage=stage, subject_ids=ids)


def _add(counts: dict[str, Any], found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        counts[name] = counts.get(name, 0) + value if isinstance(value, int) else value
