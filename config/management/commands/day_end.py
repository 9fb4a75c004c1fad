"""Closes business dates by hand: the same function that the evening task calls."""

import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import day_end


def iso_day(text: str) -> date:
    """A day as YYYY-MM-DD."""
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Closes every open business date up to a day, in order; safe to kill and to run again"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--through", type=iso_day, required=True, help="last date to close (YYYY-MM-DD)")

    def handle(self, *args: Any, through: date, **options: Any) -> None:
        try:
            closed = day_end.run(through=through, at_clock=timezone.now, report=self._tell)
        except day_end.DayEndRefused as error:
            raise CommandError(error.message, returncode=2) from error
        if closed:
            self.stdout.write(f"closed {len(closed)} dates: {closed[0]} to {closed[-1]}")
        else:
            self.stdout.write(f"nothing to close: {through} is closed already")

    def _tell(self, report: day_end.DateReport) -> None:
        done = [
            f"{stage} " + ", ".join(f"{name} {value}" for name, value in counts.items() if value)
            for stage, counts in report.counts.items()
            if any(counts.values())
        ]
        self.stderr.write(f"{report.day}  {report.seconds:.2f} s  {'; '.join(done) or 'quiet'}")
        sys.stderr.flush()
