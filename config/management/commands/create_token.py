"""Makes an API key for a person: the key alone on standard output, everything else on standard error."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from people.models import Staff
from people.tokens import issue_token


class Command(BaseCommand):
    help = "Makes an API key for a member of staff; it is shown this once"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("staff_no")
        parser.add_argument("--name", default="command line", help="what the key is for")
        parser.add_argument("--days", type=int, default=30, help="days until it expires (1 to 366)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 366:
            raise CommandError("--days must be between 1 and 366")
        staff = Staff.objects.filter(staff_no=options["staff_no"], is_active=True).first()
        if staff is None:
            raise CommandError(f"no active member of staff has the number {options['staff_no']}")
        key, token = issue_token(
            staff=staff,
            name=options["name"][:60],
            by="system",
            at=timezone.now(),
            lifetime=timedelta(days=options["days"]),
        )
        self.stderr.write(f"valid until {timezone.localtime(token.expires_at):%Y-%m-%d %H:%M}")
        self.stdout.write(key)
