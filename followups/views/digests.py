"""每日摘要: what a person was told on the morning of a workday, each figure with the list behind it."""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse

from followups.queries.digests import digest_on, digests_of, names_of, seen
from followups.views.digest_links import Line, lines_of
from loans.queries import open_business_date
from people.models import Staff
from people.queries.leave import know_day
from people.web import PageView, no_store

# The days that are offered; a bank keeps all of them.
SHOWN_BACK = 15


class DigestsPage(PageView):
    """Today's, or the one asked for by day; looking at it marks nothing read."""

    permission = "followups.view"
    template_name = "followups/digests/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        know_day(self.staff, today)
        days = list(digests_of(self.staff).order_by("-day").values_list("day", flat=True)[:SHOWN_BACK])
        day = _day_of(request.GET.get("day", "")) or (days[0] if days else today)
        digest = digest_on(self.staff, day)
        figures = seen(digest, self.staff) if digest else ()
        names = names_of(figures)
        context = self.get_context_data(
            digest=digest, day=day, days=days, business_date=today,
            lines=lines_of(digest, figures, self.staff, today, names) if digest else [],
        )  # fmt: skip
        return no_store(self.render_to_response(context))


def digest_line(staff: Staff, today: date) -> dict[str, Any]:
    """What the page of notices says of today's digest in one line."""
    digest = digest_on(staff, today)
    lines: list[Line] = lines_of(digest, seen(digest, staff), staff, today) if digest else []
    return {"digest": digest, "digest_lines": lines}


def _day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text.isascii() else None
    except ValueError:
        return None
