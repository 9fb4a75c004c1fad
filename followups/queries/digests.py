"""A person's digests: the own ones alone, of their figures what may be seen now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from followups.models import Digest, DigestRun
from followups.rules.digest import Figure, Part, still_seen
from people.models import Branch, Staff
from people.queries import branch_ids_visible_to, roles_of


@dataclass(frozen=True, slots=True)
class Names:
    """Whom and which branches figures are about."""

    officers: dict[int, Staff]
    branches: dict[int, Branch]


def digests_of(staff: Staff) -> QuerySet[Digest]:
    """What the person was told, and nobody else."""
    return Digest.objects.filter(staff=staff).select_related("run")


def digest_on(staff: Staff, day: date) -> Digest | None:
    return digests_of(staff).filter(day=day).first()


def seen(digest: Digest, staff: Staff) -> tuple[Figure, ...]:
    """Its figures as they stood, less what the person may no longer see."""
    kept = [Figure(row["code"], tuple(Part(*part) for part in row["parts"])) for row in digest.figures]
    permissions = {each for role in roles_of(staff) for each in role.permissions}
    return still_seen(kept, permissions=permissions, branches=set(branch_ids_visible_to(staff)))


def names_of(figures: Iterable[Figure]) -> Names:
    """Two statements, however many figures."""
    parts = [part for figure in figures for part in figure.parts]
    return Names(
        Staff.objects.in_bulk({part.officer_id for part in parts if part.officer_id is not None}),
        Branch.objects.in_bulk({pk for part in parts for pk in (part.branch_id, part.beside_id) if pk is not None}),
    )


def run_of(day: date) -> DigestRun | None:
    return DigestRun.objects.filter(day=day).first()
