"""What may happen to a borrower or a home that asks for a visit, as data, and how a visit answers it.

The catalogue says of each code who may tell it, how urgent it is, within how many workdays and by
which method the visit has to be made, and which sections of the form it adds. Every one of them
demands that the capacity to repay is assessed again (S2.8). Steps of arrears are not here: the
planner watches the days itself.

`answer` decides for events of people and homes that belong together: they join a visit that nobody
has begun, are noted on one that has, or make one. Planning twice changes nothing the second time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from followups.rules.checklist import Item, as_asked, is_pressed, items_for
from followups.rules.facts import FIELD, IRREGULAR, LEVELS, PHONE, TALKS, WEIGHT
from followups.rules.states import IN_PROGRESS, PLANNED, RETURNED
from loans.rules.calendar import Calendar

RULE: Final = "EVENT"
DEATH: Final = "DEATH"
# A visit to a development talks to no borrower: it takes no other event along.
PROJECT_RULE: Final = "PROJECT"
DAY_END, RISK, COLLATERAL, STAFF, BORROWER, FEED = "DAY_END", "RISK", "COLLATERAL", "STAFF", "BORROWER", "FEED"
LOAN, CUSTOMER, PROPERTY = "LOAN", "CUSTOMER", "PROPERTY"
INCOME, EMPLOYMENT, COURT, BUREAU, DEVELOPER = "INCOME", "EMPLOYMENT", "COURT", "BUREAU", "DEVELOPER"
# Tells no events: whether the money of a loan reached the payee (`rules.outside`).
FUNDS: Final = "FUNDS"
FEEDS: Final = (INCOME, EMPLOYMENT, COURT, BUREAU, DEVELOPER, FUNDS)

# The sections that tell whether the borrower can pay; every event asks them again.
CAPACITY: Final = ("employment", "income", "debts", "repayment")
YELLOW, ORANGE, RED = LEVELS["YELLOW"], LEVELS["ORANGE"], LEVELS["RED"]

# What a visitor says became of an event. What was not verified stays open and is visited again.
CONFIRMED, NOT_CONFIRMED, OVER, UNVERIFIED = "CONFIRMED", "NOT_CONFIRMED", "OVER", "UNVERIFIED"
_FINDINGS: Final = (
    (CONFIRMED, "属实", "Confirmed"),
    (NOT_CONFIRMED, "不属实", "Not confirmed"),
    (OVER, "曾发生，已消除", "Was so, is over"),
)
ITEM_PREFIX: Final = "event_"


@dataclass(frozen=True, slots=True)
class Kind:
    """A line of the catalogue."""

    code: str
    zh: str
    en: str
    subject: str
    sources: tuple[str, ...]
    level: int
    limit_workdays: int
    method: str
    sections: tuple[str, ...] = ()
    feed: str = ""

    @property
    def asks(self) -> tuple[str, ...]:
        """Sections that the visit's form must hold."""
        return (*CAPACITY, *(one for one in self.sections if one not in CAPACITY))


