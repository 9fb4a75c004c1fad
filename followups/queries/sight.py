"""In which branches a person may make visits: as a condition of statements, for who looks at many rows at once.

The same as `people.queries.branch_ids_visible_to` has it, of who is active and records visits.
"""

from collections.abc import Collection, Sequence

from django.db import connection

from followups.queries.assigning import RECORDS

# Names of tables that no statement around it has.
_SCOPE = """(sight_role.scope = 'ALL' OR sight_role.scope = 'SUBTREE' AND starts_with(seen_branch.path, sight_home.path)
        OR sight_role.scope = 'BRANCH' AND seen_branch.id = sight_home.id)"""
_STAFF = """people_staff sight_staff JOIN people_branch sight_home ON sight_home.id = sight_staff.branch_id
      JOIN people_staff_roles sight_held ON sight_held.staff_id = sight_staff.id
      JOIN people_role sight_role ON sight_role.id = sight_held.role_id"""
_VISITS = f"""
    SELECT bool_or({_SCOPE}) AND bool_or('{RECORDS}' = ANY(sight_role.permissions))
      FROM {_STAFF} JOIN people_branch seen_branch ON seen_branch.id = {{branch}}
     WHERE sight_staff.id = {{staff}} AND sight_staff.is_active"""  # noqa: S608 - constants
_SEEN = f"""
SELECT sight_staff.id, array_agg(DISTINCT seen_branch.id) FILTER (WHERE {_SCOPE})
  FROM {_STAFF} CROSS JOIN people_branch seen_branch
 WHERE sight_staff.is_active AND sight_staff.id = ANY(%(staff)s) AND seen_branch.id = ANY(%(branches)s)
 GROUP BY sight_staff.id HAVING bool_or('{RECORDS}' = ANY(sight_role.permissions))
"""  # noqa: S608 - constants


def may_visit(staff: str, branch: str) -> str:
    """Condition: the person makes visits and sees the branch; both are columns. Nobody makes none."""
    return f"coalesce(({_VISITS.format(staff=staff, branch=branch)}), false)"


def branches_visited(staff_ids: Collection[int], branch_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """Who makes visits → in which of these branches."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"staff": list(staff_ids), "branches": list(branch_ids)})
        return {pk: frozenset(seen or ()) for pk, seen in cursor.fetchall()}
