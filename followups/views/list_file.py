"""A list of the follow-up pages as a workbook: the filters of the address, all rows, read some hundred at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import override

from followups.actions.desk_file import DeskList
from followups.actions.list_file import MOST_ROWS, Listed, take_list
from followups.models import Level
from journal.errors import ActionRefused
from loans.actions.pricing_documents import DOCUMENT_LANGUAGE, XLSX
from loans.actions.report_documents import MEDIA_TYPES
from loans.queries import open_business_date
from loans.statement_xlsx import Cell
from people.queries.leave import know_day
from people.web import PageView, no_store

# So many rows of a file are read and written at a time.
AT_ONCE = 500
_LONGEST_FILTER = 60


class ListFile(PageView):
    """The list of a page as a file; what `listed` gives is written and recorded by the action."""

    permission = "followups.view"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        today = open_business_date()
        if today is None:
            raise Http404
        know_day(self.staff, today)
        with override(DOCUMENT_LANGUAGE):
            try:
                made = take_list(listed=self.listed(today), as_of=today, by=self.staff, at=self.at)
            except ActionRefused as refusal:
                return no_store(HttpResponse(refusal.message, status=422, content_type="text/plain; charset=utf-8"))
        return handed_out(made)

    def listed(self, today: date) -> Listed:
        raise NotImplementedError


def handed_out(made: DeskList) -> FileResponse:
    """The workbook as a download that nobody keeps on the way."""
    response = FileResponse(made.file, as_attachment=True, filename=made.name, content_type=MEDIA_TYPES[XLSX])
    response["Content-Length"], response["Cache-Control"] = str(made.size), "no-store"
    return response


def in_parts(
    found: QuerySet[Any], columns: Sequence[str], cells: Callable[[list[Any]], Iterable[list[Cell]]]
) -> tuple[int, Iterator[list[Cell]]]:
    """How many rows a list has, and their cells in its order; `cells` is given some hundred rows at a time."""
    ids = list(found.order_by(*columns).values_list("pk", flat=True)[: MOST_ROWS + 1])

    def rows() -> Iterator[list[Cell]]:
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            kept = {row.pk: row for row in found.order_by().filter(pk__in=part)}
            yield from cells([kept[pk] for pk in part if pk in kept])

    return len(ids), rows()


def filters_of(narrowed: django_filters.FilterSet) -> list[tuple[str, str]]:
    """The filters that were understood, in the words of the page; what was searched for may be a person's name."""
    narrowed.is_valid()
    found = []
    for name, value in narrowed.form.cleaned_data.items():
        if name != "q" and value not in (None, "", []):
            words = {str(code): label for code, label in getattr(narrowed.form.fields[name], "choices", ())}
            text = str(narrowed.data.get(name))
            found.append((str(narrowed.filters[name].label), str(words.get(text, text))[:_LONGEST_FILTER]))
    return found


def level_words(level: int | None) -> str:
    """The word of a warning level; nothing where there is none."""
    return "" if level is None or level == Level.NONE else str(Level(level).label)


def instant(at: Any) -> str:
    """2026-10-30 14:32 in the bank's own time."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""
