"""How one bad loan is kept from stopping a night: a chunk that fails is narrowed down to the loans that fail.

The chunk is tried whole; when it raises, its range of loan ids is halved until a single loan is left, which is held
back with its reason. Every other loan of the chunk goes through, and the held one is tried again the next evening with
its chunk. Faults of the database itself are nobody's loan's: they stop the night, which starts again where it was.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction

from journal.actions import hold_back, release
from journal.models import HeldBack
from journal.passing import is_unreachable

Work = Callable[..., Mapping[str, Any] | None]
_LAST_LOAN = "SELECT coalesce(max(id), 0) FROM loans_loan"


def run_isolated(
    work: Work,
    *,
    stage: str,
    as_of: date,
    scope: Mapping[str, Any],
    after: int,
    up_to: int | None,
    takes_ids: bool = False,
    found: Sequence[int] | None = None,
    has_held: bool = True,
) -> dict[str, Any]:
    """The counts of a chunk (loan ids above `after`, up to `up_to`), with `held_back` when a loan was set aside.

    Loans that were `found` already are handed to the work, which then does not search.
    A loan held back before is looked at again by its id where the work takes ids: its own search may find a loan on
    one day only. `has_held` is False where the caller knows that none is held back in the stage.
    """
    counts: dict[str, Any] = {}
    failed: set[int] = set()
    held = _held(stage, after, up_to) if has_held and stage != "bill" else []
    if takes_ids:
        for loan_id in held:
            _try_again(work, loan_id, stage, as_of, scope, counts, failed)
    ranges = [(after, up_to)]
    while ranges:
        low, high = ranges.pop()
        try:
            with transaction.atomic():
                did = work(as_of=as_of, after=low, up_to=high, **scope, **_between(found, low, high)) or {}
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            if is_unreachable(error) or not connection.is_usable():
                raise
            last = _last_loan() if high is None else high
            if last - low <= 0:
                # Not a loan's doing: no loan is left in the range.
                raise
            if last - low == 1:
                if last not in failed:
                    hold_back(stage=stage, subject_id=last, reason=reason_of(error), since=as_of)
                failed.add(last)
            else:
                middle = (low + last) // 2
                ranges += [(middle, last), (low, middle)]
            continue
        _add(counts, did)
    if went := set(held) - failed:
        release(stage=stage, subject_ids=went)
    if failed:
        counts["held_back"] = counts.get("held_back", 0) + len(failed)
    return counts


def _between(found: Sequence[int] | None, low: int, high: int | None) -> dict[str, list[int]]:
    """What of the loans found lies in a range, as the work takes it."""
    if found is None:
        return {}
    return {"found": [loan_id for loan_id in found if low < loan_id and (high is None or loan_id <= high)]}


def _try_again(
    work: Work,
    loan_id: int,
    stage: str,
    as_of: date,
    scope: Mapping[str, Any],
    counts: dict[str, Any],
    failed: set[int],
) -> None:
    try:
        with transaction.atomic():
            _add(counts, work(as_of=as_of, loan_ids=[loan_id], **scope) or {})
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if is_unreachable(error) or not connection.is_usable():
            raise
        failed.add(loan_id)
        hold_back(stage=stage, subject_id=loan_id, reason=reason_of(error), since=as_of)


def _last_loan() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_LOAN)
        return int(cursor.fetchone()[0])


def reason_of(error: Exception) -> str:
    """The kind of error and its first line; a database's detail may name personal data and is left out."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]


def _held(stage: str, after: int, up_to: int | None) -> list[int]:
    """Loans of the chunk that were held back before, in id order; billing knows its own."""
    held = HeldBack.objects.filter(stage=stage, subject_id__gt=after)
    if up_to is not None:
        held = held.filter(subject_id__lte=up_to)
    return sorted(held.values_list("subject_id", flat=True))


def _add(counts: dict[str, Any], found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        counts[name] = counts.get(name, 0) + value if isinstance(value, int) else value
