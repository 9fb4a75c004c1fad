"""Handing an officer's portfolio over for good: previewed, decided by who assigns, undone only by a reverse one.

What was previewed is what is done: its hash comes along, and when loans or tasks changed in between the decision is
refused. Loans and open tasks move with one statement each; submitted reports stay with who wrote them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from followups.actions.tasks import checked_reason
from followups.batch.sight import part_out_of_sight
from followups.models import HandOver, HandOverItem
from followups.queries.assigning import is_kept_from_visits
from followups.queries.handover import candidates, open_tasks_of, parcels_of
from followups.queries.sight import may_visit
from followups.rules.handover import spread
from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.portfolio import move_portfolio
from loans.queries import hold_business_date, lock_positions, require_business_date
from people.actions import require
from people.models import Staff
from people.queries import branch_ids_visible_to, may

ASSIGNS = "followups.assign"

_TASKS = f"""
WITH wanted AS (
    -- who approved the loan does not visit it alone: the evening decides who does
    SELECT t.id, CASE WHEN l.approver_id = x.officer AND t.state = 'PLANNED' AND NOT t.is_light THEN NULL
                      -- nor is a visit of another branch given to who does not see that
                      WHEN t.branch_id <> %(branch)s AND t.state = 'PLANNED'
                           AND NOT {may_visit("x.officer", "t.branch_id")} THEN NULL
                      ELSE x.officer END AS officer
      FROM followups_visittask t
      JOIN unnest(%(loans)s::bigint[], %(officers)s::bigint[]) AS x(loan, officer) ON x.loan = t.loan_id
      JOIN loans_loan l ON l.id = t.loan_id
     WHERE t.assigned_to_id = %(giver)s AND t.closed_on IS NULL AND t.state IN ('PLANNED', 'IN_PROGRESS', 'RETURNED')
     ORDER BY t.id FOR UPDATE OF t
), moved AS (
    UPDATE followups_visittask t SET assigned_to_id = w.officer, version = t.version + 1
      FROM wanted w WHERE t.id = w.id RETURNING t.id, w.officer
), led AS (
    UPDATE followups_visit v
       SET lead_visitor_id = m.officer, second_visitor_id = nullif(v.second_visitor_id, m.officer)
      FROM moved m WHERE v.task_id = m.id
)
INSERT INTO followups_taskevent (task_id, kind, at, business_date, actor, data)
SELECT m.id, 'ASSIGNED', %(at)s, %(today)s, %(actor)s,
       jsonb_build_object('from', %(from_no)s::text, 'to', coalesce(s.staff_no, ''), 'hand_over', %(hand_over)s::bigint)
  FROM moved m LEFT JOIN people_staff s ON s.id = m.officer ORDER BY m.id
