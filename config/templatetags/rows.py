"""The rows of long lists, at once: a page of many rows spends its time on cells, and a template takes each by itself.

Each cell is escaped by `format_html`; figures and days are what `anju` makes of them.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache, reduce
from operator import add
from typing import Any
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.templatetags.anju import (
    NONE,
    day,
    level_word,
    money,
    money_or_none,
    rate,
    share,
    short,
    short_day,
    thousands,
    weekday,
)
from followups.step_wording import late_step_words, short_late_words
from followups.step_wording import told_words as words_of_told

register = template.Library()
_LOAN = (
    '<tr><td class="whole"><a class="strong" href="{url}">{number}</a></td><td>{name}</td>'
    '<td class="num not-phone">{principal}</td><td class="num less" data-label="{balance_label}">{balance}</td>'
    '<td class="num less">{rate}</td>{overdue}<td class="soft push whole">{five_class}</td>'
    '<td class="soft not-phone day">{next_due_on}</td><td class="soft not-phone day">{matures_on}</td>'
    '<td class="soft less">{officer}</td><td class="soft less whole">{branch}</td></tr>'
)
_NOT_OVERDUE = format_html('<td class="num not-phone"><span class="muted">{}</span></td>', NONE)
_BRANCH = (
    '<tr><td><a class="link" href="{url}">{name}</a></td><td class="num">{loans}</td><td class="num">{principal}</td>'
    '<td class="num">{overdue}</td><td class="num">{mentioned}</td><td class="num">{non_performing}</td></tr>'
)

_TASK = (
    '<tr data-task="{pk}" data-drawer="{drawer}" class="pickable{on}">{tick}<td class="{left_css}" title="{due_on}">'
    '{left}</td><td class="who"><a href="{url}" class="strong">{name}</a>{beside}</td><td class="soft">{kind}</td>'
    '<td class="line" title="{why}">{level} {light}{why_short}{why_more}</td><td class="soft push">{method}</td>'
    '{overdue}<td class="num {amount_css}">{amount}</td><td class="num less" data-label="{ltv_label}">{ltv}</td>'
    '<td class="soft not-phone">{last}</td><td class="soft less">{place}</td>'
    '<td class="less{muted}">{state}</td>{reach}</tr>'
)
_TICK = (
    '<td class="tick"><input class="form-check-input" type="checkbox" name="task" value="{pk}" form="batch-form" '
    'aria-label="{label} {name}"></td>'
)


@register.filter
def late_step(row: Any) -> str:
    """A step past its own limit as a sentence, nothing within it."""
    return late_step_words(row.late_step)


@register.filter
def told_words(row: Any) -> str:
    """What a notice is about."""
    return words_of_told(row)


@register.filter
def week_letter(day: date) -> str:
    """The shortest word of a day of the week, above a number."""
    word = weekday(day)
    return word[:2] if word.isascii() else word[-1]


@register.simple_tag(takes_context=True)
def desk_row(context: Mapping[str, Any], row: Any) -> SafeString:
    """A row of the work list."""
    task, name, late = row.task, row.name, row.days_past_due
    chosen = context.get("task")
    tick = format_html(_TICK, pk=task.pk, label=_("选择"), name=name) if context["may_tick"] else ""
    return _joined(
        [
            format_html(
                _TASK,
                pk=task.pk,
                drawer=_address("followups:drawer").format(task.pk),
                url=_address("followups:task").format(task.pk),
                on=" on" if chosen and chosen.pk == task.pk else "",
                tick=tick,
                left_css=row.left.css,
                due_on=day(task.due_on),
                left=row.left.word,
                name=name,
                beside=_beside(row, context["scope"] == "mine"),
                kind=short(task.kind),
                why=row.why,
                level=level_word(task.level),
                light=format_html('<span class="word line">{}</span> ', _("跟踪")) if task.is_light else "",
                why_short=row.why_short,
                why_more=format_html('<span class="more-why">+{}</span>', row.why_more) if row.why_more else "",
                method=short(task.method),
                overdue=_overdue_task(late),
                amount_css="less" if row.overdue_amount else "not-phone",
                amount=money_or_none(row.overdue_amount),
                ltv_label=_("抵押率"),
                ltv=share(task.loan_to_value),
                last=_last_visit(task.last_visit_on, row.last_visit),
                place=_place(row),
                muted=" muted" if task.state == "PLANNED" else "",
                state=_state(row),
                reach=_reach(task.pk, context),
            )
        ]
    )


@cache
def _address(name: str) -> str:
    """The address of a page of one thing, to be completed by its id."""
    return reverse(name, args=[0]).replace("/0/", "/{}/")


def _state(row: Any) -> SafeString | str:
    """The state; of a step past its own limit, which and by how much."""
    if row.late_step is None:
        return str(row.task.get_state_display())
    said, short_words = late_step_words(row.late_step), short_late_words(row.late_step)
    return format_html('<span class="t-late" title="{}">{}</span>', said, short_words)


def _cover(name: str) -> SafeString | str:
    return format_html(' <span class="word line" title="{}">{}</span>', name, _("代管")) if name else ""


def _beside(row: Any, is_mine: bool) -> SafeString:
    """What stands beside the name: how many loans, for whom one stands in; on the list of many, whose task it is."""
    officer = row.task.assigned_to
    loans = ngettext("%(count)s笔", "%(count)s笔", row.loan_count) % {"count": row.loan_count}
    whose = "" if is_mine else officer.name if officer else _("未分派")
    found = [format_html(' <small class="muted">{}</small>', words) for words in (loans * (row.loan_count > 1), whose)
             if words]  # fmt: skip
    return _joined([*found, format_html("{}", _cover(row.cover_for)), _along(row)])


def _along(row: Any) -> SafeString:
    """One talk is one row: how many other tasks it does along; a task found by search may be one of those."""
    if row.is_along:
        return format_html(' <span class="word line" title="{}">{}</span>', _("由另一次回访一并办理"), _("并入"))
    if not row.along_count:
        return SafeString("")
    words = ngettext("并 %(count)s 项", "并 %(count)s 项", row.along_count) % {"count": row.along_count}
    title = f"{words}{_('：')}{_('一次回访办理的其他任务')}"
    short = _("并%(count)s") % {"count": row.along_count}
    return format_html(' <span class="word line" title="{}">{}</span>', title, short)


def _place(row: Any) -> SafeString:
    """District, estate, and how many other homes there can be visited on the same way."""
    words = ngettext("同楼盘30天内另有%(count)s户，可同次走访", "同楼盘30天内另有%(count)s户，可同次走访", row.near)
    hint = format_html(' <span class="word line" title="{}">+{}</span>', words % {"count": row.near}, row.near)
    place = format_html('<span class="muted">{}</span> {}', row.district, row.estate)
    return format_html("{}{}", place if row.district or row.estate else NONE, hint if row.near else "")


def _reach(pk: int, context: Mapping[str, Any]) -> SafeString | str:
    """On a phone a card has buttons to dial and to find the way."""
    if not context["may_reach"]:
        return ""
    return format_html(
        '<td class="only-phone reach-row"><button class="btn" type="button" data-dials="{}">{}</button>'
        '<button class="btn" type="button" data-dials="{}">{}</button></td>',
        _address("followups:dial").format(pk), _("拨号"), _address("followups:navigate").format(pk), _("导航"),
    )  # fmt: skip


def _overdue_task(days: int) -> SafeString:
    if not days:
        return _NOT_OVERDUE
    words = ngettext("%(days)s天", "%(days)s天", days) % {"days": days}
    return format_html('<td class="num less" data-label="{}">{}</td>', _("逾期"), words)


def _last_visit(on: date | None, words: str) -> SafeString:
    if on is None:
        return format_html('<span class="muted">{}</span>', _("尚无"))
    return format_html('<span class="muted">{}</span> {}', short_day(on), words)


@register.simple_tag
def loan_rows(rows: Iterable[Mapping[str, Any]]) -> SafeString:
    """Rows of the list of loans."""
    label = _("余额")
    return _joined(
        format_html(
            _LOAN,
            url=row["url"],
            number=row["number"],
            name=row["name"],
            principal=money(row["principal"]),
            balance_label=label,
            balance=money(row["balance"]),
            rate=rate(row["rate"]),
            overdue=_overdue(row["days_past_due"]),
            five_class=row["five_class"],
            next_due_on=day(row["next_due_on"]),
            matures_on=day(row["matures_on"]),
            officer=row["officer"] or NONE,
            branch=row["branch"],
        )
        for row in rows
    )


def _overdue(days: int) -> SafeString:
    if not days:
        return _NOT_OVERDUE
    words = ngettext("%(days)s天", "%(days)s天", days) % {"days": days}
    return format_html('<td class="num t-late">{}</td>', words)


@register.simple_tag
def branch_rows(rows: Iterable[Mapping[str, Any]], list_url: str) -> SafeString:
    """Rows of the branches on the dashboard, each leading to its loans."""
    return _joined(
        format_html(
            _BRANCH,
            url=f"{list_url}?branch={quote(row['code'])}",
            name=row["name"],
            loans=thousands(row["sum"].loans),
            principal=money(row["sum"].principal),
            overdue=share(row["overdue"], 2),
            mentioned=share(row["mentioned"], 2),
            non_performing=share(row["non_performing"], 2),
        )
        for row in rows
    )


def _joined(rows: Iterable[SafeString]) -> SafeString:
    """Safe texts one after another are safe."""
    return reduce(add, rows, SafeString())
