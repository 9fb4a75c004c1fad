"""Of a visit to several branches nobody learns what lies in one they do not see, and their own task stays theirs."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from followups import actions
from followups.actions import merging
from followups.actions.refusals import MergedElsewhere
from followups.batch.notices import raise_notices
from followups.models import Visit, VisitTask
from followups.queries import along_seen, desk
from followups.queries.notices import notices_for
from people.models import Staff
from tests.database.test_across import UPPER, Family, led
from tests.database.test_visits import AT, TODAY, filled, make_task
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


def told_to(staff: Staff) -> set[int]:
    day = TODAY + timedelta(days=70)
    return set(notices_for(anew(staff), day).filter(code__startswith="LIMIT").values_list("task_id", flat=True))


def listed(staff: Staff, **asked: str) -> list[int]:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("followups:desk"), {"scope": "branch", **asked})
    return [row.task.pk for row in page.context["rows"]]


def test_what_a_visit_of_another_branch_does_along_is_late_to_its_own_manager_too(family: Family) -> None:
    lead = family.above(due_on=family.task.due_on)
    assert family.look()["merged"] == 2
    raise_notices(as_of=TODAY + timedelta(days=60), at=AT)
    assert told_to(family.manager) == {family.task.pk}
    assert told_to(family.head) == told_to(family.officer) == {lead.pk}, "who sees the visit is told once"
    VisitTask.objects.filter(pk=family.task.pk).update(due_on=TODAY - timedelta(days=3))
    assert listed(family.manager) == listed(family.manager, chip="past_limit") == [family.task.pk]
    assert family.task.pk not in listed(family.head)


def test_who_went_along_and_sees_the_other_branch_signs_for_its_report_too(family: Family) -> None:
    lead = family.above(method="FIELD", level=2)
    VisitTask.objects.filter(pk=family.task.pk).update(method="FIELD")
    second = make_staff(UPPER, family.upper, "苏晴")
    family.look()
    visit = actions.start_visit(task_id=lead.pk, by=family.officer, at=AT)
    visit.task = VisitTask.objects.get(pk=lead.pk)
    draft = filled(visit, second_visitor=second.staff_no)
    visit = actions.save_draft(task_id=lead.pk, version=visit.version, draft=draft, by=family.officer, at=AT)
    actions.sign_opinion(task_id=lead.pk, version=visit.version, conclusion="NO_CONCERN", text="", by=second, at=AT)
    actions.submit_visit(task_id=lead.pk, version=visit.version, draft=draft, by=family.officer, at=AT)
    own = Visit.objects.get(task=family.task)
    assert own.second_visitor == second
    stranger = make_staff(UPPER, family.upper, "未去")
    other = {**own.draft, "second_visitor": stranger.staff_no}
    kept = actions.save_draft(task_id=family.task.pk, version=own.version, draft=other, by=anew(family.officer), at=AT)
    assert kept.second_visitor is None
