"""import_loans FILE: takes an existing loan book in from a CSV (see docs/loan_tape.md)."""

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from tqdm import tqdm

from config.boarding import board
from config.boarding_file import TapeRefused
from config.boarding_words import summary
from journal.errors import ActionRefused
from loans.rules import tape


def _day(text: str) -> date:
    try:
        return tape.parse_day(text)
    except tape.Fault:
        raise argparse.ArgumentTypeError(_("日期须写成 年-月-日，如 2026-10-31")) from None


class Command(BaseCommand):
    help = "Imports a loan tape (CSV). Exit 0 also with refused rows, 2 when the file itself is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--as-of", type=_day, metavar="DATE", help="the day at whose close the balances stand")
        parser.add_argument("--dry-run", action="store_true", help="report what an import would do; write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
        parser.add_argument("--refused", type=Path, metavar="OUT.csv", help="write the refused rows with reasons")

    def handle(self, *args: Any, **options: Any) -> None:
        file, refused_to = options["file"], options["refused"]
        if refused_to and refused_to.exists() and file.exists() and refused_to.samefile(file):
            self._refuse(_("拒绝清单不能覆盖导入文件本身。"))
        # The bar goes to the error stream and only to a terminal; None lets tqdm decide that.
        with tqdm(total=None, unit="B", unit_scale=True, leave=False, disable=None) as bar:

            def progress(read: int, size: int) -> None:
                bar.total = size
                bar.update(read - bar.n)

            try:
                report = board(
                    file,
                    as_of=options["as_of"],
                    is_dry_run=options["dry_run"],
                    refused_to=refused_to,
                    by="system",
                    at=timezone.now(),
                    progress=progress,
                )
            except (TapeRefused, ActionRefused) as refusal:
                bar.close()
                self._refuse(str(refusal))
        for line in summary(report, str(refused_to or "")):
            self.stdout.write(line)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))

    def _refuse(self, sentence: str) -> None:
        self.stderr.write(sentence)
        sys.exit(2)
