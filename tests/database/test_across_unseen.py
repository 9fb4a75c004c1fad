"""Of a visit to several branches nobody learns what lies in one they do not see: no number, no count."""

import pytest

from followups.actions import merging
from followups.actions.refusals import MergedElsewhere
from followups.queries import along_seen, desk
from people.models import Staff
from tests.database.test_across import Family, led
from tests.database.test_visits import AT, TODAY, make_task
from tests.factories import book_loan, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def family() -> Family:
    return Family()


def anew(staff: Staff) -> Staff:
    return Staff.objects.get(pk=staff.pk)


def test_asked_to_lead_itself_a_task_does_not_name_the_visit_of_another_branch(family: Family) -> None:
    lead = family.above()
    family.look()
    more = book_loan(family.here, family.one, borrower=family.loan.borrower)
    beside = make_task(more, family.one, opens_on=TODAY, due_on=family.task.due_on)
    with pytest.raises(MergedElsewhere) as refused:
        merging.merge_tasks(lead_id=family.task.pk, task_ids=[beside.pk], mode="JOINT", by=anew(family.manager), at=AT)
    assert lead.number not in refused.value.message and refused.value.message
    assert led()[family.task.pk] == lead.pk


def test_what_is_done_along_counts_for_who_sees_its_branch(family: Family) -> None:
    lead = family.above()
    assert family.look()["merged"] == 2
    below = make_staff("LOAN_OFFICER", family.upper, "许宁")
    counts = {staff.name: along_seen(desk(staff).get(pk=lead.pk), staff) for staff in map(anew, (below, family.head))}
    assert counts == {"许宁": 0, "韩涛": 2}