_TOLD: Final = (STAFF, BORROWER)
_TOLD_OR_FED: Final = (STAFF, BORROWER, FEED)
CATALOGUE: Final[tuple[Kind, ...]] = (
    Kind("INCOME_DOWN", "收入变化", "Income has changed", CUSTOMER, _TOLD, YELLOW, 5, PHONE),
    Kind("INCOME_DOWN_20", "收入下降20%以上", "Income down 20%+", CUSTOMER, (FEED,), YELLOW, 5, PHONE,
         feed=INCOME),
    Kind("INCOME_DOWN_40", "收入下降40%以上", "Income down 40%+", CUSTOMER, (FEED,), ORANGE, 3, FIELD,
         feed=INCOME),
    Kind("JOB_CHANGE", "工作变动", "Change of job", CUSTOMER, _TOLD_OR_FED, YELLOW, 5, PHONE, (), EMPLOYMENT),
    Kind("JOB_LOSS", "失业", "Loss of job", CUSTOMER, _TOLD_OR_FED, ORANGE, 3, FIELD, ("needs",), EMPLOYMENT),
    Kind("MARITAL", "婚姻变化", "Marital change", CUSTOMER, _TOLD, YELLOW, 5, PHONE, ("identity",)),
    Kind("ILLNESS", "重病", "Serious illness", CUSTOMER, _TOLD, ORANGE, 3, PHONE, ("needs",)),
    Kind("DEATH", "死亡或失踪", "Death or missing", CUSTOMER, _TOLD, RED, 1, FIELD, ("identity",)),
    Kind("NEW_DEBT", "新增负债", "New debt", CUSTOMER, _TOLD_OR_FED, YELLOW, 5, PHONE, (), BUREAU),
    Kind("VACANT", "房屋空置", "Home vacant", PROPERTY, _TOLD, YELLOW, 5, FIELD, ("occupancy", "collateral")),
    Kind("LET", "房屋出租", "Home let", PROPERTY, _TOLD, YELLOW, 5, PHONE, ("occupancy", "collateral")),
    Kind("DAMAGE", "房屋损坏", "Home damaged", PROPERTY, _TOLD, ORANGE, 3, FIELD, ("collateral",)),
    Kind("SEIZED", "房屋查封", "Home seized", PROPERTY, _TOLD_OR_FED, RED, 1, FIELD,
         ("collateral", "registration"), COURT),
    Kind("SUED", "作为被告被起诉", "Sued as defendant", CUSTOMER, (FEED,), ORANGE, 3, PHONE, (), COURT),
    Kind("ENFORCED", "被列为被执行人", "Under enforcement", CUSTOMER, (FEED,), ORANGE, 3, FIELD, (), COURT),
    Kind("DISHONEST", "失信被执行人", "Dishonest debtor", CUSTOMER, (FEED,), RED, 1, FIELD, (), COURT),
    Kind("OVERDUE_ELSEWHERE", "他行贷款逾期", "Overdue elsewhere", CUSTOMER, (FEED,), ORANGE, 3, PHONE,
         feed=BUREAU),
    Kind("BUREAU_QUERIES", "征信查询频繁", "Many bureau queries", CUSTOMER, (FEED,), YELLOW, 5, PHONE, (), BUREAU),
    Kind("DEVELOPER_NEWS", "开发商负面消息", "Developer in the news", PROPERTY, (STAFF, FEED), YELLOW, 5, PHONE,
         ("guarantor",), DEVELOPER),
    Kind("DEVELOPER_STOPPED", "楼盘停工", "Development stalled", PROPERTY, (STAFF, FEED), ORANGE, 3, FIELD,
         ("guarantor", "registration"), DEVELOPER),
    Kind("DEVELOPER_BANKRUPT", "开发商破产", "Developer bankrupt", PROPERTY, (STAFF, FEED), RED, 1, FIELD,
         ("guarantor", "registration"), DEVELOPER),
    Kind("VALUE_80", "抵押率升破80%", "LTV past 80%", PROPERTY, (COLLATERAL,), YELLOW, 5, PHONE,
         ("collateral",)),
    Kind("VALUE_90", "抵押率升破90%", "LTV past 90%", PROPERTY, (COLLATERAL,), ORANGE, 3, FIELD,
         ("collateral",)),
    Kind("VALUE_100", "抵押率升破100%", "LTV past 100%", PROPERTY, (COLLATERAL,), RED, 1, FIELD,
         ("collateral", "registration")),
    Kind("REGISTRATION_LAPSED", "抵押登记失效", "Registration lapsed", PROPERTY, (COLLATERAL, STAFF), RED, 1, FIELD,
         ("registration",)),
    Kind("INSURANCE_LAPSED", "房屋保险到期未续", "Insurance lapsed", PROPERTY, (COLLATERAL, STAFF), YELLOW, 5, PHONE,
         ("collateral",)),
    Kind("CLASS_MENTIONED", "分类下调为关注", "Now special mention", LOAN, (DAY_END,), YELLOW, 5, PHONE),
    Kind("CLASS_BAD", "分类下调为不良", "Now non-performing", LOAN, (DAY_END,), ORANGE, 3, FIELD),
    Kind("RISK_HIGH", "风险等级升为高", "Grade rose to high", LOAN, (RISK,), ORANGE, 3, PHONE),
    Kind("PROMISE_BROKEN", "未履行还款承诺", "Promise to pay broken", LOAN, (DAY_END, STAFF), YELLOW, 3, PHONE),
)  # fmt: skip
BY_CODE: Final[Mapping[str, Kind]] = {kind.code: kind for kind in CATALOGUE}


