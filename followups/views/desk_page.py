"""One page of the desk's list: which tasks, in which order, and how many stand in each part.

A desk of a few hundred tasks is sorted as it is, a larger one is walked part by part along the indexes of open tasks;
only the rows of the page are read with all that a row shows. (A file of a large desk is sorted as a whole.)
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import (
    BigIntegerField,
    Case,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext_lazy

from followups.filters import DESK_CHIPS, desk_chip
from followups.models import Level, Method, TaskState, VisitTask
from followups.queries.desk import BESIDE, with_row_facts
from loans.models import Installment
from people.paging import MOST_COUNTED, Order, Page, Part, counts_of, page_of

# The parts of the list in its order, each with the heading under which it stands: red is for today, whenever due.
BUCKETS = (
    (0, gettext_lazy("今天")),
    (2, gettext_lazy("本周")),
    (3, gettext_lazy("下周")),
    (4, gettext_lazy("更晚")),
    (5, gettext_lazy("待审核")),
)
RED, DUE, IN_REVIEW = 0, 1, 5
# Red first, then time left, then what is overdue most. Where hundreds are due on one day the last would be looked up
# for each of them: a large desk is walked along the days alone.
BY_TIME = Order("time", gettext_lazy("时限，红色优先"), ("bucket", "due_on", "-owed", "id"))
_BY_DAY = ("due_on", "id")
_SORTED_BY = ("level", "due_on", "id", "loan__id", "loan__position__overdue_since")
_OVERDUE = Q(loan__position__overdue_since__isnull=False)
ORDERS = (
    BY_TIME,
    Order("due", gettext_lazy("应完成日"), ("due_on", "level", "id")),
    Order(
        "overdue",
        gettext_lazy("逾期最久"),
        parts=(
            Part(_OVERDUE, ("loan__position__overdue_since", "due_on", "id")),
            Part(~_OVERDUE, ("due_on", "id")),
        ),
    ),
    Order("new", gettext_lazy("最近生成"), ("-id",)),
)


class Asked(NamedTuple):
    """What a desk is asked for: tasks in scope, the same narrowed by the filters, the day, the order, where."""

    scopes: Mapping[str, QuerySet[VisitTask]]
    scope: str
    narrowed: QuerySet[VisitTask]
    today: date
    order: Order
    cursor: str
    covered: Sequence[int] = ()


def buckets(today: date) -> tuple[Q, ...]:
    """The parts of the list: red, due by today, this week, next week, later, in review."""
    sunday = today + timedelta(days=6 - today.weekday())
    next_sunday = sunday + timedelta(days=7)
    to_do = ~Q(state=TaskState.SUBMITTED)
    calm = to_do & Q(level__gt=Level.RED)
    return (
        to_do & Q(level=Level.RED),
        calm & Q(due_on__lte=today),
        calm & Q(due_on__gt=today, due_on__lte=sunday),
        calm & Q(due_on__gt=sunday, due_on__lte=next_sunday),
        calm & Q(due_on__gt=next_sunday),
        Q(state=TaskState.SUBMITTED),
    )


def bucket_of(task: VisitTask, today: date) -> int:
    """The part a task stands in, as `buckets` has it."""
    if task.state == TaskState.SUBMITTED:
        return IN_REVIEW
    if task.level == Level.RED:
        return RED
    sunday = today + timedelta(days=6 - today.weekday())
    ends = (today, sunday, sunday + timedelta(days=7))
    return DUE + next((number for number, end in enumerate(ends) if task.due_on <= end), len(ends))


def heading_of(bucket: int) -> int:
    """Red stands under the heading of today."""
    return RED if bucket == DUE else bucket


def in_buckets(tasks: QuerySet[VisitTask], today: date) -> QuerySet[Any]:
    """Adds the part of the list a task stands in."""
    whens = [When(condition, then=Value(number)) for number, condition in enumerate(buckets(today))]
    return tasks.annotate(bucket=Case(*whens, default=Value(4), output_field=IntegerField()))


def with_owed(tasks: QuerySet[VisitTask]) -> QuerySet[Any]:
    """Adds what is overdue in fen, looked up for loans that are: nothing of the others."""
    unpaid = (
        Installment.objects.filter(loan_id=OuterRef("loan_id"), settled_on__isnull=True)
        .order_by()
        .values("loan_id")
        .annotate(total=Sum(F("principal") + F("interest") - F("principal_paid") - F("interest_paid")))
        .values("total")
    )
    owed = When(_OVERDUE, then=Cast(Coalesce(Subquery(unpaid), Value(Decimal(0))) * 100, BigIntegerField()))
    return tasks.annotate(owed=Case(owed, default=Value(0), output_field=BigIntegerField()))


def counts(asked: Asked) -> dict[str, int]:
    """Scopes, chips, parts and the field visits of each part (`part 0 marked`): one statement."""
    tasks = asked.scopes[asked.scope]
    wanted = {f"scope {code}": scoped for code, scoped in asked.scopes.items()}
    for code, _label in DESK_CHIPS:
        chip = tasks.filter(desk_chip(code, asked.today, asked.covered))
        # By urgency or by day as the chip's rows lie together; the few in review have an index of their own.
        order = {"urgent": ("level", "due_on", "id"), "returned": (), "inbox": (), "covered": ()}.get(
            code, ("due_on", "id")
        )
        wanted[f"chip {code}"] = chip.order_by(*order)
    marks = {}
    if asked.order.code == BY_TIME.code:
        for number, condition in enumerate(buckets(asked.today)):
            part = asked.narrowed.filter(condition)
            wanted[f"part {number}"] = part if number in (RED, IN_REVIEW) else part.order_by("due_on", "id")
            marks[f"part {number}"] = Q(method=Method.FIELD)
    return counts_of(wanted, marks)


def page(asked: Asked, *, is_large: bool) -> Page:
    """The rows with all that the list shows, each with its bucket."""
    if is_large:
        order = asked.order
        if order.code == BY_TIME.code:
            parts = tuple(Part(each, _BY_DAY) for each in buckets(asked.today))
            order = Order(order.code, order.label, parts=parts)
        found = page_of(_slim(asked.narrowed), order, cursor=asked.cursor)
        rows = read([task.pk for task in found.rows], asked.today)
    else:
        found = page_of(_by_order(asked.narrowed.select_related(*BESIDE), asked), asked.order, cursor=asked.cursor)
        rows = _shown({task.pk: task for task in found.rows}, asked.today)
    return Page(rows, found.next, found.previous)


def _slim(tasks: QuerySet[Any]) -> QuerySet[Any]:
    """With no more than what a list is sorted by."""
    return tasks.select_related("loan__position").only(*_SORTED_BY)


def _by_order(tasks: QuerySet[Any], asked: Asked) -> QuerySet[Any]:
    return with_owed(in_buckets(tasks, asked.today)) if asked.order.code == BY_TIME.code else tasks


def _shown(tasks: dict[int, VisitTask], today: date) -> list[VisitTask]:
    """With what a row shows beside the task, and its part of the list."""
    with_row_facts(tasks)
    for task in tasks.values():
        vars(task)["bucket"] = bucket_of(task, today)
    return list(tasks.values())


def read(ids: Sequence[int], today: date) -> list[VisitTask]:
    """These tasks in this order with all that a row shows."""
    found = VisitTask.objects.select_related(*BESIDE).in_bulk(list(ids))
    return _shown({pk: found[pk] for pk in ids if pk in found}, today)


def whole(asked: Asked, *, most: int) -> list[int]:
    """The list from its beginning, sorted as a whole, as ids: its rows are read some at a time."""
    return [task.pk for task in page_of(_by_order(_slim(asked.narrowed), asked), asked.order, size=most).rows]


def is_large(found: Mapping[str, int], scope: str) -> bool:
    return found[f"scope {scope}"] > MOST_COUNTED
