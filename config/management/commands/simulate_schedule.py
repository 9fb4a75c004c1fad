"""simulate_schedule: contracts as JSON on standard input, their schedules as JSON on standard output.

Reads no database and starts nothing. One object gives one object, an array an array; wrong input
gives {"errors": {field: [reason]}} and exit status 2.
"""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError

from loans.rules.simulation import answer
from loans.wording import errors_in_words
from people.api.parsing import parse_strictly

MAX_BYTES = 16 * 1024 * 1024
MAX_REQUESTS = 10_000


class Command(BaseCommand):
    help = "Reads loan contracts (JSON) on standard input, writes their repayment schedules on standard output"
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        body = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            self._refuse({"body": [_("输入超过 16 MB。")]})
        try:
            value = parse_strictly(body)
        except ParseError as error:
            self._refuse({"body": [str(error.detail)]})
        response, errors = answer(value, at_most=MAX_REQUESTS)
        if errors:
            self._refuse(dict(errors_in_words(errors)))
        self._write(response)

    def _refuse(self, errors: dict[str, list[str]]) -> None:
        self._write({"errors": errors})
        sys.exit(2)

    def _write(self, value: object) -> None:
        # A terminal without UTF-8 gets escapes: the same JSON.
        is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        self.stdout.write(json.dumps(value, ensure_ascii=not is_utf8))