def told_by(source: str, feed: str = "") -> list[Kind]:
    """The kinds that a source, or one of the feeds, may tell."""
    return [kind for kind in CATALOGUE if source in kind.sources and (not feed or kind.feed == feed)]


def income_code(before: Decimal | None, after: Decimal) -> str | None:
    """What a new monthly income means beside the known one; None while it fell by less than a fifth."""
    if before is None or before <= 0 or after * 100 > before * 80:
        return None
    return "INCOME_DOWN_40" if after * 100 <= before * 60 else "INCOME_DOWN_20"


def crossed(before: Decimal, after: Decimal) -> str | None:
    """The worst of 80, 90 and 100 percent that the ratio reached on its way up; None when it passed none."""
    passed = [limit for limit in (100, 90, 80) if before < limit <= after]
    return f"VALUE_{passed[0]}" if passed else None


# What the visit asks


@dataclass(frozen=True, slots=True)
class Asked:
    """An event as the form asks of it; `words` are those it came with. One closed meanwhile need not be answered."""

    id: int
    code: str
    happened_on: date
    words: str = ""
    is_open: bool = True


def item_key(event_id: int) -> str:
    return f"{ITEM_PREFIX}{event_id}"


def event_id_of(key: str) -> int | None:
    """The event that an item of the form asks of."""
    number = key.removeprefix(ITEM_PREFIX)
    return int(number) if key.startswith(ITEM_PREFIX) and number.isascii() and number.isdigit() else None


def form_items(
    served: Iterable[tuple[str, str, str]], method: str, checklist: Sequence[Item], asked: Sequence[Asked]
) -> list[Item]:
    """The items of a visit that serves tasks of these kinds, subjects and chosen lists, and answers these events.

    Each event adds the sections it demands, whatever kind of visit usually asks them, and a question of its own: what
    became of it. Items keep the order of the checklist.
    """
    wanted, pressed = set(), set()
    for kind, subject, also in served:
        for item in items_for(kind, method, checklist, subject, also):
            wanted.add(item["key"])
            if subject == LOAN and is_pressed(item, also):
                pressed.add(item["key"])
    checklist = [as_asked(item, method, item["key"] in pressed) for item in checklist]
    if not asked:
        return [item for item in checklist if item["key"] in wanted]
    demanded = {section for event in asked if event.is_open for section in BY_CODE[event.code].asks}
    for item in checklist:
        if item["section"] in demanded and method in item["methods"] and item["type"] != "system":
            wanted.add(item["key"])
    items = [item for item in checklist if item["key"] in wanted]
    at = next((place for place, item in enumerate(items) if item["section"] == "conclusion"), len(items))
    return [*items[:at], *(_question(event) for event in asked), *items[at:]]


def _question(event: Asked) -> dict[str, Any]:
    kind = BY_CODE[event.code]
    words = {"zh": f"：{event.words}" if event.words else "", "en": f": {event.words}" if event.words else ""}
    return {
        "key": item_key(event.id),
        "section": "findings",
        "label": {
            "zh": f"{kind.zh}（{event.happened_on}）{words['zh']}",
            "en": f"{kind.en} ({event.happened_on}){words['en']}",
        },
        "type": "choice",
        "choices": [{"value": value, "zh": zh, "en": en} for value, zh, en in _FINDINGS],
        "kinds": [IRREGULAR],
        "methods": [],
        "required": event.is_open,
        "before": "",
        "normal": NOT_CONFIRMED,
    }


def findings_in(answers: Mapping[str, Mapping[str, Any]]) -> dict[int, str]:
    """Event → what the visitor found, from the answers of a report."""
    found: dict[int, str] = {}
    for key, answer in answers.items():
        event_id = event_id_of(key)
        if event_id is not None:
            value = UNVERIFIED if answer.get("choice") == UNVERIFIED else str(answer.get("now") or "")
            if value in (CONFIRMED, NOT_CONFIRMED, OVER, UNVERIFIED):
                found[event_id] = value
    return found


