"""Correspondence over the API."""

from correspondence.api.contact import LoanContact, ResumeContact
from correspondence.api.messages import MessageCancel, Messages, OneMessage
from correspondence.api.wordings import OneWording, WordingDecision, Wordings, WordingWithdrawal

__all__ = [
    "LoanContact",
    "MessageCancel",
    "Messages",
    "OneMessage",
    "OneWording",
    "ResumeContact",
    "WordingDecision",
    "WordingWithdrawal",
    "Wordings",
]
