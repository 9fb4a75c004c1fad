"""Who belongs together with a person now."""

from django.db.models import Q

from people.models import PartyRelation


def relations_of(party_id: int) -> list[PartyRelation]:
    """Relations in force, with both people."""
    found = PartyRelation.objects.filter(Q(party_id=party_id) | Q(other_id=party_id), ended_on__isnull=True)
    return list(found.select_related("party", "other").order_by("id"))


def related_ids(party_id: int) -> list[int]:
    """Ids of the people who belong together with this one."""
    return [one.other_id if one.party_id == party_id else one.party_id for one in relations_of(party_id)]
