"""Officers and managers at work: visits at a believable pace, through the actions that the pages call.

An officer looks at what is held today (own and covered), the most urgent first, and makes so many visits a workday;
some borrowers do not answer, some have news, some reports come back.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from followups import actions
from followups.models import Method, TaskState, Visit, VisitReport, VisitTask
from followups.queries import review_queue
from followups.queries.cover import held_by
from followups.queries.form import asked_of
from followups.rules import checklist
from followups.rules.levelling import week_of
from journal.errors import ActionRefused
from people.models import Staff
from people.queries.leave import absences_between
from people.rules.leave import Absences, away_on
from tests.simulation.bank import People, clock

# Visits made ahead of their day, at most.
AHEAD = timedelta(days=7)
A_DAY = 3
_TO_DO = (TaskState.PLANNED, TaskState.IN_PROGRESS, TaskState.RETURNED)
_HOURS = (10, 12, 15, 19)
MORE_PROOF = {"reason": "请补充收入核实材料", "sections": ["income"]}


@dataclass
class Office:
    """What was done, and by whom in which week."""

    pace: int
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    by_week: Counter[tuple[int, date]] = field(default_factory=Counter)

    def work(self, day: date, people: People, dice: Random) -> None:
        """A workday: managers decide what came in, officers visit."""
        absences = absences_between(day, day)
        for manager in people.managers.values():
            self._review(manager, people.risk, day, dice)
        for officer in people.officers:
            if away_on(officer.pk, day, absences) is None:
                self._visit(officer, day, people, absences, dice)

    def attempt(self, name: str, act: Callable[[], Any]) -> Any:
        """Does it and counts; a refusal in words is counted by its code."""
        try:
            found = act()
        except ActionRefused as refusal:
            self.refused[f"{name}: {refusal.code}"] += 1
            return None
        self.done[name] += 1
        return found

    # Managers

    def _review(self, manager: Staff, risk: Staff, day: date, dice: Random) -> None:
        for turn, report in enumerate(review_queue(manager, day)[:40]):
            at = clock(day, 9, turn)
            seen = {"report_id": report.pk, "content_sha256": report.content_sha256, "by": manager, "at": at}
            if dice.random() < 0.06 and report.version == 1:
                self.attempt("returned", lambda s=seen: actions.return_report(**MORE_PROOF, **s))
            else:
                done = self.attempt("approved", lambda s=seen: actions.approve_report(note="同意。", **s))
                if done is not None and done.waits_for:
                    red = {**seen, "by": risk}
                    self.attempt("approved", lambda s=red: actions.approve_report(note="同意。", **s))

    # Officers

    def _visit(self, officer: Staff, day: date, people: People, absences: Absences, dice: Random) -> None:
        week = (officer.pk, week_of(day))
        colleagues = [
            one for one in people.officers
            if one.branch_id == officer.branch_id and one != officer and away_on(one.pk, day, absences) is None
        ]  # fmt: skip
        made = 0
        for task in _list_of(officer, day):
            is_pressing = task.level <= 2 or task.due_on <= day
            if made >= A_DAY or (self.by_week[week] >= self.pace and not is_pressing):
                break
            if not colleagues and checklist.needs_pair(task.method, task.level):
                self.done["waited for a second visitor"] += 1
                continue
            if self._one(task, officer, colleagues, day, made, dice):
                made += 1
                self.by_week[week] += 1

    def _one(
        self, task: VisitTask, officer: Staff, colleagues: Sequence[Staff], day: date, turn: int, dice: Random
    ) -> bool:
        """One task as far as it comes today; True when the report was handed in."""
        at = clock(day, _HOURS[dice.randrange(4)], turn)
        if task.state == TaskState.PLANNED and task.method == Method.PHONE and dice.random() < 0.12:
            self.attempt("not reached", lambda: actions.record_attempt(
                task_id=task.pk, outcome="NO_ANSWER", by=officer, at=at))  # fmt: skip
            if task.attempts.count() >= 3:
                self.attempt("made a field visit", lambda: actions.ask_for_field_visit(
                    task_id=task.pk, note="多次未接通", by=officer, at=at))  # fmt: skip
            return False
        visit = self.attempt("started", lambda: actions.start_visit(task_id=task.pk, by=officer, at=at))
        if visit is None:
            return False
        second = _second(task, visit, officer, colleagues)
        draft = answers(visit, second, dice)
        report = self.attempt("submitted", lambda: self._hand_in(visit, draft, second, officer, day, turn))
        return report is not None

    def _hand_in(
        self, visit: Visit, draft: Mapping[str, Any], second: Staff | None, officer: Staff, day: date, turn: int
    ) -> VisitReport:
        at, version, task_id = clock(day, 20, turn), visit.version, visit.task_id
        if second is not None:
            kept = actions.save_draft(task_id=task_id, version=version, draft=draft, by=officer, at=at)
            version = kept.version
            if kept.second_visitor is not None:
                actions.sign_opinion(
                    task_id=task_id, version=version, conclusion=draft["conclusion"],
                    text="与主办人共同走访，所见一致。", by=kept.second_visitor, at=at,
                )  # fmt: skip
        return actions.submit_visit(task_id=task_id, version=version, draft=draft, by=officer, at=at)


def _list_of(officer: Staff, day: date) -> list[VisitTask]:
    """What the officer has to make in the coming days, as the desk sorts it."""
    held = VisitTask.objects.visible_to(officer).filter(held_by(officer), state__in=_TO_DO, is_light=False)
    due = held.filter(opens_on__lte=day, due_on__lte=day + AHEAD)
    made_by_people = due.exclude(method=Method.OFF_SITE, evidence__isnull=True)
    return list(made_by_people.order_by("level", "due_on", "id")[:12])


def _second(task: VisitTask, visit: Visit, officer: Staff, colleagues: Sequence[Staff]) -> Staff | None:
    if not checklist.needs_pair(visit.method, task.level):
        return None
    proposed = next((one for one in colleagues if one.pk == task.proposed_second_id), None)
    return proposed or next((one for one in colleagues if one.pk != officer.pk), None)


def answers(visit: Visit, second: Staff | None, dice: Random) -> dict[str, Any]:
    """A whole form: most things as before, now and then news."""
    asked = [item for item in asked_of(visit) if item["type"] != "system" and item["required"]]
    found = {item["key"]: _answer(item, visit.known, dice) for item in asked}
    due = [item for item in asked_of(visit) if checklist.is_due(item, {"answers": found}, visit.method)]
    found |= {item["key"]: _answer(item, visit.known, dice) for item in due}
    has_news = any(one.get("choice") == "CHANGED" for one in found.values()) or visit.task.level < 9
    return {
        "answers": found,
        "conclusion": "WATCH" if has_news else "NO_CONCERN",
        "conclusion_text": "与借款人核对，情况有变化，已约定按期还款。" if has_news else "资料与系统一致，未见异常。",
        "second_visitor": second.staff_no if second else "",
        "photo_exit": "REFUSED" if visit.method == Method.FIELD else "",
        "contact_outcome": "REACHED",
    }


def _answer(item: checklist.Item, known: Mapping[str, Any], dice: Random) -> dict[str, str]:
    if checklist.is_direct(item):
        choices = item["choices"]
        if item["type"] == "date":
            return {"now": "2026-10-30"}
        return {"now": str(item.get("normal") or (choices[0]["value"] if choices else "核对无误"))}
    before = str(known.get(item["before"], {}).get("value", ""))
    if not before:
        return {"choice": "UNVERIFIED"}
    if item["key"] == "monthly_income" and dice.random() < 0.15:
        whole = int(before.partition(".")[0])
        return {"choice": "CHANGED", "now": f"{whole * dice.randrange(40, 130) // 100}.00", "verified_by": "PAYSLIP"}
    return {"choice": "SAME", "verified_by": "ORAL"}
