"""The evening gives out work: who goes along, weeks levelled, what runs late told, each once (S2.2, S2.6, S2.20)."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from followups import actions
from followups.batch.levelling import level_weeks
from followups.batch.notices import raise_notices, tell_red
from followups.batch.sharing import share_cuts, share_out
from followups.batch.talks import merge_talks
from followups.models import MergedTask, Notice, TaskEvent, VisitTask
from followups.models.tasks import NOT_LOOKED_AT
from followups.queries.capacity import capacity
from followups.queries.levelling import levelled, made_in_week, officers_to_relieve, slots_of
from followups.queries.notices import notices_for, told, unread
from followups.rules.escalation import step_reached
from followups.rules.levelling import week_of
from loans.models import BusinessDate, Loan, Parameter
from loans.queries import calendar
from tests.database.test_visits import filled, make_task
from tests.factories import AT, book_loan, make_branch, make_staff, open_bank

pytestmark = pytest.mark.django_db
# A Sunday: the coming Monday begins the first week.
TODAY = date(2026, 11, 1)
MONDAY = TODAY + timedelta(days=1)


class Network:
    """A branch with three officers and a manager, under a head."""

    def __init__(self) -> None:
        open_bank(TODAY)
        self.branch = make_branch()
        self.officer, self.second, self.third = (make_staff("LOAN_OFFICER", self.branch, n) for n in ("甲", "乙", "丙"))
        self.manager = make_staff("BRANCH_MANAGER", self.branch, "何建平")
        assert self.branch.parent is not None
        self.head = make_staff("BRANCH_MANAGER", self.branch.parent, "分行长")

    def tasks(self, count: int, **given: Any) -> list[VisitTask]:
        return [make_task(book_loan(self.branch, self.officer), self.officer, **given) for _ in range(count)]


@pytest.fixture
def network() -> Network:
    return Network()


def share(on: date = TODAY) -> dict[str, int]:
    return share_out(as_of=on, at=AT)


def events(kind: str) -> list[TaskEvent]:
    return list(TaskEvent.objects.filter(kind=kind).order_by("id"))


def test_field_and_red_visits_get_independent_second_visitors_in_turn(network: Network) -> None:
    field = network.tasks(4, method="FIELD", due_on=TODAY + timedelta(days=9))
    (red,) = network.tasks(1, level=1)
    (phone,) = network.tasks(1)
    assert share()["seconds"] == 5
    for task in (*field, red, phone):
        task.refresh_from_db()
    assert sorted([task.proposed_second_id for task in (*field, red)]) == sorted(
        [network.second.pk] * 3 + [network.third.pk] * 2
    )
    assert phone.proposed_second is None and all(task.assigned_to == network.officer for task in field)
    assert [event.data["why"] for event in events("SECOND_PROPOSED")] == [["SECOND"]] * 5
    before = VisitTask.objects.order_by("id").values_list("id", "version", "proposed_second_id", "due_on")
    before = list(before)
    assert share() == {"assigned": 0, "seconds": 0, "levelled": 0, "told": 0}
    assert before == list(VisitTask.objects.order_by("id").values_list("id", "version", "proposed_second_id", "due_on"))


def test_a_crowded_week_is_levelled_once_and_what_is_fixed_begun_or_red_stays(network: Network) -> None:
    due = MONDAY + timedelta(days=24)
    free = network.tasks(4, due_on=due)
    stays = [
        *network.tasks(1, due_on=due, is_pinned=True), *network.tasks(1, due_on=due, state="IN_PROGRESS"),
        *network.tasks(1, due_on=due, level=1),
    ]  # fmt: skip
    fixed = network.tasks(2, due_on=due - timedelta(days=7), is_pinned=True)
    assert share()["levelled"] == 2
    weeks: dict[date, int] = {}
    for task in VisitTask.objects.all():
        weeks[week_of(task.due_on)] = weeks.get(week_of(task.due_on), 0) + 1
        assert TODAY < task.due_on <= due and task.due_on >= task.opens_on
    # Later weeks keep three of the eight for what comes at once.
    assert weeks == {week_of(due): 5, week_of(due) - timedelta(days=7): 4}
    assert all(VisitTask.objects.get(pk=task.pk).due_on == task.due_on for task in (*stays, *fixed))
    moved = events("LEVELLED")
    assert len(moved) == 2 and {event.task_id for event in moved} <= {task.pk for task in free}
    assert moved[0].data["due_before"] == due.isoformat()
    assert share()["levelled"] == 0 and len(events("LEVELLED")) == 2


def test_the_bank_decides_how_much_of_a_week_is_kept_free_and_the_reserve_gives_way_to_the_ceiling(
    network: Network,
) -> None:
    due = MONDAY + timedelta(days=16)
    network.tasks(8, due_on=due)
    Parameter.objects.filter(code="visit_week_reserve").update(value=0)
    assert share()["levelled"] == 0
    Parameter.objects.filter(code="visit_week_reserve").update(value=2)
    assert share()["levelled"] == 2
    # What nothing can be done about is beyond no ceiling yet: nobody is told of a reserve that is used.
    found = capacity(network.manager, MONDAY)
    assert found.overflow == [] and share()["levelled"] == 0


def test_the_week_that_runs_takes_only_what_is_left_of_it(network: Network) -> None:
    """Visits that were handed in this week are part of it: no ninth is brought into it."""
    wednesday = MONDAY + timedelta(days=2)
    network.tasks(9, due_on=MONDAY + timedelta(days=8), opens_on=MONDAY)
    Parameter.objects.filter(code="visit_week_reserve").update(value=0)
    asked = slots_of([network.officer.pk], MONDAY + timedelta(days=30), wednesday)
    assert len(levelled(asked, wednesday).moves) == 1
    BusinessDate.objects.filter(is_open=True).update(day=MONDAY)
    for task in network.tasks(8, opens_on=MONDAY):
        visit = actions.start_visit(task_id=task.pk, by=network.officer, at=AT)
        actions.submit_visit(task_id=task.pk, version=visit.version, draft=filled(visit), by=network.officer, at=AT)
    assert made_in_week([network.officer.pk, network.second.pk], wednesday) == {network.officer.pk: 8}
    found = levelled(asked, wednesday)
    assert found.moves == () and len(found.overflow) == 9
    assert made_in_week([network.officer.pk], MONDAY + timedelta(days=7)) == {}


def test_two_visits_of_one_loan_stay_thirty_days_apart_and_no_first_passes_day_90(network: Network) -> None:
    due = MONDAY + timedelta(days=45)
    loans = [book_loan(network.branch, network.officer) for _ in range(10)]
    for loan in loans:
        make_task(loan, network.officer, due_on=due)
        make_task(loan, network.officer, due_on=due - timedelta(days=30), cycle="2", kind="FIRST", rule="FIRST_90")
    limits = dict(VisitTask.objects.values_list("id", "due_on"))
    assert share()["levelled"] > 0
    for loan in loans:
        days = sorted(VisitTask.objects.filter(loan=loan).values_list("due_on", flat=True))
        assert (days[1] - days[0]).days >= 30
    for task in VisitTask.objects.all():
        assert task.due_on <= limits[task.pk]
    assert share()["levelled"] == 0


def test_a_visit_comes_forward_near_no_visit_that_was_made_red_or_not(network: Network) -> None:
    """Else the visit made would have answered it; only a red one that lies ahead keeps no distance."""
    due, visited = MONDAY + timedelta(days=24), MONDAY - timedelta(days=9)
    crowd = network.tasks(6, due_on=due)
    for task in crowd:
        make_task(task.loan, network.officer, kind="IRREGULAR", rule="OVERDUE_30", cycle="2026-09-01", level=1,
                  state="CLOSED", outcome="APPROVED", closed_on=visited)  # fmt: skip
    assert share()["levelled"] == 0
    VisitTask.objects.filter(outcome="APPROVED").update(closed_on=visited - timedelta(days=21))
    assert share()["levelled"] == 1


def test_a_visit_comes_forward_near_no_talk_of_its_people(network: Network) -> None:
    """Else a full week would make one visit of two talks that lie further apart than the bank allows, the next look."""
    due = MONDAY + timedelta(days=45)
    (free, *crowd) = network.tasks(6, due_on=due, opens_on=MONDAY)
    for task in crowd:
        other = book_loan(network.branch, network.officer, borrower=task.loan.borrower)
        make_task(other, network.officer, due_on=due - timedelta(days=46), opens_on=MONDAY - timedelta(days=9))
    everyone = list(VisitTask.objects.values_list("loan_id", flat=True))
    assert share()["levelled"] == 1 and events("LEVELLED")[0].task_id == free.pk
    assert merge_talks(as_of=MONDAY, at=AT, loan_ids=everyone)["merged"] == 0
    VisitTask.objects.filter(pk__in=[task.pk for task in crowd]).update(due_on=due - timedelta(days=1))
    assert merge_talks(as_of=MONDAY, at=AT, loan_ids=everyone)["merged"] == 5, "a day nearer they would be one"


def test_an_earlier_talk_that_comes_forward_makes_no_room_the_same_evening(network: Network) -> None:
    """It stands where it stood: neither a second run nor the order of branches shows. The next evening moves on."""
    Parameter.objects.filter(code="talk_merge_days").update(value=30)
    due = MONDAY + timedelta(days=42)
    for task in network.tasks(6, due_on=due, opens_on=MONDAY + timedelta(days=20)):
        other = book_loan(network.branch, network.officer, borrower=task.loan.borrower)
        make_task(other, network.officer, due_on=due - timedelta(days=31), opens_on=MONDAY)
    assert share()["levelled"] == 1 and events("LEVELLED")[0].data["due_on"] == str(MONDAY + timedelta(days=4))
    assert share()["levelled"] == 0
    assert share(MONDAY)["levelled"] == 1


def test_weeks_of_the_rule_are_those_that_were_written(network: Network) -> None:
    """What is written is what the rule says of the same visits: asked again it has nothing left to move."""
    chance = Random(7)
    for day in (chance.randint(0, 50) for _ in range(60)):
        (task,) = network.tasks(1, due_on=MONDAY + timedelta(days=day), opens_on=MONDAY - timedelta(days=5))
    until = MONDAY + timedelta(days=55)
    wanted = levelled(slots_of([network.officer.pk], until, MONDAY), MONDAY)
    assert wanted.moves and share()["levelled"] == len(wanted.moves)
    for move in wanted.moves:
        assert VisitTask.objects.get(pk=move.task_id).due_on == move.due_on
    assert levelled(slots_of([network.officer.pk], until, MONDAY), MONDAY).moves == ()
    make_task(book_loan(network.branch, network.third), network.third, due_on=until, opens_on=MONDAY)
    crowded = VisitTask.objects.filter(due_on__gte=MONDAY + timedelta(days=28), due_on__lt=MONDAY + timedelta(days=35))
    assert crowded.count() > 5 and officers_to_relieve(TODAY) == [], "full weeks alone are no reason to look again"


def test_a_branch_with_nothing_but_a_full_week_is_looked_at(network: Network) -> None:
    due = MONDAY + timedelta(days=24)
    network.tasks(5, due_on=due, opens_on=due)
    share()
    assert share_cuts(as_of=TODAY, size=2000).due == 0, "nothing to give, to tell or to level"
    network.tasks(1, due_on=due, opens_on=due)
    share()
    assert share_cuts(as_of=TODAY, size=2000).due == 1
    VisitTask.objects.update(opens_on=MONDAY)
    assert share()["levelled"] == 1
    assert share_cuts(as_of=TODAY, size=2000).due == 0


_DRAWN = """
UPDATE followups_visittask t
   SET due_on = x.due_on::date, opens_on = x.opens_on::date, assigned_to_id = x.officer, level = x.level,
       is_pinned = x.is_pinned, paused_until = x.paused_until::date
  FROM unnest(%s, %s, %s, %s, %s, %s, %s::date[]) AS x(id, due_on, opens_on, officer, level, is_pinned, paused_until)
 WHERE t.id = x.id
