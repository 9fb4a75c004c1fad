"""What a report says that a signal policy may warn of: facts of its figures, and one set for each finding and event.

A ratio counts only where it is past its limit now and was not known to be so before; what has long been so warned
somebody when it came.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from followups.rules.events import BY_CODE, CONFIRMED, ITEM_PREFIX, item_key

_RATIOS: Final = ("payment_to_income", "debt_to_income")
_FINDING: Final = "finding:"


def figures(content: Mapping[str, Any]) -> dict[str, object]:
    """Facts of income and ratios; None where a figure is not known."""
    facts: dict[str, object] = {"income_change_percent": _number(content["income_change_percent"])}
    income = next((row for row in _rows(content) if row["key"] == "monthly_income"), None)
    if income is not None and income["state"] == "CHANGED":
        facts |= {"income_before": _number(income["before"]), "income": _number(income["now"])}
    for ratio in content["ratios"]:
        code = ratio["code"]
        if code not in _RATIOS:
            continue
        before, after, limit = (_number(ratio[part]) for part in ("before", "after", "limit"))
        facts |= {code: after, f"{code}_before": before, f"{code}_limit": limit}
        is_new = ratio["is_over"] and (before is None or limit is None or before <= limit)
        facts[f"{code}_over"] = after - limit if is_new and after is not None and limit is not None else None
    return facts


def findings(content: Mapping[str, Any], events: Sequence[tuple[int, str]]) -> list[dict[str, object]]:
    """A set of facts for each remarkable answer and each event (id, code) that the visit confirmed."""
    rows = {row["key"]: row for row in _rows(content)}
    keys = [reason.removeprefix(_FINDING) for reason in content["conclusion"]["reasons"] if reason.startswith(_FINDING)]
    found: list[dict[str, object]] = [
        {"key": key, "now": rows[key]["now"]} for key in keys if not key.startswith(ITEM_PREFIX)
    ]
    for event_id, code in events:
        row = rows.get(item_key(event_id))
        if row is not None and row["now"] == CONFIRMED:
            found.append({"key": code, "event_level": BY_CODE[code].level})
    return found


def _rows(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for section in content["sections"] for row in section["items"]]


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None
