"""The default checklist as version 1 of the data."""

from datetime import datetime

from django.db import transaction

from followups.models import Checklist
from followups.rules.checklist import default_items


@transaction.atomic
def install_default_checklist(*, at: datetime) -> None:
    """Installs version 1 when there is no checklist yet; safe to repeat."""
    Checklist.objects.get_or_create(version=1, defaults={"items": default_items(), "made_at": at})
