"""Repricing of many loans at once: previewed for the whole book, approved by a second person, applied by the evening.

The preview computes every loan by the engine on the state it will have on its repricing day, and stores it; the stage
`reprice` (loans.batch.repricing) writes exactly that, or holds the loan back and says why.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from journal.actions import record, record_many
from journal.errors import ActionRefused
from loans import sql
from loans.facts import loan_fact
from loans.models import RepricingRun, RepricingState
from loans.queries import hold_business_date
from loans.queries.repricing import market_of_days, outcomes, rates_moved, run_sha256, totals_of
from loans.queries.terms import LoanTerms
from loans.rules.money import yuan
from loans.rules.pricing import Agreed, Outcome, month_amount_fen, publishes_between
from loans.sql import array
from loans.sql import repricing as statements
from people.actions import require
from people.models import Staff
from people.queries import branch_ids_visible_to

CHUNK = 500
MOST_DAYS_AHEAD = 400
MOST_DAYS_TO_MAKE_UP = 31
LEAST_NOTE, MOST_NOTE = 4, 200
# One preview at a time, so that two that overlap do not both take a loan.
_LOCK_PREVIEW = "SELECT pg_advisory_xact_lock(%s)"
_ONE_PREVIEW = 0x72657072
# What an item can hold of a loan that is held back with whatever rate it has.
_MOST_PPM = 360_000
ITEM_COLUMNS = (
    "run_id", "loan_id", "effective_on", "tenor", "lpr_percent", "lpr_published_on", "spread_bp", "old_rate_percent",
    "new_rate_percent", "old_installment", "new_installment", "first_number", "first_due_on", "first_amount",
    "regular_on", "terms_version", "schedule_sha256", "next_repricing_on", "state", "reason",
)  # fmt: skip


class RepricingRefused(ActionRefused):
    """The window or the note cannot be meant, or there is nothing to reprice."""

    code = "repricing_refused"


class RepricingConflict(ActionRefused):
    """Somebody was first: the run is decided, or its content is not what was seen."""

    code = "repricing_conflict"
    conflict = True


class RepricingStale(ActionRefused):
    """Another LPR counts than the one that the run was previewed with."""

    code = "repricing_is_stale"
    conflict = True


class OwnRepricing(ActionRefused):
    """Nobody approves what they proposed."""

    code = "own_repricing"


@transaction.atomic
def propose_repricing(*, from_on: date, to_on: date, by: Staff, at: datetime) -> RepricingRun:
    """Previews every loan whose repricing day lies in the window, and stores what each borrower will be told."""
    require(by, "loans.propose_repricing")
    today = hold_business_date()
    _check_window(from_on, to_on, today)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PREVIEW, [_ONE_PREVIEW])
    run = RepricingRun.objects.create(from_on=from_on, to_on=to_on, content_sha256="", proposed_by=by, proposed_at=at)
    window = {"from_on": from_on, "to_on": to_on}
    elsewhere = sql.rows(statements.IN_OTHER_RUNS, window)[0][0]
    market = market_of_days()
    for days in _candidates(window):
        rows = [_item(run.pk, days[each[0].loan_id], *each) for each in outcomes(days, market)]
        sql.copy_rows("loans_repricingitem", ITEM_COLUMNS, rows)
    run.totals = {**totals_of(run.pk), "elsewhere": elsewhere}
    if not run.totals["count"]:
        raise RepricingRefused(_nothing(elsewhere), field="from_on")
    run.totals["awaits_publication"] = publishes_between(today, _last_day(run.totals))
    run.content_sha256 = run_sha256(run.pk)
    run.save(update_fields=["totals", "content_sha256"])
    _record("loans.repricing_proposed", run, by, at, today, _told(run.totals))
    return run


def _check_window(from_on: date, to_on: date, today: date) -> None:
    if to_on < from_on:
        raise RepricingRefused(_("结束日早于开始日。"), field="to_on")
    if to_on > today + timedelta(days=MOST_DAYS_AHEAD):
        raise RepricingRefused(_("最多提前 %(days)d 天试算。") % {"days": MOST_DAYS_AHEAD}, field="to_on")
    if from_on < today - timedelta(days=MOST_DAYS_AHEAD):
        raise RepricingRefused(_("开始日早于营业日期超过 %(days)d 天。") % {"days": MOST_DAYS_AHEAD}, field="from_on")


def _nothing(elsewhere: int) -> str:
    if elsewhere:
        return _("该区间的 %(count)d 笔贷款都在其他批次中。") % {"count": elsewhere}
    return _("该区间没有到重定价日的贷款。")


def _last_day(totals: dict[str, Any]) -> date:
    """The last repricing day of a run that a rate was found for."""
    return max((date.fromisoformat(each["to"]) for each in totals["rates"]), default=date.min)


def _told(totals: dict[str, Any]) -> dict[str, Any]:
    return {name: totals[name] for name in ("count", "held", "up", "down", "unchanged", "change")}


def _candidates(window: dict[str, Any]) -> Iterator[dict[int, date]]:
    """Repricing days by loan id, a chunk at a time."""
    after = 0
    while found := sql.rows(statements.CANDIDATES, {**window, "after": after, "size": CHUNK}):
        yield dict(found)
        after = found[-1][0]


def _item(run_id: int, day: date, terms: LoanTerms, agreed: Agreed | None, outcome: Outcome) -> tuple[Any, ...]:
    """What is stored of a loan, as COPY takes it (`ITEM_COLUMNS`)."""
    new, lpr, standing = outcome.repriced, outcome.lpr, terms.standing
    amounts = (new.old_amount_fen, new.new_amount_fen) if new else (month_amount_fen(standing),) * 2
    first = (new.first_number, new.first_due_on, _yuan(new.first_amount_fen), new.regular_on) if new else (None,) * 4
    rate = min(standing.rate_ppm, _MOST_PPM) if outcome.reason else outcome.rate_ppm
    return (
        run_id, terms.loan_id, day, agreed.tenor if agreed else "", _percent(lpr.rate_ppm if lpr else 0),
        lpr.published_on if lpr else None, agreed.spread_bp if agreed else 0, _percent(standing.rate_ppm),
        _percent(rate), *map(yuan, amounts), *first, terms.version,
        new.plan.sha256 if new else terms.schedule_sha256, outcome.next_on, "HELD" if outcome.reason else "PENDING",
        outcome.reason,
    )  # fmt: skip


def _percent(ppm: int) -> Decimal:
    return Decimal(ppm).scaleb(-4)


def _yuan(amount_fen: int | None) -> Decimal | None:
    return None if amount_fen is None else yuan(amount_fen)


@transaction.atomic
def decide_repricing(
    *, run_id: int, approve: bool, note: str, content_sha256: str, by: Staff, at: datetime
) -> RepricingRun:
    """A second person's word on exactly the figures that were seen; from then on the evening may apply them."""
    require(by, "loans.approve_repricing")
    today = hold_business_date()
    run = _locked(run_id)
    if run.state != RepricingState.PROPOSED:
        raise RepricingConflict(_already(run))
    if run.proposed_by_id == by.pk:
        raise OwnRepricing(_("不能审批自己提交的重定价批次。"))
    words = _checked_note(note, required=not approve)
    if approve:
        _check_content(run, content_sha256)
    state = RepricingState.APPROVED if approve else RepricingState.REJECTED
    _end(run, state, words, by, at)
    if not approve:
        sql.run(statements.END_ITEMS, {"run_id": run.pk, "reason": "run_rejected"})
    _record(f"loans.repricing_{state.value.lower()}", run, by, at, today, {"note": words})
    return run


