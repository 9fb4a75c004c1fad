"""Says an amount in capital figures (人民币大写, 支付结算办法): 1,000,053.05 is 壹佰万零伍拾叁元零伍分."""

from decimal import Decimal

from loans.rules.money import fen

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def capital_amount(amount: Decimal) -> str:
    """An amount in capital figures, as on a bank's slips."""
    total = fen(amount)
    yuan, (jiao, cent) = total // 100, divmod(total % 100, 10)
    words = f"{_whole(yuan)}元" if yuan else ""
    if not jiao and not cent:
        return f"{words or '零元'}整"
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    elif yuan:
        words += "零"
    return words + (f"{_DIGITS[cent]}分" if cent else "")


def _whole(number: int) -> str:
    """Whole yuan by groups of four digits."""
    groups = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    words = ""
    is_gap = False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            is_gap = True
            continue
        if words and (is_gap or group < 1000):
            words += "零"
        words += _group(group) + _GROUPS[place]
        is_gap = False
    return words


def _group(number: int) -> str:
    """Up to four digits; zeros inside are spoken once."""
    words, is_gap = "", False
    for place in range(3, -1, -1):
        digit = number // 10**place % 10
        if not digit:
            is_gap = bool(words)
            continue
        words += ("零" if is_gap else "") + _DIGITS[digit] + _UNITS[place]
        is_gap = False
    return words
