"""The load of a policy on an ordinary network: 10,000 loans, 20 officers, 46 weeks, 900 new loans a year; no database.

The product's own rules decide: `plan` and `diff` which follow-ups stand, `off_site.check` which of them close by
themselves, `level` on which day an officer makes the others. What is made up is the book: ages up to eleven years,
homes and scores as in the demo bank (values of older loans fell by up to 20 %), and how people pay: of a thousand
installments 975 on the day, 19 within 15 days, 4 within 30, 2 later; of these six in ten are cured before day 90 and
the others stay for 15 months, which makes about 1 % of the book non-performing. Two years are lived, the second is
measured. Nothing is merged, and no talk of collection counts as a visit: both would make it less.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from followups.rules import off_site
from followups.rules.changes import BringForward, Cancel, Close, Create, diff
from followups.rules.default_policy import LINES
from followups.rules.facts import FIELD, FIRST, IRREGULAR, OFF_SITE, PERIODIC, Facts, OpenTask, Planned
from followups.rules.levelling import Slot, level, planned_most, week_of
from followups.rules.outside import FUNDS_ARRIVED
from followups.rules.plan import plan
from loans.rules.aging import five_class
from loans.rules.calendar import Calendar
from loans.rules.dates import add_months
from people.rules.policy import Line
from risk.rules.grading import DEFAULT_LINES as GRADES
from risk.rules.grading import GradeFacts, grade

PHONE_HOURS, FIELD_HOURS = Decimal("0.5"), Decimal("2.7")
# Visits are made up to so many days ahead of their limit; an officer makes at most so many a workday.
AHEAD, A_DAY = timedelta(days=7), 3
_CYCLE_DAYS = 365
_CHECK_AHEAD = 5
_LEVEL_DAYS = 56


@dataclass(frozen=True)
class Network:
    """The size of users' own table."""

    loans: int = 10_000
    officers: int = 20
    weeks: int = 46
    new_a_year: int = 900
    ceiling: int = 8
    reserve: int = 3
    years: int = 2
    seed: int = 1
    # The payment system tells when the money of a loan reached its payee (the feed 资金到账).
    has_funds_feed: bool = True


