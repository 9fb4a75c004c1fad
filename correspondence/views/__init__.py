"""Pages of correspondence."""

from correspondence.views.messages import CancelMessage, ContactPart, LoanMessages, MessageList
from correspondence.views.wordings import WordingList, WordingPage

__all__ = ["CancelMessage", "ContactPart", "LoanMessages", "MessageList", "WordingList", "WordingPage"]
