"""One page of the desk's list: which tasks, in which order, and how many stand in each part.

A desk of a few hundred tasks is sorted as it is, a larger one is walked part by part along the indexes of open tasks;
only the rows of the page are read with all that a row shows.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy

from followups.filters import DESK_CHIPS, desk_chip
from followups.models import Method, TaskState, VisitTask
from followups.queries.desk import BESIDE, with_row_facts
from people.paging import MOST_COUNTED, Order, Page, Part, counts_of, page_of

BUCKETS = (
    (0, gettext_lazy("今天")),
    (1, gettext_lazy("本周")),
    (2, gettext_lazy("下周")),
    (3, gettext_lazy("更晚")),
    (4, gettext_lazy("待审核")),
)
IN_REVIEW = 4
_BY_URGENCY = ("level", "due_on", "id")
# The cursor of a part begins with its number, that of the whole with the row's bucket: one is good for the other.
BY_TIME = Order("time", gettext_lazy("时限，红色优先"), ("bucket", *_BY_URGENCY))
_SORTED_BY = (*_BY_URGENCY, "loan__id", "loan__position__overdue_since")
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
    """The parts of the list: due by today, this week, next week, later, in review."""
    sunday = today + timedelta(days=6 - today.weekday())
    next_sunday = sunday + timedelta(days=7)
    to_do = ~Q(state=TaskState.SUBMITTED)
    return (
        to_do & Q(due_on__lte=today),
        to_do & Q(due_on__gt=today, due_on__lte=sunday),
        to_do & Q(due_on__gt=sunday, due_on__lte=next_sunday),
        to_do & Q(due_on__gt=next_sunday),
        Q(state=TaskState.SUBMITTED),
    )


def bucket_of(task: VisitTask, today: date) -> int:
    """The part a task stands in, as `buckets` has it."""
    sunday = today + timedelta(days=6 - today.weekday())
    if task.state == TaskState.SUBMITTED:
        return IN_REVIEW
    ends = (today, sunday, sunday + timedelta(days=7))
    return next((number for number, end in enumerate(ends) if task.due_on <= end), len(ends))


def in_buckets(tasks: QuerySet[VisitTask], today: date) -> QuerySet[Any]:
    """Adds the part of the list a task stands in."""
    whens = [When(condition, then=Value(number)) for number, condition in enumerate(buckets(today))]
    return tasks.annotate(bucket=Case(*whens, default=Value(3), output_field=IntegerField()))


def counts(asked: Asked) -> dict[str, int]:
    """Scopes, chips, parts and the field visits of each part (`part 0 marked`): one statement."""
    tasks = asked.scopes[asked.scope]
    wanted = {f"scope {code}": scoped for code, scoped in asked.scopes.items()}
    for code, _label in DESK_CHIPS:
        chip = tasks.filter(desk_chip(code, asked.today, asked.covered))
        # By urgency or by day as the chip's rows lie together; the few in review have an index of their own.
        order = {"urgent": _BY_URGENCY, "returned": (), "submitted": (), "covered": ()}.get(code, ("due_on", "id"))
        wanted[f"chip {code}"] = chip.order_by(*order)
    marks = {}
    if asked.order.code == BY_TIME.code:
        for number, condition in enumerate(buckets(asked.today)):
            part = asked.narrowed.filter(condition)
            wanted[f"part {number}"] = part if number == IN_REVIEW else part.order_by("due_on", "id")
            marks[f"part {number}"] = Q(method=Method.FIELD)
    return counts_of(wanted, marks)


def page(asked: Asked, *, is_large: bool) -> Page:
    """The rows with all that the list shows, each with its bucket."""
    tasks, order = asked.narrowed, asked.order
    if is_large:
        tasks = tasks.select_related("loan__position").only(*_SORTED_BY)
        if order.code == BY_TIME.code:
            parts = tuple(Part(each, _BY_URGENCY) for each in buckets(asked.today))
            order = Order(order.code, order.label, parts=parts)
    else:
        tasks = in_buckets(tasks.select_related(*BESIDE), asked.today)
    found = page_of(tasks, order, cursor=asked.cursor)
    ids = [task.pk for task in found.rows]
    read = (
        VisitTask.objects.select_related(*BESIDE).in_bulk(ids) if is_large else {each.pk: each for each in found.rows}
    )
    with_row_facts(read)
    for task in read.values():
        vars(task)["bucket"] = bucket_of(task, asked.today)
    return Page([read[pk] for pk in ids if pk in read], found.next, found.previous)


def is_large(found: Mapping[str, int], scope: str) -> bool:
    return found[f"scope {scope}"] > MOST_COUNTED
