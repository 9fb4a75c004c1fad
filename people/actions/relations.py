"""Who belongs together (配偶, 共同借款人): entered and ended by people, on record with the loan it was told of."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record
from journal.errors import ActionRefused
from journal.queries import business_date_now
from people.models import Party, PartyRelation, RelationKind, Staff


class RelationRefused(ActionRefused):
    code = "relation_refused"


@transaction.atomic
def relate(*, party_id: int, other_id: int, kind: str, loan_id: int, by: Staff, at: datetime) -> PartyRelation:
    """Keeps that the two belong together; told again it is the same. The caller has checked access to both."""
    if kind not in RelationKind.values:
        raise RelationRefused(_("请从所列关系中选择。"), field="kind")
    if party_id == other_id:
        raise RelationRefused(_("不能登记为本人与本人。"), field="id_no")
    first, second = sorted((party_id, other_id))
    # Whoever tells it at the same time waits here and finds it told.
    list(Party.objects.select_for_update().filter(pk__in=(first, second)).order_by("id"))
    known = PartyRelation.objects.filter(party_id=first, other_id=second, kind=kind, ended_on__isnull=True).first()
    if known is not None:
        return known
    today = business_date_now() or at.date()
    made = PartyRelation.objects.create(
        party_id=first, other_id=second, kind=kind, known_on=today, entered_by=by, at=at
    )  # fmt: skip
    _tell("people.relation_entered", made, loan_id, by, at)
    return made


@transaction.atomic
def end_relation(*, relation_id: int, loan_id: int, by: Staff, at: datetime) -> PartyRelation:
    """Ends it today; ended already, nothing changes."""
    found = PartyRelation.objects.select_for_update().get(pk=relation_id)
    if found.ended_on is not None:
        return found
    found.ended_on = max(business_date_now() or at.date(), found.known_on)
    PartyRelation.objects.filter(pk=found.pk).update(ended_on=found.ended_on)
    _tell("people.relation_ended", found, loan_id, by, at)
    return found


def _tell(kind: str, relation: PartyRelation, loan_id: int, by: Staff, at: datetime) -> None:
    record(
        kind=kind, subject_type="party", subject_id=relation.party_id, loan_id=loan_id, by=by.staff_no, at=at,
        business_date=business_date_now(),
        data={"relation_id": relation.pk, "party_id": relation.party_id, "other_id": relation.other_id,
              "kind": relation.kind},
    )  # fmt: skip
