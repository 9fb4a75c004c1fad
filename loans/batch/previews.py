"""Previews a repricing run that was asked for, some hundred loans at a time; the last chunk makes it a proposal.

Each chunk is one transaction that also writes how far the run is, so a worker that is killed costs a chunk, and
whoever comes next goes on behind it. The run's row is the lock: a second worker finds it taken and leaves it. A loan
that cannot be computed is held back in the run with its reason, and the others go on.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from journal.actions import record
from loans import sql
from loans.models import Position, RepricingRun, RepricingState, Terms
from loans.queries import hold_business_date
from loans.queries.repricing import market_of_days, outcomes, run_sha256, totals_of
from loans.queries.terms import LoanTerms
from loans.rules.money import fen, rate_ppm, yuan
from loans.rules.plain_repricing import Repriced, Stretch
from loans.rules.pricing import Agreed, Outcome, month_amount_fen, publications_between
from loans.sql import repricing as statements

logger = logging.getLogger(__name__)
CHUNK = 500
# A preview that fails so often in a row is given up; it can be asked for again.
MOST_FAILURES = 3
NOTHING_LEFT, BROKEN = "nothing_left", "broken"
# What an item can hold of a loan that is held back with whatever rate it has.
_MOST_PPM = 360_000
ITEM_COLUMNS = (
    "run_id", "loan_id", "effective_on", "tenor", "lpr_percent", "lpr_published_on", "spread_bp", "old_rate_percent",
    "new_rate_percent", "old_installment", "new_installment", "first_number", "first_due_on", "first_amount",
    "regular_on", "period_from", "until_regular", "terms_version", "schedule_sha256", "next_repricing_on", "state",
    "reason",
)  # fmt: skip
_PROGRESS = ("state", "totals", "content_sha256", "previewed", "previewed_up_to", "failures", "failure")


def waiting_previews() -> list[int]:
    """Runs whose preview is not at its end."""
    found = RepricingRun.objects.filter(state=RepricingState.PREVIEWING).order_by("id")
    return list(found.values_list("id", flat=True))


@transaction.atomic
def preview_chunk(*, run_id: int, at: datetime) -> bool:
    """Previews the next loans of a run; False when there is nothing more to do for it, or another does it."""
    today = hold_business_date()
    run = _taken(run_id)
    if run is None:
        return False
    window = {"from_on": run.from_on, "to_on": run.to_on, "after": run.previewed_up_to, "size": CHUNK}
    days: dict[int, date] = dict(sql.rows(statements.CANDIDATES, window))
    sql.copy_rows("loans_repricingitem", ITEM_COLUMNS, list(_items(run.pk, days)))
    run.previewed += len(days)
    run.previewed_up_to = max(days, default=run.previewed_up_to)
    run.failures = 0
    is_last = len(days) < CHUNK
    if is_last:
        _propose(run, today, at)
    run.save(update_fields=_PROGRESS)
    return not is_last


def note_failure(*, run_id: int, error: str, at: datetime) -> bool:
    """Counts a chunk that could not be previewed; True when the preview is given up."""
    with transaction.atomic():
        today = hold_business_date()
        run = _taken(run_id)
        if run is None:
            return True
        run.failures += 1
        if run.failures >= MOST_FAILURES:
            _give_up(run, BROKEN, today, at, error)
        run.save(update_fields=_PROGRESS)
        return run.state == RepricingState.FAILED


def _taken(run_id: int) -> RepricingRun | None:
    """The run, locked; None when it is previewed to its end, stopped, or in another's hands."""
    waiting = RepricingRun.objects.select_for_update(skip_locked=True, of=("self",)).select_related("proposed_by")
    return waiting.filter(pk=run_id, state=RepricingState.PREVIEWING).first()


def _propose(run: RepricingRun, today: date, at: datetime) -> None:
    """Totals and hash of what was previewed; from now on a second person may decide."""
    totals = {**totals_of(run.pk), "elsewhere": run.totals["elsewhere"]}
    if not totals["count"]:
        _give_up(run, NOTHING_LEFT, today, at)
        return
    last_day = max((date.fromisoformat(each["to"]) for each in totals["rates"]), default=date.min)
    publications = publications_between(today, last_day)
    run.totals = {**totals, "awaits_publication": publications > 0, "publications": publications}
    run.content_sha256 = run_sha256(run.pk)
    run.state = RepricingState.PROPOSED
    told = {name: totals[name] for name in ("count", "held", "up", "down", "unchanged", "change")}
    _record("loans.repricing_proposed", run, today, at, {"content_sha256": run.content_sha256, **told})


