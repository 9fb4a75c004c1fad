"""A line of a policy as a form: each fact and result has its control, and what was typed becomes a line again.

What cannot be read is kept as it was typed: a draft may hold it, and the checker says what is wrong with it.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from followups.models import Method
from followups.policy_wording import (
    FACT_WORDS,
    LEVEL_WORDS,
    OP_WORDS,
    RESULT_WORDS,
    checklist_words,
    many,
    value_words,
)
from followups.queries.assigning import visiting_roles
from followups.rules.checklist_items import CHECKLIST_CODES
from followups.rules.default_policy import CYCLE_BOUNDS, FIRST_METHOD, FIRST_NODES, FIRST_TALK, OVERDUE, PERIODIC
from followups.rules.policy_facts import FACTS
from followups.rules.policy_results import MOST_METHODS
from people.rules.policy import OPERATORS, Condition, Line

_NUMBERS = re.compile(r"[0-9]+")
_ASKED = {
    FIRST_NODES: ("days", "opens_day"),
    FIRST_TALK: ("days",),
    FIRST_METHOD: ("method", "level", "checklist", "role"),
    OVERDUE: (
        "from_day",
        "step",
        "method",
        "level",
        "limit_workdays",
        "call_list_from",
        "checklist",
        "role",
        "is_light",
    ),
    PERIODIC: ("months", "methods", "level", "opens_days_before", "checklist", "role"),
    CYCLE_BOUNDS: ("least_months", "most_months"),
}
METHODS = ("OFF_SITE", "SELF_SERVICE", "PHONE", "FIELD", "VIDEO", "COUNTER")
FIRST_OF_A_KIND: dict[str, dict[str, Any]] = {
    FIRST_NODES: {"days": [30, 60, 90], "opens_day": 15},
    FIRST_TALK: {"days": 30},
    FIRST_METHOD: {"method": "PHONE"},
    OVERDUE: {"rule": "OVERDUE_8", "method": "PHONE", "level": "YELLOW", "limit_workdays": 5, "from_day": 8},
    PERIODIC: {"tier": "OWN", "months": 12, "methods": ["OFF_SITE", "PHONE"]},
    CYCLE_BOUNDS: {"least_months": 1, "most_months": 6},
}


def line_typed(posted: Mapping[str, Any], before: Line) -> Line:
    """The line as it was typed, in the place of the one before."""
    conditions = []
    for place in range(11):
        fact, op = posted.get(f"fact_{place}", ""), posted.get(f"op_{place}", "")
        if fact in FACTS and op in OPERATORS:
            conditions.append(Condition(fact, op, _value(fact, op, posted.get(f"value_{place}", "").strip())))
    note = posted.get("note", "").strip()[:200]
    return Line(before.number, before.kind, tuple(conditions[:10]), _result(posted, before), note)


def _value(fact: str, op: str, text: str) -> Any:
    kind = FACTS[fact]
    if op == "is_missing":
        return None
    if op == "in":
        return [each for each in re.split(r"[\s,;/|]+", text.replace(_("、"), ",")) if each]
    if kind.kind == "YES_NO":
        return {"true": True, "false": False}.get(text, text)
    if kind.is_number and not kind.is_decimal:
        return int(text) if _NUMBERS.fullmatch(text) and len(text) < 10 else text
    return text.replace(",", "") if kind.is_number else text


def _whole(text: str) -> Any:
    return int(text) if _NUMBERS.fullmatch(text) and len(text) < 10 else text


def _result(posted: Mapping[str, Any], before: Line) -> dict[str, Any]:
    told = dict(before.result)
    for name in _ASKED.get(before.kind, ()):
        text = posted.get(f"r_{name}", "").strip()
        if name == "is_light":
            told.pop(name, None)
            if text:
                told[name] = True
        elif name in ("call_list_from", "opens_days_before"):
            told.pop(name, None)
            if text:
                told[name] = _whole(text)
        elif name in ("checklist", "role"):
            told.pop(name, None)
            if text:
                told[name] = text[:30]
        elif name == "level" and before.kind != OVERDUE:
            told.pop(name, None)
            if text not in ("", "NONE"):
                told[name] = text
        elif name == "step":
            told["rule"] = f"OVERDUE_{text}"
        elif name == "days" and before.kind == FIRST_NODES:
            told[name] = [int(each) for each in _NUMBERS.findall(text)[:12] if len(each) < 10]
        elif name == "methods":
            typed = [posted.get(f"r_methods_{place}", "") for place in range(MOST_METHODS)]
            told[name] = [each for each in typed if each]
        elif name in ("method", "level"):
            told[name] = text
        else:
            told[name] = _whole(text)
    return told


def controls(line: Line) -> dict[str, Any]:
    """The line's form: conditions with one empty row more, results by name."""
    rows = [_condition_row(place, each) for place, each in enumerate(line.conditions)]
    if len(rows) < 10:
        rows.append(_condition_row(len(rows), None))
    return {"line": line, "rows": rows, "results": [_control(name, line) for name in _ASKED.get(line.kind, ())]}