def _check_content(run: RepricingRun, seen: str) -> None:
    """The checker saw these figures, they are still there, and no other LPR counts by now."""
    if seen != run.content_sha256 or run_sha256(run.pk) != run.content_sha256:
        raise RepricingConflict(_("批次内容与您看到的不一致，请刷新后再审批。"))
    for tenor, day, then, now in rates_moved(run.pk)[:1]:
        raise RepricingStale(
            _("试算后公布了新的 LPR：%(tenor)s 在 %(day)s 应按 %(now)s%%，批次用的是 %(then)s%%。请撤回后重新试算。")
            % {"tenor": tenor, "day": day, "now": now.normalize(), "then": then.normalize()}
        )


@transaction.atomic
def cancel_repricing(*, run_id: int, reason: str, by: Staff, at: datetime) -> RepricingRun:
    """Takes back what is not applied yet, proposed or approved; what was applied stays."""
    require(by, "loans.propose_repricing")
    today = hold_business_date()
    run = _locked(run_id)
    if run.state not in (RepricingState.PROPOSED, RepricingState.APPROVED):
        raise RepricingConflict(_already(run))
    words = _checked_note(reason, required=True)
    left = sql.run(statements.END_ITEMS, {"run_id": run.pk, "reason": "run_cancelled"})
    if run.state == RepricingState.APPROVED and not left:
        raise RepricingConflict(_("本批次已没有未生效的部分，无需撤回。"))
    _end(run, RepricingState.CANCELLED, words, by, at)
    _record("loans.repricing_cancelled", run, by, at, today, {"note": words, "items": left})
    return run


