"""The last step of an evening for people: what nobody has is given, weeks are levelled, what runs late is told.

It works by ranges of branches, for whom a branch's work goes to and how its weeks lie depends on the branch alone.
Run twice it changes nothing the second time.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from followups.batch.assigning import AHEAD_DAYS, assign_unassigned
from followups.batch.late_steps import branches_to_tell, tell_late_steps
from followups.batch.levelling import level_weeks
from followups.batch.notices import raise_notices
from followups.batch.sight import BRANCHES, close_pairs, part_out_of_sight
from followups.queries.levelling import CROWDED, crowded_between
from loans.queries.evening import Cuts, cut

# Branches where nobody has something, something may have to be told, or a visit does something of another branch along.
# Every chunk levels its weeks; only where nothing else is to be done it is asked whether anybody has a full one.
_BRANCHES = f"""
WITH others AS MATERIALIZED (
SELECT branch_id FROM followups_visittask
 WHERE closed_on IS NULL AND NOT is_light AND (method <> 'OFF_SITE' OR evidence IS NOT NULL) AND state = 'PLANNED'
   AND due_on <= %(given_until)s
   AND (assigned_to_id IS NULL OR proposed_second_id IS NULL AND (method = 'FIELD' OR level = 1))
UNION
SELECT branch_id FROM followups_visittask
 WHERE closed_on IS NULL AND NOT is_light AND (method <> 'OFF_SITE' OR evidence IS NOT NULL) AND state <> 'SUBMITTED'
   AND look_on <= %(as_of)s
UNION
SELECT unnest(%(late)s::bigint[])
UNION
{BRANCHES})
SELECT branch_id AS loan_id FROM others
UNION ALL
SELECT s.branch_id FROM people_staff s WHERE NOT EXISTS (SELECT FROM others) AND s.id IN ({CROWDED})
"""  # noqa: S608 - a query of this room


@transaction.atomic
def share_out(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Assigns, levels and tells, for branches with an id above `after`, up to `up_to`."""
    part_out_of_sight(as_of=as_of, at=at, after=after, up_to=up_to)
    given = assign_unassigned(as_of=as_of, at=at, after=after, up_to=up_to)
    moved = level_weeks(as_of=as_of, at=at, after=after, up_to=up_to)
    if moved["levelled"]:
        # What came forward may be near enough now for a second visitor to be proposed.
        more = assign_unassigned(as_of=as_of, at=at, after=after, up_to=up_to)
        given = {name: count + more[name] for name, count in given.items()}
    told = raise_notices(as_of=as_of, at=at, after=after, up_to=up_to)
    told["told"] += tell_late_steps(as_of=as_of, at=at, after=after, up_to=up_to)
    # Last: whoever decides about a pair locks its tasks first.
    close_pairs(as_of=as_of, after=after, up_to=up_to)
    return {**given, **moved, **told}


def share_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of branches with visits to make in the coming weeks."""
    asked = {
        "as_of": as_of, "given_until": as_of + timedelta(days=AHEAD_DAYS), "late": branches_to_tell(as_of=as_of),
        **crowded_between(as_of),
    }  # fmt: skip
    found = cut(_BRANCHES, asked, size)
    return Cuts(found.ends, found.due)
