"""Loads the demo bank into an empty database."""

import gc
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from config import demo
from config.demo.book import LEAST_MONTHS, MONTHS, MOST_MONTHS
from loans.models import Loan


class Command(BaseCommand):
    help = "Loads the demo bank into an empty database"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing when the bank has loans")
        parser.add_argument(
            "--months", type=int, default=MONTHS, help=f"months of past, {LEAST_MONTHS} to {MOST_MONTHS} ({MONTHS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if Loan.objects.exists():
            if options["if_empty"]:
                return
            raise CommandError("This bank has loans already; the demo loads into an empty one only.")
        if not LEAST_MONTHS <= options["months"] <= MOST_MONTHS:
            raise CommandError(f"The demo has {LEAST_MONTHS} to {MOST_MONTHS} months of past.")
        with connection.cursor() as cursor:
            # A demo that a dead server cuts off is loaded anew: no commit of it waits for the disk.
            cursor.execute("SET synchronous_commit = off")
        # One run that ends with its process: what it was started with is not searched for rubbish again and again.
        gc.freeze()
        gc.set_threshold(50_000)
        demo.load(say=lambda text: self.stderr.write(f"  demo: {text}"), months=options["months"])