@dataclass
class Loan:
    """A loan as the network knows it."""

    pk: int
    officer: int
    disbursed_on: date
    original: int
    value: int
    score: int
    is_owner_occupied: bool
    due_day: int
    overdue_since: date | None = None
    late: list[date] = field(default_factory=list)
    tasks: list[OpenTask] = field(default_factory=list)
    ended: set[tuple[str, str]] = field(default_factory=set)
    periodic_ended: int = 0
    last_followup_on: date | None = None
    is_talk_held: bool = False
    visits: list[date] = field(default_factory=list)
    evidence: set[int] = field(default_factory=set)

    def balance(self, today: date) -> Decimal:
        """Level over thirty years; close enough for a ratio."""
        months = (today.year - self.disbursed_on.year) * 12 + today.month - self.disbursed_on.month
        return Decimal(self.original * max(0, 432 - months) // 432)

    def late_in(self, months: int, today: date) -> int:
        since = add_months(today, -months)
        return sum(day > since for day in self.late)

    def facts(self, today: date) -> Facts:
        balance = self.balance(today)
        ratio = (balance * 100 / self.value).quantize(Decimal("0.0001"))
        days = (today - self.overdue_since).days if self.overdue_since else 0
        late = self.late_in(24, today)
        found = grade(GradeFacts(self.score, ratio, days, late), GRADES)
        return Facts(
            loan_id=self.pk, sample_key=f"N{self.pk}", disbursed_on=self.disbursed_on,
            matures_on=add_months(self.disbursed_on, 360), grade=found.level,
            principal_original=Decimal(self.original), principal_balance=balance, loan_to_value=ratio,
            days_past_due=days, overdue_since=self.overdue_since, late_in_6_months=self.late_in(6, today),
            late_in_24_months=late, months_on_book=(today - self.disbursed_on).days * 12 // 365,
            remaining_months=360 - (today - self.disbursed_on).days * 12 // 365,
            is_owner_occupied=self.is_owner_occupied, last_followup_on=self.last_followup_on,
            is_talk_held=self.is_talk_held, periodic_ended=self.periodic_ended, ended=frozenset(self.ended),
            has_tasks=True,
        )  # fmt: skip


@dataclass
class Made:
    """Visits made in the measured year."""

    visits: int = 0
    in_field: int = 0
    checks: int = 0
    late: int = 0
    moved: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    by_week: Counter[tuple[int, date]] = field(default_factory=Counter)
    planned: Counter[int] = field(default_factory=Counter)
    overflow: int = 0


class Living:
    """The network, day by day, under the lines of a policy."""

    def __init__(self, network: Network, lines: Sequence[Line], calendar: Calendar, first: date) -> None:
        self.network, self.lines, self.calendar, self.first = network, tuple(lines), calendar, first
        self.dice = Random(f"{network.seed}/network")
        self.serial = 0
        self.task_ids = 0
        self.loans: dict[int, Loan] = {}
        self.by_due_day: dict[int, list[int]] = defaultdict(list)
        self.woken: dict[date, set[int]] = defaultdict(set)
        self.pays: dict[date, list[int]] = defaultdict(list)
        self.checks: dict[date, list[tuple[int, int]]] = defaultdict(list)
        self.open_of: dict[int, set[int]] = defaultdict(set)
        self.made = Made()
        for _number in range(network.loans):
            self._add(first - timedelta(days=self.dice.randrange(365 * network.loans // network.new_a_year)), first)

    def _add(self, disbursed_on: date, today: date) -> None:
        """A loan; one that has lived was followed up within its cycle."""
        self.serial += 1
        dice = self.dice
        value = dice.randrange(60, 420) * 10_000
        original = value * dice.choice((45, 55, 60, 65, 70, 75, 80)) // 100
        fall = dice.choice((0, 0, 0, 3, 5, 8, 12, 20)) if (today - disbursed_on).days > 730 else 0
        fallen = value * (100 - fall) // 100
        loan = Loan(
            self.serial, dice.randrange(self.network.officers), disbursed_on, original, fallen,
            dice.randrange(560, 840), dice.random() < 0.9, dice.randrange(1, 29),
        )  # fmt: skip
        age = (today - disbursed_on).days
        if age > 90:
            loan.ended = {(f"FIRST_{day}", "1") for day in (30, 60, 90)}
            loan.is_talk_held = True
            loan.periodic_ended = age // _CYCLE_DAYS
            loan.last_followup_on = today - timedelta(days=dice.randrange(min(_CYCLE_DAYS, age - 60)))
        self.loans[loan.pk] = loan
        self.by_due_day[loan.due_day].append(loan.pk)
        self.woken[today].add(loan.pk)

    # A day

    def live(self) -> Made:
        """The measured year."""
        days = 365 * self.network.years
        for number in range(days):
            if number == days - 365:
                self.made = Made()
            self._day(self.first + timedelta(days=number))
        return self.made

    def _day(self, today: date) -> None:
        if self.calendar.is_workday(today):
            self._visit(today)
        self._book(today)
        self._money(today)
        self._check(today)
        for pk in sorted(self.woken.pop(today, set())):
            if pk in self.loans:
                self._replan(self.loans[pk], today)
        self._level(today)

    def _book(self, today: date) -> None:
        """New loans, and as many that are paid back."""
        for _each in range(self._lot(self.network.new_a_year)):
            gone = self.loans.pop(self.dice.choice(list(self.loans)))
            self.by_due_day[gone.due_day].remove(gone.pk)
            self.open_of[gone.officer].discard(gone.pk)
            self._add(today, today)

    def _lot(self, a_year: int) -> int:
        return a_year // 365 + (self.dice.random() < a_year % 365 / 365)

    def _money(self, today: date) -> None:
        for pk in self.pays.pop(today, []):
            if pk in self.loans:
                self.loans[pk].overdue_since = None
                self.woken[today].add(pk)
        for pk in self.by_due_day[today.day]:
            loan = self.loans[pk]
            if loan.overdue_since is not None:
                loan.late.append(today)
                continue
            if self.dice.random() >= 0.975:
                self._miss(loan, today)

    def _miss(self, loan: Loan, today: date) -> None:
        """From the next day on it is past due."""
        dice = self.dice
        loan.overdue_since = today
        loan.late.append(today)
        lot = dice.randrange(25)
        first, last = (1, 9) if lot < 11 else (3, 15) if lot < 19 else (16, 30)
        if lot >= 23:
            first, last = (31, 90) if dice.random() < 0.6 else (400, 500)
        paid_in = dice.randint(first, last)
        self.pays[today + timedelta(days=paid_in)].append(loan.pk)
        for step in (1, 8, 31, 91):
            if step < paid_in:
                self.woken[today + timedelta(days=step)].add(loan.pk)

    # Follow-ups

    def _replan(self, loan: Loan, today: date) -> None:
        facts = loan.facts(today)
        by_id = {task.id: task for task in loan.tasks}
        for change in diff(plan(facts, self.lines, self.calendar, today), loan.tasks, facts):
            if isinstance(change, Create):
                task = self._opened(change.planned)
                by_id[task.id] = task
                self._await(loan, task)
            elif isinstance(change, BringForward):
                task = by_id[change.task_id] = _forward(by_id[change.task_id], change)
                self._await(loan, task)
            elif isinstance(change, Cancel | Close):
                loan.ended.add(by_id.pop(change.task_id).key)
        loan.tasks = list(by_id.values())
        if loan.tasks:
            self.open_of[loan.officer].add(loan.pk)

    def _opened(self, planned: Planned) -> OpenTask:
        self.task_ids += 1
        return OpenTask(
            id=self.task_ids, rule=planned.rule, cycle=planned.cycle, kind=planned.kind, is_light=planned.is_light,
            method=planned.method, level=planned.level, opens_on=planned.opens_on, due_on=planned.due_on,
            state="PLANNED", is_pinned=False, line=planned.line,
        )  # fmt: skip

    def _await(self, loan: Loan, task: OpenTask) -> None:
        if task.method == OFF_SITE:
            day = task.due_on
            for _each in range(_CHECK_AHEAD):
                day = self.calendar.previous_workday(day - timedelta(days=1))
            self.checks[max(day, task.opens_on)].append((loan.pk, task.id))

    def _check(self, today: date) -> None:
        """The system's own checks; what is clean closes, the rest goes to a person."""
        for day in [day for day in self.checks if day <= today]:
            for pk, task_id in self.checks.pop(day):
                loan = self.loans.get(pk)
                task = next((one for one in loan.tasks if one.id == task_id), None) if loan else None
                if loan is None or task is None or task.method != OFF_SITE or task.id in loan.evidence:
                    continue
                facts = loan.facts(today)
                seen = off_site.OnFile(
                    sample_key=facts.sample_key, cycle=f"{task.rule} {task.cycle}",
                    late_in_12_months=loan.late_in(12, today), days_past_due=facts.days_past_due,
                    five_class=five_class(facts.days_past_due), registration="FORMAL",
                    principal_balance=facts.principal_balance, value=Decimal(loan.value), valued_on=today,
                    value_before=Decimal(loan.value), is_first=task.kind == FIRST, funds=self._funds(loan),
                    installments_due=facts.months_on_book, installments_paid=facts.months_on_book,
                )  # fmt: skip
                if off_site.check(seen, off_site.Limits(), today).is_clean:
                    self.made.checks += 1
                    self._end(loan, task, today)
                else:
                    loan.evidence.add(task.id)

    def _funds(self, loan: Loan) -> off_site.Told | None:
        """That the money arrived, as the feed said it; else as the talk of the first ninety days did."""
        is_told = self.network.has_funds_feed or loan.is_talk_held
        return off_site.Told(FUNDS_ARRIVED, loan.disbursed_on, False) if is_told else None

    def _end(self, loan: Loan, task: OpenTask, today: date) -> None:
        loan.tasks.remove(task)
        loan.ended.add(task.key)
        loan.periodic_ended += task.rule == PERIODIC
        loan.last_followup_on = today
        loan.is_talk_held = loan.is_talk_held or task.kind == "FIRST" and task.method != OFF_SITE
        self.woken[today].add(loan.pk)
        if not loan.tasks:
            self.open_of[loan.officer].discard(loan.pk)

    # People

    def _slots(self, officer: int, until: date) -> list[tuple[OpenTask, Loan]]:
        """What the officer has to make up to a day."""
        return [
            (task, self.loans[pk]) for pk in self.open_of[officer] for task in self.loans[pk].tasks
            if not task.is_light and task.due_on <= until
            and (task.method != OFF_SITE or task.id in self.loans[pk].evidence)
        ]  # fmt: skip

    def _visit(self, today: date) -> None:
        """Everybody makes what is due next, up to the ceiling of the week; what presses is made all the same."""
        for officer in range(self.network.officers):
            week = (officer, week_of(today))
            ready = [pair for pair in self._slots(officer, today + AHEAD) if pair[0].opens_on <= today]
            ready.sort(key=lambda pair: (pair[0].level, pair[0].due_on, pair[0].id))
            for task, loan in ready[:A_DAY]:
                is_pressing = task.level <= 2 or task.due_on <= today
                if self.made.by_week[week] >= self.network.ceiling and not is_pressing:
                    continue
                self.made.by_week[week] += 1
                self.made.visits += 1
                self.made.in_field += task.method == FIELD
                self.made.late += task.due_on < today
                self.made.by_kind[task.rule if task.kind == IRREGULAR else task.kind] += 1
                loan.visits.append(today)
                self._end(loan, task, today)

    def _level(self, today: date) -> None:
        """The evening's levelling, and how full the week that begins tomorrow is then."""
        tomorrow = today + timedelta(days=1)
        until = week_of(tomorrow) + timedelta(days=_LEVEL_DAYS - 1)
        for officer in range(self.network.officers):
            pairs = self._slots(officer, until)
            weeks = Counter(max(week_of(task.due_on), week_of(tomorrow)) for task, _loan in pairs)
            most = planned_most(self.network.ceiling, self.network.reserve)
            if any(count > most for count in weeks.values()):
                weeks = self._moved(officer, pairs, tomorrow)
            if tomorrow.weekday() == 0:
                count = weeks.get(tomorrow, 0)
                self.made.planned[count] += 1
                self.made.overflow += max(0, count - self.network.ceiling)

    def _moved(self, officer: int, pairs: Sequence[tuple[OpenTask, Loan]], today: date) -> Counter[date]:
        slots = [
            Slot(
                task.id, loan.pk, officer, task.opens_on, task.due_on, task.level, False,
                tuple(day for day in loan.visits[-2:] if day > task.opens_on - timedelta(days=30)),
            )
            for task, loan in pairs
        ]  # fmt: skip
        found = level(
            slots, today=today, calendar=self.calendar, ceiling=self.network.ceiling, reserve=self.network.reserve,
            made={officer: self.made.by_week[officer, week_of(today)]},
        )  # fmt: skip
        moves = {move.task_id: move.due_on for move in found.moves}
        for task, loan in pairs:
            if task.id in moves:
                place = loan.tasks.index(task)
                loan.tasks[place] = _dated(task, moves[task.id])
        self.made.moved += len(moves)
        return Counter({week: count for (_who, week), count in found.weeks.items()})


def _forward(task: OpenTask, change: BringForward) -> OpenTask:
    return replace(task, opens_on=change.opens_on, due_on=change.due_on, method=change.method, line=change.line)


def _dated(task: OpenTask, due_on: date) -> OpenTask:
    return replace(task, due_on=due_on)


def policies() -> Mapping[str, tuple[Line, ...]]:
    """The default policy, and beside it what it was made instead of."""
    visited, halved = [], []
    for line in LINES:
        visited.append(replace(line, result={**line.result, "is_light": False}) if "is_light" in line.result else line)
        is_yearly = line.result.get("months") == 12
        halved.append(replace(line, result={**line.result, "months": 6}) if is_yearly else line)
    return {
        "the default policy": LINES,
        "a visit on the first day of every arrears": tuple(visited),
        "every yearly cycle halved": tuple(halved),
    }


def lived(network: Network, lines: Sequence[Line]) -> Made:
    """The measured year of a network under a policy; days off are weekends."""
    return Living(network, lines, Calendar(), date(2026, 1, 1)).live()


def columns(network: Network, made: Made) -> Mapping[str, str]:
    """The columns of the table of policies."""
    worked = Decimal(network.officers * network.weeks)
    hours = (made.visits - made.in_field) * PHONE_HOURS + made.in_field * FIELD_HOURS
    return {
        "visits a year": f"{made.visits:,}",
        "per officer and week": f"{made.visits / worked:.1f}",
        "of which field": f"{made.in_field / worked:.1f}",
        "person-hours per officer and week": f"{hours / worked:.1f}",
        "off-site checks that close themselves": f"{made.checks:,}",
        "officer-weeks beyond the ceiling": f"{sum(n for count, n in made.planned.items() if count > network.ceiling)}",
        "the fullest": f"{max(made.planned, default=0)}",
        "made after their limit": f"{made.late}",
    }
