"""make_digests: the digests of the open business date, as beat makes them at 08:30 (docs/follow_ups.md)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from followups.batch.digests import make_digests
from followups.queries.digests import run_of
from journal.errors import ActionRefused
from loans.queries import require_business_date


class Command(BaseCommand):
    help = "Makes the digests of the open business date, once; nothing on a day on which the bank does not work"

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            day = require_business_date()
            made = make_digests(as_of=day, at=timezone.now())
        except ActionRefused as error:
            raise CommandError(error.message, returncode=2) from error
        if made is not None:
            words = ngettext("%(count)d 人有每日摘要", "%(count)d 人有每日摘要", made) % {"count": made}
        else:
            words = _("摘要已生成过") if run_of(day) else _("不是工作日，没有摘要")
        self.stdout.write(f"{day}  {words}")
