"""A key for what a page keeps on a person's machine: the server hands it to who is signed in, nobody else can make it.

Half of it lies in a cookie that scripts cannot read and that signing out takes away, the other half is the bank's
secret, mixed with the staff number. Without either half what was kept is noise. A session that merely ended keeps
the cookie, so that the person finds the copy again after signing in; a day later it is gone too.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from people.models import Staff

COOKIE: Final = "anju_machine"
_DAY: Final = 24 * 3600
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def machine_word(request: HttpRequest) -> str:
    """This machine's half; a new one when there is none or one that we did not make."""
    found = request.COOKIES.get(COOKIE, "")
    return found if _WORD.fullmatch(found) else secrets.token_urlsafe(32)


def key_for(staff: Staff, word: str) -> str:
    """The key of 32 bytes of this person on this machine, in base64."""
    mixed = f"draft of {staff.staff_no} on {word}".encode()
    return base64.b64encode(hmac.new(settings.SECRET_KEY.encode(), mixed, hashlib.sha256).digest()).decode()


def keep_word(response: HttpResponse, word: str) -> None:
    """Leaves this machine's half with it for a day."""
    response.set_cookie(
        COOKIE, word, max_age=_DAY, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Strict"
    )  # fmt: skip


def forget_word(response: HttpResponse) -> None:
    response.delete_cookie(COOKIE, samesite="Strict")
