"""我的工作台: what is to be done, sorted by when and how urgent, with the row's details beside the list.

Filters, order and the open row live in the address. Officers start with their own work, those who
assign or oversee with everything they see.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from collateral.rules.address import estate_of
from followups.filters import DESK_CHIPS, TaskFilter, view_query
from followups.models import Method, TaskKind, TaskState
from followups.queries import desk
from followups.queries.desk_head import Head, head_of
from followups.queries.notices import MOST_COUNTED as MOST_TOLD
from followups.views import desk_page
from followups.views.desk_list import asked_of, id_of, scopes_of
from followups.views.desk_page import BUCKETS, DUE, ORDERS, RED
from followups.views.drawer import drawer_context
from followups.views.rows import DeskRow, desk_rows, home_name
from loans.queries import OpenDay, open_day
from people.models import Staff
from people.paging import MOST_COUNTED, capped
from people.queries import may
from people.queries.leave import know_day
from people.web import PageView, no_store

RECORDS, ASSIGNS = "followups.record_visit", "followups.assign"


def _officer_choices(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(row["staff_no"], f"{row['name']}{_('，')}{row['branch_name']}") for row in rows]


class DeskPage(PageView):
    permission = "followups.view"
    template_name = "followups/desk.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The desk is also the front door: who has no desk is shown to the first page of the own role."""
        member = request.user
        if isinstance(member, Staff) and not may(member, self.permission):
            for permission, page in (("loans.view", "loans:list"), ("operations.view", "operations")):
                if may(member, permission):
                    return redirect(page)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        bank = open_day()
        if bank is None:
            return super().get_context_data(**kwargs, is_closed=True)
        today = bank.day
        know_day(self.staff, today)
        narrowed, asked = asked_of(self.request, self.staff, today)
        counts = desk_page.counts(asked)
        page = desk_page.page(asked, is_large=desk_page.is_large(counts, asked.scope))
        head = head_of(self.staff, today)
        rows = desk_rows(page.rows, staff=self.staff, today=today, days=bank.days, near=head.neighbors)
        assigns, records = may(self.staff, ASSIGNS), may(self.staff, RECORDS)
        return super().get_context_data(
            **kwargs,
            rows=rows,
            page=page,
            order=asked.order,
            orders=ORDERS,
            scope=asked.scope,
            scopes=[(code, word, counts[f"scope {code}"]) for code, word in scopes_of(self.staff).items()],
            chips=self._chips(counts, asked.scope),
            groups=_groups(counts, rows) if asked.order.code == "time" else {},
            is_chosen=bool(self._chosen()),
            filter_words=self._filter_words(narrowed),
            page_keys=_keys(),
            kinds=TaskKind.choices,
            methods=Method.choices,
            states=[choice for choice in TaskState.choices if choice[0] not in ("CLOSED", "CANCELLED")],
            # The frame shows these two too.
            business_date=today,
            untold=f"{MOST_TOLD}+" if head.untold > MOST_TOLD else str(head.untold),
            untold_late=head.untold_late,
            bell=f"{MOST_TOLD}+" if head.bell > MOST_TOLD else str(head.bell or ""),
            head=head,
            officer_choices=_officer_choices(head.officers),
            given_choices=_officer_choices(row for row in head.officers if row["is_given"]),
            week=head.week if asked.scope == "mine" else None,
            views=self._views(head),
            view_query=view_query(self.request.GET),
            ahead=None if rows else self._ahead(head),
            **{**self._drawer(rows, bank), "may_assign": assigns, "may_record": records},
            may_tick=assigns or records,
            may_reach=records and asked.scope == "mine",
        )

    def _chips(self, counts: Mapping[str, int], scope: str) -> list[dict[str, Any]]:
        active = self.request.GET.get("chip", "")
        rest = [
            {"code": code, "label": label, "count": counts[f"chip {code}"], "is_on": active == code}
            for code, label in DESK_CHIPS
        ]
        return [{"code": None, "label": _("全部"), "count": counts[f"scope {scope}"], "is_on": not active}, *rest]

    def _filter_words(self, narrowed: TaskFilter) -> list[dict[str, Any]]:
        """The filters in force as removable words, for the empty list."""
        return [
            {"name": name, "label": narrowed.filters[name].label, "value": _value_words(narrowed, name, value)}
            for name in narrowed.filters
            if (value := self.request.GET.get(name))
        ]

    def _views(self, head: Head) -> list[dict[str, Any]]:
        now = view_query(self.request.GET)
        return [{**view, "is_on": view["query"] == now} for view in head.views]

    def _ahead(self, head: Head) -> dict[str, Any] | None:
        """What could be done ahead where today's part of the own list is empty."""
        asked = {name for name in view_query(self.request.GET).split("&") if not name.startswith("sort=")}
        if not asked <= {"chip=today", "chip=past_limit", "chip=week", "scope=mine"} or not head.week:
            return None
        if not head.week.next:
            return None
        best = max(head.neighbors.values(), key=len, default=())
        estate = estate_of(best[0].address, best[0].district).name if best else ""
        return {"near": len(best) + 1 if best else 0, "estate": estate}

    def _chosen(self) -> int:
        return id_of(self.request.GET.get("task", ""))

    def _drawer(self, rows: list[DeskRow], bank: OpenDay) -> dict[str, Any]:
        """The row named in the address, else the first of the page."""
        chosen = self._chosen()
        task = desk(self.staff).filter(pk=chosen).first() if chosen else rows[0].task if rows else None
        return drawer_context(task, self.staff, bank, self.at) if task else {}


def _keys() -> list[tuple[str, str]]:
    return [
        ("J K", _("移动")),
        ("Enter", _("打开")),
        ("C", _("拨号")),
        ("R", _("改约")),
        ("X", _("选择")),
        ("P", _("打印回访表")),
    ]


def _value_words(narrowed: TaskFilter, name: str, value: str) -> str:
    """What a filter is set to, in words where it is one of a few."""
    choices = dict(narrowed.filters[name].extra.get("choices", ()))
    return str(choices.get(value, value))


def _groups(counts: Mapping[str, int], rows: list[DeskRow]) -> dict[int, dict[str, Any]]:
    """Heading of each part of the list: how many, how many of them in the field, where several can be done on one way.

    Red stands under the heading of today.
    """
    found = {}
    for number, label in BUCKETS:
        parts = (RED, DUE) if number == RED else (number,)
        count = sum(counts[f"part {part}"] for part in parts)
        field = sum(counts.get(f"part {part} marked", 0) for part in parts)
        words = ngettext("%(count)s 项", "%(count)s 项", count) % {"count": capped(count)}
        here = [row for row in rows if desk_page.heading_of(row.bucket) == number]
        best = max(here, key=lambda row: row.near, default=None)
        found[number] = {
            "label": label,
            "words": words,
            "field": field if count <= MOST_COUNTED else 0,
            "estate": _estate(best) if best and best.near else "",
            "near": best.near if best else 0,
            "lead": best.task.pk if best else 0,
        }
    return found


def _estate(row: DeskRow) -> str:
    return row.estate or home_name(row.task)
