"""每日摘要: what a person was told on the morning of a workday, each figure with the list behind it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse

from followups.models import Digest
from followups.queries.digests import digest_on, digests_of, names_of, seen
from followups.views.digest_links import Line, lines_of
from loans.queries import open_business_date
from people.models import Staff
from people.queries.leave import know_day
from people.web import PageView, no_store

# The days that are offered; a bank keeps all of them.
SHOWN_BACK = 15


@dataclass(frozen=True)
class AskedDigest:
    """The own digest that the address asks for, if there is one; the days that are offered."""

    digest: Digest | None
    day: date
    days: list[date]
    lines: list[Line]


def asked_digest(request: HttpRequest, staff: Staff, today: date) -> AskedDigest:
    days = list(digests_of(staff).order_by("-day").values_list("day", flat=True)[:SHOWN_BACK])
    day = _day_of(request.GET.get("day", "")) or (days[0] if days else today)
    digest = digest_on(staff, day)
    figures = seen(digest, staff) if digest else ()
    names = names_of(figures)
    return AskedDigest(digest, day, days, lines_of(digest, figures, staff, today, names) if digest else [])


class DigestsPage(PageView):
    """Today's, or the one asked for by day; looking at it marks nothing read."""

    permission = "followups.view"
    template_name = "followups/digests/page.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        today = open_business_date()
        if today is None:
            return no_store(self.render_to_response(self.get_context_data(is_closed=True)))
        know_day(self.staff, today)
        asked = asked_digest(request, self.staff, today)
        context = self.get_context_data(
            digest=asked.digest, day=asked.day, days=asked.days, lines=asked.lines, business_date=today
        )
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