# What answers an event


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open event that no visit answers yet; `key` names the task that is made for it, whatever its number."""

    id: int
    loan_id: int
    code: str
    key: str

    @property
    def kind(self) -> Kind:
        return BY_CODE[self.code]


@dataclass(frozen=True, slots=True)
class Task:
    """A task of the same people and homes that is still open; id None while it is only being made."""

    id: int | None
    loan_id: int
    rule: str
    cycle: str
    kind: str
    is_light: bool
    method: str
    level: int
    opens_on: date
    due_on: date
    state: str
    is_pinned: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An event and the task that answers it; `is_note` when the task was begun before it."""

    event_id: int
    task: Task
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What is to be written: tasks to make, untouched ones to be made more urgent, and which task answers what."""

    created: tuple[Task, ...]
    moved: tuple[Task, ...]
    links: tuple[Answer, ...]


def answer(
    events: Sequence[Waiting],
    open_tasks: Sequence[Task],
    loans: Sequence[int],
    calendar: Calendar,
    today: date,
    taken: Collection[str] = (),
) -> Answers:
    """One visit for all: the untouched one if there is any, else a new one on the loan of the most urgent event.

    `loans` are those not settled, `taken` the cycles that visits had before. A visit in progress is left as it is; it
    answers an event by itself when it is made as thoroughly as the event asks, else one more follows.
    """
    if not events or not loans:
        return Answers((), (), ())
    target = _untouched(open_tasks)
    begun = _begun(open_tasks)
    links: list[Answer] = []
    for event in sorted(events, key=lambda one: (one.kind.level, one.id)):
        due_on = calendar.add_workdays(today, event.kind.limit_workdays)
        if target is None and begun is not None:
            links.append(Answer(event.id, begun, is_note=True))
            if WEIGHT[begun.method] >= WEIGHT[event.kind.method]:
                continue
        if target is None:
            loan_id = event.loan_id if event.loan_id in loans else min(loans)
            target = Task(
                None, loan_id, RULE, _cycle(event.key, taken), IRREGULAR, False, event.kind.method, event.kind.level,
                today, due_on, PLANNED, False,
            )  # fmt: skip
        target = _stricter(target, event.kind, due_on)
        links.append(Answer(event.id, target))
    if target is None:
        return Answers((), (), tuple(links))
    links = [link if link.is_note else replace(link, task=target) for link in links]
    if target.id is None:
        return Answers((target,), (), tuple(links))
    before = next(task for task in open_tasks if task.id == target.id)
    return Answers((), () if before == target else (target,), tuple(links))


def _cycle(key: str, taken: Collection[str]) -> str:
    """The key, or the first of its successors that no visit had."""
    number = 1
    while (cycle := key if number == 1 else f"{key}-{number}") in taken:
        number += 1
    return cycle


def _untouched(tasks: Sequence[Task]) -> Task | None:
    """The visit that nobody has begun, one made by events before others."""
    fitting = [
        task for task in tasks
        if task.state == PLANNED and task.kind == IRREGULAR and not task.is_light and task.method in TALKS
        and task.rule != PROJECT_RULE
    ]  # fmt: skip
    return min(fitting, key=lambda task: (task.rule != RULE, task.id or 0), default=None)


def _begun(tasks: Sequence[Task]) -> Task | None:
    """The talk that is being held, the most thorough first."""
    begun = [
        task for task in tasks
        if task.state in (IN_PROGRESS, RETURNED) and task.method in TALKS and task.rule != PROJECT_RULE
    ]  # fmt: skip
    return max(begun, key=lambda task: (WEIGHT[task.method], -(task.id or 0)), default=None)


def _stricter(task: Task, kind: Kind, due_on: date) -> Task:
    """The machine brings forward and makes heavier, never the other way; a date that a person fixed stays."""
    return replace(
        task,
        level=min(task.level, kind.level),
        method=kind.method if WEIGHT[kind.method] > WEIGHT[task.method] else task.method,
        due_on=task.due_on if task.is_pinned else min(task.due_on, due_on),
        opens_on=min(task.opens_on, due_on) if not task.is_pinned else task.opens_on,
    )
