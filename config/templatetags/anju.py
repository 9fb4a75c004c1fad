"""How values look on a screen: money, days, shares, levels, icons. Marks follow the design page.

`–` stands for "none", minus is `−`, no thousands are guessed: what is not given is not shown as zero.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache, reduce
from operator import add
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_noop, pgettext
from django.utils.translation import gettext as _

from followups import assignment_wording
from followups.models import PauseReason
from loans.channel_words import channel_word
from loans.fee_words import fee_word
from loans.models import RepaymentMethod
from people import queries
from people.models import Staff
from people.paging import capped

register = template.Library()
register.filter("capped", capped)
register.filter("channel_word", channel_word)
register.filter("fee_word", fee_word)

NONE = "–"
_LEVEL_COLOUR = {1: "red", 2: "orange", 3: "yellow"}
_FEN = Decimal("0.01")
_SHORT = {
    "FIRST": gettext_noop("首次"),
    "PERIODIC": gettext_noop("定期"),
    "IRREGULAR": gettext_noop("不定期"),
    "OFF_SITE": gettext_noop("非现场"),
    "PHONE": gettext_noop("电话"),
    "FIELD": gettext_noop("实地"),
    "VIDEO": gettext_noop("视频"),
    "COUNTER": gettext_noop("面谈"),
    "SELF_SERVICE": gettext_noop("自助"),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """An outline icon of the sprite; decoration only, the words stand beside it or in aria-label."""
    return _drawn(name, settings.STATIC_URL, settings.STORAGES["staticfiles"]["BACKEND"])


@cache
def _drawn(name: str, _url: str, _storage: str) -> SafeString:
    """The same for as long as files are kept and named the same way."""
    sprite = static("vendor/tabler-icons/icons.svg")
    return format_html('<svg class="i" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name)


@register.simple_tag
def options(pairs: Iterable[tuple[str, str]], chosen: str = "") -> SafeString:
    """The options of a long list, at once: a bank's branches, a branch's officers."""
    return reduce(add, (_option(value, label, value == chosen) for value, label in pairs), SafeString())


@lru_cache(4096)
def _option(value: str, label: str, is_chosen: bool) -> SafeString:
    plain, selected = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'
    return format_html(selected if is_chosen else plain, value, label)


@register.filter
def money(value: Any) -> str:
    """1,234,567.89; a missing amount is –."""
    if value is None or value == "":
        return NONE
    return f"{Decimal(value).quantize(_FEN, ROUND_HALF_UP):,}".replace("-", "−")


@register.filter
def thousands(value: int) -> str:
    """1,234."""
    return f"{value:,}"


@register.filter
def hundred_millions(value: Decimal) -> str:
    """An amount in 亿, for tiles."""
    return f"{(value / 100_000_000).quantize(_FEN, ROUND_HALF_UP):,}"


@register.filter
def signed(value: Decimal | int) -> str:
    """A change: +1,234, −0.05; nothing has no sign."""
    return f"{value:+,}".replace("-", "−") if value else "0"


@register.filter
def money_or_none(value: Any) -> str:
    """As money, and a zero is shown as none: for columns where most rows have nothing."""
    return NONE if not value else money(value)


@register.filter
def plus(value: Decimal, other: Decimal) -> Decimal:
    return value + other


@register.filter
def minus(value: Decimal, other: Decimal) -> Decimal:
    return value - other


@register.filter
def ten_thousands(amount_fen: int) -> str:
    """Fen as 万元 for an axis: 75, 12.5."""
    text = f"{Decimal(amount_fen).scaleb(-6):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def positive(value: Decimal) -> Decimal:
    """Without its sign, where a column's head already says it."""
    return abs(value)


@register.filter
def unpaid(installment: Any) -> Decimal:
    """What is still owed of a billed installment."""
    paid: Decimal = installment.principal_paid + installment.interest_paid
    total: Decimal = installment.principal + installment.interest
    return total - paid


@register.filter
def share(value: Any, places: int = 1) -> str:
    """A percentage figure with its sign: 91.2%."""
    if value is None or value == "":
        return NONE
    step = Decimal(1).scaleb(-int(places))
    return f"{Decimal(value).quantize(step, ROUND_HALF_UP)}%".replace("-", "−")


