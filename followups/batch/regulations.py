"""The register a bank begins with, beside the parameters that follow from it."""

from datetime import datetime

from django.db import transaction

from followups.models.regulations import Regulation, RegulationParameter, RegulationState
from followups.rules.regulations import REGISTER, content_sha256
from loans.models import Parameter

MAKER, CHECKER = "P0001", "P0002"


@transaction.atomic
def install_regulations(*, at: datetime) -> None:
    """Seeds the register; does nothing when any regulation stands in it."""
    if Regulation.objects.exists():
        return
    for known in REGISTER:
        values = {"number": known.number, "title": known.title, "summary": known.summary}
        found = [
            (code, row.value, known.effective_on)
            for code in known.codes
            for row in Parameter.objects.filter(code=code, in_force__contains=known.effective_on)
        ]
        regulation = Regulation.objects.create(
            number=known.number, title=known.title, issuer=known.issuer, issued_on=known.issued_on,
            effective_on=known.effective_on, summary=known.summary, state=RegulationState.APPROVED, maker=MAKER,
            made_at=at, checker=CHECKER, decided_at=at, content_sha256=content_sha256(values, found),
        )  # fmt: skip
        RegulationParameter.objects.bulk_create(
            RegulationParameter(regulation=regulation, code=code, value=value, from_on=from_on)
            for code, value, from_on in found
        )
