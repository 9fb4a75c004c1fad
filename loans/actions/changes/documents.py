"""Hands out the paper of a change and the file it was proposed with, and records who took them.

The borrower signs the paper, so it bears the name in full for whoever may prepare one (`loans.propose_change`) and for
those who may see masked data (`people.reveal`); anybody else's copy is masked as on the pages.
"""

from datetime import datetime

from django.db import transaction

from journal.actions import record
from journal.models import Exhibit
from journal.queries import exhibit_bytes
from loans.actions.statements import Document
from loans.models import ContractChange
from loans.queries import require_business_date
from loans.queries.names import borrower_name
from people.actions import require
from people.models import Staff
from people.queries import may

_ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


class NoEvidence(LookupError):
    """The change was proposed without a file."""


@transaction.atomic
def take_print(*, change: ContractChange, by: Staff, at: datetime) -> str:
    """The borrower's name as it stands on the paper of a visible change; the printing stands in the journal."""
    require(by, "loans.view")
    is_full = may(by, "loans.propose_change") or may(by, "people.reveal")
    name = str(change.loan.borrower.name) if is_full else borrower_name(change.loan, by)
    facts = {"is_name_full": is_full or change.loan.portfolio_officer_id == by.pk, "version": change.version}
    _tell("loans.change_printed", change, by, at, {**facts, "sha256": change.result_sha256})
    return name


@transaction.atomic
def take_evidence(*, change: ContractChange, by: Staff, at: datetime) -> Document:
    """The file of a visible change, byte for byte; NoEvidence where there is none."""
    require(by, "loans.view")
    exhibit = Exhibit.objects.filter(sha256=change.evidence_sha256).first() if change.evidence_sha256 else None
    if exhibit is None:
        raise NoEvidence
    content = exhibit_bytes(exhibit)
    _tell("loans.change_evidence_taken", change, by, at, {"sha256": exhibit.sha256})
    return Document(f"change-{change.pk}.{_ENDINGS.get(exhibit.media_type, 'bin')}", exhibit.media_type, content)


def _tell(kind: str, change: ContractChange, by: Staff, at: datetime, facts: dict[str, object]) -> None:
    record(
        kind=kind, subject_type="contract_change", subject_id=change.pk, loan_id=change.loan_id, by=by.staff_no, at=at,
        business_date=require_business_date(), data={"kind": change.kind, **facts},
    )  # fmt: skip
