"""Of two who decide about one pair at once, or beside the machine, one is done and the other told; nobody waits in a
circle (two connections)."""

from typing import Any

from followups.actions import across
from followups.batch.answering import answer_events
from followups.batch.sharing import share_out
from followups.models import AcrossPair, MergedTask, VisitTask
from people.models import Staff
from tests.database.test_across import UPPER, Family
from tests.database.test_visit_races import at_once
from tests.database.test_visits import AT, TODAY
from tests.factories import make_staff


def fresh(staff: Staff) -> Staff:
    """As a request of its own reads the person."""
    return Staff.objects.get(pk=staff.pk)


def test_two_managers_at_once_make_one_visit(fresh_bank: Any) -> None:
    family = Family()
    pair, second = family.pair(), make_staff("BRANCH_MANAGER", family.upper, "韩二")
    officers = [make_staff(UPPER, family.upper, name) for name in ("林总", "秦越")]
    found = at_once(
        lambda: across.visit_together(pair_id=pair.pk, officer=fresh(officers[0]), by=fresh(family.head), at=AT),
        lambda: across.visit_together(pair_id=pair.pk, officer=fresh(officers[1]), by=fresh(second), at=AT),
    )
    assert sorted(type(each).__name__ for each in found) == ["PairStale", "VisitTask"]
    assert MergedTask.objects.get().ended_at is None
    assert len(set(VisitTask.objects.values_list("assigned_to", flat=True))) == 1


def test_together_and_apart_at_once_is_one_of_them(fresh_bank: Any) -> None:
    family = Family()
    pair, officer = family.pair(), make_staff(UPPER, family.upper, "林总")
    found = at_once(
        lambda: across.visit_together(pair_id=pair.pk, officer=fresh(officer), by=fresh(family.head), at=AT),
        lambda: across.leave_apart(pair_id=pair.pk, reason="分别回访", by=fresh(family.head), at=AT),
    )
    assert sum(isinstance(each, across.PairStale) for each in found) == 1
    assert MergedTask.objects.exists() != (AcrossPair.objects.get().left_on is not None)


def test_beside_the_machine_and_the_evening_nothing_is_in_doubt(fresh_bank: Any) -> None:
    family = Family()
    pair, officer = family.pair(), make_staff(UPPER, family.upper, "林总")
    found = at_once(
        lambda: across.visit_together(pair_id=pair.pk, officer=fresh(officer), by=fresh(family.head), at=AT),
        lambda: answer_events(as_of=TODAY, at=AT, loan_ids=[family.loan.pk]),
        lambda: share_out(as_of=TODAY, at=AT),
    )
    assert [type(each).__name__ for each in found] == ["VisitTask", "dict", "dict"], found
    link = MergedTask.objects.get()
    assert (link.merged_by, link.ended_at) == (family.head.staff_no, None)
    assert set(VisitTask.objects.values_list("assigned_to", flat=True)) == {officer.pk}
