"""Opens a loan tape: finds out what the file is, keeps a private copy, and hands out its records.

Everything that makes the file itself unusable is refused here with one sentence, before a row is
looked at and without reading more of a hostile file than its limits allow. The copy makes sure that
the passes over the file (encoding, as-of day, rows) all see the same bytes, and lets a pipe be read.
"""

import codecs
import csv
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from loans.rules import tape

LARGEST_FILE = 1 << 30  # bytes
LONGEST_RECORD = 65_536  # characters, quoted line ends included
MOST_COLUMNS = 200
_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_NAMED_FORMATS = (
    (b"PK\x03\x04", "Excel (.xlsx) / ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel (.xls)"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "GZIP"),
    (b"BZh", "BZIP2"),
    (b"\xfd7zXZ\x00", "XZ"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!", "RAR"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3\x00", "SQLite"),
)


class TapeRefused(Exception):
    """The file itself cannot be imported; the message is one sentence for the person."""


@dataclass(frozen=True)
class Header:
    """The first line: every name in order, and the names that are no column of the tape."""

    names: tuple[str, ...]
    surplus: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """A line of the sheet that is not empty; `row` counts from the header = 1."""

    row: int
    fields: tuple[str, ...]


ReadHeader = Callable[[Sequence[str]], Header]


