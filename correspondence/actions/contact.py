"""A borrower who is not written to any more, and who is again: by whose word, why, and what waited is taken back."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from correspondence import sql
from correspondence.models import Channel, ContactPreference, Ground, Heard
from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.breaks import checked_note
from loans.models import Loan
from loans.queries import hold_business_date
from loans.sql import run
from people.actions import require
from people.models import Party, Staff

RECORD = "correspondence.record_contact"


class ContactIsStopped(ActionRefused):
    """It is recorded already that the borrower is not written to."""

    code = "contact_is_stopped"
    conflict = True


class ContactIsOpen(ActionRefused):
    """Nothing is recorded that could be ended."""

    code = "contact_is_open"
    conflict = True


class ContactUnclear(ActionRefused):
    """A ground or a way that is not in the list."""

    code = "contact_unclear"


@transaction.atomic
def stop_contact(
    *, loan_id: int, channel: str = Channel.SMS, ground: str, heard: str, reason: str, by: Staff, at: datetime
) -> ContactPreference:
    """The borrower of a loan gets no more reminders, for any loan; what waits is cancelled.

    The caller has checked that the loan is visible.
    """
    require(by, RECORD)
    _check(channel, heard)
    if ground not in Ground.values:
        raise ContactUnclear(_("请选择原因类别。"), field="ground")
    reason = checked_note(reason, field="reason")
    today = hold_business_date()
    loan = _held(loan_id)
    if _open(loan, channel) is not None:
        raise ContactIsStopped(_("已记录该借款人不接收提醒。"))
    return _stop(loan, channel, ground, heard, reason, today, by=by, at=at)


@transaction.atomic
def stop_after_death(*, loan_id: int, reason: str, by: Staff, at: datetime) -> list[ContactPreference]:
    """Nothing is written to a borrower who has died, through any channel; what is stopped already stays as it is.

    Called by what records the death, whose right that is.
    """
    today = hold_business_date()
    loan = _held(loan_id)
    waiting = [channel for channel in Channel.values if _open(loan, channel) is None]
    return [
        _stop(loan, channel, Ground.DECEASED, Heard.VISIT, reason[:200], today, by=by, at=at) for channel in waiting
    ]


@transaction.atomic
def resume_after_mistake(*, loan_id: int, reason: str, by: Staff, at: datetime) -> int:
    """Ends what `stop_after_death` recorded, when the death was entered by mistake; how many channels."""
    today = hold_business_date()
    loan = _held(loan_id)
    found = ContactPreference.objects.filter(
        party_id=loan.borrower_id, ground=Ground.DECEASED, heard=Heard.VISIT, ended_at__isnull=True
    )
    for preference in found:
        _resume(preference, loan, Heard.VISIT, reason[:200], today, by=by, at=at)
    return len(found)


def _stop(
    loan: Loan, channel: str, ground: str, heard: str, reason: str, today: date, *, by: Staff, at: datetime
) -> ContactPreference:
    made = ContactPreference.objects.create(
        party_id=loan.borrower_id, channel=channel, ground=ground, heard=heard, reason=reason, business_date=today,
        recorded_by=by, recorded_at=at,
    )  # fmt: skip
    cancelled = run(sql.CANCEL_UNWANTED, {"party": loan.borrower_id, "channel": channel, "day": today})
    record(
        kind="correspondence.contact_stopped", subject_type="contact_preference", subject_id=made.pk, loan_id=loan.pk,
        by=by.staff_no, at=at, business_date=today,
        data={"channel": channel, "ground": ground, "heard": heard, "cancelled": cancelled},
    )  # fmt: skip
    return made


@transaction.atomic
def resume_contact(
    *, loan_id: int, channel: str = Channel.SMS, heard: str, reason: str, by: Staff, at: datetime
) -> ContactPreference:
    """The borrower is written to again from the next reminder on; what was cancelled is not made again."""
    require(by, RECORD)
    _check(channel, heard)
    reason = checked_note(reason, field="reason")
    today = hold_business_date()
    loan = _held(loan_id)
    found = _open(loan, channel)
    if found is None:
        raise ContactIsOpen(_("该借款人没有不接收提醒的记录。"))
    return _resume(found, loan, heard, reason, today, by=by, at=at)


def _resume(
    found: ContactPreference, loan: Loan, heard: str, reason: str, today: date, *, by: Staff, at: datetime
) -> ContactPreference:
    found.ended_on, found.ended_by, found.ended_at = today, by, at
    found.ended_heard, found.ended_reason = heard, reason
    found.save(update_fields=["ended_on", "ended_by", "ended_at", "ended_heard", "ended_reason"])
    record(
        kind="correspondence.contact_resumed", subject_type="contact_preference", subject_id=found.pk, loan_id=loan.pk,
        by=by.staff_no, at=at, business_date=today, data={"channel": found.channel, "heard": heard},
    )  # fmt: skip
    return found


def _check(channel: str, heard: str) -> None:
    if channel not in Channel.values:
        raise ContactUnclear(_("没有这种渠道。"), field="channel")
    if heard not in Heard.values:
        raise ContactUnclear(_("请选择得知方式。"), field="heard")


def _held(loan_id: int) -> Loan:
    """The loan; its borrower is held, so that two records of one person follow one another."""
    loan = Loan.objects.get(pk=loan_id)
    Party.objects.select_for_update().get(pk=loan.borrower_id)
    return loan


def _open(loan: Loan, channel: str) -> ContactPreference | None:
    return ContactPreference.objects.filter(party_id=loan.borrower_id, channel=channel, ended_at__isnull=True).first()
