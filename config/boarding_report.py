"""What became of an imported file: counts, examples, and the CSV of refused rows."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.utils.translation import gettext as _

from config.boarding_file import TapeRefused, printable
from loans.rules.tape import Refusal, Warning

SHOWN_REFUSALS = 20
SHOWN_EXAMPLES = 3
_LONGEST_VALUE = 1_000
# A spreadsheet takes a cell that begins with one of these for a formula (OWASP; full-width forms too).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass
class Group:
    """Warnings of one kind: how many, and the first few."""

    count: int = 0
    examples: list[Warning] = field(default_factory=list)


@dataclass
class Report:
    """The outcome of one file; `faults` counts reasons, of which a refused row may have several."""

    file_name: str
    encoding: str
    as_of: date
    as_of_given: bool
    is_dry_run: bool
    surplus: tuple[str, ...] = ()
    rows: int = 0
    empty_rows: int = 0
    imported: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: int = 0
    principal_in: Decimal = Decimal("0.00")
    principal_booked: Decimal = Decimal("0.00")
    opened_on: date | None = None
    branches: list[str] = field(default_factory=list)
    warnings: dict[str, Group] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def warn(self, warnings: Iterable[Warning]) -> None:
        for warning in warnings:
            group = self.warnings.setdefault(warning.code, Group())
            group.count += 1
            if len(group.examples) < SHOWN_EXAMPLES:
                group.examples.append(warning)

    def refuse(self, refusals: Iterable[Refusal]) -> None:
        """Counts one refused row with its reasons."""
        self.refused += 1
        for refusal in refusals:
            self.faults += 1
            if len(self.refusals) < SHOWN_REFUSALS:
                self.refusals.append(refusal)

    def as_json(self) -> dict[str, int | str]:
        return {
            "rows": self.rows,
            "imported": self.imported,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "principal_in": f"{self.principal_in:.2f}",
            "principal_booked": f"{self.principal_booked:.2f}",
        }


def guarded(value: str) -> str:
    """A cell that no spreadsheet runs as a formula and that hides nothing."""
    text = printable(value, _LONGEST_VALUE)
    return f"'{text}" if value.startswith(_FORMULA) or text.startswith(_FORMULA) else text


@contextmanager
def refused_rows(path: Path | None, sentence: Callable[[Refusal], str]) -> Iterator[Callable[[Refusal], None]]:
    """Gives a writer of refused rows. The file appears whole when the block ends well, or not at all."""
    if path is None:
        yield lambda refusal: None
        return
    if path.exists() and not path.is_file():
        raise TapeRefused(_("拒绝清单不能写到 %(path)s：不是普通文件。") % {"path": path})
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.", suffix=".part")
    except (OSError, ValueError) as error:
        raise TapeRefused(_("拒绝清单无法写入 %(path)s（%(error)s）") % {"path": path, "error": error}) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["row", "column", "value", "reason"])
            yield lambda refusal: writer.writerow(
                [refusal.row, refusal.column, guarded(refusal.value), sentence(refusal)]
            )
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)
