"""Statements of a `.sql` file by name: each begins after a line `-- name: …`."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (.+)$", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, str]:
    """The named statements of a file beside this one, in order. Parameters are the driver's, so `%%` is a remainder."""
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    _head, *parts = _NAME.split(text)
    return {name.strip(): body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
