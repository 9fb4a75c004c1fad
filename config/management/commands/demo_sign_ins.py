"""Prints the demo's sign-ins, one a line."""

from typing import Any

from django.core.management.base import BaseCommand

from config import demo


class Command(BaseCommand):
    help = "Prints the demo bank's sign-ins"

    def handle(self, *args: Any, **options: Any) -> None:
        for number, name, role, password in demo.sign_ins():
            self.stdout.write(f"{number}  {password}  {role} {name}")
