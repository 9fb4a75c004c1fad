"""Writes of correspondence: messages taken back, wordings proposed and decided, borrowers who want none."""

from correspondence.actions.contact import (
    ContactIsOpen,
    ContactIsStopped,
    ContactUnclear,
    resume_after_mistake,
    resume_contact,
    stop_after_death,
    stop_contact,
)
from correspondence.actions.messages import MessageDoesNotWait, cancel_message
from correspondence.actions.wordings import (
    OwnWording,
    WordingChanged,
    WordingDecided,
    WordingNotFit,
    WordingWaits,
    WordingWrongDate,
    decide_wording,
    propose_wording,
    withdraw_wording,
)

__all__ = [
    "ContactIsOpen",
    "ContactIsStopped",
    "ContactUnclear",
    "MessageDoesNotWait",
    "OwnWording",
    "WordingChanged",
    "WordingDecided",
    "WordingNotFit",
    "WordingWaits",
    "WordingWrongDate",
    "cancel_message",
    "decide_wording",
    "propose_wording",
    "resume_after_mistake",
    "resume_contact",
    "stop_after_death",
    "stop_contact",
    "withdraw_wording",
]
