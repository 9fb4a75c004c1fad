"""The second visitor's own opinion, signed in an own session over the answers that are submitted (S2.14, S2.18)."""

from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from followups import actions
from followups.models import EventKind, SecondOpinion, TaskEvent, Visit, VisitReport, VisitTask
from followups.rules.checklist import needs_pair
from journal.models import Entry
from people.models import Staff
from tests.database.test_visits import AT, Road, filled
from tests.factories import make_branch, make_staff


@pytest.fixture
def road(db: None) -> Road:
    return Road(method="FIELD")


def pair(road: Road) -> tuple[Staff, Visit]:
    """The visit with a second visitor named in its draft."""
    second = make_staff("LOAN_OFFICER", road.branch, "白露")
    visit = road.start()
    draft = filled(visit, second_visitor=second.staff_no)
    return second, actions.save_draft(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)


def sign(road: Road, visit: Visit, by: Staff, at: datetime = AT, **more: Any) -> SecondOpinion:
    given = {"conclusion": "NO_CONCERN", "text": "所见一致", **more}
    return actions.sign_opinion(task_id=road.task.pk, version=visit.version, by=by, at=at, **given)


def submit(road: Road, visit: Visit, **changes: Any) -> VisitReport:
    draft = {**visit.draft, **changes}
    return actions.submit_visit(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)


def written() -> tuple[int, ...]:
    return tuple(table.objects.count() for table in (SecondOpinion, TaskEvent, Entry, VisitReport))


def test_a_field_visit_waits_for_the_second_visitors_own_word(road: Road) -> None:
    second, visit = pair(road)
    before = written()
    with pytest.raises(actions.OpinionMissing) as refusal:
        submit(road, visit)
    assert not refusal.value.is_stale and written() == before
    sign(road, visit, second, conclusion="WATCH", text="邻居称房屋已出租，与客户所述不一致。")
    report = submit(road, visit)
    lead, other = report.content["opinions"]
    assert (lead["conclusion"], other["conclusion"]) == ("NO_CONCERN", "WATCH"), "two people, two opinions"
    assert other["staff_no"] == second.staff_no and other["text"].startswith("邻居") and other["at"]
    assert road.task.events.get(kind=EventKind.SECOND_SIGNED).actor == second.staff_no
    assert "邻居" not in str(Entry.objects.get(kind="followups.second_signed").data)


def test_answers_changed_after_signing_are_signed_again(road: Road) -> None:
    second, visit = pair(road)
    sign(road, visit, second)
    changed = {**visit.draft["answers"], "person_met": {"now": "FAMILY"}}
    before = written()
    with pytest.raises(actions.OpinionMissing) as refusal:
        submit(road, visit, answers=changed, conclusion_text="由家属接待，情况与上次一致。")
    assert refusal.value.is_stale and written() == before
    # The lead's conclusion is the lead's own.
    assert submit(road, visit, conclusion="WATCH", conclusion_text="客户近期收入波动，持续关注。").version == 1


def test_the_same_opinion_signed_twice_is_one(road: Road) -> None:
    second, visit = pair(road)
    first = sign(road, visit, second)
    before = written()
    assert sign(road, visit, second) == first and written() == before


@pytest.mark.parametrize("who", ["lead", "manager", "colleague"])
def test_nobody_signs_for_the_second_visitor(road: Road, who: str) -> None:
    _second, visit = pair(road)
    colleague = make_staff("LOAN_OFFICER", road.branch, "李明")
    by = {"lead": road.officer, "manager": road.manager, "colleague": colleague}[who]
    before = written()
    with pytest.raises(actions.NotSecondVisitor if who != "manager" else Exception):
        sign(road, visit, by)
    assert written() == before


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"conclusion": ""}, "conclusion"),
        ({"conclusion": "FINE"}, "conclusion"),
        ({"conclusion": "WATCH", "text": "短"}, "text"),
        ({"text": "x" * 1001}, "text"),
        ({"text": "a\u202eb"}, "text"),
    ],
)
def test_an_opinion_is_a_conclusion_with_words(road: Road, given: dict[str, str], field: str) -> None:
    second, visit = pair(road)
    before = written()
    with pytest.raises(actions.OpinionWrong) as refusal:
        sign(road, visit, second, **given)
    assert refusal.value.field == field and written() == before


def test_an_opinion_of_an_older_version_is_refused(road: Road) -> None:
    second, visit = pair(road)
    kept = actions.save_draft(
        task_id=road.task.pk, version=visit.version, draft={**visit.draft, "conclusion": "WATCH"}, by=road.officer,
        at=AT,
    )  # fmt: skip
    stale = Visit(version=kept.version - 1)
    before = written()
    with pytest.raises(actions.StaleVersion):
        sign(road, stale, second)
    assert written() == before


def test_who_is_no_longer_named_may_not_sign(road: Road) -> None:
    second, visit = pair(road)
    kept = actions.save_draft(
        task_id=road.task.pk, version=visit.version, draft={"answers": {}}, by=road.officer, at=AT
    )
    with pytest.raises(actions.NotSecondVisitor):
        sign(road, kept, second)


def test_opinions_are_kept(road: Road) -> None:
    second, visit = pair(road)
    opinion = sign(road, visit, second)
    for statement in (
        f"UPDATE followups_secondopinion SET conclusion = 'WATCH' WHERE id = {opinion.pk}",
        f"DELETE FROM followups_secondopinion WHERE id = {opinion.pk}",
        "INSERT INTO followups_secondopinion (visit_id, by_id, conclusion, text, answers_sha256, at, business_date)"
        f" VALUES ({visit.pk}, {second.pk}, 'WATCH', '', '', now(), now())",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_field_and_red_visits_are_made_by_two() -> None:
    assert needs_pair("FIELD", 9) and needs_pair("PHONE", 1)
    assert not needs_pair("PHONE", 2) and not needs_pair("OFF_SITE", 9)


# S2.13
def test_who_the_rule_proposed_stands_in_the_draft_and_may_be_changed(db: None) -> None:
    road = Road(method="FIELD")
    proposed, other = (make_staff("LOAN_OFFICER", road.branch, name) for name in ("许晴", "韩磊"))
    VisitTask.objects.filter(pk=road.task.pk).update(proposed_second=proposed)
    visit = road.start()
    assert (visit.draft, visit.second_visitor) == ({"answers": {}, "second_visitor": proposed.staff_no}, proposed)
    draft = {"answers": {}, "second_visitor": other.staff_no}
    kept = actions.save_draft(task_id=road.task.pk, version=visit.version, draft=draft, by=road.officer, at=AT)
    assert kept.second_visitor == other


@pytest.mark.parametrize("why", ["phone", "left", "moved", "own"])
def test_who_may_not_go_is_not_put_into_the_draft(db: None, why: str) -> None:
    road = Road(method="PHONE" if why == "phone" else "FIELD")
    proposed = make_staff("LOAN_OFFICER", make_branch() if why == "moved" else road.branch, "许晴")
    if why == "left":
        Staff.objects.filter(pk=proposed.pk).update(is_active=False)
    given = road.officer if why == "own" else proposed
    VisitTask.objects.filter(pk=road.task.pk).update(proposed_second=given)
    visit = road.start()
    assert (visit.draft, visit.second_visitor) == ({"answers": {}}, None)


def test_a_red_call_proposes_its_second_visitor_too(db: None) -> None:
    road = Road(level=1)
    proposed = make_staff("LOAN_OFFICER", road.branch, "许晴")
    VisitTask.objects.filter(pk=road.task.pk).update(proposed_second=proposed)
    assert road.start().second_visitor == proposed
