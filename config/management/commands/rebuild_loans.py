"""rebuild_loans: makes every loan's rows once more from its history and compares; exit 1 when anything differs."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.utils import timezone

from loans.rebuild import Found, look, repair
from loans.rules.rebuild import state_sha256

SHOWN = 50


class Command(BaseCommand):
    help = "Rebuilds positions, installments and fees from terms, postings and receipts, and compares"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="compare only (the default)")
        parser.add_argument("--write", action="store_true", help="write rebuilt rows over those that differ")
        parser.add_argument("--loan", action="append", type=int, metavar="ID", help="only this loan; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"] and options["check"]:
            self.stderr.write("--check or --write, not both")
            sys.exit(2)
        found = self._look(options["loan"])
        different = [each for each in found if not each.is_same]
        for each in different[:SHOWN]:
            self._say(each)
        if len(different) > SHOWN:
            self.stdout.write(f"… and {len(different) - SHOWN} loans more")
        self.stdout.write(f"{len(found)} loans, {len(different)} differ")
        self.stdout.write(f"stored  {state_sha256(each.stored for each in found if each.stored)}")
        self.stdout.write(f"rebuilt {state_sha256(each.rebuilt for each in found if each.rebuilt)}")
        if not different:
            return
        if options["write"]:
            mended = repair(loan_ids=[each.loan_id for each in different], by="system", at=timezone.now())
            self.stdout.write(f"{len(mended)} loans mended")
            if len(mended) == len(different):
                return
        sys.exit(1)

    def _look(self, loan_ids: list[int] | None) -> list[Found]:
        """One state of the book, when nothing else is going on in this transaction already."""
        is_outermost = not connection.in_atomic_block
        with transaction.atomic(), connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return list(look(loan_ids))

    def _say(self, found: Found) -> None:
        if found.broken:
            self.stdout.write(f"loan {found.loan_id}: {found.broken}")
        for each in found.ledger:
            self.stdout.write(f"loan {found.loan_id} ledger: {each}")
        for row, column, stored, rebuilt in found.differences:
            self.stdout.write(f"loan {found.loan_id} {row} {column}: stored {stored}, rebuilt {rebuilt}")
