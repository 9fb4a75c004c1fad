"""Pictures and documents for tests: made here, so that what they hide is known."""

from io import BytesIO
from typing import Any

from PIL import Image

PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
DESCRIPTION, ORIENTATION, EXIF, GPS = 0x010E, 0x0112, 0x8769, 0x8825
TAKEN, OFFSET, MAKER = 0x9003, 0x9011, 0x927C


def jpeg(size: tuple[int, int] = (60, 40), shade: int = 90, taken: str = "", offset: str = "", **more: Any) -> bytes:
    """A photo as a telephone makes it: place, device and a note inside."""
    exif = Image.Exif()
    exif[DESCRIPTION] = "SECRET NOTE"
    exif[ORIENTATION] = more.pop("orientation", 1)
    inner = {MAKER: b"SECRET DEVICE"}
    if taken:
        inner[TAKEN] = taken  # type: ignore[assignment]
    if offset:
        inner[OFFSET] = offset  # type: ignore[assignment]
    exif._ifds[EXIF] = inner  # type: ignore[attr-defined]
    exif._ifds[GPS] = {1: "N", 2: (30.0, 35.0, 1.0), 3: "E", 4: (114.0, 18.0, 1.0)}  # type: ignore[attr-defined]
    out = BytesIO()
    picture = Image.new("RGB", size, (shade, 40, 20))
    picture.save(out, "JPEG", exif=exif, comment=b"SECRET COMMENT", icc_profile=b"SECRET PROFILE", **more)
    return out.getvalue()


def png(size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Comment", "SECRET TEXT")
    out = BytesIO()
    Image.new(mode, size).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes whose header promises 3.6 thousand million pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def scene(seed: int = 1, size: tuple[int, int] = (640, 480), quality: int = 90, crop: int = 0) -> bytes:
    """A photo in which there is something to see: the same seed gives the same scene, in any size and quality."""
    import random

    dice = random.Random(seed)  # noqa: S311 (made-up pictures)
    small = Image.new("L", (9, 8))
    small.putdata([dice.randrange(256) for _place in range(72)])
    picture = small.convert("RGB").resize((900, 800), Image.Resampling.BICUBIC)
    picture = picture.crop((crop, crop, 900 - crop, 800 - crop)).resize(size)
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
