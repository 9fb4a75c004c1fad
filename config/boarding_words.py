"""The words of an import: a sentence for each reason and warning, and the summary for the terminal.

`loans.rules.tape` speaks in codes; here they become sentences. On the screen personal data are masked;
the file of refused rows holds the values as given, because they are to be corrected there.
"""

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.boarding_file import printable
from config.boarding_report import Group, Report
from loans.rules.tape import Refusal, Warning
from people.rules.masking import mask_address, mask_id, mask_name, mask_phone

REASONS: Mapping[str, object] = {
    "missing": gettext_lazy("必填项为空"),
    "too_few_fields": gettext_lazy("本行只有 %(given)s 项，表头有 %(expected)s 列"),
    "too_many_fields": gettext_lazy("本行有 %(given)s 项，表头只有 %(expected)s 列"),
    "too_long": gettext_lazy("超过 %(longest)s 个字符"),
    "unseen_characters": gettext_lazy("含有不可见字符（控制字符、零宽字符或文字方向控制符）"),
    "not_an_amount": gettext_lazy(
        "不是金额：只用半角数字和小数点，最多 13 位整数、2 位小数，不用千分位、正负号或科学计数"
    ),
    "too_many_decimals": gettext_lazy("金额小数超过两位"),
    "not_positive": gettext_lazy("必须大于 0"),
    "amount_too_large": gettext_lazy("余额不能超过 %(largest)s"),
    "negative": gettext_lazy("不能为负数"),
    "not_a_rate": gettext_lazy("不是年利率：只用半角数字和小数点，单位为百分数，最多 4 位小数"),
    "rate_above_100": gettext_lazy("年利率超过 100%%"),
    "not_a_day": gettext_lazy("不是日期：须写成 年-月-日，如 2026-10-31"),
    "no_such_day": gettext_lazy("没有这一天"),
    "day_out_of_range": gettext_lazy("日期须在 %(earliest)s 至 %(latest)s 之间"),
    "not_a_whole_number": gettext_lazy("不是整数：只用半角数字"),
    "number_out_of_range": gettext_lazy("须在 %(lowest)s 至 %(highest)s 之间"),
    "not_a_code": gettext_lazy("只能用半角字母、数字、- 和 _，并以字母或数字开头"),
    "name_length": gettext_lazy("姓名须为 %(shortest)s 至 %(longest)s 个字"),
    "identity_form": gettext_lazy("身份证号须为 17 位数字加 1 位校验码"),
    "identity_birth_date": gettext_lazy("身份证号中的出生日期不存在"),
    "identity_check_digit": gettext_lazy("身份证号校验码不对"),
    "unknown_repayment_method": gettext_lazy("不支持的还款方式，目前只有：%(choices)s"),
    "not_yes_or_no": gettext_lazy("须为 Y 或 N"),
    "not_a_payment_record": gettext_lazy("须为 24 位还款记录，每位是 N、*、C、# 或 1 至 7，由远及近"),
    "disbursed_later": gettext_lazy("放款日晚于数据日 %(as_of)s"),
    "matures_too_early": gettext_lazy("到期日不晚于放款日 %(disbursed_on)s"),
    "value_without_day": gettext_lazy("有评估价值但没有评估日期"),
    "repeated_id": gettext_lazy("同一外部编号已在本文件第 %(first_row)s 行出现"),
    "repeated_loan_note_no": gettext_lazy("同一借据号已在本文件第 %(first_row)s 行出现"),
    "differs_from_bank": gettext_lazy(
        "系统中已有同一编号而内容不同的贷款：借据号 %(loan_note_no)s，来自 %(file_name)s 第 %(line)s 行"
    ),
    "loan_in_bank": gettext_lazy("系统中已有同一编号的贷款：借据号 %(loan_note_no)s，不是由台账导入"),
    "loan_note_no_taken": gettext_lazy("借据号已被系统中的另一笔贷款（外部编号 %(external_id)s）使用"),
}