@transaction.atomic
def make_up_for_missed(*, to_on: date, reason: str, by: Staff, at: datetime) -> int:
    """Gives every missed loan that a person sees a new repricing day, on which a run may take it; how many.

    What was billed since the contract's own day stays as it was; the LPR that counts is that of the new day.
    """
    require(by, "loans.propose_repricing")
    today = hold_business_date()
    if not today <= to_on <= today + timedelta(days=MOST_DAYS_TO_MAKE_UP):
        raise RepricingRefused(
            _("补做日须在营业日 %(day)s 起 %(days)d 天之内。") % {"day": today, "days": MOST_DAYS_TO_MAKE_UP},
            field="to_on",
        )
    words = _checked_note(reason, required=True)
    values = {"today": today, "to_on": to_on, "branches": array(branch_ids_visible_to(by))}
    missed = dict(sql.rows(statements.MISSED, values))
    if not missed:
        raise RepricingRefused(_("没有可补做的贷款；在批次中的须先撤回批次。"))
    days = {"loan_id": array(missed), "day": array([to_on] * len(missed))}
    sql.run(statements.APPLY_NEXT_REPRICING, days)
    record_many(
        loan_fact(
            "loans.repricing_day_moved", loan_id, today, at, by.staff_no,
            {"from": str(day), "to": str(to_on), "reason": words},
        )
        for loan_id, day in missed.items()
    )  # fmt: skip
    return len(missed)


def _locked(run_id: int) -> RepricingRun:
    run = RepricingRun.objects.select_for_update().filter(pk=run_id).first()
    if run is None:
        raise RepricingRefused(_("没有这个批次。"))
    return run


def _already(run: RepricingRun) -> str:
    return _("批次已是“%(state)s”状态。") % {"state": run.get_state_display()}


def _checked_note(note: str, *, required: bool) -> str:
    words = note.strip()
    if (required or words) and not LEAST_NOTE <= len(words) <= MOST_NOTE:
        raise RepricingRefused(_("请写明理由（4 至 200 个字）。"), field="note")
    return words


def _end(run: RepricingRun, state: RepricingState, note: str, by: Staff, at: datetime) -> None:
    run.state, run.decided_by, run.decided_at, run.decision_note = state, by, at, note
    run.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])


def _record(kind: str, run: RepricingRun, by: Staff, at: datetime, today: date, data: dict[str, Any]) -> None:
    record(
        kind=kind, subject_type="repricing", subject_id=run.pk, by=by.staff_no, at=at, business_date=today,
        data={"from_on": str(run.from_on), "to_on": str(run.to_on), "content_sha256": run.content_sha256, **data},
    )  # fmt: skip
