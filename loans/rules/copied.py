"""A number as it is typed or copied from a document: what cannot be seen in it means nothing."""

import re

# Spaces of any width, soft hyphens, and the marks of no width that may stand between characters.
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u2060\ufeff]+")
# As an input method for Chinese types them: １７０１, ＨＦ.
_WIDE = {wide: wide - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for wide in range(ord(first), ord(last) + 1)}


def as_typed(text: str) -> str:
    """The text without spaces and without what cannot be seen; letters and digits of full width as those of half."""
    return _UNSEEN.sub("", text).translate(_WIDE)
