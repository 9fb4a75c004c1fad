"""What may lie with a visit: kinds by content, names, measures, times; photos lose what they hide (S2.14, S2.18)."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from followups import photos
from followups.models import PhotoExit
from followups.rules.attachments import (
    JPEG,
    LONGEST_EDGE,
    NAME_LIMIT,
    PDF,
    PHOTO_EXITS,
    PNG,
    bands_of,
    by_question,
    file_name,
    is_active_pdf,
    is_telling,
    is_whole_pdf,
    media_type,
    meters_between,
    photo_gaps,
    signed,
    taken_at,
)
from tests import pictures

NOW = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (pictures.jpeg(), JPEG),
        (pictures.png(), PNG),
        (pictures.PDF, PDF),
        (b"GIF89a", ""),
        (b"MZ\x90\x00", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        (b"<html>%PDF-", ""),
        (b"", ""),
    ],
)
def test_a_kind_is_what_the_first_bytes_say(content: bytes, kind: str) -> None:
    assert media_type(content[:16]) == kind


@pytest.mark.parametrize(
    ("sent", "kind", "kept"),
    [
        ("门牌.JPG", JPEG, "门牌.jpg"),
        ("..\\..\\etc\\passwd", PNG, "passwd.png"),
        ("/etc/shadow", PDF, "shadow.pdf"),
        ("a\r\nX-Evil: 1.pdf", PDF, "file.pdf"),
        ('"><script>.png', PNG, "script.png"),
        ("\u202egpj.exe", JPEG, "file.jpg"),
        ("", JPEG, "file.jpg"),
        ("x" * 300 + ".jpg", JPEG, "x" * (NAME_LIMIT - 4) + ".jpg"),
    ],
)
def test_a_name_ends_as_its_content_does_and_leads_nowhere(sent: str, kind: str, kept: str) -> None:
    assert file_name(sent, kind) == kept


@given(st.text(max_size=200))
def test_any_name_becomes_one_that_may_be_saved(sent: str) -> None:
    kept = file_name(sent, JPEG)
    assert 0 < len(kept) <= NAME_LIMIT and kept.endswith(".jpg")
    assert not set(kept) & set('/\\\r\n\0"<>:;')


@pytest.mark.parametrize(
    ("text", "offset", "hour"),
    [
        ("2026:10:30 14:20:05", "", 6),
        ("2026:10:30 14:20:05", "+08:00", 6),
        ("2026:10:30 14:20:05", "-03:00", 17),
        ("2026:10:30 14:20:05\0", "nonsense", 6),
    ],
)
def test_a_camera_is_believed_in_chinas_time_unless_it_says_another(text: str, offset: str, hour: int) -> None:
    found = taken_at(text, offset, NOW)
    assert found is not None and found.astimezone(UTC) == datetime(2026, 10, 30, hour, 20, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026:13:40 99:00:00", "1970:01:01 00:00:00", "2031:01:01 00:00:00"])
def test_a_time_that_cannot_be_is_none(text: str) -> None:
    assert taken_at(text, "", NOW) is None


def test_a_pdf_is_whole_and_runs_nothing() -> None:
    assert is_whole_pdf(pictures.PDF) and not is_active_pdf(pictures.PDF)
    assert not is_whole_pdf(pictures.PDF[:20])
    for word in (b"/JavaScript (app.alert(1))", b"/Launch", b"/EmbeddedFile"):
        assert is_active_pdf(pictures.PDF + word)


def test_a_field_visit_brings_a_photo_or_a_reason() -> None:
    assert photo_gaps("FIELD", 0, "", "") == ["photo_exit"]
    assert (
        photo_gaps("FIELD", 1, "", "") == photo_gaps("PHONE", 0, "", "") == photo_gaps("FIELD", 0, "REFUSED", "") == []
    )
    assert photo_gaps("FIELD", 0, "NOBODY_IN", "") == ["door_photo", "note_left"]
    assert photo_gaps("FIELD", 0, "NOT_LET_IN", "告知书") == ["door_photo"]
    assert photo_gaps("FIELD", 2, "NOBODY_IN", "告知书") == []
    assert [code for code, _zh, _en in PHOTO_EXITS] == PhotoExit.values


# ── Photos written anew ──────────────────────────────────────────────────────────────────────────


def test_what_a_camera_hides_is_gone_and_the_time_is_kept() -> None:
    sent = pictures.jpeg(taken="2026:10:30 14:20:05")
    assert sent.count(b"SECRET") >= 3
    photo = photos.read(BytesIO(sent), JPEG, NOW)
    assert b"SECRET" not in photo.content and b"Exif" not in photo.content
    with Image.open(BytesIO(photo.content)) as kept:
        assert not kept.getexif() and "icc_profile" not in kept.info and "comment" not in kept.info
    assert photo.taken_at is not None and photo.taken_at.astimezone(UTC).hour == 6
    drawn = photos.read(BytesIO(pictures.png()), PNG, NOW)
    assert b"SECRET" not in drawn.content and drawn.taken_at is None


def test_the_same_photo_is_written_the_same() -> None:
    sent = pictures.jpeg()
    assert photos.read(BytesIO(sent), JPEG, NOW).content == photos.read(BytesIO(sent), JPEG, NOW).content


def test_a_photo_stands_upright_and_is_no_larger_than_it_need_be() -> None:
    photo = photos.read(BytesIO(pictures.jpeg((6000, 3000), orientation=6)), JPEG, NOW)
    assert max(photo.width, photo.height) <= LONGEST_EDGE
    assert photo.height > photo.width, "turned as the camera was held"


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
def test_every_mode_of_a_png_is_kept_in_plain_colours(mode: str) -> None:
    photo = photos.read(BytesIO(pictures.png(mode=mode)), PNG, NOW)
    with Image.open(BytesIO(photo.content)) as kept:
        assert kept.mode in ("RGB", "RGBA")


def test_a_bomb_is_measured_before_it_is_opened() -> None:
    assert len(pictures.bomb()) < 200
    with pytest.raises(photos.TooManyPixels):
        photos.read(BytesIO(pictures.bomb()), PNG, NOW)


def test_half_a_photo_and_no_photo_are_unreadable() -> None:
    whole = pictures.jpeg((400, 300))
    for content, kind in (
        (whole[: len(whole) // 2], JPEG),
        (b"\xff\xd8\xff" + b"\0" * 500, JPEG),
        (pictures.png()[:40], PNG),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (pictures.png(), JPEG),
    ):
        with pytest.raises(photos.Unreadable):
            photos.read(BytesIO(content), kind, NOW)


@given(st.binary(max_size=300), st.sampled_from([JPEG, PNG]))
def test_any_bytes_are_a_photo_or_a_refusal(content: bytes, kind: str) -> None:
    sign = b"\xff\xd8\xff\xe0" if kind == JPEG else b"\x89PNG\r\n\x1a\n"
    with pytest.raises((photos.Unreadable, photos.TooManyPixels)):
        photos.read(BytesIO(sign + content), kind, NOW)


# ── Looks and places ─────────────────────────────────────────────────────────────────────────────


def test_looks_that_differ_in_six_bits_share_a_band_and_64_bits_fit_the_column() -> None:
    look = 0x9F3C_5A71_E08B_24D6
    for place in range(0, 58, 3):
        other = look ^ (0b111111 << place)
        assert set(bands_of(look)) & set(bands_of(other))
    assert len(set(bands_of(0))) == 8
    assert signed(1 << 63) == -(1 << 63) and signed((1 << 64) - 1) == -1 and signed(5) == 5
    assert is_telling(look) and not is_telling(0) and not is_telling((1 << 64) - 1) and not is_telling(0b1111111)


@pytest.mark.parametrize(
    ("one", "other", "meters"),
    [
        (("30.583611", "114.300000"), ("30.583611", "114.300000"), 0),
        (("30.583611", "114.300000"), ("30.593611", "114.300000"), 1113),
        (("30.583611", "114.300000"), ("30.583611", "114.305216"), 500),
        (("30.583611", "114.300000"), ("30.588103", "114.300000"), 500),
    ],
)
def test_meters_between_two_places(one: tuple[str, str], other: tuple[str, str], meters: int) -> None:
    first, second = ((Decimal(north), Decimal(east)) for north, east in (one, other))
    assert abs(meters_between(first, second) - meters) <= 1
    assert meters_between(first, second) == meters_between(second, first)


@given(st.lists(st.tuples(st.sampled_from(["", "employer", "post", "gone"]), st.integers()), max_size=12))
def test_every_file_stands_once_under_its_question_or_as_general_evidence(files: list[tuple[str, int]]) -> None:
    found = by_question(files, {"employer", "post"})
    assert sorted(file for under in found.values() for file in under) == sorted(file for _item, file in files)
    assert set(found) <= {"", "employer", "post"}
    assert found.get("employer", []) == [file for item, file in files if item == "employer"]
