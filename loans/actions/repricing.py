"""Repricing of many loans at once: previewed for the whole book, approved by a second person, applied by the evening.

The preview (loans.batch.previews) computes every loan by the engine on the state it will have on its repricing day,
and stores it; the stage `reprice` (loans.batch.repricing) writes exactly that, or holds the loan back and says why.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from journal.actions import record, record_many, wake_after_commit, waking_nobody
from journal.errors import ActionRefused
from loans import sql
from loans.batch.previews import preview_chunk
from loans.facts import loan_fact
from loans.models import RepricingRun, RepricingState
from loans.queries import hold_business_date
from loans.queries.repricing import rates_moved, run_sha256
from loans.sql import array
from loans.sql import repricing as statements
from people.actions import require
from people.models import Staff
from people.queries import branch_ids_visible_to

MOST_DAYS_AHEAD = 400
MOST_DAYS_TO_MAKE_UP = 31
LEAST_NOTE, MOST_NOTE = 4, 200
# What a run says of itself while it is previewed.
_NO_TOTALS = {
    "count": 0, "held": 0, "up": 0, "down": 0, "unchanged": 0, "change": "0.00", "branches": [], "rates": [],
    "elsewhere": 0, "awaits_publication": False,
}  # fmt: skip


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
def ask_for_preview(*, from_on: date, to_on: date, by: Staff, at: datetime) -> RepricingRun:
    """Asks for a preview of every loan whose repricing day lies in the window; workers do it chunk by chunk."""
    require(by, "loans.propose_repricing")
    today = hold_business_date()
    _check_window(from_on, to_on, today)
    window = {"from_on": from_on, "to_on": to_on}
    running = RepricingRun.objects.filter(state=RepricingState.PREVIEWING).first()
    if running is not None:
        raise _another_preview()
    found, elsewhere = sql.rows(statements.COUNT_CANDIDATES, window)[0][0], sql.rows(statements.IN_OTHER_RUNS, window)
    if not found:
        raise RepricingRefused(_nothing(elsewhere[0][0]), field="from_on")
    totals = {**_NO_TOTALS, "elsewhere": elsewhere[0][0]}
    try:
        with transaction.atomic():
            run = RepricingRun.objects.create(
                **window, state=RepricingState.PREVIEWING, content_sha256="", totals=totals, to_preview=found,
                proposed_by=by, proposed_at=at,
            )  # fmt: skip
    except IntegrityError:
        raise _another_preview() from None
    _record("loans.repricing_preview_asked", run, by, at, today, {"loans": found})
    wake_after_commit("config.preview_repricings")
    return run


@transaction.atomic
def propose_repricing(*, from_on: date, to_on: date, by: Staff, at: datetime) -> RepricingRun:
    """Previews a window here and now, in one transaction: for commands and small books."""
    with waking_nobody():
        run = ask_for_preview(from_on=from_on, to_on=to_on, by=by, at=at)
    while preview_chunk(run_id=run.pk, at=at):
        pass
    run.refresh_from_db()
    if run.state != RepricingState.PROPOSED:
        raise RepricingRefused(_nothing(run.totals["elsewhere"]), field="from_on")
    return run


def _another_preview() -> RepricingConflict:
    return RepricingConflict(_("另一个批次正在试算，请等它完成或先撤回。"))


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
    if run.state not in (RepricingState.PREVIEWING, RepricingState.PROPOSED, RepricingState.APPROVED):
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
