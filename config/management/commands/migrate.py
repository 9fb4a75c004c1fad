"""Django's `migrate`; an empty database is given the schema baseline first, and the migrations after it one by one."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

from config import baseline


class Command(migrate.Command):
    """`--without-baseline` runs every migration even on an empty database."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--without-baseline", action="store_true", help="run every migration, also on an empty database"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_whole = not any(options[name] for name in ("app_label", "fake", "plan", "check_unapplied", "prune"))
        if is_whole and not options["without_baseline"]:
            parts = baseline.read(baseline.BASELINE.read_text(encoding="utf-8"))
            if baseline.lay(connections[options["database"]], parts) and options["verbosity"] >= 1:
                self.stdout.write(f"  An empty database: {len(parts)} migrations from the baseline")
        super().handle(*args, **options)
