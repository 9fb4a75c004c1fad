"""What the page of a version shows: lines beside those of the version it is based on, hits, findings, the dry run."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from followups.models.policy import FollowUpPolicy, PolicyRun, PolicyRunState
from followups.policy_wording import (
    CHANGE_WORDS,
    KIND_WORDS,
    STATE_WORDS,
    conditions_words,
    finding_words,
    result_words,
)
from followups.queries.assigning import visiting_roles
from followups.queries.policy import lines_of, run_of
from followups.rules.default_policy import CYCLE_BOUNDS
from followups.rules.policy_check import ERROR, check
from followups.rules.policy_compare import ADDED, CHANGED, GONE, Compared, compare
from followups.rules.policy_draft import put
from followups.views.policy_form import controls
from followups.views.policy_load import chart_of
from people.models import Staff
from people.queries import may
from people.rules.policy import Line


def shown(policy: FollowUpPolicy, staff: Staff, open_line: int, typed: Line | None) -> dict[str, Any]:
    """The context of the page; a typed line is checked and shown as if it stood in the draft."""
    lines = lines_of(policy)
    is_own = policy.maker == staff.staff_no
    may_edit = policy.state == "DRAFT" and is_own and may(staff, "followups.propose_policy")
    seen = put(lines, typed) if typed is not None and typed.number else lines
    findings = check(seen, visiting_roles())
    source = FollowUpPolicy.objects.filter(version=policy.based_on).first() if policy.based_on else None
    before = lines_of(source) if source else seen
    run = run_of(policy, lines)
    last = policy.runs.order_by("-id").first()
    compared = compare(before, seen)
    edited = next((line for line in seen if line.number == open_line), None) if may_edit else None
    return {
        "policy": policy,
        "state": STATE_WORDS[policy.state],
        "source": source,
        "groups": _groups(compared, run, {n for f in findings if f.code == "UNREACHABLE" for n in f.lines[:1]}),
        "changed": sum(each.change == CHANGED for each in compared),
        "added": sum(each.change == ADDED for each in compared),
        "gone": sum(each.change == GONE for each in compared),
        "form": controls(edited) if edited else None,
        "findings": [{"finding": each, "words": finding_words(each)} for each in findings if each.weight != "NOTE"],
        "notes": [{"finding": each, "words": finding_words(each)} for each in findings if each.weight == "NOTE"],
        "is_fit": all(each.weight != ERROR for each in findings),
        "run": run,
        "running": _progress(last),
        "failed": last is not None and last.state == PolicyRunState.FAILED,
        "figures": _figures(run),
        "changes": _changes(run),
        "chart": chart_of(run) if run else None,
        "above": _above(run),
        "may_edit": may_edit,
        "may_decide": policy.state == "SUBMITTED" and not is_own and may(staff, "followups.approve_policy"),
        "may_withdraw": policy.state in ("DRAFT", "SUBMITTED") and is_own,
        "is_own_waiting": policy.state == "SUBMITTED" and is_own,
    }


def _groups(compared: list[Compared], run: PolicyRun | None, dead: set[int]) -> list[dict[str, Any]]:
    summary = run.summary if run else {}
    old, new = summary.get("hits_before", {}), summary.get("hits_after", {})
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in compared:
        row: dict[str, Any] = {"change": _change_words(each), "is_gone": each.after is None, "line": each.after}
        line, was = each.after or each.before, each.before
        assert line is not None
        row["conditions"], (row["method"], row["limit"]) = conditions_words(line), result_words(line)
        row["note"] = line.note
        if each.change == CHANGED and was is not None:
            told = {
                "conditions": conditions_words(was),
                **dict(zip(("method", "limit"), result_words(was), strict=True)),
            }
            row["was"] = {name: words for name, words in told.items() if words != row[name]}
        row["hits_before"] = old.get(str(was.number), 0) if run and was else None
        row["hits_after"] = new.get(str(each.after.number), 0) if run and each.after else None
        row["is_dead"] = each.after is not None and each.after.number in dead
        groups.setdefault(each.kind, []).append(row)
    groups.setdefault(CYCLE_BOUNDS, [])
    return [{"kind": kind, "words": KIND_WORDS.get(kind, kind), "rows": rows} for kind, rows in groups.items()]


def _change_words(each: Compared) -> str:
    return {CHANGED: _("已改"), ADDED: _("新增"), GONE: _("删除")}.get(each.change, "")


def _progress(run: PolicyRun | None) -> dict[str, Any] | None:
    if run is None or run.state != PolicyRunState.RUNNING:
        return None
    parts = list(run.parts.values_list("loans", flat=True))
    return {"run": run, "all": len(parts), "done": sum(loans is not None for loans in parts)}


def _figures(run: PolicyRun | None) -> list[dict[str, Any]]:
    """Rows of the workload table: before, after, and by how much."""
    if run is None:
        return []
    before, after, busiest = run.summary["before"], run.summary["after"], run.summary["busiest"]
    labels = (
        ("visits", _("一年回访，次")), ("field", _("其中实地，次")), ("off_site", _("非现场检查，次")),
        ("hours", _("一年工时，小时")), ("visits_a_week", _("每人每周，次")), ("field_a_week", _("每人每周实地，次")),
        ("hours_a_week", _("每人每周，小时")),
    )  # fmt: skip
    rows = [{"label": label, "before": before[name], "after": after[name]} for name, label in labels]
    busy = _("单人最忙一周，上限 %(most)s") % {"most": run.summary["ceiling"]}
    rows.append({"label": busy, **busiest, "over": max(0, busiest["after"] - run.summary["ceiling"])})
    for row in rows:
        change = Decimal(str(row["after"])) - Decimal(str(row["before"]))
        row["change"] = f"{change:+,}".replace("-", "−") if change else "–"
    return rows


def _changes(run: PolicyRun | None) -> list[dict[str, Any]]:
    if run is None:
        return []
    counts = run.summary["changes"]
    return [{"code": code, "words": words, "count": counts.get(code, 0)} for code, words in CHANGE_WORDS.items()]


def _above(run: PolicyRun | None) -> dict[str, int] | None:
    """In how many of the next 26 weeks somebody is above the ceiling, and how many at most in one of them."""
    over = [week[4] for week in run.summary["weeks"][:26] if week[4]] if run else []
    return {"weeks": len(over), "people": max(over)} if over else None
