"""The last step of an evening for people: what nobody has is given, weeks are levelled, what runs late is told.

It works by ranges of branches, for whom a branch's work goes to and how its weeks lie depends on the branch alone.
Run twice it changes nothing the second time.
"""

from datetime import date, datetime, timedelta

from django.db import transaction

from followups.batch.assigning import assign_unassigned
from followups.batch.levelling import level_weeks
from followups.batch.notices import raise_notices
from followups.queries.levelling import WEEKS
from loans.queries.evening import Cuts, cut

# Branches with visits that people have to make; read from an index alone.
_BRANCHES = """
SELECT branch_id AS loan_id FROM followups_visittask
 WHERE closed_on IS NULL AND NOT is_light AND (method <> 'OFF_SITE' OR evidence IS NOT NULL) AND due_on <= %(until)s
"""


@transaction.atomic
def share_out(*, as_of: date, at: datetime, after: int = 0, up_to: int | None = None) -> dict[str, int]:
    """Assigns, levels and tells, for branches with an id above `after`, up to `up_to`."""
    given = assign_unassigned(as_of=as_of, at=at, after=after, up_to=up_to)
    moved = level_weeks(as_of=as_of, at=at, after=after, up_to=up_to)
    return {**given, **moved, **raise_notices(as_of=as_of, at=at, after=after, up_to=up_to)}


def share_cuts(*, as_of: date, size: int) -> Cuts:
    """Chunks of branches with visits to make in the coming weeks."""
    found = cut(_BRANCHES, {"until": as_of + timedelta(days=7 * WEEKS)}, size)
    return Cuts(found.ends, found.due)
