"""跨机构同户: which pairs wait for somebody who sees both branches, and who could make one visit of each.

A pair is a row that the machine wrote when it looked at the talks (`batch.talks`); whether it still holds is asked of
its two tasks, by their keys, when it is read: begun, moved, given to who sees both, or taken apart, it is gone at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from operator import attrgetter

from django.db.models import BooleanField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Least

from followups.models import AcrossPair, AcrossQuerySet
from followups.queries.assigning import RECORDS, given_visits
from followups.queries.merging import ALONE, OPEN_TALK, WITHIN_DAYS
from followups.queries.sight import may_visit
from people.models import Role, Scope, Staff
from people.queries import branch_ids_visible_to, sees_every_branch

ASSIGNS = "followups.assign"


def _sees_both(task: str) -> str:
    officer = f"{task}.assigned_to_id"
    return f"({may_visit(officer, 't.branch_id')} AND {may_visit(officer, 'o.branch_id')})"


def holds(pair: str) -> str:
    """Condition of a pair of that name: nothing is decided, and its two talks are still what the machine saw.

    Looked up row by row, by keys: as a condition of existence it may be answered for all tasks of the bank, two by two.
    """
    return f"""({pair}.closed_on IS NULL AND {pair}.left_on IS NULL AND coalesce((
    SELECT true FROM followups_visittask t, followups_visittask o
     WHERE t.id = {pair}.one_id AND o.id = {pair}.other_id
       AND {OPEN_TALK.format("t")} AND {OPEN_TALK.format("o")} AND {ALONE} AND {ALONE.replace("t.id", "o.id")}
       AND abs(t.due_on - o.due_on) <= {WITHIN_DAYS}
       AND (t.kind <> 'FIRST' OR t.opens_on <= o.due_on) AND (o.kind <> 'FIRST' OR o.opens_on <= t.due_on)
       AND NOT {_sees_both("t")} AND NOT {_sees_both("o")}
       AND NOT EXISTS (SELECT FROM followups_mergedtask k
                        WHERE k.reason <> '' AND k.ended_by <> 'system'
                          AND (k.task_id = t.id AND k.lead_id = o.id OR k.task_id = o.id AND k.lead_id = t.id))
    ), false))"""  # noqa: S608 - conditions of this room


# Which pairs wait is found once, before anything is joined to them: as a condition of the joined rows it would be asked
# again for each task of the bank wherever nobody has counted the rows of these tables yet.
_WAITING = f"""followups_acrosspair.id = ANY(ARRAY(
    SELECT w.id FROM followups_acrosspair w
     WHERE {holds("w")} AND (%s OR w.one_branch_id = ANY(%s) AND w.other_branch_id = ANY(%s))
       AND w.id = coalesce(%s, w.id)
))"""  # noqa: S608 - constants
_BESIDE = [
    f"{end}__{name}"
    for end in ("one", "other")
    for name in ("loan__borrower", "loan__portfolio_officer", "branch", "assigned_to")
]


@dataclass(frozen=True, slots=True)
class Able:
    """Who may be given a visit to several branches: how far they see."""

    staff: Staff
    sees_all: bool

    def sees(self, pair: AcrossPair) -> bool:
        home = self.staff.branch.path
        return self.sees_all or all(branch.path.startswith(home) for branch in (pair.one.branch, pair.other.branch))


def pairs_visible_to(staff: Staff, pk: int | None = None) -> AcrossQuerySet:
    """Pairs that wait to be decided, and pairs left apart, of branches that the person sees both, or that one of them;
    `due_on` is the earlier limit."""
    found = AcrossPair.objects.visible_to(staff).filter(Q(left_on__isnull=False) | Q(_waiting(staff, pk)))
    found = found if pk is None else found.filter(pk=pk)
    return found.annotate(due_on=Least(F("one__due_on"), F("other__due_on"))).select_related("left_by", *_BESIDE)


def to_decide(staff: Staff, pk: int | None = None) -> AcrossQuerySet:
    """Of these, those about which somebody has to decide."""
    return pairs_visible_to(staff, pk).filter(left_on__isnull=True, closed_on__isnull=True)


def able_for(pairs: Iterable[AcrossPair], *, by: Staff, as_of: date) -> dict[int, list[Staff]]:
    """Pair → who could make its visit: sees both branches, may be given visits, approved neither loan; those first who
    do not also assign work."""
    pairs = list(pairs)
    if not pairs:
        return {}
    everyone = _able(by, as_of)
    return {
        pair.pk: [
            one.staff for one in everyone
            if one.sees(pair) and one.staff.pk not in (pair.one.loan.approver_id, pair.other.loan.approver_id)
        ]
        for pair in pairs
    }  # fmt: skip


def _able(by: Staff, as_of: date) -> list[Able]:
    """Who sees more than one branch and makes visits, among the people of branches that the reader sees."""
    held = Role.objects.filter(staff=OuterRef("pk"))
    found: QuerySet[Staff] = (
        Staff.objects.filter(given_visits(as_of), is_active=True, branch_id__in=branch_ids_visible_to(by))
        .filter(Exists(held.filter(permissions__contains=[RECORDS])))
        .filter(Exists(held.filter(scope__in=[Scope.SUBTREE, Scope.ALL])))
        .annotate(
            sees_all=Exists(held.filter(scope=Scope.ALL)), assigns=Exists(held.filter(permissions__contains=[ASSIGNS]))
        )
    )
    rows = sorted(found.select_related("branch").order_by("branch__code", "name", "id"), key=attrgetter("assigns"))
    return [Able(one, one.sees_all) for one in rows]  # type: ignore[attr-defined] # annotated above


def _waiting(staff: Staff, pk: int | None) -> RawSQL:
    seen = [] if sees_every_branch(staff) else branch_ids_visible_to(staff)
    return RawSQL(_WAITING, [sees_every_branch(staff), seen, seen, pk], output_field=BooleanField())  # noqa: S611 - constants
