"""What the launcher says, and how it refuses.

Everything goes to standard error: standard output belongs to the command that is run.
"""

import sys


class Refusal(Exception):
    """Something the person at the keyboard has to change; the text says what, and the way out."""

    status = 2


class Failure(Refusal):
    """Something that went wrong on the way; nothing to do with how the command was called."""

    status = 1


def say(text: str) -> None:
    """One or more lines to standard error, each marked as the launcher's own."""
    for line in text.splitlines():
        print(f"anju: {line}", file=sys.stderr)
    sys.stderr.flush()
