"""Lists the demo bank's situations with the loans to look at, as they stand now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.findings import situations


class Command(BaseCommand):
    help = "Lists the demo bank's situations with the loans to look at, as they stand now"

    def handle(self, *args: Any, **options: Any) -> None:
        missing = []
        self.stdout.write("| 情形 | 借据号 · 借款人 | 所见 |\n|---|---|---|")
        for found in situations():
            loans = "<br>".join(f"{loan.loan_note_no} {loan.borrower.name}" for loan in found.loans)
            self.stdout.write(f"| {found.title} | {loans} | {found.facts or '—'} |")
            if not found.facts:
                missing.append(found.title)
        if missing:
            raise CommandError(f"not found: {', '.join(missing)}")
