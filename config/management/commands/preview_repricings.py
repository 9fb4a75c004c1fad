"""preview_repricings: does the repricing previews that were asked for, without a worker (docs/operations.md)."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.previews import preview_waiting


class Command(BaseCommand):
    help = "Previews the repricing runs that were asked for on the page or over the API, to their end"

    def handle(self, *args: Any, **options: Any) -> None:
        preview_waiting(at_clock=timezone.now)