@register.filter
def points(value: Any) -> str:
    """A change in percentage points with its sign: +5.8, −0.4; 0.0 has none."""
    if value is None or value == "":
        return NONE
    number = Decimal(value).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{number:+}".replace("-", "−") if number else "0.0"


@register.filter
def bar(value: Any) -> str:
    """The length of a ratio bar: the percentage, at most the whole track."""
    return f"{min(max(Decimal(value), Decimal(0)), Decimal(100))}%" if value else "0%"


@register.filter
def rate(value: Any) -> str:
    """An annual rate with at least two decimals and no idle zeros: 3.20%, 4.6250% → 4.625%."""
    if value is None:
        return NONE
    text = f"{Decimal(value):.4f}".rstrip("0")
    whole, _dot, part = text.partition(".")
    return f"{whole}.{part.ljust(2, '0')}%"


@register.filter
def day(value: date | str | None) -> str:
    """2026-10-30."""
    return str(value)[:10] if value else NONE


@register.filter
def short_day(value: date | str | None) -> str:
    """26-10-30, for lists that reach back over years."""
    return str(value)[2:10] if value else NONE


@register.filter
def month_day(value: date | str | None) -> str:
    """10-30, inside one year."""
    return str(value)[5:10] if value else NONE


@register.filter
def instant(value: datetime | str | None) -> str:
    """10-30 14:32 in the bank's own time."""
    if isinstance(value, str) and value:
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return NONE
    # A report's content keeps the bank's own time as it was written on the document.
    return f"{timezone.localtime(value) if timezone.is_aware(value) else value:%m-%d %H:%M}"


@register.filter
def clock_time(value: datetime | None) -> str:
    return f"{timezone.localtime(value):%H:%M}" if value else NONE


@register.filter
def weekday(value: date | None) -> str:
    if value is None:
        return ""
    return str((_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))[value.weekday()])


@register.filter
def level_word(level: int | None) -> SafeString | str:
    """The word of a warning level on its ground; nothing when there is no warning."""
    words = {1: pgettext("level", "红"), 2: pgettext("level", "橙"), 3: pgettext("level", "黄")}
    if level not in words:
        return ""
    return format_html('<span class="word {}">{}</span>', _LEVEL_COLOUR[level], words[level])


@register.filter
def short(code: str) -> str:
    """The short word of a kind or method of visit for table cells; other codes as they are."""
    return _(_SHORT[code]) if code in _SHORT else code


@register.filter
def source_word(code: str) -> str:
    """The word of where a value comes from."""
    return {"tape": _("期初数据"), "TAPE": _("期初数据"), "VALUATION": _("评估"), "contract": _("签约")}.get(code, code)


@register.filter
def may(staff: Staff, permission: str) -> bool:
    """Does one of the person's roles carry the permission?"""
    return queries.may(staff, permission)


@register.filter
def method_word(code: str) -> str:
    """The word of a way of repaying."""
    return str(RepaymentMethod(code).label) if code in RepaymentMethod.values else code


@register.filter
def state_word(code: str) -> str:
    """The word of how an item of a report was answered."""
    words = {
        "SAME": _("无变化"),
        "CHANGED": _("有变化"),
        "BASELINE": _("登记"),
        "UNVERIFIED": _("未核实"),
        "ANSWERED": _("已答"),
        "FINDING": _("发现"),
        "SYSTEM": _("系统数据"),
        "UNANSWERED": _("未答"),
    }
    return words.get(code, code)


@register.filter
def step_word(code: str) -> str:
    """The word of a step of a task's clock."""
    words = {
        "WAITING": _("待办"),
        "VISITING": _("回访"),
        "REVIEWING": _("审核"),
        "CORRECTING": _("修改"),
        "TELLING": _("告知结果"),
    }
    return words.get(code, code)


@register.filter
def stage_word(code: str) -> str:
    """The word of a stage of day end."""
    words = {
        "bill": _("出账"),
        "subsidise": _("贴息"),
        "apply_changes": _("合同变更生效"),
        "non_accrual": _("停止计息"),
        "watch_changes": _("重组观察期"),
        "post_waiting_receipts": _("入账"),
        "age": _("逾期计算"),
        "remind": _("还款提醒"),
        "classify": _("分类"),
        "regrade": _("风险等级"),
        "run_off_site": _("非现场检查"),
        "replan": _("回访计划"),
        "answer_events": _("事项回访"),
        "share_out": _("派单与均衡"),
        "tell_signals": _("预警告知"),
        "reprice": _("利率重定价"),
        "close": _("日切"),
    }
    return words.get(code, code)