ODDITIES: Mapping[str, object] = {
    "outstanding_above_original": gettext_lazy("余额大于原始本金"),
    "no_value": gettext_lazy("没有评估价值：不建立估值，抵押率未知"),
    "value_below_outstanding": gettext_lazy("评估价值低于余额"),
    "appraised_later": gettext_lazy("评估日期晚于数据日"),
    "high_rate": gettext_lazy("年利率高于 10%%"),
    "long_term": gettext_lazy("期限超过 360 个月"),
    "matured_with_balance": gettext_lazy("已到期仍有余额"),
    "disbursed_on_as_of": gettext_lazy("放款日就是数据日"),
    "unknown_property_type": gettext_lazy("未知的房产类型，按“其他”登记"),
    "no_property_type": gettext_lazy("没有房产类型，按“其他”登记"),
    "no_owner_occupied": gettext_lazy("没有自住标志"),
    "no_credit_score": gettext_lazy("没有信用评分"),
    "odd_credit_score": gettext_lazy("信用评分不在 300 至 950 之间"),
    "no_phone": gettext_lazy("没有联系电话"),
    "odd_phone": gettext_lazy("电话号码格式不对，照原样保留"),
    "unknown_province": gettext_lazy("身份证号的省级代码不在册"),
    "under_age": gettext_lazy("放款时借款人未满 18 岁"),
    "registered_without_number": gettext_lazy("有登记日期但没有登记证明号"),
    "day_after_as_of": gettext_lazy("日期晚于数据日"),
    "overdue_before_disbursement": gettext_lazy("逾期起始日早于放款日"),
    "no_due_day_in_arrears": gettext_lazy("逾期期间内没有还款日"),
    "unknown_officer": gettext_lazy("没有这个工号的在岗人员，暂不指定管户客户经理"),
    "officer_elsewhere": gettext_lazy("管户客户经理属于其他机构"),
    "different_name": gettext_lazy("同一身份证号在系统中的姓名不同，保留系统中的姓名"),
    "different_phone": gettext_lazy("同一身份证号在系统中的电话不同，保留系统中的电话"),
}

_MASKS = {
    "borrower_name": mask_name,
    "borrower_id_no": mask_id,
    "borrower_phone": mask_phone,
    "property_address": mask_address,
}


def reason(refusal: Refusal) -> str:
    """The sentence of a refusal."""
    return str(REASONS[refusal.code]) % refusal.params


def oddity(code: str) -> str:
    """The sentence of a kind of warning."""
    return str(ODDITIES[code]) % {}


def shown_value(column: str, value: str) -> str:
    """A value for the screen: masked where personal, cut short, nothing unseen in it."""
    mask = _MASKS.get(column)
    return printable(mask(value) if mask and value else value, 40)


def summary(report: Report, refused_to: str = "") -> Iterator[str]:
    """The report as lines for a person."""
    if report.is_dry_run:
        yield _("试运行：以下为预计结果，没有写入任何数据。")
    yield _("文件 %(name)s（%(encoding)s），数据日 %(as_of)s%(source)s") % {
        "name": printable(report.file_name, 80),
        "encoding": report.encoding.upper(),
        "as_of": report.as_of,
        "source": "" if report.as_of_given else _("（取自最晚的评估日期）"),
    }
    if report.surplus:
        names = "、".join(printable(name, 40) for name in report.surplus)
        yield _("忽略未知的列：%(names)s") % {"names": names}
    yield _("共 %(rows)s 行：导入 %(imported)s，未变 %(unchanged)s，拒绝 %(refused)s") % {
        "rows": f"{report.rows:,}",
        "imported": f"{report.imported:,}",
        "unchanged": f"{report.unchanged:,}",
        "refused": f"{report.refused:,}",
    }
    if report.empty_rows:
        yield _("跳过空行 %(count)s 行") % {"count": report.empty_rows}
    if report.imported:
        yield _("导入行余额合计 %(principal_in)s 元，期初分录本金合计 %(principal_booked)s 元，两者一致") % {
            "principal_in": f"{report.principal_in:,.2f}",
            "principal_booked": f"{report.principal_booked:,.2f}",
        }
    if report.opened_on:
        yield _("开立营业日 %(day)s") % {"day": report.opened_on}
    if report.branches:
        yield _("新建机构 %(count)s 个：%(codes)s") % {
            "count": len(report.branches),
            "codes": "、".join(sorted(report.branches)),
        }
    yield from _warnings(report.warnings)
    yield from _refusals(report, refused_to)


def _warnings(groups: Mapping[str, Group]) -> Iterator[str]:
    if not groups:
        return
    yield _("提示（已照常导入，请核对）：")
    for code, group in sorted(groups.items(), key=lambda item: (-item[1].count, item[0])):
        examples = "；".join(_example(each) for each in group.examples)
        yield _("  %(count)s 笔 %(what)s，如 %(examples)s") % {
            "count": f"{group.count:,}",
            "what": oddity(code),
            "examples": examples,
        }


def _example(warning: Warning) -> str:
    value = shown_value(warning.column, warning.value)
    place = _("第 %(row)s 行") % {"row": warning.row}
    return f"{place} {warning.column}={value}" if value else place


def _refusals(report: Report, refused_to: str) -> Iterator[str]:
    if not report.refusals:
        return
    yield _("拒绝的行（未导入，更正后可再次导入）：")
    for refusal in report.refusals:
        yield _("  第 %(row)s 行 %(column)s “%(value)s”：%(reason)s") % {
            "row": refusal.row,
            "column": refusal.column,
            "value": shown_value(refusal.column, refusal.value),
            "reason": reason(refusal),
        }
    more = report.faults - len(report.refusals)
    if more > 0:
        yield _("  另有 %(count)s 处") % {"count": f"{more:,}"}
    if refused_to:
        yield _("全部拒绝原因已写入 %(path)s") % {"path": refused_to}
    elif more > 0:
        yield _("用 --refused 文件.csv 可得到全部拒绝原因")
