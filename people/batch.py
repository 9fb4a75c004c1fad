"""Set-based writes of people for a book taken over: borrowers by identity number, and their means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from people.models import FinancialProfile, Party

_CHUNK = 2_000


@dataclass(frozen=True)
class NewParty:
    """A person as the tape names them."""

    id_no: str
    name: str
    name_initials: str
    phone: str


@dataclass(frozen=True)
class KnownParty:
    """A person as the bank knows them; the bank's name and number stay when a tape says otherwise."""

    id: int
    name: str
    phone: str


@dataclass(frozen=True)
class KnownMeans:
    """What a tape says of a person's means."""

    party_id: int
    monthly_income: Decimal | None
    employer: str


@transaction.atomic
def register_parties(*, rows: Sequence[NewParty]) -> dict[str, KnownParty]:
    """Finds or adds every person by identity number (the first row of a person counts); identity number → person."""
    first: dict[str, NewParty] = {}
    for row in rows:
        first.setdefault(row.id_no, row)
    known = _known(list(first))
    missing = [row for id_no, row in sorted(first.items()) if id_no not in known]
    if missing:
        Party.objects.bulk_create(
            [
                Party(name=row.name, name_initials=row.name_initials, id_no=row.id_no, phone=row.phone)
                for row in missing
            ],
            batch_size=_CHUNK,
            ignore_conflicts=True,
        )
        known |= _known([row.id_no for row in missing])
    return known


def _known(id_nos: Sequence[str]) -> dict[str, KnownParty]:
    rows = Party.objects.filter(id_no__in=id_nos).values_list("id_no", "id", "name", "phone")
    return {id_no: KnownParty(party_id, name, phone) for id_no, party_id, name, phone in rows}


@transaction.atomic
def record_means(*, rows: Sequence[KnownMeans], known_on: date, source: str) -> None:
    """Adds a dated snapshot for each row; snapshots already there stay."""
    FinancialProfile.objects.bulk_create(
        [
            FinancialProfile(
                party_id=row.party_id,
                known_on=known_on,
                source=source,
                monthly_income=row.monthly_income,
                employer=row.employer,
            )
            for row in rows
        ],
        batch_size=_CHUNK,
    )