class Tape:
    """A file known to be text with the right columns."""

    def __init__(
        self, name: str, file: IO[bytes], sha256: str, size: int, encoding: str, read_header: ReadHeader
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self.size = size
        self.encoding = encoding
        self.empty_rows = 0
        self._file = file
        first = next(self._raw_records(), None)
        self.header = read_header([] if first is None else first)

    def records(self) -> Iterator[Record]:
        """Every record below the header; lines without any value are skipped and counted in `empty_rows`."""
        self.empty_rows = 0
        for row, fields in enumerate(self._raw_records(), start=1):
            if row == 1:
                continue
            if any(map(tape.trimmed, fields)):
                yield Record(row, tuple(fields))
            else:
                self.empty_rows += 1

    def position(self) -> int:
        """Bytes read so far in the pass under way."""
        return self._file.tell()

    def _raw_records(self) -> Iterator[Sequence[str]]:
        self._file.seek(0)
        text = io.TextIOWrapper(self._file, encoding=self.encoding, newline="")
        lines = _Lines(text)
        reader = csv.reader(lines, strict=True)
        try:
            for fields in reader:
                lines.begin_record()
                yield fields
        except csv.Error as error:
            raise TapeRefused(
                _("第 %(row)s 行起不是规范的 CSV（引号不成对或引号后缺少逗号：%(error)s）。")
                % {"row": lines.row, "error": error}
            ) from None
        finally:
            if not self._file.closed:  # a pass given up half-way may outlive the copy
                text.detach()


class _Lines:
    """Feeds the CSV reader line by line, and stops a record without end before it fills the memory."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.row = 1
        self._text = text
        self._length = 0
        self._is_first = True

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_RECORD + 1)
        if not line:
            raise StopIteration
        self._length += len(line)
        if self._length > LONGEST_RECORD and self.row == 1:
            raise TapeRefused(
                _("表头超过 %(limit)s 个字符（最多 %(columns)s 列）：这不是贷款台账。")
                % {"limit": LONGEST_RECORD, "columns": MOST_COLUMNS}
            )
        if self._length > LONGEST_RECORD:
            raise TapeRefused(
                _("第 %(row)s 行超过 %(limit)s 个字符：不是贷款台账，或有引号没有成对。")
                % {"row": self.row, "limit": LONGEST_RECORD}
            )
        if self._is_first:
            self._is_first = False
            line = line.removeprefix("\ufeff")
        return line

    def begin_record(self) -> None:
        self.row += 1
        self._length = 0


@contextmanager
def open_tape(path: Path, read_header: ReadHeader | None = None) -> Iterator[Tape]:
    """The tape at a path, or TapeRefused. The private copy is gone when the block ends.

    `read_header` judges the first line; by default it must be that of a loan tape.
    """
    with tempfile.TemporaryFile() as copy:
        try:
            with path.open("rb") as source:
                sha256, size, is_utf8 = _copy(source, copy)
        except FileNotFoundError:
            raise TapeRefused(_("文件不存在：%(path)s") % {"path": path}) from None
        except IsADirectoryError:
            raise TapeRefused(_("这是一个文件夹，不是文件：%(path)s") % {"path": path}) from None
        except PermissionError:
            raise TapeRefused(_("没有读取该文件的权限：%(path)s") % {"path": path}) from None
        except (OSError, ValueError) as error:
            raise TapeRefused(_("文件无法读取：%(path)s（%(error)s）") % {"path": path, "error": error}) from None
        encoding = "utf-8" if is_utf8 else _other_encoding(copy)
        yield Tape(path.name, copy, sha256, size, encoding, read_header or _read_header)


def _copy(source: IO[bytes], copy: IO[bytes]) -> tuple[str, int, bool]:
    """Copies within the limit; (SHA-256, size, whether it is UTF-8). Refuses what is no text by its first bytes."""
    digest, size = hashlib.sha256(), 0
    decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    while block := source.read(_BLOCK):
        if not size:
            _refuse_binary(block[:_SAMPLE])
        size += len(block)
        if size > LARGEST_FILE:
            raise TapeRefused(_("文件超过 %(limit)s MB，请分成几个文件导入。") % {"limit": LARGEST_FILE >> 20})
        digest.update(block)
        copy.write(block)
        if decoder:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                decoder = None
    if not size:
        raise TapeRefused(_("文件是空的。"))
    try:
        if decoder:
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        decoder = None
    return digest.hexdigest(), size, decoder is not None


def _refuse_binary(sample: bytes) -> None:
    if sample.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise TapeRefused(_("文件是 UTF-32 编码，请另存为“CSV UTF-8”后再导入。"))
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_utf16_without_mark(sample):
        raise TapeRefused(_("文件是 UTF-16 编码，请另存为“CSV UTF-8”后再导入。"))
    for magic, name in _NAMED_FORMATS:
        if sample.startswith(magic):
            raise TapeRefused(_("这是 %(format)s 文件，不是 CSV。请另存为“CSV UTF-8”后再导入。") % {"format": name})
    header = sample.split(b"\n", 1)[0]
    if b"\x00" in header or sample.count(0) * 200 > len(sample):
        raise TapeRefused(_("这是二进制文件，不是 CSV。请另存为“CSV UTF-8”后再导入。"))


def _is_utf16_without_mark(sample: bytes) -> bool:
    """A Latin header in UTF-16 has a zero in every second byte and nowhere else."""
    head = sample[:200]
    even, odd, most = head[::2].count(0), head[1::2].count(0), len(head) * 0.35
    return len(head) >= 8 and ((even > most and not odd) or (odd > most and not even))


def _other_encoding(copy: IO[bytes]) -> str:
    """GB18030 when every byte of the copy reads as such; refused otherwise."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    copy.seek(0)
    try:
        while block := copy.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise TapeRefused(
            _("文件既不是 UTF-8 也不是 GB18030 编码（可能是二进制文件），请另存为“CSV UTF-8”后再导入。")
        ) from None
    return "gb18030"


def _read_header(fields: Sequence[str]) -> Header:
    names = [name.strip() for name in fields]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise TapeRefused(_("文件第一行没有列名。"))
    if len(names) > MOST_COLUMNS:
        raise TapeRefused(
            _("文件有 %(count)s 列，最多 %(limit)s 列：这不是贷款台账。") % {"count": len(names), "limit": MOST_COLUMNS}
        )
    if len(names) == 1 and (found := next((mark for mark in (";", "\t", "|", "，") if mark in names[0]), "")):
        raise TapeRefused(
            _("各列须以半角逗号分隔，本文件用的是“%(mark)s”。") % {"mark": "Tab" if found == "\t" else found}
        )
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise TapeRefused(_("列名重复：%(names)s") % {"names": _listed(repeated)})
    surplus = [name for name in names if name not in tape.COLUMN_NAMES]
    missing = [name for name in tape.HEADER_NAMES if name not in names]
    if missing:
        raise TapeRefused(_("缺少列：%(names)s") % {"names": _listed([_with_hint(name, surplus) for name in missing])})
    return Header(tuple(names), tuple(name for name in surplus if name))


def _with_hint(name: str, surplus: Sequence[str]) -> str:
    near = tape.nearest(name, surplus)
    return _("%(name)s（是否误写为 %(near)s？）") % {"name": name, "near": printable(near, 40)} if near else name


def _listed(names: Sequence[str]) -> str:
    return "、".join(printable(name, 60) for name in names)


def printable(text: str, longest: int) -> str:
    """The text cut to a length, with everything that does not show (terminal codes, direction marks) escaped."""
    shown = text if len(text) <= longest else text[:longest] + "…"
    if shown.isprintable():
        return shown
    return "".join(
        each if each.isprintable() or each == "\u3000" else each.encode("unicode_escape").decode() for each in shown
    )
