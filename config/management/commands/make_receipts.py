"""make_receipts: writes a believable receipts file for what falls due (docs/receipts.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from config import receipts_made
from config.management.commands.day_end import iso_day
from loans.queries import NoBusinessDate, require_business_date


class Command(BaseCommand):
    help = "Writes a believable receipts file for what falls due through a day; the same seed gives the same file"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--through", type=iso_day, required=True, help="last due day (YYYY-MM-DD)")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="default: standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            open_day = require_business_date()
        except NoBusinessDate as error:
            raise CommandError(error.message, returncode=2) from error
        lines = receipts_made.make_receipts(open_day=open_day, through=options["through"], seed=options["seed"])
        if options["out"] is None:
            receipts_made.write(lines, self.stdout)  # type: ignore[arg-type]
        else:
            try:
                with options["out"].open("w", encoding="utf-8", newline="") as file:
                    receipts_made.write(lines, file)
            except OSError as error:
                raise CommandError(str(error), returncode=2) from error
        self.stderr.write(
            _("%(count)d 笔还款，到期日至 %(through)s") % {"count": len(lines), "through": options["through"]}
        )
