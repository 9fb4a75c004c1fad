"""post_receipts FILE: posts a CSV of receipts (docs/receipts.md)."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from config.boarding_file import TapeRefused
from config.receipts_file import post_file
from journal.errors import ActionRefused


class Command(BaseCommand):
    help = "Posts receipts from a CSV. Exit 0 also with refused rows, 2 when the file itself is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV: loan,amount,value_on,channel,serial")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = post_file(options["file"], by="system", clock=timezone.now)
        except TapeRefused as error:
            raise CommandError(str(error), returncode=2) from error
        except ActionRefused as error:
            raise CommandError(error.message, returncode=2) from error
        for refused in report.refusals:
            self.stdout.write(_("第 %(row)d 行 %(column)s “%(value)s”：%(reason)s") % refused._asdict())
        self.stdout.write(
            _(
                "共 %(rows)d 行：入账 %(posted)d 笔 %(amount_posted)s 元，待入账 %(waiting)d，重复 %(duplicate)d，"
                "未匹配 %(unmatched)d，拒绝 %(refused)d"
            )
            % report.as_json()
        )
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json()))
