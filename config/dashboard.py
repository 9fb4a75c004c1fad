"""管理看板: what the branches one sees amount to at the last close, and what waits today.

Balances and shares are the close's figures and carry its date; what is to be done is counted live along the indexes of
open tasks, no further than is told. Nothing here reads the book.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from followups.filters import desk_chip
from followups.models import ReportState, VisitReport, VisitTask
from followups.queries.merging import alone
from loans.models import DaysBand, FiveClass, Product
from loans.queries import open_business_date
from loans.queries.figures import NOTHING, Book, Branch, Figures, figures_for, share_of
from people.paging import counts_of
from people.queries import branches_visible_to, may
from people.web import PageView, no_store

BRANCHES_SHOWN = 20
# The words by which the list of loans is narrowed to a band.
_BAND_FILTERS = {DaysBand.NONE: "none", DaysBand.UP_TO_30: "1-30", DaysBand.UP_TO_90: "31-90", DaysBand.BEYOND: "91"}


class DashboardPage(PageView):
    permission = "loans.view_figures"
    template_name = "dashboard.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return no_store(self.render_to_response(self.get_context_data()))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        today = open_business_date()
        seen = list(branches_visible_to(self.staff).values_list("id", "code", "name", "path"))
        code = self.request.GET.get("branch", "")
        chosen = next((branch for branch in seen if branch[1] == code), None)
        below = [branch[0] for branch in seen if chosen and branch[3].startswith(chosen[3])]
        figures = figures_for(self.staff, below if chosen else None)
        asked = {"branch": chosen[1]} if chosen else {}
        return super().get_context_data(
            **kwargs,
            # The frame shows it too.
            business_date=today,
            figures=figures,
            tiles=_tiles(figures, asked) if figures else [],
            waiting=self._waiting(today, below) if today else [],
            classes=_classes(figures.book, asked) if figures else [],
            bands=_bands(figures.book, asked) if figures else [],
            products=_products(figures) if figures else [],
            rows=_branches(figures, {branch[0]: branch for branch in seen}, self.request.GET.get("all")),
            branches=[(code, name) for _id, code, name, _path in seen] if len(seen) > 1 else [],
            count=len(figures.branches) if figures else 0,
            asked=asked,
        )

    def _waiting(self, today: date, below: list[int]) -> list[dict[str, Any]]:
        """Live: open tasks of today and past their limit, urgent ones, reports that wait for a decision."""
        if not may(self.staff, "followups.view"):
            return []
        tasks = VisitTask.objects.visible_to(self.staff).still_open().filter(alone(self.staff))
        reports = VisitReport.objects.visible_to(self.staff).filter(state=ReportState.SUBMITTED)
        if below:
            tasks, reports = tasks.filter(branch__in=below), reports.filter(branch__in=below)
        words = {"past_limit": _("已超时限"), "today": _("今日到期"), "urgent": _("红/橙")}
        wanted: dict[str, Any] = {chip: tasks.filter(desk_chip(chip, today)) for chip in words}
        for chip, order in {"past_limit": "due_on", "today": "due_on", "urgent": "level"}.items():
            wanted[chip] = wanted[chip].order_by(order)
        counts = counts_of({**wanted, "review": reports})
        rows = [{"chip": chip, "label": label, "count": counts[chip]} for chip, label in words.items()]
        return [*rows, {"chip": "", "label": _("待审核"), "count": counts["review"]}]


def _tiles(figures: Figures, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    book, before = figures.book, figures.before
    parts = (
        (_("逾期率"), book.overdue, before.overdue, {"overdue": "any"}),
        (_("关注率"), book.mentioned, before.mentioned, {"five_class": "SPECIAL_MENTION"}),
        (_("不良率"), book.non_performing, before.non_performing, {"sort": "overdue"}),
    )
    tiles = [
        {"label": _("贷款余额"), "sum": book.all, "more": book.all.loans - before.all.loans, "query": urlencode(asked)}
    ]
    for label, part, then, query in parts:
        share, was = book.share(part), before.share(then)
        step = share - was if share is not None and was is not None else None
        tiles.append(
            {"label": label, "sum": part, "share": share, "step": step, "query": urlencode({**asked, **query})}
        )
    return tiles


def _classes(book: Book, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    found = ((code, label, book.by_class.get(code, NOTHING)) for code, label in FiveClass.choices)
    return [_row(label, part, book, {**asked, "five_class": code}) for code, label, part in found]


def _bands(book: Book, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    found = ((band, book.by_band.get(band, NOTHING)) for band in DaysBand)
    return [_row(band.label, part, book, {**asked, "overdue": _BAND_FILTERS[band]}) for band, part in found]


def _products(figures: Figures) -> list[dict[str, Any]]:
    """Both products where the branches have both, each with its accrued interest."""
    found = ((label, figures.products.get(code)) for code, label in Product.choices)
    return [
        {"label": label, "of": part, "overdue": share_of(part.overdue, part.all.principal)}
        for label, part in found
        if part is not None
    ]


def _row(label: Any, part: Any, book: Book, asked: dict[str, str]) -> dict[str, Any]:
    return {"label": label, "sum": part, "share": book.share(part), "query": urlencode(asked)}


def _branches(figures: Figures | None, seen: Mapping[int, Any], all_of_them: str | None) -> list[dict[str, Any]]:
    """The branches, the largest non-performing balance first."""
    if figures is None:
        return []

    def heavy(item: tuple[int, Branch]) -> tuple[Decimal, Decimal, int]:
        return -item[1].non_performing, -item[1].overdue, item[0]

    ordered = sorted(figures.branches.items(), key=heavy)
    return [
        {
            "code": seen[pk][1], "name": seen[pk][2], "sum": branch.all,
            "overdue": share_of(branch.overdue, branch.all.principal),
            "mentioned": share_of(branch.mentioned, branch.all.principal),
            "non_performing": share_of(branch.non_performing, branch.all.principal),
        }
        for pk, branch in (ordered if all_of_them else ordered[:BRANCHES_SHOWN])
    ]  # fmt: skip
