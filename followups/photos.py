"""Writes photos anew: what the camera hid in them (place, device, thumbnail) goes, with all else that was inside.

Read from a file, never from a name; measured before a single line of it is decoded.
"""

import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import IO, Final

from PIL import Image, ImageOps

from followups.rules.attachments import (
    JPEG,
    LONGEST_EDGE,
    THUMBNAIL_EDGE,
    is_telling,
    is_too_many_pixels,
    taken_at,
)

# Ours is the measure, taken from the header of each file before it is decoded (`read`).
Image.MAX_IMAGE_PIXELS = None
_QUALITY: Final = 85
_SMALL_QUALITY: Final = 75
_ACROSS, _DOWN = 9, 8
_EXIF_IFD, _TAKEN, _OFFSET = 0x8769, 0x9003, 0x9011
# All that the decoders raise over bytes that are no picture; their warnings too, where those are errors.
_UNREADABLE = (
    *(OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, AssertionError, Warning),
    *(struct.error, zlib.error),
)


class Unreadable(Exception):
    """The bytes are no picture, or not a whole one."""


class TooManyPixels(Exception):
    """The picture would open to more than may be decoded."""


@dataclass(frozen=True)
class Photo:
    """A picture as it is kept: its bytes, measures, and when it was taken; small for pages, and its look in 64 bits."""

    content: bytes
    width: int
    height: int
    taken_at: datetime | None
    thumbnail: bytes
    look: int | None


def read(file: IO[bytes], kind: str, now: datetime) -> Photo:
    """The photo in a file, written anew; Unreadable or TooManyPixels when there is none to keep."""
    try:
        file.seek(0)
        with Image.open(file, formats=("JPEG",) if kind == JPEG else ("PNG",)) as found:
            if is_too_many_pixels(kind, *found.size):
                raise TooManyPixels
            when = _taken(found, now)
            if kind == JPEG:
                found.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
            return _written(found, kind, when)
    except _UNREADABLE as error:
        raise Unreadable from error


def _written(found: Image.Image, kind: str, when: datetime | None) -> Photo:
    """The picture upright, no longer than may be, in plain colours, with nothing beside it."""
    has_gaps = kind != JPEG and (found.mode in ("RGBA", "LA", "PA") or "transparency" in found.info)
    plain = found.convert("RGBA" if has_gaps else "RGB")
    plain.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    ImageOps.exif_transpose(plain, in_place=True)
    plain.info = {}
    out = BytesIO()
    if kind == JPEG:
        plain.save(out, "JPEG", quality=_QUALITY, optimize=True)
    else:
        plain.save(out, "PNG")
    return Photo(out.getvalue(), plain.width, plain.height, when, _thumbnail(plain), look_of(plain))


def _thumbnail(plain: Image.Image) -> bytes:
    """A small JPEG, on white where the picture has gaps."""
    small = plain.copy()
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    if small.mode == "RGBA":
        ground = Image.new("RGB", small.size, "white")
        ground.paste(small, mask=small.getchannel("A"))
        small = ground
    out = BytesIO()
    small.save(out, "JPEG", quality=_SMALL_QUALITY, optimize=True)
    return out.getvalue()


def look_of(plain: Image.Image) -> int | None:
    """Whether each of 8 x 8 places is darker than its right neighbor (dHash): the same after scaling and saving anew;
    None for a picture in which too little is to be seen."""
    gray = plain.convert("L").resize((_ACROSS, _DOWN), Image.Resampling.LANCZOS).tobytes()
    bits = 0
    for row in range(_DOWN):
        for column in range(_ACROSS - 1):
            at = row * _ACROSS + column
            bits = bits << 1 | (gray[at] < gray[at + 1])
    return bits if is_telling(bits) else None


def _taken(found: Image.Image, now: datetime) -> datetime | None:
    try:
        told = found.getexif().get_ifd(_EXIF_IFD)
    except _UNREADABLE:
        return None
    return taken_at(str(told.get(_TAKEN, "")), str(told.get(_OFFSET, "")), now)
