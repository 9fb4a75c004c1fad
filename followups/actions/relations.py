"""The borrower's spouse or co-borrower, found among the bank's own borrowers, so that one talk does for both."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from loans.models import Loan
from people.actions import require
from people.actions.relations import RelationRefused, end_relation, relate
from people.models import PartyRelation, Staff
from people.queries import may
from people.queries.relations import relations_of


@transaction.atomic
def tell_relation(*, loan_id: int, id_no: str, kind: str, by: Staff, at: datetime) -> PartyRelation:
    """Keeps who belongs together with the loan's borrower. Only who owes a loan that one sees is found; a stranger,
    another branch's borrower and a wrong number are the same to who asks."""
    loan = _loan(loan_id, by)
    number = "".join(id_no.split()).upper()
    other = Loan.objects.visible_to(by).filter(borrower__id_no=number).values_list("borrower_id", flat=True).first()
    if other is None:
        raise RelationRefused(_("没有这位借款人。"), field="id_no")
    return relate(party_id=loan.borrower_id, other_id=other, kind=kind, loan_id=loan.pk, by=by, at=at)


@transaction.atomic
def withdraw_relation(*, loan_id: int, relation_id: int, by: Staff, at: datetime) -> PartyRelation:
    """Ends a relation of the loan's borrower: divorced, or told by mistake."""
    loan = _loan(loan_id, by)
    if relation_id not in [one.pk for one in relations_of(loan.borrower_id)]:
        raise RelationRefused(_("没有这项关系。"))
    return end_relation(relation_id=relation_id, loan_id=loan.pk, by=by, at=at)


def _loan(loan_id: int, by: Staff) -> Loan:
    if not may(by, "followups.record_visit"):
        require(by, "followups.assign")
    return Loan.objects.visible_to(by).get(pk=loan_id)
