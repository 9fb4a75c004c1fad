"""A number as it is typed or copied from a document: what cannot be seen in it means nothing."""

import re

# Spaces of any width, soft hyphens, and the marks of no width that may stand between characters.
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")


def as_typed(text: str) -> str:
    """The text without spaces and without what cannot be seen."""
    return _UNSEEN.sub("", text)
