"""Why a row of a money file could not be used, in the bank's language; pages put the stored words into the reader's."""

from django.utils.translation import gettext, gettext_noop, override

LANGUAGE = "zh-hans"
REASONS = {
    "missing": gettext_noop("必填项为空"),
    "malformed": gettext_noop("含有不允许的字符或过长"),
    "unknown_channel": gettext_noop("没有这个渠道"),
    "not_positive": gettext_noop("金额应大于零"),
    "not_an_amount": gettext_noop("不是金额：只能是数字，至多两位小数"),
    "not_a_date": gettext_noop("不是日期：应为 YYYY-MM-DD"),
    "surplus": gettext_noop("本行的列数多于表头"),
    "unmatched": gettext_noop("没有这个借据号或外部编号的贷款"),
    "not_a_result": gettext_noop("扣款结果只能是 PAID、PARTIAL 或 FAILED"),
    "failed_with_money": gettext_noop("扣款失败却有扣款金额"),
    "unknown_instruction": gettext_noop("没有这个指令号的扣款指令"),
    "answered_otherwise": gettext_noop("该指令已有不同的回盘结果"),
    "before_instruction": gettext_noop("起息日早于扣款指令的日期"),
    "long_after_instruction": gettext_noop("起息日晚于扣款指令一个月以上"),
    "paid_more_than_asked": gettext_noop("扣款金额大于指令金额"),
    "result_contradicts_paid": gettext_noop("扣款结果与金额不符：PAID 应为全额，PARTIAL 应少于指令金额"),
}


def stored_reason(code: str) -> str:
    """The words that are kept with the break."""
    return REASONS[code]


def reason_in_words(stored: str) -> str:
    """Kept words in the reader's language, as far as the catalogue knows them."""
    return gettext(stored) if stored else ""


def in_the_banks_language() -> override:
    """What is kept is written in one language, whoever sends the file."""
    return override(LANGUAGE)
