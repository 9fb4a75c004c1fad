"""Decides which files may lie with a visit: their kind by content, their size, their name, their measure.

A name proves nothing: the first bytes do. Photos are JPEG or PNG and are written anew; a PDF stays as
it is, so one that could run or carry something is refused. What a field visit without a photo
must say is here too (代码化免拍原因).
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from people.rules.identity import has_unseen_characters

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
ENDINGS: Final[dict[str, str]] = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}
# Largest file in MB unless the bank says otherwise (parameter `visit_file_megabytes`).
MEGABYTES: Final = 10
# A file of few bytes may open to a picture that fills the memory. A JPEG is decoded small, a PNG only whole.
MOST_PIXELS: Final[dict[str, int]] = {JPEG: 120_000_000, PNG: 25_000_000}
# Longer than this no photo is kept: a door number stays legible.
LONGEST_EDGE: Final = 2560
MOST_FILES: Final = 40
NAME_LIMIT: Final = 80
HEAD_BYTES: Final = 16

# Why a field visit has no photo.
PHOTO_EXITS: Final[tuple[tuple[str, str, str], ...]] = (
    ("REFUSED", "客户不同意拍照", "Borrower declined photos"),
    ("NOBODY_IN", "无人在家，已拍门牌并留条", "Nobody in, door and note left"),
    ("NOT_LET_IN", "未能入户，已拍门牌并留条", "Not let in, door and note left"),
    ("NOT_DELIVERED", "房屋未交付", "Home not delivered"),
)

_SIGNS: Final = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-", PDF))
# Words by which a PDF runs something, or carries another file.
_ACTIVE: Final = (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia")
_TAKEN = re.compile(r"(\d{4}):(\d{2}):(\d{2}) (\d{2}):(\d{2}):(\d{2})", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})", re.ASCII)
_CHINA: Final = timezone(timedelta(hours=8))
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


def media_type(head: bytes) -> str:
    """What a file is by its first bytes; empty for what is not taken."""
    return next((kind for sign, kind in _SIGNS if head.startswith(sign)), "")


def is_whole_pdf(content: bytes) -> bool:
    """Does it end as a PDF does?"""
    return b"%%EOF" in content[-1024:]


def is_active_pdf(content: bytes) -> bool:
    """Does it name something that runs, or a file inside it?"""
    return any(word in content for word in _ACTIVE)


def is_too_many_pixels(kind: str, width: int, height: int) -> bool:
    return width < 1 or height < 1 or width * height > MOST_PIXELS[kind]


def file_name(sent: str, kind: str) -> str:
    """A name that may be shown and saved: without folders or hidden characters, ending as its content does."""
    last = unicodedata.normalize("NFC", sent).replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    plain = re.sub(r"[^\w()（）-]+", " ", stem).strip(" .") if not has_unseen_characters(stem) else ""
    ending = ENDINGS[kind]
    return f"{plain[: NAME_LIMIT - len(ending)].strip() or 'file'}{ending}"


def taken_at(text: str, offset: str, now: datetime) -> datetime | None:
    """When a photo was taken as its camera says; in China's time unless it says another, None when it cannot be."""
    found = _TAKEN.fullmatch(text.strip("\0 "))
    if found is None:
        return None
    zone: timezone = _CHINA
    if away := _OFFSET.fullmatch(offset.strip("\0 ")):
        minutes = int(away[2]) * 60 + int(away[3])
        zone = timezone(timedelta(minutes=min(minutes, 14 * 60) * (-1 if away[1] == "-" else 1)))
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return at if _EARLIEST <= at <= now + timedelta(days=1) else None


def photo_is_missing(method: str, photos: int, reason: str) -> bool:
    """A field visit brings a photo, or says by a code why it has none."""
    return method == "FIELD" and photos == 0 and not reason
