"""The default policies put together: grade from the facts, plan from the grade; and a loan's whole row of evenings.

What the planner promises for any grade is held in `test_plan_promises`; here the grade is what the grade policy makes
of the same facts, and evenings follow each other as they do in a bank: arrears come and go, people begin, fix and end
follow-ups in between. Drawn anew the same on every run.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from followups.rules.facts import Facts, OpenTask, Planned
from followups.rules.plan import diff, plan
from loans.rules.dates import add_months
from risk.rules.grading import DEFAULT_LINES as GRADES
from risk.rules.grading import GradeFacts, grade
from tests.rules.planning import CALENDAR, LINES, applied
from tests.rules.test_plan_promises import any_facts

ORDER = {"LOW": 0, "MEDIUM": 1, "HIGH": 2}


def graded(of: Facts) -> Facts:
    """The loan with the grade that the default grade policy gives it."""
    found = grade(GradeFacts(of.credit_score, of.loan_to_value, of.days_past_due, of.late_in_24_months), GRADES)
    return replace(of, grade=found.level)


def next_days(planned: tuple[Planned, ...], of: Facts) -> tuple[date, date]:
    """The first day on which anything falls due, and the first on which a person speaks with the borrower."""
    ahead = [p for p in planned if p.key not in of.ended]
    talks = [p.due_on for p in ahead if p.method != "OFF_SITE" and not p.is_light]
    return min((p.due_on for p in ahead), default=date.max), min(talks, default=date.max)


@dataclass(frozen=True)
class Worse:
    """By how much a loan is worse off than another that is the same otherwise."""

    score: int
    loan_to_value: Decimal
    late: int

    def of(self, facts: Facts) -> Facts:
        score, ratio = facts.credit_score, facts.loan_to_value
        return graded(replace(
            facts,
            credit_score=None if score is None else max(300, score - self.score),
            loan_to_value=None if ratio is None else ratio + self.loan_to_value,
            late_in_6_months=facts.late_in_6_months + self.late,
            late_in_24_months=facts.late_in_24_months + self.late,
        ))  # fmt: skip


worse_by = st.builds(Worse, st.integers(0, 250), st.decimals(0, 60, places=2), st.integers(0, 7))
scores = st.one_of(st.none(), st.integers(300, 900))


# S1.20, S2.6, S2.10
@given(any_facts(), scores, worse_by)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_who_is_worse_off_is_never_visited_later(drawn: tuple[Facts, date], score: int | None, by: Worse) -> None:
    """Neither regular follow-ups nor the steps of arrears wait longer because score, value or record got worse."""
    found, today = drawn
    of = graded(replace(found, credit_score=score))
    worse = by.of(of)
    assert ORDER[worse.grade or ""] >= ORDER[of.grade or ""]
    before, after = (plan(one, LINES, CALENDAR, today) for one in (of, worse))
    due = {p.rule: p.due_on for p in after}
    for p in before:
        # A second miss within six months makes a visit of the light item: another rule, in the place of that one.
        rule = p.rule if p.rule in due else "OVERDUE_8"
        assert due[rule] <= p.due_on
    assert next_days(after, worse)[0] <= next_days(before, of)[0]


# S2.8
@given(any_facts(), scores, st.integers(0, 400), st.integers(0, 200))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arrears_that_are_longer_are_answered_no_later(
    drawn: tuple[Facts, date], score: int | None, days: int, more: int
) -> None:
    found, today = drawn
    both = []
    for past_due in (days, days + more):
        since = today - timedelta(days=past_due) if past_due else None
        of = replace(found, credit_score=score, days_past_due=past_due, overdue_since=since, baseline_on=None)
        both.append(plan(graded(of), LINES, CALENDAR, today))
    steps = [[p for p in planned if p.kind == "IRREGULAR"] for planned in both]
    if steps[0]:
        assert steps[1][0].due_on <= steps[0][0].due_on and steps[1][0].level <= steps[0][0].level
    assert len(steps[1]) >= len(steps[0])


# A row of evenings


@dataclass(frozen=True)
class Night:
    """What happened until the next evening."""

    days: int
    overdue: int
    loan_to_value: Decimal
    late: int
    # Which open follow-up a person did what with.
    touched: int
    deed: str


nights = st.builds(
    Night, st.integers(1, 70), st.one_of(st.just(0), st.integers(1, 200)), st.decimals(20, 130, places=2),
    st.integers(0, 4), st.integers(0, 3), st.sampled_from(["", "", "BEGIN", "PIN", "END", "END", "SKIP"]),
)  # fmt: skip


class Life:
    """A loan with its open follow-ups, evening after evening, as the batch would leave them."""

    def __init__(self, of: Facts, today: date) -> None:
        self.facts, self.today = of, today
        self.tasks: list[OpenTask] = []
        self.ended: set[tuple[str, str]] = set(of.ended)
        self.once: list[tuple[str, str]] = []
        self.serial = 0

    def now(self) -> Facts:
        periodic = sum(rule == "PERIODIC" for rule, _cycle in self.ended)
        return graded(replace(
            self.facts, ended=frozenset(key for key in self.ended if key[0] != "PERIODIC"), periodic_ended=periodic,
            has_tasks=bool(self.tasks or self.ended),
        ))  # fmt: skip

    def evening(self) -> None:
        """Plans; what was planned is made once; planned again, nothing."""
        of = self.now()
        before = {task.id: task for task in self.tasks}
        changes = diff(plan(of, LINES, CALENDAR, self.today), self.tasks, of)
        after = self._applied(changes)
        assert len({task.key for task in after}) == len(after)
        for task in after:
            was = before.get(task.id)
            if was is None:
                assert task.key not in self.once, "a follow-up is once a rule and cycle"
                self.once.append(task.key)
            else:
                assert task.due_on <= was.due_on
                assert was == task or was.state == "PLANNED" and not was.is_pinned
            assert task.kind != "FIRST" or task.due_on <= of.disbursed_on + timedelta(days=90)
        self.tasks = after
        again = self.now()
        assert diff(plan(again, LINES, CALENDAR, self.today), self.tasks, again) == ()
        assert [task for task in self.tasks if task.kind != "IRREGULAR"], "a loan always has a next follow-up"

    def _applied(self, changes: tuple[object, ...]) -> list[OpenTask]:
        """As `applied`, with numbers that are never used again."""
        known = {task.key for task in self.tasks}
        made = applied(changes, self.tasks, self.ended)
        found = []
        for task in made:
            if task.key in known:
                found.append(task)
            else:
                self.serial += 1
                found.append(replace(task, id=1000 + self.serial))
        return found

    def morning(self, night: Night) -> None:
        """Days pass; the loan is as the night says; a person does something with a follow-up."""
        self.today += timedelta(days=night.days)
        since = self.today - timedelta(days=night.overdue) if night.overdue else None
        months = (self.today - self.facts.disbursed_on).days // 31
        self.facts = replace(
            self.facts, overdue_since=since, days_past_due=night.overdue, loan_to_value=night.loan_to_value,
            late_in_6_months=night.late, late_in_24_months=night.late, months_on_book=months,
        )  # fmt: skip
        if not self.tasks or not night.deed:
            return
        task = self.tasks[night.touched % len(self.tasks)]
        if night.deed in ("END", "SKIP") and not task.is_light:
            self.tasks.remove(task)
            self.ended.add(task.key)
            if night.deed == "END":
                is_talk = task.kind == "FIRST" and task.method != "OFF_SITE"
                held = self.facts.is_talk_held or is_talk
                self.facts = replace(self.facts, last_followup_on=self.today, is_talk_held=held)
        elif night.deed == "BEGIN" and task.state == "PLANNED":
            self.tasks[self.tasks.index(task)] = replace(task, state="IN_PROGRESS")
        elif night.deed == "PIN" and task.due_on > self.today:
            self.tasks[self.tasks.index(task)] = replace(task, is_pinned=True)


# S2.6, S2.8, S2.9, S2.10
@given(st.lists(nights, min_size=1, max_size=12), st.integers(0, 60), st.booleans(), scores, st.text("abc", min_size=1))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_loans_evenings_keep_every_promise(
    row: list[Night], age: int, is_imported: bool, score: int | None, key: str
) -> None:
    """Once a rule and cycle, never put back, what people began or fixed left alone, something ahead, twice = once."""
    today = date(2026, 11, 2)
    disbursed_on = today - timedelta(days=age if not is_imported else 30 * age)
    of = Facts(
        loan_id=1, sample_key=key, disbursed_on=disbursed_on, matures_on=add_months(disbursed_on, 360),
        baseline_on=today - timedelta(days=1) if is_imported and age else None, credit_score=score,
        principal_original=Decimal("900000.00"), principal_balance=Decimal("800000.00"),
        loan_to_value=Decimal("60.00"), months_on_book=age if is_imported else 0, is_owner_occupied=True,
    )  # fmt: skip
    life = Life(of, today)
    life.evening()
    for night in row:
        life.morning(night)
        life.evening()
