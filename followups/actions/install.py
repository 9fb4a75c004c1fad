"""The default checklist as a version of the data."""

from datetime import datetime

from django.db import transaction

from followups.models import Checklist
from followups.rules.checklist_items import DEFAULT_VERSION, default_items


@transaction.atomic
def install_default_checklist(*, at: datetime) -> None:
    """Installs our newest version where the bank has an older one or none; safe to repeat."""
    if not Checklist.objects.filter(version__gte=DEFAULT_VERSION).exists():
        Checklist.objects.create(version=DEFAULT_VERSION, items=default_items(), made_at=at)
