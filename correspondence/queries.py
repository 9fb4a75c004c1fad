"""Reads of correspondence: messages one may see, wordings and the one in force, when borrowers may be written to and
who is not."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet

from correspondence.models import Channel, ContactPreference, Message, MessageState, Template
from correspondence.rules.reminders import Rhythm
from correspondence.rules.wording import fields_of, fill
from loans.models import Loan
from loans.queries import parameter
from loans.queries.names import borrower_name
from people.models import Staff
from people.rules.masking import mask_name


class NoTemplate(LookupError):
    """No approved wording of a kind is in force."""


def rhythm(on: date) -> Rhythm:
    """When borrowers are reminded, by the parameters in force."""
    return Rhythm(
        int(parameter("reminder_days_before", on, default=3)),
        tuple(int(day) for day in parameter("reminder_overdue_days", on, default=[1, 7, 15, 30])),
    )


def contact_hours(on: date) -> dict[str, str]:
    """From when to when a borrower may be written to."""
    found: dict[str, str] = parameter("contact_hours", on, default={"from": "09:00", "to": "20:00"})
    return found


def versions_in_force(on: date) -> dict[str, int]:
    """Versions of the approved wordings by kind; NoTemplate when one is missing."""
    approved = Template.objects.exclude(checker="").filter(channel=Channel.SMS, in_force__contains=on)
    found = dict(approved.values_list("kind", "version"))
    if missing := {"DUE", "OVERDUE"} - set(found):
        raise NoTemplate(f"{', '.join(sorted(missing))} on {on}")
    return found


def messages_visible_to(staff: Staff) -> QuerySet[Message]:
    """With what a row of a list shows."""
    seen = Message.objects.visible_to(staff)
    return seen.select_related("loan__borrower", "loan__branch", "ended_by")


def is_past(message: Message, today: date | None) -> bool:
    """Nobody sent it while it might go."""
    return message.state == MessageState.WAITING and today is not None and message.expires_on < today


class Shown(NamedTuple):
    """A message as it is shown: its words with the name as this person may see it."""

    message: Message
    words: str
    name: str
    is_past: bool


def shown(messages: Iterable[Message], staff: Staff, today: date | None) -> list[Shown]:
    """Messages with their words: what the sender would say now, but for the name. Two or three statements in all."""
    found = list(messages)
    if not found:
        return []
    texts = {
        (each.kind, each.channel, each.version): each.text
        for each in Template.objects.filter(version__in={message.template_version for message in found})
    }
    day = today or found[0].business_date
    bank, hotline = (str(parameter(code, day, default="")) for code in ("bank_name", "bank_hotline"))
    return [_shown(message, texts, bank, hotline, staff, today) for message in found]


def _shown(message: Message, texts: dict[Any, str], bank: str, hotline: str, staff: Staff, today: date | None) -> Shown:
    name = borrower_name(message.loan, staff)
    fields = fields_of(
        bank=bank, hotline=hotline, name=name, note_number=message.loan.loan_note_no, about=message.about,
        as_of=message.business_date, amount=message.amount,
    )  # fmt: skip
    text = texts.get((message.kind, message.channel, message.template_version), "")
    return Shown(message, fill(text, fields), name, is_past(message, today))


def wordings() -> QuerySet[Template]:
    """All versions; they are the bank's, and belong to no branch."""
    return Template.objects.all()


class Sample(NamedTuple):
    """What a wording is shown with: a message that was made, its borrower masked for everybody, or made-up fields."""

    fields: dict[str, str]
    loan: Loan | None


def sample_of(kind: str, staff: Staff, on: date) -> Sample:
    """The newest message of a kind that this person may see; an invented loan where there is none."""
    bank, hotline = (str(parameter(code, on, default="")) for code in ("bank_name", "bank_hotline"))
    message = messages_visible_to(staff).filter(kind=kind).order_by("-id").first()
    if message is None:
        fields = fields_of(
            bank=bank, hotline=hotline, name="*", note_number="0000", about=on + timedelta(days=3), as_of=on,
            amount=Decimal("5000.00"),
        )  # fmt: skip
        return Sample(fields, None)
    fields = fields_of(
        bank=bank, hotline=hotline, name=mask_name(message.loan.borrower.name), note_number=message.loan.loan_note_no,
        about=message.about, as_of=message.business_date, amount=message.amount,
    )  # fmt: skip
    return Sample(fields, message.loan)


def preferences_of(loan: Loan) -> QuerySet[ContactPreference]:
    """What the borrower of a loan did or does not want, the newest first."""
    found = ContactPreference.objects.filter(party_id=loan.borrower_id).select_related("recorded_by", "ended_by")
    return found.order_by("-id")
