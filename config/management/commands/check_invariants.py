"""check_invariants: proves what must be true of the stored book; exit 1 when anything is not."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from config.invariants import findings


class Command(BaseCommand):
    help = "Checks every invariant of the stored book (reads only)"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(), connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for finding in findings():
                found.append(finding)
                state = "OK" if finding.is_ok else f"BROKEN {finding.broken}"
                self.stdout.write(f"{state:>12}  {finding.looked_at:>9}  {finding.claim}")
                for line in finding.first:
                    self.stdout.write(f"{'':>25}{line}")
        broken = [finding.code for finding in found if not finding.is_ok]
        self.stdout.write(f"{len(found)} invariants, {len(broken)} broken")
        if options["json"]:
            self.stdout.write(json.dumps({"broken": broken, "checks": [asdict(finding) for finding in found]}))
        if broken:
            sys.exit(1)
