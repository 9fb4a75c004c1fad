"""Certificates to make visits: who has one until when."""

from django.db.models import QuerySet

from people.models import Certificate, Staff
from people.queries import branch_ids_visible_to

VISITS = "VISITS"
ENTERS = "followups.assign"


def certificates_visible_to(staff: Staff) -> QuerySet[Certificate]:
    """Certificates of the branches one sees, with who holds them."""
    found = Certificate.objects.filter(code=VISITS, staff__branch_id__in=branch_ids_visible_to(staff))
    return found.select_related("staff__branch", "entered_by")