def _condition_row(place: int, condition: Condition | None) -> dict[str, Any]:
    fact = FACTS.get(condition.fact) if condition else None
    value = condition.value if condition else ""
    choices: list[tuple[str, str]] = []
    if fact is not None and condition is not None and condition.op not in ("in", "is_missing"):
        if fact.kind == "YES_NO":
            choices = [("true", _("是")), ("false", _("否"))]
            value = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
        elif fact.kind == "CHOICE":
            choices = [(each, value_words(fact.name, each)) for each in fact.choices]
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return {
        "place": place,
        "facts": [
            (name, words, condition is not None and condition.fact == name) for name, words in FACT_WORDS.items()
        ],
        "ops": [
            (op, OP_WORDS[op], condition is not None and condition.op == op)
            for op in (fact.operators if fact else ("=",))
        ],
        "value": "" if value is None else value,
        "choices": [(code, words, code == value) for code, words in choices],
        "has_value": condition is not None and condition.op != "is_missing",
        "unit": "%" if fact is not None and fact.kind == "PERCENT" else "",
    }


def _control(name: str, line: Line) -> dict[str, Any]:
    told = line.result
    shown: dict[str, Any] = {"name": f"r_{name}", "label": RESULT_WORDS.get(name, _("逾期步骤")), "type": "number"}
    if name == "step":
        return {**shown, "value": str(told.get("rule", "")).removeprefix("OVERDUE_")}
    if name == "is_light":
        return {**shown, "type": "check", "value": bool(told.get(name))}
    if name == "methods":
        given = many(told.get("methods"))
        places = [*given, *([""] if len(given) < MOST_METHODS else [])]
        picks = [{"name": f"r_methods_{n}", "choices": _methods(each, True)} for n, each in enumerate(places)]
        return {**shown, "type": "picks", "picks": picks}
    if name == "method":
        return {**shown, "type": "pick", "choices": _methods(told.get(name), False)}
    if name in ("checklist", "role"):
        return {**shown, "type": "pick", "choices": _asks(name, told.get(name, ""))}
    if name == "level":
        level = told.get(name, "" if line.kind == OVERDUE else "NONE")
        return {**shown, "type": "pick", "choices": [(c, w, c == level) for c, w in LEVEL_WORDS.items()]}
    if name == "days" and line.kind == FIRST_NODES:
        return {**shown, "type": "text", "value": _("、").join(map(str, many(told.get("days"))))}
    return {**shown, "value": told.get(name, "")}


def _asks(name: str, chosen: Any) -> list[tuple[str, Any, bool]]:
    """The lists, or the bank's roles that make visits; one that does not exist stays, and the checker says so."""
    known = visiting_roles() if name == "role" else {code: checklist_words(code) for code in CHECKLIST_CODES}
    if chosen and chosen not in known:
        known = {**known, str(chosen): str(chosen)}
    return [("", "–", not chosen), *((code, words, code == chosen) for code, words in known.items())]


def _methods(chosen: Any, may_be_none: bool) -> list[tuple[str, Any, bool]]:
    empty: list[tuple[str, Any, bool]] = [("", "–", not chosen)] if may_be_none else []
    return [*empty, *((code, Method(code).label, code == chosen) for code in METHODS)]
