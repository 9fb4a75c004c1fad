"""Seeds what a bank needs before its first loan; every part may be repeated.

Roles, root branch, workday calendar, parameters, the approved policies, the checklist and the
evening schedule. Never demo data.
"""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from config import seeding


class Command(BaseCommand):
    help = "Seeds calendar, roles, parameters and the approved policies (safe to repeat)"

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        with transaction.atomic():
            for name, part in seeding.PARTS:
                part(at)
                if options["verbosity"] > 1:
                    self.stderr.write(f"seeded {name}")