"""


def test_only_officers_with_something_to_move_are_looked_at_and_none_is_overlooked(network: Network) -> None:
    """SQL names who may have something to move; asked of everybody, the rule moves visits of nobody else."""
    chance, people = Random(11), [network.officer, network.second, network.third]
    tasks = network.tasks(30, opens_on=MONDAY)
    for lead, along in zip(tasks[:6], tasks[6:12], strict=True):
        MergedTask.objects.create(task=along, lead=lead, mode="JOINT", at=AT, business_date=TODAY, merged_by="system")
    for task in tasks[12:15]:
        visit = actions.start_visit(task_id=task.pk, by=network.officer, at=AT)
        actions.submit_visit(task_id=task.pk, version=visit.version, draft=filled(visit), by=network.officer, at=AT)
    until, moved = MONDAY + timedelta(days=55), 0
    for draw in range(200):
        for name, values in (("visit_week_ceiling", (2, 3, 4)), ("visit_week_reserve", (0, 1, 2))):
            Parameter.objects.filter(code=name).update(value=chance.choice(values))
        week, in_play = chance.choice((0, 0, 0, 1, 4)), chance.choice((8, 14, 20, 26))
        for task in tasks:
            weeks = chance.choice((week, week + 1, week + 1, week + 2))
            task.due_on = TODAY + timedelta(days=7 * weeks + chance.randint(0, 6))
            task.due_on += timedelta(days=0 if chance.randint(1, len(tasks)) <= in_play else 120)
            task.opens_on = task.due_on - timedelta(days=chance.choice((1, 5, 10, 20, 30)))
            task.assigned_to, task.level = chance.choice(people), chance.choice((1, 2, 9, 9))
            task.is_pinned, task.paused_until = chance.random() < 0.2, MONDAY if chance.random() < 0.1 else None
        with connection.cursor() as cursor:
            names = ("pk", "due_on", "opens_on", "assigned_to_id", "level", "is_pinned", "paused_until")
            cursor.execute(_DRAWN, [[getattr(task, name) for task in tasks] for name in names])
        on = TODAY + timedelta(days=chance.randint(0, 6))
        today = on + timedelta(days=1)
        wanted = levelled(slots_of([one.pk for one in people], until, today), today)
        officer_of, named = {task.pk: task.assigned_to_id for task in tasks}, officers_to_relieve(on)
        assert {officer_of[move.task_id] for move in wanted.moves} <= set(named)
        moved += bool(wanted.moves)
        if draw % 5 == 0:
            assert level_weeks(as_of=on, at=AT) == {"levelled": len(wanted.moves)}
    assert moved > 40


def test_what_comes_forward_into_the_coming_month_gets_its_second_visitor_the_same_evening(network: Network) -> None:
    far = TODAY + timedelta(days=31)
    tasks = network.tasks(6, due_on=far, method="FIELD")
    found = share()
    assert (found["levelled"], found["seconds"]) == (1, 1)
    (near,) = [task for task in VisitTask.objects.filter(pk__in=[task.pk for task in tasks]) if task.due_on < far]
    assert near.proposed_second_id in (network.second.pk, network.third.pk)
    assert share() == {"assigned": 0, "seconds": 0, "levelled": 0, "told": 0}


def codes(tasks: Sequence[VisitTask]) -> list[list[tuple[str, str]]]:
    return [
        list(Notice.objects.filter(task=task).order_by("code", "audience").values_list("code", "audience"))
        for task in tasks
    ]


def test_steps_are_told_to_officer_manager_and_head_each_once(network: Network) -> None:
    day = date(2026, 11, 18)
    dues = (date(2026, 11, 20), date(2026, 11, 18), date(2026, 11, 13), date(2026, 12, 15))
    tasks = [network.tasks(1, due_on=due)[0] for due in dues]
    assert share(day)["told"] == 1 + 2 + 3
    assert codes(tasks) == [
        [("LIMIT_80", "OFFICER")], [("LIMIT_100", "MANAGER"), ("LIMIT_100", "OFFICER")],
        [("LIMIT_120", "BRANCH_HEAD"), ("LIMIT_120", "MANAGER"), ("LIMIT_120", "OFFICER")], [],
    ]  # fmt: skip
    assert share(day)["told"] == 0
    head = Notice.objects.get(audience="BRANCH_HEAD")
    assert (head.raised_on, head.tell_on) == (day, date(2026, 11, 23)), "the Monday after"
    tomorrow = day + timedelta(days=1)
    assert {row.notice.code for row in told(network.officer, tomorrow)} == {"LIMIT_80", "LIMIT_100", "LIMIT_120"}
    assert unread(network.officer, day) == 0 and unread(network.officer, tomorrow) == 3
    assert unread(network.manager, tomorrow) == 2 and unread(network.second, tomorrow) == 0
    assert unread(network.head, tomorrow) == 2 and unread(network.head, date(2026, 11, 23)) == 2
    heads = notices_for(network.head, date(2026, 11, 23)).filter(audience="BRANCH_HEAD")
    assert heads.count() == 1 and not notices_for(network.manager, date(2026, 11, 23)).filter(pk=heads.get().pk)


def test_a_new_limit_is_told_anew_and_an_ended_task_no_more(network: Network) -> None:
    (task,) = network.tasks(1, due_on=date(2026, 11, 10))
    share(date(2026, 11, 10))
    assert unread(network.officer, date(2026, 11, 11)) == 1
    VisitTask.objects.filter(pk=task.pk).update(due_on=date(2026, 11, 20))
    assert unread(network.officer, date(2026, 11, 11)) == 0
    share(date(2026, 11, 20))
    assert unread(network.officer, date(2026, 11, 21)) == 1
    for state in ("IN_PROGRESS", "SUBMITTED"):
        VisitTask.objects.filter(pk=task.pk).update(state=state)
    assert unread(network.officer, date(2026, 11, 21)) == 0


def test_the_statement_says_of_random_limits_what_the_rule_says(network: Network) -> None:
    chance = Random(11)
    as_of = date(2026, 11, 18)
    made = []
    for _ in range(60):
        opens = as_of - timedelta(days=chance.randint(-3, 60))
        due = max(opens, as_of + timedelta(days=chance.randint(-20, 20)))
        made += network.tasks(1, opens_on=opens, due_on=due, created_on=opens - timedelta(days=chance.randint(-2, 9)))
    share(as_of)
    days = calendar(as_of - timedelta(days=120), as_of + timedelta(days=60))
    seen = set()
    for task in made:
        begins, limit = max(task.opens_on, task.created_on), VisitTask.objects.get(pk=task.pk).due_on
        wanted = step_reached(begins, limit, as_of, days)
        found = set(Notice.objects.filter(task=task, code__startswith="LIMIT").values_list("code", flat=True))
        assert found == ({wanted} if wanted else set()), (begins, limit)
        seen.add(wanted)
    assert seen == {None, "LIMIT_80", "LIMIT_100", "LIMIT_120"}


def test_red_is_told_to_all_at_once_in_the_day(network: Network) -> None:
    (task,) = network.tasks(1, level=1, due_on=TODAY + timedelta(days=2))
    assert tell_red(as_of=TODAY, at=AT, loan_ids=[task.loan_id]) == 3
    assert tell_red(as_of=TODAY, at=AT, loan_ids=[task.loan_id]) == 0
    assert [unread(one, TODAY) for one in (network.officer, network.manager, network.head)] == [1, 1, 1]


def test_a_first_follow_up_not_made_alarms_at_75_85_and_90(network: Network) -> None:
    loan = book_loan(network.branch, network.officer)
    Loan.objects.filter(pk=loan.pk).update(disbursed_on=TODAY - timedelta(days=74))
    task = make_task(loan, network.officer, kind="FIRST", rule="FIRST_90", opens_on=TODAY, due_on=TODAY)
    for day, wanted in ((74, 0), (75, 1), (80, 1), (85, 3), (90, 6), (95, 6)):
        share(TODAY + timedelta(days=day - 74))
        assert Notice.objects.filter(task=task, code__startswith="FIRST").count() == wanted, day
    assert [event.data["code"] for event in events("ALARMED")] == ["FIRST_75", "FIRST_85", "FIRST_90"]
    shown = {row.notice.code for row in told(network.head, TODAY + timedelta(days=30))}
    assert "FIRST_90" in shown and "FIRST_75" not in shown


def test_an_evening_that_looks_only_where_it_may_tell_tells_what_looking_everywhere_would(network: Network) -> None:
    made: list[VisitTask] = []
    dice = Random(7)  # noqa: S311 - days, no secret
    for number in range(60):
        opens = TODAY + timedelta(days=dice.randrange(-60, 30))
        due = opens + timedelta(days=dice.randrange(0, 75))
        loan = book_loan(network.branch, network.officer)
        Loan.objects.filter(pk=loan.pk).update(disbursed_on=opens - timedelta(days=dice.randrange(10, 60)))
        task = make_task(
            loan, network.officer, kind=dice.choice(("FIRST", "PERIODIC")), cycle=str(number), opens_on=opens,
            due_on=due, level=dice.choice((1, 3, 9, 9)),
        )  # fmt: skip
        VisitTask.objects.filter(pk=task.pk).update(
            created_on=opens, paused_until=dice.choice((None, None, opens + timedelta(days=9)))
        )
        made.append(task)
    # Some are done along with another for a while: it is taken apart, put off, or falls to a lower level.
    changes: dict[int, list[tuple[VisitTask, VisitTask, str]]] = {}
    for lead, along in zip(made[::2], made[1::2], strict=True):
        MergedTask.objects.create(
            lead=lead, task=along, mode="JOINT", merged_by="system", at=AT, business_date=TODAY
        )  # fmt: skip
        change = dice.choice(("apart", "put off", "falls", "nothing"))
        changes.setdefault(dice.randrange(0, 110), []).append((lead, along, change))

    def change_on(offset: int) -> None:
        for lead, along, change in changes.get(offset, ()):
            if change == "apart":
                MergedTask.objects.filter(task=along).update(ended_at=AT, ended_by="O1")
            elif change != "nothing":
                fields = {"due_on": along.due_on + timedelta(days=40)} if change == "put off" else {"level": 9}
                VisitTask.objects.filter(pk=lead.pk).update(**fields)

    def told_over(days: int, *, everywhere: bool) -> set[tuple[Any, ...]]:
        for offset in range(days):
            change_on(offset)
            if everywhere:
                VisitTask.objects.update(look_on=NOT_LOOKED_AT)
            raise_notices(as_of=TODAY + timedelta(days=offset), at=AT)
        return set(Notice.objects.values_list("task_id", "code", "audience", "due_on", "raised_on", "tell_on"))

    with transaction.atomic():
        wanted = told_over(130, everywhere=True)
        transaction.set_rollback(True)
    VisitTask.objects.update(look_on=NOT_LOOKED_AT)
    assert told_over(130, everywhere=False) == wanted and len(wanted) > 100


def test_a_task_whose_time_moves_is_looked_at_again_and_one_that_does_not_is_left(network: Network) -> None:
    (task,) = network.tasks(1, due_on=TODAY + timedelta(days=60), state="IN_PROGRESS")
    share()
    task.refresh_from_db()
    assert TODAY < task.look_on < task.due_on
    VisitTask.objects.filter(pk=task.pk).update(version=9)
    assert VisitTask.objects.get(pk=task.pk).look_on == task.look_on
    for change in (
        {"due_on": TODAY + timedelta(days=3)}, {"level": 3}, {"assigned_to": network.second},
        {"paused_until": TODAY + timedelta(days=2)}, {"state": "SUBMITTED"},
    ):  # fmt: skip
        share()
        VisitTask.objects.filter(pk=task.pk).update(look_on=TODAY + timedelta(days=1))
        VisitTask.objects.filter(pk=task.pk).update(**change)
        assert VisitTask.objects.get(pk=task.pk).look_on == NOT_LOOKED_AT, change


def test_what_the_gate_leaves_with_nobody_is_on_the_managers_list(network: Network) -> None:
    task = make_task(book_loan(network.branch), None, due_on=TODAY + timedelta(days=5))
    BusinessDate.objects.create(day=TODAY - timedelta(days=90), is_open=False, opened_at=AT, closed_at=AT)
    assert share()["assigned"] == 0
    assert codes([task]) == [[("NOBODY", "MANAGER")]] and unread(network.manager, TODAY + timedelta(days=1)) == 1


def test_an_evening_asks_the_same_few_questions_for_any_number_of_tasks(network: Network) -> None:
    network.tasks(9, due_on=MONDAY + timedelta(days=24), method="FIELD")
    with CaptureQueriesContext(connection) as few:
        share()
    network.tasks(30, due_on=MONDAY + timedelta(days=24), method="FIELD")
    with CaptureQueriesContext(connection) as many:
        share()
    # One of them for the steps past their own limit, two for what lies across branches, three for the reserve and what
    # was made this week, one for talks that what comes forward must not come near, one for the days of this week.
    assert len(many) == len(few) <= 38
    assert share_cuts(as_of=TODAY, size=2000).due == 1


def test_notices_are_history_and_once_a_limit(network: Network) -> None:
    (task,) = network.tasks(1, due_on=TODAY)
    share(MONDAY)
    row = "(task_id, branch_id, code, audience, due_on, raised_on, tell_on, at)"
    values = "SELECT task_id, branch_id, code, audience, due_on, raised_on, {0}, at FROM followups_notice"
    for statement in (
        "UPDATE followups_notice SET code = 'RED'",
        "DELETE FROM followups_notice",
        f"INSERT INTO followups_notice {row} {values.format('tell_on')}",
        f"INSERT INTO followups_notice {row} {values.format('raised_on - 1').replace('code,', 'code || 1,', 1)}",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Notice.objects.filter(task=task).count() == 2
