"""make_debits: the file of automatic debits of the open business date (docs/receipts.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions import debit_content, make_debits


class Command(BaseCommand):
    help = "Makes the file of automatic debits of the open business date, once; made before, writes the same bytes"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            file, is_new = make_debits(by="system", at=timezone.now())
            content = debit_content(file)
        except ActionRefused as error:
            raise CommandError(error.message, returncode=2) from error
        if options["out"] is None:
            self.stdout.write(content.decode(), ending="")
        else:
            try:
                options["out"].write_bytes(content)
            except OSError as error:
                raise CommandError(str(error), returncode=2) from error
        words = {"name": file.name, "rows": file.counts["rows"], "amount": file.counts["amount"]}
        made = (
            _("%(name)s：%(rows)d 笔，合计 %(amount)s 元")
            if is_new
            else _("%(name)s 已生成过：%(rows)d 笔，合计 %(amount)s 元")
        )
        self.stderr.write(made % words)