def _give_up(run: RepricingRun, failure: str, today: date, at: datetime, error: str = "") -> None:
    """Ends a preview without a proposal; its loans are free again."""
    sql.run(statements.END_ITEMS, {"run_id": run.pk, "reason": "preview_failed"})
    run.state, run.failure = RepricingState.FAILED, failure
    _record("loans.repricing_preview_failed", run, today, at, {"failure": failure, "error": error[:200]})


def _record(kind: str, run: RepricingRun, today: date, at: datetime, data: dict[str, Any]) -> None:
    record(
        kind=kind, subject_type="repricing", subject_id=run.pk, by=run.proposed_by.staff_no, at=at, business_date=today,
        data={"from_on": str(run.from_on), "to_on": str(run.to_on), **data},
    )  # fmt: skip


# ── Items ────────────────────────────────────────────────────────────────────────────────────────


def _items(run_id: int, days: Mapping[int, date]) -> Iterator[tuple[Any, ...]]:
    """What is stored of the loans; where one of them raises, they are taken one by one."""
    if not days:
        return
    try:
        with transaction.atomic():
            rows = _computed(run_id, days)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(days) > 1:
            for loan_id, day in days.items():
                yield from _items(run_id, {loan_id: day})
            return
        logger.warning("loan %s cannot be previewed: %s", next(iter(days)), type(error).__name__)
        rows = [_not_computed(run_id, *each) for each in days.items()]
    yield from rows


def _computed(run_id: int, days: Mapping[int, date]) -> list[tuple[Any, ...]]:
    market = market_of_days()
    return [_item(run_id, days[each[0].loan_id], *each) for each in outcomes(days, market)]


def _item(run_id: int, day: date, terms: LoanTerms, agreed: Agreed | None, outcome: Outcome) -> tuple[Any, ...]:
    """What is stored of a loan, as COPY takes it (`ITEM_COLUMNS`)."""
    new, lpr, standing = outcome.repriced, outcome.lpr, terms.standing
    amounts = (new.old_amount_fen, new.new_amount_fen) if new else (month_amount_fen(standing),) * 2
    first = _first(new) if new else (None,) * 6
    rate = min(standing.rate_ppm, _MOST_PPM) if outcome.reason else outcome.rate_ppm
    return (
        run_id, terms.loan_id, day, agreed.tenor if agreed else "", _percent(lpr.rate_ppm if lpr else 0),
        lpr.published_on if lpr else None, agreed.spread_bp if agreed else 0, _percent(standing.rate_ppm),
        _percent(rate), *map(yuan, amounts), *first, terms.version,
        new.plan.sha256 if new else terms.schedule_sha256, outcome.next_on, "HELD" if outcome.reason else "PENDING",
        outcome.reason,
    )  # fmt: skip


def _first(new: Repriced) -> tuple[Any, ...]:
    """What its borrower pays until the regular installment."""
    amount, told = _yuan(new.first_amount_fen), _told(new.until_regular)
    return new.first_number, new.first_due_on, amount, new.regular_on, new.period_from, told


def _not_computed(run_id: int, loan_id: int, day: date) -> tuple[Any, ...]:
    """A loan that raised: held back with what stands in its rows."""
    position, terms = Position.objects.get(pk=loan_id), Terms.objects.filter(loan_id=loan_id).latest("version")
    rate = _percent(min(rate_ppm(position.annual_rate_percent), _MOST_PPM))
    amount = yuan(fen(position.installment_amount or Decimal(0)))
    return (
        run_id, loan_id, day, "", _percent(0), None, 0, rate, rate, amount, amount, *(None,) * 6,
        terms.version, terms.schedule_sha256, None, "HELD", "cannot_preview",
    )  # fmt: skip


def _told(stretches: Sequence[Stretch]) -> str | None:
    """Stretches as stored; None where the regular installment follows at once."""
    if not stretches:
        return None
    return json.dumps(
        [
            [each.first_number, each.last_number, str(each.first_due_on), str(each.last_due_on),
             f"{yuan(each.amount_fen)}", each.is_interest_only]
            for each in stretches
        ]
    )  # fmt: skip


def _percent(ppm: int) -> Decimal:
    return Decimal(ppm).scaleb(-4)


def _yuan(amount_fen: int | None) -> Decimal | None:
    return None if amount_fen is None else yuan(amount_fen)
