"""Closes business dates by hand: the same function that the evening task calls."""

import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import day_end
from config.night.progress import progress
from journal.errors import ActionRefused
from loans.queries import open_business_date

# Seconds between two lines of progress: one that is written over on a terminal, a line of its own elsewhere.
LIVE, PLAIN = 0.5, 10.0


def iso_day(text: str) -> date:
    """A day as YYYY-MM-DD."""
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Closes every open business date up to a day, in order; safe to kill and to run again"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--through", type=iso_day, required=True, help="last date to close (YYYY-MM-DD)")
        parser.add_argument(
            "--whole", action="store_true", help="look at every loan, not only at what happened and a slice of the book"
        )

    def handle(self, *args: Any, through: date, whole: bool, **options: Any) -> None:
        self.is_live = self.stderr.isatty()
        self.told_at = time.monotonic()
        try:
            if whole:
                day_end.ask_for_whole(by="system", at=timezone.now())
            closed = day_end.run(through=through, at_clock=timezone.now, report=self._tell, watch=self._watch)
        except day_end.DayEndRefused as error:
            raise CommandError(error.message, returncode=2) from error
        except ActionRefused as error:
            raise CommandError(error.message) from error
        if closed:
            self.stdout.write(f"closed {len(closed)} dates: {closed[0]} to {closed[-1]}")
        else:
            self.stdout.write(f"nothing to close: {through} is closed already")

    def _watch(self) -> None:
        if time.monotonic() - self.told_at < (LIVE if self.is_live else PLAIN):
            return
        self.told_at = time.monotonic()
        day = open_business_date()
        found = progress(day, [stage.name for stage in day_end.STAGES], at=timezone.now()) if day else None
        if found is None:
            return
        parts = [f"{found.day}  {found.number}/{found.stages} {found.stage}"]
        if found.planned:
            parts.append(f"{found.done}/{found.planned} chunks")
        if found.loans_per_second:
            parts.append(f"{found.loans_per_second:,} loans/s")
        if found.ends_at:
            parts.append(f"ends about {timezone.localtime(found.ends_at):%H:%M:%S}")
        self._line("  ".join(parts))

    def _line(self, text: str) -> None:
        if self.is_live:
            self.stderr.write(f"\r\x1b[K{text}", style_func=str, ending="")
        else:
            self.stderr.write(text, style_func=str)
        self.stderr.flush()

    def _tell(self, report: day_end.DateReport) -> None:
        done = [
            f"{stage} " + ", ".join(f"{name} {value}" for name, value in counts.items() if value)
            for stage, counts in report.counts.items()
            if any(counts.values())
        ]
        self._line(f"{report.day}  {report.seconds:.2f} s  {'; '.join(done) or 'quiet'}")
        if self.is_live:
            self.stderr.write("")