"""  # noqa: S608 - a condition of this room


class HandOverRefused(ActionRefused):
    code = "hand_over_refused"


class HandOverStale(HandOverRefused):
    code = "hand_over_stale"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("名单在预览后有变化，请重新预览。"))


@dataclass(frozen=True)
class Preview:
    """Who would receive what: receiver by loan, open tasks by loan, and the hash of it all."""

    officer: Staff
    receivers: tuple[Staff, ...]
    moves: Mapping[int, int]
    tasks: Mapping[int, int]
    sha256: str

    def loans_of(self, staff_id: int) -> int:
        return sum(1 for receiver in self.moves.values() if receiver == staff_id)

    def tasks_of(self, staff_id: int) -> int:
        return sum(self.tasks.get(loan, 0) for loan, receiver in self.moves.items() if receiver == staff_id)


def preview(*, officer: Staff, receivers: Sequence[Staff], by: Staff) -> Preview:
    """The hand-over as the rule proposes it; writes nothing."""
    require(by, ASSIGNS)
    _require_people(officer, receivers, by)
    moves = spread(parcels_of(officer, by), candidates(receivers))
    return _preview(officer, receivers, moves)


@transaction.atomic
def hand_over(
    *, officer: Staff, receivers: Sequence[Staff], sha256: str, reason: str, by: Staff, at: datetime
) -> HandOver:
    """Does what was previewed."""
    require(by, ASSIGNS)
    words = checked_reason(reason, least=4)
    hold_business_date()
    lock_positions(parcel.loan_id for parcel in parcels_of(officer, by))
    found = preview(officer=officer, receivers=receivers, by=by)
    if found.sha256 != sha256:
        raise HandOverStale
    if not found.moves:
        raise HandOverRefused(_("没有可移交的贷款和任务。"))
    return _write(found, branch_id=officer.branch_id, reason=words, by=by, at=at)


@transaction.atomic
def reverse_hand_over(*, hand_over_id: int, reason: str, by: Staff, at: datetime) -> list[HandOver]:
    """Takes a hand-over back as far as loans are still with their receivers: one reverse hand-over each receiver.

    The first one names what it reverses, so that this happens once.
    """
    require(by, ASSIGNS)
    words = checked_reason(reason, least=4)
    hold_business_date()
    original = HandOver.objects.visible_to(by).get(pk=hand_over_id)
    items = list(original.items.select_related("to_officer", "from_officer").order_by("loan_id"))
    lock_positions(item.loan_id for item in items)
    # Asked under the lock: of two that press at once the second finds the reverse of the first.
    if original.reverses_id is not None or HandOver.objects.filter(reverses=original).exists():
        raise HandOverRefused(_("该移交已撤回，或本身就是撤回。"))
    made: list[HandOver] = []
    for receiver in sorted({item.to_officer for item in items}, key=lambda one: one.pk):
        _require_people(receiver, [original.officer], by, back=True)
        still = {parcel.loan_id for parcel in parcels_of(receiver, by)}
        moves = {item.loan_id: original.officer_id for item in items if item.to_officer == receiver}
        moves = {loan: to for loan, to in moves.items() if loan in still}
        if moves:
            found = _preview(receiver, [original.officer], moves)
            reverses = original if not made else None
            made.append(_write(found, branch_id=original.branch_id, reason=words, by=by, at=at, reverses=reverses))
    if not made:
        raise HandOverRefused(_("这些贷款已不在接收人名下，无法撤回。"))
    return made


def _require_people(officer: Staff, receivers: Sequence[Staff], by: Staff, *, back: bool = False) -> None:
    if officer.branch_id not in branch_ids_visible_to(by):
        raise HandOverRefused(_("请从名单中选择移交人。"), field="officer")
    if not receivers:
        raise HandOverRefused(_("请选择接收人。"), field="receivers")
    for one in receivers:
        fits = one.is_active and may(one, "followups.record_visit") and one.branch_id in branch_ids_visible_to(by)
        if not fits or one.pk == officer.pk or one.branch_id != officer.branch_id:
            message = _("原客户经理已停用或调离，无法撤回。") if back else _("接收人须为同一机构另一名在岗的回访人员。")
            raise HandOverRefused(message, field="receivers")
        if not back and is_kept_from_visits(one.pk, require_business_date()):
            raise HandOverRefused(
                _("%(name)s没有有效的回访证书，不能接收移交。") % {"name": one.name}, field="receivers"
            )


def _preview(officer: Staff, receivers: Sequence[Staff], moves: Mapping[int, int]) -> Preview:
    counted = open_tasks_of(officer, moves).values_list("loan_id").annotate(Count("id")).order_by("loan_id")
    tasks = dict(counted)
    said = json.dumps([officer.pk, sorted(moves.items()), sorted(tasks.items())])
    return Preview(officer, tuple(receivers), moves, tasks, hashlib.sha256(said.encode()).hexdigest())


def _write(
    found: Preview, *, branch_id: int, reason: str, by: Staff, at: datetime, reverses: HandOver | None = None
) -> HandOver:
    today = hold_business_date()
    made = HandOver.objects.create(
        officer=found.officer, branch_id=branch_id, reason=reason, decided_by=by, at=at, business_date=today,
        content_sha256=found.sha256, reverses=reverses,
    )  # fmt: skip
    HandOverItem.objects.bulk_create(
        HandOverItem(
            hand_over=made, loan_id=loan, from_officer=found.officer, to_officer_id=to, tasks=found.tasks.get(loan, 0)
        )
        for loan, to in sorted(found.moves.items())
    )
    move_portfolio(from_officer_id=found.officer.pk, receivers=found.moves)
    ids = sorted(found.moves)
    with connection.cursor() as cursor:
        cursor.execute(_TASKS, {
            "loans": ids, "officers": [found.moves[pk] for pk in ids], "giver": found.officer.pk, "at": at,
            "today": today, "actor": by.staff_no, "from_no": found.officer.staff_no, "hand_over": made.pk,
            "branch": found.officer.branch_id,
        })  # fmt: skip
    part_out_of_sight(as_of=today, at=at, loan_ids=ids)
    record(
        kind="followups.handed_over", subject_type="hand_over", subject_id=made.pk, by=by.staff_no, at=at,
        business_date=today,
        data={
            "from": found.officer.staff_no, "loans": len(found.moves), "tasks": sum(found.tasks.values()),
            "sha256": found.sha256, "reverses": reverses.pk if reverses else None,
        },
    )  # fmt: skip
    return made
