"""Makes a person who can sign in; for the first people of a bank."""

import getpass
import os
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from people.actions import create_staff
from people.models import Branch, Role, Staff


class Command(BaseCommand):
    help = "Makes a member of staff (the password is asked for, or read from ANJU_NEW_PASSWORD)"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("staff_no")
        parser.add_argument("name")
        parser.add_argument("--branch", required=True, help="branch code; 0000 is the bank itself")
        parser.add_argument("--role", action="append", required=True, help="role code, may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        branch = Branch.objects.filter(code=options["branch"]).first()
        if branch is None:
            raise CommandError(f"There is no branch {options['branch']}.")
        known = set(Role.objects.values_list("code", flat=True))
        unknown = sorted(set(options["role"]) - known)
        if unknown:
            raise CommandError(f"Unknown role {', '.join(unknown)}; there are {', '.join(sorted(known))}.")
        if Staff.objects.filter(staff_no=options["staff_no"]).exists():
            raise CommandError(f"Staff number {options['staff_no']} is taken.")
        password = os.environ.get("ANJU_NEW_PASSWORD") or getpass.getpass("Password: ")
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        create_staff(
            staff_no=options["staff_no"],
            name=options["name"],
            branch=branch,
            roles=options["role"],
            password=password,
            by="system",
            at=timezone.now(),
        )
        self.stdout.write(f"{options['staff_no']} may sign in.")
