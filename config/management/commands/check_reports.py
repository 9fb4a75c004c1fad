"""check_reports: sets approved visit reports anew as they were and compares; exit 1 when bytes differ."""

import sys
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from followups.report_again import DIFFERENT, MISSING, SAME, compared


class Command(BaseCommand):
    help = "Sets approved visit reports anew by their kept templates and compares with the filed PDF"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--report", action="append", type=int, metavar="ID", help="only this one; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        counts: Counter[str] = Counter()
        for each in compared(options["report"]):
            counts[each.found] += 1
            if each.found != SAME:
                parts = ", ".join(each.set_with[key] for key in sorted(each.set_with)) or "nothing known"
                self.stdout.write(f"{each.number}: {each.found} (filed with {parts})")
        self.stdout.write(f"{counts.total()} reports, {counts[SAME]} {SAME}, {counts[DIFFERENT]} {DIFFERENT}, "
                          f"{counts[MISSING]} {MISSING}")  # fmt: skip
        absent = bool(options["report"]) and counts.total() < len(set(options["report"]))
        if absent:
            self.stderr.write("some of the reports named are not approved ones with a PDF")
        if counts[DIFFERENT] or absent:
            sys.exit(1)
