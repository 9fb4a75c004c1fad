"""Decides which files may lie with a visit: their kind by content, their size, their name, their measure.

A name proves nothing: the first bytes do. Photos are JPEG or PNG and are written anew; a PDF stays as
it is, so one that could run or carry something is refused. What a field visit without a photo
must say is here too (代码化免拍原因).
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, TypeVar

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
# Longest edge of the small picture that pages show.
THUMBNAIL_EDGE: Final = 320
# Of the 64 bits of a look so many may differ between pictures that are the same to the eye.
ALIKE_BITS: Final = 6
_BITS, _BANDS = 64, 8
# A wall or a dark room looks like any other: a look with fewer bits of either kind says nothing.
_TELLING_BITS: Final = 8
# A photo taken further than this from the home is flagged.
FAR_METERS: Final = 500
# A position this good may become the known place of a home.
SHARP_METERS: Final = 100
_METERS_A_DEGREE: Final = 111_320

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
File = TypeVar("File")


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


# With these a photo of the door and a note that was left stand for the photo of the home.
DOOR_EXITS: Final = ("NOBODY_IN", "NOT_LET_IN")


def photo_gaps(method: str, photos: int, reason: str, note_left: str) -> list[str]:
    """What a field visit still owes: a photo, or by a code why there is none; at a shut door the door and the note."""
    if method != "FIELD":
        return []
    if reason in DOOR_EXITS:
        gaps = [] if photos else ["door_photo"]
        return gaps if note_left else [*gaps, "note_left"]
    return [] if photos or reason else ["photo_exit"]


# What a file proves


def by_question(files: Iterable[tuple[str, File]], asked: Collection[str]) -> dict[str, list[File]]:
    """Files, each with the question it names, by the question they prove; general evidence is under the empty one,
    and so is what names a question that is not asked any more."""
    found: dict[str, list[File]] = {}
    for item, file in files:
        found.setdefault(item if item in asked else "", []).append(file)
    return found


# What a photo looks like


def signed(bits: int) -> int:
    """64 bits as the database keeps them."""
    return bits - (1 << _BITS) if bits >> (_BITS - 1) else bits


def is_telling(bits: int) -> bool:
    """Is there enough in the look to tell it from another?"""
    return _TELLING_BITS <= bits.bit_count() <= _BITS - _TELLING_BITS


def likeness(bits_apart: int) -> int:
    """How alike two looks are that differ in so many bits, in percent."""
    return (_BITS - bits_apart) * 100 // _BITS


def bands_of(bits: int) -> list[int]:
    """The look byte by byte, each with its place. Looks that differ in fewer bits than there are bytes share one."""
    return [place << 8 | bits >> 8 * place & 0xFF for place in range(_BANDS)]


# Where it was taken


@dataclass(frozen=True)
class Place:
    """A position as a device tells it, in degrees; `accuracy` in meters."""

    latitude: Decimal
    longitude: Decimal
    accuracy: int


def meters_between(one: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal]) -> int:
    """Distance of two places (latitude, longitude), exact enough within a city."""
    north = math.radians(int((one[0] - other[0]) * 1_000_000) / 1_000_000)
    middle = math.radians(int((one[0] + other[0]) * 500_000) / 1_000_000)
    east = math.radians(int((one[1] - other[1]) * 1_000_000) / 1_000_000) * math.cos(middle)
    return round(math.degrees(math.hypot(north, east)) * _METERS_A_DEGREE)
