"""Writes the schema baseline anew from the migrations (config/baseline.py)."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from config import baseline


class Command(BaseCommand):
    help = "Writes the schema baseline anew: all migrations, run on an empty database of its own"

    def handle(self, *args: Any, **options: Any) -> None:
        name = f"{connections['default'].settings_dict['NAME']}_baseline"
        with baseline.empty_database(name) as connection:
            parts = baseline.recorded(connection)
        baseline.BASELINE.write_text(baseline.written(parts), encoding="utf-8")
        self.stdout.write(f"{baseline.BASELINE.name}: {len(parts)} migrations")
