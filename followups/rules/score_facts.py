"""Which facts of a loan its composite score rests on (`risk.rules.score`): as known before a visit, and as it found.

The visit speaks before the registers; a question that it did not ask, or that was not verified, stays as it was. What
a person lost stays lost for twelve months after a visit confirmed it, and income is compared with the first that the
bank knew: a loan that became worse and stayed so does not look well again because nothing changed since.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from followups.rules.assessment import Assessment, Means, change_percent
from followups.rules.events import CONFIRMED, ITEM_PREFIX
from risk.rules.score import ScoreFacts

JOB_LOSS, JOB_CHANGE, DAMAGE, SEIZED = "JOB_LOSS", "JOB_CHANGE", "DAMAGE", "SEIZED"
_REGISTRATION_LAPSED: Final = "REGISTRATION_LAPSED"
_OF_THE_PROJECT: Final = (("DEVELOPER_BANKRUPT", "BANKRUPT"), ("DEVELOPER_STOPPED", "STALLED"))
_BAD_WORD: Final = ("OVERDUE_ELSEWHERE", "DISHONEST", "ENFORCED")
_RED: Final = 1


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the bank has on record, whatever the visit finds; None where nobody recorded it."""

    today: date
    days_past_due: int
    late_in_24_months: int
    credit_score: int | None
    is_bureau_bad: bool | None
    first_income: Decimal | None
    registration: str | None
    is_delivered: bool | None
    insured_until: date | None
    # Of the area's index over six months, the oldest first; None: the area has no index.
    area_changes: tuple[Decimal, ...] | None
    # Codes of events that visits of the last twelve months confirmed.
    confirmed: Collection[str]
    red_signals: int


def before_visit(recorded: Recorded, known: Mapping[str, Any], assessment: Assessment, means: Means) -> ScoreFacts:
    """What the score rests on before the visit; `known` are the facts frozen when it began."""
    ratios = {ratio.code: ratio.before for ratio in assessment.ratios}
    return _facts(recorded, _values(known), ratios, means, set(recorded.confirmed))


def after_visit(
    recorded: Recorded,
    known: Mapping[str, Any],
    assessment: Assessment,
    means: Means,
    content: Mapping[str, Any],
    confirmed: Collection[str],
) -> ScoreFacts:
    """What it rests on by what the visit found: `content` of the report, codes of the events that it `confirmed`."""
    ratios = {ratio.code: ratio.after for ratio in assessment.ratios}
    rows = {row["key"]: row for section in content["sections"] for row in section["items"]}
    values = _values(known)
    for item, row in rows.items():
        if row["state"] in ("CHANGED", "BASELINE", "ANSWERED", "FINDING"):
            values[item] = str(row["now"])
    facts = _facts(recorded, values, ratios, means, {*recorded.confirmed, *confirmed})
    reds = sum(signal["level"] == _RED for signal in content.get("signals", ()))
    is_elsewhere = rows.get("employer", {}).get("state") == "CHANGED"
    if is_elsewhere and JOB_LOSS not in confirmed:
        facts = replace(facts, work="CHANGED")
    return replace(facts, red_signals=facts.red_signals + reds)


def confirmed_codes(content: Mapping[str, Any], events: Collection[tuple[int, str]]) -> set[str]:
    """Codes of the events (id, code) that the visit found to be true."""
    found = {row["key"] for part in content["sections"] for row in part["items"] if row["now"] == CONFIRMED}
    return {code for event_id, code in events if f"{ITEM_PREFIX}{event_id}" in found}


def _values(known: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(fact.get("value") or "") for key, fact in known.items() if isinstance(fact, Mapping)}


def _facts(
    recorded: Recorded, values: Mapping[str, str], ratios: Mapping[str, Decimal | None], means: Means, said: set[str]
) -> ScoreFacts:
    debt_service = ratios.get("debt_to_income")
    return ScoreFacts(
        debt_service=ratios.get("payment_to_income") if debt_service is None else debt_service,
        days_past_due=recorded.days_past_due,
        late_in_24_months=recorded.late_in_24_months,
        work=_work(means, said),
        income_change_percent=change_percent(recorded.first_income, means.income),
        bureau=_bureau(recorded, said),
        credit_score=recorded.credit_score,
        loan_to_value=ratios.get("loan_to_value"),
        registration=_registration(recorded, values, said),
        condition="DAMAGED" if DAMAGE in said else _unless_unseen(values.get("property_condition")),
        insured_days=_insured_days(recorded, values),
        area_change_percent=_area(recorded.area_changes),
        project=_project(recorded, values, said),
        red_signals=recorded.red_signals,
    )


def _work(means: Means, said: set[str]) -> str | None:
    if JOB_LOSS in said:
        return "LOST"
    if JOB_CHANGE in said:
        return "CHANGED"
    return None if means.income is None else "SAME"


def _bureau(recorded: Recorded, said: set[str]) -> str | None:
    if recorded.is_bureau_bad or any(code in said for code in _BAD_WORD):
        return "BAD"
    return None if recorded.is_bureau_bad is None else "CLEAN"


def _registration(recorded: Recorded, values: Mapping[str, str], said: set[str]) -> str | None:
    if SEIZED in said or values.get("seizure") == "YES":
        return "SEIZED"
    if _REGISTRATION_LAPSED in said:
        return "LAPSED"
    return values.get("registration_kind") or recorded.registration


def _unless_unseen(condition: str | None) -> str | None:
    return None if not condition or condition == "UNKNOWN" else condition


def _insured_days(recorded: Recorded, values: Mapping[str, str]) -> int | None:
    told = values.get("insurance_until")
    until = date.fromisoformat(told) if told else recorded.insured_until
    return None if until is None else (until - recorded.today).days


def _area(changes: tuple[Decimal, ...] | None) -> Decimal | None:
    """One change after the other, in percent, two decimals; an index that did not move is 0."""
    if changes is None:
        return None
    level = Decimal(100)
    for percent in changes:
        level = level * (100 + percent) / 100
    return (level - 100).quantize(Decimal("0.01"))


def _project(recorded: Recorded, values: Mapping[str, str], said: set[str]) -> str | None:
    """Worst word first; a home that was handed over no longer depends on its development."""
    if recorded.is_delivered:
        return "DELIVERED"
    for code, state in _OF_THE_PROJECT:
        if code in said:
            return state
    if values.get("developer_bankrupt") == "YES":
        return "BANKRUPT"
    return values.get("project_state") or None
