"""Decides which measures an officer may propose and what a proposal has to say (处置措施).

The catalogue is data; this is what a new bank starts with. A report that concludes 存在风险 proposes at least one
measure, with an owner and a date; the manager's approval opens it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from followups.rules.checklist import MOST_MEASURES, TEXT_LIMIT, text_faults

FURTHEST: Final = timedelta(days=366)
# (code, name, English, conclusions, workdays)
DEFAULT_MEASURES: Final[tuple[tuple[str, str, str, tuple[str, ...], int], ...]] = (
    ("WATCH", "加强监测，缩短回访周期", "Watch more closely, visit more often", ("WATCH", "AT_RISK"), 20),
    ("PROOF", "补收收入、用途等佐证材料", "Collect missing proof", ("WATCH", "AT_RISK"), 5),
    ("NOTICE", "书面告知，限期整改", "Written notice with a deadline", ("WATCH", "AT_RISK"), 10),
    ("REVALUE", "重新评估押品", "Revalue the collateral", ("WATCH", "AT_RISK"), 10),
    ("REGISTRATION", "办理或补正抵押登记", "Complete or correct the registration", ("WATCH", "AT_RISK"), 10),
    ("PLAN", "调整还款计划（延期、展期、还款方式）", "Adjust the repayment plan", ("WATCH", "AT_RISK"), 10),
    ("COLLECT", "催收逾期款项", "Collect the arrears", ("WATCH", "AT_RISK"), 5),
    ("SECURITY", "追加担保或部分提前还款", "More security, or part prepayment", ("AT_RISK",), 15),
    ("FREEZE", "暂停新增授信", "No further credit", ("AT_RISK",), 2),
    ("LEGAL", "启动法律程序（函告、提前到期、诉讼）", "Legal steps: letter, acceleration, suit", ("AT_RISK",), 10),
)


def proposed(draft: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """The measures of a draft in order; rows left empty are none."""
    rows = draft.get("measures")
    found = rows if isinstance(rows, list) else []
    return [row for row in found if isinstance(row, Mapping) and any(str(value).strip() for value in row.values())]


def faults(
    rows: Iterable[Mapping[str, str]],
    *,
    offered: Iterable[str],
    owners: Iterable[str],
    today: date,
    kept: Sequence[Mapping[str, str]] = (),
) -> list[str]:
    """Codes of what is wrong with proposed measures, each once; beside `kept` ones that are not judged."""
    codes, people = set(offered), set(owners)
    found: list[str] = []
    seen = {str(row.get("code") or "") for row in kept}
    for place, row in enumerate(rows, len(kept)):
        code = str(row.get("code") or "")
        if place >= MOST_MEASURES:
            found.append("measure_too_many")
        if code not in codes:
            found.append("measure_unknown")
        if code in seen:
            found.append("measure_twice")
        seen.add(code)
        if str(row.get("owner") or "") not in people:
            found.append("measure_owner")
        if not _is_day_ahead(str(row.get("due_on") or ""), today):
            found.append("measure_day")
        if text_faults(str(row.get("words") or ""), TEXT_LIMIT):
            found.append("measure_words")
    return list(dict.fromkeys(found))


def _is_day_ahead(text: str, today: date) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10 and today <= day <= today + FURTHEST