@register.filter
def count_words(counts: dict[str, int]) -> str:
    """What a stage counted, in words; what it did not find is left out."""
    words = {
        "billed": _("出账"),
        "held_back": _("搁置"),
        "suspense_used": _("暂收抵扣"),
        "cured": _("还清逾期"),
        "loans": _("贷款"),
        "settled": _("结清"),
        "postings": _("分录"),
        "amount_fen": _("金额"),
        "began": _("新增逾期"),
        "further": _("又一期逾期"),
        "moved": _("逾期日变动"),
        "changed": _("变动"),
        "looked_at": _("检查"),
        "closed": _("办结"),
        "created": _("生成"),
        "cancelled": _("撤销"),
        "due_told": _("到期提醒"),
        "overdue_told": _("逾期提醒"),
        "brought_forward": _("提前"),
        "assigned": _("派单"),
        "seconds": _("建议协办人"),
        "levelled": _("均衡提前"),
        "told": _("提示"),
        "warned": pgettext("one", "预警"),
        "ended": _("预警消除"),
        "handed_to_person": _("转人工"),
        "noticed": _("发现事项"),
        "joined": _("并入"),
        "noted": _("附注回访"),
        "repriced": _("重定价"),
        "rate_unchanged": _("利率未变"),
        "repricing_held": _("重定价搁置"),
    }
    found = []
    for name, count in counts.items():
        if count:
            shown = f"{Decimal(count) / 100:,.2f}" if name.endswith("_fen") else f"{count:,}"
            found.append(f"{words.get(name, name)} {shown}")
    return "　".join(found) or NONE


@register.filter
def pause_word(code: str) -> str:
    """Why a clock stands, or a visit was put off."""
    return str(PauseReason(code).label) if code in PauseReason.values else code


@register.filter
def assignment_words(codes: list[str]) -> str:
    """Why a task went to somebody, in words."""
    return assignment_wording.assignment_words(codes)


@register.filter
def alarm_words(code: str) -> str:
    """The words of a first follow-up's alarm."""
    return assignment_wording.alarm_words(code)


@register.filter
def measure_name(kind: Any) -> str:
    """A kind of measure in the reader's language; its words are data of the bank."""
    return str(kind.name_en if (get_language() or "").startswith("en") else kind.name_zh)


@register.filter
def role_word(code: str) -> str:
    """The word of a visitor's part in a visit."""
    return {"lead": _("主办"), "second": _("协办"), "LEAD": _("主办"), "SECOND": _("协办")}.get(code, code)


@register.filter
def seconds(value: timedelta | None) -> str:
    """A duration in seconds with two decimals."""
    return NONE if value is None else f"{Decimal(value // timedelta(milliseconds=10)) / 100:.2f}"


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """A value of a mapping by a key held in a variable; empty when it is not there."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.filter
def words(text: str) -> list[str]:
    """The words of a list written as one string in a template."""
    return text.split()


@register.filter
def month_number(month: str, with_year: bool = False) -> str:
    """7 of 2026-07; with the year in front (25-11) on the first of a strip and every January."""
    year, _dash, number = month.partition("-")
    return f"{year[2:]}-{int(number)}" if with_year or number == "01" else str(int(number))


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any]) -> str:
    """The address of the page in the browser, also when only a part of it is being made."""
    request = context["request"]
    current = request.htmx.current_url_abs_path if getattr(request, "htmx", None) else None
    return current or request.get_full_path()


@register.simple_tag(takes_context=True)
def querystring_without(context: dict[str, Any], name: str) -> str:
    """The page's query string without one filter and without the place in the list."""
    query = context["request"].GET.copy()
    for each in (name, "cursor", "task", "report"):
        query.pop(each, None)
    return "?" + query.urlencode()


@register.filter
def or_none(value: Any) -> Any:
    return NONE if value is None or value == "" else value


@register.simple_tag
def demo_sign_ins() -> list[tuple[str, str, str, str]]:
    """Staff number, name, role and password of the demo's cards; none outside the demo."""
    if not settings.DEMO:
        return []
    from config.demo import sign_ins

    return sign_ins()
