"""How a digest reads: its figures as lines, each with the list it leads to, split by officer or branch.

A list shows the work as it stands now, by the conditions that counted it: what has been done since is gone from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from followups.models import Digest, DigestCode
from followups.queries.digests import Names
from followups.rules import digest as rules
from people.models import Staff

_TO_DO = (("state", "PLANNED"), ("state", "IN_PROGRESS"), ("state", "RETURNED"))
_STEPS = {rules.REACHED_100: "MANAGER_100", rules.REACHED_120: "MANAGER_120", rules.WEEKLY_120: "HEAD_120"}
_CHIPS = {rules.RETURNED: "returned", rules.URGENT: "urgent", rules.INBOX: "inbox"}
_BY_OFFICER = (rules.REACHED_100, rules.REACHED_120)
_BY_BRANCH = (rules.WEEKLY_120, rules.REVIEW, rules.REVIEW_LATE, rules.TELL_LATE, rules.SIGNALS_LATE)
_LATE = (rules.PAST_LIMIT, rules.REVIEW_LATE, rules.TELL_LATE, rules.SIGNALS_LATE)
_DAY = timedelta(days=1)
_Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Share:
    """The part of an officer or a branch; without an address where the list cannot be narrowed so."""

    name: str
    count: int
    url: str


@dataclass(frozen=True)
class Line:
    code: str
    label: str
    count: int
    url: str
    shares: list[Share] = field(default_factory=list)

    @property
    def is_late(self) -> bool:
        return self.code in _LATE


def lines_of(
    digest: Digest, figures: Iterable[rules.Figure], staff: Staff, today: date, names: Names | None = None
) -> list[Line]:
    """With `names` each figure says what it is made of."""
    labels = dict(DigestCode.choices)
    found = []
    for figure in figures:
        page, asked = _list_of(figure.code, digest, staff, today)
        shares = _shares(figure, page, asked, staff, names) if names else []
        found.append(
            Line(figure.code, str(labels.get(figure.code, figure.code)), figure.count, _address(page, asked), shares)
        )
    return found


def _list_of(code: str, digest: Digest, staff: Staff, today: date) -> tuple[str, _Pairs]:
    """The page and what it is asked for."""
    day, is_today = digest.day, digest.day == today
    mine = ("scope", "mine")
    if code == rules.DUE_TODAY:
        due = (("due_from", day.isoformat()), ("due_to", day.isoformat()))
        return "desk", (mine, ("chip", "today")) if is_today else (mine, *_TO_DO, *due)
    if code == rules.PAST_LIMIT:
        late = ("due_to", (day - _DAY).isoformat())
        return "desk", (mine, ("chip", "past_limit")) if is_today else (mine, *_TO_DO, late)
    if code in _CHIPS:
        return "desk", (mine, ("chip", _CHIPS[code]))
    if code == rules.CORRECT:
        return "corrections", (("mine", "true"),)
    if code in _STEPS:
        told = (("told_from", (digest.run.since + _DAY).isoformat()), ("told_to", day.isoformat()))
        return "desk", (("scope", "branch"), ("told", _STEPS[code]), *told)
    if code == rules.SIGNALS:
        return "signals", (("state", "OPEN"), ("severe", "true"), ("officer", staff.staff_no))
    if code == rules.SIGNALS_LATE:
        return "signals", (("state", "OPEN"), ("late", "true"))
    if code == rules.ACROSS:
        return "across", ()
    if code == rules.TO_TELL:
        return "results", ()
    if code == rules.TELL_LATE:
        return "results", (("state", "late"), ("scope", "branch"))
    return "review", (("chip", "past_limit"),) if code == rules.REVIEW_LATE else ()


def _shares(figure: rules.Figure, page: str, asked: _Pairs, staff: Staff, names: Names) -> list[Share]:
    """By officer or by branch; nothing where it would only repeat the figure, or is of two branches at once."""
    if figure.code == rules.ACROSS:
        return []
    if figure.code in _BY_BRANCH:
        counts: dict[int | None, int] = {}
        for part in figure.parts:
            counts[part.branch_id] = counts.get(part.branch_id, 0) + part.count
        if len(counts) == 1 and figure.code != rules.WEEKLY_120:
            return []
        return [
            Share(branch.name, count, "" if page == "results" else _address(page, (*asked, ("branch", branch.code))))
            for branch_id, count in counts.items()
            if (branch := names.branches.get(branch_id or 0))
        ]
    counts = {}
    for part in figure.parts:
        counts[part.officer_id] = counts.get(part.officer_id, 0) + part.count
    if figure.code not in _BY_OFFICER and set(counts) == {staff.pk}:
        return []
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0] or 0))
    return [_of_officer(pk, count, page, asked, names) for pk, count in ordered]


def _of_officer(pk: int | None, count: int, page: str, asked: _Pairs, names: Names) -> Share:
    officer = names.officers.get(pk or 0)
    if officer is None:
        return Share(_("未分派"), count, _address(page, (*asked, ("unassigned", "true"))))
    narrowed = (*asked, ("officer", officer.staff_no))
    return Share(officer.name, count, _address(page, narrowed) if page in ("desk", "corrections") else "")


def _address(page: str, asked: _Pairs) -> str:
    query = urlencode(asked)
    return reverse(f"followups:{page}") + (f"?{query}" if query else "")
