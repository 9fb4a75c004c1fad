"""What commands share that take in a file of money: read it, take it in (or only look), say what became of the rows."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from config import money_file
from config.boarding_file import TapeRefused
from config.money_file import FileReport
from journal.errors import ActionRefused
from loans.actions import FileAlreadyTaken
from loans.models import MoneyFileKind


class TakeInFile(BaseCommand):
    """A command on one kind of file; a file that came in before changes nothing and is only looked at."""

    kind: ClassVar[MoneyFileKind]
    columns: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help=f"CSV: {self.columns}")
        parser.add_argument("--dry-run", action="store_true", help="say what would become of the rows, write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._report(options["file"], is_dry_run=options["dry_run"])
        except TapeRefused as error:
            raise CommandError(str(error), returncode=2) from error
        except ActionRefused as error:
            raise CommandError(error.message, returncode=2) from error
        for problem in report.problems:
            words = {"row": problem.row, "column": problem.column, "value": problem.value, "reason": problem.reason}
            self.stdout.write(_("第 %(row)d 行 %(column)s “%(value)s”：%(reason)s") % words)
        self.stdout.write(self._sentence() % report.as_json())
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))

    def _report(self, path: Path, *, is_dry_run: bool) -> FileReport:
        if is_dry_run:
            return money_file.preview(path, kind=self.kind)
        try:
            return money_file.take_in(path, by="system", clock=timezone.now, kind=self.kind)
        except FileAlreadyTaken as error:
            self.stdout.write(error.message)
            return money_file.preview(path, kind=self.kind)

    def _sentence(self) -> str:
        if self.kind == MoneyFileKind.RECEIPTS:
            return _(
                "共 %(rows)d 行：入账 %(posted)d 笔 %(amount_posted)s 元，待入账 %(waiting)d，重复 %(duplicate)d，"
                "未匹配 %(unmatched)d，拒绝 %(refused)d"
            )
        return _(
            "共 %(rows)d 行：入账 %(posted)d 笔 %(amount_posted)s 元，待入账 %(waiting)d，重复 %(duplicate)d，"
            "扣款失败 %(failed)d，待处理 %(breaks)d"
        )
