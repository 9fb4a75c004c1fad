"""try_policies: does the dry runs of follow-up policies that were asked for, without a worker (docs/policy.md)."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.dry_runs import try_waiting


class Command(BaseCommand):
    help = "Tries the follow-up policies whose dry run was asked for, to their end"

    def handle(self, *args: Any, **options: Any) -> None:
        try_waiting(at_clock=timezone.now)
